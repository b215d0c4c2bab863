// SPDX-License-Identifier: Apache-2.0

#include "weir/scan/predicate_outcomes.h"

#include <cmath>
#include <set>

#include <arrow/api.h>

namespace weir {

namespace {

unsigned Negated(unsigned o) {
  return (o & kNull) | ((o & kTrue) ? kFalse : 0u) | ((o & kFalse) ? kTrue : 0u);
}

unsigned And(unsigned a, unsigned b) {
  unsigned result = (a & b & kTrue) | ((a | b) & kFalse);
  // NULL stays unless the other side is always false.
  if (((a & kNull) && (b & (kTrue | kNull))) || ((b & kNull) && (a & (kTrue | kNull))))
    result |= kNull;
  return result;
}

unsigned Or(unsigned a, unsigned b) { return Negated(And(Negated(a), Negated(b))); }

unsigned Is(unsigned outcomes, unsigned wanted) {
  return ((outcomes & wanted) ? kTrue : 0u) | ((outcomes & ~wanted & kAny) ? kFalse : 0u);
}

unsigned OfLiteral(const Expression& e) {
  if (!e.literal) return kAny;
  if (!e.literal->is_valid) return kNull;
  if (e.literal->type->id() != arrow::Type::BOOL) return kAny;
  return static_cast<const arrow::BooleanScalar&>(*e.literal).value ? kTrue : kFalse;
}

std::string Mirrored(const std::string& op) {
  if (op == "<") return ">";
  if (op == "<=") return ">=";
  if (op == ">") return "<";
  if (op == ">=") return "<=";
  return op;
}

/// Statistics leave NaN out, which the engine sorts by its sign above or below every number:
/// bounds tell only what no number of the column equals.
unsigned CompareFloat(const std::string& op, const ColumnFacts& facts, const Value& value) {
  const auto* wanted = std::get_if<double>(&value);
  if (op != "=" || wanted == nullptr) return kTrue | kFalse;
  const bool below = facts.min && *wanted < std::get<double>(*facts.min);
  const bool above = facts.max && std::get<double>(*facts.max) < *wanted;
  return below || above ? kFalse : kTrue | kFalse;
}

/// Over the non-NULL values of the column.
unsigned Compare(const std::string& op, const ColumnFacts& facts, const Value& value) {
  if (op == "<>") return Negated(Compare("=", facts, value));
  if (op == ">") return Negated(Compare("<=", facts, value));
  if (op == ">=") return Negated(Compare("<", facts, value));
  if (facts.value_class == ValueClass::kFloat) return CompareFloat(op, facts, value);
  // Bounds of another class than the literal's cannot be compared.
  const auto comparable = [&](const std::optional<Value>& bound) {
    return bound && bound->index() == value.index();
  };
  const bool has_min = comparable(facts.min), has_max = comparable(facts.max);
  unsigned outcomes = 0;
  if (op == "=") {
    const bool outside = (has_min && value < *facts.min) || (has_max && *facts.max < value);
    if (!outside) outcomes |= kTrue;
    const bool constant = has_min && has_max && *facts.min == *facts.max && *facts.min == value &&
                          facts.value_class != ValueClass::kTimestamp;
    if (!constant) outcomes |= kFalse;
    return outcomes;
  }
  const bool strict = op == "<";
  if (!has_min || *facts.min < value || (!strict && *facts.min == value)) outcomes |= kTrue;
  if (!has_max || value < *facts.max || (strict && *facts.max == value)) outcomes |= kFalse;
  return outcomes;
}

/// The text before the first wildcard, unescaped; `is_all` where only a `%` follows, `is_exact`
/// where nothing does.
struct Prefix {
  std::string text;
  bool is_all = false;
  bool is_exact = false;
};

Prefix PrefixOf(const std::string& pattern) {
  Prefix prefix;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      prefix.text += pattern[++i];
      continue;
    }
    if (pattern[i] == '\\') return prefix;
    if (pattern[i] == '%' || pattern[i] == '_') {
      prefix.is_all = pattern.find_first_not_of('%', i) == std::string::npos;
      return prefix;
    }
    prefix.text += pattern[i];
  }
  prefix.is_exact = true;
  return prefix;
}

}  // namespace

