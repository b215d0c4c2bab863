// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/imported_fields.h"

#include <cstring>
#include <string>
#include <unordered_map>

#include <arrow/c/bridge.h>

namespace weir::engine::internal {
namespace {

void AppendNumber(int64_t number, std::string* key) {
  key->append(reinterpret_cast<const char*>(&number), sizeof(number));
}

void AppendText(const char* text, std::string* key) {
  const size_t length = text == nullptr ? 0 : std::strlen(text);
  AppendNumber(static_cast<int64_t>(length), key);
  if (length > 0) key->append(text, length);
}

/// The bytes of metadata: a count, then a length and as many bytes for each key and value.
size_t MetadataBytes(const char* metadata) {
  if (metadata == nullptr) return 0;
  size_t at = 0;
  const auto read = [&] {
    int32_t number;
    std::memcpy(&number, metadata + at, sizeof(number));
    at += sizeof(number);
    return number;
  };
  for (int32_t texts = 2 * read(); texts > 0; --texts) {
    const int32_t length = read();
    at += static_cast<size_t>(length);
  }
  return at;
}

/// Everything that the schema says.
void AppendKey(const ArrowSchema& schema, std::string* key) {
  AppendText(schema.format, key);
  AppendText(schema.name, key);
  AppendNumber(schema.flags, key);
  const size_t metadata_bytes = MetadataBytes(schema.metadata);
  AppendNumber(static_cast<int64_t>(metadata_bytes), key);
  if (metadata_bytes > 0) key->append(schema.metadata, metadata_bytes);
  AppendNumber(schema.n_children, key);
  for (int64_t i = 0; i < schema.n_children; ++i) AppendKey(*schema.children[i], key);
  AppendNumber(schema.dictionary == nullptr ? 0 : 1, key);
  if (schema.dictionary != nullptr) AppendKey(*schema.dictionary, key);
}

}  // namespace

arrow::Result<arrow::FieldVector> ImportFieldsOnce(ArrowSchema* schema) {
  constexpr size_t kMostKept = 256;
  thread_local std::unordered_map<std::string, arrow::FieldVector> known;
  thread_local std::string key;
  key.clear();
  AppendKey(*schema, &key);
  const auto found = known.find(key);
  if (found != known.end()) {
    schema->release(schema);
    return found->second;
  }
  ARROW_ASSIGN_OR_RAISE(const auto type, arrow::ImportType(schema));
  if (known.size() >= kMostKept) known.clear();
  return known.emplace(key, type->fields()).first->second;
}

}  // namespace weir::engine::internal
