// SPDX-License-Identifier: Apache-2.0
//
// span_make, span_len, span_overlaps, span_contains, span_intersection, span_union_hull: ranges of
// a text, and what lies in what.

#include "weir/functions/call_arguments.h"
#include "weir/functions/declared_function.h"
#include "weir/functions/function_sets.h"
#include "weir/functions/result_buffers.h"
#include "weir/functions/spans/span_type.h"
#include "weir/functions/spans/span_writer.h"

namespace weir {
namespace {

using arrow::internal::checked_cast;

constexpr int32_t kDefaultLineBase = 0;
constexpr std::string_view kDefaultColUnit = "byte";
constexpr bool kDefaultEndExclusive = true;

/// Holds every end as exclusive, INT64_MAX inclusive too.
__extension__ typedef __int128 WideOffset;

bool IsNull(const FunctionValue& value, int64_t row) {
  return value.values->IsNull(value.is_constant ? 0 : row);
}

/// An int32 or int64 argument.
int64_t IntegerAt(const FunctionValue& value, int64_t row) {
  row = value.is_constant ? 0 : row;
  if (value.values->type_id() == arrow::Type::INT32) {
    return checked_cast<const arrow::Int32Array&>(*value.values).Value(row);
  }
  return checked_cast<const arrow::Int64Array&>(*value.values).Value(row);
}

class SpanMake final : public DeclaredScalar {
 public:
  using DeclaredScalar::DeclaredScalar;

  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector& arguments,
                                                    const ConstantVector&) const override {
    return SpanField(name(), AnyNullable(arguments));
  }

  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                               int64_t rows, const arrow::Field&) const override {
    rows = ResultRows(arguments, rows);
    WEIR_ASSIGN_OR_RETURN(SpanWriter spans, SpanWriter::Make(rows));
    std::optional<TextColumn> units;
    if (arguments.size() > 3) {
      WEIR_ASSIGN_OR_RETURN(units, TextColumn::Make(arguments[3]));
    }
    for (int64_t row = 0; row < rows; ++row) {
      const bool is_null =
          std::any_of(arguments.begin(), arguments.end(),
                      [&](const auto& value) { return weir::IsNull(value, row); }) ||
          (units && units->IsNull(row));
      if (is_null) {
        WEIR_RETURN_NOT_OK(spans.SetNull(row));
      } else {
        WEIR_RETURN_NOT_OK(SetRow(arguments, units, row, &spans));
      }
    }
    return spans.Finish();
  }

 private:
  Status SetRow(const std::vector<FunctionValue>& arguments, const std::optional<TextColumn>& units,
                int64_t row, SpanWriter* spans) const {
    const int64_t bstart = IntegerAt(arguments[0], row);
    const int64_t bend = IntegerAt(arguments[1], row);
    const int64_t line_base =
        arguments.size() > 2 ? IntegerAt(arguments[2], row) : kDefaultLineBase;
    const std::string_view col_unit = units ? (*units)[row] : kDefaultColUnit;
    bool end_exclusive = kDefaultEndExclusive;
    if (arguments.size() > 4) {
      const auto& values = checked_cast<const arrow::BooleanArray&>(*arguments[4].values);
      end_exclusive = values.Value(arguments[4].is_constant ? 0 : row);
    }
    if (bend < bstart) {
      return Status::User(
          StatusCode::kInvalidArgument,
          "span_make wants bend at or behind bstart, found bstart `{}` and bend `{}`", bstart,
          bend);
    }
    if (line_base != static_cast<int32_t>(line_base)) {
      return Status::User(StatusCode::kInvalidArgument,
                          "span_make wants a 32-bit line_base, found `{}`", line_base);
    }
    return spans->Set(row,
                      {bstart, bend, static_cast<int32_t>(line_base), col_unit, end_exclusive});
  }
};

