// SPDX-License-Identifier: Apache-2.0
//
// The steps of a ViewBuilder, as they were written. Private to the room.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "weir/expr/view_builder.h"

namespace weir::expr {

/// The comments say what is set.
enum class StepKind {
  kFrom,       ///< `name` the table; `alias`
  kFromQuery,  ///< `input` the query; `alias`
  kValues,     ///< `names`; `expressions` row by row
  kJoin,       ///< `input`, `other`, one of `expressions`, `join_type`
  kJoinUsing,  ///< `input`, `other`, `names`, `join_type`
  kCrossJoin,  ///< `input`, `other`
  kFilter,     ///< one of `expressions`
  kSelect,     ///< `expressions`
  kWindow,     ///< `expressions`
  kAggregate,  ///< `keys`, `expressions`
  kUnnest,     ///< `name`, `keep_nulls`
  kDistinct,
  kDistinctOn,  ///< `keys`, `expressions`, `order`
  kOrderBy,     ///< `order`
  kLimit,       ///< `fetch`, `skip`
  kUnionAll,    ///< `input`, `other`; likewise the next three
  kUnion,
  kIntersect,
  kExcept,
  kAlias,  ///< `alias`
};

/// "Filter", as the method is called.
std::string_view ToString(StepKind kind);

struct Step {
  StepKind kind = StepKind::kFrom;
  CodePlace place;
  std::shared_ptr<const Step> input;
  std::shared_ptr<const Step> other;
  std::string name;
  std::string alias;
  std::vector<std::string> names;
  std::vector<Expr> keys;
  std::vector<Expr> expressions;
  std::vector<SortExpr> order;
  JoinType join_type = JoinType::kInner;
  bool keep_nulls = false;
  int64_t fetch = -1;
  int64_t skip = 0;
  int number = 1;  ///< in its chain, from 1
};

/// What stands for the plan of a subquery in an expression until its step is planned. `text` is the
/// query's identity, so that two are equal where the queries are.
struct UnplannedQuery : LogicalPlan {
  std::shared_ptr<const Step> last;
};

Expression MakeSubquery(std::shared_ptr<const Step> last);
/// Null if `e` is no subquery, or a planned one.
const UnplannedQuery* FindUnplanned(const Expression& e);
/// The unplanned queries in the expressions of a step, but not those within them.
std::vector<const UnplannedQuery*> UnplannedQueries(const Step& step);
std::vector<const UnplannedQuery*> UnplannedQueries(const Expr& e);

SourceLocation PlaceOf(const Step& step);
/// The step as C++ has it, expressions as plans show them.
std::string ToText(const Step& step);
/// As the engine's trees have it.
std::string_view ToString(JoinType type);

}  // namespace weir::expr
