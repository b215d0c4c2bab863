// SPDX-License-Identifier: Apache-2.0

#include "weir/base/child_process.h"

#include <chrono>

#include <gtest/gtest.h>

#include "weir/base/temporary_folder_testing.h"

namespace weir {
namespace {

ChildProcess Shell(const std::string& script, const std::string& input = {}) {
  return {.words = {"/bin/sh", "-c", script},
          .directory = {},
          .input = input,
          .keeps_output = true,
          .is_silent = true,
          .timeout_ms = 20'000};
}

TEST(ChildProcess, GetsItsInputAndReturnsItsOutput) {
  const std::string input(300'000, 'x');
  const auto end = RunChildProcess(Shell("cat; echo done >&2", input));
  ASSERT_TRUE(end.ok()) << end.status().ToString();
  EXPECT_TRUE(end->succeeded());
  EXPECT_EQ(end->output, input);
}

TEST(ChildProcess, OneThatReadsNothingIsNotWaitedFor) {
  const auto end = RunChildProcess(Shell("exit 3", std::string(1 << 20, 'x')));
  ASSERT_TRUE(end.ok()) << end.status().ToString();
  EXPECT_EQ(end->exit_code, 3);
  EXPECT_FALSE(end->succeeded());
  EXPECT_EQ(Describe(*end, 1000), "ended with exit code 3");
}

TEST(ChildProcess, ItsInputCanBeOpenedByName) {
  const auto end = RunChildProcess(Shell("cat /dev/stdin /dev/stdin", "ab"));
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->output, "abab");
}

TEST(ChildProcess, RunsInTheFolder) {
  const TemporaryFolder folder;
  ChildProcess child = Shell("pwd -P");
  child.directory = folder.path();
  const auto end = RunChildProcess(child);
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->output, folder.path().string() + "\n");
}

TEST(ChildProcess, ItsLinesAreTold) {
  std::vector<std::string> lines;
  ChildProcess child = Shell("echo one; echo two >&2; echo; printf 'the rest'; cat >&2", "\nx");
  child.keeps_output = false;
  child.is_silent = false;
  child.on_line = [&](std::string_view line) { lines.emplace_back(line); };
  const auto end = RunChildProcess(child);
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "", "the rest", "x"}));
  EXPECT_EQ(end->output, "");
}

TEST(ChildProcess, OneThatTakesTooLongIsEndedWithWhatItStarted) {
  ChildProcess child = Shell("sleep 60 & sleep 60; echo late");
  child.timeout_ms = 200;
  const auto begin = std::chrono::steady_clock::now();
  const auto end = RunChildProcess(child);
  ASSERT_TRUE(end.ok());
  EXPECT_TRUE(end->timed_out);
  EXPECT_EQ(end->output, "");
  EXPECT_EQ(Describe(*end, 200), "took longer than 0.2 s and was ended");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(ChildProcess, ASignalIsToldFromAnExitCode) {
  const auto end = RunChildProcess(Shell("kill -9 $$"));
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->signal, 9);
  EXPECT_EQ(Describe(*end, 1000), "was ended by signal 9");
}

TEST(ChildProcess, AProgramThatIsNotThereIsNamed) {
  ChildProcess child = Shell("");
  child.words = {"no-such-program-of-weir"};
  const auto end = RunChildProcess(child);
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.status().code(), StatusCode::kNotFound);
  EXPECT_NE(
      end.status().message().find("`no-such-program-of-weir` cannot be started: No such file"),
      std::string::npos)
      << end.status().message();
}

TEST(ChildProcess, AFolderThatIsNotThereIsAFailure) {
  ChildProcess child = Shell("true");
  child.directory = "/no/such/folder";
  EXPECT_FALSE(RunChildProcess(child).ok());
}

}  // namespace
}  // namespace weir
