// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/function_callbacks.h"

#include <span>
#include <stdexcept>

#include <arrow/api.h>
#include <arrow/c/bridge.h>
#include <arrow/util/checked_cast.h>
#include <nlohmann/json.hpp>

#include "weir/base/json_text.h"
#include "weir/engine/bridge_error.h"
#include "weir/engine/bridge_values.h"
#include "weir/engine/engine.h"
#include "weir/engine/imported_fields.h"
#include "weir/functions/function_registry.h"

namespace weir {
namespace {

/// Carries a Status over the boundary.
class CallbackError : public std::runtime_error {
 public:
  explicit CallbackError(const Status& status)
      : std::runtime_error(JsonText(nlohmann::json{{"code", ToString(status.code())},
                                                   {"blame", ToString(status.blame())},
                                                   {"message", status.message()}})) {}
};

Status ToStatus(const arrow::Status& status) { return engine::internal::FromArrow(status); }

void Must(const Status& status) {
  if (!status.ok()) throw CallbackError(status);
}
void Must(const arrow::Status& status) { Must(ToStatus(status)); }

template <typename T>
T Must(Result<T> result) {
  Must(result.status());
  return *std::move(result);
}
template <typename T>
T Must(arrow::Result<T> result) {
  Must(result.status());
  return result.MoveValueUnsafe();
}

FieldVector ImportFields(ArrowSchema* fields) {
  return Must(engine::internal::ImportFieldsOnce(fields));
}

TypeVector TypesOf(const FieldVector& fields) {
  TypeVector types;
  for (const auto& field : fields) types.push_back(field->type());
  return types;
}

void ExportTypes(const TypeVector& types, ArrowSchema* out) {
  FieldVector fields;
  for (const auto& type : types) fields.push_back(arrow::field("", type));
  Must(arrow::ExportType(*arrow::struct_(fields), out));
}

void ExportSignatures(const std::vector<FunctionSignature>& signatures, ArrowSchema* out) {
  TypeVector structs;
  for (const FunctionSignature& signature : signatures) {
    FieldVector fields;
    for (const auto& type : signature) fields.push_back(arrow::field("", type));
    structs.push_back(arrow::struct_(fields));
  }
  ExportTypes(structs, out);
}

/// Arrays that were handed over; what is not imported because of a failure is released.
arrow::ArrayVector ImportArrays(ArrowArray* arrays, const FieldVector& fields) {
  arrow::ArrayVector imported;
  arrow::Status failure;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!failure.ok()) {
      arrays[i].release(&arrays[i]);
      continue;
    }
    auto array = arrow::ImportArray(&arrays[i], fields[i]->type());
    if (array.ok()) {
      imported.push_back(array.MoveValueUnsafe());
    } else {
      failure = array.status();
    }
  }
  Must(failure);
  return imported;
}

PlannedExpression FromJson(const nlohmann::json& json) {
  PlannedExpression expression;
  if (json.contains("function")) {
    expression.function = json["function"].get<std::string>();
    for (const auto& argument : json["arguments"])
      expression.arguments.push_back(FromJson(argument));
  }
  if (json.contains("text")) expression.text = json["text"].get<std::string>();
  if (json.contains("boolean")) expression.boolean = json["boolean"].get<bool>();
  if (json.contains("fields")) {
    for (const auto& [name, field] : json["fields"].items())
      expression.fields.emplace(name, FromJson(field));
  }
  return expression;
}

nlohmann::json ToJson(const RewrittenExpression& expression) {
  using Kind = RewrittenExpression::Kind;
  if (expression.kind == Kind::kPart) return {{"part", {expression.argument, expression.inner}}};
  if (expression.kind == Kind::kCall) {
    nlohmann::json operands = nlohmann::json::array();
    for (const auto& operand : expression.operands) operands.push_back(ToJson(operand));
    return {{"call", std::move(operands)}};
  }
  const char* name = expression.kind == Kind::kAnd    ? "and"
                     : expression.kind == Kind::kLess ? "less"
                                                      : "less_or_equal";
  return {{name, {ToJson(expression.operands[0]), ToJson(expression.operands[1])}}};
}

std::vector<PlannedExpression> ArgumentsFromJson(rust::Str call) {
  std::vector<PlannedExpression> arguments;
  const auto described = nlohmann::json::parse(std::string(call));
  for (const auto& argument : described) arguments.push_back(FromJson(argument));
  return arguments;
}

rust::String ToJson(const std::optional<RewrittenExpression>& expression) {
  return expression ? rust::String(JsonText(ToJson(*expression))) : rust::String();
}

class NativeScalar final : public ScalarCallback {
 public:
  explicit NativeScalar(std::shared_ptr<const ScalarFunction> function)
      : function_(std::move(function)) {}

