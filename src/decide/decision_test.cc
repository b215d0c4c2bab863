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
      {"planes", {.will_run = false, .content_hash = "p1"}},
      {"airports", {.will_run = false, .content_hash = "a1"}}};
  std::optional<BuildRecord> last_build;
  bool force = false;

  UpstreamState StateOf(const std::string& view) const { return upstream.at(view); }

  /// Records a build of what stands here.
  Scene& Build() {
    const auto content_hash = [&](const std::string& view) { return StateOf(view).content_hash; };
    last_build = BuildRecord{.view_name = "v",
                             .fingerprint = fingerprint,
                             .input_hash = *InputHash(units, content_hash),
                             .content_hash = "v1",
                             .inputs = InputStates(units, content_hash)};
    return *this;
  }

  Decision Decided() const {
    return Decide({.view_name = "v",
                   .fingerprint = fingerprint,
                   .units = &units,
                   .last_build = &last_build,
                   .upstream = [&](const std::string& view) { return StateOf(view); },
                   .force = force});
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
  ExpectDecision(Scene().Build(), Action::kReuse, "unchanged",
                 "neither its definition nor what it reads changed");
}

TEST(Decide, RunsWhatWasNeverBuilt) {
  ExpectDecision(Scene(), Action::kRun, "never_built", "it was never built");
}

TEST(Decide, RunsWhatIsAskedForWithForce) {
  Scene scene = Scene().Build();
  scene.force = true;
  ExpectDecision(scene, Action::kRun, "forced", "it was asked for with --force");
}

TEST(Decide, RunsAChangedDefinition) {
  Scene scene = Scene().Build();
  scene.fingerprint = Hash("another");
  ExpectDecision(scene, Action::kRun, "definition_changed", "its definition changed");
}

TEST(Decide, RunsWhenFilesOfASourceChange) {
  Scene scene = Scene().Build();
  scene.units[0] = SourceUnit("flights", {"a", "b", "c"});
  ExpectDecision(scene, Action::kRun, "inputs_changed", "the files it reads of `flights` changed");
}

TEST(Decide, RunsWhenTheResultOfAViewChanged) {
  Scene scene = Scene().Build();
  scene.upstream["planes"].content_hash = "p2";
  ExpectDecision(scene, Action::kRun, "inputs_changed", "the result of `planes` changed");
}

TEST(Decide, NamesAllThatChanged) {
  Scene scene = Scene().Build();
  scene.units[0] = SourceUnit("flights", {"a"});
  scene.upstream["planes"].content_hash = "p2";
  scene.upstream["airports"].content_hash = "a2";
  ExpectDecision(
      scene, Action::kRun, "inputs_changed",
      "the files it reads of `flights` changed, the result of `airports`, `planes` changed");
}

TEST(Decide, WaitsForAViewThatWillRun) {
  Scene scene = Scene().Build();
  scene.upstream["planes"] = {.will_run = true, .content_hash = {}};
  ExpectDecision(scene, Action::kPending, "upstream_runs",
                 "`planes` will run; it follows if the result changes");
}

TEST(Decide, ReusesWhenAViewWasBuiltAgainWithTheSameContent) {
  Scene scene = Scene().Build();
  scene.upstream["planes"] = {.will_run = false, .content_hash = "p1"};
  EXPECT_EQ(scene.Decided().action, Action::kReuse);
}

TEST(Decide, DoesNotWaitWhereAnotherInputChangedAnyway) {
  Scene scene = Scene().Build();
  scene.upstream["planes"] = {.will_run = true, .content_hash = {}};
  scene.units[0] = SourceUnit("flights", {"c"});
  ExpectDecision(scene, Action::kRun, "inputs_changed", "the files it reads of `flights` changed");
}

TEST(Decide, RunsWhatReadsAViewThatWasNeverBuilt) {
  Scene scene = Scene().Build();
  scene.upstream["planes"] = {};
  ExpectDecision(scene, Action::kRun, "inputs_changed", "a view that it reads was never built");
}

TEST(Decide, AViewWithoutInputsIsReused) {
  Scene scene;
  scene.units.clear();
  EXPECT_EQ(scene.Build().Decided().action, Action::kReuse);
}

}  // namespace
}  // namespace weir