unsigned PredicateOutcomes::Of(const Expression& e) {
  switch (e.kind) {
    case ExpressionKind::kAlias:
      return Of(e.inputs[0]);
    case ExpressionKind::kLiteral:
      return OfLiteral(e);
    case ExpressionKind::kColumn:
      return Flag(e);
    case ExpressionKind::kScalarFunction: {
      if (e.name == "starts_with" && e.inputs.size() == 2) {
        const auto& prefix = e.inputs[1].literal;
        if (prefix && prefix->is_valid && ClassOf(*prefix->type) == ValueClass::kText)
          return StartsWith(e.inputs[0], prefix->ToString(), /*is_all=*/true);
        return kAny;
      }
      return Flag(e);
    }
    case ExpressionKind::kNot:
      return Negated(Of(e.inputs[0]));
    case ExpressionKind::kBinary:
      return Chain(e);
    case ExpressionKind::kBetween: {
      const unsigned both = And(Comparison(">=", e.inputs[0], e.inputs[1]),
                                Comparison("<=", e.inputs[0], e.inputs[2]));
      return e.negated ? Negated(both) : both;
    }
    case ExpressionKind::kInList: {
      unsigned any = kFalse;
      for (size_t i = 1; i < e.inputs.size(); ++i)
        any = Or(any, Comparison("=", e.inputs[0], e.inputs[i]));
      return e.negated ? Negated(any) : any;
    }
    case ExpressionKind::kLike:
      return e.negated ? Negated(Like(e)) : Like(e);
    case ExpressionKind::kIsNull:
      return IsNull(e.inputs[0]);
    case ExpressionKind::kIsNotNull:
      return Negated(IsNull(e.inputs[0]));
    case ExpressionKind::kIsTrue:
      return Is(Of(e.inputs[0]), kTrue);
    case ExpressionKind::kIsFalse:
      return Is(Of(e.inputs[0]), kFalse);
    case ExpressionKind::kIsUnknown:
      return Is(Of(e.inputs[0]), kNull);
    case ExpressionKind::kIsNotTrue:
      return Negated(Is(Of(e.inputs[0]), kTrue));
    case ExpressionKind::kIsNotFalse:
      return Negated(Is(Of(e.inputs[0]), kFalse));
    case ExpressionKind::kIsNotUnknown:
      return Negated(Is(Of(e.inputs[0]), kNull));
    default:
      return kAny;
  }
}

/// A boolean column: the engine's form of `column = true`.
unsigned PredicateOutcomes::Flag(const Expression& e) {
  const ColumnReference* column = columns_.Find(e);
  if (column == nullptr) return kAny;
  const ColumnFacts& facts = facts_.Of(*column);
  if (facts.all_null) return kNull;
  const unsigned null = facts.may_be_null ? kNull : 0u;
  return facts.value_class == ValueClass::kBoolean ? Compare("=", facts, Value(int64_t{1})) | null
                                                   : kTrue | kFalse | null;
}

/// What is known of a column or of a cast of one; nullopt for everything else.
std::optional<ColumnFacts> PredicateOutcomes::OperandFacts(const Expression& operand) {
  const Expression& e = WithoutAlias(operand);
  if (const ColumnReference* column = columns_.Find(e)) return facts_.Of(*column);
  // Equal to what it normalises: one zero, one NaN.
  if (e.kind == ExpressionKind::kScalarFunction && e.name == "normalized_float" &&
      e.inputs.size() == 1)
    return OperandFacts(e.inputs[0]);
  if (e.kind != ExpressionKind::kCast && e.kind != ExpressionKind::kTryCast) return std::nullopt;
  const ColumnReference* column = columns_.Find(e.inputs[0]);
  if (column == nullptr || !e.type) return std::nullopt;
  return OfCast(facts_.Of(*column), *column->type, *e.type);
}