  void Signatures(ArrowSchema* out) const override {
    ExportSignatures(function_->declaration().signatures, out);
  }

  void CoerceTypes(ArrowSchema* fields, ArrowSchema* out) const override {
    ExportTypes(Must(function_->CoerceTypes(TypesOf(ImportFields(fields)))), out);
  }

  void ReturnField(ArrowSchema* fields, ArrowArray* constants, ArrowSchema* out) const override {
    const FieldVector arguments = ImportFields(fields);
    ConstantVector literals;
    for (const auto& array : ImportArrays(constants, arguments)) {
      literals.emplace_back();
      if (array->length() == 1) literals.back() = Must(array->GetScalar(0));
    }
    Must(arrow::ExportField(*Must(function_->ReturnField(arguments, literals)), out));
  }

  rust::String OpenPredicate(rust::Str call) const override {
    return ToJson(function_->OpenPredicate(ArgumentsFromJson(call)));
  }
  rust::String Simplify(rust::Str call) const override {
    return ToJson(function_->Simplify(ArgumentsFromJson(call)));
  }

  void Invoke(ArrowSchema* fields, ArrowArray* arrays, rust::Slice<const bool> constant,
              size_t rows, ArrowSchema* return_field, ArrowArray* out) const override {
    const FieldVector types = ImportFields(fields);
    const arrow::ArrayVector columns = ImportArrays(arrays, types);
    const FieldVector wanted = ImportFields(return_field);
    std::vector<FunctionValue> arguments;
    for (size_t i = 0; i < columns.size(); ++i) arguments.push_back({columns[i], constant[i]});
    const auto result = Must(function_->Invoke(arguments, static_cast<int64_t>(rows), *wanted[0]));
    Must(arrow::ExportArray(*result, out));
  }

 private:
  std::shared_ptr<const ScalarFunction> function_;
};

class NativeAccumulator final : public AccumulatorCallback {
 public:
  NativeAccumulator(std::unique_ptr<GroupsAccumulator> accumulator, FieldVector arguments,
                    FieldVector states)
      : accumulator_(std::move(accumulator)),
        arguments_(std::move(arguments)),
        states_(std::move(states)) {}

  void Update(ArrowArray* arrays, rust::Slice<const size_t> group_indices, ArrowArray* filter,
              size_t group_count) override {
    const arrow::ArrayVector values = ImportArrays(arrays, arguments_);
    const auto mask = ImportFilter(filter);
    Must(accumulator_->Update(values, ToSpan(group_indices), mask.get(),
                              static_cast<int64_t>(group_count)));
  }

  void Merge(ArrowArray* states, rust::Slice<const size_t> group_indices,
             size_t group_count) override {
    const arrow::ArrayVector values = ImportArrays(states, states_);
    Must(accumulator_->Merge(values, ToSpan(group_indices), nullptr,
                             static_cast<int64_t>(group_count)));
  }

  bool SupportsRetract() const override { return accumulator_->supports_retract(); }
  void Retract(ArrowArray* arrays, rust::Slice<const size_t> group_indices,
               size_t group_count) override {
    const arrow::ArrayVector values = ImportArrays(arrays, arguments_);
    Must(accumulator_->Retract(values, ToSpan(group_indices), static_cast<int64_t>(group_count)));
  }

  void Evaluate(int64_t count, ArrowArray* out) override {
    Must(arrow::ExportArray(*Must(accumulator_->Evaluate(ToCount(count))), out));
  }
  void State(int64_t count, ArrowArray* out) override {
    ExportStates(Must(accumulator_->State(ToCount(count))), out);
  }
  void Peek(ArrowArray* out) const override {
    Must(arrow::ExportArray(*Must(accumulator_->Peek(accumulator_->group_count())), out));
  }
  void PeekState(ArrowArray* out) const override {
    ExportStates(Must(accumulator_->PeekState(accumulator_->group_count())), out);
  }

  void ConvertToState(ArrowArray* arrays, ArrowArray* filter, ArrowArray* out) const override {
    const arrow::ArrayVector values = ImportArrays(arrays, arguments_);
    const auto mask = ImportFilter(filter);
    ExportStates(Must(accumulator_->ConvertToState(values, mask.get())), out);
  }

  size_t SizeBytes() const override { return static_cast<size_t>(accumulator_->SizeBytes()); }

