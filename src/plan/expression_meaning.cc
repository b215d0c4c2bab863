// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <set>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/plan/meaning_reader.h"

namespace weir::internal {

namespace {

/// Types that differ in how texts lie in memory only.
std::string TypeName(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return "text";
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
      return "binary";
    default:
      return type.ToString();
  }
}

std::string_view UnaryName(ExpressionKind kind) {
  switch (kind) {
    case ExpressionKind::kNegative:
      return "NEGATIVE";
    case ExpressionKind::kIsNull:
      return "IS NULL";
    case ExpressionKind::kIsNotNull:
      return "IS NOT NULL";
    case ExpressionKind::kIsTrue:
      return "IS TRUE";
    case ExpressionKind::kIsFalse:
      return "IS FALSE";
    case ExpressionKind::kIsUnknown:
      return "IS UNKNOWN";
    case ExpressionKind::kIsNotTrue:
      return "IS NOT TRUE";
    case ExpressionKind::kIsNotFalse:
      return "IS NOT FALSE";
    case ExpressionKind::kIsNotUnknown:
      return "IS NOT UNKNOWN";
    default:
      return "";
  }
}

std::string LikeName(const Expression& e) {
  const char* word = e.kind == ExpressionKind::kLike    ? "LIKE"
                     : e.kind == ExpressionKind::kILike ? "ILIKE"
                                                        : "SIMILAR TO";
  return fmt::format("{}{}{}{}", e.negated ? "NOT " : "", word, e.text.empty() ? "" : " ESCAPE ",
                     e.text);
}

bool IsNullLiteral(const Expression& e) {
  return e.kind == ExpressionKind::kLiteral && e.literal != nullptr && !e.literal->is_valid;
}

}  // namespace

Result<std::vector<TermId>> MeaningReader::Exprs(const std::vector<Expression>& expressions,
                                                 const Scope& scope) {
  std::vector<TermId> terms;
  terms.reserve(expressions.size());
  for (const Expression& expression : expressions) {
    WEIR_ASSIGN_OR_RETURN(const TermId term, Expr(expression, scope));
    terms.push_back(term);
  }
  return terms;
}

Result<TermId> MeaningReader::SortKeys(const std::vector<SortKey>& keys, const Scope& scope) {
  std::vector<TermId> terms;
  std::set<TermId> sorted_by;
  for (const SortKey& key : keys) {
    WEIR_ASSIGN_OR_RETURN(const TermId term, Expr(key.expression, scope));
    // Where a key stands again, the rows that it would order are equal in it.
    if (!sorted_by.insert(term).second) continue;
    terms.push_back(terms_.Make(TermKind::kCall,
                                fmt::format("{} nulls {}", key.ascending ? "asc" : "desc",
                                            key.nulls_first ? "first" : "last"),
                                {term}));
  }
  return terms_.Make(TermKind::kCall, "ORDER BY", std::move(terms));
}

TermId MeaningReader::Literal(const Expression& e) {
  const auto type = e.literal ? e.literal->type : e.type;
  return terms_.Make(TermKind::kClosed,
                     fmt::format("{} {}", e.text, type ? TypeName(*type) : "of its own"), {});
}

