// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/recorded_run.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "weir/artifacts/artifact_reader.h"
#include "weir/artifacts/bundle_record.h"
#include "weir/artifacts/source_record.h"
#include "weir/base/nearest.h"
#include "weir/base/sql_quotes.h"
#include "weir/base/text_diff.h"
#include "weir/bundle/fingerprint_input.h"
#include "weir/plan/logical_plan.h"

namespace weir {

namespace {

using Row = ArtifactReader::Row;
/// A build: its run and its view.
using BuildKey = std::pair<std::string, std::string>;

constexpr std::string_view kSetting = "setting.";

int64_t NumberOf(const std::string& text, int64_t otherwise) {
  int64_t number = otherwise;
  (void)std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::map<std::string, std::string> TextsOf(const std::string& json) {
  std::map<std::string, std::string> texts;
  const auto parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return texts;
  for (const auto& [key, value] : parsed.items()) {
    if (value.is_string()) texts[key] = value.get<std::string>();
  }
  return texts;
}

std::map<std::string, std::string> SettingsOf(const std::string& fingerprint_input) {
  std::map<std::string, std::string> settings;
  for (const FingerprintSection& section : ParseFingerprintInput(fingerprint_input).sections) {
    if (section.tag.starts_with(kSetting))
      settings[section.tag.substr(kSetting.size())] = section.value;
  }
  return settings;
}

class Loader {
 public:
  Loader(const RecordedRunChoice& choice, ArtifactReader reader)
      : choice_(choice), reader_(std::move(reader)) {}

  Result<RecordedRun> Load() {
    WEIR_RETURN_NOT_OK(FindRun());
    WEIR_RETURN_NOT_OK(FindBuilds());
    WEIR_RETURN_NOT_OK(LoadWrites());
    WEIR_RETURN_NOT_OK(LoadBundles());
    WEIR_RETURN_NOT_OK(LoadScans());
    WEIR_RETURN_NOT_OK(LoadFiles());
    WEIR_RETURN_NOT_OK(LoadRunsOfBuilds());
    Order();
    return std::move(run_);
  }

 private:
  Status FindRun() {
    WEIR_ASSIGN_OR_RETURN(const auto rows, reader_.Select("runs", {"run_id", "state"}, "true"));
    std::vector<std::string> ids;
    for (const Row& row : rows) {
      ids.push_back(row[0]);
      if (choice_.run != "last" && row[0] != choice_.run) continue;
      run_.run_id = row[0];
      run_.state = row[1];
    }
    if (!run_.run_id.empty()) return Status::OK();
    const std::string hint = SuggestionHint(choice_.run, ids);
    return Status::User(StatusCode::kNotFound, "there is no run `{}`", choice_.run)
        .WithHint(hint.empty() ? "`weir history` lists the runs; `last` is the newest" : hint);
  }

  /// Which builds are asked for.
  Status FindBuilds() {
    WEIR_ASSIGN_OR_RETURN(
        const auto rows,
        reader_.Select("tasks", {"view_name", "state"}, "run_id = " + QuotedSqlText(run_.run_id)));
    std::map<std::string, std::string> states;
    std::vector<std::string> names;
    for (const Row& row : rows) {
      states[row[0]] = row[1];
      names.push_back(row[0]);
    }
    for (const std::string& view : choice_.views) {
      if (states.contains(view)) continue;
      const std::string hint = SuggestionHint(view, names);
      return Status::User(StatusCode::kNotFound, "the run {} was not about a view `{}`",
                          run_.run_id, view)
          .WithHint(hint.empty() ? "`weir history` lists the builds of a view" : hint);
    }
    const std::set<std::string> chosen(choice_.views.begin(), choice_.views.end());
    std::set<std::string> reused;
    for (const auto& [view, state] : states) {
      if (!chosen.empty() && !chosen.contains(view)) continue;
      if (state == "run") {
        keys_.insert({run_.run_id, view});
      } else if (state == "reused") {
        reused.insert(view);
      } else {
        run_.unbuilt.push_back(view);
      }
    }
    run_.reused = {reused.begin(), reused.end()};
    if (!choice_.with_reused && chosen.empty()) return Status::OK();
    return FindReused(reused);
  }

  /// The last builds of views up to the run. Ids begin with the time, hence their order is that of
  /// the runs.
  Status FindReused(const std::set<std::string>& views) {
    if (views.empty()) return Status::OK();
    WEIR_ASSIGN_OR_RETURN(
        const auto rows,
        reader_.Select("writes", {"run_id", "view_name"},
                       fmt::format("run_id <= {} AND view_name IN ({})", QuotedSqlText(run_.run_id),
                                   QuotedList(views))));
    std::map<std::string, std::string> last;
    for (const Row& row : rows) last[row[1]] = row[0];
    for (const auto& [view, run] : last) keys_.insert({run, view});
    return Status::OK();
  }

  /// The rows of a table that are about the builds.
  std::string OfBuilds() const {
    std::set<std::string> views;
    for (const auto& [run, view] : keys_) views.insert(view);
    return views.empty() ? "false"
                         : fmt::format("{} AND view_name IN ({})", OfRuns(), QuotedList(views));
  }

  /// The rows of a table that are about the runs of the builds.
  std::string OfRuns() const {
    std::set<std::string> runs;
    for (const auto& [run, view] : keys_) runs.insert(run);
    return runs.empty() ? "false" : fmt::format("run_id IN ({})", QuotedList(runs));
  }

  /// Null if the row is about another build.
  RecordedBuild* BuildOf(const std::string& run, const std::string& view) {
    const auto found = builds_.find({run, view});
    return found == builds_.end() ? nullptr : &found->second;
  }

  Status LoadWrites() {
    WEIR_ASSIGN_OR_RETURN(const auto rows, reader_.Select("writes",
                                                          {"run_id", "view_name", "table_url",
                                                           "version", "rows", "content_hash"},
                                                          OfBuilds()));
    for (const Row& row : rows) {
      if (!keys_.contains({row[0], row[1]})) continue;
      RecordedBuild& build = builds_[{row[0], row[1]}];
      build.run_id = row[0];
      build.bundle.view_name = row[1];
      build.table_url = row[2];
      build.version = NumberOf(row[3], -1);
      build.rows = NumberOf(row[4], 0);
      build.content_hash = row[5];
    }
    return Status::OK();
  }

  Status LoadBundles() {
    WEIR_ASSIGN_OR_RETURN(
        auto rows, reader_.Select("plan_bundles",
                                  {"run_id", "view_name", "plan_fingerprint", "fingerprint_input",
                                   "file", "plan_proto", "plan_outputs", "physical_plan",
                                   "required_udfs", "plan_details"},
                                  OfBuilds()));
    for (Row& row : rows) {
      RecordedBuild* build = BuildOf(row[0], row[1]);
      if (build == nullptr) continue;
      PlanBundle& bundle = build->bundle;
      WEIR_ASSIGN_OR_RETURN(bundle.fingerprint, Fingerprint::Parse(row[2]));
      build->settings = SettingsOf(row[3]);
      bundle.fingerprint_input = std::move(row[3]);
      bundle.file = std::move(row[4]);
      bundle.plan_proto = std::move(row[5]);
      bundle.plan_outputs = std::move(row[6]);
      build->physical_plan = std::move(row[7]);
      for (const std::string_view line : SplitLines(row[8])) {
        const size_t at = line.rfind('@');
        if (at == std::string::npos) continue;
        bundle.functions.push_back({.kind = {},
                                    .name = std::string(line.substr(0, at)),
                                    .version = std::string(line.substr(at + 1)),
                                    .tags = {}});
      }
      WEIR_ASSIGN_OR_RETURN(build->now_us, ReadBundleDetails(row[9], bundle));
      WEIR_ASSIGN_OR_RETURN(bundle.plan, DecodePlan(bundle.plan_proto, bundle.plan_outputs));
    }
    for (const auto& [key, build] : builds_) {
      if (build.bundle.plan == nullptr) {
        return Status::Environment(StatusCode::kCorrupt,
                                   "the run {} wrote the view `{}`, and its plan is not recorded",
                                   key.first, key.second);
      }
    }
    return Status::OK();
  }

  Status LoadScans() {
    WEIR_ASSIGN_OR_RETURN(const auto rows,
                          reader_.Select("scan_units",
                                         {"run_id", "view_name", "scan_id", "table_name", "kind",
                                          "url", "version", "source"},
                                         OfBuilds()));
    for (const Row& row : rows) {
      RecordedBuild* build = BuildOf(row[0], row[1]);
      if (build == nullptr) continue;
      RecordedScan scan{.scan_id = static_cast<int>(NumberOf(row[2], 0)),
                        .table = row[3],
                        .kind = TableKind::kDelta,
                        .url = row[5],
                        .version = NumberOf(row[6], -1),
                        .source = {},
                        .files = {}};
      for (const auto kind : {TableKind::kListing, TableKind::kView}) {
        if (ToString(kind) == row[4]) scan.kind = kind;
      }
      if (scan.kind != TableKind::kView) {
        WEIR_ASSIGN_OR_RETURN(scan.source, ReadSource(scan.table, row[7]));
      }
      build->scans.push_back(std::move(scan));
    }
    return Status::OK();
  }

  Status LoadFiles() {
    WEIR_ASSIGN_OR_RETURN(const auto rows,
                          reader_.Select("scan_files",
                                         {"run_id", "view_name", "path", "scan_id", "size_bytes",
                                          "kept", "modified_at", "etag"},
                                         OfBuilds()));
    for (const Row& row : rows) {
      RecordedBuild* build = BuildOf(row[0], row[1]);
      if (build == nullptr) continue;
      const auto scan_id = static_cast<int>(NumberOf(row[3], 0));
      const auto scan = std::ranges::find(build->scans, scan_id, &RecordedScan::scan_id);
      if (scan == build->scans.end()) continue;
      scan->files.push_back({.path = row[2],
                             .size_bytes = NumberOf(row[4], -1),
                             .modified_us = NumberOf(row[6], -1),
                             .etag = row[7],
                             .kept = row[5] == "true"});
    }
    return Status::OK();
  }

  /// What is known of the runs that made the builds.
  Status LoadRunsOfBuilds() {
    WEIR_ASSIGN_OR_RETURN(
        const auto rows,
        reader_.Select("runs", {"run_id", "engine_versions", "warehouse"}, OfRuns()));
    for (const Row& row : rows) {
      for (auto& [key, build] : builds_) {
        if (key.first != row[0]) continue;
        build.engine_versions = TextsOf(row[1]);
        build.warehouse_url = row[2];
      }
    }
    return Status::OK();
  }

  /// Views read each other in no circle: what is left over would be a damaged record, and goes
  /// last.
  void Order() {
    std::map<std::string, std::set<std::string>> waits_for;
    for (const auto& [key, build] : builds_) {
      for (const RecordedScan& scan : build.scans) waits_for[key.second].insert(scan.table);
    }
    std::set<std::string> open;
    for (const auto& [key, build] : builds_) open.insert(key.second);
    bool moved = true;
    while (!builds_.empty()) {
      const bool any = !moved;
      moved = false;
      for (auto at = builds_.begin(); at != builds_.end();) {
        const std::string view = at->first.second;
        const auto& reads = waits_for[view];
        const bool is_ready = std::ranges::none_of(
            reads, [&](const std::string& table) { return table != view && open.contains(table); });
        if (!is_ready && !any) {
          ++at;
          continue;
        }
        open.erase(view);
        run_.builds.push_back(std::move(at->second));
        at = builds_.erase(at);
        moved = true;
      }
    }
  }

  const RecordedRunChoice& choice_;
  ArtifactReader reader_;
  RecordedRun run_;
  std::set<BuildKey> keys_;
  std::map<BuildKey, RecordedBuild> builds_;
};

}  // namespace

Result<RecordedRun> LoadRecordedRun(const RecordedRunChoice& choice,
                                    const SessionRuntime& session) {
  WEIR_ASSIGN_OR_RETURN(ArtifactReader reader,
                        ArtifactReader::Open(session, {"runs", "tasks", "writes", "plan_bundles",
                                                       "scan_units", "scan_files"}));
  return Loader(choice, std::move(reader)).Load();
}

}  // namespace weir
