// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/schema_bytes.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>

#include "weir/base/byte_stream.h"

namespace weir {

namespace {

/// The first byte. Projects have many schemas and few types: a form for these takes a fifth of the
/// time of Arrow's IPC, which the others have.
constexpr char kOwnForm = 0;
constexpr char kIpcForm = 1;

using arrow::Type;

/// Whether nothing but its name says what the type is.
bool IsPlain(Type::type id) {
  return (id >= Type::NA && id <= Type::BINARY) || id == Type::DATE32 || id == Type::DATE64 ||
         id == Type::LARGE_STRING || id == Type::LARGE_BINARY || id == Type::STRING_VIEW ||
         id == Type::BINARY_VIEW;
}

class SchemaWriter {
 public:
  /// False where a type has no form here.
  bool Schema(const arrow::Schema& schema) {
    Metadata(schema.metadata());
    return Fields(schema.fields());
  }
  const std::string& bytes() const { return out_.bytes(); }

 private:
  void Metadata(const std::shared_ptr<const arrow::KeyValueMetadata>& metadata) {
    out_.PutTexts(metadata ? metadata->keys() : std::vector<std::string>());
    out_.PutTexts(metadata ? metadata->values() : std::vector<std::string>());
  }

  bool Fields(const arrow::FieldVector& fields) {
    out_.Put(static_cast<uint32_t>(fields.size()));
    for (const auto& field : fields) {
      out_.PutText(field->name());
      out_.Put(static_cast<uint8_t>(field->nullable()));
      Metadata(field->metadata());
      if (!OneType(*field->type())) return false;
    }
    return true;
  }

  bool OneType(const arrow::DataType& type) {
    out_.Put(static_cast<uint8_t>(type.id()));
    switch (type.id()) {
      case Type::TIMESTAMP: {
        const auto& timestamp = static_cast<const arrow::TimestampType&>(type);
        out_.Put(static_cast<uint8_t>(timestamp.unit()));
        out_.PutText(timestamp.timezone());
        return true;
      }
      case Type::DECIMAL128: {
        const auto& decimal = static_cast<const arrow::DecimalType&>(type);
        out_.Put(decimal.precision());
        out_.Put(decimal.scale());
        return true;
      }
      case Type::LIST:
      case Type::STRUCT:
        return Fields(type.fields());
      default:
        return IsPlain(type.id());
    }
  }

  ByteWriter out_;
};

/// Null for all bytes that SchemaWriter does not write.
class SchemaReader {
 public:
  explicit SchemaReader(std::string_view bytes) : in_(bytes) {}

  std::shared_ptr<arrow::Schema> Schema() {
    auto metadata = Metadata();
    arrow::FieldVector fields = Fields();
    if (!in_.ok() || !in_.at_end() || !known_) return nullptr;
    return arrow::schema(std::move(fields), std::move(metadata));
  }

 private:
  std::shared_ptr<const arrow::KeyValueMetadata> Metadata() {
    std::vector<std::string> keys = in_.GetTexts(), values = in_.GetTexts();
    known_ = known_ && keys.size() == values.size();
    if (keys.empty() || !known_) return nullptr;
    return arrow::key_value_metadata(std::move(keys), std::move(values));
  }

  arrow::FieldVector Fields() {
    arrow::FieldVector fields(in_.GetCount(1));
    for (auto& field : fields) {
      std::string name(in_.GetText());
      const bool nullable = in_.Get<uint8_t>() != 0;
      auto metadata = Metadata();
      auto type = OneType();
      known_ = known_ && type != nullptr;
      if (!known_) return {};
      field = arrow::field(std::move(name), std::move(type), nullable, std::move(metadata));
    }
    return fields;
  }

  std::shared_ptr<arrow::DataType> OneType() {
    const auto id = static_cast<Type::type>(in_.Get<uint8_t>());
    switch (id) {
      case Type::TIMESTAMP: {
        const auto unit = static_cast<arrow::TimeUnit::type>(in_.Get<uint8_t>());
        return arrow::timestamp(unit, std::string(in_.GetText()));
      }
      case Type::DECIMAL128: {
        const auto precision = in_.Get<int32_t>(), scale = in_.Get<int32_t>();
        return arrow::Decimal128Type::Make(precision, scale).ValueOr(nullptr);
      }
      case Type::LIST: {
        const arrow::FieldVector item = Fields();
        return item.size() == 1 ? arrow::list(item[0]) : nullptr;
      }
      case Type::STRUCT:
        return arrow::struct_(Fields());
      default:
        return IsPlain(id) ? arrow::type_singleton(id).ValueOr(nullptr) : nullptr;
    }
  }

  ByteReader in_;
  bool known_ = true;
};

std::string IpcBytes(const arrow::Schema& schema) {
  const auto buffer = arrow::ipc::SerializeSchema(schema);
  return buffer.ok() ? kIpcForm + (*buffer)->ToString() : std::string();
}

std::shared_ptr<arrow::Schema> SchemaOfIpc(std::string_view bytes) {
  arrow::io::BufferReader reader(arrow::Buffer::FromString(std::string(bytes)));
  arrow::ipc::DictionaryMemo memo;
  return arrow::ipc::ReadSchema(&reader, &memo).ValueOr(nullptr);
}

}  // namespace

std::string SchemaBytes(const std::shared_ptr<arrow::Schema>& schema) {
  if (!schema) return {};
  SchemaWriter writer;
  return writer.Schema(*schema) ? kOwnForm + writer.bytes() : IpcBytes(*schema);
}

std::shared_ptr<arrow::Schema> SchemaOf(std::string_view bytes) {
  if (bytes.empty()) return nullptr;
  const std::string_view rest = bytes.substr(1);
  return bytes[0] == kOwnForm ? SchemaReader(rest).Schema() : SchemaOfIpc(rest);
}

}  // namespace weir
