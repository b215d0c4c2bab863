// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <deque>
#include <map>
#include <memory>

#include <arrow/type.h>

#include "weir/lineage/derived.h"
#include "weir/lineage/lineage.h"
#include "weir/lineage/nested_values.h"
#include "weir/lineage/scope.h"

namespace weir {

namespace deriving {

namespace {

/// Parts of an expanded expression beyond which columns stay under their own name.
constexpr uint32_t kReadableParts = 120;

constexpr std::string_view kFieldWord = "get_field";

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

class Deriver {
 public:
  /// Output columns of a node. What decides about its rows goes into `influences`.
  Result<DerivedColumns> Node(const LogicalPlan& plan, Inputs& influences) {
    WEIR_ASSIGN_OR_RETURN(DerivedColumns columns, Columns(plan, influences));
    if (columns.size() != plan.outputs.size()) {
      return Status::Bug("the node {} puts out {} columns, but {} were derived",
                         ToString(plan.kind), plan.outputs.size(), columns.size());
    }
    return columns;
  }

  const Arena& arena() const { return arena_; }
  const std::map<std::string_view, std::vector<std::string_view>>& required_columns() const {
    return required_columns_;
  }

 private:
  Result<DerivedColumns> Columns(const LogicalPlan& plan, Inputs& influences) {
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

  Result<DerivedColumns> SingleInputColumns(const LogicalPlan& plan, Inputs& influences) {
    WEIR_ASSIGN_OR_RETURN(const Side side, SideOf(*plan.inputs[0], influences));
    return ColumnsOver(plan, side, influences);
  }

  // Not inlined, as others below: the frames of what calls itself for each level of a plan or an
  // expression stay small.
  [[gnu::noinline]] Result<DerivedColumns> ColumnsOver(const LogicalPlan& plan, const Side& side,
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
        for (const Derived* column : side.columns)
          AddUse(*column, ColumnUse::kGroupKey, influences);
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

  Result<Side> SideOf(const LogicalPlan& input, Inputs& influences) {
    WEIR_ASSIGN_OR_RETURN(const DerivedColumns columns, Node(input, influences));
    return Side{.names = &input.outputs, .columns = columns};
  }

  const Derived* SourceColumn(const Scan& scan, std::string_view name) {
    const uint32_t source = arena_.SourceOf(scan.table, name);
    return arena_.New(
        Derived{.transformation = Transformation::kIdentity,
                .is_place = true,
                .place = source,
                .inputs = arena_.One({source, ColumnUse::kValue, Transformation::kIdentity}),
                .parts = {},
                .expression = arena_.New(Expanded{.relation = scan.table, .name = name})});
  }

  [[gnu::noinline]] Result<DerivedColumns> ScanColumns(const LogicalPlan& plan,
                                                       Inputs& influences) {
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

  /// A scan's filters can read columns that it does not put out.
  [[gnu::noinline]] Status UseScanFilters(const LogicalPlan& plan, const Scan& scan,
                                          std::vector<std::string_view>& required,
                                          Inputs& influences) {
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

  /// What the two sides of a join bring.
  struct JoinSides {
    Side left, right;
    Inputs left_influences, right_influences, conditions;
  };

  [[gnu::noinline]] Result<DerivedColumns> JoinColumns(const LogicalPlan& plan,
                                                       Inputs& influences) {
    JoinSides sides;
    WEIR_ASSIGN_OR_RETURN(sides.left, SideOf(*plan.inputs[0], sides.left_influences));
    WEIR_ASSIGN_OR_RETURN(sides.right, SideOf(*plan.inputs[1], sides.right_influences));
    return JoinedColumns(plan, sides, influences);
  }

  [[gnu::noinline]] Result<DerivedColumns> JoinedColumns(const LogicalPlan& plan, JoinSides& sides,
                                                         Inputs& influences) {
    const Scope left("Join", sides.left), right("Join", sides.right);
    std::vector<size_t> right_keys;
    const size_t keys = plan.expressions.size() - (plan.has_filter ? 1 : 0);
    for (size_t i = 0; i + 1 < keys; i += 2) {
      WEIR_RETURN_NOT_OK(Use(plan.expressions[i], left, ColumnUse::kJoinKey, sides.conditions));
      WEIR_RETURN_NOT_OK(
          Use(plan.expressions[i + 1], right, ColumnUse::kJoinKey, sides.conditions));
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

  DerivedColumns Concatenated(DerivedColumns a, DerivedColumns b) {
    const auto all = arena_.NewArray<const Derived*>(a.size() + b.size());
    std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), all.begin()));
    return all;
  }

  /// A mark join keeps every row of one side, and says of each in one more column whether it found
  /// a partner: what decides about that touches this column only.
  DerivedColumns MarkedColumns(const LogicalPlan& plan, const JoinSides& sides,
                               Inputs& influences) {
    const bool is_left = ShapeOf(plan.text) == Shape::kLeft;
    influences = arena_.Union(influences, is_left ? sides.left_influences : sides.right_influences);
    const Derived* mark = arena_.New(
        Derived{.transformation = Transformation::kTransformation,
                .inputs = arena_.Union(sides.conditions,
                                       is_left ? sides.right_influences : sides.left_influences),
                .parts = {},
                .expression = arena_.New(Expanded{.word = "mark"})});
    const auto marks = arena_.NewArray<const Derived*>(1);
    marks[0] = mark;
    return Concatenated(is_left ? sides.left.columns : sides.right.columns, marks);
  }

  /// A left join with at most one partner keeps the left rows as they are, as a correlated scalar
  /// subquery does: what decides about the partner touches the right columns only.
  DerivedColumns LookedUpColumns(const JoinSides& sides, Inputs& influences) {
    influences = arena_.Union(influences, sides.left_influences);
    const Inputs more = arena_.Union(sides.right_influences, sides.conditions);
    const auto right = arena_.NewArray<const Derived*>(sides.right.columns.size());
    for (size_t i = 0; i < right.size(); ++i) right[i] = WithInputs(*sides.right.columns[i], more);
    return Concatenated(sides.left.columns, right);
  }

  /// The column and its parts touched by more inputs.
  const Derived* WithInputs(const Derived& column, Inputs more) {
    Derived touched = column;
    touched.inputs = arena_.Union(column.inputs, more);
    std::vector<Part> parts;
    for (const Part& part : column.parts)
      parts.push_back({part.name, WithInputs(*part.value, more)});
    touched.parts = arena_.Copy(parts);
    // Even a literal is NULL where there is no partner.
    if (!touched.inputs.empty() && touched.transformation == Transformation::kLiteral)
      touched.transformation = Transformation::kTransformation;
    return arena_.New(touched);
  }

  /// The column and its parts after something happened to their values.
  const Derived* Changed(const Derived& column, Transformation transformation) {
    Derived changed = column;
    changed.transformation = std::max(column.transformation, transformation);
    changed.inputs = arena_.As(column.inputs, ColumnUse::kValue, transformation);
    std::vector<Part> parts;
    for (const Part& part : column.parts)
      parts.push_back({part.name, Changed(*part.value, transformation)});
    changed.parts = arena_.Copy(parts);
    return arena_.New(changed);
  }

  [[gnu::noinline]] Result<DerivedColumns> UnionColumns(const LogicalPlan& plan,
                                                        Inputs& influences) {
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

  /// The recursive term sees what the static term and its own earlier rounds put out, so it is
  /// derived until nothing is added.
  [[gnu::noinline]] Result<DerivedColumns> RecursiveColumns(const LogicalPlan& plan,
                                                            Inputs& influences) {
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

  [[gnu::noinline]] Result<DerivedColumns> WorkTableColumns(const LogicalPlan& plan) {
    const Side& table = work_tables_[plan.name];
    const auto columns = arena_.NewArray<const Derived*>(plan.outputs.size());
    for (size_t i = 0; i < columns.size(); ++i) {
      size_t at = 0;
      while (at < table.columns.size() && (*table.names)[at].name != plan.outputs[i].name) ++at;
      if (at == table.columns.size()) {
        return Status::Bug("the work table `{}` has no column `{}`", plan.name,
                           plan.outputs[i].name);
      }
      columns[i] = table.columns[at];
    }
    return columns;
  }

  [[gnu::noinline]] Result<DerivedColumns> ValuesColumns(const LogicalPlan& plan) {
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

  DerivedColumns EmptyColumns(const LogicalPlan& plan) {
    const Derived* nothing =
        arena_.New(Derived{.parts = {}, .expression = arena_.New(Expanded{.name = "NULL"})});
    const auto columns = arena_.NewArray<const Derived*>(plan.outputs.size());
    std::fill(columns.begin(), columns.end(), nothing);
    return columns;
  }

  [[gnu::noinline]] Result<DerivedColumns> AggregateColumns(const LogicalPlan& plan,
                                                            const Scope& scope,
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
      columns.push_back(
          arena_.New(Derived{.transformation = Transformation::kAggregation,
                             .parts = {},
                             .expression = arena_.New(Expanded{.word = "grouping"})}));
    }
    return EvaluateAll(plan.expressions, plan.group_count, scope, columns);
  }

  [[gnu::noinline]] Result<DerivedColumns> UnnestColumns(const LogicalPlan& plan,
                                                         const Scope& scope, Inputs& influences) {
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

  const Derived* Field(const Derived& value, std::string_view name) {
    Expression* key = &made_.emplace_back();
    key->text = "'" + std::string(name) + "'";
    std::vector<const Expanded*> parts = {value.expression};
    if (value.expression->word == kFieldWord)
      parts.assign(value.expression->parts.begin(), value.expression->parts.end());
    parts.push_back(arena_.New(Expanded{.written = key}));
    return PartOf(arena_, value, name,
                  arena_.New(Expanded{.word = kFieldWord, .parts = arena_.Copy(parts)}));
  }

  const Derived* Element(const Derived& list) {
    const auto parts = arena_.NewArray<const Expanded*>(1);
    parts[0] = list.expression;
    const Expanded* expression = arena_.New(Expanded{.word = "UNNEST", .parts = parts});
    Derived element =
        *Changed(*PartOf(arena_, list, kElement, expression), Transformation::kTransformation);
    element.expression = expression;
    return arena_.New(element);
  }

  /// Values that are used for something become inputs of that use; other uses stay what they are.
  void AddUse(const Derived& value, ColumnUse use, Inputs& out) {
    out = arena_.Union(out, arena_.As(value.inputs, use, Transformation::kIdentity));
  }

  Status Use(const Expression& expression, const Scope& scope, ColumnUse use, Inputs& out) {
    WEIR_ASSIGN_OR_RETURN(const Derived* derived, Evaluate(expression, scope));
    AddUse(*derived, use, out);
    return Status::OK();
  }

  /// The columns given, then those of the expressions.
  [[gnu::noinline]] Result<DerivedColumns> EvaluateAll(const std::vector<Expression>& expressions,
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

  Result<const Derived*> Evaluate(const Expression& e, const Scope& scope) {
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

  [[gnu::noinline]] Result<const Derived*> EvaluateColumn(const Expression& e, const Scope& scope) {
    WEIR_ASSIGN_OR_RETURN(const Derived* column, scope.Resolve(e));
    if (column->size <= kReadableParts) return column;
    Derived derived = *column;
    derived.expression = arena_.New(Expanded{.written = &e});
    derived.size = 1;
    return arena_.New(derived);
  }

  /// Everything inside touches the one value that comes out.
  [[gnu::noinline]] Result<const Derived*> EvaluateSubquery(const Expression& e) {
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

  /// The parts of an expression as they are evaluated.
  struct Whole {
    Derived derived;
    std::vector<const Derived*> inputs;
    std::vector<const Expanded*> parts;
  };

  /// Adds a part's inputs to those of the whole.
  [[gnu::noinline]] Status AddPart(const Scope& scope, ColumnUse use, Transformation own,
                                   const Expression& part, Whole& whole) {
    WEIR_ASSIGN_OR_RETURN(const Derived* derived, Evaluate(part, scope));
    whole.derived.inputs = arena_.Union(whole.derived.inputs, arena_.As(derived->inputs, use, own));
    whole.derived.size += derived->size;
    whole.derived.transformation = std::max(whole.derived.transformation, derived->transformation);
    whole.parts.push_back(derived->expression);
    if (use == ColumnUse::kValue) whole.inputs.push_back(derived);
    return Status::OK();
  }

  Result<const Derived*> EvaluateParts(const Expression& e, const Scope& scope) {
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

  [[gnu::noinline]] const Derived* Finished(const Expression& e, Transformation own, Whole& whole) {
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

  /// An element of the list that an aggregate gathers: a value, or its parts, with what else
  /// touches the list.
  const Derived* Gathered(const Derived& value, const Derived& list) {
    Inputs others;
    for (const Input& input : list.inputs) {
      if (input.use() != ColumnUse::kValue) others = arena_.Union(others, arena_.One(input));
    }
    return WithInputs(*Changed(value, Transformation::kAggregation), others);
  }

  [[gnu::noinline]] Result<const Derived*> EvaluateField(const Expression& e, const Scope& scope) {
    WEIR_ASSIGN_OR_RETURN(const Derived* value, Evaluate(e.inputs[0], scope));
    for (const std::string_view key : FieldKeys(e)) value = Field(*value, key);
    return value;
  }

  Arena arena_;
  std::deque<Expression> made_;
  std::map<std::string_view, Side> work_tables_;
  std::map<std::string_view, std::vector<std::string_view>> required_columns_;
};

ColumnInputs NamedInputs(const Arena& arena, Inputs inputs) {
  ColumnInputs named;
  for (const Input& input : inputs) {
    const Arena::Source& source = arena.source(input.source());
    named.insert({.table = std::string(source.table),
                  .column = std::string(source.column),
                  .path = std::string(source.path),
                  .use = input.use(),
                  .transformation = input.transformation()});
  }
  return named;
}

ColumnLineage NamedColumn(const Arena& arena, std::string_view name, const Derived& column,
                          Expressions expressions) {
  ColumnLineage lineage{.name = std::string(name),
                        .transformation = column.transformation,
                        .inputs = NamedInputs(arena, column.inputs),
                        .expression = {},
                        .is_place = column.is_place,
                        .parts = {}};
  if (expressions == Expressions::kExpanded) lineage.expression = TextOf(*column.expression);
  // Elements that are known as one only, and as nothing but the list itself, say nothing more.
  const bool is_plain_list = column.parts.size() == 1 && column.parts[0].name == kElement &&
                             column.parts[0].value->parts.empty() &&
                             !column.parts[0].value->is_place;
  if (is_plain_list) return lineage;
  for (const Part& part : column.parts)
    lineage.parts.push_back(NamedColumn(arena, part.name, *part.value, expressions));
  return lineage;
}

}  // namespace

}  // namespace deriving

Result<Lineage> DeriveLineage(const LogicalPlan& plan, Expressions expressions) {
  Lineage lineage;
  deriving::Deriver deriver;
  deriving::Inputs influences;
  WEIR_ASSIGN_OR_RETURN(const auto columns, deriver.Node(plan, influences));
  const deriving::Arena& arena = deriver.arena();
  for (size_t i = 0; i < columns.size(); ++i) {
    lineage.columns.push_back(
        deriving::NamedColumn(arena, plan.outputs[i].name, *columns[i], expressions));
  }
  lineage.row_influences = deriving::NamedInputs(arena, influences);
  for (const auto& [table, names] : deriver.required_columns())
    lineage.required_columns[std::string(table)].insert(names.begin(), names.end());
  lineage.functions = CollectFunctions(plan);
  return lineage;
}

}  // namespace weir
