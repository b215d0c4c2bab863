// SPDX-License-Identifier: Apache-2.0
//
// Where each output column of a view comes from, which source columns decide about its rows, and
// what the view needs. In: an optimised LogicalPlan. Out: a Lineage, which graph, decide and the
// artifacts read. Lineage stops at the scanned tables; a stored view that is read is such a table,
// and TransitiveLineage goes on from there. Nothing here parses SQL.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "weir/base/result.h"
#include "weir/plan/logical_plan.h"

namespace weir {

/// What a source column is used for. The order is that of goldens and artifacts.
enum class ColumnUse : uint8_t {
  kValue,      ///< its values flow into the output values
  kCondition,  ///< decides which branch of a CASE is the value
  kFilter,     ///< decides which rows stay: WHERE, HAVING, join conditions that are not equalities,
               ///< FILTER of an aggregate
  kJoinKey,    ///< either side of an equality of a join
  kGroupKey,   ///< GROUP BY, DISTINCT
  kOrder,      ///< ORDER BY of the query, of an aggregate, of a window
  kPartition,  ///< PARTITION BY of a window
  kUnnest,     ///< a list whose elements became rows
};

/// "value", "condition", "filter", "join_key", "group_key", "order", "partition", "unnest".
std::string_view ToString(ColumnUse use);

/// What happened to the values on their way. Of several steps the last in this order counts.
enum class Transformation : uint8_t {
  kLiteral,         ///< reads no column
  kIdentity,        ///< the source's values as they are, renamed at most; also a field of a struct
  kTransformation,  ///< computed row by row
  kAggregation,
  kWindow,
};

/// "literal", "identity", "transformation", "aggregation", "window".
std::string_view ToString(Transformation transformation);

/// One use of one column of a scanned table.
struct ColumnInput {
  std::string table;
  std::string column;
  /// The part that alone is used: fields of structs and values of maps by name, "[]" for the
  /// elements of a list, as in "a.b" or "[].a"; empty for the whole column.
  std::string path;
  ColumnUse use = ColumnUse::kValue;
  /// What happened to these values on their way; identity for other uses.
  Transformation transformation = Transformation::kIdentity;

  auto operator<=>(const ColumnInput&) const = default;
};

using ColumnInputs = std::set<ColumnInput>;

/// The path of a part of what stands at a path: "a" and "b" make "a.b", "a" and "[]" make "a[]".
std::string JoinPath(std::string_view whole, std::string_view part);

/// "column", or "column.a.b", "column[].a" of a part.
std::string FullColumn(const ColumnInput& input);

/// One output column. `inputs` holds its values' sources and what else touches this column only:
/// the keys of its window, the filter and order of its aggregate, the predicates of its scalar
/// subquery, whether it is correlated or not.
struct ColumnLineage {
  std::string name;
  Transformation transformation = Transformation::kLiteral;
  ColumnInputs inputs;
  /// Expanded down to the scanned tables' columns, as far as that stays readable; otherwise columns
  /// stand by the name they have on the way. Words that are not SQL: `union(…)` one argument a
  /// branch, `values(…)` one a row, `recursive(static, step)`, `mark()` of a semi join,
  /// `grouping()`.
  std::string expression;
  /// The values are those of one column or part of a source, so that their parts are parts of it.
  bool is_place = false;
  /// Of a struct, map or list that the view puts together: its fields, the values of its keys, its
  /// elements ("[]", and "[1]" … where each is known). Empty where parts are not known apart.
  std::vector<ColumnLineage> parts;
};

/// The lineage of one plan. Immutable once derived.
struct Lineage {
  std::vector<ColumnLineage> columns;
  /// Filters, joins, groups and orders decide about whole rows: they apply to every output column,
  /// and stand here once.
  ColumnInputs row_influences;
  /// By table, the columns that the optimised plan reads: the projection of its scans and their
  /// filters. Tables of which only the number of rows matters are here with no column.
  std::map<std::string, std::set<std::string>> required_columns;
  std::vector<UsedFunction> functions;

  /// All inputs of an output column, the row influences included.
  /// REQUIRES: index < columns.size()
  ColumnInputs InputsOf(size_t index) const;
};

/// Whether expressions are wanted, which nobody but people reads.
enum class Expressions { kExpanded, kLeftOut };

/// Derives the lineage of a plan. Fails with a bug, naming the column and the node, on a column
/// that no input provides: never a silent gap. Safe to call from several threads.
Result<Lineage> DeriveLineage(const LogicalPlan& plan,
                              Expressions expressions = Expressions::kExpanded);

/// The lineage of `view` with the stored views among its tables replaced by their own lineage, down
/// to tables that are no key of `lineages`. Expressions stay as they are. Fails with kNotFound
/// without `view`, with a bug on a cycle or a missing column.
Result<Lineage> TransitiveLineage(const std::map<std::string, Lineage>& lineages,
                                  const std::string& view);

/// Stable: the same lineage gives the same text. For goldens and artifacts.
nlohmann::ordered_json ToJson(const Lineage& lineage);

}  // namespace weir
