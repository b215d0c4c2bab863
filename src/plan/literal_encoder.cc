// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include <arrow/api.h>
#include <arrow/ipc/api.h>

#include "datafusion/proto-common/proto/datafusion_common.pb.h"

#include "weir/plan/proto_values.h"

namespace weir::internal {

namespace {

namespace pb = datafusion_common;

template <typename ScalarType>
const auto& ValueOf(const arrow::Scalar& scalar) {
  return static_cast<const ScalarType&>(scalar).value;
}

std::string BytesOf(const arrow::Scalar& scalar) {
  return std::string(static_cast<const arrow::BaseBinaryScalar&>(scalar).view());
}

template <typename ScalarType, typename Proto>
Status FromDecimal(const arrow::Scalar& scalar, Proto& proto) {
  const auto& type = static_cast<const arrow::DecimalType&>(*scalar.type);
  const auto bytes = ValueOf<ScalarType>(scalar).ToBytes();  // of this machine: little-endian
  proto.set_value(std::string(bytes.rbegin(), bytes.rend()));
  proto.set_p(type.precision());
  proto.set_s(type.scale());
  return Status::OK();
}

Status FromTimestamp(const arrow::Scalar& scalar, pb::ScalarTimestampValue& proto) {
  const auto& type = static_cast<const arrow::TimestampType&>(*scalar.type);
  const int64_t value = ValueOf<arrow::TimestampScalar>(scalar);
  proto.set_timezone(type.timezone());
  switch (type.unit()) {
    case arrow::TimeUnit::SECOND:
      proto.set_time_second_value(value);
      break;
    case arrow::TimeUnit::MILLI:
      proto.set_time_millisecond_value(value);
      break;
    case arrow::TimeUnit::MICRO:
      proto.set_time_microsecond_value(value);
      break;
    case arrow::TimeUnit::NANO:
      proto.set_time_nanosecond_value(value);
  }
  return Status::OK();
}

Status FromTime(const arrow::Scalar& scalar, pb::ScalarValue& proto) {
  switch (static_cast<const arrow::TimeType&>(*scalar.type).unit()) {
    case arrow::TimeUnit::SECOND:
      proto.mutable_time32_value()->set_time32_second_value(ValueOf<arrow::Time32Scalar>(scalar));
      break;
    case arrow::TimeUnit::MILLI:
      proto.mutable_time32_value()->set_time32_millisecond_value(
          ValueOf<arrow::Time32Scalar>(scalar));
      break;
    case arrow::TimeUnit::MICRO:
      proto.mutable_time64_value()->set_time64_microsecond_value(
          ValueOf<arrow::Time64Scalar>(scalar));
      break;
    case arrow::TimeUnit::NANO:
      proto.mutable_time64_value()->set_time64_nanosecond_value(
          ValueOf<arrow::Time64Scalar>(scalar));
  }
  return Status::OK();
}

Status FromDuration(const arrow::Scalar& scalar, pb::ScalarValue& proto) {
  const int64_t value = ValueOf<arrow::DurationScalar>(scalar);
  switch (static_cast<const arrow::DurationType&>(*scalar.type).unit()) {
    case arrow::TimeUnit::SECOND:
      proto.set_duration_second_value(value);
      break;
    case arrow::TimeUnit::MILLI:
      proto.set_duration_millisecond_value(value);
      break;
    case arrow::TimeUnit::MICRO:
      proto.set_duration_microsecond_value(value);
      break;
    case arrow::TimeUnit::NANO:
      proto.set_duration_nanosecond_value(value);
  }
  return Status::OK();
}

Status FromInterval(const arrow::Scalar& scalar, pb::ScalarValue& proto) {
  if (scalar.type->id() == arrow::Type::INTERVAL_MONTHS) {
    proto.set_interval_yearmonth_value(ValueOf<arrow::MonthIntervalScalar>(scalar));
  } else if (scalar.type->id() == arrow::Type::INTERVAL_DAY_TIME) {
    const auto& value = ValueOf<arrow::DayTimeIntervalScalar>(scalar);
    proto.mutable_interval_daytime_value()->set_days(value.days);
    proto.mutable_interval_daytime_value()->set_milliseconds(value.milliseconds);
  } else {
    const auto& value = ValueOf<arrow::MonthDayNanoIntervalScalar>(scalar);
    proto.mutable_interval_month_day_nano()->set_months(value.months);
    proto.mutable_interval_month_day_nano()->set_days(value.days);
    proto.mutable_interval_month_day_nano()->set_nanos(value.nanoseconds);
  }
  return Status::OK();
}

/// The value as an Arrow message: one row of one column, as the engine names it.
arrow::Status WriteNested(const arrow::Scalar& scalar, pb::ScalarNestedValue& proto) {
  ARROW_ASSIGN_OR_RAISE(const auto column, arrow::MakeArrayFromScalar(scalar, 1));
  const auto schema =
      arrow::schema({arrow::field("field_name", column->type(), column->null_count() > 0)});
  const auto batch = arrow::RecordBatch::Make(schema, 1, {column});
  arrow::ipc::IpcPayload payload;
  ARROW_RETURN_NOT_OK(
      arrow::ipc::GetRecordBatchPayload(*batch, arrow::ipc::IpcWriteOptions::Defaults(), &payload));
  proto.set_ipc_message(payload.metadata->ToString());
  std::string body;
  for (const auto& buffer : payload.body_buffers) {
    if (buffer != nullptr) body += buffer->ToString();
    body.resize((body.size() + 7) / 8 * 8, '\0');
  }
  proto.set_arrow_data(std::move(body));
  const Status written = FromArrowSchema(*schema, *proto.mutable_schema());
  return written.ok() ? arrow::Status::OK() : arrow::Status::Invalid(written.message());
}

Status Unsupported(const arrow::DataType& type) {
  return Status::User(StatusCode::kUnsupported, "a plan cannot hold a literal of type `{}`",
                      type.ToString());
}

Status FromNested(const arrow::Scalar& scalar, pb::ScalarNestedValue& proto) {
  const arrow::Status written = WriteNested(scalar, proto);
  return written.ok() ? Status::OK() : Unsupported(*scalar.type);
}

/// Lists, structs and maps; a null one too is written as a value.
Status FromNested(const arrow::Scalar& scalar, pb::ScalarValue& proto) {
  switch (scalar.type->id()) {
    case arrow::Type::LIST:
      return FromNested(scalar, *proto.mutable_list_value());
    case arrow::Type::LARGE_LIST:
      return FromNested(scalar, *proto.mutable_large_list_value());
    case arrow::Type::FIXED_SIZE_LIST:
      return FromNested(scalar, *proto.mutable_fixed_size_list_value());
    case arrow::Type::LIST_VIEW:
      return FromNested(scalar, *proto.mutable_list_view_value());
    case arrow::Type::LARGE_LIST_VIEW:
      return FromNested(scalar, *proto.mutable_large_list_view_value());
    case arrow::Type::STRUCT:
      return FromNested(scalar, *proto.mutable_struct_value());
    default:
      return FromNested(scalar, *proto.mutable_map_value());
  }
}

bool IsNested(arrow::Type::type id) {
  switch (id) {
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::LIST_VIEW:
    case arrow::Type::LARGE_LIST_VIEW:
    case arrow::Type::STRUCT:
    case arrow::Type::MAP:
      return true;
    default:
      return false;
  }
}

/// Texts are in one scalar, whatever their type.
Status FromBytes(const arrow::Scalar& scalar, const arrow::DataType& type, pb::ScalarValue& proto) {
  if (!arrow::is_base_binary_like(scalar.type->id()) &&
      !arrow::is_binary_view_like(scalar.type->id()) &&
      scalar.type->id() != arrow::Type::FIXED_SIZE_BINARY)
    return Unsupported(type);
  switch (type.id()) {
    case arrow::Type::STRING:
      proto.set_utf8_value(BytesOf(scalar));
      break;
    case arrow::Type::LARGE_STRING:
      proto.set_large_utf8_value(BytesOf(scalar));
      break;
    case arrow::Type::STRING_VIEW:
      proto.set_utf8_view_value(BytesOf(scalar));
      break;
    case arrow::Type::BINARY:
      proto.set_binary_value(BytesOf(scalar));
      break;
    case arrow::Type::LARGE_BINARY:
      proto.set_large_binary_value(BytesOf(scalar));
      break;
    case arrow::Type::BINARY_VIEW:
      proto.set_binary_view_value(BytesOf(scalar));
      break;
    default:
      proto.mutable_fixed_size_binary_value()->set_values(BytesOf(scalar));
      proto.mutable_fixed_size_binary_value()->set_length(
          static_cast<const arrow::FixedSizeBinaryType&>(type).byte_width());
  }
  return Status::OK();
}

/// REQUIRES: `scalar` is valid and of type `type`.
Status FromNumber(const arrow::Scalar& scalar, pb::ScalarValue& proto) {
  switch (scalar.type->id()) {
    case arrow::Type::BOOL:
      proto.set_bool_value(ValueOf<arrow::BooleanScalar>(scalar));
      return Status::OK();
    case arrow::Type::INT8:
      proto.set_int8_value(ValueOf<arrow::Int8Scalar>(scalar));
      return Status::OK();
    case arrow::Type::INT16:
      proto.set_int16_value(ValueOf<arrow::Int16Scalar>(scalar));
      return Status::OK();
    case arrow::Type::INT32:
      proto.set_int32_value(ValueOf<arrow::Int32Scalar>(scalar));
      return Status::OK();
    case arrow::Type::INT64:
      proto.set_int64_value(ValueOf<arrow::Int64Scalar>(scalar));
      return Status::OK();
    case arrow::Type::UINT8:
      proto.set_uint8_value(ValueOf<arrow::UInt8Scalar>(scalar));
      return Status::OK();
    case arrow::Type::UINT16:
      proto.set_uint16_value(ValueOf<arrow::UInt16Scalar>(scalar));
      return Status::OK();
    case arrow::Type::UINT32:
      proto.set_uint32_value(ValueOf<arrow::UInt32Scalar>(scalar));
      return Status::OK();
    case arrow::Type::UINT64:
      proto.set_uint64_value(ValueOf<arrow::UInt64Scalar>(scalar));
      return Status::OK();
    case arrow::Type::FLOAT:
      proto.set_float32_value(ValueOf<arrow::FloatScalar>(scalar));
      return Status::OK();
    case arrow::Type::DOUBLE:
      proto.set_float64_value(ValueOf<arrow::DoubleScalar>(scalar));
      return Status::OK();
    case arrow::Type::DATE32:
      proto.set_date_32_value(ValueOf<arrow::Date32Scalar>(scalar));
      return Status::OK();
    case arrow::Type::DATE64:
      proto.set_date_64_value(ValueOf<arrow::Date64Scalar>(scalar));
      return Status::OK();
    case arrow::Type::DECIMAL32:
      return FromDecimal<arrow::Decimal32Scalar>(scalar, *proto.mutable_decimal32_value());
    case arrow::Type::DECIMAL64:
      return FromDecimal<arrow::Decimal64Scalar>(scalar, *proto.mutable_decimal64_value());
    case arrow::Type::DECIMAL128:
      return FromDecimal<arrow::Decimal128Scalar>(scalar, *proto.mutable_decimal128_value());
    case arrow::Type::DECIMAL256:
      return FromDecimal<arrow::Decimal256Scalar>(scalar, *proto.mutable_decimal256_value());
    case arrow::Type::TIMESTAMP:
      return FromTimestamp(scalar, *proto.mutable_timestamp_value());
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
      return FromTime(scalar, proto);
    case arrow::Type::DURATION:
      return FromDuration(scalar, proto);
    case arrow::Type::INTERVAL_MONTHS:
    case arrow::Type::INTERVAL_DAY_TIME:
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return FromInterval(scalar, proto);
    default:
      return Unsupported(*scalar.type);
  }
}

}  // namespace

Status FromLiteral(const arrow::Scalar& value, const arrow::DataType* type,
                   pb::ScalarValue& proto) {
  const arrow::DataType& exact = type == nullptr ? *value.type : *type;
  if (exact.id() == arrow::Type::DICTIONARY) {
    const auto& dictionary = static_cast<const arrow::DictionaryType&>(exact);
    if (value.type->id() == arrow::Type::DICTIONARY) return Unsupported(exact);
    WEIR_RETURN_NOT_OK(FromArrowType(*dictionary.index_type(),
                                     *proto.mutable_dictionary_value()->mutable_index_type()));
    return FromLiteral(value, dictionary.value_type().get(),
                       *proto.mutable_dictionary_value()->mutable_value());
  }
  if (IsNested(exact.id())) {
    return value.type->Equals(exact) ? FromNested(value, proto) : Unsupported(exact);
  }
  if (!value.is_valid) return FromArrowType(exact, *proto.mutable_null_value());
  switch (exact.id()) {
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      return FromBytes(value, exact, proto);
    default:
      return value.type->Equals(exact) ? FromNumber(value, proto) : Unsupported(exact);
  }
}

}  // namespace weir::internal
