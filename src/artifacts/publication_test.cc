// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/publication.h"

#include <random>

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr const char* kRun = "r9";

/// A build as the log and a set tell of it. A state of a view that was read is the content that it
/// had.
BuildRecord Built(const std::string& run, int64_t version, const std::string& content,
                  const std::map<std::string, std::string>& inputs = {}) {
  BuildRecord build;
  build.run_id = run;
  build.version = build.read_version = version;
  build.content = content;
  build.rows = 1;
  build.inputs = inputs;
  return build;
}

PublishedVersion VersionOf(const BuildRecord& build) {
  return {.version = build.read_version,
          .built_version = build.version,
          .built_by = build.run_id,
          .content_hash = build.content.whole,
          .rows = build.rows};
}

/// One run, and what was before it.
struct Fixture {
  RunEnvelope run;
  std::optional<PublishedSet> last;
  std::map<std::string, BuildRecord> published;  ///< the builds of `last`

  Fixture() {
    run.run_id = kRun;
    run.state = "succeeded";
  }
  void Publish(const std::string& view, const BuildRecord& build) {
    if (!last) last = PublishedSet{.number = 1, .run_id = "r1", .views = {}};
    last->views[view] = VersionOf(build);
    published[view] = build;
  }
  void Select(const std::string& view, const BuildRecord& build,
              const std::vector<std::string>& reads = {}) {
    ViewOutcome outcome;
    outcome.view_name = view;
    outcome.version = build.version;
    outcome.read_version = build.read_version;
    outcome.built_by = build.run_id;
    outcome.content = build.content;
    outcome.rows = build.rows;
    for (const std::string& table : reads) {
      ScanUnit unit;
      unit.view_name = view;
      unit.table = table;
      unit.kind = TableKind::kView;
      outcome.scan_units.push_back(unit);
    }
    run.views.push_back(outcome);
  }
  Publication Decide() const {
    return DecidePublication(
        run, last, [&](const std::string& view, int64_t version) -> std::optional<BuildRecord> {
          const auto build = published.find(view);
          if (build == published.end() || build->second.version != version) return std::nullopt;
          return build->second;
        });
  }
};

TEST(Publication, OfARunOfAllViewsIsWhatItBuiltAndFound) {
  Fixture f;
  f.Publish("a", Built("r1", 0, "x"));
  f.Publish("removed", Built("r1", 0, "x"));
  f.Select("a", Built("r1", 0, "x"));
  f.Select("b", Built(kRun, 3, "y"), {"a"});
  const Publication publication = f.Decide();
  ASSERT_TRUE(publication.set.has_value());
  EXPECT_EQ(publication.set->run_id, kRun);
  EXPECT_EQ(publication.set->views.size(), 2U) << "a view that the project has no more leaves it";
  EXPECT_EQ(publication.set->views.at("b"), VersionOf(Built(kRun, 3, "y")));
  EXPECT_EQ(publication.published_run_id, kRun);
  EXPECT_EQ(publication.earlier_run_id, "r1");
}

TEST(Publication, OfARunThatChangedNothingIsTheEarlierOne) {
  Fixture f;
  f.Publish("a", Built("r1", 0, "x"));
  f.Select("a", Built("r1", 0, "x"));
  const Publication publication = f.Decide();
  EXPECT_FALSE(publication.set.has_value());
  EXPECT_EQ(publication.published_run_id, "r1");
}

TEST(Publication, AfterMaintenanceNamesTheNewerVersionOfTheSameBuild) {
  Fixture f;
  f.Publish("a", Built("r1", 0, "x"));
  BuildRecord compacted = Built("r1", 0, "x");
  compacted.read_version = 1;
  f.Select("a", compacted);
  const Publication publication = f.Decide();
  ASSERT_TRUE(publication.set.has_value());
  EXPECT_EQ(publication.set->views.at("a").version, 1);
  EXPECT_EQ(publication.set->views.at("a").built_version, 0);
}

