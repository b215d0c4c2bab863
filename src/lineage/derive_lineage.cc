// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include <arrow/type.h>
#include <fmt/format.h>

#include "weir/lineage/lineage.h"

namespace weir {

namespace {

/// Parts of an expanded expression beyond which columns stay under their own name.
constexpr size_t kReadableParts = 120;

/// What is known about the values of one column of one node, or of an expression.
struct Derived {
  Transformation transformation = Transformation::kLiteral;
  ColumnInputs inputs;
  Expression expression;  ///< expanded
  size_t parts = 1;       ///< size of the expression
};

using DerivedColumn = std::shared_ptr<const Derived>;
using DerivedColumns = std::vector<DerivedColumn>;

/// What the columns in an expression can refer to.
struct Scope {
  std::string_view node;
  std::vector<OutputColumn> names;
  DerivedColumns columns;
  bool ignores_relations = false;
};

Expression ColumnExpression(std::optional<std::string> relation, std::string name) {
  Expression expression;
  expression.kind = ExpressionKind::kColumn;
  expression.relation = std::move(relation);
  expression.name = std::move(name);
  return expression;
}

/// A word of lineage's own in the form of a call.
Expression Word(std::string name, std::vector<Expression> inputs) {
  Expression expression;
  expression.kind = ExpressionKind::kScalarFunction;
  expression.name = std::move(name);
  expression.inputs = std::move(inputs);
  return expression;
}

/// Values that are used for something become inputs of that use; other uses stay what they are.
void AddAs(ColumnUse use, const ColumnInputs& inputs, ColumnInputs& out) {
  for (ColumnInput input : inputs) {
    if (input.use == ColumnUse::kValue) input.use = use;
    out.insert(std::move(input));
  }
}

/// Narrows a struct column to one of its fields.
Derived FieldOf(const Derived& value, const std::string& field, Expression expression) {
  Derived narrowed = value;
  narrowed.expression = std::move(expression);
  ++narrowed.parts;
  const bool is_one_column =
      value.inputs.size() == 1 && value.inputs.begin()->use == ColumnUse::kValue;
  if (value.transformation == Transformation::kIdentity && is_one_column) {
    ColumnInput input = *value.inputs.begin();
    input.path += (input.path.empty() ? "" : ".") + field;
    narrowed.inputs = {std::move(input)};
  } else {
    narrowed.transformation = std::max(narrowed.transformation, Transformation::kTransformation);
  }
  return narrowed;
}

/// Columns that stand for the same place in several branches.
Derived Merge(const char* word, const Derived& a, const Derived& b) {
  Derived merged = a;
  merged.transformation = std::max(a.transformation, b.transformation);
  merged.inputs.insert(b.inputs.begin(), b.inputs.end());
  if (ToText(a.expression) == ToText(b.expression)) return merged;
  const bool extends =
      a.expression.kind == ExpressionKind::kScalarFunction && a.expression.name == word;
  std::vector<Expression> branches =
      extends ? a.expression.inputs : std::vector<Expression>{a.expression};
  branches.push_back(b.expression);
  merged.expression = Word(word, std::move(branches));
  merged.parts = a.parts + b.parts;
  return merged;
}

class Deriver {
 public:
  /// Output columns of a node. What decides about its rows goes into `influences`.
  Result<DerivedColumns> Node(const LogicalPlan& plan, ColumnInputs& influences) {
    WEIR_ASSIGN_OR_RETURN(DerivedColumns columns, Columns(plan, influences));
    if (columns.size() != plan.outputs.size()) {
      return Status::Bug("the node {} puts out {} columns, but {} were derived",
                         ToString(plan.kind), plan.outputs.size(), columns.size());
    }
    return columns;
  }

  std::map<std::string, std::set<std::string>> TakeRequiredColumns() {
    return std::move(required_columns_);
  }

 private:
  Result<DerivedColumns> Columns(const LogicalPlan& plan, ColumnInputs& influences) {
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
      default:
        return SingleInputColumns(plan, influences);
    }
  }

  Result<DerivedColumns> SingleInputColumns(const LogicalPlan& plan, ColumnInputs& influences) {
    WEIR_ASSIGN_OR_RETURN(Scope scope, ScopeOf(plan, *plan.inputs[0], influences));
    return ColumnsOver(plan, scope, influences);
  }

