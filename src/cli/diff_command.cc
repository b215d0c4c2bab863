// SPDX-License-Identifier: Apache-2.0
//
// diff: which sections of the fingerprints' input differ, between two bundles or two runs.

#include <algorithm>
#include <iostream>
#include <optional>

#include "weir/artifacts/recorded_bundles.h"
#include "weir/base/json_text.h"
#include "weir/base/nearest.h"
#include "weir/cli/command.h"
#include "weir/cli/diff_sides.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;
using Definitions = std::map<std::string, BundleDefinition>;

constexpr size_t kContextLines = 2;

Result<BundleDefinition> ViewOf(const ComparedSide& side, DiffSources& sources) {
  if (side.run.empty()) {
    WEIR_ASSIGN_OR_RETURN(const OpenProject* open, sources.Compiled());
    WEIR_ASSIGN_OR_RETURN(const auto bundle, FindView(*open, side.view));
    return DefinitionOf(*bundle);
  }
  WEIR_ASSIGN_OR_RETURN(const RecordedBundles* recorded, sources.Recorded());
  WEIR_ASSIGN_OR_RETURN(const auto builds, recorded->BuildsUpTo(side.run));
  const auto build = builds.find(side.view);
  if (build == builds.end()) {
    std::vector<std::string> names;
    for (const auto& [name, known] : builds) names.push_back(name);
    const std::string hint = SuggestionHint(side.view, names);
    return Status::User(StatusCode::kNotFound, "no run up to {} has built a view named `{}`",
                        side.run, side.view)
        .WithHint(hint.empty() ? "`weir run` builds views and records their bundles" : hint);
  }
  WEIR_ASSIGN_OR_RETURN(auto loaded, recorded->Load({*build}));
  return std::move(loaded[side.view]);
}

/// " + line", " - line".
std::string LinesText(const std::vector<DiffLine>& lines) {
  std::string text;
  for (const DiffLine& line : WithContext(lines, kContextLines)) {
    const char mark = line.side == DiffSide::kBoth     ? ' '
                      : line.side == DiffSide::kBefore ? '-'
                                                       : '+';
    text += fmt::format("  {} {}\n", mark, line.text);
  }
  return text;
}

bool IsHash(const std::optional<std::string>& value) {
  return value && value->starts_with("blake2b:");
}

std::string DifferenceText(const SectionDifference& difference) {
  std::string text = difference.section;
  if (!difference.name.empty()) {
    text += difference.section == "plan" ? " reads " : " ";
    text += difference.name;
  }
  if (difference.before && difference.after) {
    text += IsHash(difference.before) || IsHash(difference.after)
                ? " differs"
                : fmt::format(": {} -> {}", *difference.before, *difference.after);
  } else if (difference.after) {
    text += " added" + (IsHash(difference.after) ? "" : ": " + *difference.after);
  } else if (difference.before) {
    text += " removed" + (IsHash(difference.before) ? "" : ": " + *difference.before);
  }
  return text + "\n" + LinesText(difference.lines);
}

Json DifferenceJson(const SectionDifference& difference) {
  Json json{{"section", difference.section}};
  if (!difference.name.empty()) json["name"] = difference.name;
  json["change"] = difference.before.has_value() == difference.after.has_value() ? "changed"
                   : difference.after.has_value()                                ? "added"
                                                                                 : "removed";
  if (difference.before) json["before"] = *difference.before;
  if (difference.after) json["after"] = *difference.after;
  for (const DiffLine& line : difference.lines) {
    json["lines"].push_back({{"side", line.side == DiffSide::kBoth     ? "both"
                                      : line.side == DiffSide::kBefore ? "before"
                                                                       : "after"},
                             {"text", line.text}});
  }
  return json;
}

Json DefinitionJson(const BundleDefinition& definition) {
  return {{"view", definition.view_name},
          {"run", definition.run_id.empty() ? Json() : Json(definition.run_id)},
          {"fingerprint", definition.fingerprint.ToString()}};
}

/// Prints how two views differ; returns whether they do.
Result<bool> PrintViews(const std::pair<ComparedSide, ComparedSide>& sides, Format format,
                        DiffSources& sources) {
  WEIR_ASSIGN_OR_RETURN(const BundleDefinition before, ViewOf(sides.first, sources));
  WEIR_ASSIGN_OR_RETURN(const BundleDefinition after, ViewOf(sides.second, sources));
  const auto differences = DiffDefinitions(before, after);
  if (format == Format::kJson) {
    Json sections = Json::array();
    for (const SectionDifference& difference : differences)
      sections.push_back(DifferenceJson(difference));
    std::cout << JsonText(Json{{"schema_version", 1},
                               {"before", DefinitionJson(before)},
                               {"after", DefinitionJson(after)},
                               {"same", differences.empty()},
                               {"sections", sections}},
                          2)
              << "\n";
    return !differences.empty();
  }
  const auto name = [](const BundleDefinition& definition) {
    return ToString(
        ComparedSide{.view = definition.view_name, .run = definition.run_id, .table = {}});
  };
  std::cout << fmt::format("--- {}  {}\n+++ {}  {}\n", name(before), before.fingerprint.ToString(),
                           name(after), after.fingerprint.ToString());
  for (const SectionDifference& difference : differences) std::cout << DifferenceText(difference);
  if (differences.empty()) std::cout << "no difference\n";
  return !differences.empty();
}

/// Everything that a run built, or that is compiled now.
struct WholeSide {
  std::set<std::string> views;       ///< that it is about
  std::set<std::string> uncompiled;  ///< of now: without a fingerprint
  std::map<std::string, RecordedBundles::Build> builds;
};

