// SPDX-License-Identifier: Apache-2.0
//
// What the room's scalar functions share. Private to the room.

#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/type.h>

#include "weir/functions/function.h"

namespace weir {

/// Holds the declaration.
class DeclaredScalar : public ScalarFunction {
 public:
  explicit DeclaredScalar(FunctionDeclaration declaration) : declaration_(std::move(declaration)) {}
  const FunctionDeclaration& declaration() const override { return declaration_; }

 protected:
  const std::string& name() const { return declaration_.name; }

 private:
  FunctionDeclaration declaration_;
};

/// Number of results of a call: one if every argument is constant.
inline int64_t ResultRows(const std::vector<FunctionValue>& arguments, int64_t rows) {
  const bool constant = std::all_of(arguments.begin(), arguments.end(),
                                    [](const FunctionValue& value) { return value.is_constant; });
  return constant && !arguments.empty() ? 1 : rows;
}

inline bool AnyNullable(const FieldVector& fields) {
  return std::any_of(fields.begin(), fields.end(),
                     [](const auto& field) { return field->nullable(); });
}

/// The signatures of `count` text arguments in every mix of plain encodings; the last argument may
/// be a dictionary too.
inline std::vector<FunctionSignature> TextSignatures(size_t count) {
  const TypeVector encodings = {arrow::utf8(), arrow::large_utf8(), arrow::utf8_view()};
  std::vector<FunctionSignature> signatures = {{}};
  for (size_t position = 0; position < count; ++position) {
    TypeVector types = encodings;
    if (position + 1 == count) types.push_back(arrow::dictionary(arrow::int32(), arrow::utf8()));
    std::vector<FunctionSignature> longer;
    for (const FunctionSignature& signature : signatures) {
      for (const auto& type : types) {
        longer.push_back(signature);
        longer.back().push_back(type);
      }
    }
    signatures = std::move(longer);
  }
  return signatures;
}

}  // namespace weir
