// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/run_spans.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir {
namespace {

/// A run of one view that was written from 200 to 800.
RunEnvelope RunOf(const std::string& metrics_json) {
  RunEnvelope run;
  run.run_id = "20260101T000000Z-000000";
  run.state = "succeeded";
  run.started_at_us = 0;
  run.finished_at_us = 1000;
  ViewOutcome view;
  view.view_name = "v";
  view.state = ViewState::kRun;
  view.started_at_us = 100;
  view.write_began_at_us = 200;
  view.commit_began_at_us = 800;
  view.finished_at_us = 900;
  view.metrics_json = metrics_json;
  run.views.push_back(std::move(view));
  return run;
}

/// "name<parent begin-end", a word a span.
std::vector<std::string> OperatorsOf(const std::string& metrics_json) {
  std::map<std::string, std::string> names;
  std::vector<std::string> operators;
  const RunEnvelope run = RunOf(metrics_json);
  for (const RunSpan& span : SpansOf(run)) {
    names[span.span_id] = span.name;
    if (span.kind != "operator") continue;
    operators.push_back(span.name + "<" + names[span.parent_id] + " " +
                        std::to_string(span.begin_us) + "-" + std::to_string(span.end_us));
  }
  return operators;
}

using Texts = std::vector<std::string>;

TEST(RunSpans, OperatorsAreNestedAsInTheirPlan) {
  EXPECT_EQ(OperatorsOf(R"([{"name":"A","depth":0,"started_at_us":300,"finished_at_us":700},
                      {"name":"B","depth":1,"started_at_us":310,"finished_at_us":600},
                      {"name":"C","depth":2,"started_at_us":320,"finished_at_us":500},
                      {"name":"D","depth":1,"started_at_us":330,"finished_at_us":400}])"),
            (Texts{"A<write 300-700", "B<A 310-600", "C<B 320-500", "D<A 330-400"}));
}

TEST(RunSpans, AnOperatorHoldsAllThatIsBelowIt) {
  // The first ended before its child was let go of, the second keeps no time.
  EXPECT_EQ(OperatorsOf(R"([{"name":"A","depth":0,"started_at_us":300,"finished_at_us":400},
                            {"name":"B","depth":1,"started_at_us":null,"finished_at_us":null},
                            {"name":"C","depth":2,"started_at_us":290,"finished_at_us":500}])"),
            (Texts{"A<write 290-500", "B<A 290-500", "C<B 290-500"}));
}

TEST(RunSpans, NoOperatorLeavesItsPhase) {
  EXPECT_EQ(OperatorsOf(R"([{"name":"A","depth":0,"started_at_us":100,"finished_at_us":1100}])"),
            (Texts{"A<write 200-800"}));
}

TEST(RunSpans, LeavesWithoutTimesAndOlderRecordsHaveNone) {
  EXPECT_EQ(OperatorsOf(R"([{"name":"A","depth":0,"started_at_us":300,"finished_at_us":400},
                            {"name":"B","depth":1,"output_rows":3}])"),
            (Texts{"A<write 300-400"}));
  EXPECT_EQ(OperatorsOf(R"([{"name":"A","depth":0,"output_rows":3,"elapsed_compute_ns":5}])"),
            Texts());
  EXPECT_EQ(OperatorsOf(""), Texts());
}

TEST(RunSpans, FiguresOfOlderRecordsAreRead) {
  const auto operators = ReadOperatorMetrics(
      R"([{"name":"A","depth":0,"output_rows":3,"elapsed_compute_ns":5,"bytes_scanned":null,
           "spilled_bytes":0}])");
  ASSERT_EQ(operators.size(), 1);
  EXPECT_EQ(operators[0].rows, 3);
  EXPECT_EQ(operators[0].scanned_bytes, std::nullopt);
  EXPECT_EQ(operators[0].spilled_bytes, 0);
  EXPECT_EQ(operators[0].memory_bytes, std::nullopt);
}

}  // namespace
}  // namespace weir
