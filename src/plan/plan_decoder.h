// SPDX-License-Identifier: Apache-2.0
//
// Reads trees from the engine's protobuf form. Private to the room.

#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "datafusion.pb.h"

#include "weir/plan/logical_plan.h"
#include "weir/plan/proto_bytes.h"

namespace weir::internal {

template <typename Map>
std::map<std::string, std::string> ToMap(const Map& proto) {
  return {proto.begin(), proto.end()};
}

/// Counts a level for as long as it lives.
class Level {
 public:
  explicit Level(int& depth) : depth_(depth) { ++depth_; }
  ~Level() { --depth_; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

  Status Check() const {
    if (depth_ <= kMaxPlanDepth) return Status::OK();
    return Status::User(StatusCode::kUnsupported,
                        "a view's plan nests more than {} levels deep; split the view",
                        kMaxPlanDepth);
  }

 private:
  int& depth_;
};

/// Decodes one plan. Nodes take their output columns from the bridge's list in preorder.
/// What FillExpr calls is not inlined, so that its frame, of which there is one a level, stays
/// small.
class Decoder {
 public:
  using Outputs = std::vector<std::vector<OutputColumn>>;

  explicit Decoder(Outputs outputs) : outputs_(std::move(outputs)) {}

  Result<std::shared_ptr<const LogicalPlan>> Decode(const datafusion::LogicalPlanNode& node) {
    WEIR_ASSIGN_OR_RETURN(auto plan, Node(node));
    if (next_output_ != outputs_.size()) {
      return Status::Bug("a plan of {} nodes came with the columns of {}", next_output_,
                         outputs_.size());
    }
    return std::shared_ptr<const LogicalPlan>(std::move(plan));
  }

 private:
  using NodePtr = std::shared_ptr<LogicalPlan>;

  /// Nodes
  Result<NodePtr> Node(const datafusion::LogicalPlanNode& node);
  Status TakeOutputs(LogicalPlan& plan);
  Status Input(const datafusion::LogicalPlanNode& node, LogicalPlan& plan);
  template <typename Nodes>
  [[gnu::noinline]] Status Expressions(const Nodes& nodes, std::vector<Expression>& expressions) {
    for (const auto& node : nodes) {
      WEIR_ASSIGN_OR_RETURN(Expression expression, Expr(node));
      expressions.push_back(std::move(expression));
    }
    return Status::OK();
  }
  template <typename Nodes>
  [[gnu::noinline]] Status SortKeys(const Nodes& nodes, std::vector<SortKey>& keys) {
    for (const auto& node : nodes) {
      WEIR_ASSIGN_OR_RETURN(Expression expression, Expr(node.expr()));
      keys.push_back({std::move(expression), node.asc(), node.nulls_first()});
    }
    return Status::OK();
  }
  Status Fill(const datafusion::LogicalPlanNode& node, LogicalPlan& plan);
  static Status Refuse(const std::string& node);
  Status FillRepartition(const datafusion::RepartitionNode& node, LogicalPlan& plan);
  /// An empty relation that has columns.
  Status FillEmptyTable(const datafusion::EmptyTableScanNode& node, LogicalPlan& plan);
  static std::string NodeName(const datafusion::LogicalPlanNode& node);
  Status FillScan(const datafusion::CustomTableScanNode& node, LogicalPlan& plan);
  Status FillJoin(const datafusion::JoinNode& node, LogicalPlan& plan);
  Status FillUnnest(const datafusion::UnnestNode& node, LogicalPlan& plan);
  static Result<std::shared_ptr<const UnnestSpec>> ToUnnestSpec(const datafusion::UnnestNode& node);

  /// Expressions
  [[gnu::noinline]] Status Inputs(Expression& expression,
                                  std::initializer_list<const datafusion::LogicalExprNode*> nodes);
  Result<Expression> Expr(const datafusion::LogicalExprNode& node);
  template <typename Proto>
  Status FillUnary(ExpressionKind kind, const Proto& node, Expression& e);
  template <typename Proto>
  Status FillLike(ExpressionKind kind, const Proto& node, Expression& e);
  Status FillExpr(const datafusion::LogicalExprNode& node, Expression& e);
  [[gnu::noinline]] static Status RefuseExpression(const datafusion::LogicalExprNode& node);
  /// Functions are known by name; bytes that define one come from nobody that Weir knows.
  template <typename Proto>
  [[gnu::noinline]] static Status RefuseDefinition(const Proto& node);
  [[gnu::noinline]] static Status FillLiteral(const datafusion_common::ScalarValue& node,
                                              Expression& e);
  [[gnu::noinline]] Status FillAlias(const datafusion::AliasNode& node, Expression& e);
  template <typename Proto>
  [[gnu::noinline]] Status FillCast(ExpressionKind kind, const Proto& node, Expression& e);
  [[gnu::noinline]] Status FillSubquery(const datafusion::SubqueryNode& node, Expression& e);
  [[gnu::noinline]] Status FillCase(const datafusion::CaseNode& node, Expression& e);
  [[gnu::noinline]] Status FillAggregate(const datafusion::AggregateUDFExprNode& node,
                                         Expression& e);
  [[gnu::noinline]] Status FillWindow(const datafusion::WindowExprNode& node, Expression& e);
  template <typename Proto>
  static void FillNullTreatment(const Proto& node, Expression& e);
  Result<FrameBound> ToBound(const datafusion::WindowFrameBound& node);
  [[gnu::noinline]] Status FillFrame(const datafusion::WindowExprNode& node, Expression& e);

  Outputs outputs_;
  size_t next_output_ = 0;
  int depth_ = 0;
};

}  // namespace weir::internal
