// SPDX-License-Identifier: Apache-2.0
//
// Names, types and literals of random plans.

#include <arrow/builder.h>

#include "weir/plan/plan_generator.h"
#include "weir/plan/proto_values.h"

namespace weir::testing_plans {

namespace {

/// Makes an array of one value out of Arrow's text form of it.
template <typename Builder>
std::shared_ptr<arrow::Scalar> First(Builder& builder) {
  return *(*builder.Finish())->GetScalar(0);
}

}  // namespace

std::string PlanGenerator::Name() {
  static constexpr const char* kNames[] = {"a", "b",   "Odd Name", "x.y",
                                           "",  "Ünï", "quote\"d", "count(*)"};
  return kNames[Pick(std::size(kNames))];
}

std::vector<std::string> PlanGenerator::Parts() {
  std::vector<std::string> parts;
  for (size_t count = 1 + Pick(3); count > 0; --count) parts.push_back("t" + Name());
  return parts;
}

std::map<std::string, std::string> PlanGenerator::Metadata() {
  std::map<std::string, std::string> metadata;
  for (size_t count = Pick(6) < 4 ? 0 : 1 + Pick(3); count > 0; --count) metadata[Name()] = Name();
  return metadata;
}

std::optional<bool> PlanGenerator::MaybeBool() {
  if (Coin()) return std::nullopt;
  return Coin();
}

ColumnName PlanGenerator::Column() {
  ColumnName column{.name = Name()};
  if (Coin()) column.relation = Name();
  return column;
}

int64_t PlanGenerator::Number() {
  static constexpr int64_t kEdges[] = {0,         1,         -1,        127,      -128,
                                       INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
  return Coin() ? kEdges[Pick(std::size(kEdges))] : static_cast<int64_t>(random_());
}

std::shared_ptr<arrow::DataType> PlanGenerator::SimpleType() {
  using namespace arrow;  // NOLINT(google-build-using-namespace)
  const std::shared_ptr<DataType> types[] = {null(),
                                             boolean(),
                                             int8(),
                                             int16(),
                                             int32(),
                                             int64(),
                                             uint8(),
                                             uint16(),
                                             uint32(),
                                             uint64(),
                                             float32(),
                                             float64(),
                                             utf8(),
                                             large_utf8(),
                                             utf8_view(),
                                             binary(),
                                             large_binary(),
                                             binary_view(),
                                             fixed_size_binary(3),
                                             date32(),
                                             date64(),
                                             time32(TimeUnit::SECOND),
                                             time32(TimeUnit::MILLI),
                                             time64(TimeUnit::MICRO),
                                             time64(TimeUnit::NANO),
                                             timestamp(TimeUnit::SECOND),
                                             timestamp(TimeUnit::MILLI, "UTC"),
                                             timestamp(TimeUnit::MICRO),
                                             timestamp(TimeUnit::NANO, "+02:00"),
                                             duration(TimeUnit::SECOND),
                                             duration(TimeUnit::MILLI),
                                             duration(TimeUnit::MICRO),
                                             duration(TimeUnit::NANO),
                                             month_interval(),
                                             day_time_interval(),
                                             month_day_nano_interval(),
                                             decimal32(7, 2),
                                             decimal64(15, -2),
                                             decimal128(38, 10),
                                             decimal256(76, 5)};
  return types[Pick(std::size(types))];
}

std::shared_ptr<arrow::Field> PlanGenerator::Field(int depth) {
  const auto metadata = Metadata();
  return arrow::field(Name(), Type(depth), Coin(),
                      metadata.empty() ? nullptr
                                       : std::make_shared<arrow::KeyValueMetadata>(
                                             std::unordered_map<std::string, std::string>(
                                                 metadata.begin(), metadata.end())));
}

std::shared_ptr<arrow::DataType> PlanGenerator::Type(int depth) {
  if (depth <= 0 || Coin()) return Pick(20) == 0 ? arrow::float16() : SimpleType();
  switch (Pick(11)) {
    case 0:
      return arrow::list(Field(depth - 1));
    case 1:
      return arrow::large_list(Field(depth - 1));
    case 2:
      return arrow::fixed_size_list(Field(depth - 1), static_cast<int32_t>(Pick(4)));
    case 3:
      return arrow::list_view(Field(depth - 1));
    case 4:
      return arrow::large_list_view(Field(depth - 1));
    case 5:
      return arrow::dictionary(arrow::int32(), SimpleType());
    case 6:
      return *arrow::MapType::Make(
          arrow::field("entries",
                       arrow::struct_({arrow::field("key", SimpleType(), false), Field(depth - 1)}),
                       false),
          Coin());
    case 7:
      return arrow::sparse_union({Field(depth - 1), Field(depth - 1)}, {3, 7});
    case 8:
      return arrow::dense_union({Field(depth - 1), Field(depth - 1)});
    case 9:
      return arrow::run_end_encoded(arrow::int32(), SimpleType());
    default:
      return arrow::struct_({Field(depth - 1), Field(depth - 1)});
  }
}

std::shared_ptr<arrow::Schema> PlanGenerator::Schema() {
  arrow::FieldVector fields;
  for (size_t count = 1 + Pick(3); count > 0; --count) fields.push_back(Field(2));
  return arrow::schema(std::move(fields));
}

/// As the decoder makes it: any text is a StringScalar.
std::shared_ptr<arrow::Scalar> PlanGenerator::SimpleScalar(
    const std::shared_ptr<arrow::DataType>& type) {
  const int64_t n = Number();
  switch (type->id()) {
    case arrow::Type::NA:
      return arrow::MakeNullScalar(type);
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return std::make_shared<arrow::StringScalar>(Name());
    case arrow::Type::BINARY:
      return std::make_shared<arrow::BinaryScalar>(Name());
    case arrow::Type::LARGE_BINARY:
      return std::make_shared<arrow::LargeBinaryScalar>(Name());
    case arrow::Type::BINARY_VIEW:
      return std::make_shared<arrow::BinaryViewScalar>(Name());
    case arrow::Type::FIXED_SIZE_BINARY:
      return std::make_shared<arrow::FixedSizeBinaryScalar>(
          arrow::Buffer::FromString(std::string("\0x\xff", 3)), type);
    case arrow::Type::FLOAT: {
      static constexpr float kFloats[] = {0.0F, 1.5F, -3.25e30F};
      return std::make_shared<arrow::FloatScalar>(Coin() ? std::nanf("") : kFloats[Pick(3)]);
    }
    case arrow::Type::DOUBLE: {
      const double doubles[] = {0.0, -0.0, 1e300, std::nan(""), HUGE_VAL, -HUGE_VAL};
      return std::make_shared<arrow::DoubleScalar>(doubles[Pick(6)]);
    }
    case arrow::Type::DECIMAL32:
      return std::make_shared<arrow::Decimal32Scalar>(
          arrow::Decimal32(static_cast<int32_t>(n % 10'000'000)), type);
    case arrow::Type::DECIMAL64:
      return std::make_shared<arrow::Decimal64Scalar>(arrow::Decimal64(n % 1'000'000'000), type);
    case arrow::Type::DECIMAL128:
      return std::make_shared<arrow::Decimal128Scalar>(arrow::Decimal128(n, random_()), type);
    case arrow::Type::DECIMAL256:
      return std::make_shared<arrow::Decimal256Scalar>(arrow::Decimal256(n), type);
    case arrow::Type::BOOL:
      return std::make_shared<arrow::BooleanScalar>(Coin());
    case arrow::Type::INTERVAL_DAY_TIME:
      return std::make_shared<arrow::DayTimeIntervalScalar>(
          arrow::DayTimeIntervalType::DayMilliseconds{static_cast<int32_t>(n), -7});
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return std::make_shared<arrow::MonthDayNanoIntervalScalar>(
          arrow::MonthDayNanoIntervalType::MonthDayNanos{-1, static_cast<int32_t>(n), n});
    case arrow::Type::INT8:
      return std::make_shared<arrow::Int8Scalar>(static_cast<int8_t>(n));
    case arrow::Type::INT16:
      return std::make_shared<arrow::Int16Scalar>(static_cast<int16_t>(n));
    case arrow::Type::UINT8:
      return std::make_shared<arrow::UInt8Scalar>(static_cast<uint8_t>(n));
    case arrow::Type::UINT16:
      return std::make_shared<arrow::UInt16Scalar>(static_cast<uint16_t>(n));
    case arrow::Type::UINT32:
      return std::make_shared<arrow::UInt32Scalar>(static_cast<uint32_t>(n));
    case arrow::Type::UINT64:
      return std::make_shared<arrow::UInt64Scalar>(static_cast<uint64_t>(n));
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
    case arrow::Type::TIME32:
    case arrow::Type::INTERVAL_MONTHS:
      return *arrow::MakeScalar(type, static_cast<int32_t>(n));
    default:
      return *arrow::MakeScalar(type, n);
  }
}

std::shared_ptr<arrow::Scalar> PlanGenerator::NestedScalar() {
  arrow::MemoryPool* pool = arrow::default_memory_pool();
  const auto numbers = std::make_shared<arrow::Int64Builder>();
  const auto texts = std::make_shared<arrow::StringBuilder>();
  const bool is_null = Pick(4) == 0;
  const auto fill = [&](auto& builder) {
    (void)(is_null ? builder.AppendNull() : builder.Append());
    if (is_null) return First(builder);
    for (size_t count = Pick(4); count > 0; --count)
      (void)(Coin() ? numbers->Append(Number()) : numbers->AppendNull());
    return First(builder);
  };
  switch (Pick(5)) {
    case 0: {
      arrow::ListBuilder builder(pool, numbers);
      return fill(builder);
    }
    case 1: {
      arrow::LargeListBuilder builder(pool, numbers);
      return fill(builder);
    }
    case 2: {
      arrow::FixedSizeListBuilder builder(pool, numbers, 2);
      (void)builder.Append();
      (void)numbers->Append(Number());
      (void)numbers->AppendNull();
      return First(builder);
    }
    case 3: {
      arrow::MapBuilder builder(pool, texts, numbers);
      (void)builder.Append();
      for (size_t count = Pick(3); count > 0; --count) {
        (void)texts->Append(Name());
        (void)numbers->Append(Number());
      }
      return First(builder);
    }
    default: {
      arrow::StructBuilder builder(
          arrow::struct_({arrow::field("n", arrow::int64()), arrow::field("t", arrow::utf8())}),
          pool, {numbers, texts});
      (void)builder.Append();
      (void)(Coin() ? numbers->Append(Number()) : numbers->AppendNull());
      (void)texts->Append(Name());
      return First(builder);
    }
  }
}

Expression PlanGenerator::Literal() {
  Expression e{.kind = ExpressionKind::kLiteral};
  if (Pick(5) == 0) {
    e.literal = NestedScalar();
    e.type = e.literal->type;
  } else {
    e.type = SimpleType();
    const bool is_text = arrow::is_string(e.type->id()) || e.type->id() == arrow::Type::STRING_VIEW;
    e.literal = Pick(6) == 0 ? arrow::MakeNullScalar(e.type) : SimpleScalar(e.type);
    if (is_text && Pick(4) == 0) e.type = arrow::dictionary(arrow::uint16(), e.type);
  }
  e.text = internal::ToLiteralText({e.literal, e.type});
  return e;
}

}  // namespace weir::testing_plans
