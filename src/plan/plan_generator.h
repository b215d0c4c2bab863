// SPDX-License-Identifier: Apache-2.0
//
// Random plan trees, for tests only: of any shape that the bytes can carry, whether or not it means
// anything to the engine. What the decoder derives (texts of literals and frames, joined names) is
// filled in as it does.

#pragma once

#include <random>

#include <arrow/api.h>
#include <nlohmann/json.hpp>

#include "weir/plan/logical_plan.h"

namespace weir::testing_plans {

class PlanGenerator {
 public:
  explicit PlanGenerator(uint64_t seed) : random_(seed) {}

  /// A tree of at most `depth` levels.
  std::shared_ptr<LogicalPlan> Plan(int depth);
  Expression Expr(int depth);
  /// A literal of any type that the bytes can carry.
  Expression Literal();
  /// 0 to `end` - 1.
  size_t Pick(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }
  bool Coin() { return Pick(2) == 0; }

 private:
  std::string Name();
  std::vector<std::string> Parts();
  std::map<std::string, std::string> Metadata();
  std::optional<bool> MaybeBool();
  ColumnName Column();
  int64_t Number();
  std::shared_ptr<arrow::DataType> SimpleType();
  std::shared_ptr<arrow::DataType> Type(int depth);
  std::shared_ptr<arrow::Field> Field(int depth);
  std::shared_ptr<arrow::Schema> Schema();
  std::shared_ptr<arrow::Scalar> SimpleScalar(const std::shared_ptr<arrow::DataType>& type);
  std::shared_ptr<arrow::Scalar> NestedScalar();
  std::vector<Expression> Exprs(size_t least, size_t most, int depth);
  std::vector<SortKey> SortKeys(int depth);
  FrameBound Bound();
  void FillFunction(Expression& e, int depth);
  void FillWindow(Expression& e, int depth);
  void FillExpr(Expression& e, int depth);
  void FillNode(LogicalPlan& plan, int depth);
  void FillScan(LogicalPlan& plan, int depth);
  void FillUnnest(LogicalPlan& plan);
  void FillJoin(LogicalPlan& plan, int depth);

  std::mt19937_64 random_;
};

/// The columns of the nodes in the form that DecodePlan takes.
nlohmann::json OutputsOf(const LogicalPlan& plan);

}  // namespace weir::testing_plans
