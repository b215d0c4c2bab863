// SPDX-License-Identifier: Apache-2.0

#include "weir/decide/decision.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

Fingerprint Hash(const std::string& text) {
  return FingerprintBuilder().Add("text", text).Finish();
}

ScanUnit SourceUnit(std::string table, std::vector<std::string> paths) {
  ScanUnit unit;
  unit.view_name = "v";
  unit.table = std::move(table);
  FileListBuilder files({});
  for (std::string& path : paths) {
    unit.kept.push_back(static_cast<uint32_t>(unit.kept.size()));
    files.Add({.path = std::move(path), .size_bytes = 1});
  }
  unit.files = files.Finish();
  return unit;
}

ScanUnit ViewUnit(std::string table) {
  ScanUnit unit;
  unit.view_name = "v";
  unit.table = std::move(table);
  unit.kind = TableKind::kView;
  return unit;
}

/// A view `v`, the views that it reads, and its last build.
struct Scene {
  Fingerprint fingerprint = Hash("definition");
  std::vector<ScanUnit> units = {SourceUnit("flights", {"a", "b"}), ViewUnit("planes"),
                                 ViewUnit("airports")};
  std::map<std::string, UpstreamState> upstream = {
      {"planes", {.will_run = false, .content = ViewContent("p1")}},
      {"airports", {.will_run = false, .content = ViewContent("a1")}}};
  std::optional<BuildRecord> last_build;
  bool force = false;
  std::map<std::string, std::string> places = {};

  UpstreamState StateOf(const std::string& view) const { return upstream.at(view); }

  /// Records a build of what stands here.
  Scene& Build() {
    const auto content = [&](const std::string& view) { return StateOf(view).content; };
    last_build = BuildRecord{.view_name = "v",
                             .fingerprint = fingerprint,
                             .input_hash = *InputHash(units, content),
                             .content = ViewContent("v1"),
                             .inputs = InputStates(units, content)};
    return *this;
  }

  Decision Decided() const {
    return Decide({.view_name = "v",
                   .fingerprint = fingerprint,
                   .units = &units,
                   .last_build = &last_build,
                   .upstream = [&](const std::string& view) { return StateOf(view); },
                   .force = force,
                   .places = places});
  }
};

void ExpectDecision(const Scene& scene, Action action, const std::string& code,
                    const std::string& reason) {
  const Decision decision = scene.Decided();
  EXPECT_EQ(decision.view_name, "v");
  EXPECT_EQ(ToString(decision.action), ToString(action));
  EXPECT_EQ(decision.code, code);
  EXPECT_EQ(decision.reason, reason);
}

TEST(Decide, ReusesWhatDidNotChange) {
  ExpectDecision(Scene().Build(), Action::kReuse, "unchanged", std::string(kNothingChanged));
}

TEST(Decide, SaysWhichNewVersionDoesNotConcernTheView) {
  Scene scene = Scene().Build();
  scene.last_build->pins["flights"] = 1;
  scene.units.front().version = 3;
  ExpectDecision(scene, Action::kReuse, "unchanged",
                 "`flights` went from version 1 to 3, in no file and column that it reads");
  scene.last_build->pins["flights"] = 3;
  ExpectDecision(scene, Action::kReuse, "unchanged", std::string(kNothingChanged));
}

TEST(Decide, RunsWhatWasNeverBuilt) {
  ExpectDecision(Scene(), Action::kRun, "never_built", "it was never built");
}

TEST(Decide, GoesByTheContentOfAViewNotByItsWarehouse) {
  Scene scene = Scene().Build();
  scene.last_build->deferred = {{"planes", "file:///prod/planes/"}};
  ExpectDecision(
      scene, Action::kReuse, "unchanged",
      "it reads `planes` of this warehouse, no longer of `file:///prod/planes/`, with the "
      "same rows (its rows alone)");
  scene.upstream["planes"].content = ViewContent("p2");
  ExpectDecision(
      scene, Action::kRun, "inputs_changed",
      "it reads `planes` of this warehouse, no longer of `file:///prod/planes/`, and what "
      "it reads is another (its rows alone)");
  scene.places = {{"planes", "file:///prod/planes/"}};
  ExpectDecision(scene, Action::kRun, "inputs_changed",
                 "the result of `planes` changed in what it reads of it (its rows alone)");
}

