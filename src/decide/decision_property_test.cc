// SPDX-License-Identifier: Apache-2.0
//
// Random projects under random edits, each run decided view by view, against a model that builds
// everything anew.

#include <array>
#include <cstdlib>
#include <random>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "weir/decide/decision.h"

namespace weir {
namespace {

using Random = std::mt19937;

/// Times the runs of each: over 10,000 cases, each a run of a whole project.
const int kProjects = std::getenv("WEIR_TEST_SCALE") != nullptr ? 10'000 : 1'000;
constexpr int kRunsPerProject = 12;

Fingerprint Hash(int64_t value) { return FingerprintBuilder().Add("value", value).Finish(); }

/// Reads one of the halves of a source's files, as if the others were pruned.
struct SourceRead {
  size_t source = 0;
  int half = 0;
};

/// Reads of another view its first column, its second, or both.
struct ViewRead {
  size_t view = 0;  ///< a smaller number than the reader's
  int columns = 3;  ///< bits
};

struct ModelView {
  int64_t definition = 0;
  std::vector<SourceRead> sources;
  std::vector<ViewRead> views;
};

/// A result has two columns.
using ModelContent = std::array<int64_t, 2>;

/// What a reader of some columns sees.
std::vector<int64_t> Seen(const ModelContent& content, int columns) {
  std::vector<int64_t> seen;
  if ((columns & 1) != 0) seen.push_back(content[0]);
  if ((columns & 2) != 0) seen.push_back(content[1]);
  return seen;
}

std::string ReadingId(int columns) { return fmt::format("columns{}", columns); }

/// A file is told apart by its number, which is its content too.
struct Source {
  std::vector<int64_t> halves[2];
};

struct Build {
  BuildRecord record;
  ModelContent content = {};
  /// What the build stood for: definition, then what it read.
  std::vector<int64_t> made_of;
  bool without_readings = false;  ///< a view that it read had no hashes of readings
};

std::string ViewName(size_t view) { return fmt::format("v{:02}", view); }

class Project {
 public:
  explicit Project(Random& random) : random_(random) {
    sources_.resize(1 + random_() % 4);
    for (Source& source : sources_) {
      for (auto& files : source.halves) files = {next_file_++};
    }
    views_.resize(1 + random_() % 9);
    for (size_t i = 0; i < views_.size(); ++i) {
      for (size_t s = 0; s < sources_.size(); ++s) {
        if (random_() % 3 == 0) views_[i].sources.push_back({s, static_cast<int>(random_() % 2)});
      }
      for (size_t v = 0; v < i; ++v) {
        if (random_() % 3 == 0) {
          const int columns = 1 + static_cast<int>(random_() % 3);
          views_[i].views.push_back({v, columns});
          // The same view may be read twice, each time otherwise.
          if (random_() % 8 == 0) views_[i].views.push_back({v, 1 + columns % 3});
        }
      }
    }
    builds_.resize(views_.size());
  }

  /// Nothing, a new or lost file, a changed definition, or one that goes back to what it was.
  void Edit() {
    for (size_t edits = random_() % 3; edits > 0; --edits) {
      auto& files = sources_[random_() % sources_.size()].halves[random_() % 2];
      ModelView& view = views_[random_() % views_.size()];
      switch (random_() % 4) {
        case 0:
          files.push_back(next_file_++);
          break;
        case 1:
          if (!files.empty()) files.pop_back();
          break;
        case 2:
          ++view.definition;
          break;
        default:
          view.definition = 0;
      }
    }
  }

  /// Decides beforehand, runs view by view, and compares with the model.
  void Run() {
    const bool force = random_() % 20 == 0;
    std::set<size_t> selected;
    const bool all = random_() % 3 != 0;
    for (size_t i = 0; i < views_.size(); ++i) {
      if (all || random_() % 2 == 0) selected.insert(i);
    }
    const std::map<size_t, Action> planned = Plan(selected, force);
    for (size_t view : selected) {
      if (HasUnbuiltUpstream(view)) continue;  // the run reports it as an error
      const Action action =
          DecideView(view, force, [&](size_t upstream) { return FinalState(upstream); });
      CheckPlan(view, planned.at(view), action);
      Check(view, action, force);
      if (action == Action::kRun) RunView(view);
      ASSERT_EQ(builds_[view]->content, ContentOf(view)) << "a stale result of " << ViewName(view);
    }
    settled_.clear();
    if (!all) return;
    CheckAgainstFullBuild();
    for (size_t view = 0; view < views_.size(); ++view) settled_.push_back(TransitiveState(view));
  }

