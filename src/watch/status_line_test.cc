// SPDX-License-Identifier: Apache-2.0

#include "weir/watch/status_line.h"

#include <gtest/gtest.h>

#include "weir/base/text_width.h"
#include "weir/graph/graph_testing.h"

namespace weir {
namespace {

const RunProgress kProgress{.finished = 12,
                            .total = 40,
                            .running = {"a", "b", "c"},
                            .rows_a_second = 1'200'000,
                            .bytes_written = 84'000'000,
                            .resident_bytes = 310'000'000,
                            .seconds_left = 11.2};

TEST(StatusText, SaysHowFarTheRunIs) {
  EXPECT_EQ(StatusText(kProgress, 100),
            "[12/40] 3 running: a, b, c  1.2 M rows/s  84.0 MB  RSS 310.0 MB  ~00:12 left");
}

TEST(StatusText, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(StatusText({.finished = 0, .total = 1, .running = {}}, 100), "[0/1] 0 running");
}

TEST(StatusText, HoursAreShownWhereThereAreSome) {
  EXPECT_EQ(StatusText({.finished = 0, .total = 1, .running = {}, .seconds_left = 3723}, 100),
            "[0/1] 0 running  ~1:02:03 left");
}

TEST(StatusText, FitsAnyWidthAndCutsNamesFirst) {
  RunProgress progress = kProgress;
  progress.running = {"流れ_orders_by_customer", "line\nbreak\x1b[31m", "third"};
  for (size_t width = 1; width < 140; ++width)
    EXPECT_LE(TextWidth(StatusText(progress, width)), width) << width;
  const std::string text = StatusText(progress, 80);
  EXPECT_TRUE(text.ends_with("~00:12 left")) << text;
  EXPECT_NE(text.find("…"), std::string::npos) << text;
  EXPECT_EQ(StatusText(progress, 139).find_first_of("\n\x1b"), std::string::npos);
}

TEST(SecondsLeft, IsTheLongestChainOrAllOnTheThreads) {
  const TaskGraph graph = GraphOf({{"a", {}}, {"b", {"a"}}, {"c", {}}, {"d", {}}});
  const std::map<std::string, double> last = {{"a", 4}, {"b", 6}, {"c", 1}, {"d", 1}};
  const std::set<std::string> all = {"a", "b", "c", "d"};
  EXPECT_EQ(SecondsLeft(graph, last, all, {}, 1), 12);
  EXPECT_EQ(SecondsLeft(graph, last, all, {}, 4), 10);
  EXPECT_EQ(SecondsLeft(graph, last, {"b"}, {{"b", 2}}, 4), 4);
}

TEST(SecondsLeft, AViewThatTakesLongerThanBeforeIsExpectedToEndNow) {
  const TaskGraph graph = GraphOf({{"a", {}}});
  EXPECT_EQ(SecondsLeft(graph, {{"a", 4}}, {"a"}, {{"a", 9}}, 1), 0);
}

TEST(SecondsLeft, ViewsThatNobodyTimedTakeAsLongAsOthers) {
  const TaskGraph graph = GraphOf({{"a", {}}, {"b", {}}, {"c", {}}});
  EXPECT_EQ(SecondsLeft(graph, {{"a", 4}}, {"a", "b", "c"}, {}, 1), 12);
  EXPECT_EQ(SecondsLeft(graph, {}, {"a", "b", "c"}, {}, 1), std::nullopt);
}

TEST(ResidentBytes, IsThatOfThisProcess) { EXPECT_GT(ResidentBytes(), 1'000'000); }

}  // namespace
}  // namespace weir
