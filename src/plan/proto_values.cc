// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/proto_values.h"

#include <arrow/api.h>
#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "datafusion/proto-common/proto/datafusion_common.pb.h"

#include "weir/base/fingerprint.h"

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

std::shared_ptr<arrow::Field> ToField(const pb::Field& field) {
  return arrow::field(field.name(), ToArrowType(field.arrow_type()), field.nullable());
}

std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? "''" : std::string(1, c);
  return quoted + "'";
}

/// Big-endian two's complement of 16 bytes.
arrow::Decimal128 ToDecimal(const std::string& bytes) {
  auto decimal = arrow::Decimal128::FromBigEndian(reinterpret_cast<const uint8_t*>(bytes.data()),
                                                  static_cast<int32_t>(bytes.size()));
  return decimal.ok() ? *decimal : arrow::Decimal128();
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
    case pb::ArrowType::kLIST:
      return arrow::list(ToField(type.list().field_type()));
    case pb::ArrowType::kLARGELIST:
      return arrow::large_list(ToField(type.large_list().field_type()));
    case pb::ArrowType::kFIXEDSIZELIST:
      if (type.fixed_size_list().list_size() < 0) return arrow::null();
      return arrow::fixed_size_list(ToField(type.fixed_size_list().field_type()),
                                    type.fixed_size_list().list_size());
    case pb::ArrowType::kSTRUCT: {
      arrow::FieldVector fields;
      for (const pb::Field& field : type.struct_().sub_field_types())
        fields.push_back(ToField(field));
      return arrow::struct_(fields);
    }
    case pb::ArrowType::kDICTIONARY:
      return OrNull(arrow::DictionaryType::Make(ToArrowType(type.dictionary().key()),
                                                ToArrowType(type.dictionary().value())));
    case pb::ArrowType::kMAP: {
      const auto entries = ToArrowType(type.map().field_type().arrow_type());
      if (entries->num_fields() != 2) return arrow::null();
      return arrow::map(entries->field(0)->type(), entries->field(1), type.map().keys_sorted());
    }
    default:
      return arrow::null();
  }
}

std::shared_ptr<arrow::Schema> ToArrowSchema(const pb::Schema& schema) {
  arrow::FieldVector fields;
  for (const pb::Field& field : schema.columns()) fields.push_back(ToField(field));
  return arrow::schema(fields);
}

