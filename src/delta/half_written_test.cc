// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/half_written.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "weir/base/temporary_folder_testing.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int64_t kSinceMs = 1'700'000'000'000;

/// A table in a folder. What is written is late, until it is made old.
class HalfWritten : public testing::Test {
 protected:
  std::string Log(const std::string& name) const { return folder_ + "/_delta_log/" + name; }
  static std::string Commit(int64_t version) { return fmt::format("{:020}.json", version); }
  static std::string Checkpoint(int64_t version) {
    return fmt::format("{:020}.checkpoint.parquet", version);
  }

  void Write(const std::string& path, const std::string& text, bool is_late = true) const {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    const auto time =
        std::chrono::file_clock::from_sys(std::chrono::sys_time<std::chrono::milliseconds>(
            std::chrono::milliseconds(kSinceMs + (is_late ? 5 : -5))));
    fs::last_write_time(path, time);
  }

  static Json Add(const std::string& path, int64_t size = 10) {
    return {{"add", {{"path", path}, {"size", size}}}};
  }
  static Json Change(const std::string& path) { return {{"cdc", {{"path", path}, {"size", 10}}}}; }
  static Json Remove(const std::string& path) { return {{"remove", {{"path", path}}}}; }

  static std::string Text(const std::vector<Json>& actions) {
    std::string text = Json{{"commitInfo", {{"weirActions", actions.size() + 1}}}}.dump() + "\n";
    for (const Json& action : actions) text += action.dump() + "\n";
    return text;
  }
  /// Writes a commit, and a file of ten bytes for each that it adds.
  void MakeCommit(int64_t version, const std::vector<Json>& actions, bool is_late = true) const {
    for (const Json& action : actions) {
      for (const char* kind : {"add", "cdc"}) {
        if (action.contains(kind))
          Write(folder_ + "/" + action[kind]["path"].get<std::string>(), "0123456789", is_late);
      }
    }
    Write(Log(Commit(version)), Text(actions), is_late);
  }

  std::optional<TakenBack> Take() const {
    const auto taken = TakeBackHalfWritten("file://" + folder_ + "/", kSinceMs);
    EXPECT_TRUE(taken.ok()) << taken.status().ToString();
    return taken.ok() ? *taken : std::nullopt;
  }
  /// The names in the log, but for the zeros that they begin with.
  std::string Left() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ + "/_delta_log")) {
      std::string name = entry.path().filename().string();
      names.insert(name.substr(std::min(name.find_first_not_of('0'), name.size() - 1)));
    }
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
    return text;
  }

  TemporaryFolder temporary_;
  std::string folder_ = (temporary_.path() / "t").string();
};

TEST_F(HalfWritten, LeavesWhatIsWhole) {
  EXPECT_FALSE(Take()) << "there is no table";
  MakeCommit(0, {Add("a")}, false);
  MakeCommit(1, {Remove("a"), Add("b"), Change("_change_data/c")});
  EXPECT_FALSE(Take());
  EXPECT_EQ(Left(), ".json 1.json");
}

TEST_F(HalfWritten, TakesBackCommitsThatAreCutOffAnywhere) {
  MakeCommit(0, {Add("a")}, false);
  const std::string whole = Text({Remove("a"), Add("b")});
  Write(folder_ + "/b", "0123456789");
  for (size_t size = 0; size + 1 < whole.size(); ++size) {
    Write(Log(Commit(1)), whole.substr(0, size));
    const auto taken = Take();
    ASSERT_TRUE(taken) << "of " << size << " bytes";
    EXPECT_EQ(taken->first_version, 1);
    EXPECT_EQ(taken->why, size == 0 ? "its commit is empty" : "its commit ends in the middle");
    EXPECT_EQ(Left(), ".json");
  }
  Write(Log(Commit(1)), whole.substr(0, whole.size() - 1));
  EXPECT_FALSE(Take()) << "all is there but the end of the last line";
}

