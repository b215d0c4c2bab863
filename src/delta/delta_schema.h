// SPDX-License-Identifier: Apache-2.0
//
// Arrow schemas in the form that the Delta log stores them
// (https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format).

#pragma once

#include <string>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"

namespace weir {

/// The `schemaString` of a metaData action; all columns nullable. Comments and other metadata of
/// fields are kept, those that describe how a source stores them (`delta.*`, `PARQUET:*`,
/// `ARROW:*`) are not. Fails with kUnsupported, naming the column, on a type that Delta does not
/// have.
Result<std::string> DeltaSchemaString(const arrow::Schema& schema);

/// True if a column, nested ones included, is a timestamp without time zone, which needs the table
/// feature `timestampNtz`.
bool HasTimestampNtz(const arrow::Schema& schema);

}  // namespace weir
