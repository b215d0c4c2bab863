// SPDX-License-Identifier: Apache-2.0
//
// Arrow types and literal values from and to their protobuf form. Private to the room.

#pragma once

#include <memory>
#include <string>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"

namespace datafusion_common {
class ArrowType;
class Field;
class Schema;
class ScalarValue;
}  // namespace datafusion_common

namespace weir::internal {

/// Null type where Arrow C++ has no counterpart that Weir handles.
std::shared_ptr<arrow::DataType> ToArrowType(const datafusion_common::ArrowType& type);
std::shared_ptr<arrow::Field> ToArrowField(const datafusion_common::Field& field);
std::shared_ptr<arrow::Schema> ToArrowSchema(const datafusion_common::Schema& schema);

/// Fail with kUnsupported where the engine has no such type.
Status FromArrowType(const arrow::DataType& type, datafusion_common::ArrowType& proto);
Status FromArrowField(const arrow::Field& field, datafusion_common::Field& proto);
Status FromArrowSchema(const arrow::Schema& schema, datafusion_common::Schema& proto);

/// A literal: its value, as Expression::literal has it, and its exact type.
struct LiteralValue {
  std::shared_ptr<arrow::Scalar> value;
  std::shared_ptr<arrow::DataType> type;
};

/// Fails with kUnsupported on unions and run-end encoded values, with kCorrupt on damaged ones.
Result<LiteralValue> ToLiteral(const datafusion_common::ScalarValue& value);
/// `type` null: that of `value`.
Status FromLiteral(const arrow::Scalar& value, const arrow::DataType* type,
                   datafusion_common::ScalarValue& proto);
/// Canonical text, in SQL's form where there is one.
std::string ToLiteralText(const LiteralValue& literal);

}  // namespace weir::internal