  int runs() const { return runs_; }
  int reuses() const { return reuses_; }
  int pending() const { return pending_; }

 private:
  bool HasUnbuiltUpstream(size_t view) const {
    for (const ViewRead& read : views_[view].views) {
      if (!builds_[read.view]) return true;
    }
    return false;
  }

  UpstreamState FinalState(size_t view) const {
    if (!builds_[view]) return {};
    return {.will_run = false, .content = builds_[view]->record.content};
  }

  std::vector<ScanUnit> UnitsOf(size_t view) const {
    std::vector<ScanUnit> units;
    for (const SourceRead& read : views_[view].sources) {
      ScanUnit unit;
      unit.table = fmt::format("source{}", read.source);
      FileListBuilder files({});
      for (int64_t file : sources_[read.source].halves[read.half]) {
        unit.kept.push_back(static_cast<uint32_t>(unit.kept.size()));
        files.Add({.path = fmt::format("{}", file)});
      }
      unit.files = files.Finish();
      units.push_back(std::move(unit));
    }
    for (const ViewRead& read : views_[view].views) {
      ScanUnit unit;
      unit.table = ViewName(read.view);
      unit.kind = TableKind::kView;
      unit.reading_id = ReadingId(read.columns);
      units.push_back(std::move(unit));
    }
    return units;
  }

  template <typename StateOf>
  Action DecideView(size_t view, bool force, const StateOf& state_of) const {
    const auto units = UnitsOf(view);
    const std::optional<BuildRecord> last =
        builds_[view] ? std::optional(builds_[view]->record) : std::nullopt;
    const auto upstream = [&](const std::string& name) {
      return state_of(std::stoul(name.substr(1)));
    };
    return Decide({.view_name = ViewName(view),
                   .fingerprint = Hash(views_[view].definition),
                   .units = &units,
                   .last_build = &last,
                   .upstream = upstream,
                   .force = force})
        .action;
  }

  std::map<size_t, Action> Plan(const std::set<size_t>& selected, bool force) {
    std::map<size_t, Action> actions;
    for (size_t view : selected) {
      actions[view] = DecideView(view, force, [&](size_t upstream) -> UpstreamState {
        const auto action = actions.find(upstream);
        if (action != actions.end() && action->second != Action::kReuse)
          return {.will_run = true, .content = {}};
        return FinalState(upstream);
      });
      pending_ += actions[view] == Action::kPending ? 1 : 0;
    }
    return actions;
  }

  void CheckPlan(size_t view, Action planned, Action action) const {
    ASSERT_NE(action, Action::kPending) << "all that " << ViewName(view) << " reads is final";
    ASSERT_TRUE(planned == Action::kPending || planned == action)
        << "not what the plan said of " << ViewName(view);
  }

  std::vector<int64_t> MadeOf(size_t view) const {
    std::vector<int64_t> parts = {views_[view].definition};
    for (const SourceRead& read : views_[view].sources) {
      const auto& files = sources_[read.source].halves[read.half];
      parts.push_back(-static_cast<int64_t>(files.size()));
      parts.insert(parts.end(), files.begin(), files.end());
    }
    for (const ViewRead& read : views_[view].views) {
      for (int64_t seen : Seen(builds_[read.view]->content, read.columns)) parts.push_back(seen);
    }
    return parts;
  }

  /// Few contents, so that changes often do not reach further views, or one column only.
  static ModelContent Content(const std::vector<int64_t>& made_of) {
    int64_t sum = 0;
    for (int64_t part : made_of) sum = (sum * 31 + part + 1) % 1'000'003;
    return {sum % 3, sum / 3 % 3};
  }
  ModelContent ContentOf(size_t view) const { return Content(MadeOf(view)); }

