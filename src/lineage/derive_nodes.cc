// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <set>
#include <string>

#include <arrow/type.h>

#include "weir/lineage/deriver.h"
#include "weir/lineage/nested_values.h"

namespace weir::deriving {

namespace {

/// Where the sides of a join go.
enum class Shape { kBoth, kLeft, kRight };

Shape ShapeOf(std::string_view join_type) {
  const bool one_side =
      join_type.ends_with("Semi") || join_type.ends_with("Anti") || join_type.ends_with("Mark");
  if (!one_side) return Shape::kBoth;
  return join_type.starts_with("Right") ? Shape::kRight : Shape::kLeft;
}

bool IsGroupingSet(const Expression& expression) {
  return expression.kind == ExpressionKind::kGroupingSets ||
         expression.kind == ExpressionKind::kCube || expression.kind == ExpressionKind::kRollup;
}

}  // namespace

Result<DerivedColumns> Deriver::Node(const LogicalPlan& plan, Inputs& influences) {
  WEIR_ASSIGN_OR_RETURN(DerivedColumns columns, Columns(plan, influences));
  if (columns.size() != plan.outputs.size()) {
    return Status::Bug("the node {} puts out {} columns, but {} were derived", ToString(plan.kind),
                       plan.outputs.size(), columns.size());
  }
  return columns;
}

Result<DerivedColumns> Deriver::Columns(const LogicalPlan& plan, Inputs& influences) {
  switch (plan.kind) {
    case PlanKind::kScan:
      return ScanColumns(plan, influences);
    case PlanKind::kJoin:
      return JoinColumns(plan, influences);
    case PlanKind::kUnion:
      return UnionColumns(plan, influences);
    case PlanKind::kRecursiveQuery:
      return RecursiveColumns(plan, influences);
    case PlanKind::kWorkTable:
      return WorkTableColumns(plan);
    case PlanKind::kValues:
      return ValuesColumns(plan);
    case PlanKind::kEmptyRelation:
      return EmptyColumns(plan);
    case PlanKind::kProjection:
    case PlanKind::kFilter:
    case PlanKind::kAggregate:
    case PlanKind::kWindow:
    case PlanKind::kSort:
    case PlanKind::kLimit:
    case PlanKind::kDistinct:
    case PlanKind::kDistinctOn:
    case PlanKind::kUnnest:
    case PlanKind::kSubqueryAlias:
    case PlanKind::kRepartition:
      return SingleInputColumns(plan, influences);
  }
  return Status::Bug("lineage does not know the plan node `{}`", ToString(plan.kind));
}

Result<DerivedColumns> Deriver::SingleInputColumns(const LogicalPlan& plan, Inputs& influences) {
  WEIR_ASSIGN_OR_RETURN(const Side side, SideOf(*plan.inputs[0], influences));
  return ColumnsOver(plan, side, influences);
}

Result<DerivedColumns> Deriver::ColumnsOver(const LogicalPlan& plan, const Side& side,
                                            Inputs& influences) {
  const Scope scope(ToString(plan.kind), side);
  for (const SortKey& key : plan.sort_keys)
    WEIR_RETURN_NOT_OK(Use(key.expression, scope, ColumnUse::kOrder, influences));
  switch (plan.kind) {
    case PlanKind::kProjection:
      return EvaluateAll(plan.expressions, 0, scope, {});
    case PlanKind::kFilter:
      WEIR_RETURN_NOT_OK(Use(plan.expressions[0], scope, ColumnUse::kFilter, influences));
      return side.columns;
    case PlanKind::kAggregate:
      return AggregateColumns(plan, scope, influences);
    case PlanKind::kWindow:
      return EvaluateAll(plan.expressions, 0, scope, side.columns);
    case PlanKind::kDistinct:
      for (const Derived* column : side.columns) AddUse(*column, ColumnUse::kGroupKey, influences);
      return side.columns;
    case PlanKind::kDistinctOn:
      for (size_t i = 0; i < plan.group_count; ++i) {
        WEIR_RETURN_NOT_OK(Use(plan.expressions[i], scope, ColumnUse::kGroupKey, influences));
      }
      return EvaluateAll(plan.expressions, plan.group_count, scope, {});
    case PlanKind::kUnnest:
      return UnnestColumns(plan, scope, influences);
    default:  // Sort, Limit, SubqueryAlias, Repartition: the columns as they are.
      return side.columns;
  }
}

Result<Side> Deriver::SideOf(const LogicalPlan& input, Inputs& influences) {
  WEIR_ASSIGN_OR_RETURN(const DerivedColumns columns, Node(input, influences));
  return Side{.names = &input.outputs, .columns = columns};
}

const Derived* Deriver::SourceColumn(const Scan& scan, std::string_view name) {
  const uint32_t source = arena_.SourceOf(scan.table, name);
  return arena_.New(
      Derived{.transformation = Transformation::kIdentity,
              .is_place = true,
              .place = source,
              .inputs = arena_.One({source, ColumnUse::kValue, Transformation::kIdentity}),
              .parts = {},
              .expression = arena_.New(Expanded{.relation = scan.table, .name = name})});
}

Result<DerivedColumns> Deriver::ScanColumns(const LogicalPlan& plan, Inputs& influences) {
  const Scan& scan = *plan.scan;
  if (scan.table.starts_with("$")) return EmptyColumns(plan);
  auto& required = required_columns_[scan.table];
  required.insert(required.end(), scan.columns.begin(), scan.columns.end());
  const auto columns = arena_.NewArray<const Derived*>(scan.columns.size());
  for (size_t i = 0; i < columns.size(); ++i) columns[i] = SourceColumn(scan, scan.columns[i]);
  if (!plan.expressions.empty())
    WEIR_RETURN_NOT_OK(UseScanFilters(plan, scan, required, influences));
  return columns;
}

Status Deriver::UseScanFilters(const LogicalPlan& plan, const Scan& scan,
                               std::vector<std::string_view>& required, Inputs& influences) {
  std::vector<OutputColumn> names;
  std::vector<const Derived*> columns;
  Status status;
  for (const Expression& filter : plan.expressions) {
    VisitExpression(filter, [&](const Expression& part) {
      if (part.kind != ExpressionKind::kColumn) return;
      if (scan.schema->GetFieldIndex(part.name) < 0) {
        status = Status::Bug("no input of the node Scan provides the column `{}`", ToText(part));
        return;
      }
      required.push_back(part.name);
      names.push_back({.relation = std::nullopt, .name = part.name});
      columns.push_back(SourceColumn(scan, part.name));
    });
  }
  WEIR_RETURN_NOT_OK(status);
  Scope scope("Scan", {.names = &names, .columns = columns});
  scope.IgnoreRelations();
  for (const Expression& filter : plan.expressions)
    WEIR_RETURN_NOT_OK(Use(filter, scope, ColumnUse::kFilter, influences));
  return Status::OK();
}

Result<DerivedColumns> Deriver::JoinColumns(const LogicalPlan& plan, Inputs& influences) {
  JoinSides sides;
  WEIR_ASSIGN_OR_RETURN(sides.left, SideOf(*plan.inputs[0], sides.left_influences));
  WEIR_ASSIGN_OR_RETURN(sides.right, SideOf(*plan.inputs[1], sides.right_influences));
  return JoinedColumns(plan, sides, influences);
}

Result<DerivedColumns> Deriver::JoinedColumns(const LogicalPlan& plan, JoinSides& sides,
                                              Inputs& influences) {
  const Scope left("Join", sides.left), right("Join", sides.right);
  std::vector<size_t> right_keys;
  const size_t keys = plan.expressions.size() - (plan.has_filter ? 1 : 0);
  for (size_t i = 0; i + 1 < keys; i += 2) {
    WEIR_RETURN_NOT_OK(Use(plan.expressions[i], left, ColumnUse::kJoinKey, sides.conditions));
    WEIR_RETURN_NOT_OK(Use(plan.expressions[i + 1], right, ColumnUse::kJoinKey, sides.conditions));
    const Expression& key = WithoutAlias(plan.expressions[i + 1]);
    if (key.kind != ExpressionKind::kColumn) continue;
    WEIR_ASSIGN_OR_RETURN(const size_t output, right.Find(key));
    right_keys.push_back(output);
  }
  if (plan.has_filter) {
    Scope both("Join", sides.left);
    both.Add(sides.right);
    WEIR_RETURN_NOT_OK(Use(plan.expressions.back(), both, ColumnUse::kFilter, sides.conditions));
  }
  if (plan.text.ends_with("Mark")) return MarkedColumns(plan, sides, influences);
  std::sort(right_keys.begin(), right_keys.end());
  if (plan.text == "Left" && IsUniqueBy(*plan.inputs[1], right_keys))
    return LookedUpColumns(sides, influences);

  for (const Inputs& inputs : {sides.left_influences, sides.right_influences, sides.conditions})
    influences = arena_.Union(influences, inputs);
  switch (ShapeOf(plan.text)) {
    case Shape::kLeft:
      return sides.left.columns;
    case Shape::kRight:
      return sides.right.columns;
    case Shape::kBoth:
      return Concatenated(sides.left.columns, sides.right.columns);
  }
  return Status::Bug("lineage does not know the join `{}`", plan.text);
}

DerivedColumns Deriver::Concatenated(DerivedColumns a, DerivedColumns b) {
  const auto all = arena_.NewArray<const Derived*>(a.size() + b.size());
  std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), all.begin()));
  return all;
}

