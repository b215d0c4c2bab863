// SPDX-License-Identifier: Apache-2.0
//
// Schemas as bytes, for caches and hashes.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <arrow/type_fwd.h>

namespace weir {

/// Equal for equal schemas, metadata included. Empty for null, and for what Arrow's IPC cannot
/// hold.
std::string SchemaBytes(const std::shared_ptr<arrow::Schema>& schema);

/// Null if the bytes are not what SchemaBytes wrote.
std::shared_ptr<arrow::Schema> SchemaOf(std::string_view bytes);

}  // namespace weir
