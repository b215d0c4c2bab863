// SPDX-License-Identifier: Apache-2.0
//
// Short forms of expressions, for tests only.

#pragma once

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/api.h>

#include "weir/plan/expression.h"

namespace weir::testing_expressions {

inline Expression Column(std::string name) {
  Expression e;
  e.kind = ExpressionKind::kColumn;
  e.name = std::move(name);
  return e;
}

inline Expression Literal(std::shared_ptr<arrow::Scalar> scalar) {
  Expression e;
  e.kind = ExpressionKind::kLiteral;
  e.text = scalar->is_valid ? scalar->ToString() : "NULL";
  if (scalar->is_valid && scalar->type->id() == arrow::Type::STRING) e.text = "'" + e.text + "'";
  e.literal = std::move(scalar);
  return e;
}

inline Expression Int(int32_t value) {
  return Literal(std::make_shared<arrow::Int32Scalar>(value));
}
inline Expression Long(int64_t value) {
  return Literal(std::make_shared<arrow::Int64Scalar>(value));
}
inline Expression Double(double value) {
  return Literal(std::make_shared<arrow::DoubleScalar>(value));
}
inline Expression Float(float value) {
  return Literal(std::make_shared<arrow::FloatScalar>(value));
}
inline Expression Bool(bool value) {
  return Literal(std::make_shared<arrow::BooleanScalar>(value));
}
inline Expression Text(std::string value) {
  return Literal(std::make_shared<arrow::StringScalar>(std::move(value)));
}
/// Days since 1970-01-01.
inline Expression Date(int32_t days) {
  return Literal(std::make_shared<arrow::Date32Scalar>(days));
}
inline Expression Timestamp(int64_t value, arrow::TimeUnit::type unit = arrow::TimeUnit::MICRO) {
  return Literal(std::make_shared<arrow::TimestampScalar>(value, arrow::timestamp(unit)));
}
inline Expression Null(const std::shared_ptr<arrow::DataType>& type) {
  return Literal(arrow::MakeNullScalar(type));
}

inline Expression Make(ExpressionKind kind, std::vector<Expression> inputs) {
  Expression e;
  e.kind = kind;
  e.inputs = std::move(inputs);
  return e;
}

inline Expression Binary(std::string op, std::vector<Expression> operands) {
  Expression e = Make(ExpressionKind::kBinary, std::move(operands));
  e.name = std::move(op);
  return e;
}

inline Expression Not(Expression operand) {
  return Make(ExpressionKind::kNot, {std::move(operand)});
}
inline Expression And(std::vector<Expression> operands) {
  return Binary("AND", std::move(operands));
}
inline Expression Or(std::vector<Expression> operands) { return Binary("OR", std::move(operands)); }

inline Expression Negated(Expression e) {
  e.negated = true;
  return e;
}

inline Expression Cast(Expression operand, std::shared_ptr<arrow::DataType> type,
                       ExpressionKind kind = ExpressionKind::kCast) {
  Expression e = Make(kind, {std::move(operand)});
  e.type = std::move(type);
  return e;
}

}  // namespace weir::testing_expressions
