// SPDX-License-Identifier: Apache-2.0

#include "weir/base/ordered_work.h"

#include <atomic>
#include <random>

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(ForEachInOrder, EachComesOnceAndAfterThoseBeforeIt) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const size_t count = random() % 40;
    std::vector<std::vector<size_t>> after(count);
    for (size_t i = 0; i < count; ++i) {
      for (size_t before = 0; before < i; ++before) {
        if (random() % 5 == 0) after[i].push_back(before);
      }
    }
    std::vector<std::atomic<int>> done(count);
    ForEachInOrder(after, 1 + random() % 6, [&](size_t i) {
      for (const size_t before : after[i]) EXPECT_EQ(done[before], 1) << before << " before " << i;
      ++done[i];
    });
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(done[i], 1) << i;
  }
}

TEST(ForEachInOrder, WhatMayRunAtOnceDoes) {
  std::atomic<int> inside = 0;
  ForEachInOrder({{}, {}}, 2, [&](size_t) {
    ++inside;
    while (inside < 2) std::this_thread::yield();
  });
  EXPECT_EQ(inside, 2);
}

}  // namespace
}  // namespace weir