/// Functions over spans only, as many as documented.
class SpanFunction : public DeclaredScalar {
 public:
  using DeclaredScalar::DeclaredScalar;

  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    const size_t wanted = declaration().arguments.size();
    WEIR_RETURN_NOT_OK(CheckArity(declaration(), types.size(), wanted, wanted));
    TypeVector settled;
    for (const auto& type : types) {
      WEIR_ASSIGN_OR_RETURN(auto span, CoerceToSpan(declaration().Syntax(), type));
      settled.push_back(std::move(span));
    }
    return settled;
  }

 protected:
  /// The fields inside of a span may be NULL, hence so may every result.
  Result<std::shared_ptr<arrow::Field>> NullableField(std::shared_ptr<arrow::DataType> type) const {
    return arrow::field(name(), std::move(type), /*nullable=*/true);
  }
};

class SpanLen final : public SpanFunction {
 public:
  using SpanFunction::SpanFunction;

  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector&,
                                                    const ConstantVector&) const override {
    return NullableField(arrow::int64());
  }

  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                               int64_t rows, const arrow::Field&) const override {
    rows = ResultRows(arguments, rows);
    WEIR_ASSIGN_OR_RETURN(const SpanColumn spans, SpanColumn::Make(arguments[0]));
    WEIR_ASSIGN_OR_RETURN(auto writer, FixedColumnWriter<int64_t>::Make(rows));
    for (int64_t row = 0; row < rows; ++row) {
      if (spans.IsNull(row)) {
        WEIR_RETURN_NOT_OK(writer.SetNull(row));
        continue;
      }
      const WideOffset length =
          WideOffset{spans.bend(row)} - spans.bstart(row) + (spans.end_exclusive(row) ? 0 : 1);
      const int64_t narrow = static_cast<int64_t>(length);
      if (narrow != length) {
        return Status::User(
            StatusCode::kInvalidArgument,
            "span_len: the length does not fit 64 bits, found bstart `{}` and bend `{}`",
            spans.bstart(row), spans.bend(row));
      }
      writer.Set(row, narrow);
    }
    return writer.Finish(arrow::int64());
  }
};

WideOffset ExclusiveEnd(const SpanColumn& spans, int64_t row) {
  return WideOffset{spans.bend(row)} + (spans.end_exclusive(row) ? 0 : 1);
}

/// Fails with kInvalidArgument where the spans of a row count different units.
Status CheckUnits(const std::string& name, const SpanColumn& a, const SpanColumn& b, int64_t row) {
  if (a.col_unit(row) == b.col_unit(row)) return Status::OK();
  return Status::User(StatusCode::kInvalidArgument,
                      "{} wants spans of the same col_unit, found `{}` and `{}`", name,
                      TextStart(a.col_unit(row)), TextStart(b.col_unit(row)));
}

enum class SpanRelation { kOverlaps, kContains };

/// A span whose unit and kind of end planning knows, and its bounds as parts of argument
/// `argument`.
struct KnownSpan {
  size_t argument;
  std::string bstart, bend;
  std::string col_unit;
  bool end_exclusive;

  static std::optional<KnownSpan> Of(const std::vector<PlannedExpression>& arguments,
                                     size_t argument) {
    const PlannedExpression& span = arguments[argument];
    KnownSpan known = {argument, "0", "1", std::string(kDefaultColUnit), kDefaultEndExclusive};
    const PlannedExpression* unit = nullptr;
    const PlannedExpression* exclusive = nullptr;
    if (span.function == "span_make" && span.arguments.size() >= 2) {
      if (span.arguments.size() > 3) unit = &span.arguments[3];
      if (span.arguments.size() > 4) exclusive = &span.arguments[4];
    } else if (span.fields.contains("bstart") && span.fields.contains("bend") &&
               span.fields.contains("col_unit") && span.fields.contains("end_exclusive")) {
      known.bstart = "bstart";
      known.bend = "bend";
      unit = &span.fields.at("col_unit");
      exclusive = &span.fields.at("end_exclusive");
    } else {
      return std::nullopt;
    }
    if ((unit != nullptr && !unit->text) || (exclusive != nullptr && !exclusive->boolean)) {
      return std::nullopt;
    }
    if (unit != nullptr) known.col_unit = *unit->text;
    if (exclusive != nullptr) known.end_exclusive = *exclusive->boolean;
    return known;
  }
  RewrittenExpression Start() const { return RewrittenExpression::Part(argument, bstart); }
  RewrittenExpression End() const { return RewrittenExpression::Part(argument, bend); }
};

