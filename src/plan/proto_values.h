// SPDX-License-Identifier: Apache-2.0
//
// Arrow types and literal values from their protobuf form. Private to the room.

#pragma once

#include <memory>
#include <string>

#include <arrow/type_fwd.h>

namespace datafusion_common {
class ArrowType;
class Schema;
class ScalarValue;
}  // namespace datafusion_common

namespace weir::internal {

/// Null type where Arrow C++ has no counterpart that Weir handles.
std::shared_ptr<arrow::DataType> ToArrowType(const datafusion_common::ArrowType& type);
std::shared_ptr<arrow::Schema> ToArrowSchema(const datafusion_common::Schema& schema);

/// Null where there is no scalar for it.
std::shared_ptr<arrow::Scalar> ToArrowScalar(const datafusion_common::ScalarValue& value);
/// Canonical text, in SQL's form where there is one.
std::string ToLiteralText(const datafusion_common::ScalarValue& value);

}  // namespace weir::internal