  // Not inlined, as others below: the frames of what calls itself for each level of a plan or an
  // expression stay small.
  [[gnu::noinline]] Result<DerivedColumns> ColumnsOver(const LogicalPlan& plan, Scope& scope,
                                                       ColumnInputs& influences) {
    for (const SortKey& key : plan.sort_keys)
      WEIR_RETURN_NOT_OK(Use(key.expression, scope, ColumnUse::kOrder, influences));
    switch (plan.kind) {
      case PlanKind::kProjection:
        return EvaluateAll(plan.expressions, 0, scope);
      case PlanKind::kFilter:
        WEIR_RETURN_NOT_OK(Use(plan.expressions[0], scope, ColumnUse::kFilter, influences));
        return std::move(scope.columns);
      case PlanKind::kAggregate:
        return AggregateColumns(plan, scope, influences);
      case PlanKind::kWindow: {
        WEIR_ASSIGN_OR_RETURN(DerivedColumns windows, EvaluateAll(plan.expressions, 0, scope));
        DerivedColumns columns = std::move(scope.columns);
        columns.insert(columns.end(), windows.begin(), windows.end());
        return columns;
      }
      case PlanKind::kDistinct:
        for (const auto& column : scope.columns)
          AddAs(ColumnUse::kGroupKey, column->inputs, influences);
        return std::move(scope.columns);
      case PlanKind::kDistinctOn:
        for (size_t i = 0; i < plan.group_count; ++i) {
          WEIR_RETURN_NOT_OK(Use(plan.expressions[i], scope, ColumnUse::kGroupKey, influences));
        }
        return EvaluateAll(plan.expressions, plan.group_count, scope);
      case PlanKind::kUnnest:
        return UnnestColumns(plan, scope, influences);
      default:  // Sort, Limit, SubqueryAlias, Repartition: the columns as they are.
        return std::move(scope.columns);
    }
  }

  Result<Scope> ScopeOf(const LogicalPlan& plan, const LogicalPlan& input,
                        ColumnInputs& influences) {
    WEIR_ASSIGN_OR_RETURN(DerivedColumns columns, Node(input, influences));
    return Scope{
        .node = ToString(plan.kind), .names = input.outputs, .columns = std::move(columns)};
  }

  static DerivedColumn SourceColumn(const Scan& scan, const std::string& name) {
    auto column = std::make_shared<Derived>();
    column->transformation = Transformation::kIdentity;
    column->inputs.insert(
        {.table = scan.table, .column = name, .path = {}, .use = ColumnUse::kValue});
    column->expression = ColumnExpression(scan.table, name);
    return column;
  }

  [[gnu::noinline]] Result<DerivedColumns> ScanColumns(const LogicalPlan& plan,
                                                       ColumnInputs& influences) {
    const Scan& scan = *plan.scan;
    if (scan.table.starts_with("$")) return EmptyColumns(plan);
    auto& required = required_columns_[scan.table];
    required.insert(scan.columns.begin(), scan.columns.end());
    DerivedColumns columns;
    for (const std::string& name : scan.columns) columns.push_back(SourceColumn(scan, name));
    if (plan.expressions.empty()) return columns;

    Scope scope{.node = "Scan", .names = {}, .columns = {}, .ignores_relations = true};
    for (const auto& field : scan.schema->fields()) {
      scope.names.push_back({.relation = std::nullopt, .name = field->name()});
      scope.columns.push_back(SourceColumn(scan, field->name()));
    }
    for (const Expression& filter : plan.expressions) {
      WEIR_RETURN_NOT_OK(Use(filter, scope, ColumnUse::kFilter, influences));
      VisitExpression(filter, [&](const Expression& part) {
        if (part.kind == ExpressionKind::kColumn) required.insert(part.name);
      });
    }
    return columns;
  }

