// SPDX-License-Identifier: Apache-2.0
//
// test: queries that must return no row, and views over given rows.

#include <algorithm>
#include <iostream>
#include <map>

#include <arrow/api.h>
#include <fnmatch.h>

#include "weir/artifacts/record_tests.h"
#include "weir/base/clock.h"
#include "weir/base/json_text.h"
#include "weir/base/nearest.h"
#include "weir/bundle/plan_failure.h"
#include "weir/cli/command.h"
#include "weir/cli/interrupt.h"
#include "weir/cli/query_session.h"
#include "weir/run/project_run.h"
#include "weir/run/test_of_view.h"
#include "weir/run/view_deadline.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

/// Rows of a failure that are shown.
constexpr size_t kShownRows = 5;

/// One test of either kind, and what selectors may call it.
struct SelectableTest {
  const TestDefinition* data = nullptr;
  const UnitTestDefinition* unit = nullptr;
  std::string name;
  std::string file;
  std::vector<std::string> views;  ///< that it is about
};

std::vector<SelectableTest> AllTests(const QuerySession& session) {
  std::vector<SelectableTest> tests;
  for (const TestDefinition& test : session.project().tests) {
    SelectableTest selectable{
        .data = &test, .unit = nullptr, .name = test.name, .file = test.file, .views = {}};
    const auto tables = session.runtime().engine().TableReferences(test.query_sql, test.dialect);
    if (tables.ok()) {
      for (const std::string& table : *tables)
        selectable.views.push_back(WithoutDefaultSchema(table));
    }
    tests.push_back(std::move(selectable));
  }
  for (const UnitTestDefinition& test : session.project().unit_tests) {
    tests.push_back({.data = nullptr,
                     .unit = &test,
                     .name = test.name,
                     .file = test.file,
                     .views = {test.view.name}});
  }
  std::sort(tests.begin(), tests.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return tests;
}

/// A name or glob of tests, or of views that they are about; with `path:` of their files.
bool Matches(const std::string& selector, const SelectableTest& test) {
  const auto matches = [](const std::string& glob, const std::string& name) {
    return fnmatch(glob.c_str(), name.c_str(), 0) == 0;
  };
  static constexpr std::string_view kPath = "path:";
  if (selector.starts_with(kPath)) {
    const std::string path = selector.substr(kPath.size());
    return matches(path, test.file) || test.file.starts_with(path + "/");
  }
  return matches(selector, test.name) ||
         std::any_of(test.views.begin(), test.views.end(),
                     [&](const std::string& view) { return matches(selector, view); });
}

/// The tests that any of `selectors` means; all without selectors.
Result<std::vector<SelectableTest>> SelectTests(std::vector<SelectableTest> tests,
                                                const std::vector<std::string>& selectors) {
  if (selectors.empty()) return tests;
  std::vector<bool> chosen(tests.size(), false);
  for (const std::string& selector : selectors) {
    bool any = false;
    for (size_t i = 0; i < tests.size(); ++i) {
      if (!Matches(selector, tests[i])) continue;
      any = chosen[i] = true;
    }
    if (any) continue;
    std::vector<std::string> known;
    for (const SelectableTest& test : tests) {
      known.push_back(test.name);
      known.insert(known.end(), test.views.begin(), test.views.end());
    }
    return Status::User(StatusCode::kNotFound,
                        "no test is named `{}`, or is about a view of this "
                        "name",
                        selector)
        .WithHint(known.empty() ? "the project has no tests: add some under tests/"
                                : SuggestionHint(selector, known));
  }
  std::vector<SelectableTest> selected;
  for (size_t i = 0; i < tests.size(); ++i) {
    if (chosen[i]) selected.push_back(std::move(tests[i]));
  }
  return selected;
}

/// Runs tests one after the other and prints each as it ends.
class TestRun {
 public:
  TestRun(QuerySession& session, const GlobalOptions& options)
      : session_(session), options_(options) {}

  /// Tests whose file is not understood: they count, since nobody knows whether they hold.
  void AddBroken(const Diagnostic& diagnostic) {
    Tell(diagnostic);
    const int64_t now = clock_.Now();
    Add({.name = diagnostic.location.file,
         .kind = "data",
         .view_name = {},
         .state = "error",
         .rows = 0,
         .message = diagnostic.message,
         .location = diagnostic.location,
         .started_at_us = now,
         .finished_at_us = now},
        Json::object(), "");
  }

  /// Returns a failure that ends the run: it was interrupted, or the views cannot be planned.
  Status RunOne(const SelectableTest& test) {
    return test.unit != nullptr ? RunUnit(*test.unit) : RunData(*test.data);
  }

  int failed() const { return failed_; }
  const std::vector<TestRecord>& records() const { return records_; }

  void PrintSummary() const {
    if (options_.format == Format::kJson) {
      std::cout << JsonText(Json{{"schema_version", 1},
                                 {"passed", passed_},
                                 {"failed", failed_},
                                 {"tests", results_}},
                            2)
                << "\n";
    } else {
      std::cout << fmt::format("{} passed, {} failed\n", passed_, failed_);
    }
  }

 private:
  Status RunData(const TestDefinition& test) {
    TestRecord record{.name = test.name, .kind = "data", .location = test.location};
    record.started_at_us = clock_.Now();
    std::string sample;
    const Status status = Query(test, record, sample);
    record.finished_at_us = clock_.Now();
    if (status.code() == StatusCode::kCancelled) return status;
    record.state = !status.ok() ? "error" : record.rows > 0 ? "failed" : "passed";
    if (!status.ok()) {
      record.message = status.message();
      SourceLocation location = status.location();
      location.file = test.file;
      (void)Fail(status.WithContext(fmt::format("test `{}`", test.name)).WithLocation(location));
    }
    if (record.rows > 0) {
      record.message =
          fmt::format("{} row{} where none is allowed", record.rows, record.rows == 1 ? "" : "s");
      sample = "  " + record.message + ", for instance\n" + sample;
    }
    Add(std::move(record), Json::object(), sample);
    return Status::OK();
  }

  Status Query(const TestDefinition& test, TestRecord& record, std::string& sample) {
    ViewDeadline deadline(session_.runtime().view_timeout(), interrupt_.cancellation());
    return deadline.Stop(Query(test, deadline.cancellation(), record, sample));
  }

  Status Query(const TestDefinition& test, const engine::Cancellation& cancellation,
               TestRecord& record, std::string& sample) {
    WEIR_ASSIGN_OR_RETURN(const auto reader,
                          session_.Execute(test.query_sql, test.dialect, cancellation));
    arrow::RecordBatchVector shown;
    while (true) {
      const auto batch = reader->Next();
      if (!batch.ok()) return engine::FromStreamFailure(batch.status());
      if (*batch == nullptr) break;
      if (record.rows < static_cast<int64_t>(kShownRows) && (*batch)->num_rows() > 0)
        shown.push_back((*batch)->Slice(0, static_cast<int64_t>(kShownRows) - record.rows));
      record.rows += (*batch)->num_rows();
    }
    if (shown.empty()) return Status::OK();
    const auto table = arrow::Table::FromRecordBatches(shown);
    if (!table.ok()) return engine::FromStreamFailure(table.status());
    sample = RenderTable(**table);
    return Status::OK();
  }

  Status RunUnit(const UnitTestDefinition& test) {
    if (!open_) {
      auto open = Open(options_);
      if (!open.ok()) return open.status();
      open_ = *std::move(open);
    }
    TestRecord record{
        .name = test.name, .kind = "unit", .view_name = test.view.name, .location = test.location};
    record.started_at_us = clock_.Now();
    const UnitTestOutcome outcome = RunUnitTest(test, open_->definition, open_->compiled,
                                                *open_->session, interrupt_.cancellation());
    if (interrupt_.cancellation().is_cancelled())
      return Status::User(StatusCode::kCancelled, "cancelled");
    record.finished_at_us = clock_.Now();
    record.state = ToString(outcome.state);
    record.rows = outcome.differing_rows();
    record.message = outcome.message;
    ReportProblems(outcome, record);
    std::string details = outcome.message.empty() ? "" : "  " + outcome.message + "\n";
    details += Rows("expected, but not there", outcome.columns, outcome.missing);
    details += Rows("there, but not expected", outcome.columns, outcome.unexpected);
    if (record.message.empty() && record.rows > 0) {
      record.message = fmt::format("{} missing, {} unexpected", outcome.missing.size(),
                                   outcome.unexpected.size());
    }
    Json more = {{"view", test.view.name}};
    if (outcome.differing_rows() > 0) {
      more["columns"] = outcome.columns;
      more["missing"] = outcome.missing;
      more["unexpected"] = outcome.unexpected;
    }
    Add(std::move(record), more, details);
    return Status::OK();
  }

  void ReportProblems(const UnitTestOutcome& outcome, TestRecord& record) {
    for (const Diagnostic& problem : outcome.problems) {
      Tell(problem);
      record.message += (record.message.empty() ? "" : "; ") + problem.message;
    }
    if (outcome.problems.empty() || told_compile_errors_) return;
    // A view that does not compile says why once.
    for (const Diagnostic& problem : open_->diagnostics.all()) {
      if (problem.severity == Severity::kError && !problem.location.file.starts_with("tests/"))
        Tell(problem);
    }
    told_compile_errors_ = true;
  }

  static std::string Rows(const std::string& what, const std::vector<std::string>& columns,
                          const std::vector<std::vector<std::string>>& rows) {
    if (rows.empty()) return {};
    std::vector<std::vector<std::string>> shown(
        rows.begin(), rows.begin() + static_cast<int64_t>(std::min(rows.size(), kShownRows)));
    std::string text = fmt::format("  {} row{} {}{}\n", rows.size(), rows.size() == 1 ? "" : "s",
                                   what, rows.size() > kShownRows ? ", for instance" : "");
    return text + RenderTable(columns, shown);
  }

  void Add(TestRecord record, Json result_details, const std::string& details) {
    (record.state == "passed" ? passed_ : failed_) += 1;
    Json result = {{"test", record.name},          {"kind", record.kind},
                   {"state", record.state},        {"rows", record.rows},
                   {"file", record.location.file}, {"line", record.location.line}};
    if (!record.message.empty()) result["message"] = record.message;
    result.update(result_details);
    results_.push_back(std::move(result));
    if (options_.format == Format::kTable) {
      std::cout << fmt::format("{:7} {}", record.state, record.name);
      if (record.state != "passed")
        std::cout << fmt::format("  ({}:{})", record.location.file, record.location.line);
      std::cout << "\n" << details << std::flush;
    }
    records_.push_back(std::move(record));
  }

  QuerySession& session_;
  const GlobalOptions& options_;
  const SystemClock clock_;
  const InterruptScope interrupt_;
  std::optional<OpenProject> open_;  // when a unit test needs the views' plans
  bool told_compile_errors_ = false;
  int passed_ = 0, failed_ = 0;
  Json results_ = Json::array();
  std::vector<TestRecord> records_;
};

}  // namespace

int RunTest(const GlobalOptions& options, const std::vector<std::string>& selectors) {
  auto session = QuerySession::Open(options);
  if (!session.ok()) return FailNamed(session.status());
  if (!session->broken_settings().all().empty()) return Report(session->broken_settings());
  const auto tests = SelectTests(AllTests(*session), selectors);
  if (!tests.ok()) return FailNamed(tests.status());
  TestRun run(*session, options);
  if (selectors.empty()) {
    for (const Diagnostic& diagnostic : session->diagnostics().all()) {
      if (diagnostic.severity == Severity::kError && diagnostic.location.file.starts_with("tests/"))
        run.AddBroken(diagnostic);
    }
  }
  for (const SelectableTest& test : *tests) {
    const Status status = run.RunOne(test);
    if (!status.ok()) return Fail(status);
  }
  run.PrintSummary();
  int code = run.failed() == 0 ? kDone : kWorkFailed;
  const Status recorded = RecordTests(NewRunId(SystemClock()), run.records(), session->runtime());
  if (!recorded.ok())
    code = std::max(code, Fail(recorded.WithContext("the tests' artifacts could not be written")));
  return code;
}

}  // namespace weir::cli