Result<WholeSide> WholeOf(const ComparedSide& side, DiffSources& sources) {
  WholeSide whole;
  if (side.run.empty()) {
    WEIR_ASSIGN_OR_RETURN(const OpenProject* open, sources.Compiled());
    for (const auto& bundle : open->compiled.bundles()) {
      whole.views.insert(bundle->view_name);
      whole.builds[bundle->view_name] = {.run_id = {}, .fingerprint = bundle->fingerprint};
    }
    whole.uncompiled = open->compiled.failed;
    return whole;
  }
  WEIR_ASSIGN_OR_RETURN(const RecordedBundles* recorded, sources.Recorded());
  WEIR_ASSIGN_OR_RETURN(whole.views, recorded->ViewsOf(side.run));
  WEIR_ASSIGN_OR_RETURN(whole.builds, recorded->BuildsUpTo(side.run));
  return whole;
}

struct ViewChange {
  std::string view;
  std::string change;  ///< "changed", "only before", "only after" or "not compiled"
  std::vector<std::string> sections;
};

/// The definitions of the views in `wanted`.
Result<Definitions> LoadDefinitions(const ComparedSide& side, const WholeSide& whole,
                                    const std::set<std::string>& wanted, DiffSources& sources) {
  Definitions definitions;
  if (side.run.empty()) {
    WEIR_ASSIGN_OR_RETURN(const OpenProject* open, sources.Compiled());
    for (const auto& bundle : open->compiled.bundles()) {
      if (wanted.contains(bundle->view_name))
        definitions.emplace(bundle->view_name, DefinitionOf(*bundle));
    }
    return definitions;
  }
  std::map<std::string, RecordedBundles::Build> builds;
  for (const auto& [view, build] : whole.builds) {
    if (wanted.contains(view)) builds.emplace(view, build);
  }
  WEIR_ASSIGN_OR_RETURN(const RecordedBundles* recorded, sources.Recorded());
  return recorded->Load(builds);
}

Result<std::vector<ViewChange>> ChangesBetween(const std::pair<ComparedSide, ComparedSide>& sides,
                                               DiffSources& sources) {
  WEIR_ASSIGN_OR_RETURN(const WholeSide before, WholeOf(sides.first, sources));
  WEIR_ASSIGN_OR_RETURN(const WholeSide after, WholeOf(sides.second, sources));
  std::set<std::string> views = before.views, differing;
  views.insert(after.views.begin(), after.views.end());
  views.insert(after.uncompiled.begin(), after.uncompiled.end());
  // Of a run alone, what earlier ones built counts too: it may have been about some views only.
  const bool is_between_runs = !sides.first.run.empty() && !sides.second.run.empty();
  const auto has = [&](const WholeSide& whole, const std::string& view) {
    return whole.builds.contains(view) && (!is_between_runs || whole.views.contains(view));
  };
  std::vector<ViewChange> changes;
  for (const std::string& view : views) {
    const bool was = has(before, view), is = has(after, view);
    if (before.uncompiled.contains(view) || after.uncompiled.contains(view)) {
      changes.push_back({view, "not compiled", {}});
    } else if (was && is) {
      if (before.builds.at(view).fingerprint == after.builds.at(view).fingerprint) continue;
      differing.insert(view);
      changes.push_back({view, "changed", {}});
    } else if (was || is) {
      changes.push_back({view, is ? "only after" : "only before", {}});
    }
  }
  WEIR_ASSIGN_OR_RETURN(const auto from, LoadDefinitions(sides.first, before, differing, sources));
  WEIR_ASSIGN_OR_RETURN(const auto to, LoadDefinitions(sides.second, after, differing, sources));
  for (ViewChange& change : changes) {
    if (from.contains(change.view) && to.contains(change.view))
      change.sections = SectionNames(DiffDefinitions(from.at(change.view), to.at(change.view)));
  }
  return changes;
}

/// Prints the views that differ between two runs; returns whether there are any.
Result<bool> PrintRuns(const std::pair<ComparedSide, ComparedSide>& sides, Format format,
                       DiffSources& sources) {
  WEIR_ASSIGN_OR_RETURN(const auto changes, ChangesBetween(sides, sources));
  std::vector<std::vector<std::string>> rows;
  Json views = Json::array();
  for (const ViewChange& change : changes) {
    std::string sections;
    for (const std::string& section : change.sections)
      sections += (sections.empty() ? "" : ", ") + section;
    rows.push_back({change.view, change.change, sections});
    views.push_back(
        {{"view", change.view}, {"change", change.change}, {"sections", change.sections}});
  }
  PrintComparedRuns(sides, {"view", "change", "sections"}, rows, views, format);
  return !changes.empty();
}

}  // namespace

int RunDiff(const GlobalOptions& options, const std::vector<std::string>& names, bool exit_code) {
  auto sources = DiffSources::Open(options);
  if (!sources.ok()) return FailNamed(sources.status());
  const auto sides = ComparedSidesNamed(names, /*takes_tables=*/false, *sources);
  if (!sides.ok()) return FailNamed(sides.status());
  const auto differs = sides->first.view.empty() ? PrintRuns(*sides, options.format, *sources)
                                                 : PrintViews(*sides, options.format, *sources);
  if (!differs.ok()) {
    sources->ReportProblems();
    return FailNamed(differs.status());
  }
  return *differs && exit_code ? kWorkFailed : kDone;
}

}  // namespace weir::cli