DerivedColumns Deriver::MarkedColumns(const LogicalPlan& plan, const JoinSides& sides,
                                      Inputs& influences) {
  const bool is_left = ShapeOf(plan.text) == Shape::kLeft;
  influences = arena_.Union(influences, is_left ? sides.left_influences : sides.right_influences);
  const Derived* mark =
      arena_.New(Derived{.transformation = Transformation::kTransformation,
                         .inputs = arena_.Union(sides.conditions, is_left ? sides.right_influences
                                                                          : sides.left_influences),
                         .parts = {},
                         .expression = arena_.New(Expanded{.word = "mark"})});
  const auto marks = arena_.NewArray<const Derived*>(1);
  marks[0] = mark;
  return Concatenated(is_left ? sides.left.columns : sides.right.columns, marks);
}

DerivedColumns Deriver::LookedUpColumns(const JoinSides& sides, Inputs& influences) {
  influences = arena_.Union(influences, sides.left_influences);
  const Inputs more = arena_.Union(sides.right_influences, sides.conditions);
  const auto right = arena_.NewArray<const Derived*>(sides.right.columns.size());
  for (size_t i = 0; i < right.size(); ++i) right[i] = WithInputs(*sides.right.columns[i], more);
  return Concatenated(sides.left.columns, right);
}