TEST(Publication, OfARunThatDidNotSucceedIsNothing) {
  for (const char* state : {"failed", "cancelled"}) {
    Fixture f;
    f.Publish("a", Built("r1", 0, "x"));
    f.Select("a", Built(kRun, 1, "y"));
    f.run.state = state;
    const Publication publication = f.Decide();
    EXPECT_FALSE(publication.set.has_value()) << state;
    EXPECT_EQ(publication.published_run_id, "") << state;
    EXPECT_EQ(publication.earlier_run_id, "r1") << state;
    EXPECT_EQ(publication.misfit, "") << state;
  }
}

TEST(Publication, OfASelectionThatOthersWereNotBuiltFromIsNothing) {
  Fixture f;
  f.Publish("a", Built("r1", 0, "x"));
  f.Publish("b", Built("r1", 0, "x", {{"a", "x"}}));
  f.Select("a", Built(kRun, 1, "y"));
  f.run.not_selected["b"] = Built("r1", 0, "x", {{"a", "x"}});
  const Publication publication = f.Decide();
  EXPECT_FALSE(publication.set.has_value());
  EXPECT_EQ(publication.published_run_id, "");
  EXPECT_NE(publication.misfit.find("`b`"), std::string::npos) << publication.misfit;
  EXPECT_NE(publication.misfit.find("`a`"), std::string::npos) << publication.misfit;
}

TEST(Publication, OfASelectionTakesWhatItWasBuiltFrom) {
  // Run 5 built `a` and failed later; now `b` is built from that `a`. `c` stays as it was
  // published.
  Fixture f;
  f.Publish("a", Built("r1", 0, "x"));
  f.Publish("b", Built("r1", 0, "x", {{"a", "x"}}));
  f.Publish("c", Built("r1", 0, "x"));
  f.Select("b", Built(kRun, 1, "z"), {"a"});
  f.run.not_selected["a"] = Built("r5", 1, "y");
  f.run.not_selected["c"] = Built("r5", 1, "y");
  f.run.not_selected["d"] = std::nullopt;
  f.run.not_selected["never published"] = Built("r5", 0, "y");
  const Publication publication = f.Decide();
  ASSERT_TRUE(publication.set.has_value()) << publication.misfit;
  EXPECT_EQ(publication.set->views.at("a").built_by, "r5");
  EXPECT_EQ(publication.set->views.at("b").built_by, kRun);
  EXPECT_EQ(publication.set->views.at("c").built_by, "r1");
  EXPECT_EQ(publication.set->views.size(), 3U);
}

TEST(Publication, WithoutAnEarlierSetTakesOtherViewsAsTheyAre) {
  Fixture f;
  f.Select("a", Built(kRun, 1, "y"));
  f.run.not_selected["b"] = Built("r5", 4, "x", {{"a", "y"}});
  const Publication fits = f.Decide();
  ASSERT_TRUE(fits.set.has_value()) << fits.misfit;
  EXPECT_EQ(fits.set->views.size(), 2U);
  f.run.not_selected["b"] = Built("r5", 4, "x", {{"a", "another"}});
  EXPECT_FALSE(f.Decide().set.has_value());
}

TEST(Publication, PassesOverViewsOfOtherWarehouses) {
  Fixture f;
  f.Select("a", Built(kRun, 1, "y"), {"elsewhere"});
  f.run.not_selected["elsewhere"] = std::nullopt;
  const Publication publication = f.Decide();
  ASSERT_TRUE(publication.set.has_value()) << publication.misfit;
  EXPECT_EQ(publication.set->views.size(), 1U);
}

/// Random projects against all choices of versions that there are: the set that is published moves
/// no view that another consistent set does not move, and there is none where nothing is published.
class Choices {
 public:
  explicit Choices(unsigned seed) : random_(seed) {
    const int count = 2 + Below(4);
    for (int i = 0; i < count; ++i) AddView(i);
  }

