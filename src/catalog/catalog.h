// SPDX-License-Identifier: Apache-2.0
//
// The tables of a project, pinned. In: the project's sources and an engine session. Out: one
// PinnedTable a source, registered under its name in name order. Delta sources are pinned at a
// version, listings by their objects' names, sizes and times, at the moment of Open: whatever
// happens to them later, this catalog reads the same.

#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/catalog/pin_delta.h"
#include "weir/catalog/pinned_table.h"
#include "weir/engine/engine.h"
#include "weir/project/project_definition.h"

namespace weir {

/// Immutable after Open but for AddView. Not safe for use from several threads while views are
/// added.
class Catalog {
 public:
  /// Pins and registers every source. A source that cannot be read is reported (codes W3xxx) and
  /// left out.
  static Catalog Open(const ProjectDefinition& project, const engine::Session& session,
                      Diagnostics& diagnostics);

  /// Null if there is no such table.
  const PinnedTable* Find(const std::string& name) const;
  std::vector<std::string> names() const;
  /// Sources that cannot be read; each was reported by Open.
  const std::set<std::string>& failed() const { return failed_; }

  /// Makes a view known under its name and registers it, so that other views can be planned on it.
  Status AddView(PinnedTable view, const engine::Session& session);

 private:
  std::map<std::string, PinnedTable> tables_;
  std::set<std::string> failed_;
};

/// Files of one format below `url`, a folder or the one file.
struct ListedFiles {
  std::string url;
  std::vector<ObjectInfo> objects;
  /// Of columns that folders are named after, where the source does not declare any.
  std::map<std::string, std::shared_ptr<arrow::DataType>> partition_types;
};

/// Pins a source as it is now, or at the version that it names itself.
Result<PinnedTable> PinSource(const SourceDefinition& source, const engine::Session& session);

/// Pins files that are listed already, to be read as `source` says; its location is not looked at.
Result<PinnedTable> PinFiles(const SourceDefinition& source, const ListedFiles& listed,
                             const engine::Session& session);

/// Builds a pinned table of a view's result from files that are already known, without reading the
/// log again. `version` -1 and no files: it is not built yet. May be called from several threads.
Result<PinnedTable> PinView(const std::string& name, const std::string& url, int64_t version,
                            const std::shared_ptr<arrow::Schema>& schema,
                            const std::vector<std::string>& partition_columns,
                            std::vector<DataFile> files, const engine::Session& session);

/// "file:///a/b/" of an absolute path; a URL stays as it is. Never ends without a slash if
/// `folder`.
std::string ToUrl(const std::string& location, bool folder);

/// What a file of a listing is called, in artifacts, messages and the column that names files: its
/// path below the location, or its name where the location `url` is the file itself.
std::string FileName(std::string_view path, const std::string& url);

}  // namespace weir