std::shared_ptr<arrow::Scalar> ToArrowScalar(const pb::ScalarValue& value) {
  switch (value.value_case()) {
    case pb::ScalarValue::kNullValue:
      return arrow::MakeNullScalar(ToArrowType(value.null_value()));
    case pb::ScalarValue::kBoolValue:
      return std::make_shared<arrow::BooleanScalar>(value.bool_value());
    case pb::ScalarValue::kUtf8Value:
      return std::make_shared<arrow::StringScalar>(value.utf8_value());
    case pb::ScalarValue::kLargeUtf8Value:
      return std::make_shared<arrow::StringScalar>(value.large_utf8_value());
    case pb::ScalarValue::kUtf8ViewValue:
      return std::make_shared<arrow::StringScalar>(value.utf8_view_value());
    case pb::ScalarValue::kInt8Value:
      return std::make_shared<arrow::Int8Scalar>(static_cast<int8_t>(value.int8_value()));
    case pb::ScalarValue::kInt16Value:
      return std::make_shared<arrow::Int16Scalar>(static_cast<int16_t>(value.int16_value()));
    case pb::ScalarValue::kInt32Value:
      return std::make_shared<arrow::Int32Scalar>(value.int32_value());
    case pb::ScalarValue::kInt64Value:
      return std::make_shared<arrow::Int64Scalar>(value.int64_value());
    case pb::ScalarValue::kUint8Value:
      return std::make_shared<arrow::UInt8Scalar>(static_cast<uint8_t>(value.uint8_value()));
    case pb::ScalarValue::kUint16Value:
      return std::make_shared<arrow::UInt16Scalar>(static_cast<uint16_t>(value.uint16_value()));
    case pb::ScalarValue::kUint32Value:
      return std::make_shared<arrow::UInt32Scalar>(value.uint32_value());
    case pb::ScalarValue::kUint64Value:
      return std::make_shared<arrow::UInt64Scalar>(value.uint64_value());
    case pb::ScalarValue::kFloat32Value:
      return std::make_shared<arrow::FloatScalar>(value.float32_value());
    case pb::ScalarValue::kFloat64Value:
      return std::make_shared<arrow::DoubleScalar>(value.float64_value());
    case pb::ScalarValue::kDate32Value:
      return std::make_shared<arrow::Date32Scalar>(value.date_32_value());
    case pb::ScalarValue::kDecimal128Value: {
      const auto& decimal = value.decimal128_value();
      const auto type = arrow::Decimal128Type::Make(static_cast<int32_t>(decimal.p()),
                                                    static_cast<int32_t>(decimal.s()));
      if (!type.ok()) return nullptr;
      return std::make_shared<arrow::Decimal128Scalar>(ToDecimal(decimal.value()), *type);
    }
    case pb::ScalarValue::kTimestampValue: {
      const auto& timestamp = value.timestamp_value();
      switch (timestamp.value_case()) {
        case pb::ScalarTimestampValue::kTimeSecondValue:
          return std::make_shared<arrow::TimestampScalar>(
              timestamp.time_second_value(),
              arrow::timestamp(arrow::TimeUnit::SECOND, timestamp.timezone()));
        case pb::ScalarTimestampValue::kTimeMillisecondValue:
          return std::make_shared<arrow::TimestampScalar>(
              timestamp.time_millisecond_value(),
              arrow::timestamp(arrow::TimeUnit::MILLI, timestamp.timezone()));
        case pb::ScalarTimestampValue::kTimeMicrosecondValue:
          return std::make_shared<arrow::TimestampScalar>(
              timestamp.time_microsecond_value(),
              arrow::timestamp(arrow::TimeUnit::MICRO, timestamp.timezone()));
        case pb::ScalarTimestampValue::kTimeNanosecondValue:
          return std::make_shared<arrow::TimestampScalar>(
              timestamp.time_nanosecond_value(),
              arrow::timestamp(arrow::TimeUnit::NANO, timestamp.timezone()));
        default:
          return nullptr;
      }
    }
    case pb::ScalarValue::kDictionaryValue:
      return ToArrowScalar(value.dictionary_value().value());
    default:
      return nullptr;
  }
}

std::string ToLiteralText(const pb::ScalarValue& value) {
  if (value.value_case() == pb::ScalarValue::kNullValue) return "NULL";
  if (const auto scalar = ToArrowScalar(value)) {
    switch (scalar->type->id()) {
      case arrow::Type::STRING:
        return Quoted(scalar->ToString());
      case arrow::Type::DATE32:
        return "DATE " + Quoted(scalar->ToString());
      case arrow::Type::TIMESTAMP:
        return "TIMESTAMP " + Quoted(scalar->ToString());
      case arrow::Type::DOUBLE:
        return fmt::format("{}", static_cast<const arrow::DoubleScalar&>(*scalar).value);
      default:
        return scalar->ToString();
    }
  }
  const auto* field = value.GetDescriptor()->FindFieldByNumber(value.value_case());
  if (field == nullptr) return "NULL";
  switch (value.value_case()) {
    case pb::ScalarValue::kIntervalYearmonthValue:
      return fmt::format("INTERVAL '{} months'", value.interval_yearmonth_value());
    case pb::ScalarValue::kIntervalDaytimeValue:
      return fmt::format("INTERVAL '{} days {} ms'", value.interval_daytime_value().days(),
                         value.interval_daytime_value().milliseconds());
    case pb::ScalarValue::kIntervalMonthDayNano: {
      const auto& interval = value.interval_month_day_nano();
      return fmt::format("INTERVAL '{} months {} days {} ns'", interval.months(), interval.days(),
                         interval.nanos());
    }
    default: {
      // Lists and the like travel as Arrow messages: their hash tells them apart.
      std::string bytes;
      google::protobuf::io::StringOutputStream stream(&bytes);
      google::protobuf::io::CodedOutputStream coded(&stream);
      coded.SetSerializationDeterministic(true);
      value.SerializeToCodedStream(&coded);
      coded.Trim();
      return fmt::format("<{} {}>", field->name(), Blake2bHex128(bytes));
    }
  }
}

}  // namespace weir::internal