  void Check() {
    const Publication publication = fixture_.Decide();
    bool one_fits = false;
    std::set<std::string> needed;  // what all consistent choices have at its newest
    for (unsigned choice = 0; choice < 1U << views_.size(); ++choice) {
      const auto builds = BuildsOf(choice);
      if (!builds || !Fits(*builds)) continue;
      std::set<std::string> newest;
      for (const auto& [view, build] : *builds) {
        if (build == &views_.at(view).newest) newest.insert(view);
      }
      if (!one_fits || newest.size() < needed.size()) needed = newest;
      one_fits = true;
    }
    ASSERT_EQ(publication.misfit.empty(), one_fits) << publication.misfit;
    if (!one_fits) return;
    const auto& found = publication.set ? publication.set->views : fixture_.last->views;
    for (const auto& [view, data] : views_) {
      const bool is_newest = needed.contains(view);
      const auto version = found.find(view);
      ASSERT_EQ(version != found.end(), is_newest || data.published) << view;
      if (version == found.end()) continue;
      ASSERT_EQ(version->second,
                VersionOf(is_newest || data.is_same ? data.newest : *data.published))
          << view;
    }
  }

 private:
  struct View {
    std::vector<std::string> reads;
    std::optional<BuildRecord> published;
    BuildRecord newest;
    bool is_same = false;  ///< both are one build
    bool selected = false;
  };
  using Chosen = std::map<std::string, const BuildRecord*>;

  int Below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  std::string Content() { return std::string(1, static_cast<char>('x' + Below(2))); }

  void AddView(int i) {
    const std::string name = "v" + std::to_string(i);
    View view;
    std::map<std::string, std::string> then, now;
    bool may_be_published = Below(5) > 0;
    bool reads_as_published = true;
    for (const auto& [other, data] : views_) {
      if (Below(2) == 0) continue;
      view.reads.push_back(other);
      may_be_published = may_be_published && data.published;
      if (data.published) then[other] = data.published->content.whole;
      const bool of_newest = !data.published || Below(3) > 0;
      now[other] = of_newest ? data.newest.content.whole : then[other];
      reads_as_published = reads_as_published && data.published && now[other] == then[other];
    }
    if (may_be_published) view.published = Built("r1", 0, Content(), then);
    view.is_same = view.published && Below(2) == 0;
    view.selected = Below(3) == 0;
    view.newest = view.is_same ? *view.published : Built("r5", 1, Content(), now);
    if (view.selected) {
      fixture_.Select(name, view.newest, view.reads);
    } else {
      fixture_.run.not_selected[name] = view.newest;
    }
    if (!fixture_.last) fixture_.last = PublishedSet{.number = 1, .run_id = "r1", .views = {}};
    if (view.published) fixture_.Publish(name, *view.published);
    views_[name] = std::move(view);
  }

  /// Bit i: the i-th view is at its newest; else as published. nullopt for what is no choice.
  std::optional<Chosen> BuildsOf(unsigned choice) const {
    Chosen builds;
    unsigned bit = 1;
    for (const auto& [name, view] : views_) {
      const bool is_newest = (choice & bit) != 0;
      bit <<= 1;
      if (view.selected && !is_newest) return std::nullopt;
      if (!view.selected && is_newest && view.is_same)
        return std::nullopt;  // the same choice twice
      if (is_newest) {
        builds[name] = &view.newest;
      } else if (view.published) {
        builds[name] = &*view.published;
      }
    }
    return builds;
  }

  bool Fits(const Chosen& builds) const {
    for (const auto& [name, build] : builds) {
      const View& view = views_.at(name);
      for (const auto& [table, state] : build->inputs) {
        const auto read = builds.find(table);
        if (read == builds.end()) return false;
        const View& data = views_.at(table);
        const bool has_newest = read->second == &data.newest || data.is_same;
        if (view.selected ? !has_newest : read->second->content.whole != state) return false;
      }
    }
    return true;
  }

  std::mt19937 random_;
  std::map<std::string, View> views_;
  Fixture fixture_;
};

TEST(Publication, MovesNoMoreThanItMustAndPublishesNothingThatDoesNotFit) {
  for (unsigned seed = 1; seed <= 20'000; ++seed) {
    SCOPED_TRACE(seed);
    Choices(seed).Check();
    if (::testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace weir
