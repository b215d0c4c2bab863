// SPDX-License-Identifier: Apache-2.0
//
// The engine's optimised logical plan as a typed tree.
// In: the engine's protobuf bytes, and the output columns of each node, which the bytes leave out.
// Out: a LogicalPlan, which lineage, scan and graph read. An unknown node is an error that names
// it, never a gap.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"
#include "weir/plan/expression.h"

namespace weir {

/// The comments say what `expressions` and `inputs` hold.
enum class PlanKind {
  kScan,        ///< expressions: filters pushed into it; no inputs; `scan`
  kProjection,  ///< one expression an output column; one input
  kFilter,      ///< the predicate; one input
  kJoin,  ///< left and right keys in turn, then the filter if `has_filter`; left and right input;
          ///< `text` the join type
  kAggregate,       ///< group keys (`group_count`), then aggregates; one input
  kWindow,          ///< window functions; one input, whose columns come first
  kSort,            ///< no expressions but `sort_keys`; one input; `fetch`
  kLimit,           ///< one input; `skip`, `fetch`
  kUnion,           ///< two or more inputs
  kDistinct,        ///< one input
  kDistinctOn,      ///< ON keys (`group_count`), then output columns; `sort_keys`; one input
  kUnnest,          ///< one input; `unnest`
  kRecursiveQuery,  ///< static and recursive term; `name` the work table; `distinct`
  kWorkTable,       ///< the recursive term's view of the work table; `name`
  kValues,          ///< all cells, row by row; no inputs
  kEmptyRelation,   ///< no inputs; `produce_one_row`
  kSubqueryAlias,   ///< one input; `name`
  kRepartition,     ///< hash keys; one input
};

/// "Scan", "Projection" …
std::string_view ToString(PlanKind kind);

/// A column that a node puts out.
struct OutputColumn {
  std::optional<std::string> relation;
  std::string name;

  bool operator==(const OutputColumn&) const = default;
};

/// A table read by a plan.
struct Scan {
  /// Index within the plan, in the order of encoding; execution binds files by it. -1 for tables
  /// without files.
  int scan_id = -1;
  /// As it is registered: bare in the default schema, else "schema.table". A name that starts with
  /// `$` is the engine's own and no dependency.
  std::string table;
  /// Full schema; columns of types that Arrow C++ cannot express are null-typed.
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::string> columns;  ///< projected, in order
};

enum class UnnestKind {
  kKept,    ///< repeated as it is
  kList,    ///< one row an element
  kStruct,  ///< one column a field; the output's name is the input's, a dot, and the field's
};

/// How one output column of an Unnest comes from the input.
struct UnnestColumn {
  size_t input_index = 0;
  UnnestKind kind = UnnestKind::kKept;
};

/// A node of the tree. Immutable once decoded.
struct LogicalPlan {
  PlanKind kind = PlanKind::kEmptyRelation;
  std::vector<std::shared_ptr<const LogicalPlan>> inputs;
  std::vector<Expression> expressions;
  std::vector<OutputColumn> outputs;

  std::optional<Scan> scan;
  std::string name;
  std::string text;
  std::vector<SortKey> sort_keys;
  size_t group_count = 0;
  bool has_filter = false;
  bool distinct = false;
  bool produce_one_row = false;
  int64_t skip = 0;
  int64_t fetch = -1;                ///< -1: no limit
  std::vector<UnnestColumn> unnest;  ///< one an output column
};

/// A function that a plan uses.
struct UsedFunction {
  std::string kind;  ///< "scalar", "aggregate" or "window"
  std::string name;

  auto operator<=>(const UsedFunction&) const = default;
};

/// Decodes an optimised plan. `outputs_json` is the bridge's list of the nodes' output columns, in
/// preorder: a node, the subqueries in its expressions, its inputs. Fails with kUnsupported, naming
/// the node, on statements (DDL, DML, COPY, EXPLAIN) and on unknown nodes, with kCorrupt on damaged
/// bytes.
Result<std::shared_ptr<const LogicalPlan>> DecodePlan(std::string_view proto_bytes,
                                                      std::string_view outputs_json);

/// All scans of tables, those in subqueries and recursive terms included, in order of scan id.
std::vector<const Scan*> CollectScans(const LogicalPlan& plan);
/// The nodes of those scans, for their filters.
std::vector<const LogicalPlan*> CollectScanNodes(const LogicalPlan& plan);

/// Ordered, each once.
std::vector<UsedFunction> CollectFunctions(const LogicalPlan& plan);

/// One node a line, indented by depth.
std::string ToText(const LogicalPlan& plan);

/// Calls `visit` for the node and everything below it, subqueries included, parents first.
template <typename Visit>
void VisitPlan(const LogicalPlan& plan, const Visit& visit) {
  visit(plan);
  const auto subqueries = [&](const Expression& part) {
    if (part.subquery) VisitPlan(*part.subquery, visit);
  };
  for (const Expression& expression : plan.expressions) VisitExpression(expression, subqueries);
  for (const SortKey& key : plan.sort_keys) VisitExpression(key.expression, subqueries);
  for (const auto& input : plan.inputs) VisitPlan(*input, visit);
}

}  // namespace weir
