// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the room share: arrays from JSON, random columns in every encoding and slicing,
// calls by name.

#pragma once

#include <optional>
#include <random>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include "weir/functions/function_registry.h"

namespace weir::testing {

using Random = std::mt19937_64;
using Texts = std::vector<std::optional<std::string>>;

inline std::shared_ptr<arrow::Array> FromJson(const std::shared_ptr<arrow::DataType>& type,
                                              const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

inline FunctionValue Column(std::shared_ptr<arrow::Array> values) {
  return {std::move(values), false};
}
inline FunctionValue Constant(const std::shared_ptr<arrow::DataType>& type,
                              const std::string& json) {
  return {FromJson(type, "[" + json + "]"), true};
}

inline std::shared_ptr<const ScalarFunction> Scalar(const std::string& name) {
  const FunctionRegistry registry = NativeFunctions();
  for (const auto& function : registry.scalars()) {
    if (function->declaration().name == name) return function;
  }
  ADD_FAILURE() << "no scalar function " << name;
  return nullptr;
}

inline std::shared_ptr<const AggregateFunction> Aggregate(const std::string& name) {
  const FunctionRegistry registry = NativeFunctions();
  for (const auto& function : registry.aggregates()) {
    if (function->declaration().name == name) return function;
  }
  ADD_FAILURE() << "no aggregate function " << name;
  return nullptr;
}

/// Calls as the engine does: settles types where the signature is user-defined, asks for the return
/// field, checks the result.
inline Result<std::shared_ptr<arrow::Array>> Call(const std::string& name,
                                                  const std::vector<FunctionValue>& arguments,
                                                  int64_t rows) {
  const auto function = Scalar(name);
  TypeVector types;
  FieldVector fields;
  for (const auto& argument : arguments) {
    types.push_back(argument.values->type());
    fields.push_back(arrow::field("a", argument.values->type()));
  }
  if (function->declaration().signature_kind == SignatureKind::kUserDefined) {
    WEIR_ASSIGN_OR_RETURN(const TypeVector settled, function->CoerceTypes(types));
    for (size_t i = 0; i < types.size(); ++i) EXPECT_TRUE(settled[i]->Equals(types[i]));
  }
  WEIR_ASSIGN_OR_RETURN(const auto field, function->ReturnField(fields, {}));
  WEIR_ASSIGN_OR_RETURN(auto result, function->Invoke(arguments, rows, *field));
  EXPECT_TRUE(result->ValidateFull().ok()) << result->ValidateFull().ToString();
  EXPECT_TRUE(result->type()->Equals(field->type()));
  return result;
}

inline std::string RandomText(Random& random) {
  static const std::vector<std::string> kPieces = {
      "a", "B", "é", "☃", " ", "\x1f", ":", "0", "long enough for a view"};
  std::string text;
  for (uint64_t i = random() % 5; i > 0; --i) text += kPieces[random() % kPieces.size()];
  return text;
}

inline Texts RandomTexts(Random& random, size_t rows) {
  Texts texts(rows);
  for (auto& text : texts) {
    if (random() % 5 != 0) text = RandomText(random);
  }
  return texts;
}

template <typename Builder>
std::shared_ptr<arrow::Array> BuildTexts(const Texts& texts) {
  Builder builder;
  for (const auto& text : texts) {
    EXPECT_TRUE((text ? builder.Append(*text) : builder.AppendNull()).ok());
  }
  return builder.Finish().ValueOrDie();
}

/// A dictionary with unused and repeated entries; NULLs stand in the indices or in the dictionary.
inline std::shared_ptr<arrow::Array> BuildDictionary(Random& random, const Texts& texts) {
  Texts entries = {std::nullopt, "unused"};
  arrow::Int16Builder indices;
  for (const auto& text : texts) {
    if (!text) {
      EXPECT_TRUE((random() % 2 == 0 ? indices.AppendNull() : indices.Append(0)).ok());
      continue;
    }
    EXPECT_TRUE(indices.Append(static_cast<int16_t>(entries.size())).ok());
    entries.push_back(text);
  }
  const auto values = BuildTexts<arrow::StringBuilder>(entries);
  return arrow::DictionaryArray::FromArrays(indices.Finish().ValueOrDie(), values).ValueOrDie();
}

/// The texts in a random encoding, as a slice of something longer.
inline std::shared_ptr<arrow::Array> EncodeTexts(Random& random, const Texts& texts) {
  const size_t before = random() % 20;
  const size_t behind = random() % 3;
  Texts longer = RandomTexts(random, before);
  longer.insert(longer.end(), texts.begin(), texts.end());
  for (size_t i = 0; i < behind; ++i) longer.push_back("behind");
  std::shared_ptr<arrow::Array> array;
  switch (random() % 4) {
    case 0:
      array = BuildTexts<arrow::StringBuilder>(longer);
      break;
    case 1:
      array = BuildTexts<arrow::LargeStringBuilder>(longer);
      break;
    case 2:
      array = BuildTexts<arrow::StringViewBuilder>(longer);
      break;
    default:
      array = BuildDictionary(random, longer);
      break;
  }
  return array->Slice(static_cast<int64_t>(before), static_cast<int64_t>(texts.size()));
}

}  // namespace weir::testing