unsigned PredicateOutcomes::Chain(const Expression& e) {
  if (e.name == "AND" || e.name == "OR") {
    unsigned result = Of(e.inputs[0]);
    for (size_t i = 1; i < e.inputs.size(); ++i) {
      const unsigned next = Of(e.inputs[i]);
      result = e.name == "AND" ? And(result, next) : Or(result, next);
    }
    return result;
  }
  if (e.inputs.size() != 2) return kAny;
  // NULL is a value to these: equal to itself, different from every other.
  if (e.name == "IS NOT DISTINCT FROM" || e.name == "IS DISTINCT FROM") {
    const bool literal_first = WithoutAlias(e.inputs[0]).kind == ExpressionKind::kLiteral;
    const Expression& column = e.inputs[literal_first ? 1 : 0];
    const Expression& literal = WithoutAlias(e.inputs[literal_first ? 0 : 1]);
    if (literal.kind != ExpressionKind::kLiteral || !literal.literal) return kTrue | kFalse;
    const unsigned same =
        literal.literal->is_valid ? Is(Comparison("=", column, literal), kTrue) : IsNull(column);
    return e.name == "IS NOT DISTINCT FROM" ? same : Negated(same);
  }
  return Comparison(e.name, e.inputs[0], e.inputs[1]);
}

unsigned PredicateOutcomes::Comparison(const std::string& op, const Expression& left,
                                       const Expression& right) {
  const Expression& a = WithoutAlias(left);
  const Expression& b = WithoutAlias(right);
  if (a.kind == ExpressionKind::kLiteral && b.kind != ExpressionKind::kLiteral)
    return Comparison(Mirrored(op), b, a);
  if (b.kind != ExpressionKind::kLiteral || !b.literal) return kAny;
  const std::optional<ColumnFacts> operand = OperandFacts(a);
  if (!operand) return kAny;
  static const std::set<std::string> kOperators = {"=", "<>", "<", "<=", ">", ">="};
  if (!kOperators.contains(op)) return kAny;
  if (!b.literal->is_valid) return kNull;
  const ColumnFacts& facts = *operand;
  if (facts.all_null) return kNull;
  const auto value = ParseLiteral(*b.literal, facts.value_class);
  const unsigned null = facts.may_be_null ? kNull : 0u;
  const double* number = value ? std::get_if<double>(&*value) : nullptr;
  if (!value || (number != nullptr && std::isnan(*number))) return kTrue | kFalse | null;
  return Compare(op, facts, *value) | null;
}

unsigned PredicateOutcomes::IsNull(const Expression& operand) {
  const ColumnReference* column = columns_.Find(operand);
  if (column == nullptr) return kTrue | kFalse;
  const ColumnFacts& facts = facts_.Of(*column);
  if (facts.all_null) return kTrue;
  return facts.may_be_null ? kTrue | kFalse : kFalse;
}

/// `column LIKE 'prefix%'`: the texts that begin so form a range.
unsigned PredicateOutcomes::Like(const Expression& e) {
  const Expression& pattern = WithoutAlias(e.inputs[1]);
  if (!e.text.empty() || !pattern.literal) return kAny;
  if (!pattern.literal->is_valid) return kNull;
  if (ClassOf(*pattern.literal->type) != ValueClass::kText) return kAny;
  const Prefix prefix = PrefixOf(pattern.literal->ToString());
  const unsigned starts = StartsWith(e.inputs[0], prefix.text, prefix.is_all);
  // Without a wildcard it is an equality; both see a part of what can be.
  if (!prefix.is_exact) return starts;
  const auto facts = OperandFacts(e.inputs[0]);
  if (!facts || facts->all_null || facts->value_class != ValueClass::kText) return starts;
  return Compare("=", *facts, Value(prefix.text)) | (facts->may_be_null ? kNull : 0u);
}

/// `is_all`: whatever begins with `prefix` matches.
unsigned PredicateOutcomes::StartsWith(const Expression& text, const std::string& prefix,
                                       bool is_all) {
  const auto facts = OperandFacts(text);
  if (!facts) return kAny;
  if (facts->all_null) return kNull;
  const unsigned null = facts->may_be_null ? kNull : 0u;
  if (facts->value_class != ValueClass::kText || prefix.empty()) return kTrue | kFalse | null;
  const auto* min = facts->min ? &std::get<std::string>(*facts->min) : nullptr;
  const auto* max = facts->max ? &std::get<std::string>(*facts->max) : nullptr;
  if (max != nullptr && *max < prefix) return kFalse | null;
  if (min != nullptr && min->substr(0, prefix.size()) > prefix) return kFalse | null;
  const bool every = is_all && min != nullptr && max != nullptr && min->starts_with(prefix) &&
                     max->starts_with(prefix);
  return every ? kTrue | null : kTrue | kFalse | null;
}

}  // namespace weir