Result<TermId> MeaningReader::Expr(const Expression& e, const Scope& scope) {
  switch (e.kind) {
    case ExpressionKind::kColumn:
      return Resolve(e, scope);
    case ExpressionKind::kAlias:
      return Expr(e.inputs[0], scope);
    case ExpressionKind::kLiteral:
      return Literal(e);
    case ExpressionKind::kBinary:
      return Binary(e, scope);
    case ExpressionKind::kNot: {
      WEIR_ASSIGN_OR_RETURN(const TermId input, Expr(e.inputs[0], scope));
      return Negated(input);
    }
    case ExpressionKind::kBetween: {
      WEIR_ASSIGN_OR_RETURN(const auto inputs, Exprs(e.inputs, scope));
      const TermId between = terms_.MakeSet(
          "AND", {Binary(">=", inputs[0], inputs[1]), Binary("<=", inputs[0], inputs[2])});
      return e.negated ? Negated(between) : between;
    }
    case ExpressionKind::kInList: {
      WEIR_ASSIGN_OR_RETURN(const auto inputs, Exprs(e.inputs, scope));
      std::vector<TermId> tests;
      for (size_t i = 1; i < inputs.size(); ++i)
        tests.push_back(Binary(e.negated ? "<>" : "=", inputs[0], inputs[i]));
      return terms_.MakeSet(e.negated ? "AND" : "OR", tests);
    }
    case ExpressionKind::kCase:
      return Case(e, scope);
    case ExpressionKind::kCast:
    case ExpressionKind::kTryCast: {
      WEIR_ASSIGN_OR_RETURN(const TermId input, Expr(e.inputs[0], scope));
      // A type that has no counterpart here is taken for no other.
      const std::string type = e.type == nullptr || e.type->id() == arrow::Type::NA
                                   ? fmt::format("unknown {}", ++unknown_types_)
                                   : TypeName(*e.type);
      return terms_.Make(TermKind::kCall,
                         (e.kind == ExpressionKind::kCast ? "CAST TO " : "TRY_CAST TO ") + type,
                         {input});
    }
    case ExpressionKind::kLike:
    case ExpressionKind::kILike:
    case ExpressionKind::kSimilarTo: {
      WEIR_ASSIGN_OR_RETURN(auto inputs, Exprs(e.inputs, scope));
      return terms_.Make(TermKind::kCall, LikeName(e), std::move(inputs));
    }
    case ExpressionKind::kScalarFunction:
    case ExpressionKind::kHigherOrderFunction:
    case ExpressionKind::kAggregateFunction:
    case ExpressionKind::kWindowFunction:
      return Function(e, scope);
    case ExpressionKind::kLambda:
    case ExpressionKind::kLambdaVariable:
      return Lambda(e, scope);
    case ExpressionKind::kScalarSubquery: {
      WEIR_ASSIGN_OR_RETURN(const Meaning meaning, Read(*e.subquery));
      return terms_.Make(TermKind::kClosed, "subquery", {Rows(meaning)});
    }
    case ExpressionKind::kPlaceholder:
      return terms_.Make(TermKind::kClosed, "parameter " + e.name, {});
    case ExpressionKind::kGroupingSets:
    case ExpressionKind::kCube:
    case ExpressionKind::kRollup:
    case ExpressionKind::kUnnest:
      return Status::User(StatusCode::kUnsupported, "the expression is not compared: `{}`",
                          ToText(e));
    default: {
      WEIR_ASSIGN_OR_RETURN(const TermId input, Expr(e.inputs[0], scope));
      return terms_.Make(TermKind::kCall, std::string(UnaryName(e.kind)), {input});
    }
  }
}

Result<TermId> MeaningReader::Binary(const Expression& e, const Scope& scope) {
  WEIR_ASSIGN_OR_RETURN(const auto inputs, Exprs(e.inputs, scope));
  if (e.name == "AND" || e.name == "OR") return terms_.MakeSet(e.name, inputs);
  TermId term = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i) term = Binary(e.name, term, inputs[i]);
  return term;
}

TermId MeaningReader::Binary(const std::string& name, TermId left, TermId right) {
  if (name == ">") return terms_.Make(TermKind::kCall, "<", {right, left});
  if (name == ">=") return terms_.Make(TermKind::kCall, "<=", {right, left});
  if (IsUnordered(name)) return terms_.MakeUnordered(name, {left, right});
  return terms_.Make(TermKind::kCall, name, {left, right});
}

