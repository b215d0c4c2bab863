// SPDX-License-Identifier: Apache-2.0
//
// Whole runs in one process, with more threads than cores: the scheduler, the callbacks that the
// engine makes from its own threads (native functions, hashes of what is written), landings, limits
// and cancellation beside each other. What is expected is worked out here, not by the engine. Meant
// to be run under the thread sanitizer, too.

#include "weir/run/run_execution.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "weir/base/filesystem.h"
#include "weir/base/temporary_folder_testing.h"
#include "weir/run/delta_history.h"
#include "weir/run/project_run.h"

namespace weir {
namespace {

constexpr int kRows = 3000;
constexpr int kBranches = 6;

/// Counts what it is told, from whatever thread.
class Counting : public RunObserver {
 public:
  void OnSelected(const std::vector<std::string>& views) override {
    selected = static_cast<int>(views.size());
  }
  void OnStarted(const std::string& view_name) override {
    ++started;
    if (view_name == cancel_at) cancellation->Cancel();
  }
  std::atomic<int64_t>* rows_written() override { return &rows; }
  void OnFinished(const ViewOutcome&, int, int) override {
    EXPECT_EQ(++inside, 1);
    ++finished;
    --inside;
  }

  std::string cancel_at;
  const engine::Cancellation* cancellation = nullptr;
  std::atomic<int64_t> rows = 0;
  std::atomic<int> started = 0, inside = 0;
  int selected = 0, finished = 0;
};

class Runs : public testing::Test {
 protected:
  void SetUp() override {
    Write("weir.toml", "[project]\nname = \"p\"\n[profiles.default]\nthreads = 4\n");
    Write("sources/t.sql",
          "CREATE EXTERNAL TABLE t (id BIGINT, text VARCHAR) STORED AS CSV LOCATION 'data/' "
          "OPTIONS ('has_header' 'true', 'retain' 'true');");
    for (int part = 0; part < 3; ++part) {
      std::string rows = "id,text\n";
      for (int i = part; i < kRows; i += 3) rows += fmt::format("{},text {}\n", i, i % 10);
      Write(fmt::format("data/{}.csv", part), rows);
    }
  }

