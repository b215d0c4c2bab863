// SPDX-License-Identifier: Apache-2.0

#include "weir/base/durability.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "weir/base/temporary_folder_testing.h"

namespace weir {
namespace {

// That what is synced is on the disk is shown by tests/e2e/disturbed_runs_test.py, which sees the
// calls.
TEST(Durability, SyncsAFileWithTheFoldersUpToTheRoot) {
  const TemporaryFolder temporary;
  const std::string root = temporary.path().string() + "/";
  std::filesystem::create_directories(root + "a/b");
  std::ofstream(root + "a/b/c") << "text";
  EXPECT_TRUE(SyncFile(root + "a/b/c", root).ok());
  EXPECT_TRUE(SyncFileSystem(root).ok());
}

TEST(Durability, FailuresNameThePathAndTheReason) {
  const Status file = SyncFile("/none/a/b", "/none/"), folder = SyncFileSystem("/none/");
  EXPECT_EQ(file.message(),
            "cannot bring what was written to the disk, it does not exist: `/none/a/b`");
  EXPECT_EQ(folder.message(),
            "cannot bring what was written to the disk, it does not exist: `/none/`");
}

}  // namespace
}  // namespace weir