class SpanTest final : public SpanFunction {
 public:
  SpanTest(FunctionDeclaration declaration, SpanRelation relation)
      : SpanFunction(std::move(declaration)), relation_(relation) {}

  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector&,
                                                    const ConstantVector&) const override {
    return NullableField(arrow::boolean());
  }

  /// Opens calls over span_make of one unit. An end before the start is no error then: such a span
  /// is compared as it is.
  std::optional<RewrittenExpression> OpenPredicate(
      const std::vector<PlannedExpression>& arguments) const override {
    if (arguments.size() != 2) return std::nullopt;
    const auto a = KnownSpan::Of(arguments, 0);
    const auto b = KnownSpan::Of(arguments, 1);
    if (!a || !b || a->col_unit != b->col_unit) return std::nullopt;
    using Kind = RewrittenExpression::Kind;
    const auto less = [](bool strict, RewrittenExpression left, RewrittenExpression right) {
      return RewrittenExpression::Of(strict ? Kind::kLess : Kind::kLessOrEqual, std::move(left),
                                     std::move(right));
    };
    if (relation_ == SpanRelation::kOverlaps) {
      return RewrittenExpression::Of(Kind::kAnd, less(b->end_exclusive, a->Start(), b->End()),
                                     less(a->end_exclusive, b->Start(), a->End()));
    }
    // An exclusive end within an inclusive one would need an addition.
    if (b->end_exclusive && !a->end_exclusive) return std::nullopt;
    const bool strict = a->end_exclusive && !b->end_exclusive;
    return RewrittenExpression::Of(Kind::kAnd, less(false, a->Start(), b->Start()),
                                   less(strict, b->End(), a->End()));
  }

  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                               int64_t rows, const arrow::Field&) const override {
    rows = ResultRows(arguments, rows);
    WEIR_ASSIGN_OR_RETURN(const SpanColumn a, SpanColumn::Make(arguments[0]));
    WEIR_ASSIGN_OR_RETURN(const SpanColumn b, SpanColumn::Make(arguments[1]));
    WEIR_ASSIGN_OR_RETURN(auto writer, BooleanColumnWriter::Make(rows));
    for (int64_t row = 0; row < rows; ++row) {
      if (a.IsNull(row) || b.IsNull(row)) {
        WEIR_RETURN_NOT_OK(writer.SetNull(row));
        continue;
      }
      WEIR_RETURN_NOT_OK(CheckUnits(name(), a, b, row));
      if (Holds(a, b, row)) writer.SetTrue(row);
    }
    return writer.Finish();
  }

 private:
  bool Holds(const SpanColumn& a, const SpanColumn& b, int64_t row) const {
    const WideOffset a_end = ExclusiveEnd(a, row);
    const WideOffset b_end = ExclusiveEnd(b, row);
    if (relation_ == SpanRelation::kContains) {
      return a.bstart(row) <= b.bstart(row) && b_end <= a_end;
    }
    return a.bstart(row) < b_end && b.bstart(row) < a_end;
  }

  SpanRelation relation_;
};

enum class SpanCombination { kIntersection, kHull };

/// A span made of two: line_base, col_unit and the kind of end are those of the first.
class SpanCombine final : public SpanFunction {
 public:
  SpanCombine(FunctionDeclaration declaration, SpanCombination combination)
      : SpanFunction(std::move(declaration)), combination_(combination) {}