  [[gnu::noinline]] Result<DerivedColumns> JoinColumns(const LogicalPlan& plan,
                                                       ColumnInputs& influences) {
    WEIR_ASSIGN_OR_RETURN(const Scope left, ScopeOf(plan, *plan.inputs[0], influences));
    WEIR_ASSIGN_OR_RETURN(const Scope right, ScopeOf(plan, *plan.inputs[1], influences));
    Scope both = left;
    both.names.insert(both.names.end(), right.names.begin(), right.names.end());
    both.columns.insert(both.columns.end(), right.columns.begin(), right.columns.end());

    ColumnInputs conditions;
    const size_t keys = plan.expressions.size() - (plan.has_filter ? 1 : 0);
    for (size_t i = 0; i + 1 < keys; i += 2) {
      WEIR_RETURN_NOT_OK(Use(plan.expressions[i], left, ColumnUse::kJoinKey, conditions));
      WEIR_RETURN_NOT_OK(Use(plan.expressions[i + 1], right, ColumnUse::kJoinKey, conditions));
    }
    if (plan.has_filter)
      WEIR_RETURN_NOT_OK(Use(plan.expressions.back(), both, ColumnUse::kFilter, conditions));

    const std::string& type = plan.text;
    DerivedColumns columns =
        type.starts_with("LeftSemi") || type.starts_with("LeftAnti") || type == "LeftMark"
            ? left.columns
        : type.starts_with("RightSemi") || type.starts_with("RightAnti") || type == "RightMark"
            ? right.columns
            : both.columns;
    // A mark join keeps every row, and says of each in one more column whether it found a partner.
    if (type.ends_with("Mark")) {
      auto mark = std::make_shared<Derived>();
      mark->transformation = Transformation::kTransformation;
      mark->inputs = std::move(conditions);
      mark->expression = Word("mark", {});
      columns.push_back(std::move(mark));
    } else {
      influences.merge(conditions);
    }
    return columns;
  }

  [[gnu::noinline]] Result<DerivedColumns> UnionColumns(const LogicalPlan& plan,
                                                        ColumnInputs& influences) {
    DerivedColumns columns;
    for (const auto& input : plan.inputs) {
      WEIR_ASSIGN_OR_RETURN(DerivedColumns branch, Node(*input, influences));
      if (columns.empty()) {
        columns = std::move(branch);
        continue;
      }
      if (branch.size() != columns.size()) {
        return Status::Bug("the branches of a Union put out {} and {} columns", columns.size(),
                           branch.size());
      }
      for (size_t i = 0; i < columns.size(); ++i) {
        columns[i] = std::make_shared<Derived>(Merge("union", *columns[i], *branch[i]));
      }
    }
    return columns;
  }

  /// The recursive term sees what the static term and its own earlier rounds put out, so it is
  /// derived until nothing is added.
  [[gnu::noinline]] Result<DerivedColumns> RecursiveColumns(const LogicalPlan& plan,
                                                            ColumnInputs& influences) {
    WEIR_ASSIGN_OR_RETURN(const DerivedColumns first, Node(*plan.inputs[0], influences));
    const std::vector<OutputColumn>& names = plan.inputs[0]->outputs;
    DerivedColumns columns = first;
    const auto outer =
        work_tables_.find(plan.name) == work_tables_.end() ? WorkTable{} : work_tables_[plan.name];
    for (bool grows = true; grows;) {
      WorkTable& table = work_tables_[plan.name] = {.names = names, .columns = {}};
      for (size_t i = 0; i < columns.size(); ++i) {
        Derived seen = *columns[i];
        seen.expression = ColumnExpression(plan.name, names[i].name);
        seen.parts = 1;
        table.columns.push_back(std::make_shared<Derived>(std::move(seen)));
      }
      WEIR_ASSIGN_OR_RETURN(const DerivedColumns step, Node(*plan.inputs[1], influences));
      if (step.size() != columns.size()) {
        return Status::Bug("the terms of the recursive query `{}` put out {} and {} columns",
                           plan.name, columns.size(), step.size());
      }
      grows = false;
      for (size_t i = 0; i < columns.size(); ++i) {
        Derived merged = Merge("recursive", *first[i], *step[i]);
        merged.inputs.insert(columns[i]->inputs.begin(), columns[i]->inputs.end());
        merged.transformation = std::max(merged.transformation, columns[i]->transformation);
        grows = grows || merged.inputs != columns[i]->inputs ||
                merged.transformation != columns[i]->transformation;
        columns[i] = std::make_shared<Derived>(std::move(merged));
      }
    }
    work_tables_[plan.name] = outer;
    if (plan.distinct) {
      for (const auto& column : columns) AddAs(ColumnUse::kGroupKey, column->inputs, influences);
    }
    return columns;
  }