TermId MeaningReader::Negated(TermId term) {
  const auto inner = terms_[term];
  if (inner.label == "=" && inner.children.size() == 2)
    return terms_.MakeUnordered("<>", inner.children);
  if (inner.label == "<>" && inner.children.size() == 2)
    return terms_.MakeUnordered("=", inner.children);
  return terms_.Make(TermKind::kCall, "NOT", {term});
}

Result<TermId> MeaningReader::Case(const Expression& e, const Scope& scope) {
  WEIR_ASSIGN_OR_RETURN(const auto inputs, Exprs(e.inputs, scope));
  std::vector<TermId> parts;
  const size_t first = e.has_base ? 1 : 0;
  const size_t end = inputs.size() - (e.has_else ? 1 : 0);
  for (size_t i = first; i + 1 < end; i += 2) {
    parts.push_back(e.has_base ? Binary("=", inputs[0], inputs[i]) : inputs[i]);
    parts.push_back(inputs[i + 1]);
  }
  if (e.has_else && !IsNullLiteral(e.inputs.back())) parts.push_back(inputs.back());
  return terms_.Make(TermKind::kCall, "CASE", std::move(parts));
}

Result<TermId> MeaningReader::Function(const Expression& e, const Scope& scope) {
  if (e.name == "random" || e.name == "uuid") random_function_ = e.name;
  WEIR_ASSIGN_OR_RETURN(auto parts, Exprs(e.inputs, scope));
  const size_t arguments = parts.size();
  if (!e.filter.empty()) {
    WEIR_ASSIGN_OR_RETURN(const TermId filter, Expr(e.filter[0], scope));
    parts.push_back(terms_.Make(TermKind::kCall, "FILTER", {filter}));
  }
  if (!e.order_by.empty()) {
    WEIR_ASSIGN_OR_RETURN(const TermId order, SortKeys(e.order_by, scope));
    parts.push_back(order);
  }
  std::string label = e.name;
  if (e.kind == ExpressionKind::kWindowFunction) {
    WEIR_ASSIGN_OR_RETURN(const auto keys, Exprs(e.partition_by, scope));
    if (!keys.empty())
      parts.push_back(terms_.Make(TermKind::kCall, "PARTITION BY", {terms_.MakeSet("keys", keys)}));
    label += " OVER " + e.text;
  }
  if (e.is_aggregate) label += " (aggregate)";
  if (e.distinct) label += " DISTINCT";
  if (e.ignore_nulls) label += " IGNORE NULLS";
  // Arguments and what follows them must not be taken for each other.
  if (arguments != parts.size()) label += fmt::format(" of {}", arguments);
  return terms_.Make(TermKind::kCall, std::move(label), std::move(parts));
}

Result<TermId> MeaningReader::Lambda(const Expression& e, const Scope& scope) {
  if (e.kind == ExpressionKind::kLambda) {
    std::vector<std::string> parameters;
    for (size_t from = 0; from <= e.text.size();) {
      const size_t comma = std::min(e.text.find(", ", from), e.text.size());
      parameters.push_back(e.text.substr(from, comma - from));
      from = comma + 2;
    }
    const size_t count = parameters.size();
    lambdas_.push_back(std::move(parameters));
    auto body = Expr(e.inputs[0], scope);
    lambdas_.pop_back();
    WEIR_RETURN_NOT_OK(body.status());
    return terms_.Make(TermKind::kCall, fmt::format("LAMBDA OF {}", count), {*body});
  }
  for (size_t out = 0; out < lambdas_.size(); ++out) {
    const auto& parameters = lambdas_[lambdas_.size() - 1 - out];
    const auto found = std::find(parameters.begin(), parameters.end(), e.name);
    if (found != parameters.end()) {
      return terms_.Make(TermKind::kClosed,
                         fmt::format("parameter {} of lambda {}", found - parameters.begin(), out),
                         {});
    }
  }
  return Status::User(StatusCode::kUnsupported, "a lambda has no parameter `{}`", e.name);
}

}  // namespace weir::internal
