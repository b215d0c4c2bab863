// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/proto_values.h"

#include <algorithm>

#include <arrow/api.h>
#include <arrow/ipc/api.h>
#include <fmt/format.h>

#include "datafusion/proto-common/proto/datafusion_common.pb.h"

#include "weir/base/sql_quotes.h"
#include "weir/base/utf8_text.h"
#include "weir/plan/expression.h"

namespace weir::internal {

namespace {

namespace pb = datafusion_common;

using ScalarPtr = std::shared_ptr<arrow::Scalar>;

Status Damaged(std::string_view what) {
  return Status::User(StatusCode::kCorrupt, "a literal in a plan is damaged: `{}`", what);
}

LiteralValue Typed(ScalarPtr value) {
  auto type = value->type;
  return {std::move(value), std::move(type)};
}

LiteralValue Text(const std::string& text, std::shared_ptr<arrow::DataType> type) {
  return {std::make_shared<arrow::StringScalar>(text), std::move(type)};
}

/// `bytes` are big-endian two's complement.
template <typename Type, typename ScalarType, typename Value, typename Proto>
Result<LiteralValue> Decimal(const Proto& proto) {
  const auto type = Type::Make(static_cast<int32_t>(proto.p()), static_cast<int32_t>(proto.s()));
  const auto value = Value::FromBigEndian(reinterpret_cast<const uint8_t*>(proto.value().data()),
                                          static_cast<int32_t>(proto.value().size()));
  if (!type.ok() || !value.ok() || proto.value().size() != sizeof(Value)) return Damaged("decimal");
  return Typed(std::make_shared<ScalarType>(*value, *type));
}

Result<LiteralValue> Timestamp(const pb::ScalarTimestampValue& proto) {
  const auto make = [&](int64_t value, arrow::TimeUnit::type unit) {
    return Typed(
        std::make_shared<arrow::TimestampScalar>(value, arrow::timestamp(unit, proto.timezone())));
  };
  switch (proto.value_case()) {
    case pb::ScalarTimestampValue::kTimeSecondValue:
      return make(proto.time_second_value(), arrow::TimeUnit::SECOND);
    case pb::ScalarTimestampValue::kTimeMillisecondValue:
      return make(proto.time_millisecond_value(), arrow::TimeUnit::MILLI);
    case pb::ScalarTimestampValue::kTimeMicrosecondValue:
      return make(proto.time_microsecond_value(), arrow::TimeUnit::MICRO);
    case pb::ScalarTimestampValue::kTimeNanosecondValue:
      return make(proto.time_nanosecond_value(), arrow::TimeUnit::NANO);
    default:
      return Damaged("timestamp");
  }
}

Result<LiteralValue> Time(const pb::ScalarValue& proto) {
  const auto coarse = [](int32_t value, arrow::TimeUnit::type unit) {
    return Typed(std::make_shared<arrow::Time32Scalar>(value, arrow::time32(unit)));
  };
  const auto fine = [](int64_t value, arrow::TimeUnit::type unit) {
    return Typed(std::make_shared<arrow::Time64Scalar>(value, arrow::time64(unit)));
  };
  const auto& time32 = proto.time32_value();
  const auto& time64 = proto.time64_value();
  if (proto.has_time32_value()) {
    switch (time32.value_case()) {
      case pb::ScalarTime32Value::kTime32SecondValue:
        return coarse(time32.time32_second_value(), arrow::TimeUnit::SECOND);
      case pb::ScalarTime32Value::kTime32MillisecondValue:
        return coarse(time32.time32_millisecond_value(), arrow::TimeUnit::MILLI);
      default:
        return Damaged("time");
    }
  }
  switch (time64.value_case()) {
    case pb::ScalarTime64Value::kTime64MicrosecondValue:
      return fine(time64.time64_microsecond_value(), arrow::TimeUnit::MICRO);
    case pb::ScalarTime64Value::kTime64NanosecondValue:
      return fine(time64.time64_nanosecond_value(), arrow::TimeUnit::NANO);
    default:
      return Damaged("time");
  }
}

LiteralValue Duration(int64_t value, arrow::TimeUnit::type unit) {
  return Typed(std::make_shared<arrow::DurationScalar>(value, arrow::duration(unit)));
}

/// Lists, structs and maps travel as an Arrow message: one row of one column.
arrow::Result<ScalarPtr> ReadNested(const pb::ScalarNestedValue& proto) {
  ARROW_ASSIGN_OR_RAISE(const auto message,
                        arrow::ipc::Message::Open(arrow::Buffer::FromString(proto.ipc_message()),
                                                  arrow::Buffer::FromString(proto.arrow_data())));
  const arrow::ipc::DictionaryMemo no_dictionaries;
  ARROW_ASSIGN_OR_RAISE(
      const auto batch,
      arrow::ipc::ReadRecordBatch(*message, ToArrowSchema(proto.schema()), &no_dictionaries,
                                  arrow::ipc::IpcReadOptions::Defaults()));
  if (batch->num_rows() != 1 || batch->num_columns() != 1)
    return arrow::Status::Invalid("one value is wanted");
  ARROW_RETURN_NOT_OK(batch->ValidateFull());
  return batch->column(0)->GetScalar(0);
}

Result<LiteralValue> Nested(const pb::ScalarNestedValue& proto) {
  if (proto.dictionaries_size() > 0) {
    return Status::User(StatusCode::kUnsupported,
                        "a view's plan may not hold a list, struct or map with dictionary-encoded "
                        "values as a literal; cast them to their plain type");
  }
  auto value = ReadNested(proto);
  if (!value.ok()) return Damaged(value.status().message());
  return Typed(*std::move(value));
}

Result<LiteralValue> DictionaryValue(const pb::ScalarDictionaryValue& proto) {
  WEIR_ASSIGN_OR_RETURN(LiteralValue inner, ToLiteral(proto.value()));
  const auto type = arrow::DictionaryType::Make(ToArrowType(proto.index_type()), inner.type);
  if (!type.ok()) return Damaged("dictionary");
  inner.type = *type;
  return inner;
}

Result<LiteralValue> FixedBinary(const pb::ScalarFixedSizeBinary& proto) {
  if (static_cast<size_t>(proto.length()) != proto.values().size()) return Damaged("binary");
  return Typed(std::make_shared<arrow::FixedSizeBinaryScalar>(
      arrow::Buffer::FromString(proto.values()), arrow::fixed_size_binary(proto.length())));
}

template <typename ScalarType>
LiteralValue Bytes(const std::string& bytes) {
  return Typed(std::make_shared<ScalarType>(arrow::Buffer::FromString(bytes)));
}

/// Numbers, and what has one value of fixed size.
Result<LiteralValue> ToSimpleLiteral(const pb::ScalarValue& v) {
  switch (v.value_case()) {
    case pb::ScalarValue::kBoolValue:
      return Typed(std::make_shared<arrow::BooleanScalar>(v.bool_value()));
    case pb::ScalarValue::kInt8Value:
      return Typed(std::make_shared<arrow::Int8Scalar>(static_cast<int8_t>(v.int8_value())));
    case pb::ScalarValue::kInt16Value:
      return Typed(std::make_shared<arrow::Int16Scalar>(static_cast<int16_t>(v.int16_value())));
    case pb::ScalarValue::kInt32Value:
      return Typed(std::make_shared<arrow::Int32Scalar>(v.int32_value()));
    case pb::ScalarValue::kInt64Value:
      return Typed(std::make_shared<arrow::Int64Scalar>(v.int64_value()));
    case pb::ScalarValue::kUint8Value:
      return Typed(std::make_shared<arrow::UInt8Scalar>(static_cast<uint8_t>(v.uint8_value())));
    case pb::ScalarValue::kUint16Value:
      return Typed(std::make_shared<arrow::UInt16Scalar>(static_cast<uint16_t>(v.uint16_value())));
    case pb::ScalarValue::kUint32Value:
      return Typed(std::make_shared<arrow::UInt32Scalar>(v.uint32_value()));
    case pb::ScalarValue::kUint64Value:
      return Typed(std::make_shared<arrow::UInt64Scalar>(v.uint64_value()));
    case pb::ScalarValue::kFloat32Value:
      return Typed(std::make_shared<arrow::FloatScalar>(v.float32_value()));
    case pb::ScalarValue::kFloat64Value:
      return Typed(std::make_shared<arrow::DoubleScalar>(v.float64_value()));
    case pb::ScalarValue::kDate32Value:
      return Typed(std::make_shared<arrow::Date32Scalar>(v.date_32_value()));
    case pb::ScalarValue::kDate64Value:
      return Typed(std::make_shared<arrow::Date64Scalar>(v.date_64_value()));
    case pb::ScalarValue::kIntervalYearmonthValue:
      return Typed(std::make_shared<arrow::MonthIntervalScalar>(v.interval_yearmonth_value()));
    case pb::ScalarValue::kIntervalDaytimeValue:
      return Typed(std::make_shared<arrow::DayTimeIntervalScalar>(
          arrow::DayTimeIntervalType::DayMilliseconds{v.interval_daytime_value().days(),
                                                      v.interval_daytime_value().milliseconds()}));
    case pb::ScalarValue::kIntervalMonthDayNano: {
      const auto& interval = v.interval_month_day_nano();
      return Typed(std::make_shared<arrow::MonthDayNanoIntervalScalar>(
          arrow::MonthDayNanoIntervalType::MonthDayNanos{interval.months(), interval.days(),
                                                         interval.nanos()}));
    }
    case pb::ScalarValue::kDurationSecondValue:
      return Duration(v.duration_second_value(), arrow::TimeUnit::SECOND);
    case pb::ScalarValue::kDurationMillisecondValue:
      return Duration(v.duration_millisecond_value(), arrow::TimeUnit::MILLI);
    case pb::ScalarValue::kDurationMicrosecondValue:
      return Duration(v.duration_microsecond_value(), arrow::TimeUnit::MICRO);
    case pb::ScalarValue::kDurationNanosecondValue:
      return Duration(v.duration_nanosecond_value(), arrow::TimeUnit::NANO);
    default: {
      const auto* field = v.GetDescriptor()->FindFieldByNumber(v.value_case());
      return Status::User(StatusCode::kUnsupported, "a view's plan may not hold the literal `{}`",
                          field == nullptr ? "unknown" : std::string(field->name()));
    }
  }
}

}  // namespace

Result<LiteralValue> ToLiteral(const pb::ScalarValue& v) {
  switch (v.value_case()) {
    case pb::ScalarValue::kNullValue:
      return Typed(arrow::MakeNullScalar(ToArrowType(v.null_value())));
    case pb::ScalarValue::kUtf8Value:
      return Text(v.utf8_value(), arrow::utf8());
    case pb::ScalarValue::kLargeUtf8Value:
      return Text(v.large_utf8_value(), arrow::large_utf8());
    case pb::ScalarValue::kUtf8ViewValue:
      return Text(v.utf8_view_value(), arrow::utf8_view());
    case pb::ScalarValue::kBinaryValue:
      return Bytes<arrow::BinaryScalar>(v.binary_value());
    case pb::ScalarValue::kLargeBinaryValue:
      return Bytes<arrow::LargeBinaryScalar>(v.large_binary_value());
    case pb::ScalarValue::kBinaryViewValue:
      return Bytes<arrow::BinaryViewScalar>(v.binary_view_value());
    case pb::ScalarValue::kFixedSizeBinaryValue:
      return FixedBinary(v.fixed_size_binary_value());
    case pb::ScalarValue::kDecimal32Value:
      return Decimal<arrow::Decimal32Type, arrow::Decimal32Scalar, arrow::Decimal32>(
          v.decimal32_value());
    case pb::ScalarValue::kDecimal64Value:
      return Decimal<arrow::Decimal64Type, arrow::Decimal64Scalar, arrow::Decimal64>(
          v.decimal64_value());
    case pb::ScalarValue::kDecimal128Value:
      return Decimal<arrow::Decimal128Type, arrow::Decimal128Scalar, arrow::Decimal128>(
          v.decimal128_value());
    case pb::ScalarValue::kDecimal256Value:
      return Decimal<arrow::Decimal256Type, arrow::Decimal256Scalar, arrow::Decimal256>(
          v.decimal256_value());
    case pb::ScalarValue::kTimestampValue:
      return Timestamp(v.timestamp_value());
    case pb::ScalarValue::kTime32Value:
    case pb::ScalarValue::kTime64Value:
      return Time(v);
    case pb::ScalarValue::kDictionaryValue:
      return DictionaryValue(v.dictionary_value());
    case pb::ScalarValue::kListValue:
      return Nested(v.list_value());
    case pb::ScalarValue::kLargeListValue:
      return Nested(v.large_list_value());
    case pb::ScalarValue::kFixedSizeListValue:
      return Nested(v.fixed_size_list_value());
    case pb::ScalarValue::kListViewValue:
      return Nested(v.list_view_value());
    case pb::ScalarValue::kLargeListViewValue:
      return Nested(v.large_list_view_value());
    case pb::ScalarValue::kStructValue:
      return Nested(v.struct_value());
    case pb::ScalarValue::kMapValue:
      return Nested(v.map_value());
    default:
      return ToSimpleLiteral(v);
  }
}

std::string ToLiteralText(const LiteralValue& literal) {
  const arrow::Scalar& value = *literal.value;
  if (!value.is_valid) return "NULL";
  switch (value.type->id()) {
    case arrow::Type::STRING:
      return QuotedSqlText(value.ToString());
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      return "X" +
             QuotedSqlText(HexText(static_cast<const arrow::BaseBinaryScalar&>(value).view()));
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return "DATE " + QuotedSqlText(value.ToString());
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
      return "TIME " + QuotedSqlText(value.ToString());
    case arrow::Type::TIMESTAMP:
      return "TIMESTAMP " + QuotedSqlText(value.ToString());
    case arrow::Type::DOUBLE:
      return fmt::format("{}", static_cast<const arrow::DoubleScalar&>(value).value);
    case arrow::Type::INTERVAL_MONTHS:
      return fmt::format("INTERVAL '{} months'",
                         static_cast<const arrow::MonthIntervalScalar&>(value).value);
    case arrow::Type::INTERVAL_DAY_TIME: {
      const auto& interval = static_cast<const arrow::DayTimeIntervalScalar&>(value).value;
      return fmt::format("INTERVAL '{} days {} ms'", interval.days, interval.milliseconds);
    }
    case arrow::Type::INTERVAL_MONTH_DAY_NANO: {
      const auto& interval = static_cast<const arrow::MonthDayNanoIntervalScalar&>(value).value;
      return fmt::format("INTERVAL '{} months {} days {} ns'", interval.months, interval.days,
                         interval.nanoseconds);
    }
    default:
      return value.ToString();
  }
}

}  // namespace weir::internal

namespace weir {

Expression MakeLiteral(std::shared_ptr<arrow::Scalar> value) {
  Expression e;
  e.kind = ExpressionKind::kLiteral;
  e.type = value->type;
  if (value->type->id() == arrow::Type::DICTIONARY && value->is_valid) {
    const auto& encoded = static_cast<const arrow::DictionaryScalar&>(*value);
    auto decoded = encoded.GetEncodedValue();
    if (decoded.ok()) value = *std::move(decoded);
  }
  const bool is_text = value->type->id() == arrow::Type::LARGE_STRING ||
                       value->type->id() == arrow::Type::STRING_VIEW;
  if (is_text && value->is_valid) {
    value = std::make_shared<arrow::StringScalar>(
        std::string(static_cast<const arrow::BaseBinaryScalar&>(*value).view()));
  }
  e.text = internal::ToLiteralText({.value = value, .type = e.type});
  e.literal = std::move(value);
  return e;
}

}  // namespace weir