const Derived* Deriver::WithInputs(const Derived& column, Inputs more) {
  Derived touched = column;
  touched.inputs = arena_.Union(column.inputs, more);
  std::vector<Part> parts;
  for (const Part& part : column.parts) parts.push_back({part.name, WithInputs(*part.value, more)});
  touched.parts = arena_.Copy(parts);
  // Even a literal is NULL where there is no partner.
  if (!touched.inputs.empty() && touched.transformation == Transformation::kLiteral)
    touched.transformation = Transformation::kTransformation;
  return arena_.New(touched);
}

const Derived* Deriver::Changed(const Derived& column, Transformation transformation) {
  Derived changed = column;
  changed.transformation = std::max(column.transformation, transformation);
  changed.inputs = arena_.As(column.inputs, ColumnUse::kValue, transformation);
  std::vector<Part> parts;
  for (const Part& part : column.parts)
    parts.push_back({part.name, Changed(*part.value, transformation)});
  changed.parts = arena_.Copy(parts);
  return arena_.New(changed);
}

Result<DerivedColumns> Deriver::UnionColumns(const LogicalPlan& plan, Inputs& influences) {
  std::vector<const Derived*> columns;
  for (const auto& input : plan.inputs) {
    WEIR_ASSIGN_OR_RETURN(const DerivedColumns branch, Node(*input, influences));
    if (columns.empty()) {
      columns.assign(branch.begin(), branch.end());
      continue;
    }
    if (branch.size() != columns.size()) {
      return Status::Bug("the branches of a Union put out {} and {} columns", columns.size(),
                         branch.size());
    }
    for (size_t i = 0; i < columns.size(); ++i)
      columns[i] = Merged(arena_, "union", *columns[i], *branch[i]);
  }
  return arena_.Copy(columns);
}

