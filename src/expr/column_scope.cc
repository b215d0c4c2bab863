// SPDX-License-Identifier: Apache-2.0

#include "weir/expr/column_scope.h"

#include <algorithm>
#include <cctype>

#include "weir/base/nearest.h"
#include "weir/base/sql_quotes.h"

namespace weir::expr {

namespace {

/// Whether a column of `relation` may be named by `wanted`: "f" or "raw.f", also by the last part.
bool MatchesTable(const std::optional<std::string>& relation, const std::string& wanted) {
  if (!relation) return false;
  if (*relation == wanted) return true;
  return relation->size() > wanted.size() && relation->ends_with("." + wanted);
}

std::string FullName(const OutputColumn& column) {
  return column.relation ? *column.relation + "." + column.name : column.name;
}

bool IsWildcard(const Expression& e) { return e.kind == ExpressionKind::kColumn && e.name.empty(); }

/// The engine reads a table's name in a reference as SQL text: what is no plain word is quoted.
std::string AsReferenceText(const std::string& relation) {
  const bool plain = std::all_of(relation.begin(), relation.end(), [](char c) {
    return std::islower(static_cast<unsigned char>(c)) != 0 ||
           std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
  });
  return plain ? relation : QuotedSqlName(relation);
}

}  // namespace

ColumnScope::ColumnScope(const ColumnScope& left, const ColumnScope& right)
    : columns_(left.columns_) {
  columns_.insert(columns_.end(), right.columns_.begin(), right.columns_.end());
}

std::vector<std::string> ColumnScope::Names(const Expression& e) const {
  std::vector<std::string> names;
  for (const Column& column : columns_) {
    if (column.is_repeated && !e.relation) continue;
    names.push_back(e.relation ? FullName(column.output) : column.output.name);
  }
  return names;
}

Result<size_t> ColumnScope::Find(const Expression& e) const {
  std::vector<size_t> found;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    if (column.output.name != e.name) continue;
    if (e.relation ? MatchesTable(column.output.relation, *e.relation) : !column.is_repeated)
      found.push_back(i);
  }
  if (found.size() == 1) return found[0];
  const std::string wanted = e.relation ? *e.relation + "." + e.name : e.name;
  if (found.size() > 1) {
    std::string tables;
    for (const size_t i : found)
      tables += (tables.empty() ? "`" : ", `") + FullName(columns_[i].output) + "`";
    return Status::User(StatusCode::kInvalidArgument, "the column `{}` is ambiguous, it may be {}",
                        wanted, tables)
        .WithHint("name its table: col(\"table\", \"column\")");
  }
  std::vector<std::string> names = Names(e);
  std::string hint = SuggestionHint(wanted, names);
  if (hint.empty() && !names.empty()) {
    static constexpr size_t kShown = 12;
    hint = "there are";
    for (size_t i = 0; i < std::min(kShown, names.size()); ++i)
      hint += (i == 0 ? " `" : ", `") + names[i] + "`";
    if (names.size() > kShown) hint += " …";
  }
  return Status::User(StatusCode::kNotFound, "there is no column named `{}`", wanted)
      .WithHint(std::move(hint));
}

Expression ColumnScope::Reference(size_t index) const {
  const OutputColumn& output = columns_[index].output;
  Expression e;
  e.kind = ExpressionKind::kColumn;
  e.name = output.name;
  if (output.relation) e.relation = AsReferenceText(*output.relation);
  return e;
}

std::optional<size_t> ColumnScope::IndexOf(const Expression& reference) const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (Reference(i) == reference) return i;
  }
  return std::nullopt;
}

Result<Expression> ColumnScope::Resolve(Expression e) const {
  if (IsWildcard(e)) {
    return Status::User(StatusCode::kInvalidArgument,
                        "all() stands for columns of Select and Window, not for a value");
  }
  if (e.kind == ExpressionKind::kColumn) {
    WEIR_ASSIGN_OR_RETURN(const size_t index, Find(e));
    return Reference(index);
  }
  if (e.kind == ExpressionKind::kWindowFunction && e.frame == nullptr) {
    return Status::User(StatusCode::kInvalidArgument, "the window function `{}` has no window",
                        e.name)
        .WithHint("add .Over({.partition_by = …, .order_by = …})");
  }
  WEIR_RETURN_NOT_OK(ForEachPart(e, [&](Expression& part) -> Status {
    WEIR_ASSIGN_OR_RETURN(part, Resolve(std::move(part)));
    return Status::OK();
  }));
  return e;
}

