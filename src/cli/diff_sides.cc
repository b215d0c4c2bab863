// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/diff_sides.h"

#include <algorithm>
#include <iostream>

#include "weir/base/filesystem.h"
#include "weir/base/json_text.h"
#include "weir/base/nearest.h"

namespace weir::cli {

namespace {

constexpr std::string_view kLast = "last";
constexpr std::string_view kNow = "now";

/// The id of a run that the user named.
Result<std::string> RunNamed(const std::string& name, DiffSources& sources) {
  WEIR_ASSIGN_OR_RETURN(const RecordedBundles* recorded, sources.Recorded());
  const auto& ids = recorded->run_ids();
  if (name == kLast) return ids.back();
  if (std::find(ids.begin(), ids.end(), name) != ids.end()) return name;
  const std::string hint = SuggestionHint(name, ids);
  return Status::User(StatusCode::kNotFound, "there is no run `{}`", name)
      .WithHint(hint.empty() ? "`weir history` lists the runs; `last` is the newest" : hint);
}

/// VIEW, VIEW@RUN, RUN, `last`, `now` or a path.
Result<ComparedSide> SideNamed(const std::string& text, bool takes_tables, DiffSources& sources) {
  if (sources.IsView(text)) return ComparedSide{.view = text, .run = {}, .table = {}};
  if (text == kNow) return ComparedSide{};
  if (takes_tables && text.find('/') != std::string::npos)
    return ComparedSide{.view = {}, .run = {}, .table = text};
  const size_t at = text.rfind('@');
  if (at != std::string::npos && at > 0) {
    ComparedSide side{.view = text.substr(0, at), .run = {}, .table = {}};
    const std::string run = text.substr(at + 1);
    if (run != kNow) {
      WEIR_ASSIGN_OR_RETURN(side.run, RunNamed(run, sources));
    }
    return side;
  }
  auto run = RunNamed(text, sources);
  if (run.ok()) return ComparedSide{.view = {}, .run = *run, .table = {}};
  if (text == kLast || run.status().blame() != Blame::kUser) return run.status();
  const std::string hint = SuggestionHint(text, sources.ViewNames());
  return Status::User(StatusCode::kNotFound, "there is no view and no run named `{}`", text)
      .WithHint(hint.empty() ? run.status().hint() : hint);
}

bool IsOfRun(const ComparedSide& side) { return side.view.empty() && side.table.empty(); }

}  // namespace

std::string ToString(const ComparedSide& side) {
  if (!side.table.empty()) return side.table;
  const std::string run = side.run.empty() ? std::string(kNow) : side.run;
  return side.view.empty() ? run : side.view + "@" + run;
}

Result<DiffSources> DiffSources::Open(const GlobalOptions& options) {
  DiffSources sources(options);
  Diagnostics diagnostics;
  WEIR_ASSIGN_OR_RETURN(sources.definition_, LoadProject(LocalFileSystem(), options.project,
                                                         options.profile, diagnostics));
  return sources;
}

std::vector<std::string> DiffSources::ViewNames() const {
  std::vector<std::string> names;
  for (const ViewDefinition& view : definition_.views) names.push_back(view.name);
  return names;
}

bool DiffSources::IsView(const std::string& name) const {
  return std::any_of(definition_.views.begin(), definition_.views.end(),
                     [&](const ViewDefinition& view) { return view.name == name; });
}

Result<const OpenProject*> DiffSources::Compiled() {
  if (!open_) {
    WEIR_ASSIGN_OR_RETURN(open_, cli::Open(options_));
  }
  return &*open_;
}

Result<const SessionRuntime*> DiffSources::Session() {
  if (!session_) {
    ProjectDefinition without_sources = definition_;
    without_sources.sources.clear();
    Diagnostics diagnostics;
    WEIR_ASSIGN_OR_RETURN(session_, SessionRuntime::Seal(without_sources, diagnostics));
  }
  return session_.get();
}

Result<const RecordedBundles*> DiffSources::Recorded() {
  if (!recorded_) {
    WEIR_ASSIGN_OR_RETURN(const SessionRuntime* session, Session());
    WEIR_ASSIGN_OR_RETURN(recorded_, RecordedBundles::Open(*session));
  }
  return &*recorded_;
}

void DiffSources::ReportProblems() const {
  if (open_) (void)Report(open_->diagnostics);
}

Result<std::pair<ComparedSide, ComparedSide>> ComparedSidesNamed(
    const std::vector<std::string>& names, bool takes_tables, DiffSources& sources) {
  std::pair<ComparedSide, ComparedSide> sides;
  if (names.empty()) {
    WEIR_ASSIGN_OR_RETURN(sides.first.run, RunNamed(std::string(kLast), sources));
    return sides;
  }
  WEIR_ASSIGN_OR_RETURN(sides.first, SideNamed(names[0], takes_tables, sources));
  if (names.size() > 1) {
    WEIR_ASSIGN_OR_RETURN(sides.second, SideNamed(names[1], takes_tables, sources));
  } else if (!sides.first.table.empty()) {
    return Status::User(StatusCode::kInvalidArgument,
                        "two sides are wanted, found the table `{}` alone", names[0])
        .WithHint("name a view, or another table, as the second");
  } else {
    sides.second.view = sides.first.view;
    if (sides.first.run.empty()) {
      WEIR_ASSIGN_OR_RETURN(sides.first.run, RunNamed(std::string(kLast), sources));
    }
  }
  if (IsOfRun(sides.first) == IsOfRun(sides.second)) return sides;
  return Status::User(StatusCode::kNotFound,
                      "a view can be compared with a view and a run with a run, found `{}`",
                      names[0] + " " + names[1])
      .WithHint("VIEW@RUN is a view as a run recorded it");
}

void PrintComparedRuns(const std::pair<ComparedSide, ComparedSide>& sides,
                       const std::vector<std::string>& header,
                       const std::vector<std::vector<std::string>>& rows,
                       const nlohmann::ordered_json& views, Format format) {
  using Json = nlohmann::ordered_json;
  if (format == Format::kTable) {
    std::cout << fmt::format("--- {}\n+++ {}\n", ToString(sides.first), ToString(sides.second))
              << (rows.empty() ? "no difference\n" : RenderTable(header, rows));
    return;
  }
  const auto run = [](const ComparedSide& side) {
    return side.run.empty() ? Json() : Json(side.run);
  };
  std::cout << JsonText(Json{{"schema_version", 1},
                             {"before", {{"run", run(sides.first)}}},
                             {"after", {{"run", run(sides.second)}}},
                             {"same", rows.empty()},
                             {"views", views}},
                        2)
            << "\n";
}

}  // namespace weir::cli