  Result<TypeVector> CoerceTypes(const TypeVector& types) const override {
    WEIR_RETURN_NOT_OK(SpanFunction::CoerceTypes(types).status());
    return TypeVector{SpanType(), SpanType()};
  }
  Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector&,
                                                    const ConstantVector&) const override {
    return SpanField(name(), /*nullable=*/true);
  }

  Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                               int64_t rows, const arrow::Field&) const override {
    rows = ResultRows(arguments, rows);
    WEIR_ASSIGN_OR_RETURN(const SpanColumn a, SpanColumn::Make(arguments[0]));
    WEIR_ASSIGN_OR_RETURN(const SpanColumn b, SpanColumn::Make(arguments[1]));
    WEIR_ASSIGN_OR_RETURN(SpanWriter spans, SpanWriter::Make(rows));
    for (int64_t row = 0; row < rows; ++row) {
      if (a.IsNull(row) || b.IsNull(row)) {
        WEIR_RETURN_NOT_OK(spans.SetNull(row));
        continue;
      }
      WEIR_RETURN_NOT_OK(CheckUnits(name(), a, b, row));
      const bool hull = combination_ == SpanCombination::kHull;
      const int64_t start =
          hull ? std::min(a.bstart(row), b.bstart(row)) : std::max(a.bstart(row), b.bstart(row));
      const WideOffset end = hull ? std::max(ExclusiveEnd(a, row), ExclusiveEnd(b, row))
                                  : std::min(ExclusiveEnd(a, row), ExclusiveEnd(b, row));
      if (end <= start) {
        WEIR_RETURN_NOT_OK(spans.SetNull(row));
        continue;
      }
      const WideOffset bend = end - (a.end_exclusive(row) ? 0 : 1);
      if (bend > INT64_MAX) {
        return Status::User(StatusCode::kInvalidArgument,
                            "{}: the end does not fit 64 bits, found bend `{}` and `{}`", name(),
                            a.bend(row), b.bend(row));
      }
      WEIR_RETURN_NOT_OK(spans.Set(row, {start, static_cast<int64_t>(bend), a.line_base(row),
                                         a.col_unit(row), a.end_exclusive(row)}));
    }
    return spans.Finish();
  }

 private:
  SpanCombination combination_;
};

/// `text` stands for the argument, as a setting of the session where it is not what `argument`
/// declares.
void SetDefault(const std::string& text, FunctionArgument* argument) {
  argument->session_default = argument->default_value != text;
  argument->default_value = text;
}

FunctionDeclaration DeclareSpanMake(const SpanDefaults& defaults) {
  FunctionDeclaration declaration;
  declaration.name = "span_make";
  declaration.tags = {"deterministic", "position_encoding", "span"};
  declaration.description =
      "Makes a span, the range of a text from bstart to bend. An end before the start is an error.";
  declaration.arguments = {
      {"bstart", "int64", "Offset of the first unit."},
      {"bend", "int64",
       "Offset behind the last unit, or of the last one if end_exclusive is false."},
      {"line_base", "int32", "Number of the first line, 0 or 1.", "0"},
      {"col_unit", "text", "Unit of the offsets: byte, utf8, utf16, utf32.", "'byte'"},
      {"end_exclusive", "boolean", "Whether bend lies behind the span.", "true"}};
  auto& arguments = declaration.arguments;
  if (defaults.line_base) SetDefault(fmt::format("{}", *defaults.line_base), &arguments[2]);
  if (defaults.col_unit) SetDefault(fmt::format("'{}'", *defaults.col_unit), &arguments[3]);
  if (defaults.end_exclusive) SetDefault(*defaults.end_exclusive ? "true" : "false", &arguments[4]);
  const auto int64 = arrow::int64();
  declaration.signatures.push_back({int64, int64});
  for (const auto& line_base : {arrow::int32(), arrow::int64()}) {
    declaration.signatures.push_back({int64, int64, line_base});
    declaration.signatures.push_back({int64, int64, line_base, arrow::utf8()});
    declaration.signatures.push_back({int64, int64, line_base, arrow::utf8(), arrow::boolean()});
  }
  declaration.result_type =
      "struct{bstart int64, bend int64, line_base int32, col_unit utf8, end_exclusive boolean}";
  declaration.null_handling = "NULL if any argument is NULL.";
  declaration.example = "span_make(0, 10, line_base => 1)";
  declaration.strict = true;
  return declaration;
}

