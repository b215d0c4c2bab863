// SPDX-License-Identifier: Apache-2.0
//
// Derives the columns of a plan's nodes and the values of its expressions. Internal to this room.

#pragma once

#include <deque>
#include <map>
#include <string_view>
#include <vector>

#include "weir/lineage/derived.h"
#include "weir/lineage/scope.h"

namespace weir::deriving {

/// Parts of an expanded expression beyond which columns stay under their own name.
inline constexpr uint32_t kReadableParts = 120;

/// Walks one plan, which must outlive what it derives. What calls itself for each level of a plan
/// or an expression calls functions that are not inlined, so that its frame stays small.
class Deriver {
 public:
  /// Output columns of a node. What decides about its rows goes into `influences`.
  Result<DerivedColumns> Node(const LogicalPlan& plan, Inputs& influences);

  const Arena& arena() const { return arena_; }
  const std::map<std::string_view, std::vector<std::string_view>>& required_columns() const {
    return required_columns_;
  }

 private:
  /// Nodes
  Result<DerivedColumns> Columns(const LogicalPlan& plan, Inputs& influences);
  Result<DerivedColumns> SingleInputColumns(const LogicalPlan& plan, Inputs& influences);
  [[gnu::noinline]] Result<DerivedColumns> ColumnsOver(const LogicalPlan& plan, const Side& side,
                                                       Inputs& influences);
  Result<Side> SideOf(const LogicalPlan& input, Inputs& influences);
  const Derived* SourceColumn(const Scan& scan, std::string_view name);
  [[gnu::noinline]] Result<DerivedColumns> ScanColumns(const LogicalPlan& plan, Inputs& influences);
  /// A scan's filters can read columns that it does not put out.
  [[gnu::noinline]] Status UseScanFilters(const LogicalPlan& plan, const Scan& scan,
                                          std::vector<std::string_view>& required,
                                          Inputs& influences);
  /// What the two sides of a join bring.
  struct JoinSides {
    Side left, right;
    Inputs left_influences, right_influences, conditions;
  };
  [[gnu::noinline]] Result<DerivedColumns> JoinColumns(const LogicalPlan& plan, Inputs& influences);
  [[gnu::noinline]] Result<DerivedColumns> JoinedColumns(const LogicalPlan& plan, JoinSides& sides,
                                                         Inputs& influences);
  DerivedColumns Concatenated(DerivedColumns a, DerivedColumns b);
  /// A mark join keeps every row of one side, and says of each in one more column whether it found
  /// a partner: what decides about that touches this column only.
  DerivedColumns MarkedColumns(const LogicalPlan& plan, const JoinSides& sides, Inputs& influences);
  /// A left join with at most one partner keeps the left rows as they are, as a correlated scalar
  /// subquery does: what decides about the partner touches the right columns only.
  DerivedColumns LookedUpColumns(const JoinSides& sides, Inputs& influences);
  /// The column and its parts touched by more inputs.
  const Derived* WithInputs(const Derived& column, Inputs more);
  /// The column and its parts after something happened to their values.
  const Derived* Changed(const Derived& column, Transformation transformation);
  [[gnu::noinline]] Result<DerivedColumns> UnionColumns(const LogicalPlan& plan,
                                                        Inputs& influences);
  /// The recursive term sees what the static term and its own earlier rounds put out, so it is
  /// derived until nothing is added.
  [[gnu::noinline]] Result<DerivedColumns> RecursiveColumns(const LogicalPlan& plan,
                                                            Inputs& influences);
  [[gnu::noinline]] Result<DerivedColumns> WorkTableColumns(const LogicalPlan& plan);
  [[gnu::noinline]] Result<DerivedColumns> ValuesColumns(const LogicalPlan& plan);
  DerivedColumns EmptyColumns(const LogicalPlan& plan);
  [[gnu::noinline]] Result<DerivedColumns> AggregateColumns(const LogicalPlan& plan,
                                                            const Scope& scope, Inputs& influences);
  [[gnu::noinline]] Result<DerivedColumns> UnnestColumns(const LogicalPlan& plan,
                                                         const Scope& scope, Inputs& influences);

  /// Expressions
  const Derived* Field(const Derived& value, std::string_view name);
  const Derived* Element(const Derived& list);
  /// Values that are used for something become inputs of that use; other uses stay what they are.
  void AddUse(const Derived& value, ColumnUse use, Inputs& out);
  Status Use(const Expression& expression, const Scope& scope, ColumnUse use, Inputs& out);
  /// The columns given, then those of the expressions.
  [[gnu::noinline]] Result<DerivedColumns> EvaluateAll(const std::vector<Expression>& expressions,
                                                       size_t begin, const Scope& scope,
                                                       DerivedColumns first);
  Result<const Derived*> Evaluate(const Expression& e, const Scope& scope);
  [[gnu::noinline]] Result<const Derived*> EvaluateColumn(const Expression& e, const Scope& scope);
  /// Everything inside touches the one value that comes out.
  [[gnu::noinline]] Result<const Derived*> EvaluateSubquery(const Expression& e);
  /// The parts of an expression as they are evaluated.
  struct Whole {
    Derived derived;
    std::vector<const Derived*> inputs;
    std::vector<const Expanded*> parts;
  };
  /// Adds a part's inputs to those of the whole.
  [[gnu::noinline]] Status AddPart(const Scope& scope, ColumnUse use, Transformation own,
                                   const Expression& part, Whole& whole);
  Result<const Derived*> EvaluateParts(const Expression& e, const Scope& scope);
  [[gnu::noinline]] const Derived* Finished(const Expression& e, Transformation own, Whole& whole);
  /// An element of the list that an aggregate gathers: a value, or its parts, with what else
  /// touches the list.
  const Derived* Gathered(const Derived& value, const Derived& list);
  [[gnu::noinline]] Result<const Derived*> EvaluateField(const Expression& e, const Scope& scope);

  Arena arena_;
  std::deque<Expression> made_;
  std::map<std::string_view, Side> work_tables_;
  std::map<std::string_view, std::vector<std::string_view>> required_columns_;
};

}  // namespace weir::deriving
