// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/publication.h"

#include <map>
#include <set>

#include <fmt/format.h>

#include "weir/scan/scan_unit.h"

namespace weir {

namespace {

/// Which of its versions a view has in the set.
enum class Place {
  kAbsent,   ///< none
  kEarlier,  ///< that of the last set, which is not its newest build
  kSame,     ///< that of the last set, which is its newest build
  kNewest,   ///< its newest build, which the last set has not
};

struct Candidate {
  Place place = Place::kAbsent;
  bool selected = false;
  std::optional<PublishedVersion> earlier;  ///< of the last set
  std::optional<PublishedVersion> newest;
  ViewContent content;  ///< of the newest
  /// What the newest build read of other views: a state each. Of a selected view the states are
  /// those of the run, and empty here.
  std::map<std::string, std::string> inputs;
};

PublishedVersion NewestOf(const ViewOutcome& outcome) {
  return {.version = outcome.read_version,
          .built_version = outcome.version,
          .built_by = outcome.built_by,
          .content_hash = outcome.content.whole,
          .rows = outcome.rows};
}

PublishedVersion NewestOf(const BuildRecord& build) {
  return {.version = build.read_version,
          .built_version = build.version,
          .built_by = build.run_id,
          .content_hash = build.content.whole,
          .rows = build.rows};
}

bool IsSameBuild(const PublishedVersion& a, const PublishedVersion& b) {
  return a.built_version == b.built_version && a.built_by == b.built_by;
}

/// Finds the places of all views: the least that must move moves.
class SetBuilder {
 public:
  SetBuilder(const RunEnvelope& run, const std::optional<PublishedSet>& last,
             const BuildAtVersion& build_at)
      : build_at_(build_at) {
    const auto earlier = [&](const std::string& view) -> std::optional<PublishedVersion> {
      if (!last) return std::nullopt;
      const auto found = last->views.find(view);
      return found == last->views.end() ? std::nullopt : std::optional(found->second);
    };
    for (const ViewOutcome& outcome : run.views) {
      Candidate& candidate = candidates_[outcome.view_name];
      candidate = {.place = Place::kNewest,
                   .selected = true,
                   .earlier = earlier(outcome.view_name),
                   .newest = NewestOf(outcome),
                   .content = outcome.content,
                   .inputs = {}};
      for (const ScanUnit& unit : outcome.scan_units) {
        if (unit.kind == TableKind::kView) candidate.inputs[unit.table];
      }
    }
    for (const auto& [view, build] : run.not_selected) {
      Candidate& candidate = candidates_[view];
      candidate.earlier = earlier(view);
      if (build) {
        candidate.newest = NewestOf(*build);
        candidate.content = build->content;
        candidate.inputs = build->inputs;
      }
      if (candidate.earlier) {
        candidate.place = candidate.newest && IsSameBuild(*candidate.earlier, *candidate.newest)
                              ? Place::kSame
                              : Place::kEarlier;
      } else if (!last && candidate.newest) {
        candidate.place = Place::kNewest;
      }
    }
  }

  /// Returns what does not fit; empty if all does.
  std::string Settle() {
    bool moved = true;
    while (moved) {
      moved = false;
      for (auto& [view, candidate] : candidates_) {
        if (candidate.place == Place::kAbsent) continue;
        moved = SettleReader(view, candidate) || moved;
        if (!misfit_.empty()) return misfit_;
      }
    }
    return misfit_;
  }

  std::map<std::string, PublishedVersion> Views() const {
    std::map<std::string, PublishedVersion> views;
    for (const auto& [view, candidate] : candidates_) {
      if (candidate.place == Place::kEarlier) views[view] = *candidate.earlier;
      // Where the build is the same, maintenance may have made a newer version of it.
      if (candidate.place == Place::kSame || candidate.place == Place::kNewest)
        views[view] = *candidate.newest;
    }
    return views;
  }

 private:
  /// Returns whether a view moved: the reader, or one that it reads.
  bool SettleReader(const std::string& view, Candidate& reader) {
    bool moved = false;
    for (const auto& [table, state] : InputsOf(view, reader)) {
      const auto found = candidates_.find(table);
      if (found == candidates_.end()) continue;
      Candidate& read = found->second;
      if (read.place != Place::kNewest) {
        if (reader.place != Place::kNewest) continue;  // as the last set has them
        // Read in another warehouse, or from a table that is gone.
        if (!read.newest) continue;
        if (read.place == Place::kEarlier && !reader.selected && FitsEarlier(state, table, read))
          continue;
        if (read.place != Place::kSame) {
          read.place = Place::kNewest;
          moved = true;
        }
      }
      // What is selected was built from, or compared with, the newest.
      if (reader.selected || SameForReader(state, read.content)) continue;
      if (reader.place == Place::kEarlier && reader.newest) {
        reader.place = Place::kNewest;
        return true;
      }
      misfit_ = fmt::format(
          "the view `{}`, which was not selected, was built from another result of `{}`", view,
          table);
      return false;
    }
    return moved;
  }

  /// Of the build that has the view's place.
  const std::map<std::string, std::string>& InputsOf(const std::string& view,
                                                     const Candidate& reader) {
    if (reader.place != Place::kEarlier) return reader.inputs;
    const auto [inputs, is_new] = earlier_inputs_.try_emplace(view);
    if (is_new) {
      const BuildRecord* build = EarlierBuild(view, reader);
      // Whatever it may have read, as nobody knows which result that was.
      inputs->second = build != nullptr ? build->inputs : UnknownStates();
    }
    return inputs->second;
  }

  /// Whether a reader's state of a table is of the build that the last set has.
  bool FitsEarlier(const std::string& state, const std::string& table, const Candidate& read) {
    const BuildRecord* build = EarlierBuild(table, read);
    return build != nullptr && SameForReader(state, build->content);
  }

  /// Null where its commit is no longer that of the build. REQUIRES: read.earlier
  const BuildRecord* EarlierBuild(const std::string& view, const Candidate& candidate) {
    const auto [build, is_new] = earlier_builds_.try_emplace(view);
    if (is_new) build->second = build_at_(view, candidate.earlier->built_version);
    const bool is_it = build->second && build->second->run_id == candidate.earlier->built_by;
    return is_it ? &*build->second : nullptr;
  }

  std::map<std::string, std::string> UnknownStates() const {
    std::map<std::string, std::string> states;
    for (const auto& [view, candidate] : candidates_) states[view];
    return states;
  }

  const BuildAtVersion& build_at_;
  std::map<std::string, Candidate> candidates_;
  std::map<std::string, std::optional<BuildRecord>> earlier_builds_;
  std::map<std::string, std::map<std::string, std::string>> earlier_inputs_;
  std::string misfit_;
};

}  // namespace

Publication DecidePublication(const RunEnvelope& run, const std::optional<PublishedSet>& last,
                              const BuildAtVersion& build_at) {
  Publication publication;
  if (last) publication.earlier_run_id = last->run_id;
  if (run.state != "succeeded") return publication;
  SetBuilder builder(run, last, build_at);
  publication.misfit = builder.Settle();
  if (!publication.misfit.empty()) return publication;
  PublishedSet set{.number = 0, .run_id = run.run_id, .views = builder.Views()};
  if (set.views.empty()) return publication;
  const bool is_same = last && last->views == set.views;
  publication.published_run_id = is_same ? last->run_id : run.run_id;
  if (!is_same) publication.set = std::move(set);
  return publication;
}

}  // namespace weir