TEST_F(HalfWritten, TakesBackFromTheFirstOnThatIsNotWhole) {
  MakeCommit(0, {Add("a")}, false);
  MakeCommit(1, {Add("b")});
  MakeCommit(2, {Add("c")});
  MakeCommit(3, {Add("d")});
  fs::remove(folder_ + "/c");
  const auto taken = Take();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->first_version, 2);
  EXPECT_EQ(taken->last_version, 3);
  EXPECT_EQ(taken->why, "its file `c` is missing");
  EXPECT_EQ(Left(), ".json 1.json");
}

TEST_F(HalfWritten, SeesFilesOfAnotherSizeAndChangeDataThatIsMissing) {
  MakeCommit(0, {Add("p=1/a%20b", 10)}, false);
  MakeCommit(1, {Add("p=1/x y")});
  Write(folder_ + "/p=1/x y", "012");
  auto taken = Take();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->why, "its file `p=1/x y` has 3 bytes of 10");
  MakeCommit(1, {Add("b"), Change("_change_data/c")});
  fs::remove(folder_ + "/_change_data/c");
  taken = Take();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->why, "its file `_change_data/c` is missing");
}

TEST_F(HalfWritten, AFileThatALaterVersionRemovedCountsAgainWhenThatOneGoes) {
  MakeCommit(0, {Add("a")}, false);
  MakeCommit(1, {Add("b")});
  MakeCommit(2, {Remove("b"), Add("c")});
  fs::remove(folder_ + "/b");
  EXPECT_FALSE(Take());
  fs::remove(folder_ + "/c");
  const auto taken = Take();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->first_version, 1);
  EXPECT_EQ(taken->why, "its file `b` is missing");
  EXPECT_EQ(Left(), ".json");
}

TEST_F(HalfWritten, FillsNoHoles) {
  MakeCommit(0, {Add("a")}, false);
  MakeCommit(1, {Add("b")});
  MakeCommit(2, {Add("c")});
  fs::remove(Log(Commit(1)));
  const auto taken = Take();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->first_version, 1);
  EXPECT_EQ(taken->why, "its commit is missing");
  EXPECT_EQ(Left(), ".json");
}

TEST_F(HalfWritten, DoesNotTouchWhatIsOlder) {
  MakeCommit(0, {Add("a")}, false);
  MakeCommit(1, {Add("b")}, false);
  MakeCommit(2, {Add("c")});
  Write(Log(Commit(0)), "", false);
  fs::remove(folder_ + "/b");
  EXPECT_FALSE(Take());
  EXPECT_EQ(Left(), ".json 1.json 2.json");
  // A hole before old commits is none that this run left.
  fs::remove(Log(Commit(0)));
  EXPECT_FALSE(Take());
  EXPECT_EQ(Left(), "1.json 2.json");
}

TEST_F(HalfWritten, TakesATableBackWhole) {
  MakeCommit(0, {Add("a")});
  Write(Log(Commit(0)), "{\"commitInfo\":{}}\n{\"add");
  ASSERT_TRUE(Take());
  EXPECT_EQ(Left(), "");
}

