// SPDX-License-Identifier: Apache-2.0

#include "weir/base/log.h"

#include <fstream>
#include <limits>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "weir/base/temporary_folder_testing.h"
#include "weir/base/utf8_text.h"

namespace weir {
namespace {

using Json = nlohmann::json;
using std::string_literals::operator""s;

constexpr int64_t kTime = 1'769'860'800'123'456;  // 2026-01-31T12:00:00.123456Z

std::string Line(LogFormat format, std::string_view message,
                 std::initializer_list<LogField> fields = {}) {
  return LogLine({.time_us = kTime,
                  .level = LogLevel::kWarn,
                  .message = message,
                  .fields = {fields.begin(), fields.size()}},
                 format);
}

/// What a log must be able to hold.
std::vector<std::string> HostileTexts() {
  std::vector<std::string> texts = {"",
                                    " ",
                                    "a=b",
                                    "\"quoted\" and `quoted`",
                                    "C:\\new\\table\\",
                                    "two\nlines\r\n\tindented",
                                    "\0nul\0"s,
                                    "\x1b[31mred\x1b[0m",
                                    "\x7f",
                                    "\xc2\x9b"
                                    "31m",
                                    "\xff\xfe not \xc3( UTF-8 \xed\xa0\x80",
                                    "cut \xe2\x82",
                                    "Côte d'Ivoire, 北京, 😀, \u2028",
                                    "{\"message\": \"forged\"}",
                                    "}\n{\"level\": \"error\"}"};
  texts.emplace_back(1 << 20, 'x');
  texts.emplace_back(std::string(70'000, '\n') + "end");
  for (int byte = 0; byte < 256; ++byte) texts.emplace_back(1, static_cast<char>(byte));
  return texts;
}

TEST(LogLine, JsonReadsBackWhatWasWritten) {
  for (const std::string& text : HostileTexts()) {
    const std::string line = Line(LogFormat::kJson, text, {{"view", text}, {"rows", 3}});
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_FALSE(FindInvalidUtf8(line));
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(json.is_object()) << line;
    EXPECT_EQ(json["time"], "2026-01-31T12:00:00.123Z");
    EXPECT_EQ(json["level"], "warn");
    EXPECT_EQ(json["rows"], 3);
    EXPECT_EQ(json.contains("view"), !text.empty());
    if (FindInvalidUtf8(text)) continue;
    EXPECT_EQ(json["message"], text);
    if (!text.empty()) {
      EXPECT_EQ(json["view"], text);
    }
  }
}

TEST(LogLine, JsonHasNumbersAndFlags) {
  const Json json = Json::parse(Line(LogFormat::kJson, "m",
                                     {{"least", std::numeric_limits<int64_t>::min()},
                                      {"most", std::numeric_limits<int64_t>::max()},
                                      {"seconds", 0.25},
                                      {"none", std::numeric_limits<double>::quiet_NaN()},
                                      {"flag", true},
                                      {"size", size_t{7}}}));
  EXPECT_EQ(json["least"], std::numeric_limits<int64_t>::min());
  EXPECT_EQ(json["most"], std::numeric_limits<int64_t>::max());
  EXPECT_EQ(json["seconds"], 0.25);
  EXPECT_TRUE(json["none"].is_null());
  EXPECT_EQ(json["flag"], true);
  EXPECT_EQ(json["size"], 7);
}

TEST(LogLine, NoFieldTakesThePlaceOfTheOthers) {
  const Json json = Json::parse(
      Line(LogFormat::kJson, "m", {{"message", "x"}, {"level", "x"}, {"a", 1}, {"a", 2}}));
  EXPECT_EQ(json["message"], "m");
  EXPECT_EQ(json["level"], "warn");
  EXPECT_EQ(json["a"], 1);
}

TEST(LogLine, Text) {
  EXPECT_EQ(Line(LogFormat::kText, "view `a` was built",
                 {{"view", "a"},
                  {"rows", 12},
                  {"seconds", 0.5},
                  {"whole", true},
                  {"nothing", ""},
                  {"reason", "files of \"x\" changed"},
                  {"path", "C:\\x"}}),
            "2026-01-31T12:00:00.123Z WARN view `a` was built view=a rows=12 seconds=0.5 "
            "whole=true reason=\"files of \\\"x\\\" changed\" path=\"C:\\\\x\"");
  EXPECT_EQ(Line(LogFormat::kText, "a\nb", {{"k", "c\td"}}),
            "2026-01-31T12:00:00.123Z WARN a\\nb k=\"c\\td\"");
}

TEST(LogLine, TextIsOneLineThatNoTerminalObeys) {
  for (const std::string& text : HostileTexts()) {
    const std::string line = Line(LogFormat::kText, text, {{"view", text}, {text, 1}});
    EXPECT_FALSE(FindInvalidUtf8(line));
    for (size_t i = 0; i < line.size(); ++i) {
      const auto byte = static_cast<unsigned char>(line[i]);
      ASSERT_TRUE(byte >= ' ' && byte != 0x7f) << int{byte};
      if (byte == 0xc2) {
        ASSERT_GE(static_cast<unsigned char>(line[i + 1]), 0xa0);
      }
    }
  }
}

TEST(LogLevel, Names) {
  for (const auto level : {LogLevel::kTrace, LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn,
                           LogLevel::kError, LogLevel::kOff})
    EXPECT_EQ(FindLogLevel(ToString(level)), level);
  EXPECT_FALSE(FindLogLevel("INFO"));
  EXPECT_FALSE(FindLogLevel(""));
}

// The one test that opens the log of this process.
TEST(Log, GoesToItsFileWholeFromManyThreads) {
  const TemporaryFolder folder;
  EXPECT_FALSE(IsLogged(LogLevel::kError));
  Log(LogLevel::kError, "before it is open");
  const Status missing =
      OpenLog({.level = LogLevel::kInfo, .file = (folder.path() / "no" / "log").string()});
  EXPECT_EQ(missing.code(), StatusCode::kIo);
  EXPECT_NE(missing.message().find("/no/log"), std::string::npos) << missing.message();
  EXPECT_FALSE(IsLogged(LogLevel::kError));

  const std::string path = (folder.path() / "log").string();
  std::ofstream(path) << "{}\n";
  ASSERT_TRUE(OpenLog({.level = LogLevel::kInfo, .format = LogFormat::kJson, .file = path}).ok());
  EXPECT_FALSE(LogOwnsStderr());
  EXPECT_TRUE(IsLogged(LogLevel::kInfo));
  EXPECT_FALSE(IsLogged(LogLevel::kDebug));
  static constexpr int kThreads = 8, kRecords = 200;
  {
    const LogContext context("run_id", "r1");
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([t] {
        for (int i = 0; i < kRecords; ++i) {
          Log(LogLevel::kInfo, std::string(static_cast<size_t>(i) * 50, 'm'), {{"thread", t}});
          Log(LogLevel::kDebug, "not wanted");
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    Log(LogLevel::kError, "of another run", {{"run_id", "r0"}});
  }
  Log(LogLevel::kWarn, "of no run");

  std::ifstream file(path);
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_EQ(line, "{}") << "what was there stays";
  std::vector<int> counts(kThreads);
  for (int i = 0; i < kThreads * kRecords; ++i) {
    ASSERT_TRUE(std::getline(file, line));
    const Json json = Json::parse(line);
    EXPECT_EQ(json["run_id"], "r1");
    const int thread = json["thread"];
    const auto known = static_cast<size_t>(counts[static_cast<size_t>(thread)]++);
    EXPECT_EQ(json["message"].get<std::string>().size(), known * 50) << "in order";
  }
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_EQ(Json::parse(line)["run_id"], "r0");
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_FALSE(Json::parse(line).contains("run_id"));
  EXPECT_FALSE(std::getline(file, line));
}

}  // namespace
}  // namespace weir
