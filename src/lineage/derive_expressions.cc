// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <memory>
#include <string>

#include "weir/lineage/deriver.h"
#include "weir/lineage/nested_values.h"

namespace weir::deriving {

namespace {

constexpr std::string_view kFieldWord = "get_field";

/// What a kind of expression does to the values of its parts.
Transformation OwnTransformation(const Expression& e) {
  if (e.kind == ExpressionKind::kAggregateFunction) return Transformation::kAggregation;
  if (e.kind == ExpressionKind::kWindowFunction) return Transformation::kWindow;
  return Transformation::kTransformation;
}

/// Whether input `i` of a CASE decides which branch is taken, instead of being its value.
bool IsCondition(const Expression& e, size_t i) {
  if (e.kind != ExpressionKind::kCase) return false;
  if (e.has_base && i == 0) return true;
  if (e.has_else && i + 1 == e.inputs.size()) return false;
  return (i - (e.has_base ? 1 : 0)) % 2 == 0;
}

}  // namespace

const Derived* Deriver::Field(const Derived& value, std::string_view name) {
  Expression* key = &made_.emplace_back();
  key->text = "'" + std::string(name) + "'";
  std::vector<const Expanded*> parts = {value.expression};
  if (value.expression->word == kFieldWord)
    parts.assign(value.expression->parts.begin(), value.expression->parts.end());
  parts.push_back(arena_.New(Expanded{.written = key}));
  return PartOf(arena_, value, name,
                arena_.New(Expanded{.word = kFieldWord, .parts = arena_.Copy(parts)}));
}

const Derived* Deriver::Element(const Derived& list) {
  const auto parts = arena_.NewArray<const Expanded*>(1);
  parts[0] = list.expression;
  const Expanded* expression = arena_.New(Expanded{.word = "UNNEST", .parts = parts});
  Derived element =
      *Changed(*PartOf(arena_, list, kElement, expression), Transformation::kTransformation);
  element.expression = expression;
  return arena_.New(element);
}

void Deriver::AddUse(const Derived& value, ColumnUse use, Inputs& out) {
  out = arena_.Union(out, arena_.As(value.inputs, use, Transformation::kIdentity));
}

Status Deriver::Use(const Expression& expression, const Scope& scope, ColumnUse use, Inputs& out) {
  WEIR_ASSIGN_OR_RETURN(const Derived* derived, Evaluate(expression, scope));
  AddUse(*derived, use, out);
  return Status::OK();
}

Result<DerivedColumns> Deriver::EvaluateAll(const std::vector<Expression>& expressions,
                                            size_t begin, const Scope& scope,
                                            DerivedColumns first) {
  const auto columns = arena_.NewArray<const Derived*>(first.size() + expressions.size() - begin);
  auto next = std::copy(first.begin(), first.end(), columns.begin());
  for (size_t i = begin; i < expressions.size(); ++i) {
    const Expression& expression = WithoutAlias(expressions[i]);
    if (expression.kind == ExpressionKind::kColumn) {
      WEIR_ASSIGN_OR_RETURN(*next++, scope.Resolve(expression));
    } else {
      WEIR_ASSIGN_OR_RETURN(*next++, Evaluate(expression, scope));
    }
  }
  return columns;
}

Result<const Derived*> Deriver::Evaluate(const Expression& e, const Scope& scope) {
  switch (e.kind) {
    case ExpressionKind::kColumn:
      return EvaluateColumn(e, scope);
    case ExpressionKind::kAlias:
      return Evaluate(e.inputs[0], scope);
    case ExpressionKind::kLiteral:
    case ExpressionKind::kPlaceholder:
    case ExpressionKind::kLambdaVariable:
      return arena_.New(Derived{.parts = {}, .expression = arena_.New(Expanded{.written = &e})});
    case ExpressionKind::kScalarSubquery:
      return EvaluateSubquery(e);
    default:
      return EvaluateParts(e, scope);
  }
}

Result<const Derived*> Deriver::EvaluateColumn(const Expression& e, const Scope& scope) {
  WEIR_ASSIGN_OR_RETURN(const Derived* column, scope.Resolve(e));
  if (column->size <= kReadableParts) return column;
  Derived derived = *column;
  derived.expression = arena_.New(Expanded{.written = &e});
  derived.size = 1;
  return arena_.New(derived);
}

Result<const Derived*> Deriver::EvaluateSubquery(const Expression& e) {
  Inputs influences;
  WEIR_ASSIGN_OR_RETURN(const DerivedColumns columns, Node(*e.subquery, influences));
  if (columns.size() != 1)
    return Status::Bug("a scalar subquery puts out {} columns", columns.size());
  Derived derived = *columns[0];
  derived.transformation = std::max(derived.transformation, Transformation::kTransformation);
  derived.inputs = arena_.Union(
      arena_.As(derived.inputs, ColumnUse::kValue, Transformation::kTransformation), influences);
  derived.is_place = false;
  derived.parts = {};
  const auto parts = arena_.NewArray<const Expanded*>(1);
  parts[0] = columns[0]->expression;
  derived.expression = arena_.New(Expanded{.written = &e, .parts = parts});
  return arena_.New(derived);
}

Status Deriver::AddPart(const Scope& scope, ColumnUse use, Transformation own,
                        const Expression& part, Whole& whole) {
  WEIR_ASSIGN_OR_RETURN(const Derived* derived, Evaluate(part, scope));
  whole.derived.inputs = arena_.Union(whole.derived.inputs, arena_.As(derived->inputs, use, own));
  whole.derived.size += derived->size;
  whole.derived.transformation = std::max(whole.derived.transformation, derived->transformation);
  whole.parts.push_back(derived->expression);
  if (use == ColumnUse::kValue) whole.inputs.push_back(derived);
  return Status::OK();
}

Result<const Derived*> Deriver::EvaluateParts(const Expression& e, const Scope& scope) {
  if (IsFieldAccess(e)) return EvaluateField(e, scope);
  const auto whole = std::make_unique<Whole>();
  whole->derived.transformation =
      e.inputs.empty() ? Transformation::kTransformation : Transformation::kLiteral;
  const Transformation own = OwnTransformation(e);
  for (size_t i = 0; i < e.inputs.size(); ++i) {
    const ColumnUse use = IsCondition(e, i) ? ColumnUse::kCondition : ColumnUse::kValue;
    WEIR_RETURN_NOT_OK(AddPart(scope, use, own, e.inputs[i], *whole));
  }
  for (const Expression& part : e.filter)
    WEIR_RETURN_NOT_OK(AddPart(scope, ColumnUse::kFilter, own, part, *whole));
  for (const Expression& part : e.partition_by)
    WEIR_RETURN_NOT_OK(AddPart(scope, ColumnUse::kPartition, own, part, *whole));
  for (const SortKey& key : e.order_by)
    WEIR_RETURN_NOT_OK(AddPart(scope, ColumnUse::kOrder, own, key.expression, *whole));
  return Finished(e, own, *whole);
}

const Derived* Deriver::Finished(const Expression& e, Transformation own, Whole& whole) {
  Derived& derived = whole.derived;
  if (own != Transformation::kTransformation ||
      derived.transformation == Transformation::kIdentity) {
    derived.transformation = std::max(derived.transformation, own);
  }
  derived.expression = arena_.New(Expanded{.written = &e, .parts = arena_.Copy(whole.parts)});
  if (IsElementAccess(e)) {
    const std::string index = "[" + e.inputs[1].text + "]";
    return PartOf(arena_, *whole.inputs[0], index, derived.expression);
  }
  derived.parts = PartsBuilt(arena_, e, whole.inputs);
  if (e.kind == ExpressionKind::kAggregateFunction && e.name == "array_agg" &&
      whole.inputs.size() == 1)
    derived.parts = {arena_.New(Part{kElement, Gathered(*whole.inputs[0], derived)}), 1};
  return arena_.New(derived);
}

const Derived* Deriver::Gathered(const Derived& value, const Derived& list) {
  Inputs others;
  for (const Input& input : list.inputs) {
    if (input.use() != ColumnUse::kValue) others = arena_.Union(others, arena_.One(input));
  }
  return WithInputs(*Changed(value, Transformation::kAggregation), others);
}

Result<const Derived*> Deriver::EvaluateField(const Expression& e, const Scope& scope) {
  WEIR_ASSIGN_OR_RETURN(const Derived* value, Evaluate(e.inputs[0], scope));
  for (const std::string_view key : FieldKeys(e)) value = Field(*value, key);
  return value;
}

}  // namespace weir::deriving
