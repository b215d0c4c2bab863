// SPDX-License-Identifier: Apache-2.0
//
// What functions of one text share: the type of the argument, and reading it in any encoding.
// Private to the room.

#pragma once

#include <memory>
#include <vector>

#include "weir/functions/call_arguments.h"
#include "weir/functions/declared_function.h"
#include "weir/functions/text_column.h"

namespace weir {

/// A function of one text.
class OneTextFunction : public DeclaredScalar {
 public:
  using DeclaredScalar::DeclaredScalar;

  Result<TypeVector> CoerceTypes(const TypeVector& types) const final {
    WEIR_RETURN_NOT_OK(CheckArity(declaration(), types.size(), 1, 1));
    WEIR_ASSIGN_OR_RETURN(auto type, CoerceToText(declaration(), 0, types[0]));
    return TypeVector{std::move(type)};
  }

  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                               int64_t rows, const arrow::Field&) const final {
    WEIR_ASSIGN_OR_RETURN(const TextColumn texts, TextColumn::Make(arguments[0]));
    return Compute(texts, ResultRows(arguments, rows));
  }

 protected:
  /// The results of the first `rows` texts.
  virtual Result<std::shared_ptr<arrow::Array>> Compute(const TextColumn& texts,
                                                        int64_t rows) const = 0;
};

}  // namespace weir