 private:
  static std::optional<int64_t> ToCount(int64_t count) {
    return count < 0 ? std::nullopt : std::optional<int64_t>(count);
  }
  static std::span<const uint64_t> ToSpan(rust::Slice<const size_t> slice) {
    static_assert(std::is_same_v<size_t, uint64_t>);
    return {slice.data(), slice.size()};
  }
  static std::shared_ptr<arrow::BooleanArray> ImportFilter(ArrowArray* filter) {
    if (filter == nullptr) return nullptr;
    return std::static_pointer_cast<arrow::BooleanArray>(
        Must(arrow::ImportArray(filter, arrow::boolean())));
  }
  void ExportStates(const arrow::ArrayVector& states, ArrowArray* out) const {
    const auto structs = Must(arrow::StructArray::Make(states, states_));
    Must(arrow::ExportArray(*structs, out));
  }

  std::unique_ptr<GroupsAccumulator> accumulator_;
  FieldVector arguments_;
  FieldVector states_;
};

class NativeAggregate final : public AggregateCallback {
 public:
  explicit NativeAggregate(std::shared_ptr<const AggregateFunction> function)
      : function_(std::move(function)) {}

  void Signatures(ArrowSchema* out) const override {
    ExportSignatures(function_->declaration().signatures, out);
  }
  void CoerceTypes(ArrowSchema* fields, ArrowSchema* out) const override {
    ExportTypes(Must(function_->CoerceTypes(TypesOf(ImportFields(fields)))), out);
  }
  void ReturnField(ArrowSchema* fields, ArrowSchema* out) const override {
    Must(arrow::ExportField(*Must(function_->ReturnField(ImportFields(fields))), out));
  }
  void StateFields(ArrowSchema* fields, bool distinct, ArrowSchema* out) const override {
    const FieldVector states =
        Must(function_->StateFields(ImportFields(fields), {.distinct = distinct}));
    Must(arrow::ExportType(*arrow::struct_(states), out));
  }
  std::unique_ptr<AccumulatorCallback> CreateAccumulator(ArrowSchema* fields, bool ignore_nulls,
                                                         bool distinct,
                                                         bool sliding) const override {
    FieldVector arguments = ImportFields(fields);
    const AggregateCall call{
        .ignore_nulls = ignore_nulls, .distinct = distinct, .sliding = sliding};
    FieldVector states = Must(function_->StateFields(arguments, call));
    auto accumulator = Must(function_->CreateAccumulator(arguments, call));
    return std::make_unique<NativeAccumulator>(std::move(accumulator), std::move(arguments),
                                               std::move(states));
  }

 private:
  std::shared_ptr<const AggregateFunction> function_;
};

bridge::NativeFunction ToBridge(const FunctionDeclaration& declaration) {
  bridge::NativeFunction result = {};
  result.name = declaration.name;
  result.aliases = engine::internal::ToBridge(declaration.aliases);
  result.semantic_version = static_cast<uint32_t>(declaration.semantic_version);
  result.description = declaration.description + " " + declaration.null_handling;
  result.syntax = declaration.Syntax();
  result.example = declaration.example;
  for (const FunctionArgument& argument : declaration.arguments) {
    result.arguments.push_back(
        {rust::String::lossy(argument.name), rust::String::lossy(argument.type),
         rust::String::lossy(argument.description),
         rust::String::lossy(argument.default_value.value_or("")), argument.session_default});
  }
  result.variadic = declaration.variadic;
  result.user_defined = declaration.signature_kind == SignatureKind::kUserDefined;
  result.strict = declaration.strict;
  result.ignores_duplicates = declaration.ignores_duplicates;
  result.takes_distinct = declaration.takes_distinct;
  result.takes_null_treatment = declaration.takes_null_treatment;
  result.stands_for = declaration.stands_for;
  result.opens_as_predicate = declaration.opens_as_predicate;
  result.simplifies = !declaration.simplification.empty();
  if (declaration.bounds) {
    result.bounded_bits = static_cast<uint8_t>(declaration.bounds->bits);
    result.lower = declaration.bounds->lower;
    result.upper = declaration.bounds->upper;
  }
  result.rises_with = declaration.rises_with ? static_cast<int32_t>(*declaration.rises_with) : -1;
  result.operator_symbol = declaration.operator_symbol;
  return result;
}

}  // namespace

namespace engine {

Status Session::RegisterFunctions(const FunctionRegistry& functions) const {
  for (const auto& function : functions.scalars()) {
    const std::shared_ptr<ScalarCallback> callback = std::make_shared<NativeScalar>(function);
    WEIR_RETURN_NOT_OK(internal::Try([&] {
      bridge::register_scalar_function(*state_->handle, ToBridge(function->declaration()),
                                       callback);
    }));
  }
  for (const auto& function : functions.aggregates()) {
    const std::shared_ptr<AggregateCallback> callback = std::make_shared<NativeAggregate>(function);
    WEIR_RETURN_NOT_OK(internal::Try([&] {
      bridge::register_aggregate_function(*state_->handle, ToBridge(function->declaration()),
                                          callback);
    }));
  }
  return Status::OK();
}

}  // namespace engine
}  // namespace weir
