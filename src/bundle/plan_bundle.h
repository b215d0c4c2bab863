// SPDX-License-Identifier: Apache-2.0
//
// Everything that planning decided about one view.
// In: a ViewDefinition and a sealed SessionRuntime. Out: a PlanBundle, which lineage, scan, graph,
// decide and run read. Nobody downstream may plan again: execution decodes `plan_proto`.

#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/fingerprint.h"
#include "weir/base/status.h"
#include "weir/plan/logical_plan.h"
#include "weir/project/project_definition.h"

namespace weir {

/// A table that a bundle reads, and the version it was planned against.
struct VersionPin {
  std::string table;
  std::string kind;  ///< "delta", "listing" or "view"
  std::string url;
  int64_t version = -1;
  Fingerprint listing_hash;  ///< of a listing
};

/// A function that a plan uses. `version` is "native:<n>" for ours and "datafusion:<release>" for
/// built-in ones.
struct RequiredFunction {
  std::string kind;  ///< "scalar", "aggregate" or "window"
  std::string name;
  std::string version;
  std::set<std::string> tags;
};

/// A constraint of a view, compiled: over the columns of its table, as they are stored.
struct BundledConstraint {
  std::string name;
  ViolationAction action = ViolationAction::kWarn;
  std::string text;              ///< the expression as the user wrote it
  std::string expression_proto;  ///< the same with its types settled, as plans carry expressions
  std::vector<std::string> columns;    ///< that it reads, ordered by name
  std::vector<std::string> functions;  ///< that it calls, ordered by name
  SourceLocation location;             ///< of the word CONSTRAINT
};

/// The frozen plan of one view. Immutable after Compile, hence safe to share across threads.
struct PlanBundle {
  std::string view_name;
  std::string file;            ///< relative to the project
  std::string definition_sql;  ///< the user's statement
  SourceLocation location;

  std::string logical_plan;  ///< as planned from the SQL, before optimisation; indent form
  std::string plan_proto;    ///< the optimised plan, as DataFusion's protobuf; the replay plan
  std::string plan_outputs;  ///< output columns of its nodes, which the bytes leave out
  std::shared_ptr<const LogicalPlan> plan;       ///< the same, decoded
  std::shared_ptr<arrow::Schema> output_schema;  ///< as planned
  std::shared_ptr<arrow::Schema> stored_schema;  ///< as Delta stores it
  std::vector<std::string> partition_columns;
  std::vector<SourceLocation> partition_locations;  ///< one each, or none at all
  std::vector<std::string> cluster_columns;         ///< rows are sorted by these in the files
  std::vector<BundledConstraint> constraints;       ///< in the order of the file
  std::string comment;
  std::map<std::string, std::string> properties;

  /// What CompleteOrders did to the plan, one text a place.
  std::vector<std::string> completed_orders;
  /// Its rows must come in one stream, for an aggregate that takes them as they arrive.
  bool needs_one_partition = false;

  std::vector<VersionPin> pins;             ///< ordered by table name
  std::vector<RequiredFunction> functions;  ///< ordered by kind and name
  std::set<std::string> required_tags;
  /// Of functions/domain_planners.h: those that the plan could not have been made without.
  std::set<std::string> domain_planners;
  /// Parameters of the project that it names, itself or through what is inlined, and their values.
  std::map<std::string, std::string> parameters;

  Fingerprint fingerprint;
  std::string fingerprint_input;  ///< the hashed input as text
};

/// A bundle with what the user wrote of the view, but for its constraints, and nothing planned yet.
PlanBundle BundleOf(const ViewDefinition& view);

}  // namespace weir