FunctionDeclaration DeclareSpanLen() {
  FunctionDeclaration declaration;
  declaration.name = "span_len";
  declaration.tags = {"deterministic", "span"};
  declaration.description = "Number of units in a span; an inclusive end counts one more.";
  declaration.arguments = {{"span", "span", "The span to measure."}};
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {{SpanType()}};
  declaration.result_type = "int64";
  declaration.null_handling = "NULL if the span or a bound is NULL.";
  declaration.example = "span_len(span_make(0, 10))";
  declaration.strict = true;
  return declaration;
}

FunctionDeclaration DeclareSpanTest(std::string name, std::string operator_symbol,
                                    std::string description) {
  FunctionDeclaration declaration;
  declaration.opens_as_predicate = !operator_symbol.empty();
  declaration.operator_symbol = std::move(operator_symbol);
  declaration.example = name + "(span_make(0, 10), span_make(3, 5))";
  declaration.name = std::move(name);
  declaration.tags = {"deterministic", "span"};
  declaration.description = std::move(description);
  declaration.arguments = {{"a", "span", "The first span."}, {"b", "span", "The second span."}};
  declaration.signature_kind = SignatureKind::kUserDefined;
  declaration.signatures = {{SpanType(), SpanType()}};
  declaration.result_type = "boolean";
  declaration.null_handling = "NULL if a span or a bound is NULL.";
  declaration.strict = true;
  return declaration;
}

FunctionDeclaration DeclareSpanCombination(std::string name, std::string description) {
  FunctionDeclaration declaration = DeclareSpanTest(std::move(name), "", std::move(description));
  declaration.result_type =
      "struct{bstart int64, bend int64, line_base int32, col_unit utf8, end_exclusive boolean}";
  declaration.null_handling = "NULL if a span or a bound is NULL, and if the result is empty.";
  return declaration;
}

}  // namespace

void AddSpanFunctions(const SpanDefaults& defaults, ScalarFunctions* functions) {
  functions->push_back(std::make_shared<SpanMake>(DeclareSpanMake(defaults)));
  functions->push_back(std::make_shared<SpanLen>(DeclareSpanLen()));
  functions->push_back(std::make_shared<SpanTest>(
      DeclareSpanTest("span_overlaps", "&&",
                      "Whether two spans share a position; `a && b` means the same. Spans of "
                      "different units are an error."),
      SpanRelation::kOverlaps));
  functions->push_back(
      std::make_shared<SpanTest>(DeclareSpanTest("span_contains", "@>",
                                                 "Whether b lies wholly in a; `a @> b` means the "
                                                 "same. Spans of different units are an error."),
                                 SpanRelation::kContains));
  functions->push_back(std::make_shared<SpanCombine>(
      DeclareSpanCombination("span_intersection",
                             "The range that two spans share; line_base, unit and kind of end are "
                             "those of a. Spans of "
                             "different units are an error."),
      SpanCombination::kIntersection));
  functions->push_back(std::make_shared<SpanCombine>(
      DeclareSpanCombination(
          "span_union_hull",
          "The smallest range that holds two spans and what lies between them; line_base, unit and "
          "kind of end are those of a. Spans of different units are an error."),
      SpanCombination::kHull));
}

}  // namespace weir
