// SPDX-License-Identifier: Apache-2.0

#include "weir/run/run_circumstances.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "weir/base/temporary_folder_testing.h"

namespace weir {
namespace {

void Shell(const std::string& folder, const std::string& script) {
  ASSERT_EQ(std::system(("cd '" + folder + "' && " + script + " >/dev/null 2>&1").c_str()), 0)
      << script;
}

TEST(RecordableArguments, LeaveOutWhatCouldBeASecret) {
  EXPECT_EQ(RecordableArguments({"run", "--set", "day=2024-01-01", "--set=key=abc", "--select",
                                 "a+", "--warehouse", "s3://ada:pa@ss@bucket/x",
                                 "--aws-secret-key=abc", "--tag", "x=y", "http://host/a@b"}),
            (std::vector<std::string>{"run", "--set", "day=…", "--set=key=…", "--select", "a+",
                                      "--warehouse", "s3://***@bucket/x", "--aws-secret-key=***",
                                      "--tag", "x=y", "http://host/a@b"}));
}

TEST(GitState, IsNothingOutsideOfARepository) {
  const TemporaryFolder folder;
  EXPECT_EQ(GitStateOf(folder.path()), std::nullopt);
}

TEST(GitState, FollowsTheRepository) {
  const TemporaryFolder folder;
  const std::string path = folder.path();
  Shell(path, "git init -b trunk");
  auto state = GitStateOf(path);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->commit, "");
  EXPECT_EQ(state->branch, "trunk");
  EXPECT_FALSE(state->is_dirty);

  std::filesystem::create_directories(path + "/project");
  std::filesystem::create_directories(path + "/other");
  std::ofstream(path + "/project/a") << "1";
  EXPECT_TRUE(GitStateOf(path + "/project")->is_dirty);
  Shell(path, "git add -A && git -c user.name=a -c user.email=a@b commit -m x");
  state = GitStateOf(path + "/project");
  EXPECT_EQ(state->commit.size(), 40);
  EXPECT_FALSE(state->is_dirty);

  std::ofstream(path + "/other/b") << "1";
  EXPECT_FALSE(GitStateOf(path + "/project")->is_dirty) << "what lies elsewhere does not count";
  std::ofstream(path + "/project/a") << "2";
  EXPECT_TRUE(GitStateOf(path + "/project")->is_dirty);
  Shell(path, "git checkout --detach");
  EXPECT_EQ(GitStateOf(path)->branch, "");
}

TEST(Circumstances, AreThoseOfThisProcess) {
  const TemporaryFolder folder;
  const RunCircumstances found = ObserveCircumstances(folder.path(), "1.2", {"run"});
  EXPECT_EQ(found.weir_version, "1.2");
  EXPECT_GT(found.pid, 0);
  EXPECT_GT(found.cpus, 0);
  EXPECT_GT(found.memory_bytes, 1 << 20);
  EXPECT_NE(found.os.find("Linux"), std::string::npos) << found.os;
  EXPECT_FALSE(found.user.empty());
  EXPECT_FALSE(found.host.empty());
}

}  // namespace
}  // namespace weir
