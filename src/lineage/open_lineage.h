// SPDX-License-Identifier: Apache-2.0
//
// Lineage as OpenLineage events (spec 2-0-2), for catalogues that read them. In: views with their
// lineage, tables with where they are. Out: one JSON event a view, with the facets `schema`,
// `columnLineage`, `version` and statistics of its datasets, and `sql` of its job.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>
#include <nlohmann/json.hpp>

#include "weir/base/result.h"
#include "weir/lineage/lineage.h"

namespace weir {

/// Which of the three events of the specification.
enum class OpenLineageEvent {
  kRun,      ///< a run of the view's job that is complete
  kJob,      ///< the view's job as it is written, without a run
  kDataset,  ///< the view's table by itself
};

/// A dataset's name as the specification wants it for the store it is in.
struct DatasetName {
  std::string space;  ///< "file", "s3://bucket" …
  std::string name;   ///< path within it, without slash at the end
};

/// Of a table's URL with scheme. `file:///a/b/` is "file" and "/a/b"; `s3://b/c/d/` is "s3://b" and
/// "c/d"; likewise for other stores.
DatasetName DatasetNameOf(const std::string& url);

/// A table of an event. -1: not known, or not worth saying.
struct LineageDataset {
  std::string url;
  std::shared_ptr<arrow::Schema> schema;      ///< may be null: unknown
  int64_t version = -1;                       ///< of Delta, that was read or written
  int64_t rows = -1, bytes = -1, files = -1;  ///< that were read or written
};

/// How far a run is.
enum class LineageRunState { kStart, kComplete, kFail, kAbort };

/// What an event says of the run that it is about.
struct LineageRunFacts {
  LineageRunState state = LineageRunState::kComplete;
  std::string parent_id;  ///< UUID of the run that it is a part of; empty: of none
  std::string error;      ///< why it failed; empty: it did not
  std::string engine, engine_version, weir_version;  ///< empty: left out
};

/// What one event says.
struct LineageEventRequest {
  OpenLineageEvent event = OpenLineageEvent::kJob;
  std::string event_time;  ///< RFC 3339, UTC
  std::string producer;    ///< URI
  std::string project;     ///< the job's namespace
  std::string view;
  std::string sql;
  std::string run_id;     ///< any text; becomes a UUID. For kRun only.
  LineageRunFacts facts;  ///< for kRun only
  const Lineage* lineage = nullptr;
  /// By name, the view itself and the tables that it reads.
  std::map<std::string, LineageDataset> datasets;
};

/// Fails with a bug where a dataset is missing.
Result<nlohmann::ordered_json> ToOpenLineage(const LineageEventRequest& request);

/// An event of a run of the whole project, of which the runs of views are parts. Its job is called
/// as the project is.
nlohmann::ordered_json ToOpenLineageOfRun(const LineageEventRequest& request);

/// A UUID (version 8) that is the same for the same texts.
std::string UuidOf(const std::string& run_id, const std::string& view);

}  // namespace weir