Result<DerivedColumns> Deriver::RecursiveColumns(const LogicalPlan& plan, Inputs& influences) {
  WEIR_ASSIGN_OR_RETURN(const DerivedColumns first, Node(*plan.inputs[0], influences));
  const std::vector<OutputColumn>& names = plan.inputs[0]->outputs;
  std::vector<const Derived*> columns(first.begin(), first.end());
  const Side outer = work_tables_[plan.name];
  for (bool grows = true; grows;) {
    const auto seen = arena_.NewArray<const Derived*>(columns.size());
    for (size_t i = 0; i < seen.size(); ++i) {
      Derived column = *columns[i];
      column.expression = arena_.New(Expanded{.relation = plan.name, .name = names[i].name});
      column.size = 1;
      column.parts = {};
      column.is_place = false;
      seen[i] = arena_.New(column);
    }
    work_tables_[plan.name] = {.names = &names, .columns = seen};
    WEIR_ASSIGN_OR_RETURN(const DerivedColumns step, Node(*plan.inputs[1], influences));
    if (step.size() != columns.size()) {
      return Status::Bug("the terms of the recursive query `{}` put out {} and {} columns",
                         plan.name, columns.size(), step.size());
    }
    grows = false;
    for (size_t i = 0; i < columns.size(); ++i) {
      Derived merged = *Merged(arena_, "recursive", *first[i], *step[i]);
      merged.inputs = arena_.Union(merged.inputs, columns[i]->inputs);
      merged.transformation = std::max(merged.transformation, columns[i]->transformation);
      merged.parts = {};
      merged.is_place = false;
      grows = grows || merged.inputs.size() != columns[i]->inputs.size() ||
              merged.transformation != columns[i]->transformation;
      columns[i] = arena_.New(merged);
    }
  }
  work_tables_[plan.name] = outer;
  if (plan.distinct) {
    for (const Derived* column : columns) AddUse(*column, ColumnUse::kGroupKey, influences);
  }
  return arena_.Copy(columns);
}

Result<DerivedColumns> Deriver::WorkTableColumns(const LogicalPlan& plan) {
  const Side& table = work_tables_[plan.name];
  const auto columns = arena_.NewArray<const Derived*>(plan.outputs.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    size_t at = 0;
    while (at < table.columns.size() && (*table.names)[at].name != plan.outputs[i].name) ++at;
    if (at == table.columns.size()) {
      return Status::Bug("the work table `{}` has no column `{}`", plan.name, plan.outputs[i].name);
    }
    columns[i] = table.columns[at];
  }
  return columns;
}

