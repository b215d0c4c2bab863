// SPDX-License-Identifier: Apache-2.0
//
// A query written in C++, step by step. In: tables by name and expressions. Out: a typed plan,
// which the encoder writes and the engine reads; what comes out is planned, optimised,
// fingerprinted and run like a query that was written in SQL.
//
//     ViewBuilder::From("flights", "f")
//         .Join(ViewBuilder::From("carriers", "c"), col("f", "carrier") == col("c", "code"))
//         .Filter(col("arr_delay") > 15)
//         .Aggregate({col("c", "name")}, {count_all().As("late")})
//         .OrderBy({col("late").Desc()})
//
// Each step sees the columns that the step before it puts out. Nobody here looks at data.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/engine/engine.h"
#include "weir/expr/expression_builder.h"
#include "weir/functions/function_registry.h"
#include "weir/plan/logical_plan.h"

namespace weir::expr {

struct Step;

/// A place in a program. As a default argument, Current() is where the function is called.
struct CodePlace {
  const char* file = "";
  int line = 0;

  static constexpr CodePlace Current(const char* file = __builtin_FILE(),
                                     int line = __builtin_LINE()) {
    return {file, line};
  }
};

/// Semi joins keep the rows of one side that have a match on the other, anti joins those that have
/// none; neither has columns of the other side. They are what EXISTS and IN (SELECT …) become.
enum class JoinType { kInner, kLeft, kRight, kFull, kLeftSemi, kLeftAnti, kRightSemi, kRightAnti };

class ViewBuilder;

/// The value of a query of one column as an expression, (SELECT …): that of its one row, NULL if it
/// has none; more rows are an error when it runs. The query sees no column of the steps around it.
Expr subquery(const ViewBuilder& query);

/// Steps of a query. An immutable value, cheap to copy: each call returns a longer one, so that
/// several queries may begin with the same steps. Safe to share across threads.
///
/// The last parameter of every step is where it stands in the C++ program; failures name it.
class ViewBuilder {
 public:
  using Place = CodePlace;

  /// A source or a view of the project by its name ("schema.name" in another schema than the
  /// default one). With an alias its columns are known by that.
  static ViewBuilder From(std::string table, std::string alias = {},
                          Place place = Place::Current());
  /// Another query in parentheses.
  static ViewBuilder From(const ViewBuilder& query, std::string alias,
                          Place place = Place::Current());
  /// Rows of expressions without columns, as many in each row as there are names.
  static ViewBuilder Values(std::vector<std::string> names,
                            const std::vector<std::vector<Expr>>& rows,
                            Place place = Place::Current());

  /// Rows of both sides for which `on` is true.
  ViewBuilder Join(const ViewBuilder& other, Expr on, JoinType type = JoinType::kInner,
                   Place place = Place::Current()) const;
  /// Equal in columns that both sides have; by their bare names they are those of the left side.
  ViewBuilder JoinUsing(const ViewBuilder& other, std::vector<std::string> columns,
                        JoinType type = JoinType::kInner, Place place = Place::Current()) const;
  /// Every row with every row.
  ViewBuilder CrossJoin(const ViewBuilder& other, Place place = Place::Current()) const;

  /// Keeps the rows for which the predicate is true. After Aggregate it is HAVING.
  ViewBuilder Filter(Expr predicate, Place place = Place::Current()) const;
  /// The columns of the result, `all()` among them. Functions with Over() may stand anywhere in
  /// them.
  ViewBuilder Select(std::vector<Expr> columns, Place place = Place::Current()) const;
  /// All columns, and further ones: most often functions with Over().
  ViewBuilder Window(std::vector<Expr> columns, Place place = Place::Current()) const;
  /// One row a group; without keys, one row. The result has the keys, then `results`, expressions
  /// over aggregates and keys. Keys may be rollup, cube or grouping_sets.
  ViewBuilder Aggregate(std::vector<Expr> keys, std::vector<Expr> results,
                        Place place = Place::Current()) const;
  /// Unnests a column: one row an element of a list, one column a field of a struct. NULL and empty
  /// lists have no row unless `keep_nulls`.
  ViewBuilder Unnest(std::string column, bool keep_nulls = false,
                     Place place = Place::Current()) const;

  ViewBuilder Distinct(Place place = Place::Current()) const;
  /// The first row of each group of equal `keys` by the order, which begins with the keys.
  ViewBuilder DistinctOn(std::vector<Expr> keys, std::vector<Expr> columns,
                         std::vector<SortExpr> order = {}, Place place = Place::Current()) const;
  ViewBuilder OrderBy(std::vector<SortExpr> keys, Place place = Place::Current()) const;
  ViewBuilder Limit(int64_t count, int64_t skip = 0, Place place = Place::Current()) const;

  /// Columns go together by position; the result has the names of the left side. The first keeps
  /// duplicates, the others do not; NULLs are equal.
  ViewBuilder UnionAll(const ViewBuilder& other, Place place = Place::Current()) const;
  ViewBuilder Union(const ViewBuilder& other, Place place = Place::Current()) const;
  ViewBuilder Intersect(const ViewBuilder& other, Place place = Place::Current()) const;
  ViewBuilder Except(const ViewBuilder& other, Place place = Place::Current()) const;

  /// Names all columns so far as those of a table `alias`.
  ViewBuilder Alias(std::string alias, Place place = Place::Current()) const;

  /// The plan, not optimised, as Plan::FromSql returns one. The session knows the tables. Fails
  /// with the step and its place in the program: kNotFound for a table, a column (with the nearest
  /// names) or a function, kPlanFailed for arguments and types that do not fit.
  /// `functions`: those of the session, whose defaults stand for arguments that are left out.
  Result<engine::Plan> Build(const engine::Session& session,
                             const FunctionRegistry& functions = NativeFunctions()) const;
  /// The same as the tree that the encoder wrote; scans know no schema.
  Result<std::shared_ptr<const LogicalPlan>> BuildTree(
      const engine::Session& session, const FunctionRegistry& functions = NativeFunctions()) const;

  /// The tables that it names, ordered, each once.
  std::vector<std::string> tables() const;
  /// One step a line, for people.
  std::string ToString() const;
  /// Bytes that are equal for equal steps only: literals with their types. Without places.
  std::string Identity() const;
  /// Where its last step stands.
  SourceLocation location() const;

 private:
  explicit ViewBuilder(std::shared_ptr<const Step> last) : last_(std::move(last)) {}
  ViewBuilder Then(Step step) const;
  friend Expr subquery(const ViewBuilder& query);

  std::shared_ptr<const Step> last_;
};

}  // namespace weir::expr