  [[gnu::noinline]] Result<DerivedColumns> WorkTableColumns(const LogicalPlan& plan) {
    const WorkTable& table = work_tables_[plan.name];
    DerivedColumns columns;
    for (const OutputColumn& output : plan.outputs) {
      const auto found =
          std::find_if(table.names.begin(), table.names.end(),
                       [&](const OutputColumn& name) { return name.name == output.name; });
      if (found == table.names.end()) {
        return Status::Bug("the work table `{}` has no column `{}`", plan.name, output.name);
      }
      columns.push_back(table.columns[static_cast<size_t>(found - table.names.begin())]);
    }
    return columns;
  }

  [[gnu::noinline]] Result<DerivedColumns> ValuesColumns(const LogicalPlan& plan) {
    const size_t width = plan.outputs.size();
    const Scope none{.node = "Values", .names = {}, .columns = {}};
    WEIR_ASSIGN_OR_RETURN(const DerivedColumns cells, EvaluateAll(plan.expressions, 0, none));
    if (width == 0 || cells.size() % width != 0) {
      return Status::Bug("{} cells of Values do not fill rows of {} columns", cells.size(), width);
    }
    DerivedColumns columns;
    for (size_t i = 0; i < width; ++i) {
      Derived column;
      std::vector<Expression> expressions;
      for (size_t cell = i; cell < cells.size(); cell += width) {
        column.transformation = std::max(column.transformation, cells[cell]->transformation);
        column.inputs.insert(cells[cell]->inputs.begin(), cells[cell]->inputs.end());
        if (expressions.size() < kReadableParts) expressions.push_back(cells[cell]->expression);
      }
      column.parts = expressions.size();
      column.expression = Word("values", std::move(expressions));
      columns.push_back(std::make_shared<Derived>(std::move(column)));
    }
    return columns;
  }

  static DerivedColumns EmptyColumns(const LogicalPlan& plan) {
    auto nothing = std::make_shared<Derived>();
    nothing->expression.text = "NULL";
    return DerivedColumns(plan.outputs.size(), nothing);
  }

  static bool IsGroupingSet(const Expression& expression) {
    return expression.kind == ExpressionKind::kGroupingSets ||
           expression.kind == ExpressionKind::kCube || expression.kind == ExpressionKind::kRollup;
  }

  [[gnu::noinline]] Result<DerivedColumns> AggregateColumns(const LogicalPlan& plan,
                                                            const Scope& scope,
                                                            ColumnInputs& influences) {
    std::vector<Expression> keys(
        plan.expressions.begin(),
        plan.expressions.begin() + static_cast<ptrdiff_t>(plan.group_count));
    const bool has_sets = keys.size() == 1 && IsGroupingSet(keys[0]);
    if (has_sets) {
      // Each member is put out once, however many sets it is in.
      std::set<std::string> seen;
      const std::vector<Expression> members = keys[0].inputs;
      keys.clear();
      for (const Expression& member : members) {
        if (seen.insert(ToText(member)).second) keys.push_back(member);
      }
    }
    for (const Expression& key : keys)
      WEIR_RETURN_NOT_OK(Use(key, scope, ColumnUse::kGroupKey, influences));
    WEIR_ASSIGN_OR_RETURN(DerivedColumns columns, EvaluateAll(keys, 0, scope));
    if (has_sets) {
      auto id = std::make_shared<Derived>();
      id->transformation = Transformation::kAggregation;
      id->expression = Word("grouping", {});
      columns.push_back(std::move(id));
    }
    WEIR_ASSIGN_OR_RETURN(const DerivedColumns aggregates,
                          EvaluateAll(plan.expressions, plan.group_count, scope));
    columns.insert(columns.end(), aggregates.begin(), aggregates.end());
    return columns;
  }