Result<DerivedColumns> Deriver::ValuesColumns(const LogicalPlan& plan) {
  const size_t width = plan.outputs.size();
  const Scope none("Values");
  WEIR_ASSIGN_OR_RETURN(const DerivedColumns cells, EvaluateAll(plan.expressions, 0, none, {}));
  if (width == 0 || cells.size() % width != 0) {
    return Status::Bug("{} cells of Values do not fill rows of {} columns", cells.size(), width);
  }
  const auto columns = arena_.NewArray<const Derived*>(width);
  for (size_t i = 0; i < width; ++i) {
    Derived column;
    std::vector<const Expanded*> expressions;
    for (size_t cell = i; cell < cells.size(); cell += width) {
      column.transformation = std::max(column.transformation, cells[cell]->transformation);
      column.inputs = arena_.Union(column.inputs, cells[cell]->inputs);
      if (expressions.size() < kReadableParts) expressions.push_back(cells[cell]->expression);
    }
    column.size = static_cast<uint32_t>(expressions.size());
    column.expression = arena_.New(Expanded{.word = "values", .parts = arena_.Copy(expressions)});
    columns[i] = arena_.New(column);
  }
  return columns;
}

DerivedColumns Deriver::EmptyColumns(const LogicalPlan& plan) {
  const Derived* nothing =
      arena_.New(Derived{.parts = {}, .expression = arena_.New(Expanded{.name = "NULL"})});
  const auto columns = arena_.NewArray<const Derived*>(plan.outputs.size());
  std::fill(columns.begin(), columns.end(), nothing);
  return columns;
}

Result<DerivedColumns> Deriver::AggregateColumns(const LogicalPlan& plan, const Scope& scope,
                                                 Inputs& influences) {
  std::vector<const Expression*> keys;
  const bool has_sets = plan.group_count == 1 && IsGroupingSet(plan.expressions[0]);
  // A key is put out once, however often it stands there or in however many sets.
  const bool is_repeated = has_sets || plan.expressions.size() > plan.outputs.size();
  std::set<std::string> seen;
  const auto add = [&](const Expression& key) {
    if (!is_repeated || seen.insert(ToText(key)).second) keys.push_back(&key);
  };
  if (has_sets) {
    for (const Expression& member : plan.expressions[0].inputs) add(member);
  } else {
    for (size_t i = 0; i < plan.group_count; ++i) add(plan.expressions[i]);
  }
  std::vector<const Derived*> columns;
  for (const Expression* key : keys) {
    WEIR_ASSIGN_OR_RETURN(const Derived* column, Evaluate(*key, scope));
    AddUse(*column, ColumnUse::kGroupKey, influences);
    columns.push_back(column);
  }
  if (has_sets) {
    columns.push_back(arena_.New(Derived{.transformation = Transformation::kAggregation,
                                         .parts = {},
                                         .expression = arena_.New(Expanded{.word = "grouping"})}));
  }
  return EvaluateAll(plan.expressions, plan.group_count, scope, columns);
}

Result<DerivedColumns> Deriver::UnnestColumns(const LogicalPlan& plan, const Scope& scope,
                                              Inputs& influences) {
  std::vector<const Derived*> columns;
  for (size_t i = 0; i < plan.unnest.size() && i < plan.outputs.size(); ++i) {
    const UnnestColumn& source = plan.unnest[i];
    if (source.input_index >= scope.size()) {
      return Status::Bug("an Unnest reads column {} of {}", source.input_index, scope.size());
    }
    const Derived& column = *scope.column(source.input_index);
    if (source.kind == UnnestKind::kKept) {
      columns.push_back(&column);
    } else if (source.kind == UnnestKind::kStruct) {
      const std::string_view prefix = scope.name(source.input_index).name;
      std::string_view field = plan.outputs[i].name;
      if (field.starts_with(prefix) && field.substr(prefix.size()).starts_with("."))
        field.remove_prefix(prefix.size() + 1);
      columns.push_back(Field(column, field));
    } else {
      AddUse(column, ColumnUse::kUnnest, influences);
      columns.push_back(Element(column));
    }
  }
  return arena_.Copy(columns);
}

}  // namespace weir::deriving
