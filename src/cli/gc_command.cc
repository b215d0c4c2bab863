// SPDX-License-Identifier: Apache-2.0
//
// gc: files of the warehouse that no version of a table names.

#include <iostream>

#include "weir/artifacts/artifact_tables.h"
#include "weir/base/clock.h"
#include "weir/base/filesystem.h"
#include "weir/base/json_text.h"
#include "weir/base/parallel.h"
#include "weir/cli/command.h"
#include "weir/cli/interrupt.h"
#include "weir/cli/warehouse_access.h"
#include "weir/delta/orphans.h"
#include "weir/run/project_run.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

/// A table of the warehouse and what nobody needs in its folder.
struct Remains {
  std::string table;
  std::string url;
  Result<std::vector<OrphanFile>> orphans = std::vector<OrphanFile>();
};

std::vector<Remains> TablesOf(const ProjectDefinition& project, const std::string& warehouse_url) {
  std::vector<Remains> tables;
  for (const ViewDefinition& view : project.views) {
    if (view.kind == ViewDefinition::Kind::kStored)
      tables.push_back({.table = view.name, .url = TableUrl(warehouse_url, view.name)});
  }
  for (const std::string& table : ArtifactTableNames()) {
    tables.push_back({.table = "weir." + table, .url = ArtifactTableUrl(warehouse_url, table)});
  }
  return tables;
}

void Print(const std::vector<Remains>& tables, bool is_removed, Format format) {
  int64_t files = 0, bytes = 0;
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const Remains& remains : tables) {
    if (remains.orphans->empty()) continue;
    int64_t table_bytes = 0;
    Json paths = Json::array();
    for (const OrphanFile& orphan : *remains.orphans) {
      table_bytes += orphan.size_bytes;
      paths.push_back({{"path", orphan.path}, {"bytes", orphan.size_bytes}});
      rows.push_back({remains.table, orphan.path, HumanBytes(orphan.size_bytes)});
    }
    files += static_cast<int64_t>(remains.orphans->size());
    bytes += table_bytes;
    json.push_back({{"table", remains.table}, {"url", remains.url}, {"files", paths}});
  }
  if (format == Format::kJson) {
    std::cout << JsonText(Json{{"schema_version", 1},
                               {"removed", is_removed},
                               {"files", files},
                               {"bytes", bytes},
                               {"tables", json}},
                          2)
              << "\n";
    return;
  }
  if (!rows.empty()) std::cout << RenderTable({"table", "file", "bytes"}, rows) << "\n";
  std::cout << fmt::format("{} file{} that no version of a table names, {}{}\n", files,
                           files == 1 ? "" : "s", HumanBytes(bytes),
                           files == 0   ? ""
                           : is_removed ? ", removed"
                                        : "; `weir gc --delete` removes them");
}

}  // namespace

int RunGc(const GlobalOptions& options, bool removes) {
  const LocalFileSystem files;
  Diagnostics diagnostics;
  const auto project = LoadProject(files, options.project, options.profile, diagnostics);
  if (!project.ok()) return FailNamed(project.status());
  // With a broken file nobody knows all tables, and nothing of them is to be touched.
  if (diagnostics.has_errors()) return Report(diagnostics);
  Diagnostics of_sources;  // which are not looked at
  const auto session = SessionRuntime::Seal(*project, of_sources);
  if (!session.ok()) return FailNamed(session.status());
  const InterruptScope interrupt;
  const auto lock = TakeWarehouse(*project, **session, NewRunId(SystemClock()), SystemClock().Now(),
                                  interrupt.cancellation());
  if (!lock.ok()) return Fail(lock.status());

  std::vector<Remains> tables = TablesOf(*project, (*session)->warehouse_url());
  ForEachInParallel(tables.size(), static_cast<size_t>((*session)->threads()), [&](size_t i) {
    tables[i].orphans = FindOrphans((*session)->engine(), tables[i].url);
  });
  int code = kDone;
  for (Remains& remains : tables) {
    if (!remains.orphans.ok()) {
      code = std::max(
          code,
          Fail(remains.orphans.status().WithContext(fmt::format("table `{}`", remains.table))));
      remains.orphans = std::vector<OrphanFile>();
    } else if (removes) {
      const Status removed = RemoveOrphans((*session)->engine(), remains.url, *remains.orphans);
      if (!removed.ok()) return Fail(removed);
    }
  }
  Print(tables, removes, options.format);
  return code;
}

}  // namespace weir::cli
