// SPDX-License-Identifier: Apache-2.0

#include "weir/run/view_deadline.h"

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace weir {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

TimeLimit LimitOf(int64_t ms) {
  return {.milliseconds = ms, .text = "some time", .set_by = "this test"};
}

const Status kEnded = Status::User(StatusCode::kCancelled, "cancelled");

/// Waits as an execution does; false if nobody cancels within some seconds.
bool IsCancelledSoon(const engine::Cancellation& cancellation) {
  const auto until = steady_clock::now() + std::chrono::seconds(20);
  while (steady_clock::now() < until) {
    if (cancellation.is_cancelled()) return true;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return false;
}

TEST(ViewDeadline, EndsWhatTakesTooLong) {
  const engine::Cancellation run;
  const auto began = steady_clock::now();
  ViewDeadline deadline(LimitOf(50), run);
  EXPECT_FALSE(deadline.cancellation().is_cancelled());
  ASSERT_TRUE(IsCancelledSoon(deadline.cancellation()));
  EXPECT_GE(steady_clock::now() - began, milliseconds(50));
  const Status status = deadline.Stop(kEnded);
  EXPECT_EQ(status.code(), StatusCode::kTimedOut);
  EXPECT_EQ(status.message().substr(0, 61),
            "an end within `some time` is wanted (this test), it had run f");
  EXPECT_FALSE(run.is_cancelled());
}

TEST(ViewDeadline, WhatCameToItsEndStands) {
  const engine::Cancellation run;
  ViewDeadline deadline(LimitOf(1), run);
  ASSERT_TRUE(IsCancelledSoon(deadline.cancellation()));
  EXPECT_TRUE(deadline.Stop(Status::OK()).ok());
}

TEST(ViewDeadline, AnotherFailureIsNotItsOwn) {
  const engine::Cancellation run;
  ViewDeadline deadline(LimitOf(1), run);
  ASSERT_TRUE(IsCancelledSoon(deadline.cancellation()));
  EXPECT_EQ(deadline.Stop(Status::User(StatusCode::kOverflow, "too much")).code(),
            StatusCode::kOverflow);
}

TEST(ViewDeadline, TheRunEndsItToo) {
  const engine::Cancellation run;
  ViewDeadline deadline(LimitOf(3'600'000), run);
  run.Cancel();
  ASSERT_TRUE(IsCancelledSoon(deadline.cancellation()));
  EXPECT_EQ(deadline.Stop(kEnded).code(), StatusCode::kCancelled);
}

TEST(ViewDeadline, WithoutLimitTheRunsOwnHandleIsUsed) {
  const engine::Cancellation run;
  ViewDeadline deadline(TimeLimit{}, run);
  EXPECT_FALSE(deadline.cancellation().is_cancelled());
  run.Cancel();
  EXPECT_TRUE(deadline.cancellation().is_cancelled());
  EXPECT_EQ(deadline.Stop(kEnded).code(), StatusCode::kCancelled);
}

/// Of many at a time, some end by themselves and some by the run, at whatever moment.
TEST(ViewDeadline, ManyAtATime) {
  const engine::Cancellation run;
  std::vector<std::thread> views;
  for (int i = 0; i < 16; ++i) {
    views.emplace_back([&run, i] {
      for (int round = 0; round < 20; ++round) {
        ViewDeadline deadline(LimitOf(1 + (i + round) % 5), run);
        std::this_thread::sleep_for(milliseconds((i * round) % 4));
        const Status ended =
            deadline.Stop(deadline.cancellation().is_cancelled() ? kEnded : Status());
        EXPECT_TRUE(ended.ok() || ended.code() == StatusCode::kTimedOut ||
                    ended.code() == StatusCode::kCancelled);
      }
    });
  }
  std::this_thread::sleep_for(milliseconds(30));
  run.Cancel();
  for (std::thread& view : views) view.join();
}

}  // namespace
}  // namespace weir
