// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/schema_bytes.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>

namespace weir {

std::string SchemaBytes(const std::shared_ptr<arrow::Schema>& schema) {
  if (!schema) return {};
  const auto buffer = arrow::ipc::SerializeSchema(*schema);
  return buffer.ok() ? (*buffer)->ToString() : std::string();
}

std::shared_ptr<arrow::Schema> SchemaOf(std::string_view bytes) {
  arrow::io::BufferReader reader(arrow::Buffer::FromString(std::string(bytes)));
  arrow::ipc::DictionaryMemo memo;
  const auto schema = arrow::ipc::ReadSchema(&reader, &memo);
  return schema.ok() ? *schema : nullptr;
}

}  // namespace weir