Result<Expression> ColumnScope::Resolve(const Expr& e) const {
  WEIR_RETURN_NOT_OK(e.status());
  return Resolve(e.tree());
}

Result<std::vector<Expression>> ColumnScope::Resolve(const std::vector<Expr>& expressions) const {
  std::vector<Expression> resolved;
  for (const Expr& e : expressions) {
    WEIR_ASSIGN_OR_RETURN(Expression one, Resolve(e));
    resolved.push_back(std::move(one));
  }
  return resolved;
}

Result<std::vector<SortKey>> ColumnScope::Resolve(const std::vector<SortExpr>& keys) const {
  std::vector<SortKey> resolved;
  for (const SortExpr& key : keys) {
    WEIR_ASSIGN_OR_RETURN(Expression one, Resolve(key.expression()));
    resolved.push_back({.expression = std::move(one),
                        .ascending = key.ascending(),
                        .nulls_first = key.nulls_first()});
  }
  return resolved;
}

Result<std::vector<Expression>> ColumnScope::ResolveList(
    const std::vector<Expr>& expressions) const {
  std::vector<Expression> resolved;
  for (const Expr& e : expressions) {
    WEIR_RETURN_NOT_OK(e.status());
    if (!IsWildcard(e.tree())) {
      WEIR_ASSIGN_OR_RETURN(Expression one, Resolve(e));
      resolved.push_back(std::move(one));
      continue;
    }
    const std::optional<std::string>& table = e.tree().relation;
    bool any = false;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const Column& column = columns_[i];
      if (table ? !MatchesTable(column.output.relation, *table) : column.is_repeated) continue;
      resolved.push_back(Reference(i));
      any = true;
    }
    if (table && !any)
      return Status::User(StatusCode::kNotFound, "there is no table named `{}` in this step",
                          *table);
  }
  return resolved;
}

bool IsAggregate(const Expression& e) { return e.kind == ExpressionKind::kAggregateFunction; }
bool IsWindow(const Expression& e) { return e.kind == ExpressionKind::kWindowFunction; }

std::vector<Expression> CollectCalls(const std::vector<Expression>& expressions,
                                     bool (*is_call)(const Expression&)) {
  std::vector<Expression> calls;
  const std::function<Status(Expression&)> collect = [&](Expression& e) -> Status {
    if (!is_call(e)) return ForEachPart(e, collect);
    if (std::find(calls.begin(), calls.end(), e) == calls.end()) calls.push_back(e);
    return Status::OK();
  };
  for (Expression e : expressions) (void)collect(e);
  return calls;
}

namespace {

bool CountsAllRows(const Expression& call) { return call.name == "count" && call.inputs.empty(); }

}  // namespace

Expression AsComputed(Expression call) {
  if (CountsAllRows(call)) call.inputs = {Expr(1).tree()};
  return call;
}

Expression NamedAsCalled(const Expression& call, Expression reference) {
  static constexpr std::string_view kComputed = "count(Int64(1))";
  if (!CountsAllRows(call) || !reference.name.starts_with(kComputed)) return reference;
  const std::string name = "count(*)" + reference.name.substr(kComputed.size());
  return Expr(std::move(reference)).As(name).tree();
}

Expression Replace(Expression e, const std::vector<Expression>& wanted,
                   const std::vector<Expression>& references) {
  const auto found = std::find(wanted.begin(), wanted.end(), e);
  if (found != wanted.end()) return references[static_cast<size_t>(found - wanted.begin())];
  (void)ForEachPart(e, [&](Expression& part) {
    part = Replace(std::move(part), wanted, references);
    return Status::OK();
  });
  return e;
}

Status ForEachPart(Expression& e, const std::function<Status(Expression&)>& visit) {
  for (Expression& input : e.inputs) WEIR_RETURN_NOT_OK(visit(input));
  for (Expression& input : e.filter) WEIR_RETURN_NOT_OK(visit(input));
  for (Expression& input : e.partition_by) WEIR_RETURN_NOT_OK(visit(input));
  for (SortKey& key : e.order_by) WEIR_RETURN_NOT_OK(visit(key.expression));
  return Status::OK();
}

}  // namespace weir::expr
