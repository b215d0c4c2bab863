// SPDX-License-Identifier: Apache-2.0

#include "weir/base/filesystem.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/base/temporary_folder_testing.h"

namespace weir {
namespace {

using Names = std::vector<std::string>;

/// A folder of its own, removed at the end of the test.
class LocalFileSystemTest : public ::testing::Test {
 protected:
  LocalFileSystem files_;
  TemporaryFolder temporary_;
  std::string folder_ = temporary_.path();
};

TEST_F(LocalFileSystemTest, WritesNewFilesWithTheirFoldersAndReadsThem) {
  ASSERT_TRUE(files_.WriteNewFile(folder_ + "/a/b/c.sql", std::string_view("SELECT\0 1", 9)).ok());
  const auto contents = files_.ReadFile(folder_ + "/a/b/c.sql");
  ASSERT_TRUE(contents.ok());
  EXPECT_EQ(*contents, std::string("SELECT\0 1", 9));
  EXPECT_TRUE(files_.Exists(folder_ + "/a/b/c.sql"));
  EXPECT_FALSE(files_.IsDirectory(folder_ + "/a/b/c.sql"));
  EXPECT_TRUE(files_.IsDirectory(folder_ + "/a/b"));
}

TEST_F(LocalFileSystemTest, NeverReplacesAFile) {
  ASSERT_TRUE(files_.WriteNewFile(folder_ + "/a", "old").ok());
  const Status status = files_.WriteNewFile(folder_ + "/a", "new");
  EXPECT_EQ(status.code(), StatusCode::kAlreadyExists);
  EXPECT_NE(status.message().find("`" + folder_ + "/a`"), std::string::npos) << status.message();
  EXPECT_EQ(*files_.ReadFile(folder_ + "/a"), "old");
}

TEST_F(LocalFileSystemTest, ListsFilesOfAllSubfoldersInByteOrder) {
  for (const char* name : {"b.sql", "a/z.sql", "a/b/c.sql", "a.sql", "B.sql"}) {
    ASSERT_TRUE(files_.WriteNewFile(folder_ + "/" + name, "").ok());
  }
  std::filesystem::create_directory(folder_ + "/empty");
  std::filesystem::create_symlink("nowhere", folder_ + "/dangling.sql");
  std::filesystem::create_directory_symlink(folder_, folder_ + "/a/loop");
  for (const std::string& folder : {folder_, folder_ + "/"}) {
    const auto found = files_.ListFiles(folder);
    ASSERT_TRUE(found.ok()) << found.status().ToString();
    EXPECT_EQ(*found, (Names{"B.sql", "a.sql", "a/b/c.sql", "a/z.sql", "b.sql"}));
  }
}

TEST_F(LocalFileSystemTest, FailuresSayWhatIsWrongAndWhoseBusinessItIs) {
  const auto missing = files_.ReadFile(folder_ + "/none");
  EXPECT_EQ(missing.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(missing.status().blame(), Blame::kUser);
  EXPECT_EQ(missing.status().message(),
            "cannot read the file, it does not exist: `" + folder_ + "/none`");

  const auto folder = files_.ReadFile(folder_);
  EXPECT_EQ(folder.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(folder.status().message(),
            "cannot read the file, a file is wanted, found a folder: `" + folder_ + "`");

  EXPECT_EQ(files_.ListFiles(folder_ + "/none").status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(files_.WriteNewFile(folder_ + "/file", "").ok());
  EXPECT_EQ(files_.ListFiles(folder_ + "/file").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(files_.ReadFile(folder_ + "/file/below").status().code(), StatusCode::kNotFound);
}

TEST_F(LocalFileSystemTest, AForbiddenFileIsTheEnvironmentsBusiness) {
  ASSERT_TRUE(files_.WriteNewFile(folder_ + "/secret", "x").ok());
  std::filesystem::permissions(folder_ + "/secret", std::filesystem::perms::none);
  const auto contents = files_.ReadFile(folder_ + "/secret");
  if (::geteuid() == 0) {
    EXPECT_TRUE(contents.ok());  // nothing is forbidden to root
    return;
  }
  EXPECT_EQ(contents.status().code(), StatusCode::kPermission);
  EXPECT_EQ(contents.status().blame(), Blame::kEnvironment);
}

TEST(MemoryFileSystem, BehavesLikeTheLocalOne) {
  MemoryFileSystem files(
      {{"/p/weir.toml", "x"}, {"/p/views/b.sql", "b"}, {"/p/views/a/a.sql", "a"}});
  EXPECT_EQ(*files.ReadFile("/p//views/../weir.toml"), "x");
  EXPECT_EQ(*files.ListFiles("/p/views/"), (Names{"a/a.sql", "b.sql"}));
  EXPECT_EQ(*files.ListFiles("/"), (Names{"p/views/a/a.sql", "p/views/b.sql", "p/weir.toml"}));
  EXPECT_TRUE(files.IsDirectory("/p/views"));
  EXPECT_FALSE(files.IsDirectory("/p/vie"));
  EXPECT_FALSE(files.Exists("/q"));
  EXPECT_EQ(files.ReadFile("/p/views").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(files.ReadFile("/p/none").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(files.ListFiles("/p/none").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(files.ListFiles("/p/weir.toml").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(files.WriteNewFile("/p/weir.toml", "y").code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(files.WriteNewFile("/p/new", "y").ok());
  EXPECT_EQ(*files.ReadFile("/p/new"), "y");
}

TEST(MemoryFileSystem, FailsOnRequest) {
  MemoryFileSystem files;
  files.Set("/a", "");
  files.SetFailure("/a", Status::Environment(StatusCode::kPermission, "no"));
  EXPECT_EQ(files.ReadFile("/a").status().code(), StatusCode::kPermission);
}

}  // namespace
}  // namespace weir
