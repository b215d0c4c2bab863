// SPDX-License-Identifier: Apache-2.0

#include "weir/base/cache_packs.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "weir/base/parallel.h"
#include "weir/base/temporary_folder_testing.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

class CachePacksTest : public testing::Test {
 protected:
  std::string root() const { return folder_.path().string(); }
  fs::path folder_of_old_layout() const { return folder_.path() / ".weir" / "things" / "0"; }
  void KeepAll(const std::map<std::string, std::string>& values) const {
    CachePacks packs(root(), "things");
    for (const auto& [key, value] : values) packs.Keep(key, value);
  }
  /// What a new object finds under the keys.
  std::map<std::string, std::string> FindAll(const std::map<std::string, std::string>& keys) const {
    CachePacks packs(root(), "things");
    std::map<std::string, std::string> found;
    for (const auto& [key, value] : keys) {
      if (const auto there = packs.Find(key)) found[key] = *there;
    }
    return found;
  }
  std::vector<fs::path> Files() const {
    const fs::path folder = folder_.path() / ".weir" / "things";
    if (!fs::exists(folder)) return {};
    return {fs::directory_iterator(folder), fs::directory_iterator()};
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(CachePacksTest, WhatIsKeptIsFoundByTheNextObject) {
  const std::map<std::string, std::string> values = {
      {"a", "one"}, {"b", ""}, {"c", std::string(100'000, 'x')}, {"d", std::string("\0\n", 2)}};
  KeepAll(values);
  EXPECT_EQ(FindAll(values), values);
  EXPECT_EQ(Files().size(), 1U);
  EXPECT_EQ(FindAll({{"e", ""}}).size(), 0U);
}

TEST_F(CachePacksTest, ManyValuesFromManyThreadsAreAllFound) {
  std::map<std::string, std::string> values;
  for (int i = 0; i < 300; ++i)
    values[fmt::format("key {}", i)] = std::string(50'000, static_cast<char>('a' + i % 26));
  {
    CachePacks packs(root(), "things");
    ForEachInParallel(values.size(), 4, [&](size_t i) {
      const auto& [key, value] = *std::next(values.begin(), static_cast<ptrdiff_t>(i));
      packs.Keep(key, value);
    });
  }
  EXPECT_EQ(FindAll(values), values);
  EXPECT_GT(Files().size(), 1U);
  EXPECT_LT(Files().size(), 6U);
}

TEST_F(CachePacksTest, ANewValueTakesThePlaceOfTheOld) {
  KeepAll({{"a", "old"}, {"b", "other"}});
  {
    CachePacks packs(root(), "things");
    EXPECT_EQ(packs.Find("b"), "other");
    packs.Keep("a", "new");
    packs.Sweep();
  }
  EXPECT_EQ(FindAll({{"a", ""}, {"b", ""}}),
            (std::map<std::string, std::string>{{"a", "new"}, {"b", "other"}}));
}

TEST_F(CachePacksTest, SweepingLeavesWhatIsUsedAndNotMuchElse) {
  std::map<std::string, std::string> values;
  for (int i = 0; i < 40; ++i) values[std::to_string(i)] = std::string(1000, 'v');
  KeepAll(values);
  fs::create_directories(folder_of_old_layout());
  std::ofstream(folder_of_old_layout() / "key") << "bytes";
  {
    CachePacks packs(root(), "things");
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(packs.Find(std::to_string(i)));
    packs.Sweep();
  }
  EXPECT_EQ(FindAll(values).size(), 3U);
  ASSERT_EQ(Files().size(), 1U);
  EXPECT_LT(fs::file_size(Files()[0]), 4000U);
}

TEST_F(CachePacksTest, PacksThatAreMostlyUsedStayAsTheyAre) {
  std::map<std::string, std::string> values;
  for (int i = 0; i < 10; ++i) values[std::to_string(i)] = std::string(1000, 'v');
  KeepAll(values);
  const auto before = Files();
  {
    CachePacks packs(root(), "things");
    for (int i = 1; i < 10; ++i) EXPECT_TRUE(packs.Find(std::to_string(i)));
    packs.Sweep();
  }
  EXPECT_EQ(Files(), before);
}

TEST_F(CachePacksTest, SmallPacksDoNotBecomeMany) {
  std::map<std::string, std::string> values;
  for (int i = 0; i < 100; ++i) {
    values[std::to_string(i)] = fmt::format("value {}", i);
    KeepAll({{std::to_string(i), values[std::to_string(i)]}});
  }
  EXPECT_LT(Files().size(), 20U);
  EXPECT_EQ(FindAll(values), values);
}

TEST_F(CachePacksTest, NoDamageMakesAnotherValue) {
  std::map<std::string, std::string> values;
  for (int i = 0; i < 5; ++i) values[std::to_string(i)] = fmt::format("the value of {}", i);
  KeepAll(values);
  ASSERT_EQ(Files().size(), 1U);
  const fs::path pack = Files()[0];
  std::ifstream in(pack, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto write = [&](const std::string& bytes) {
    std::ofstream(pack, std::ios::binary) << bytes;
  };
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string bad = whole;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    write(bad);
    for (const auto& [key, value] : FindAll(values)) EXPECT_EQ(value, values[key]) << "byte " << i;
    write(whole.substr(0, i));
    for (const auto& [key, value] : FindAll(values))
      EXPECT_EQ(value, values[key]) << "cut at " << i;
  }
  write(whole);
  EXPECT_EQ(FindAll(values), values);
}

TEST_F(CachePacksTest, ADamagedPackIsGoneAfterTheNextSweep) {
  const std::map<std::string, std::string> values = {{"a", "first"}, {"b", "second"}};
  KeepAll(values);
  const fs::path pack = Files()[0];
  std::fstream file(pack, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-1, std::ios::end);
  file.put('!');
  file.close();
  {
    CachePacks packs(root(), "things");
    for (const auto& [key, value] : values) {
      if (!packs.Find(key)) packs.Keep(key, value);
    }
    packs.Sweep();
  }
  EXPECT_EQ(FindAll(values), values);
  ASSERT_EQ(Files().size(), 1U);
  EXPECT_NE(Files()[0], pack);
}

TEST_F(CachePacksTest, WhatCannotBeWrittenIsLeft) {
  std::ofstream(fs::path(root()) / ".weir") << "a file where the folder would be";
  KeepAll({{"a", "one"}});
  EXPECT_TRUE(FindAll({{"a", ""}}).empty());
}

}  // namespace
}  // namespace weir