  [[gnu::noinline]] Result<DerivedColumns> UnnestColumns(const LogicalPlan& plan,
                                                         const Scope& scope,
                                                         ColumnInputs& influences) {
    DerivedColumns columns;
    for (size_t i = 0; i < plan.unnest.size() && i < plan.outputs.size(); ++i) {
      const UnnestColumn& source = plan.unnest[i];
      if (source.input_index >= scope.columns.size()) {
        return Status::Bug("an Unnest reads column {} of {}", source.input_index,
                           scope.columns.size());
      }
      const DerivedColumn& column = scope.columns[source.input_index];
      if (source.kind == UnnestKind::kKept) {
        columns.push_back(column);
      } else if (source.kind == UnnestKind::kStruct) {
        const std::string prefix = scope.names[source.input_index].name + ".";
        const std::string& name = plan.outputs[i].name;
        const std::string field = name.starts_with(prefix) ? name.substr(prefix.size()) : name;
        Expression key;
        key.text = "'" + field + "'";
        columns.push_back(std::make_shared<Derived>(
            FieldOf(*column, field, Word("get_field", {column->expression, key}))));
      } else {
        AddAs(ColumnUse::kUnnest, column->inputs, influences);
        Derived element = *column;
        element.transformation = std::max(element.transformation, Transformation::kTransformation);
        element.expression =
            Expression{.kind = ExpressionKind::kUnnest, .inputs = {column->expression}};
        ++element.parts;
        columns.push_back(std::make_shared<Derived>(std::move(element)));
      }
    }
    return columns;
  }

  Status Use(const Expression& expression, const Scope& scope, ColumnUse use, ColumnInputs& out) {
    WEIR_ASSIGN_OR_RETURN(const Derived derived, Evaluate(expression, scope));
    AddAs(use, derived.inputs, out);
    return Status::OK();
  }

  [[gnu::noinline]] Result<DerivedColumns> EvaluateAll(const std::vector<Expression>& expressions,
                                                       size_t begin, const Scope& scope) {
    DerivedColumns columns;
    for (size_t i = begin; i < expressions.size(); ++i) {
      const Expression& expression = WithoutAlias(expressions[i]);
      if (expression.kind == ExpressionKind::kColumn) {
        WEIR_ASSIGN_OR_RETURN(DerivedColumn column, Resolve(expression, scope));
        columns.push_back(std::move(column));
        continue;
      }
      WEIR_ASSIGN_OR_RETURN(Derived derived, Evaluate(expression, scope));
      columns.push_back(std::make_shared<Derived>(std::move(derived)));
    }
    return columns;
  }

  /// By qualifier and name; a column without qualifier prefers an output without one, then the
  /// first of its name.
  static Result<DerivedColumn> Resolve(const Expression& column, const Scope& scope) {
    size_t fallback = scope.names.size();
    for (size_t i = 0; i < scope.names.size(); ++i) {
      if (scope.names[i].name != column.name) continue;
      if (scope.ignores_relations || scope.names[i].relation == column.relation)
        return scope.columns[i];
      const bool may_stand_for =
          !column.relation ||
          (scope.names[i].relation && SameTable(*column.relation, *scope.names[i].relation));
      if (may_stand_for && fallback == scope.names.size()) fallback = i;
    }
    if (fallback < scope.names.size()) return scope.columns[fallback];
    return Status::Bug("no input of the node {} provides the column `{}`", scope.node,
                       ToText(column));
  }

  /// "t" and "public.t" are the same table.
  static bool SameTable(const std::string& a, const std::string& b) {
    return a.ends_with("." + b) || b.ends_with("." + a);
  }

  Result<Derived> Evaluate(const Expression& e, const Scope& scope) {
    switch (e.kind) {
      case ExpressionKind::kColumn:
        return EvaluateColumn(e, scope);
      case ExpressionKind::kAlias:
        return Evaluate(e.inputs[0], scope);
      case ExpressionKind::kLiteral:
      case ExpressionKind::kPlaceholder:
      case ExpressionKind::kLambdaVariable:
        return Derived{.expression = e};
      case ExpressionKind::kScalarSubquery:
        return EvaluateSubquery(e);
      default:
        return EvaluateParts(e, scope);
    }
  }

  [[gnu::noinline]] static Result<Derived> EvaluateColumn(const Expression& e, const Scope& scope) {
    WEIR_ASSIGN_OR_RETURN(const DerivedColumn column, Resolve(e, scope));
    Derived derived = *column;
    if (derived.parts > kReadableParts) {
      derived.expression = e;
      derived.parts = 1;
    }
    return derived;
  }

  /// Everything inside touches the one value that comes out.
  [[gnu::noinline]] Result<Derived> EvaluateSubquery(const Expression& e) {
    ColumnInputs influences;
    WEIR_ASSIGN_OR_RETURN(const DerivedColumns columns, Node(*e.subquery, influences));
    if (columns.size() != 1)
      return Status::Bug("a scalar subquery puts out {} columns", columns.size());
    Derived derived = *columns[0];
    derived.inputs.merge(influences);
    derived.transformation = std::max(derived.transformation, Transformation::kTransformation);
    derived.expression =
        Expression{.kind = ExpressionKind::kScalarSubquery, .inputs = {columns[0]->expression}};
    return derived;
  }

