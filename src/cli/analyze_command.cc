// SPDX-License-Identifier: Apache-2.0
//
// explain --analyze: what the operators of a view did when it was built.

#include <iostream>
#include <sstream>

#include "weir/artifacts/recorded_tasks.h"
#include "weir/base/json_text.h"
#include "weir/base/text_width.h"
#include "weir/base/time_text.h"
#include "weir/cli/command.h"
#include "weir/run/operator_metrics.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

/// In the order of the tree, their names with their details where the plan is recorded: its lines
/// stand for its operators, one each, as long as their names agree.
std::vector<OperatorMetrics> OperatorsOf(const RecordedMetrics& recorded) {
  std::vector<std::string> lines;
  std::istringstream plan(recorded.physical_plan);
  for (std::string line; std::getline(plan, line);) {
    const size_t first = line.find_first_not_of(' ');
    if (first != std::string::npos) lines.push_back(line.substr(first));
  }
  std::vector<OperatorMetrics> operators = ReadOperatorMetrics(recorded.metrics_json);
  for (size_t i = 0; i < operators.size() && lines.size() == operators.size(); ++i) {
    if (lines[i].starts_with(operators[i].name)) operators[i].name = lines[i];
  }
  return operators;
}

std::string Shown(const std::optional<int64_t>& figure, std::string (*text)(int64_t)) {
  return figure ? text(*figure) : "";
}

Json FigureOrNull(const std::optional<int64_t>& figure) { return figure ? Json(*figure) : Json(); }

Json TimeOrNull(const std::optional<int64_t>& at_us) {
  return at_us ? Json(TimeText(*at_us)) : Json();
}

std::string Milliseconds(int64_t nanoseconds) {
  return fmt::format("{:.2f}", static_cast<double>(nanoseconds) / 1e6);
}

std::string Whole(int64_t number) { return fmt::format("{}", number); }

void PrintOperators(const std::string& view, const RecordedMetrics& recorded) {
  static constexpr size_t kWidth = 80;
  std::vector<std::vector<std::string>> rows;
  for (const OperatorMetrics& one : OperatorsOf(recorded)) {
    rows.push_back({CutToWidth(std::string(2 * one.depth, ' ') + one.name, kWidth),
                    Shown(one.rows, Whole), Shown(one.compute_ns, Milliseconds),
                    Shown(one.scanned_bytes, HumanBytes), Shown(one.memory_bytes, HumanBytes),
                    Shown(one.spilled_bytes, HumanBytes)});
  }
  std::cout << RenderTable({"operator", "rows", "ms", "read", "memory", "spilled"}, rows)
            << fmt::format(
                   "\n{}: {} rows in {:.2f} s, built by run {}; ms: of all threads; memory: at its "
                   "most, where the operator measures it\n",
                   view, recorded.rows,
                   static_cast<double>(recorded.finished_at_us - recorded.started_at_us) / 1e6,
                   recorded.run_id);
}

void PrintOperatorsJson(const std::string& view, const RecordedMetrics& recorded) {
  Json operators = Json::array();
  for (const OperatorMetrics& one : OperatorsOf(recorded)) {
    operators.push_back({{"operator", one.name},
                         {"depth", one.depth},
                         {"rows", FigureOrNull(one.rows)},
                         {"compute_ns", FigureOrNull(one.compute_ns)},
                         {"scanned_bytes", FigureOrNull(one.scanned_bytes)},
                         {"memory_bytes", FigureOrNull(one.memory_bytes)},
                         {"spilled_bytes", FigureOrNull(one.spilled_bytes)},
                         {"started_at", TimeOrNull(one.started_at_us)},
                         {"finished_at", TimeOrNull(one.finished_at_us)}});
  }
  std::cout << JsonText(Json{{"schema_version", 1},
                             {"view", view},
                             {"run_id", recorded.run_id},
                             {"started_at", TimeText(recorded.started_at_us)},
                             {"seconds", static_cast<double>(recorded.finished_at_us -
                                                             recorded.started_at_us) /
                                             1e6},
                             {"rows", recorded.rows},
                             {"operators", std::move(operators)}},
                        2)
            << "\n";
}

}  // namespace

int RunAnalyze(const GlobalOptions& options, const std::string& view, const std::string& run_id) {
  auto open = Open(options);
  if (!open.ok()) return FailNamed(open.status());
  const auto bundle = FindView(*open, view);
  if (!bundle.ok()) {
    (void)Report(open->diagnostics);
    return FailNamed(bundle.status());
  }
  const auto tasks = RecordedTasks::Open(*open->session);
  if (!tasks.ok()) return Fail(tasks.status());
  std::optional<RecordedMetrics> recorded;
  if (*tasks) {
    auto found = (*tasks)->MetricsOf(view, run_id);
    if (!found.ok()) return Fail(found.status());
    recorded = *std::move(found);
  }
  if (!recorded) {
    const std::string what =
        run_id.empty() ? "no run has" : fmt::format("the run `{}` has not", run_id);
    return FailNamed(Status::User(StatusCode::kNotFound, "{} built the view `{}`", what, view)
                         .WithHint(run_id.empty()
                                       ? "`weir run` does"
                                       : fmt::format("`weir history {}` lists the runs", view)));
  }
  if (options.format == Format::kJson) {
    PrintOperatorsJson(view, *recorded);
  } else {
    PrintOperators(view, *recorded);
  }
  return kDone;
}

}  // namespace weir::cli