TEST(Decide, RunsWhatIsAskedForWithForce) {
  Scene scene = Scene().Build();
  scene.force = true;
  ExpectDecision(scene, Action::kRun, "forced", "it was asked for with --force");
}

TEST(Decide, SaysWhyThereIsNoBuild) {
  Scene scene;
  const Decision decision =
      Decide({.view_name = "v",
              .fingerprint = scene.fingerprint,
              .units = &scene.units,
              .last_build = &scene.last_build,
              .why_unbuilt =
                  [] {
                    return Unbuilt{"table_removed", "its table was removed"};
                  },
              .upstream = [&](const std::string& view) { return scene.StateOf(view); }});
  EXPECT_EQ(decision.action, Action::kRun);
  EXPECT_EQ(decision.code, "table_removed");
  EXPECT_EQ(decision.reason, "its table was removed");
}

TEST(Decide, RunsWhatHasLostFiles) {
  Scene scene = Scene().Build();
  scene.last_build->missing_files = {"a.parquet"};
  ExpectDecision(scene, Action::kRun, "files_missing",
                 "a data file of its table is gone: a.parquet");
  scene.last_build->missing_files = {"a.parquet", "b.parquet"};
  ExpectDecision(scene, Action::kRun, "files_missing",
                 "2 data files of its table are gone, among them a.parquet");
}

TEST(Decide, RunsAChangedDefinition) {
  Scene scene = Scene().Build();
  scene.fingerprint = Hash("another");
  ExpectDecision(scene, Action::kRun, "definition_changed", "its definition changed");
}

TEST(Decide, RunsWhenFilesOfASourceChange) {
  Scene scene = Scene().Build();
  scene.units[0] = SourceUnit("flights", {"a", "b", "c"});
  ExpectDecision(scene, Action::kRun, "inputs_changed",
                 "the files it reads of `flights` changed (its rows alone)");
}

TEST(Decide, RunsWhenTheResultOfAViewChanged) {
  Scene scene = Scene().Build();
  scene.upstream["planes"].content = ViewContent("p2");
  ExpectDecision(scene, Action::kRun, "inputs_changed",
                 "the result of `planes` changed in what it reads of it (its rows alone)");
}

TEST(Decide, NamesAllThatChanged) {
  Scene scene = Scene().Build();
  scene.units[0] = SourceUnit("flights", {"a"});
  scene.upstream["planes"].content = ViewContent("p2");
  scene.upstream["airports"].content = ViewContent("a2");
  ExpectDecision(scene, Action::kRun, "inputs_changed",
                 "the result of `airports` changed in what it reads of it (its rows alone); the "
                 "files it reads "
                 "of `flights` changed (its rows alone); the result of `planes` changed in what it "
                 "reads of it "
                 "(its rows alone)");
}

TEST(Decide, WaitsForAViewThatWillRun) {
  Scene scene = Scene().Build();
  scene.upstream["planes"] = {.will_run = true, .content = {}};
  ExpectDecision(scene, Action::kPending, "upstream_runs",
                 "`planes` will run; it follows if what it reads of the result changes");
}

TEST(Decide, ReusesWhenAViewWasBuiltAgainWithTheSameContent) {
  Scene scene = Scene().Build();
  scene.upstream["planes"] = {.will_run = false, .content = ViewContent("p1")};
  EXPECT_EQ(scene.Decided().action, Action::kReuse);
}

TEST(Decide, DoesNotWaitWhereAnotherInputChangedAnyway) {
  Scene scene = Scene().Build();
  scene.upstream["planes"] = {.will_run = true, .content = {}};
  scene.units[0] = SourceUnit("flights", {"c"});
  ExpectDecision(scene, Action::kRun, "inputs_changed",
                 "the files it reads of `flights` changed (its rows alone)");
}

