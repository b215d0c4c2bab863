// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/function.h"

#include <arrow/array.h>
#include <arrow/type.h>
#include <fmt/format.h>

namespace weir {

std::string_view ToString(FunctionKind kind) {
  switch (kind) {
    case FunctionKind::kScalar:
      return "scalar";
    case FunctionKind::kAggregate:
      return "aggregate";
    case FunctionKind::kTable:
      return "table";
  }
  return "";
}

std::string_view ToString(Volatility volatility) {
  return volatility == Volatility::kImmutable ? "immutable" : "stable";
}

std::string IntegerRange::Text() const {
  if (upper == INT64_MAX) return lower == INT64_MIN ? "any" : fmt::format("{} or more", lower);
  if (lower == INT64_MIN) return fmt::format("{} or less", upper);
  return fmt::format("{} to {}", lower, upper);
}

namespace {

std::string WordsOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::STRING:
      return "text";
    case arrow::Type::BOOL:
      return "boolean";
    case arrow::Type::TIMESTAMP:
      return "timestamp";
    case arrow::Type::STRUCT:
      return "struct";
    case arrow::Type::LIST:
      return "list of " + WordsOf(*static_cast<const arrow::ListType&>(type).value_type());
    case arrow::Type::MAP:
      return "map of " + WordsOf(*static_cast<const arrow::MapType&>(type).item_type());
    default:
      return type.ToString();
  }
}

}  // namespace

const std::string& FunctionColumn::name() const { return field->name(); }

std::string FunctionColumn::TypeWords() const { return WordsOf(*field->type()); }

std::vector<std::string> FunctionDeclaration::ParameterNames() const {
  std::vector<std::string> names;
  if (variadic) return names;
  for (const FunctionArgument& argument : arguments) names.push_back(argument.name);
  return names;
}

std::string FunctionDeclaration::Syntax() const {
  std::string text = name + "(";
  std::string closing;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].MayBeOmitted()) {
      text += '[';
      closing += ']';
    }
    if (i > 0) text += ", ";
    text += arguments[i].name;
  }
  return text + (variadic ? ", …" : "") + closing + ")";
}

std::shared_ptr<arrow::Schema> FunctionDeclaration::RowSchema() const {
  FieldVector fields;
  for (const FunctionColumn& column : columns) fields.push_back(column.field);
  return arrow::schema(std::move(fields));
}

namespace {

Status NoUserDefinedSignature(const FunctionDeclaration& declaration) {
  return Status::Bug("{} has exact signatures and settles no types", declaration.name);
}

}  // namespace

Result<TypeVector> ScalarFunction::CoerceTypes(const TypeVector&) const {
  return NoUserDefinedSignature(declaration());
}

std::optional<RewrittenExpression> ScalarFunction::OpenPredicate(
    const std::vector<PlannedExpression>&) const {
  return std::nullopt;
}

std::optional<RewrittenExpression> ScalarFunction::Simplify(
    const std::vector<PlannedExpression>&) const {
  return std::nullopt;
}

Result<TypeVector> AggregateFunction::CoerceTypes(const TypeVector&) const {
  return NoUserDefinedSignature(declaration());
}

Status GroupsAccumulator::Retract(const arrow::ArrayVector&, std::span<const uint64_t>, int64_t) {
  return Status::Bug("this aggregate cannot take rows back out");
}

Result<std::shared_ptr<arrow::Array>> GroupsAccumulator::Evaluate(
    std::optional<int64_t> emit_first_n) {
  const int64_t count = emit_first_n.value_or(group_count());
  WEIR_ASSIGN_OR_RETURN(auto values, Peek(count));
  Drop(count);
  return values;
}

Result<arrow::ArrayVector> GroupsAccumulator::State(std::optional<int64_t> emit_first_n) {
  const int64_t count = emit_first_n.value_or(group_count());
  WEIR_ASSIGN_OR_RETURN(auto states, PeekState(count));
  Drop(count);
  return states;
}

}  // namespace weir
