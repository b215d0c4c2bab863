// SPDX-License-Identifier: Apache-2.0
//
// What functions ask of a call's arguments: how many, which are constant, integers and booleans of
// a row. Private to the room.

#pragma once

#include <optional>
#include <string>

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/util/checked_cast.h>

#include "weir/functions/function.h"
#include "weir/functions/text_column.h"

namespace weir {

/// Fails with kInvalidArgument unless `fewest` <= `count` <= `most`; the message shows the
/// signature.
Status CheckArity(const FunctionDeclaration& declaration, size_t count, size_t fewest, size_t most);

/// Fails with kInvalidArgument: argument `index` (from 0) has the wrong type.
Status WrongType(const FunctionDeclaration& declaration, size_t index, std::string_view wanted,
                 const arrow::DataType& found);

/// The type in which a text argument is read: itself if TextColumn can, else utf8 where the engine
/// can cast. Fails with kInvalidArgument where the argument is no text.
Result<std::shared_ptr<arrow::DataType>> CoerceToText(const FunctionDeclaration& declaration,
                                                      size_t index,
                                                      const std::shared_ptr<arrow::DataType>& type);
/// int64 for any integer type (and NULL); fails with kInvalidArgument otherwise.
Result<std::shared_ptr<arrow::DataType>> CoerceToInt64(
    const FunctionDeclaration& declaration, size_t index,
    const std::shared_ptr<arrow::DataType>& type);
/// boolean for boolean and NULL; fails with kInvalidArgument otherwise.
Result<std::shared_ptr<arrow::DataType>> CoerceToBoolean(
    const FunctionDeclaration& declaration, size_t index,
    const std::shared_ptr<arrow::DataType>& type);

/// The text of a constant argument; nullopt if argument `index` is no constant, no text, NULL, or
/// not there.
std::optional<std::string> ConstantText(const ConstantVector& constants, size_t index);

/// A text as messages show it: its first characters.
std::string TextStart(std::string_view text);
/// Names function and row's text in the failure of a kernel; other statuses stay.
Status InFunction(const std::string& name, std::string_view text, const Status& status);

/// The texts of argument `index`; nullopt if the call leaves it out.
Result<std::optional<TextColumn>> OptionalText(const std::vector<FunctionValue>& arguments,
                                               size_t index);

/// Values of an int64 argument. A constant answers for every row.
class Int64Column {
 public:
  explicit Int64Column(const FunctionValue& value)
      : is_constant_(value.is_constant),
        values_(std::static_pointer_cast<arrow::Int64Array>(value.values)) {}
  bool IsNull(int64_t row) const { return values_->IsNull(Row(row)); }
  int64_t operator[](int64_t row) const { return values_->Value(Row(row)); }

 private:
  int64_t Row(int64_t row) const { return is_constant_ ? 0 : row; }
  bool is_constant_;
  std::shared_ptr<arrow::Int64Array> values_;
};

/// Values of a boolean argument that may be missing from the call. A constant answers for every
/// row.
class BooleanOption {
 public:
  BooleanOption(const std::vector<FunctionValue>& arguments, size_t index, bool default_value)
      : default_value_(default_value) {
    if (index >= arguments.size()) return;
    is_constant_ = arguments[index].is_constant;
    values_ = std::static_pointer_cast<arrow::BooleanArray>(arguments[index].values);
  }
  bool IsNull(int64_t row) const { return values_ != nullptr && values_->IsNull(Row(row)); }
  bool operator[](int64_t row) const {
    return values_ == nullptr ? default_value_ : values_->Value(Row(row));
  }

 private:
  int64_t Row(int64_t row) const { return is_constant_ ? 0 : row; }
  bool default_value_;
  bool is_constant_ = false;
  std::shared_ptr<arrow::BooleanArray> values_;
};

}  // namespace weir
