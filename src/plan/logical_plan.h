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
  kScan,        ///< expressions: filters pushed into it; no inputs; `scan`, `name_parts`
  kProjection,  ///< one expression an output column; one input
  kFilter,      ///< the predicate; one input
  kJoin,  ///< left and right keys in turn, then the filter if `has_filter`; left and right input;
          ///< `text` the join type, "Cross" if it is one that cannot have keys; `is_using`,
          ///< `null_equals_null`, `null_aware`
  kAggregate,       ///< group keys (`group_count`), then aggregates; one input
  kWindow,          ///< window functions; one input, whose columns come first
  kSort,            ///< no expressions but `sort_keys`; one input; `fetch`
  kLimit,           ///< one input; `skip`, `fetch`
  kUnion,           ///< two or more inputs
  kDistinct,        ///< one input
  kDistinctOn,      ///< ON keys (`group_count`), then output columns; `sort_keys`; one input
  kUnnest,          ///< one input; `unnest`, `unnest_spec`
  kRecursiveQuery,  ///< static and recursive term; `name` the work table; `distinct`
  kWorkTable,       ///< the recursive term's view of the work table; `name`, `schema`
  kValues,          ///< all cells, row by row, `column_count` each; no inputs
  kEmptyRelation,   ///< no inputs; `produce_one_row`; if it has columns, `schema`, `columns`,
                    ///< `name_parts`, and filters as expressions
  kSubqueryAlias,   ///< one input; `name`, `name_parts`
  kRepartition,     ///< hash keys, none: by turns; one input; `partition_count`
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
  bool all_columns = false;          ///< nothing is projected: `columns` are those of the schema
  /// The filters pushed into it, each as the plan carries it (a LogicalExprNode).
  std::vector<std::string> filter_bytes;
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

/// A column by name.
using ColumnName = OutputColumn;

/// A list that is unnested, `depth` levels of it.
struct UnnestedList {
  size_t input_index = 0;
  ColumnName output;
  uint32_t depth = 1;

  bool operator==(const UnnestedList&) const = default;
};

/// What UNNEST was asked for, of which UnnestColumn is the outcome.
struct UnnestRecursion {
  ColumnName output;
  ColumnName input;
  uint32_t depth = 1;

  bool operator==(const UnnestRecursion&) const = default;
};

enum class UnnestNulls {
  kPreserve,         ///< a null list is one row, an empty one none
  kDrop,             ///< neither has a row
  kPreserveAndEmpty  ///< either is one row
};

/// The rest of an Unnest, which execution needs.
struct UnnestSpec {
  std::vector<ColumnName> columns;  ///< of the input, those that are unnested
  std::vector<UnnestedList> lists;
  std::vector<size_t> structs;                        ///< indexes into the input
  std::vector<std::optional<std::string>> relations;  ///< of the fields of `schema`
  std::shared_ptr<arrow::Schema> schema;              ///< of the outputs
  UnnestNulls nulls = UnnestNulls::kPreserve;
  std::vector<UnnestRecursion> recursions;
};

/// A node of the tree. Immutable once decoded.
struct LogicalPlan {
  PlanKind kind = PlanKind::kEmptyRelation;
  std::vector<std::shared_ptr<const LogicalPlan>> inputs;
  std::vector<Expression> expressions;
  std::vector<OutputColumn> outputs;

  std::optional<Scan> scan;
  std::string name;
  /// Of a table's name: table; schema, table; or catalog, schema, table. Empty: `name` is the
  /// table.
  std::vector<std::string> name_parts;
  std::string text;
  std::vector<SortKey> sort_keys;
  size_t group_count = 0;
  bool has_filter = false;
  bool distinct = false;
  bool produce_one_row = false;
  int64_t skip = 0;
  int64_t fetch = -1;                ///< -1: no limit
  std::vector<UnnestColumn> unnest;  ///< one an output column
  std::shared_ptr<const UnnestSpec> unnest_spec;

  bool is_using = false;
  bool null_equals_null = false;
  bool null_aware = false;  ///< NOT IN: a null on the right matches every row
  size_t column_count = 0;
  uint64_t partition_count = 0;
  std::shared_ptr<arrow::Schema> schema;
  std::optional<std::vector<std::string>> columns;  ///< projected out of `schema`; nothing: all
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

/// Encodes a tree as the bytes that DecodePlan takes, from the tree alone: what the engine's bytes
/// say for a tree that came from them, and the same bytes for the same tree. `outputs` are not
/// needed. Fails with kUnsupported,
/// naming it, on a type or a value that the engine's form does not have, and with a bug on a tree
/// that no plan can be (a Filter without a predicate).
Result<std::string> EncodePlan(const LogicalPlan& plan);

/// Whether both are the same in everything that the bytes and the columns' list carry, inputs and
/// subqueries included.
bool operator==(const LogicalPlan& left, const LogicalPlan& right);
bool operator==(const UnnestSpec& left, const UnnestSpec& right);

/// A table's name as the project's files spell it: `stg` of `public.stg`, others as they are.
std::string WithoutDefaultSchema(const std::string& table);

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
