// SPDX-License-Identifier: Apache-2.0
//
// No pruned file holds a matching row: random tables with honest statistics, random predicates, and
// a naive evaluator as oracle.

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <arrow/api.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "weir/scan/expression_testing.h"
#include "weir/scan/file_pruner.h"
#include "weir/scan/row_evaluator_testing.h"

namespace weir {
namespace {

using namespace testing_expressions;
using namespace testing_rows;
using Json = nlohmann::json;
using Kind = ExpressionKind;

constexpr int kTables = 4'000;
constexpr int kPredicatesPerTable = 6;
constexpr uint64_t kSeed = 20131;

using Random = std::mt19937_64;

/// As the engine writes it.
Expression ColumnAt(int column) {
  if (column != kFloor) return Column(TestSchema()->field(column)->name());
  Expression field = Make(Kind::kScalarFunction, {Column("place"), Text("floor")});
  field.name = "get_field";
  return field;
}

int64_t Between(Random& random, int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
}
bool OneIn(Random& random, int n) { return random() % static_cast<uint64_t>(n) == 0; }

/// Short texts that share prefixes, and texts that are cut in the log.
std::string RandomText(Random& random) {
  static const std::vector<std::string> kSpecial = {
      "", "a", "a_", "a%", "a\\", "\xC3\xA5", "\xF0\x9F\x8C\x8A"};
  if (OneIn(random, 6)) return kSpecial[random() % kSpecial.size()];
  std::string text(OneIn(random, 5) ? 30 + random() % 6 : 0, 'a');
  for (int64_t i = Between(random, 0, 3); i > 0; --i) text += static_cast<char>('a' + random() % 3);
  return text;
}

double RandomDouble(Random& random) {
  switch (random() % 12) {
    case 0:
      return std::numeric_limits<double>::quiet_NaN();
    case 1:
      return -std::numeric_limits<double>::quiet_NaN();
    case 2:
      return -0.0;
    default:
      return static_cast<double>(Between(random, -8, 8)) / 10;
  }
}

/// Around the epoch, before it too, seldom on a whole millisecond.
int64_t RandomMicros(Random& random) { return Between(random, -4'000, 4'000); }

Cell RandomCell(Random& random, int column) {
  switch (column) {
    case kInt:
    case kLong:
    case kFloor:
      return Between(random, -6, 6);
    case kMoney:
      return Between(random, -300, 300);
    case kDouble:
      return RandomDouble(random);
    case kFloat:
      return double{static_cast<float>(RandomDouble(random))};
    case kText:
      return RandomText(random);
    case kFlag:
      return Between(random, 0, 1);
    case kDay:
      return Between(random, -3, 3);
    case kAt:
      return Nanoseconds{static_cast<__int128>(RandomMicros(random)) * 1'000};
    default:
      return Between(random, -2, 2);
  }
}

// --- files ---

int64_t FloorDivide(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

/// As the protocol asks: days, and times cut down to milliseconds; 0 <= days < 28 from 1970-01-01,
/// or the end of 1969.
std::string TimestampText(int64_t micros) {
  const int64_t millis = FloorDivide(micros, 1'000), seconds = FloorDivide(millis, 1'000);
  return fmt::format("{}.{:03}Z",
                     seconds < 0 ? fmt::format("1969-12-31T23:59:{:02}", 60 + seconds)
                                 : fmt::format("1970-01-01T00:00:{:02}", seconds),
                     millis - seconds * 1'000);
}
std::string DayText(int64_t day) {
  return day < 0 ? fmt::format("1969-12-{:02}", 32 + day) : fmt::format("1970-01-{:02}", 1 + day);
}

int64_t Micros(const Cell& cell) {
  return static_cast<int64_t>(std::get<Nanoseconds>(cell).value / 1'000);
}

Json Statistic(const Cell& cell, int column, bool is_max) {
  switch (column) {
    case kDouble:
      return std::get<double>(cell);
    case kFloat:
      // The shortest text that gives the float back.
      return Json::parse(fmt::format("{}", static_cast<float>(std::get<double>(cell))));
    case kText: {
      std::string text = std::get<std::string>(cell);
      if (text.size() > 32) text.resize(32);
      // Both ways of writing a cut maximum: with a character that sorts after all, and without.
      if (is_max && text.size() == 32 && text.back() == 'a') text += "\xEF\xBF\xBF";
      return text;
    }
    case kFlag:
      return std::get<int64_t>(cell) != 0;
    case kDay:
      return DayText(std::get<int64_t>(cell));
    case kAt:
      return TimestampText(Micros(cell));
    case kMoney:
      return static_cast<double>(std::get<int64_t>(cell)) / 100;
    default:
      return std::get<int64_t>(cell);
  }
}

void AddStatistics(const std::vector<Row>& rows, int column, Random& random, Json& statistics) {
  const std::string& name = TestSchema()->field(column)->name();
  const auto statistic = [&](const char* kind) -> Json& {
    return column == kFloor ? statistics[kind][name]["floor"] : statistics[kind][name];
  };
  int64_t nulls = 0;
  const Cell *min = nullptr, *max = nullptr;
  for (const Row& row : rows) {
    const Cell& cell = row[static_cast<size_t>(column)];
    if (std::holds_alternative<std::monostate>(cell)) {
      ++nulls;
      continue;
    }
    if (const auto* number = std::get_if<double>(&cell); number != nullptr && std::isnan(*number))
      continue;
    if (min == nullptr || Less(cell, *min)) min = &cell;
    if (max == nullptr || Less(*max, cell)) max = &cell;
  }
  // Writers may leave out any of them.
  if (!OneIn(random, 10)) statistic("nullCount") = nulls;
  if (min != nullptr && !OneIn(random, 10)) statistic("minValues") = Statistic(*min, column, false);
  if (max != nullptr && !OneIn(random, 10)) statistic("maxValues") = Statistic(*max, column, true);
}

struct TestFile {
  DataFile file;
  std::vector<Row> rows;
};

/// Rows of a file lie close together, as sorted or appended data does.
TestFile RandomFile(Random& random) {
  TestFile test;
  const Cell partition = OneIn(random, 4) ? Cell() : RandomCell(random, kPartition);
  Row base;
  for (int column = 0; column < kColumns; ++column) base.push_back(RandomCell(random, column));
  const auto nulls_one_in = static_cast<int>(Between(random, 1, 6));
  for (int64_t count = Between(random, 1, 5); count > 0; --count) {
    Row row = base;
    for (int column = 0; column < kPartition; ++column) {
      Cell& cell = row[static_cast<size_t>(column)];
      if (OneIn(random, 2)) cell = RandomCell(random, column);
      if (OneIn(random, 4) && OneIn(random, nulls_one_in)) cell = Cell();
    }
    row[kPartition] = partition;
    test.rows.push_back(std::move(row));
  }
  Json statistics = {{"numRecords", test.rows.size()}};
  for (int column = 0; column < kPartition; ++column)
    AddStatistics(test.rows, column, random, statistics);
  test.file.path = "a.parquet";
  if (!OneIn(random, 20)) test.file.statistics = statistics.dump();
  const auto* value = std::get_if<int64_t>(&partition);
  test.file.partition_values = {
      {"p", value == nullptr ? std::nullopt : std::optional(fmt::format("{}", *value))}};
  return test;
}

// --- predicates ---

class PredicateGenerator {
 public:
  explicit PredicateGenerator(Random& random) : random_(random) {}

  Expression Predicate(int depth) {
    if (depth > 0 && OneIn(random_, 2)) {
      switch (random_() % 4) {
        case 0:
          return And(Operands(depth));
        case 1:
          return Or(Operands(depth));
        case 2:
          return Not(Predicate(depth - 1));
        default: {
          static constexpr Kind kTests[] = {Kind::kIsTrue,     Kind::kIsFalse,
                                            Kind::kIsUnknown,  Kind::kIsNotTrue,
                                            Kind::kIsNotFalse, Kind::kIsNotUnknown};
          return Make(kTests[random_() % 6], {Predicate(depth - 1)});
        }
      }
    }
    return Leaf();
  }

 private:
  std::vector<Expression> Operands(int depth) {
    std::vector<Expression> operands;
    for (int64_t i = Between(random_, 2, 3); i > 0; --i) operands.push_back(Predicate(depth - 1));
    return operands;
  }

  /// A column, or a cast of one, and the type that its literals have.
  Expression Operand(int column, int& literal_column) {
    const Expression e = ColumnAt(column);
    literal_column = column;
    if (!OneIn(random_, 4)) return e;
    const Kind cast = OneIn(random_, 3) ? Kind::kTryCast : Kind::kCast;
    if (column == kInt || column == kLong || column == kPartition) {
      literal_column = OneIn(random_, 2) ? kDouble : kLong;
      return Cast(e, literal_column == kDouble ? arrow::float64() : arrow::int64(), cast);
    }
    if (column == kDay) {
      literal_column = kAt;
      return Cast(e, arrow::timestamp(arrow::TimeUnit::NANO), cast);
    }
    return e;
  }

  Expression LiteralFor(int column) {
    if (OneIn(random_, 15))
      return Null(column == kFloor ? arrow::int32() : TestSchema()->field(column)->type());
    const Cell cell = RandomCell(random_, column);
    switch (column) {
      case kLong:
        return Long(std::get<int64_t>(cell));
      case kDouble:
        return Double(std::get<double>(cell));
      case kFloat:
        return Float(static_cast<float>(std::get<double>(cell)));
      case kText:
        return Text(std::get<std::string>(cell));
      case kFlag:
        return Bool(std::get<int64_t>(cell) != 0);
      case kDay:
        return Date(static_cast<int32_t>(std::get<int64_t>(cell)));
      case kAt:
        return TimestampLiteral(Micros(cell));
      case kMoney:
        return Literal(std::make_shared<arrow::Decimal128Scalar>(
            arrow::Decimal128(std::get<int64_t>(cell)), arrow::decimal128(9, 2)));
      default:
        return Int(static_cast<int32_t>(std::get<int64_t>(cell)));
    }
  }

  Expression TimestampLiteral(int64_t micros) {
    if (OneIn(random_, 3))
      micros = Between(random_, -3, 3) * 86'400'000'000 + Between(random_, -1, 1);
    switch (random_() % 4) {
      case 0:
        return Timestamp(FloorDivide(micros, 1'000'000), arrow::TimeUnit::SECOND);
      case 1:
        return Timestamp(FloorDivide(micros, 1'000), arrow::TimeUnit::MILLI);
      case 2:
        return Timestamp(micros * 1'000 + Between(random_, -1, 1), arrow::TimeUnit::NANO);
      default:
        return Timestamp(micros);
    }
  }

  Expression Leaf() {
    const auto column = static_cast<int>(random_() % kColumns);
    int literal_column = column;
    const Expression operand = Operand(column, literal_column);
    switch (random_() % 8) {
      case 0:
        return Make(OneIn(random_, 2) ? Kind::kIsNull : Kind::kIsNotNull, {ColumnAt(column)});
      case 1:
        return MaybeNegated(Make(
            Kind::kBetween, {operand, LiteralFor(literal_column), LiteralFor(literal_column)}));
      case 2: {
        std::vector<Expression> parts = {operand};
        for (int64_t i = Between(random_, 1, 3); i > 0; --i)
          parts.push_back(LiteralFor(literal_column));
        return MaybeNegated(Make(Kind::kInList, parts));
      }
      case 3:
        return OneIn(random_, 2)
                   ? Column("b")
                   : MaybeNegated(Make(Kind::kLike, {Column("s"), Text(RandomPattern())}));
      case 4: {
        Expression starts = Make(Kind::kScalarFunction, {Column("s"), Text(RandomText(random_))});
        starts.name = "starts_with";
        if (OneIn(random_, 2)) return starts;
        return Binary(OneIn(random_, 2) ? "IS DISTINCT FROM" : "IS NOT DISTINCT FROM",
                      {operand, LiteralFor(literal_column)});
      }
      default: {
        static const std::vector<std::string> kOperators = {"=", "<>", "<", "<=", ">", ">="};
        const std::string& op = kOperators[random_() % kOperators.size()];
        Expression literal = LiteralFor(literal_column);
        return OneIn(random_, 3) ? Binary(op, {literal, operand}) : Binary(op, {operand, literal});
      }
    }
  }

  std::string RandomPattern() {
    std::string pattern = RandomText(random_);
    if (!pattern.empty() && pattern.back() == '\\') pattern.pop_back();
    static const std::vector<std::string> kEnds = {"", "%", "_", "\\%", "%a", "_%"};
    return pattern + kEnds[random_() % kEnds.size()];
  }

  Expression MaybeNegated(Expression e) {
    e.negated = OneIn(random_, 3);
    return e;
  }

  Random& random_;
};

TEST(FilePrunerProperty, NoPrunedFileHoldsAMatchingRow) {
  Random random(kSeed);
  int pruned = 0, without_match = 0;
  for (int table = 0; table < kTables; ++table) {
    std::vector<TestFile> files;
    for (int64_t i = Between(random, 1, 6); i > 0; --i) files.push_back(RandomFile(random));
    for (int i = 0; i < kPredicatesPerTable; ++i) {
      const std::vector<Expression> filters = {PredicateGenerator(random).Predicate(3)};
      const FilePruner pruner(TestSchema(), filters);
      for (const TestFile& test : files) {
        const bool matches = std::any_of(test.rows.begin(), test.rows.end(), [&](const Row& row) {
          return RowEvaluator(row).Evaluate(filters[0]) == Truth(true);
        });
        const auto reason = pruner.ReasonToPrune(test.file);
        without_match += matches ? 0 : 1;
        pruned += reason ? 1 : 0;
        ASSERT_FALSE(matches && reason)
            << "table " << table << ", predicate " << i << ": " << *reason << "\n"
            << test.file.statistics;
      }
    }
  }
  // Keeping every file would be sound, too.
  EXPECT_GT(pruned, without_match / 3) << "of " << without_match;
}

}  // namespace
}  // namespace weir
