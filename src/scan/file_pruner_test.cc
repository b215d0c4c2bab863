// SPDX-License-Identifier: Apache-2.0

#include "weir/scan/file_pruner.h"

#include <cmath>

#include <arrow/api.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "weir/scan/expression_testing.h"

namespace weir {
namespace {

using namespace testing_expressions;
using Kind = ExpressionKind;

constexpr const char* kKept = "";

/// One rule: `predicate` over `file` prunes it for `reason`, or keeps it.
struct Rule {
  std::string name;
  Expression predicate;
  DataFile file;
  std::string reason;
};

void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }

std::shared_ptr<arrow::Schema> TestSchema() {
  return arrow::schema(
      {arrow::field("i", arrow::int32()), arrow::field("l", arrow::int64()),
       arrow::field("u", arrow::uint32()), arrow::field("d", arrow::float64()),
       arrow::field("f", arrow::float32()), arrow::field("s", arrow::utf8()),
       arrow::field("b", arrow::boolean()), arrow::field("day", arrow::date32()),
       arrow::field("at", arrow::timestamp(arrow::TimeUnit::MICRO)),
       arrow::field("money", arrow::decimal128(9, 2)),
       arrow::field("items", arrow::list(arrow::int32())),
       arrow::field("long_money", arrow::decimal128(38, 2)),
       arrow::field("place", arrow::struct_({arrow::field("city", arrow::utf8()),
                                             arrow::field("floor", arrow::int32()),
                                             arrow::field("open", arrow::boolean())})),
       arrow::field("tiny", arrow::int8())});
}

DataFile WithStatistics(std::string statistics) {
  return {.path = "a.parquet", .size_bytes = 1, .rows = 10, .statistics = std::move(statistics)};
}

/// `low` and `high` are JSON.
DataFile Range(const std::string& column, const std::string& low, const std::string& high,
               int nulls = 0) {
  return WithStatistics(fmt::format(
      R"({{"numRecords":10,"minValues":{{"{0}":{1}}},"maxValues":{{"{0}":{2}}},"nullCount":{{"{0}":{3}}}}})",
      column, low, high, nulls));
}

DataFile Nulls(const std::string& column, int nulls) {
  return WithStatistics(fmt::format(
      R"({{"numRecords":10,"minValues":{{}},"maxValues":{{}},"nullCount":{{"{}":{}}}}})", column,
      nulls));
}

DataFile Partition(const std::string& column, std::optional<std::string> value) {
  return {.path = "a.parquet",
          .size_bytes = 1,
          .rows = 10,
          .partition_values = {{column, std::move(value)}}};
}

class FilePrunerRules : public testing::TestWithParam<Rule> {};

TEST_P(FilePrunerRules, Holds) {
  const Rule& rule = GetParam();
  const std::vector<Expression> filters = {rule.predicate};
  EXPECT_EQ(FilePruner(TestSchema(), filters).ReasonToPrune(rule.file).value_or(kKept), rule.reason)
      << ToText(rule.predicate);
}

std::string NameOf(const testing::TestParamInfo<Rule>& info) { return info.param.name; }

constexpr int64_t kNoon = 43'200'000'000;  // of 1970-01-01, in microseconds

std::vector<Rule> ComparisonRules() {
  const DataFile five_to_seven = Range("i", "5", "7");
  return {
      {"EqualBelowMinimum", Binary("=", {Column("i"), Int(3)}), five_to_seven,
       "`i = 3`: i is 5 to 7"},
      {"EqualAboveMaximum", Binary("=", {Column("i"), Int(8)}), five_to_seven,
       "`i = 8`: i is 5 to 7"},
      {"EqualWithin", Binary("=", {Column("i"), Int(6)}), five_to_seven, kKept},
      {"EqualAtBound", Binary("=", {Column("i"), Int(7)}), five_to_seven, kKept},
      {"LessAtMinimum", Binary("<", {Column("i"), Int(5)}), five_to_seven, "`i < 5`: i is 5 to 7"},
      {"LessOrEqualAtMinimum", Binary("<=", {Column("i"), Int(5)}), five_to_seven, kKept},
      {"LessOrEqualBelowMinimum", Binary("<=", {Column("i"), Int(4)}), five_to_seven,
       "`i <= 4`: i is 5 to 7"},
      {"GreaterAtMaximum", Binary(">", {Column("i"), Int(7)}), five_to_seven,
       "`i > 7`: i is 5 to 7"},
      {"GreaterOrEqualAtMaximum", Binary(">=", {Column("i"), Int(7)}), five_to_seven, kKept},
      {"LiteralOnTheLeft", Binary("<", {Int(7), Column("i")}), five_to_seven,
       "`7 < i`: i is 5 to 7"},
      {"LiteralOnTheLeftMayMatch", Binary("<", {Int(6), Column("i")}), five_to_seven, kKept},
      {"NotEqualOfConstant", Binary("<>", {Column("i"), Int(5)}), Range("i", "5", "5"),
       "`i <> 5`: i is 5"},
      {"NotEqualOfRange", Binary("<>", {Column("i"), Int(5)}), five_to_seven, kKept},
      {"ComparisonWithNull", Binary("=", {Column("i"), Null(arrow::int32())}), five_to_seven,
       "`i = NULL`: i is 5 to 7"},
      {"ComparisonOfAllNull", Binary("=", {Column("i"), Int(5)}), Nulls("i", 10),
       "`i = 5`: i is NULL in every row"},
      {"OneBoundIsEnough", Binary(">", {Column("i"), Int(9)}),
       WithStatistics(R"({"numRecords":1,"maxValues":{"i":7}})"), "`i > 9`: i is at most 7"},
      {"TheOtherBoundIsUnknown", Binary("<", {Column("i"), Int(0)}),
       WithStatistics(R"({"numRecords":1,"maxValues":{"i":7}})"), kKept},
      {"TwoColumns", Binary("=", {Column("i"), Column("l")}), five_to_seven, kKept},
      {"UnknownFunction", Binary("=", {Make(Kind::kScalarFunction, {Column("i")}), Int(3)}),
       five_to_seven, kKept},
      {"UnknownOperator", Binary("~", {Column("i"), Int(3)}), five_to_seven, kKept},
      {"DistinctFromAnotherValue", Binary("IS DISTINCT FROM", {Column("i"), Int(3)}), five_to_seven,
       kKept},
      {"DistinctFromTheOnlyValue", Binary("IS DISTINCT FROM", {Column("i"), Int(5)}),
       Range("i", "5", "5"), "`i IS DISTINCT FROM 5`: i is 5"},
      {"DistinctFromTheOnlyValueButForNulls", Binary("IS DISTINCT FROM", {Column("i"), Int(5)}),
       Range("i", "5", "5", 1), kKept},
      {"NotDistinctFromAValueOutside", Binary("IS NOT DISTINCT FROM", {Int(8), Column("i")}),
       five_to_seven, "`8 IS NOT DISTINCT FROM i`: i is 5 to 7"},
      {"NotDistinctFromNullWithoutNulls",
       Binary("IS NOT DISTINCT FROM", {Column("i"), Null(arrow::int32())}), five_to_seven,
       "`i IS NOT DISTINCT FROM NULL`: i is 5 to 7"},
      {"UnknownColumn", Binary("=", {Column("missing"), Int(3)}), five_to_seven, kKept},
      {"LiteralOfAnotherType", Binary("=", {Column("i"), Date(3)}), five_to_seven, kKept},
      {"UnsignedColumn",
       Binary(">", {Column("u"), Literal(std::make_shared<arrow::UInt32Scalar>(4'000'000'000U))}),
       Range("u", "1", "3999999999"), "`u > 4000000000`: u is 1 to 3999999999"},
  };
}

Expression Money(int64_t cents, int precision = 9, int scale = 2) {
  return Literal(std::make_shared<arrow::Decimal128Scalar>(arrow::Decimal128(cents),
                                                           arrow::decimal128(precision, scale)));
}

std::vector<Rule> DecimalRules() {
  const DataFile file = Range("money", "5.00", "7.5");
  return {
      {"DecimalBelow", Binary("=", {Column("money"), Money(100)}), file,
       "`money = 1.00`: money is 5 to 7.5"},
      {"DecimalAtTheMaximum", Binary(">=", {Column("money"), Money(750)}), file, kKept},
      {"DecimalAboveTheMaximum", Binary(">", {Column("money"), Money(750)}), file,
       "`money > 7.50`: money is 5 to 7.5"},
      {"DecimalsOfOtherScalesCompareByValue", Binary("<", {Column("money"), Money(50, 9, 1)}), file,
       "`money < 5.0`: money is 5 to 7.5"},
      {"DecimalCastToAWiderOne",
       Binary("<", {Cast(Column("money"), arrow::decimal128(20, 4)), Money(49'999, 20, 4)}), file,
       "`CAST(money AS decimal128(20, 4)) < 4.9999`: money is 5 to 7.5"},
      {"DecimalCastThatRounds",
       Binary(">", {Cast(Column("money"), arrow::decimal128(9, 0)), Money(7, 9, 0)}), file, kKept},
      {"LongDecimalsMayBeRoundedInTheLog",
       Binary(">", {Column("long_money"), Money(12'345'678'901'234'567, 38, 2)}),
       Range("long_money", "1.0", "123456789012345.67"), kKept},
      {"LongDecimalsPruneBeyondTheRounding",
       Binary(">", {Column("long_money"), Money(12'345'678'901'234'600, 38, 2)}),
       Range("long_money", "1.0", "123456789012345.67"),
       "`long_money > 123456789012346.00`: long_money is "
       "0.99999999999999911182158029987476766109 to "
       "123456789012345.77965165576623696175317945744609460235"},
      {"IntegerCastToADecimal",
       Binary(">", {Cast(Column("i"), arrow::decimal128(12, 1)), Money(71, 12, 1)}),
       Range("i", "5", "7"), "`CAST(i AS decimal128(12, 1)) > 7.1`: i is 5 to 7"},
      {"DecimalStatisticAsText", Binary("=", {Column("money"), Money(100)}),
       Range("money", R"("5.00")", R"("7.5")"), "`money = 1.00`: money is 5 to 7.5"},
  };
}

Expression Field(const std::string& name) {
  Expression e = Make(Kind::kScalarFunction, {Column("place"), Text(name)});
  e.name = "get_field";
  return e;
}

std::vector<Rule> NestedRules() {
  const DataFile file = WithStatistics(
      R"({"numRecords":10,"minValues":{"place":{"city":"berlin","floor":5,"open":false}},)"
      R"("maxValues":{"place":{"city":"oslo","floor":7,"open":false}},)"
      R"("nullCount":{"place":{"city":0,"floor":3,"open":0}}})");
  return {
      {"FieldOutside", Binary("=", {Field("floor"), Int(8)}), file,
       "`get_field(place, 'floor') = 8`: place.floor is 5 to 7"},
      {"FieldInside", Binary("=", {Field("floor"), Int(6)}), file, kKept},
      {"FieldIsNullWithoutNulls", Make(Kind::kIsNull, {Field("city")}), file,
       "`get_field(place, 'city') IS NULL`: place.city is 'berlin' to 'oslo'"},
      {"FieldIsNullWithNulls", Make(Kind::kIsNull, {Field("floor")}), file, kKept},
      {"FieldLike", Make(Kind::kLike, {Field("city"), Text("par%")}), file,
       "`get_field(place, 'city') LIKE 'par%'`: place.city is 'berlin' to 'oslo'"},
      {"FieldAsAFlag", Field("open"), file, "`get_field(place, 'open')`: place.open is false"},
      {"FieldThatIsMissing", Binary("=", {Field("street"), Int(8)}), file, kKept},
      {"StructsThemselvesAreKept", Make(Kind::kIsNull, {Column("place")}), file, kKept},
  };
}

std::vector<Rule> LogicRules() {
  const DataFile file = WithStatistics(
      R"({"numRecords":10,"minValues":{"i":5,"l":50},"maxValues":{"i":7,"l":70},"nullCount":{"i":0,"l":2}})");
  const Expression impossible = Binary("=", {Column("i"), Int(3)}),
                   possible = Binary("=", {Column("i"), Int(6)});
  const Expression certain = Binary("<", {Column("i"), Int(9)}),
                   nearly = Binary("<", {Column("l"), Long(90)});
  return {
      {"AndWithOneImpossible", And({possible, impossible}), file,
       "`(i = 6) AND (i = 3)`: i is 5 to 7"},
      {"AndNamesAllColumns", And({nearly, impossible}), file,
       "`(l < 90) AND (i = 3)`: i is 5 to 7, l is 50 to 70"},
      {"AndOfPossible", And({possible, possible}), file, kKept},
      {"OrWithOnePossible", Or({impossible, possible}), file, kKept},
      {"OrOfImpossible", Or({impossible, Binary(">", {Column("i"), Int(8)}), impossible}), file,
       "`(i = 3) OR (i > 8) OR (i = 3)`: i is 5 to 7"},
      {"NotOfCertain", Not(certain), file, "`NOT (i < 9)`: i is 5 to 7"},
      {"NotOfPossible", Not(possible), file, kKept},
      {"NotOfImpossible", Not(impossible), file, kKept},
      {"IsTrueOfImpossible", Make(Kind::kIsTrue, {impossible}), file,
       "`(i = 3) IS TRUE`: i is 5 to 7"},
      {"IsNotTrueOfCertain", Make(Kind::kIsNotTrue, {certain}), file,
       "`(i < 9) IS NOT TRUE`: i is 5 to 7"},
      {"IsNotTrueWhereNullsMayBe", Make(Kind::kIsNotTrue, {nearly}), file, kKept},
      {"IsFalseOfCertain", Make(Kind::kIsFalse, {certain}), file,
       "`(i < 9) IS FALSE`: i is 5 to 7"},
      {"IsNotFalseOfImpossible", Make(Kind::kIsNotFalse, {impossible}), file,
       "`(i = 3) IS NOT FALSE`: i is 5 to 7"},
      {"IsUnknownWithoutNulls", Make(Kind::kIsUnknown, {possible}), file,
       "`(i = 6) IS UNKNOWN`: i is 5 to 7"},
      {"IsUnknownWithNulls", Make(Kind::kIsUnknown, {nearly}), file, kKept},
      {"IsNotUnknownOfAllNull", Make(Kind::kIsNotUnknown, {impossible}), Nulls("i", 10),
       "`(i = 3) IS NOT UNKNOWN`: i is NULL in every row"},
      {"FalseLiteral", Bool(false), file, "`false`: never true"},
      {"NullLiteral", Null(arrow::boolean()), file, "`NULL`: never true"},
      {"TrueLiteral", Bool(true), file, kKept},
  };
}

std::vector<Rule> SetRules() {
  const DataFile file = Range("i", "5", "7", 1);
  const Expression i = Column("i");
  return {
      {"BetweenOutside", Make(Kind::kBetween, {i, Int(8), Int(9)}), file,
       "`i BETWEEN 8 AND 9`: i is 5 to 7"},
      {"BetweenOverlapping", Make(Kind::kBetween, {i, Int(7), Int(9)}), file, kKept},
      {"NotBetweenAll", Negated(Make(Kind::kBetween, {i, Int(5), Int(7)})), file,
       "`i NOT BETWEEN 5 AND 7`: i is 5 to 7"},
      {"NotBetweenSome", Negated(Make(Kind::kBetween, {i, Int(6), Int(7)})), file, kKept},
      {"InListOutside", Make(Kind::kInList, {i, Int(1), Int(9)}), file,
       "`i IN (1, 9)`: i is 5 to 7"},
      {"InListInside", Make(Kind::kInList, {i, Int(1), Int(6)}), file, kKept},
      {"InListWithNull", Make(Kind::kInList, {i, Int(1), Null(arrow::int32())}), file,
       "`i IN (1, NULL)`: i is 5 to 7"},
      {"NotInListWithNull", Negated(Make(Kind::kInList, {i, Int(1), Null(arrow::int32())})), file,
       "`i NOT IN (1, NULL)`: i is 5 to 7"},
      {"NotInListOfConstant", Negated(Make(Kind::kInList, {i, Int(1), Int(5)})),
       Range("i", "5", "5"), "`i NOT IN (1, 5)`: i is 5"},
      {"IsNullWithoutNulls", Make(Kind::kIsNull, {i}), Nulls("i", 0),
       "`i IS NULL`: i is never NULL"},
      {"IsNullWithNulls", Make(Kind::kIsNull, {i}), file, kKept},
      {"IsNullUnknown", Make(Kind::kIsNull, {i}), WithStatistics(R"({"numRecords":10})"), kKept},
      {"IsNotNullOfAllNull", Make(Kind::kIsNotNull, {i}), Nulls("i", 10),
       "`i IS NOT NULL`: i is NULL in every row"},
      {"IsNotNullOfSome", Make(Kind::kIsNotNull, {i}), Nulls("i", 9), kKept},
      {"NullCountsOfListsMayBeThoseOfElements", Make(Kind::kIsNotNull, {Column("items")}),
       Nulls("items", 10), kKept},
  };
}

Expression StartsWith(const std::string& column, const std::string& prefix) {
  Expression e = Make(Kind::kScalarFunction, {Column(column), Text(prefix)});
  e.name = "starts_with";
  return e;
}

std::vector<Rule> TextRules() {
  const DataFile file = Range("s", R"("berlin")", R"("oslo")");
  const std::string long_text(32, 'k');
  const auto like = [](const std::string& pattern) {
    return Make(Kind::kLike, {Column("s"), Text(pattern)});
  };
  return {
      {"TextOutside", Binary("=", {Column("s"), Text("paris")}), file,
       "`s = 'paris'`: s is 'berlin' to 'oslo'"},
      {"TextInside", Binary("=", {Column("s"), Text("london")}), file, kKept},
      {"TextsCompareByBytes", Binary("=", {Column("s"), Text("\xC3\xA5lesund")}), file,
       "`s = '\xC3\xA5lesund'`: s is 'berlin' to 'oslo'"},
      {"LikePrefixAfter", like("pa%"), file, "`s LIKE 'pa%'`: s is 'berlin' to 'oslo'"},
      {"LikePrefixBefore", like("amster%"), file, "`s LIKE 'amster%'`: s is 'berlin' to 'oslo'"},
      {"LikePrefixOfABound", like("os%"), file, kKept},
      {"LikePrefixOfTheMinimum", like("ber_in"), file, kKept},
      {"LikeWithoutPrefix", like("%x"), file, kKept},
      {"LikePrefixGoesThroughAnEscape", like("oslo\\_%"), file,
       "`s LIKE 'oslo\\_%'`: s is 'berlin' to 'oslo'"},
      {"LikePrefixWithAnEscapeInside", like("o\\s%"), file, kKept},
      {"NotLike", Negated(like("pa%")), file, kKept},
      {"NotLikeOfACommonPrefix", Negated(like("os%")), Range("s", R"("osaka")", R"("oslo")"),
       "`s NOT LIKE 'os%'`: s is 'osaka' to 'oslo'"},
      {"NotLikeOfALongerPattern", Negated(like("os%a")), Range("s", R"("osaka")", R"("oslo")"),
       kKept},
      {"LikeWithoutAWildcardIsAnEquality", like("oslo!"), file,
       "`s LIKE 'oslo!'`: s is 'berlin' to 'oslo'"},
      {"NotLikeOfTheOnlyValue", Negated(like("oslo")), Range("s", R"("oslo")", R"("oslo")"),
       "`s NOT LIKE 'oslo'`: s is 'oslo'"},
      {"LikeOfAnEscapedWildcard", like("p\\%%"), file, "`s LIKE 'p\\%%'`: s is 'berlin' to 'oslo'"},
      {"StartsWithAPrefixOutside", StartsWith("s", "pa"), file,
       "`starts_with(s, 'pa')`: s is 'berlin' to 'oslo'"},
      {"NotStartsWithACommonPrefix", Not(StartsWith("s", "os")),
       Range("s", R"("osaka")", R"("oslo")"), "`NOT starts_with(s, 'os')`: s is 'osaka' to 'oslo'"},
      {"EscapedStatistic", Binary("=", {Column("s"), Text("zoo")}),
       Range("s", R"("a\"b")", R"("caf\u00e9")"), "`s = 'zoo'`: s is 'a\"b' to 'caf\xC3\xA9'"},
      {"LikeWithoutRegardToCase", Make(Kind::kILike, {Column("s"), Text("PA%")}), file, kKept},
      {"LongMaximumMayBeCut", Binary(">", {Column("s"), Text(long_text + "z")}),
       Range("s", R"("a")", '"' + long_text + '"'), kKept},
      {"LongMinimumStaysALowerBound", Binary("<", {Column("s"), Text("kk")}),
       Range("s", '"' + long_text + '"', '"' + long_text + '"'),
       "`s < 'kk'`: s is '" + long_text + "' to '" + long_text + "…'"},
      {"LongMaximumEndsWhatSharesNotItsBeginning", Binary("=", {Column("s"), Text("kz")}),
       Range("s", R"("a")", '"' + long_text + '"'), "`s = 'kz'`: s is 'a' to '" + long_text + "…'"},
      {"CutBoundsAreNoConstant", Binary("<>", {Column("s"), Text(long_text)}),
       Range("s", '"' + long_text + '"', '"' + long_text + '"'), kKept},
  };
}

std::vector<Rule> FloatRules() {
  const DataFile file = Range("d", "5.0", "7.0");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  return {
      {"FloatEqualBelow", Binary("=", {Column("d"), Double(3)}), file, "`d = 3`: d is 5 to 7"},
      {"FloatEqualAbove", Binary("=", {Column("d"), Double(8)}), file, "`d = 8`: d is 5 to 7"},
      {"NanIsAboveAll", Binary(">", {Column("d"), Double(9)}), file, kKept},
      {"NegativeNanIsBelowAll", Binary("<", {Column("d"), Double(1)}), file, kKept},
      {"EqualToNan", Binary("=", {Column("d"), Double(nan)}), file, kKept},
      {"NanMakesNoConstant", Binary("<>", {Column("d"), Double(5)}), Range("d", "5.0", "5.0"),
       kKept},
      {"ZerosAreEqual", Binary("=", {Column("d"), Double(-0.0)}), Range("d", "0.0", "1.0"), kKept},
      {"FloatInList", Make(Kind::kInList, {Column("d"), Double(1), Double(2)}), file,
       "`d IN (1, 2)`: d is 5 to 7"},
      {"ShortFloatTextsAreRounded", Binary("=", {Column("f"), Float(0.7F)}),
       Range("f", "0.7", "0.9"), kKept},
      {"FloatColumnWithIntegerLiteral", Binary("=", {Column("d"), Int(3)}), file, kKept},
  };
}

std::vector<Rule> TimeRules() {
  const DataFile day = Range("day", R"("1970-01-05")", R"("1970-01-07")");
  const DataFile at = Range("at", R"("1970-01-01T12:00:00.000Z")", R"("1970-01-01T12:00:00.005Z")");
  return {
      {"DateOutside", Binary("=", {Column("day"), Date(1)}), day,
       "`day = 1970-01-02`: day is 1970-01-05 to 1970-01-07"},
      {"DateInside", Binary(">", {Column("day"), Date(5)}), day, kKept},
      {"TimestampBelow", Binary("<", {Column("at"), Timestamp(kNoon)}), at,
       "`at < 1970-01-01 12:00:00.000000`: at is 1970-01-01 12:00:00.000000 to 1970-01-01 "
       "12:00:00.005999"},
      {"TimestampMaximumIsCutToMilliseconds", Binary(">", {Column("at"), Timestamp(kNoon + 5'500)}),
       at, kKept},
      {"TimestampAfterTheCutMillisecond", Binary(">", {Column("at"), Timestamp(kNoon + 5'999)}), at,
       "`at > 1970-01-01 12:00:00.005999`: at is 1970-01-01 12:00:00.000000 to 1970-01-01 "
       "12:00:00.005999"},
      {"TimestampOfAnotherUnit",
       Binary(">", {Column("at"), Timestamp(43'201, arrow::TimeUnit::SECOND)}), at,
       "`at > 1970-01-01 12:00:01`: at is 1970-01-01 12:00:00.000000 to 1970-01-01 "
       "12:00:00.005999"},
      {"FractionOfAMicrosecond",
       Binary(">", {Column("at"), Timestamp(kNoon * 1000 + 9'000'001, arrow::TimeUnit::NANO)}), at,
       kKept},
      {"TimestampBeyondMicroseconds",
       Binary("<", {Column("at"), Timestamp(INT64_MIN, arrow::TimeUnit::SECOND)}), at, kKept},
      {"TimestampsAreNoConstants", Binary("<>", {Column("at"), Timestamp(kNoon)}),
       Range("at", R"("1970-01-01T12:00:00.000Z")", R"("1970-01-01T12:00:00.000Z")"), kKept},
      {"TimestampWithoutZone", Binary("=", {Column("at"), Timestamp(0)}),
       Range("at", R"("1970-01-01T12:00:00.000")", R"("1970-01-01T12:00:00.000")"),
       "`at = 1970-01-01 00:00:00.000000`: at is 1970-01-01 12:00:00.000000 to 1970-01-01 "
       "12:00:00.000999"},
      {"DamagedTimestamp", Binary("=", {Column("at"), Timestamp(0)}),
       Range("at", R"("noon")", R"("noon")"), kKept},
  };
}

std::vector<Rule> CastRules() {
  const DataFile file = Range("i", "5", "7"),
                 day = Range("day", R"("1970-01-05")", R"("1970-01-07")");
  const auto timestamp = arrow::timestamp(arrow::TimeUnit::NANO);
  return {
      {"CastToAWiderInteger", Binary(">", {Cast(Column("i"), arrow::int64()), Long(7)}), file,
       "`CAST(i AS int64) > 7`: i is 5 to 7"},
      {"CastToANarrowerInteger",
       Binary(">", {Cast(Column("i"), arrow::int16()),
                    Literal(std::make_shared<arrow::Int16Scalar>(7))}),
       file, "`CAST(i AS int16) > 7`: i is 5 to 7"},
      {"CastToANarrowerIntegerThatMayNotHoldAll",
       Binary(">", {Cast(Column("i"), arrow::int8()),
                    Literal(std::make_shared<arrow::Int8Scalar>(100))}),
       Range("i", "5", "200"), kKept},
      {"CastOfATimestampToItsDay", Binary("=", {Cast(Column("at"), arrow::date32()), Date(2)}),
       Range("at", R"("1970-01-01T12:00:00Z")", R"("1970-01-02T12:00:00Z")"),
       "`CAST(at AS date32[day]) = 1970-01-03`: at is 1970-01-01 12:00:00.000000 to 1970-01-02 "
       "12:00:00.000999"},
      {"CastOfATimestampToItsDayWithin",
       Binary("=", {Cast(Column("at"), arrow::date32()), Date(1)}),
       Range("at", R"("1970-01-01T12:00:00Z")", R"("1970-01-02T12:00:00Z")"), kKept},
      {"CastToFloat", Binary(">", {Cast(Column("i"), arrow::float64()), Double(7.5)}), file,
       "`CAST(i AS double) > 7.5`: i is 5 to 7"},
      {"CastToFloatWithin", Binary(">", {Cast(Column("i"), arrow::float64()), Double(6.5)}), file,
       kKept},
      {"CastToFloatOnTheRight", Binary(">", {Double(4.5), Cast(Column("i"), arrow::float64())}),
       file, "`4.5 > CAST(i AS double)`: i is 5 to 7"},
      {"CastComparedWithNan",
       Binary("<", {Cast(Column("i"), arrow::float64()), Double(std::nan(""))}), file, kKept},
      {"CastToText", Binary("=", {Cast(Column("i"), arrow::utf8()), Text("9")}), file, kKept},
      {"CastOfADateToATimestamp", Binary("<", {Cast(Column("day"), timestamp), Timestamp(kNoon)}),
       day,
       "`CAST(day AS timestamp[ns]) < 1970-01-01 12:00:00.000000`: day is 1970-01-05 to "
       "1970-01-07"},
      {"CastOfADateWithinTheDay",
       Binary(">=", {Cast(Column("day"), timestamp), Timestamp(6 * 2 * kNoon)}), day, kKept},
      {"CastOfADateAfterTheDay",
       Binary(">", {Cast(Column("day"), timestamp), Timestamp(6 * 2 * kNoon)}), day,
       "`CAST(day AS timestamp[ns]) > 1970-01-07 00:00:00.000000`: day is 1970-01-05 to "
       "1970-01-07"},
      {"CastOfADateBeyondNanoseconds",
       Binary("<", {Cast(Column("day"), timestamp), Timestamp(kNoon)}),
       Range("day", R"("2300-01-05")", R"("2300-01-07")"), kKept},
      {"TryCastToAWiderInteger",
       Binary(">", {Cast(Column("i"), arrow::int64(), Kind::kTryCast), Long(7)}), file,
       "`TRY_CAST(i AS int64) > 7`: i is 5 to 7"},
  };
}

std::vector<Rule> PartitionRules() {
  return {
      {"PartitionOfAnotherValue", Binary("=", {Column("i"), Int(3)}), Partition("i", "5"),
       "`i = 3`: i is 5"},
      {"PartitionOfTheValue", Binary("=", {Column("i"), Int(5)}), Partition("i", "5"), kKept},
      {"PartitionIsAConstant", Binary("<>", {Column("i"), Int(5)}), Partition("i", "5"),
       "`i <> 5`: i is 5"},
      {"NullPartition", Binary("=", {Column("i"), Int(5)}), Partition("i", std::nullopt),
       "`i = 5`: i is NULL in every row"},
      {"NullPartitionIsNotNull", Make(Kind::kIsNotNull, {Column("i")}),
       Partition("i", std::nullopt), "`i IS NOT NULL`: i is NULL in every row"},
      {"PartitionIsNull", Make(Kind::kIsNull, {Column("i")}), Partition("i", "5"),
       "`i IS NULL`: i is 5"},
      {"EmptyPartitionValueMayBeNull", Make(Kind::kIsNull, {Column("s")}), Partition("s", ""),
       kKept},
      {"UnreadablePartitionValueMayBeNull", Make(Kind::kIsNull, {Column("i")}),
       Partition("i", "five"), kKept},
      {"PartitionValueTooLargeForItsType", Make(Kind::kIsNull, {Column("tiny")}),
       Partition("tiny", "300"), kKept},
      {"DatePartition", Binary("<", {Column("day"), Date(0)}), Partition("day", "1970-01-02"),
       "`day < 1970-01-01`: day is 1970-01-02"},
      {"TimestampPartition", Binary("<", {Column("at"), Timestamp(0)}),
       Partition("at", "1970-01-01 12:00:00"),
       "`at < 1970-01-01 00:00:00.000000`: at is 1970-01-01 12:00:00.000000"},
      {"LongTextPartitionIsWhole", Binary(">", {Column("s"), Text(std::string(40, 'z'))}),
       Partition("s", std::string(40, 'k')),
       "`s > '" + std::string(40, 'z') + "'`: s is '" + std::string(40, 'k') + "'"},
      {"BooleanPartition", Column("b"), Partition("b", "false"), "`b`: b is false"},
      {"NegatedBooleanPartition", Not(Column("b")), Partition("b", "true"), "`NOT b`: b is true"},
      {"BooleanPartitionThatMatches", Column("b"), Partition("b", "true"), kKept},
      {"BooleanColumnWithoutStatistics", Column("b"), WithStatistics(""), kKept},
  };
}

std::vector<Rule> DamageRules() {
  const Expression predicate = Binary("=", {Column("i"), Int(3)});
  return {
      {"NoStatistics", predicate, WithStatistics(""), kKept},
      {"DamagedStatistics", predicate, WithStatistics(R"({"numRecords":10,"minVal)"), kKept},
      {"StatisticsOfAnotherShape", predicate, WithStatistics(R"([1,2])"), kKept},
      {"MinimumAboveMaximum", predicate, Range("i", "7", "5"), kKept},
      {"MoreNullsThanRows", predicate, Range("i", "5", "7", 11), kKept},
      {"NegativeNulls", predicate, Range("i", "5", "7", -1), kKept},
      {"AllNullButBounded", Make(Kind::kIsNotNull, {Column("i")}), Range("i", "5", "7", 10), kKept},
      {"BoundsOfAnotherType", predicate, Range("i", R"("five")", R"({"x":1})"), kKept},
      {"BoundBeyondItsType", Binary(">", {Column("l"), Long(5)}),
       Range("l", "-9223372036854775808", "18446744073709551615"), kKept},
      {"NullsOfAnEmptyFile", Make(Kind::kIsNotNull, {Column("i")}),
       WithStatistics(R"({"numRecords":0,"nullCount":{"i":0}})"), kKept},
  };
}

INSTANTIATE_TEST_SUITE_P(Comparison, FilePrunerRules, testing::ValuesIn(ComparisonRules()), NameOf);
INSTANTIATE_TEST_SUITE_P(Decimal, FilePrunerRules, testing::ValuesIn(DecimalRules()), NameOf);
INSTANTIATE_TEST_SUITE_P(Nested, FilePrunerRules, testing::ValuesIn(NestedRules()), NameOf);
INSTANTIATE_TEST_SUITE_P(Logic, FilePrunerRules, testing::ValuesIn(LogicRules()), NameOf);
INSTANTIATE_TEST_SUITE_P(Set, FilePrunerRules, testing::ValuesIn(SetRules()), NameOf);
INSTANTIATE_TEST_SUITE_P(Text, FilePrunerRules, testing::ValuesIn(TextRules()), NameOf);
INSTANTIATE_TEST_SUITE_P(Float, FilePrunerRules, testing::ValuesIn(FloatRules()), NameOf);
INSTANTIATE_TEST_SUITE_P(Time, FilePrunerRules, testing::ValuesIn(TimeRules()), NameOf);
INSTANTIATE_TEST_SUITE_P(Cast, FilePrunerRules, testing::ValuesIn(CastRules()), NameOf);
INSTANTIATE_TEST_SUITE_P(Partition, FilePrunerRules, testing::ValuesIn(PartitionRules()), NameOf);
INSTANTIATE_TEST_SUITE_P(Damage, FilePrunerRules, testing::ValuesIn(DamageRules()), NameOf);

TEST(FilePruner, NamesTheFirstFilterThatExcludesTheFile) {
  const std::vector<Expression> filters = {Binary(">", {Column("i"), Int(1)}),
                                           Binary("<", {Column("i"), Int(2)}), Bool(false)};
  EXPECT_EQ(FilePruner(TestSchema(), filters).ReasonToPrune(Range("i", "5", "7")),
            "`i < 2`: i is 5 to 7");
}

/// What a contradiction is reported as; the file is kept.
std::string Contradiction(const Expression& predicate, const DataFile& file) {
  const std::vector<Expression> filters = {predicate};
  const FilePruner pruner(TestSchema(), filters);
  FileListBuilder files(pruner.StatisticsPaths());
  files.Add(file);
  const FileVerdict verdict = pruner.Judge(*files.Finish(), 0);
  EXPECT_EQ(verdict.reason, std::nullopt);
  return verdict.contradiction;
}

TEST(FilePruner, SaysHowStatisticsContradictThemselves) {
  const Expression predicate = Binary("=", {Column("i"), Int(3)});
  EXPECT_EQ(Contradiction(predicate, Range("i", "7", "5")),
            "the minimum of `i` is 7, its maximum 5");
  EXPECT_EQ(Contradiction(predicate, Range("i", "5", "7", 11)),
            "`i` is NULL in 11 rows, and there are 10");
  EXPECT_EQ(Contradiction(predicate, Range("i", "5", "7", -1)), "its count of NULLs of `i` is -1");
  EXPECT_EQ(Contradiction(predicate, Range("i", "5", "7", 10)),
            "`i` is NULL in every row, and has a minimum or maximum");
  EXPECT_EQ(Contradiction(predicate, Range("i", R"("five")", "7")),
            "a bound of `i` is \"five\", and its type is int32");
  EXPECT_EQ(Contradiction(predicate, WithStatistics(R"({"numRecords":10,"minVal)")),
            "its statistics are no JSON object");
  EXPECT_EQ(Contradiction(predicate, WithStatistics("[1]")), "its statistics are no JSON object");
}

TEST(FilePruner, SaysNothingOfStatisticsThatItDoesNotNeed) {
  EXPECT_EQ(Contradiction(Binary("=", {Column("l"), Long(3)}), Range("i", "7", "5")), "");
  EXPECT_EQ(Contradiction(Binary("=", {Column("l"), Long(5)}), Range("l", "5", "7")), "");
  EXPECT_EQ(
      Contradiction(Binary("=", {Column("d"), Double(5)}), Range("d", R"("NaN")", R"("NaN")")), "");
}

TEST(FilePruner, ReadsStatisticsUnderPhysicalNames) {
  const auto physical = [](const char* name, const char* in_log,
                           const std::shared_ptr<arrow::DataType>& type) {
    return arrow::field(name, type, true,
                        arrow::key_value_metadata({"delta.columnMapping.physicalName"}, {in_log}));
  };
  const auto inner = physical("floor", "col-2", arrow::int32());
  const auto log_schema = arrow::schema({physical("i", "col-0", arrow::int32()),
                                         physical("place", "col-1", arrow::struct_({inner})),
                                         physical("s", "col-3", arrow::utf8())});
  DataFile file =
      WithStatistics(R"({"numRecords":10,"minValues":{"col-0":5,"i":0,"col-1":{"col-2":1}},)"
                     R"("maxValues":{"col-0":7,"i":9,"col-1":{"col-2":2}}})");
  file.partition_values = {{"col-3", "oslo"}};
  const auto reason = [&](const Expression& predicate) {
    const std::vector<Expression> filters = {predicate};
    return FilePruner(TestSchema(), filters, log_schema).ReasonToPrune(file).value_or(kKept);
  };
  EXPECT_EQ(reason(Binary("=", {Column("i"), Int(9)})), "`i = 9`: i is 5 to 7");
  EXPECT_EQ(reason(Binary("=", {Column("i"), Int(6)})), kKept);
  EXPECT_EQ(reason(Binary("=", {Field("floor"), Int(3)})),
            "`get_field(place, 'floor') = 3`: place.floor is 1 to 2");
  EXPECT_EQ(reason(Binary("=", {Column("s"), Text("bergen")})), "`s = 'bergen'`: s is 'oslo'");
}

TEST(FilePruner, KeepsEverythingWithoutFilters) {
  const std::vector<Expression> filters;
  EXPECT_EQ(FilePruner(TestSchema(), filters).ReasonToPrune(Range("i", "5", "7")), std::nullopt);
}

}  // namespace
}  // namespace weir
