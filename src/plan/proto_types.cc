// SPDX-License-Identifier: Apache-2.0

#include <map>

#include <arrow/api.h>
#include <arrow/util/key_value_metadata.h>

#include "datafusion/proto-common/proto/datafusion_common.pb.h"

#include "weir/plan/proto_values.h"

namespace weir::internal {

namespace {

namespace pb = datafusion_common;

arrow::TimeUnit::type ToUnit(pb::TimeUnit unit) {
  switch (unit) {
    case pb::Second:
      return arrow::TimeUnit::SECOND;
    case pb::Millisecond:
      return arrow::TimeUnit::MILLI;
    case pb::Microsecond:
      return arrow::TimeUnit::MICRO;
    default:
      return arrow::TimeUnit::NANO;
  }
}

/// Damaged bytes can describe types that Arrow refuses to make.
std::shared_ptr<arrow::DataType> OrNull(
    const arrow::Result<std::shared_ptr<arrow::DataType>>& type) {
  return type.ok() ? *type : arrow::null();
}

bool IsCoarse(arrow::TimeUnit::type unit) {
  return unit == arrow::TimeUnit::SECOND || unit == arrow::TimeUnit::MILLI;
}

template <typename Type, typename Decimal>
std::shared_ptr<arrow::DataType> ToDecimalType(const Decimal& decimal) {
  if (decimal.precision() > static_cast<uint32_t>(Type::kMaxPrecision)) return arrow::null();
  return OrNull(Type::Make(static_cast<int32_t>(decimal.precision()), decimal.scale()));
}

template <typename Map>
std::shared_ptr<const arrow::KeyValueMetadata> ToMetadata(const Map& proto) {
  if (proto.empty()) return nullptr;
  auto metadata = std::make_shared<arrow::KeyValueMetadata>();
  for (const auto& [key, value] : std::map<std::string, std::string>(proto.begin(), proto.end()))
    metadata->Append(key, value);
  return metadata;
}

template <typename Map>
void FromMetadata(const std::shared_ptr<const arrow::KeyValueMetadata>& metadata, Map& proto) {
  if (metadata == nullptr) return;
  for (int64_t i = 0; i < metadata->size(); ++i) proto[metadata->key(i)] = metadata->value(i);
}

std::shared_ptr<arrow::DataType> ToUnionType(const pb::Union& proto) {
  arrow::FieldVector fields;
  for (const pb::Field& field : proto.union_types()) fields.push_back(ToArrowField(field));
  std::vector<int8_t> codes;
  for (int id : proto.type_ids()) {
    if (id < 0 || id > arrow::UnionType::kMaxTypeCode) return arrow::null();
    codes.push_back(static_cast<int8_t>(id));
  }
  if (codes.size() != fields.size()) return arrow::null();
  return OrNull(proto.union_mode() == pb::dense ? arrow::DenseUnionType::Make(fields, codes)
                                                : arrow::SparseUnionType::Make(fields, codes));
}

}  // namespace

std::shared_ptr<arrow::DataType> ToArrowType(const pb::ArrowType& type) {
  switch (type.arrow_type_enum_case()) {
    case pb::ArrowType::kBOOL:
      return arrow::boolean();
    case pb::ArrowType::kUINT8:
      return arrow::uint8();
    case pb::ArrowType::kINT8:
      return arrow::int8();
    case pb::ArrowType::kUINT16:
      return arrow::uint16();
    case pb::ArrowType::kINT16:
      return arrow::int16();
    case pb::ArrowType::kUINT32:
      return arrow::uint32();
    case pb::ArrowType::kINT32:
      return arrow::int32();
    case pb::ArrowType::kUINT64:
      return arrow::uint64();
    case pb::ArrowType::kINT64:
      return arrow::int64();
    case pb::ArrowType::kFLOAT16:
      return arrow::float16();
    case pb::ArrowType::kFLOAT32:
      return arrow::float32();
    case pb::ArrowType::kFLOAT64:
      return arrow::float64();
    case pb::ArrowType::kUTF8:
      return arrow::utf8();
    case pb::ArrowType::kUTF8VIEW:
      return arrow::utf8_view();
    case pb::ArrowType::kLARGEUTF8:
      return arrow::large_utf8();
    case pb::ArrowType::kBINARY:
      return arrow::binary();
    case pb::ArrowType::kBINARYVIEW:
      return arrow::binary_view();
    case pb::ArrowType::kLARGEBINARY:
      return arrow::large_binary();
    case pb::ArrowType::kFIXEDSIZEBINARY:
      return type.fixed_size_binary() < 0 ? arrow::null()
                                          : arrow::fixed_size_binary(type.fixed_size_binary());
    case pb::ArrowType::kDATE32:
      return arrow::date32();
    case pb::ArrowType::kDATE64:
      return arrow::date64();
    case pb::ArrowType::kDURATION:
      return arrow::duration(ToUnit(type.duration()));
    case pb::ArrowType::kTIMESTAMP:
      return arrow::timestamp(ToUnit(type.timestamp().time_unit()), type.timestamp().timezone());
    case pb::ArrowType::kTIME32:
      return IsCoarse(ToUnit(type.time32())) ? arrow::time32(ToUnit(type.time32())) : arrow::null();
    case pb::ArrowType::kTIME64:
      return IsCoarse(ToUnit(type.time64())) ? arrow::null() : arrow::time64(ToUnit(type.time64()));
    case pb::ArrowType::kINTERVAL:
      switch (type.interval()) {
        case pb::YearMonth:
          return arrow::month_interval();
        case pb::DayTime:
          return arrow::day_time_interval();
        default:
          return arrow::month_day_nano_interval();
      }
    case pb::ArrowType::kDECIMAL128:
      return ToDecimalType<arrow::Decimal128Type>(type.decimal128());
    case pb::ArrowType::kDECIMAL256:
      return ToDecimalType<arrow::Decimal256Type>(type.decimal256());
    case pb::ArrowType::kDECIMAL32:
      return ToDecimalType<arrow::Decimal32Type>(type.decimal32());
    case pb::ArrowType::kDECIMAL64:
      return ToDecimalType<arrow::Decimal64Type>(type.decimal64());
    case pb::ArrowType::kLISTVIEW:
      return arrow::list_view(ToArrowField(type.list_view().field_type()));
    case pb::ArrowType::kLARGELISTVIEW:
      return arrow::large_list_view(ToArrowField(type.large_list_view().field_type()));
    case pb::ArrowType::kUNION:
      return ToUnionType(type.union_());
    case pb::ArrowType::kRUNENDENCODED: {
      const auto ends = ToArrowType(type.run_end_encoded().run_ends_field().arrow_type());
      if (!arrow::RunEndEncodedType::RunEndTypeValid(*ends)) return arrow::null();
      return arrow::run_end_encoded(
          ends, ToArrowType(type.run_end_encoded().values_field().arrow_type()));
    }
    case pb::ArrowType::kLIST:
      return arrow::list(ToArrowField(type.list().field_type()));
    case pb::ArrowType::kLARGELIST:
      return arrow::large_list(ToArrowField(type.large_list().field_type()));
    case pb::ArrowType::kFIXEDSIZELIST:
      if (type.fixed_size_list().list_size() < 0) return arrow::null();
      return arrow::fixed_size_list(ToArrowField(type.fixed_size_list().field_type()),
                                    type.fixed_size_list().list_size());
    case pb::ArrowType::kSTRUCT: {
      arrow::FieldVector fields;
      for (const pb::Field& field : type.struct_().sub_field_types())
        fields.push_back(ToArrowField(field));
      return arrow::struct_(fields);
    }
    case pb::ArrowType::kDICTIONARY:
      return OrNull(arrow::DictionaryType::Make(ToArrowType(type.dictionary().key()),
                                                ToArrowType(type.dictionary().value())));
    case pb::ArrowType::kMAP:
      return OrNull(
          arrow::MapType::Make(ToArrowField(type.map().field_type()), type.map().keys_sorted()));
    default:
      return arrow::null();
  }
}

std::shared_ptr<arrow::Field> ToArrowField(const pb::Field& field) {
  return arrow::field(field.name(), ToArrowType(field.arrow_type()), field.nullable(),
                      ToMetadata(field.metadata()));
}

std::shared_ptr<arrow::Schema> ToArrowSchema(const pb::Schema& schema) {
  arrow::FieldVector fields;
  for (const pb::Field& field : schema.columns()) fields.push_back(ToArrowField(field));
  return arrow::schema(fields, ToMetadata(schema.metadata()));
}

namespace {

pb::TimeUnit FromUnit(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return pb::Second;
    case arrow::TimeUnit::MILLI:
      return pb::Millisecond;
    case arrow::TimeUnit::MICRO:
      return pb::Microsecond;
    default:
      return pb::Nanosecond;
  }
}

template <typename Proto>
Status FromDecimalType(const arrow::DataType& type, Proto& proto) {
  const auto& decimal = static_cast<const arrow::DecimalType&>(type);
  proto.set_precision(static_cast<uint32_t>(decimal.precision()));
  proto.set_scale(decimal.scale());
  return Status::OK();
}

Status FromUnionType(const arrow::UnionType& type, pb::Union& proto) {
  proto.set_union_mode(type.mode() == arrow::UnionMode::DENSE ? pb::dense : pb::sparse);
  for (const auto& field : type.fields())
    WEIR_RETURN_NOT_OK(FromArrowField(*field, *proto.add_union_types()));
  for (int8_t code : type.type_codes()) proto.add_type_ids(code);
  return Status::OK();
}

Status FromRunEndEncodedType(const arrow::RunEndEncodedType& type, pb::RunEndEncoded& proto) {
  WEIR_RETURN_NOT_OK(FromArrowField(*type.field(0), *proto.mutable_run_ends_field()));
  return FromArrowField(*type.field(1), *proto.mutable_values_field());
}

/// Types that have parts.
Status FromCompoundType(const arrow::DataType& type, pb::ArrowType& proto) {
  switch (type.id()) {
    case arrow::Type::LIST:
      return FromArrowField(*type.field(0), *proto.mutable_list()->mutable_field_type());
    case arrow::Type::LARGE_LIST:
      return FromArrowField(*type.field(0), *proto.mutable_large_list()->mutable_field_type());
    case arrow::Type::LIST_VIEW:
      return FromArrowField(*type.field(0), *proto.mutable_list_view()->mutable_field_type());
    case arrow::Type::LARGE_LIST_VIEW:
      return FromArrowField(*type.field(0), *proto.mutable_large_list_view()->mutable_field_type());
    case arrow::Type::FIXED_SIZE_LIST:
      proto.mutable_fixed_size_list()->set_list_size(
          static_cast<const arrow::FixedSizeListType&>(type).list_size());
      return FromArrowField(*type.field(0), *proto.mutable_fixed_size_list()->mutable_field_type());
    case arrow::Type::STRUCT:
      proto.mutable_struct_();
      for (const auto& field : type.fields())
        WEIR_RETURN_NOT_OK(FromArrowField(*field, *proto.mutable_struct_()->add_sub_field_types()));
      return Status::OK();
    case arrow::Type::MAP:
      proto.mutable_map()->set_keys_sorted(static_cast<const arrow::MapType&>(type).keys_sorted());
      return FromArrowField(*type.field(0), *proto.mutable_map()->mutable_field_type());
    case arrow::Type::DICTIONARY: {
      const auto& dictionary = static_cast<const arrow::DictionaryType&>(type);
      WEIR_RETURN_NOT_OK(
          FromArrowType(*dictionary.index_type(), *proto.mutable_dictionary()->mutable_key()));
      return FromArrowType(*dictionary.value_type(), *proto.mutable_dictionary()->mutable_value());
    }
    case arrow::Type::SPARSE_UNION:
    case arrow::Type::DENSE_UNION:
      return FromUnionType(static_cast<const arrow::UnionType&>(type), *proto.mutable_union_());
    case arrow::Type::RUN_END_ENCODED:
      return FromRunEndEncodedType(static_cast<const arrow::RunEndEncodedType&>(type),
                                   *proto.mutable_run_end_encoded());
    default:
      return Status::User(StatusCode::kUnsupported, "the engine has no type `{}`", type.ToString());
  }
}

}  // namespace