  /// Definitions and files of everything upstream, and of the view itself.
  std::vector<int64_t> TransitiveState(size_t view) const {
    std::vector<int64_t> state = {views_[view].definition};
    for (const SourceRead& read : views_[view].sources) {
      const auto& files = sources_[read.source].halves[read.half];
      state.push_back(-static_cast<int64_t>(files.size()));
      state.insert(state.end(), files.begin(), files.end());
    }
    for (const ViewRead& read : views_[view].views) {
      const auto above = TransitiveState(read.view);
      state.insert(state.end(), above.begin(), above.end());
    }
    return state;
  }

  void Check(size_t view, Action action, bool force) {
    (action == Action::kRun ? runs_ : reuses_) += 1;
    const bool same = builds_[view] && builds_[view]->made_of == MadeOf(view);
    ASSERT_TRUE(action == Action::kRun || (same && !force)) << ViewName(view) << " is stale";
    // Only where a reading was not hashed may a view run for nothing.
    ASSERT_TRUE(action == Action::kReuse || !same || force || ReadsWithoutHash(view))
        << ViewName(view) << " ran although what it reads is the same";
    const bool settled = !settled_.empty() && settled_[view] == TransitiveState(view);
    ASSERT_FALSE(settled && !force && action == Action::kRun)
        << ViewName(view) << " ran for nothing";
  }

  /// Whether a reading of the view is unknown, in what it reads now or read at its last build.
  bool ReadsWithoutHash(size_t view) const {
    if (builds_[view]->without_readings) return true;
    for (const ViewRead& read : views_[view].views) {
      if (builds_[read.view]->record.content.readings.empty()) return true;
    }
    return false;
  }

  void RunView(size_t view) {
    const auto units = UnitsOf(view);
    const auto content = [&](const std::string& name) {
      return FinalState(std::stoul(name.substr(1))).content;
    };
    Build build{.record = {}, .content = ContentOf(view), .made_of = MadeOf(view)};
    for (const ViewRead& read : views_[view].views) {
      build.without_readings =
          build.without_readings || builds_[read.view]->record.content.readings.empty();
    }
    build.record = {.view_name = ViewName(view),
                    .fingerprint = Hash(views_[view].definition),
                    .input_hash = *InputHash(units, content),
                    .content = HashesOf(build.content),
                    .inputs = InputStates(units, content)};
    builds_[view] = std::move(build);
  }

  /// Some builds are as if an older release had made them: without hashes of readings.
  ViewContent HashesOf(const ModelContent& content) {
    ViewContent hashes(fmt::format("{} {}", content[0], content[1]));
    if (random_() % 10 == 0) return hashes;
    for (int columns = 1; columns <= 3; ++columns) {
      hashes.readings[ReadingId(columns)] =
          fmt::format("{}", fmt::join(Seen(content, columns), " "));
    }
    return hashes;
  }

  /// A run of everything leaves what a build from nothing gives.
  void CheckAgainstFullBuild() {
    const auto built = builds_;
    builds_.assign(views_.size(), std::nullopt);
    for (size_t view = 0; view < views_.size(); ++view) RunView(view);
    for (size_t view = 0; view < views_.size(); ++view) {
      ASSERT_EQ(built[view]->content, builds_[view]->content) << ViewName(view);
    }
    builds_ = built;
  }

  Random& random_;
  std::vector<Source> sources_;
  std::vector<ModelView> views_;
  std::vector<std::optional<Build>> builds_;
  /// Each view's transitive state at the end of the last run, if that was of all views.
  std::vector<std::vector<int64_t>> settled_;
  int64_t next_file_ = 1;
  int runs_ = 0, reuses_ = 0, pending_ = 0;
};

TEST(DecideProperty, ReuseGivesWhatAFullBuildWouldAndNothingRunsForNothing) {
  Random random(42);
  int runs = 0, reuses = 0, pending = 0;
  for (int i = 0; i < kProjects; ++i) {
    Project project(random);
    for (int run = 0; run < kRunsPerProject; ++run) {
      if (run > 0) project.Edit();
      project.Run();
      if (HasFatalFailure()) FAIL() << "project " << i << ", run " << run;
    }
    runs += project.runs();
    reuses += project.reuses();
    pending += project.pending();
  }
  // The generator must reach all kinds of decisions.
  EXPECT_GT(runs, 1'000);
  EXPECT_GT(reuses, 1'000);
  EXPECT_GT(pending, 500);
}

}  // namespace
}  // namespace weir
