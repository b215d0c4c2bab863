// SPDX-License-Identifier: Apache-2.0

#include "weir/upkeep/warehouse_tables.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>

#include "weir/artifacts/artifact_tables.h"
#include "weir/base/percent_text.h"
#include "weir/catalog/catalog.h"
#include "weir/delta/table_files.h"
#include "weir/run/landing.h"

namespace weir {

namespace {

constexpr std::string_view kOwnNames = "_weir";

std::string DropMarkersUrl(const std::string& warehouse_url) {
  return warehouse_url + "_weir/_dropping/";
}

bool MayBeOfView(const std::string& name) {
  return !name.empty() && name[0] != '.' && !name.starts_with(kOwnNames);
}

/// Folders of a local warehouse that have a log.
std::set<std::string> LocalTables(const std::string& folder) {
  std::set<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entries(folder, error);
       !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    std::error_code of_entry;
    if (entries->is_symlink(of_entry)) continue;
    const auto log = entries->path() / "_delta_log";
    if (std::filesystem::is_directory(std::filesystem::symlink_status(log, of_entry)))
      names.insert(entries->path().filename().string());
  }
  return names;
}

Result<std::set<std::string>> TablesWithLog(const engine::Session& session,
                                            const std::string& warehouse_url) {
  if (const std::string folder = LocalFolder(warehouse_url); !folder.empty())
    return LocalTables(folder);
  std::set<std::string> names;
  const auto objects = session.ListObjects(warehouse_url);
  if (!objects.ok()) {
    if (objects.status().code() == StatusCode::kNotFound) return names;
    return objects.status();
  }
  for (const ObjectInfo& object : *objects) {
    const size_t slash = object.relative_path.find('/');
    if (slash == std::string::npos) continue;
    if (object.relative_path.compare(slash + 1, kLogFolder.size(), kLogFolder) == 0)
      names.insert(object.relative_path.substr(0, slash));
  }
  return names;
}

/// By name, with the time when it began; 0 where that is not known.
Result<std::map<std::string, int64_t>> TablesBeingDropped(const engine::Session& session,
                                                          const std::string& warehouse_url) {
  std::map<std::string, int64_t> names;
  const auto markers = session.ListObjects(DropMarkersUrl(warehouse_url));
  if (!markers.ok()) {
    if (markers.status().code() == StatusCode::kNotFound) return names;
    return markers.status();
  }
  for (const ObjectInfo& marker : *markers) {
    int64_t& since = names[marker.relative_path];
    const auto text = session.GetObject(marker.url);
    if (text.ok()) (void)std::from_chars(text->data(), text->data() + text->size(), since);
  }
  return names;
}

/// A location in a form in which places can be compared: links followed, with a slash at its end.
std::string PlaceOf(const std::string& url) {
  std::string place = url;
  if (const std::string path = LocalFolder(url); !path.empty()) {
    std::error_code error;
    const auto real = std::filesystem::weakly_canonical(path, error);
    place = "file://" + (error ? path : real.string());
  } else {
    place = PercentDecoded(url);
  }
  if (!place.ends_with('/')) place += '/';
  return place;
}

bool IsLink(const std::string& url) {
  std::string path = LocalFolder(url);
  if (path.empty()) return false;
  path.pop_back();
  std::error_code error;
  return std::filesystem::is_symlink(path, error);
}

/// Whether the one is the other, or lies in it.
bool Overlap(const std::string& a, const std::string& b) {
  return a.starts_with(b) || b.starts_with(a);
}

}  // namespace

std::string DropMarkerUrl(const std::string& warehouse_url, const std::string& table) {
  std::string url = TableUrl(DropMarkersUrl(warehouse_url), table);
  url.pop_back();
  return url;
}

Result<std::vector<WarehouseTable>> ListWarehouseTables(const ProjectDefinition& project,
                                                        const SessionRuntime& session) {
  using Of = WarehouseTable::Of;
  const std::string& warehouse_url = session.warehouse_url();
  std::vector<WarehouseTable> tables;
  std::set<std::string> of_views;
  for (const ViewDefinition& view : project.views) {
    if (view.kind != ViewDefinition::Kind::kStored) continue;
    of_views.insert(view.name);
    tables.push_back({.name = view.name,
                      .owner = view.name,
                      .url = TableUrl(warehouse_url, view.name),
                      .of = Of::kView});
  }
  for (const std::string& name : ArtifactTableNames()) {
    tables.push_back({.name = "weir." + name,
                      .owner = {},
                      .url = ArtifactTableUrl(warehouse_url, name),
                      .of = Of::kArtifact});
  }
  WEIR_ASSIGN_OR_RETURN(std::set<std::string> others,
                        TablesWithLog(session.engine(), warehouse_url));
  WEIR_ASSIGN_OR_RETURN(const auto dropping, TablesBeingDropped(session.engine(), warehouse_url));
  WEIR_ASSIGN_OR_RETURN(
      std::set<std::string> landed,
      TablesWithLog(session.engine(), TableUrl(warehouse_url, std::string(kLandingFolder))));
  for (const auto& [name, since] : dropping) {
    if (name.starts_with(kLandingFolder)) {
      landed.insert(name.substr(std::string_view(kLandingFolder).size()));
    } else {
      others.insert(name);
    }
  }
  for (const std::string& source : landed) {
    const bool is_retained = std::ranges::any_of(
        project.sources,
        [&](const SourceDefinition& each) { return each.name == source && each.retains; });
    tables.push_back({.name = kLandingFolder + source,
                      .owner = source,
                      .url = LandingUrl(warehouse_url, source),
                      .of = is_retained ? Of::kLanding : Of::kNoLanding});
  }
  for (const std::string& name : others) {
    if (of_views.contains(name) || !MayBeOfView(name)) continue;
    tables.push_back(
        {.name = name, .owner = name, .url = TableUrl(warehouse_url, name), .of = Of::kNoView});
  }
  for (WarehouseTable& table : tables) {
    if (const auto found = dropping.find(table.name); found != dropping.end())
      table.dropping_since_us = found->second;
  }
  for (WarehouseTable& table : tables) table.is_left_alone = IsLink(table.url);
  for (const SourceDefinition& source : project.sources) {
    const std::string place = PlaceOf(ToUrl(source.uri, false));
    for (WarehouseTable& table : tables)
      table.is_left_alone = table.is_left_alone || Overlap(place, PlaceOf(table.url));
  }
  return tables;
}

}  // namespace weir