TEST_F(HalfWritten, RemovesCheckpointsThatAreCutOffOrOfVersionsThatGo) {
  for (int64_t version = 0; version <= 12; ++version)
    MakeCommit(version, {Add(fmt::format("f{}", version))}, version >= 9);
  Write(Log(Checkpoint(10)), "PAR1 half of it");
  Write(Log("_last_checkpoint"), R"({"version":10})");
  Write(Log(Commit(11) + "#1"), "begun");
  Write(Log(fmt::format("{:020}.crc", 11)), R"({"tableSizeBytes":)");
  EXPECT_FALSE(Take());
  EXPECT_FALSE(fs::exists(Log(Checkpoint(10))));
  EXPECT_FALSE(fs::exists(Log("_last_checkpoint")));
  EXPECT_FALSE(fs::exists(Log(fmt::format("{:020}.crc", 11))));
  EXPECT_TRUE(fs::exists(Log(Commit(11) + "#1"))) << "somebody may be writing it";
  EXPECT_TRUE(fs::exists(Log(Commit(12))));

  Write(Log(Checkpoint(10)), "PAR1 whole PAR1");
  Write(Log("_last_checkpoint"), "");
  EXPECT_FALSE(Take());
  EXPECT_TRUE(fs::exists(Log(Checkpoint(10))));
  EXPECT_FALSE(fs::exists(Log("_last_checkpoint")));

  fs::remove(folder_ + "/f9");
  Write(Log("_last_checkpoint"), R"({"version":10})");
  const auto taken = Take();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->first_version, 9);
  EXPECT_FALSE(fs::exists(Log(Checkpoint(10))));
  EXPECT_FALSE(fs::exists(Log("_last_checkpoint")));
  EXPECT_TRUE(fs::exists(Log(Commit(8))));
}

TEST_F(HalfWritten, KeepsACheckpointThatStandsForCommitsThatAreGone) {
  Write(Log(Checkpoint(10)), "PAR1 whole PAR1");
  MakeCommit(11, {Add("a")});
  Write(Log(Commit(12)), "");
  const auto taken = Take();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->first_version, 12);
  EXPECT_EQ(Left(), "10.checkpoint.parquet 11.json");
}

/// A naive model of the same: the longest prefix of versions that is whole, seen over all prefixes.
TEST_F(HalfWritten, LeavesTheLongestPrefixThatIsWhole) {
  std::mt19937 random(7);
  const auto draw = [&](int most) {
    return static_cast<int>(random() % static_cast<unsigned>(most));
  };
  for (int round = 0; round < 300; ++round) {
    fs::remove_all(folder_);
    const int versions = 2 + draw(6), old = 1 + draw(2);
    std::vector<std::vector<Json>> commits;
    std::set<std::string> active, damaged;
    std::set<int> bad;
    for (int version = 0; version < versions; ++version) {
      std::vector<Json> actions;
      for (const std::string& path : std::set(active)) {
        if (draw(2) == 0) continue;
        actions.push_back(Remove(path));
        active.erase(path);
      }
      for (int file = draw(3); file > 0; --file) {
        const std::string path = fmt::format("f{}-{}", version, file);
        actions.push_back(Add(path));
        active.insert(path);
      }
      MakeCommit(version, actions, version >= old);
      commits.push_back(actions);
    }
    for (int version = old; version < versions; ++version) {
      for (const Json& action : commits[static_cast<size_t>(version)]) {
        if (!action.contains("add") || draw(6) != 0) continue;
        damaged.insert(action["add"]["path"]);
        fs::remove(folder_ + "/" + action["add"]["path"].get<std::string>());
      }
      if (draw(8) == 0) {
        bad.insert(version);
        Write(Log(Commit(version)), "{\"commitInfo");
      }
    }
    const auto is_whole = [&](int count) {
      std::set<std::string> files;
      for (int version = 0; version < count; ++version) {
        if (bad.contains(version)) return false;
        for (const Json& action : commits[static_cast<size_t>(version)]) {
          if (action.contains("add")) files.insert(action["add"]["path"]);
          if (action.contains("remove")) files.erase(action["remove"]["path"]);
        }
      }
      return std::none_of(files.begin(), files.end(),
                          [&](const std::string& file) { return damaged.contains(file); });
    };
    int wanted = versions;
    while (wanted > old && !is_whole(wanted)) --wanted;
    const auto taken = Take();
    int left = 0;
    while (fs::exists(Log(Commit(left)))) ++left;
    EXPECT_EQ(left, wanted) << "round " << round;
    EXPECT_EQ(taken.has_value(), wanted < versions);
    EXPECT_FALSE(Take()) << "a second time";
  }
}

}  // namespace
}  // namespace weir