Status FromArrowType(const arrow::DataType& type, pb::ArrowType& proto) {
  switch (type.id()) {
    case arrow::Type::NA:
      proto.mutable_none();
      return Status::OK();
    case arrow::Type::BOOL:
      proto.mutable_bool_();
      return Status::OK();
    case arrow::Type::UINT8:
      proto.mutable_uint8();
      return Status::OK();
    case arrow::Type::INT8:
      proto.mutable_int8();
      return Status::OK();
    case arrow::Type::UINT16:
      proto.mutable_uint16();
      return Status::OK();
    case arrow::Type::INT16:
      proto.mutable_int16();
      return Status::OK();
    case arrow::Type::UINT32:
      proto.mutable_uint32();
      return Status::OK();
    case arrow::Type::INT32:
      proto.mutable_int32();
      return Status::OK();
    case arrow::Type::UINT64:
      proto.mutable_uint64();
      return Status::OK();
    case arrow::Type::INT64:
      proto.mutable_int64();
      return Status::OK();
    case arrow::Type::HALF_FLOAT:
      proto.mutable_float16();
      return Status::OK();
    case arrow::Type::FLOAT:
      proto.mutable_float32();
      return Status::OK();
    case arrow::Type::DOUBLE:
      proto.mutable_float64();
      return Status::OK();
    case arrow::Type::STRING:
      proto.mutable_utf8();
      return Status::OK();
    case arrow::Type::STRING_VIEW:
      proto.mutable_utf8_view();
      return Status::OK();
    case arrow::Type::LARGE_STRING:
      proto.mutable_large_utf8();
      return Status::OK();
    case arrow::Type::BINARY:
      proto.mutable_binary();
      return Status::OK();
    case arrow::Type::BINARY_VIEW:
      proto.mutable_binary_view();
      return Status::OK();
    case arrow::Type::LARGE_BINARY:
      proto.mutable_large_binary();
      return Status::OK();
    case arrow::Type::DATE32:
      proto.mutable_date32();
      return Status::OK();
    case arrow::Type::DATE64:
      proto.mutable_date64();
      return Status::OK();
    case arrow::Type::FIXED_SIZE_BINARY:
      proto.set_fixed_size_binary(
          static_cast<const arrow::FixedSizeBinaryType&>(type).byte_width());
      return Status::OK();
    case arrow::Type::DURATION:
      proto.set_duration(FromUnit(static_cast<const arrow::DurationType&>(type).unit()));
      return Status::OK();
    case arrow::Type::TIME32:
      proto.set_time32(FromUnit(static_cast<const arrow::TimeType&>(type).unit()));
      return Status::OK();
    case arrow::Type::TIME64:
      proto.set_time64(FromUnit(static_cast<const arrow::TimeType&>(type).unit()));
      return Status::OK();
    case arrow::Type::INTERVAL_MONTHS:
      proto.set_interval(pb::YearMonth);
      return Status::OK();
    case arrow::Type::INTERVAL_DAY_TIME:
      proto.set_interval(pb::DayTime);
      return Status::OK();
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      proto.set_interval(pb::MonthDayNano);
      return Status::OK();
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = static_cast<const arrow::TimestampType&>(type);
      proto.mutable_timestamp()->set_time_unit(FromUnit(timestamp.unit()));
      proto.mutable_timestamp()->set_timezone(timestamp.timezone());
      return Status::OK();
    }
    case arrow::Type::DECIMAL32:
      return FromDecimalType(type, *proto.mutable_decimal32());
    case arrow::Type::DECIMAL64:
      return FromDecimalType(type, *proto.mutable_decimal64());
    case arrow::Type::DECIMAL128:
      return FromDecimalType(type, *proto.mutable_decimal128());
    case arrow::Type::DECIMAL256:
      return FromDecimalType(type, *proto.mutable_decimal256());
    default:
      return FromCompoundType(type, proto);
  }
}

Status FromArrowField(const arrow::Field& field, pb::Field& proto) {
  proto.set_name(field.name());
  proto.set_nullable(field.nullable());
  FromMetadata(field.metadata(), *proto.mutable_metadata());
  return FromArrowType(*field.type(), *proto.mutable_arrow_type());
}

Status FromArrowSchema(const arrow::Schema& schema, pb::Schema& proto) {
  FromMetadata(schema.metadata(), *proto.mutable_metadata());
  for (const auto& field : schema.fields())
    WEIR_RETURN_NOT_OK(FromArrowField(*field, *proto.add_columns()));
  return Status::OK();
}

}  // namespace weir::internal
