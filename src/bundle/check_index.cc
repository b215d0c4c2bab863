// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/check_index.h"

#include <unordered_map>

#include "weir/base/byte_stream.h"
#include "weir/bundle/schema_bytes.h"

namespace weir {

namespace {

/// Raise it when the form of the bytes changes.
constexpr uint32_t kFormat = 1;

}  // namespace

std::string CheckIndex::Serialize() const {
  ByteWriter out;
  out.Put(kFormat);
  out.PutText(environment);
  out.Put(taken_at_ns);
  out.Put(static_cast<uint32_t>(sources.size()));
  for (const IndexedSource& source : sources)
    out.PutTexts(std::vector<std::string>{source.name, source.definition_hash, source.stamp,
                                          source.schema_hash});
  // Many views have the same schema: each stands once.
  std::unordered_map<std::string_view, uint32_t> numbers;
  std::vector<std::string> schemas;
  std::vector<uint32_t> schema_of;
  schema_of.reserve(views.size());
  for (const IndexedView& view : views) {
    const auto [number, is_new] =
        numbers.emplace(view.schema, static_cast<uint32_t>(schemas.size()));
    if (is_new) schemas.push_back(view.schema);
    schema_of.push_back(number->second);
  }
  out.PutTexts(schemas);
  out.Put(static_cast<uint32_t>(views.size()));
  for (size_t i = 0; i < views.size(); ++i) {
    const IndexedView& view = views[i];
    out.PutText(view.file);
    out.PutStamp(view.stamp);
    out.PutText(view.content_hash);
    out.PutText(view.name);
    out.Put(static_cast<uint8_t>((view.clean ? 1 : 0) | (view.is_inline ? 2 : 0)));
    out.PutTexts(view.tables);
    out.Put(schema_of[i]);
    out.PutTexts(view.partition_columns);
  }
  return out.bytes();
}

std::optional<CheckIndex> CheckIndex::Parse(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.Get<uint32_t>() != kFormat) return std::nullopt;
  CheckIndex index;
  index.environment = in.GetText();
  index.taken_at_ns = in.Get<int64_t>();
  index.sources.resize(in.GetCount(sizeof(uint32_t)));
  for (IndexedSource& source : index.sources) {
    const std::vector<std::string> texts = in.GetTexts();
    if (texts.size() != 4) return std::nullopt;
    source = {texts[0], texts[1], texts[2], texts[3]};
  }
  const std::vector<std::string> schemas = in.GetTexts();
  index.views.resize(in.GetCount(sizeof(FileStamp)));
  for (IndexedView& view : index.views) {
    view.file = in.GetText();
    view.stamp = in.GetStamp();
    view.content_hash = in.GetText();
    view.name = in.GetText();
    const auto flags = in.Get<uint8_t>();
    view.clean = (flags & 1) != 0;
    view.is_inline = (flags & 2) != 0;
    view.tables = in.GetTexts();
    const auto schema = in.Get<uint32_t>();
    if (!in.ok() || schema >= schemas.size()) return std::nullopt;
    view.schema = schemas[schema];
    view.partition_columns = in.GetTexts();
  }
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return index;
}

Status AddToCatalog(const IndexedView& view, SessionRuntime& session) {
  const auto schema = SchemaOf(view.schema);
  if (!schema)
    return Status::User(StatusCode::kCorrupt, "the schema of `{}` is not known", view.name);
  WEIR_ASSIGN_OR_RETURN(
      PinnedTable table,
      PinView(view.name, TableUrl(session.warehouse_url(), view.name), /*version=*/-1, schema,
              view.partition_columns, /*files=*/{}, session.engine()));
  return session.catalog().AddView(std::move(table), session.engine());
}

}  // namespace weir
