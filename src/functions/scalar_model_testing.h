// SPDX-License-Identifier: Apache-2.0
//
// Naive models of scalar functions, over JSON values, and the batches that they are compared on.

#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "weir/functions/function_testing.h"

namespace weir::testing {

using Json = nlohmann::json;
using Row = std::vector<Json>;

/// What a parameter of a function may be.
struct Parameter {
  TypeVector types;  ///< one is drawn a batch; texts have other encodings too if there are several
  std::function<Json(Random&)> value;  ///< never null
  bool is_keyword = false;             ///< any other text is refused
};

struct Model {
  std::string name;
  std::vector<Parameter> parameters;
  /// Null where the result type follows from the first argument.
  std::shared_ptr<arrow::DataType> result;
  std::function<Json(const Row&)> compute;
  size_t fewest_arguments = SIZE_MAX;  ///< SIZE_MAX: all
  size_t only_constant_from = SIZE_MAX;
};

// One file a topic.
std::vector<Model> IdentityModels();
std::vector<Model> SpanModels();
std::vector<Model> TextModels();
std::vector<Model> NestedModels();

inline std::vector<Model> AllModels() {
  std::vector<Model> all;
  for (auto& models : {IdentityModels(), SpanModels(), TextModels(), NestedModels()})
    all.insert(all.end(), models.begin(), models.end());
  return all;
}

// --- parameters ---

inline const TypeVector kTextTypes = {arrow::utf8(),
                                      arrow::utf8(),
                                      arrow::large_utf8(),
                                      arrow::utf8_view(),
                                      arrow::dictionary(arrow::int16(), arrow::utf8()),
                                      arrow::dictionary(arrow::uint32(), arrow::utf8_view())};

inline Json DrawText(Random& random) {
  if (random() % 50 == 0) return std::string(1000 + random() % 5000, 'q');
  return RandomText(random);
}
inline Parameter Text() { return {kTextTypes, DrawText}; }
inline Parameter OneOf(std::vector<std::string> choices) {
  return {kTextTypes,
          [choices](Random& random) -> Json { return choices[random() % choices.size()]; }};
}
/// One of the only texts that are taken.
inline Parameter Keyword(std::vector<std::string> choices) {
  Parameter parameter = OneOf(std::move(choices));
  parameter.is_keyword = true;
  return parameter;
}
inline Parameter Integer(int64_t least, int64_t most) {
  return {{arrow::int64()}, [least, most](Random& random) -> Json {
            return least + static_cast<int64_t>(random() % static_cast<uint64_t>(most - least + 1));
          }};
}
inline Parameter Boolean() {
  return {{arrow::boolean()}, [](Random& random) -> Json { return random() % 2 == 0; }};
}

inline Json DrawList(Random& random, const std::function<Json(Random&)>& element) {
  Json list = Json::array();
  for (uint64_t i = random() % 7; i > 0; --i)
    list.push_back(random() % 4 == 0 ? Json() : element(random));
  return list;
}

constexpr int kDeepLevels = 10;

/// A list nested `levels` deep around a list of numbers.
inline std::shared_ptr<arrow::DataType> DeepList(int levels = kDeepLevels) {
  return levels == 0 ? arrow::list(arrow::int32()) : arrow::list(DeepList(levels - 1));
}
/// Wide at the top and at the bottom, one element a level between.
inline Json DrawDeepList(Random& random, int levels = kDeepLevels, bool top = true) {
  if (levels == 0) return DrawList(random, [](Random& r) -> Json { return r() % 3; });
  const auto below = [levels](Random& r) { return DrawDeepList(r, levels - 1, false); };
  if (top) return DrawList(random, below);
  return random() % 30 == 0 ? Json::array({Json()}) : Json::array({below(random)});
}
inline Parameter Deep() {
  return {{DeepList()}, [](Random& random) { return DrawDeepList(random); }};
}

inline bool AnyNull(const Row& row) {
  return std::any_of(row.begin(), row.end(), [](const Json& value) { return value.is_null(); });
}

// --- batches ---

inline std::shared_ptr<arrow::Array> FromRows(const std::shared_ptr<arrow::DataType>& type,
                                              const std::vector<Json>& rows) {
  return FromJson(type, Json(rows).dump());
}

/// One argument of a batch: the JSON value of each row, and the array that the function gets.
struct Argument {
  std::vector<Json> rows;
  FunctionValue value;
};

/// How an argument is passed.
struct ArgumentForm {
  std::shared_ptr<arrow::DataType> type;
  bool constant = false;
  uint64_t null_percent = 10;
  size_t before = 0;  ///< rows of the array before those of the batch
  size_t behind = 0;
};

inline Json DrawRow(Random& random, const Parameter& parameter, uint64_t null_percent) {
  return random() % 100 < null_percent ? Json() : parameter.value(random);
}

inline Argument DrawArgument(Random& random, const Parameter& parameter, size_t rows,
                             const ArgumentForm& form) {
  Argument argument;
  if (form.constant) {
    const Json value = DrawRow(random, parameter, form.null_percent);
    argument.rows.assign(rows, value);
    argument.value = {FromRows(form.type, std::vector<Json>(1, value)), true};
    return argument;
  }
  std::vector<Json> longer;
  for (size_t i = 0; i < form.before + rows + form.behind; ++i)
    longer.push_back(DrawRow(random, parameter, form.null_percent));
  const auto first = longer.begin() + static_cast<int64_t>(form.before);
  argument.rows.assign(first, first + static_cast<int64_t>(rows));
  argument.value =
      Column(FromRows(form.type, longer)
                 ->Slice(static_cast<int64_t>(form.before), static_cast<int64_t>(rows)));
  return argument;
}

/// As Call of function_testing.h, with the constants at planning.
inline Result<std::shared_ptr<arrow::Array>> CallPlanned(
    const ScalarFunction& function, const std::vector<FunctionValue>& arguments, int64_t rows) {
  FieldVector fields;
  ConstantVector constants;
  for (const auto& argument : arguments) {
    fields.push_back(arrow::field("a", argument.values->type()));
    constants.emplace_back();
    if (argument.is_constant) constants.back() = argument.values->GetScalar(0).ValueOrDie();
  }
  WEIR_ASSIGN_OR_RETURN(const auto field, function.ReturnField(fields, constants));
  WEIR_ASSIGN_OR_RETURN(auto result, function.Invoke(arguments, rows, *field));
  EXPECT_TRUE(result->Validate().ok()) << result->Validate().ToString();
  EXPECT_TRUE(result->type()->Equals(field->type())) << result->type()->ToString();
  EXPECT_TRUE(field->nullable() || result->null_count() == 0);
  return result;
}

inline std::vector<FunctionValue> ValuesOf(const std::vector<Argument>& arguments) {
  std::vector<FunctionValue> values;
  for (const Argument& argument : arguments) values.push_back(argument.value);
  return values;
}

/// What the declaration promises of every result.
inline void CheckPromises(const FunctionDeclaration& declaration, const arrow::Array& result) {
  if (!declaration.bounds) return;
  const IntegerRange& range = *declaration.bounds;
  ASSERT_EQ(result.type_id(), range.bits == 32 ? arrow::Type::INT32 : arrow::Type::INT64);
  for (int64_t row = 0; row < result.length(); ++row) {
    if (result.IsNull(row)) continue;
    const int64_t value = range.bits == 32
                              ? static_cast<const arrow::Int32Array&>(result).Value(row)
                              : static_cast<const arrow::Int64Array&>(result).Value(row);
    ASSERT_TRUE(range.lower <= value && value <= range.upper)
        << declaration.name << " promises " << range.Text() << ", found " << value;
  }
}

/// Compares what the function makes of a batch with the model.
inline void CheckBatch(const Model& model, const ScalarFunction& function,
                       const std::vector<Argument>& arguments, size_t rows) {
  const auto result = CallPlanned(function, ValuesOf(arguments), static_cast<int64_t>(rows));
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_TRUE((*result)->ValidateFull().ok()) << (*result)->ValidateFull().ToString();
  EXPECT_TRUE(model.result == nullptr || (*result)->type()->Equals(model.result))
      << (*result)->type()->ToString();
  CheckPromises(function.declaration(), **result);
  const bool all_constant =
      std::all_of(arguments.begin(), arguments.end(),
                  [](const auto& argument) { return argument.value.is_constant; });
  if (all_constant && rows == 0) return;
  std::vector<Json> expected_rows;
  for (size_t i = 0; i < (all_constant ? 1 : rows); ++i) {
    Row row;
    for (const Argument& argument : arguments) row.push_back(argument.rows[i]);
    expected_rows.push_back(model.compute(row));
  }
  const auto expected = FromRows((*result)->type(), expected_rows);
  if ((*result)->Equals(expected)) return;
  const auto shown = [](const arrow::Array& array) { return array.ToString().substr(0, 3000); };
  ADD_FAILURE() << "found " << shown(**result) << "\nwanted " << shown(*expected);
}

/// Compares random batches, at least 5,000 rows for each model.
void CheckModels(const std::vector<Model>& models);

}  // namespace weir::testing
