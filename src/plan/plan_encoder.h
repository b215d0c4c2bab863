// SPDX-License-Identifier: Apache-2.0
//
// Writes trees in the engine's protobuf form. Private to the room.

#pragma once

#include "datafusion.pb.h"

#include "weir/plan/logical_plan.h"

namespace weir::internal {

/// Expressions and plans hold each other, hence one class in two files.
class Encoder {
 public:
  Status Node(const LogicalPlan& plan, datafusion::LogicalPlanNode& node);
  Status Expr(const Expression& e, datafusion::LogicalExprNode& node);

 private:
  using ExprNode = datafusion::LogicalExprNode;
  template <typename T>
  using Repeated = google::protobuf::RepeatedPtrField<T>;

  /// Nodes
  Status Input(const LogicalPlan& plan, size_t index, datafusion::LogicalPlanNode& node);
  Status Scan(const LogicalPlan& plan, datafusion::CustomTableScanNode& node);
  Status EmptyRelation(const LogicalPlan& plan, datafusion::LogicalPlanNode& node);
  Status Join(const LogicalPlan& plan, datafusion::JoinNode& node);
  Status Aggregate(const LogicalPlan& plan, datafusion::AggregateNode& node);
  Status DistinctOn(const LogicalPlan& plan, datafusion::DistinctOnNode& node);
  Status Unnest(const LogicalPlan& plan, datafusion::UnnestNode& node);
  Status Repartition(const LogicalPlan& plan, datafusion::RepartitionNode& node);
  Status TableName(const LogicalPlan& plan, datafusion::TableReference& reference);

  /// Expressions
  Status Inputs(const Expression& e, size_t begin, size_t end, Repeated<ExprNode>& nodes);
  Status Expressions(const std::vector<Expression>& expressions, size_t begin, size_t end,
                     Repeated<ExprNode>& nodes);
  Status SortKeys(const std::vector<SortKey>& keys, Repeated<datafusion::SortExprNode>& nodes);
  Status Alias(const Expression& e, datafusion::AliasNode& node);
  Status Case(const Expression& e, datafusion::CaseNode& node);
  Status Window(const Expression& e, datafusion::WindowExprNode& node);
  Status Bound(const FrameBound& bound, datafusion::WindowFrameBound& node);
  Status AggregateFunction(const Expression& e, datafusion::AggregateUDFExprNode& node);
  Status GroupingSets(const Expression& e, datafusion::GroupingSetNode& node);
  Status LambdaVariable(const Expression& e, datafusion::LambdaVariable& node);
  Status Placeholder(const Expression& e, datafusion::PlaceholderNode& node);
  Status Literal(const Expression& e, datafusion_common::ScalarValue& node);
  Status Boolean(const Expression& e, ExprNode& node);
  Status Compound(const Expression& e, ExprNode& node);
  template <typename Proto>
  Status Unary(const Expression& e, Proto& node);
  template <typename Proto>
  Status Like(const Expression& e, Proto& node);
  template <typename Proto>
  Status Cast(const Expression& e, Proto& node);
};

}  // namespace weir::internal