  /// Replaces a part of `whole.expression` by its expansion, and adds its inputs to those of the
  /// whole.
  [[gnu::noinline]] Status AddPart(const Scope& scope, ColumnUse use, Expression& part,
                                   Derived& whole) {
    WEIR_ASSIGN_OR_RETURN(Derived derived, Evaluate(part, scope));
    AddAs(use, derived.inputs, whole.inputs);
    whole.parts += derived.parts;
    whole.transformation = std::max(whole.transformation, derived.transformation);
    part = std::move(derived.expression);
    return Status::OK();
  }

  Result<Derived> EvaluateParts(const Expression& e, const Scope& scope) {
    if (IsFieldAccess(e)) return EvaluateField(e, scope);
    Derived whole{.transformation =
                      e.inputs.empty() ? Transformation::kTransformation : Transformation::kLiteral,
                  .expression = e};
    Expression& parts = whole.expression;
    for (Expression& part : parts.inputs)
      WEIR_RETURN_NOT_OK(AddPart(scope, ColumnUse::kValue, part, whole));
    for (Expression& part : parts.filter)
      WEIR_RETURN_NOT_OK(AddPart(scope, ColumnUse::kFilter, part, whole));
    for (Expression& part : parts.partition_by)
      WEIR_RETURN_NOT_OK(AddPart(scope, ColumnUse::kPartition, part, whole));
    for (SortKey& key : parts.order_by)
      WEIR_RETURN_NOT_OK(AddPart(scope, ColumnUse::kOrder, key.expression, whole));
    if (e.kind == ExpressionKind::kAggregateFunction) {
      whole.transformation = std::max(whole.transformation, Transformation::kAggregation);
    } else if (e.kind == ExpressionKind::kWindowFunction) {
      whole.transformation = Transformation::kWindow;
    } else if (whole.transformation == Transformation::kIdentity) {
      whole.transformation = Transformation::kTransformation;
    }
    return whole;
  }

  [[gnu::noinline]] Result<Derived> EvaluateField(const Expression& e, const Scope& scope) {
    WEIR_ASSIGN_OR_RETURN(const Derived value, Evaluate(e.inputs[0], scope));
    Expression expression = e;
    expression.inputs[0] = value.expression;
    return FieldOf(value, FieldPath(e), std::move(expression));
  }

  /// A struct's field, by literal names; one call can go down several levels.
  static bool IsFieldAccess(const Expression& e) {
    return e.kind == ExpressionKind::kScalarFunction && e.name == "get_field" &&
           e.inputs.size() >= 2 &&
           std::all_of(e.inputs.begin() + 1, e.inputs.end(), [](const Expression& name) {
             return name.kind == ExpressionKind::kLiteral && name.text.size() >= 2 &&
                    name.text.starts_with("'");
           });
  }

  static std::string FieldPath(const Expression& e) {
    std::string path;
    for (size_t i = 1; i < e.inputs.size(); ++i) {
      const std::string& text = e.inputs[i].text;
      path += (path.empty() ? "" : ".") + text.substr(1, text.size() - 2);
    }
    return path;
  }

  struct WorkTable {
    std::vector<OutputColumn> names;
    DerivedColumns columns;
  };

  std::map<std::string, WorkTable> work_tables_;
  std::map<std::string, std::set<std::string>> required_columns_;
};

}  // namespace

Result<Lineage> DeriveLineage(const LogicalPlan& plan) {
  Lineage lineage;
  Deriver deriver;
  WEIR_ASSIGN_OR_RETURN(const DerivedColumns columns, deriver.Node(plan, lineage.row_influences));
  for (size_t i = 0; i < columns.size(); ++i) {
    lineage.columns.push_back({.name = plan.outputs[i].name,
                               .transformation = columns[i]->transformation,
                               .inputs = columns[i]->inputs,
                               .expression = ToText(columns[i]->expression)});
  }
  lineage.required_columns = deriver.TakeRequiredColumns();
  lineage.functions = CollectFunctions(plan);
  return lineage;
}

}  // namespace weir
