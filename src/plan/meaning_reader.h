// SPDX-License-Identifier: Apache-2.0
//
// Brings a plan into terms that hold its meaning and leave out its form. Private to the room.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "weir/plan/logical_plan.h"
#include "weir/plan/plan_terms.h"

namespace weir::internal {

/// What a plan gives: a node, and its output columns in terms of the node's own columns.
struct Meaning {
  TermId node = 0;
  std::vector<TermId> outputs;
};

/// Terms of plans that share `terms`. A column's term tells which column of the node at hand it is;
/// where nodes are joined, columns are marked with their side, so that the two sides of a self-join
/// stay apart.
class MeaningReader {
 public:
  explicit MeaningReader(TermTable& terms) : terms_(terms) {}

  /// The whole plan with the names of its columns, one term.
  Result<TermId> Root(const LogicalPlan& plan);

  /// What no two evaluations agree on, or empty.
  const std::string& random_function() const { return random_function_; }

 private:
  /// Columns that expressions of a node may name, and what they are.
  struct Scope {
    std::vector<OutputColumn> names;
    std::vector<TermId> terms;
  };

  Result<Meaning> Read(const LogicalPlan& plan);
  Result<Meaning> ReadScan(const LogicalPlan& plan);
  Result<Meaning> ReadFilter(const LogicalPlan& plan);
  Result<Meaning> ReadJoin(const LogicalPlan& plan);
  Result<Meaning> ReadAggregate(const LogicalPlan& plan);
  Result<Meaning> ReadGroupingSets(const LogicalPlan& plan, const Meaning& input,
                                   const Scope& scope);
  Result<Meaning> ReadWindow(const LogicalPlan& plan);
  Result<Meaning> ReadSort(const LogicalPlan& plan);
  Result<Meaning> ReadLimit(const LogicalPlan& plan);
  Result<Meaning> ReadUnion(const LogicalPlan& plan);
  Result<Meaning> ReadDistinctOn(const LogicalPlan& plan);
  Result<Meaning> ReadUnnest(const LogicalPlan& plan);
  Result<Meaning> ReadRecursiveQuery(const LogicalPlan& plan);
  Result<Meaning> ReadWorkTable(const LogicalPlan& plan);
  Result<Meaning> ReadValues(const LogicalPlan& plan);

  /// A filter on a node, merged with filters that it has already.
  TermId Filtered(TermId node, std::vector<TermId> conjuncts);
  TermId Limited(TermId node, int64_t skip, int64_t fetch);
  TermId Rows(const Meaning& meaning);
  TermId Column(std::string label, std::vector<TermId> children);
  /// `count` columns known by their place only.
  std::vector<TermId> Places(const std::string& label, size_t count);

  Result<TermId> Resolve(const Expression& column, const Scope& scope) const;
  Result<TermId> Expr(const Expression& e, const Scope& scope);
  Result<TermId> Binary(const Expression& e, const Scope& scope);
  TermId Binary(const std::string& name, TermId left, TermId right);
  TermId Negated(TermId term);
  Result<TermId> Case(const Expression& e, const Scope& scope);
  Result<TermId> Function(const Expression& e, const Scope& scope);
  Result<TermId> Lambda(const Expression& e, const Scope& scope);
  TermId Literal(const Expression& e);
  Result<std::vector<TermId>> Exprs(const std::vector<Expression>& expressions, const Scope& scope);
  Result<TermId> SortKeys(const std::vector<SortKey>& keys, const Scope& scope);

  struct WorkTable {
    std::string name;
    std::vector<OutputColumn> columns;
  };

  TermTable& terms_;
  std::vector<WorkTable> work_tables_;
  std::vector<std::vector<std::string>> lambdas_;
  std::string random_function_;
  int unknown_types_ = 0;
};

}  // namespace weir::internal
