// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/stored_schema.h"

#include <set>
#include <string>

#include <arrow/api.h>

#include "weir/base/ascii_text.h"

namespace weir {

namespace {

/// Null where Delta has no such type.
std::shared_ptr<arrow::DataType> StoredType(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
    case arrow::Type::DATE32:
      return type;
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(*type);
      return decimal.scale() < 0 || decimal.scale() > decimal.precision() ? nullptr : type;
    }
    case arrow::Type::UINT8:
      return arrow::int16();
    case arrow::Type::UINT16:
      return arrow::int32();
    case arrow::Type::UINT32:
    case arrow::Type::UINT64:
      return arrow::int64();
    case arrow::Type::HALF_FLOAT:
      return arrow::float32();
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return arrow::utf8();
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      return arrow::binary();
    case arrow::Type::DATE64:
      return arrow::date32();
    case arrow::Type::TIMESTAMP: {
      const auto& zone = static_cast<const arrow::TimestampType&>(*type).timezone();
      return arrow::timestamp(arrow::TimeUnit::MICRO, zone.empty() ? "" : "UTC");
    }
    case arrow::Type::DICTIONARY:
      return StoredType(static_cast<const arrow::DictionaryType&>(*type).value_type());
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::LIST_VIEW:
    case arrow::Type::LARGE_LIST_VIEW: {
      const auto item = StoredType(type->field(0)->type());
      return item ? arrow::list(arrow::field("element", item, true)) : nullptr;
    }
    case arrow::Type::STRUCT: {
      if (type->num_fields() == 0) return nullptr;  // files hold columns of leaves
      arrow::FieldVector fields;
      for (const auto& field : type->fields()) {
        const auto stored = StoredType(field->type());
        if (!stored) return nullptr;
        fields.push_back(arrow::field(field->name(), stored, true, field->metadata()));
      }
      return arrow::struct_(fields);
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(*type);
      const auto key = StoredType(map.key_type());
      const auto item = StoredType(map.item_type());
      return key && item ? arrow::map(key, item) : nullptr;
    }
    default:
      return nullptr;
  }
}

/// Characters that Parquet readers of other engines refuse in a column's name.
bool HasForbiddenCharacter(const std::string& name) {
  return name.find_first_of(" ,;{}()\n\t=") != std::string::npos;
}

/// The names of one level: those of the result, or of the fields of a struct. `within` says of
/// which, with a blank before; empty for the result.
void CheckNames(const arrow::FieldVector& fields, const std::string& within,
                std::vector<Status>& problems);

/// The names of structs at any depth of a type.
void CheckNamesWithin(const arrow::DataType& type, const std::string& within,
                      std::vector<Status>& problems) {
  if (type.id() == arrow::Type::STRUCT) return CheckNames(type.fields(), within, problems);
  for (const auto& field : type.fields()) CheckNamesWithin(*field->type(), within, problems);
}

void CheckNames(const arrow::FieldVector& fields, const std::string& within,
                std::vector<Status>& problems) {
  std::set<std::string> seen;
  for (const auto& field : fields) {
    const std::string& name = field->name();
    if (HasForbiddenCharacter(name) || name.empty()) {
      problems.push_back(
          Status::User(StatusCode::kInvalidArgument, "a stored {}{} cannot be named `{}`",
                       within.empty() ? "column" : "field", within, name)
              .WithHint(within.empty() ? "name it with AS" : "give the field another name"));
    }
    if (!seen.insert(AsciiLowerCase(name)).second) {
      problems.push_back(
          Status::User(StatusCode::kAlreadyExists, "two {} have the name `{}`",
                       within.empty() ? "columns of the result" : "fields" + within, name)
              .WithHint(within.empty()
                            ? "Delta does not tell names apart by case; rename one with AS"
                            : "Delta does not tell names apart by case; rename one"));
    }
    CheckNamesWithin(*field->type(), fmt::format(" of `{}`", name), problems);
  }
}

}  // namespace

std::shared_ptr<arrow::Schema> StoredSchema(const arrow::Schema& output,
                                            std::vector<Status>& problems) {
  CheckNames(output.fields(), "", problems);
  arrow::FieldVector fields;
  if (output.num_fields() == 0) {
    problems.push_back(Status::User(StatusCode::kUnsupported,
                                    "a table wants at least one column, found a result without any")
                           .WithHint("name columns after SELECT"));
  }
  for (const auto& field : output.fields()) {
    auto stored = StoredType(field->type());
    if (!stored) {
      problems.push_back(
          Status::User(StatusCode::kUnsupported,
                       "Delta has no column type for {}, the type of the column `{}`",
                       field->type()->ToString(), field->name())
              .WithHint("cast it, for instance `CAST(… AS VARCHAR)`"));
      stored = arrow::utf8();
    }
    fields.push_back(arrow::field(field->name(), stored, /*nullable=*/true, field->metadata()));
  }
  return arrow::schema(fields);
}

}  // namespace weir