TEST(Decide, RunsWhatReadsAViewThatWasNeverBuilt) {
  Scene scene = Scene().Build();
  scene.upstream["planes"] = {};
  ExpectDecision(scene, Action::kRun, "inputs_changed", "it reads `planes`, which was never built");
}

TEST(Decide, AViewWithoutInputsIsReused) {
  Scene scene;
  scene.units.clear();
  EXPECT_EQ(scene.Build().Decided().action, Action::kReuse);
}

/// What is known of a view's result where one reading of it was hashed.
ViewContent Content(const std::string& whole, const std::string& reading_hash) {
  ViewContent content(whole);
  content.readings["r"] = reading_hash;
  return content;
}

Scene ReaderOf(const ViewContent& planes) {
  Scene scene;
  scene.units[1].reading_id = "r";
  scene.units[1].columns = {"tailnum", "year"};
  scene.upstream["planes"].content = planes;
  return scene.Build();
}

TEST(Decide, StopsWhereAViewChangedElsewhereOnly) {
  Scene scene = ReaderOf(Content("p1", "same"));
  scene.upstream["planes"].content = Content("p2", "same");
  ExpectDecision(
      scene, Action::kReuse, "unchanged",
      "the result of `planes` changed, but not in what it reads (columns tailnum, year)");
}

TEST(Decide, RunsWhenWhatItReadsOfAViewChanged) {
  Scene scene = ReaderOf(Content("p1", "one"));
  scene.upstream["planes"].content = Content("p2", "another");
  ExpectDecision(scene, Action::kRun, "inputs_changed",
                 "the result of `planes` changed in what it reads of it (columns tailnum, year)");
}

TEST(Decide, GoesByTheWholeWhereAReadingIsUnknown) {
  Scene scene = ReaderOf(ViewContent("p1"));
  scene.upstream["planes"].content = Content("p1", "late");
  EXPECT_EQ(scene.Decided().action, Action::kReuse) << "the same as a whole";
  scene.upstream["planes"].content = Content("p2", "late");
  EXPECT_EQ(scene.Decided().action, Action::kRun) << "nothing says that the reading is the same";
  scene = ReaderOf(Content("p1", "known"));
  scene.upstream["planes"].content = ViewContent("p2");
  EXPECT_EQ(scene.Decided().action, Action::kRun) << "the new result lacks the reading";
}

TEST(Decide, UnderstandsStatesOfOlderBuilds) {
  Scene scene = ReaderOf(Content("p1", "x"));
  scene.last_build->inputs["planes"] = "p1";
  scene.last_build->inputs["airports"] = "a1";
  EXPECT_EQ(scene.Decided().action, Action::kReuse);
  scene.upstream["planes"].content = Content("p2", "x");
  EXPECT_EQ(scene.Decided().action, Action::kRun);
}

TEST(Decide, AsksAboutSourcesWhoseFilesChanged) {
  Scene scene = Scene().Build();
  scene.units[0] = SourceUnit("flights", {"c"});
  const auto decide = [&](bool same_rows) {
    return Decide({.view_name = "v",
                   .fingerprint = scene.fingerprint,
                   .units = &scene.units,
                   .last_build = &scene.last_build,
                   .upstream = [&](const std::string& view) { return scene.StateOf(view); },
                   .source_change =
                       [&](const std::string& table) {
                         EXPECT_EQ(table, "flights");
                         return SourceChange{.same_rows = same_rows, .text = "files changed"};
                       }});
  };
  EXPECT_EQ(decide(true).action, Action::kReuse);
  EXPECT_EQ(decide(true).reason, "files changed");
  EXPECT_EQ(decide(false).action, Action::kRun);
  EXPECT_EQ(decide(false).reason, "files changed");
}

}  // namespace
}  // namespace weir