  void Write(const std::string& path, const std::string& text) const {
    const auto file = folder_.path() / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  /// Views side by side that call native functions, and one that reads them all.
  void WriteDiamond() const {
    std::string all;
    for (int i = 0; i < kBranches; ++i) {
      Write(
          fmt::format("views/branch{}.sql", i),
          fmt::format("SELECT id, stable_id('k', text) AS key, stable_hash64(text) AS hash FROM t "
                      "WHERE id % {} = {}",
                      kBranches, i));
      all += fmt::format("{}SELECT id, key FROM branch{}", i == 0 ? "" : " UNION ALL ", i);
    }
    Write("views/top.sql", fmt::format("SELECT count(*) AS n, count(DISTINCT key) AS keys, "
                                       "sum(id) AS ids FROM ({})",
                                       all));
  }

  RunEnvelope Run(Counting& observer, const engine::Cancellation& cancellation = {},
                  bool force = false) const {
    Diagnostics diagnostics;
    auto project = LoadProject(LocalFileSystem(), folder_.path().string(), "", diagnostics);
    EXPECT_TRUE(project.ok()) << project.status().ToString();
    auto session = SessionRuntime::Seal(*project, diagnostics);
    EXPECT_TRUE(session.ok()) << session.status().ToString();
    const CompiledProject compiled = CompileViews(*project, **session, diagnostics);
    for (const Diagnostic& diagnostic : diagnostics.all())
      EXPECT_NE(diagnostic.severity, Severity::kError) << ToText(diagnostic);
    const DeltaHistory history((*session)->engine(), (*session)->warehouse_url());
    const SystemClock clock;
    const ProjectRun run(compiled, **session, history, clock);
    auto envelope = run.Run({.selection = {}, .force = force, .run_id = NewRunId(clock)}, observer,
                            cancellation);
    EXPECT_TRUE(envelope.ok()) << envelope.status().ToString();
    return *std::move(envelope);
  }

  static std::map<std::string, ViewState> StatesOf(const RunEnvelope& envelope) {
    std::map<std::string, ViewState> states;
    for (const ViewOutcome& view : envelope.views) states[view.view_name] = view.state;
    return states;
  }

  static const ViewOutcome& Find(const RunEnvelope& envelope, const std::string& view) {
    for (const ViewOutcome& outcome : envelope.views) {
      if (outcome.view_name == view) return outcome;
    }
    throw std::runtime_error("no view " + view);
  }

  TemporaryFolder folder_;
};

TEST_F(Runs, ViewsSideBySideAreAllBuiltAndThenReused) {
  WriteDiamond();
  Counting first;
  const RunEnvelope built = Run(first);
  EXPECT_EQ(built.state, "succeeded");
  EXPECT_EQ(built.Count(ViewState::kRun), kBranches + 1);
  EXPECT_EQ(first.selected, kBranches + 1);
  EXPECT_EQ(first.started, kBranches + 1);
  EXPECT_EQ(first.finished, kBranches + 1);
  EXPECT_EQ(first.rows, kRows + 1);
  std::set<int64_t> landed;
  for (int i = 0; i < kBranches; ++i) {
    const ViewOutcome& branch = Find(built, fmt::format("branch{}", i));
    EXPECT_EQ(branch.rows, kRows / kBranches);
    ASSERT_EQ(branch.scan_units.size(), 1U);
    EXPECT_EQ(branch.scan_units[0].kind, TableKind::kDelta);
    landed.insert(branch.scan_units[0].version);
  }
  EXPECT_EQ(landed, std::set<int64_t>{0});

  Counting second;
  const RunEnvelope reused = Run(second);
  EXPECT_EQ(reused.Count(ViewState::kReused), kBranches + 1);
  EXPECT_EQ(second.started, 0);

  // The same rows have the same content, in whatever order threads come to them.
  Counting third;
  const RunEnvelope again = Run(third, {}, /*force=*/true);
  for (const ViewOutcome& view : built.views)
    EXPECT_EQ(Find(again, view.view_name).content.whole, view.content.whole) << view.view_name;
}

TEST_F(Runs, AFailureBlocksOnlyWhatReadsIt) {
  WriteDiamond();
  Write("views/branch3.sql", "SELECT id, text AS key, CAST(text AS BIGINT) AS x FROM t");
  Write("views/beside.sql", "SELECT max(id) AS most FROM branch2");
  Counting observer;
  const RunEnvelope run = Run(observer);
  EXPECT_EQ(run.state, "failed");
  auto states = StatesOf(run);
  EXPECT_EQ(states["branch3"], ViewState::kFailed);
  EXPECT_EQ(states["top"], ViewState::kBlocked);
  EXPECT_EQ(states["beside"], ViewState::kRun);
  EXPECT_EQ(run.Count(ViewState::kRun), kBranches);
}

TEST_F(Runs, ALimitEndsOneViewAndNoOther) {
  WriteDiamond();
  Write("views/branch1.sql",
        "CREATE MATERIALIZED VIEW branch1 TBLPROPERTIES ('weir.timeout' = '200ms') AS\n"
        "SELECT count(*) AS id, 'k' AS key FROM t a, t b, t c WHERE (a.id * b.id + c.id) % 7 = 3");
  Counting observer;
  const RunEnvelope run = Run(observer);
  auto states = StatesOf(run);
  EXPECT_EQ(Find(run, "branch1").status.code(), StatusCode::kTimedOut)
      << Find(run, "branch1").status.ToString();
  EXPECT_EQ(states["top"], ViewState::kBlocked);
  EXPECT_EQ(run.Count(ViewState::kRun), kBranches - 1);
  EXPECT_EQ(run.state, "failed");
}

TEST_F(Runs, CancellingEndsAllAndTheNextRunGoesOn) {
  WriteDiamond();
  Write("views/slow.sql",
        "SELECT count(*) AS n FROM t a, t b, t c WHERE (a.id * b.id + c.id) % 7 = 3");
  const engine::Cancellation cancellation;
  Counting observer;
  observer.cancel_at = "slow";
  observer.cancellation = &cancellation;
  const auto began = std::chrono::steady_clock::now();
  const RunEnvelope cancelled = Run(observer, cancellation);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(60));
  EXPECT_EQ(cancelled.state, "cancelled");
  EXPECT_EQ(Find(cancelled, "slow").status.code(), StatusCode::kCancelled);
  EXPECT_EQ(static_cast<int>(cancelled.views.size()), kBranches + 2);

  std::filesystem::remove(folder_.path() / "views/slow.sql");
  Counting next;
  const RunEnvelope run = Run(next);
  EXPECT_EQ(run.state, "succeeded");
  EXPECT_EQ(run.Count(ViewState::kRun) + run.Count(ViewState::kReused), kBranches + 1);
}

}  // namespace
}  // namespace weir
