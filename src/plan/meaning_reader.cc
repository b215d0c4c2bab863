// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/meaning_reader.h"

#include <algorithm>

#include <arrow/api.h>
#include <fmt/format.h>

namespace weir::internal {

namespace {

std::string LimitText(int64_t value) { return value < 0 ? "all" : fmt::format("{}", value); }

/// "t" and "public.t" are the same table.
bool IsSameTable(const std::string& a, const std::string& b) {
  return a == b || a.ends_with("." + b) || b.ends_with("." + a);
}

}  // namespace

Result<TermId> MeaningReader::Root(const LogicalPlan& plan) {
  WEIR_ASSIGN_OR_RETURN(const Meaning meaning, Read(plan));
  std::vector<TermId> parts = {meaning.node};
  for (size_t i = 0; i < meaning.outputs.size(); ++i) {
    parts.push_back(
        terms_.Make(TermKind::kCall, plan.outputs[i].name + " AS", {meaning.outputs[i]}));
  }
  return terms_.Make(TermKind::kNode, "Output", std::move(parts));
}

TermId MeaningReader::Rows(const Meaning& meaning) {
  std::vector<TermId> parts = {meaning.node};
  parts.insert(parts.end(), meaning.outputs.begin(), meaning.outputs.end());
  return terms_.Make(TermKind::kNode, "Rows", std::move(parts));
}

TermId MeaningReader::Column(std::string label, std::vector<TermId> children) {
  return terms_.Make(TermKind::kColumn, std::move(label), std::move(children));
}

std::vector<TermId> MeaningReader::Places(const std::string& label, size_t count) {
  std::vector<TermId> columns;
  for (size_t i = 0; i < count; ++i) columns.push_back(Column(fmt::format("{} {}", label, i), {}));
  return columns;
}

Result<Meaning> MeaningReader::Read(const LogicalPlan& plan) {
  Meaning meaning;
  switch (plan.kind) {
    case PlanKind::kScan: {
      WEIR_ASSIGN_OR_RETURN(meaning, ReadScan(plan));
      break;
    }
    case PlanKind::kProjection: {
      WEIR_ASSIGN_OR_RETURN(const Meaning input, Read(*plan.inputs[0]));
      const Scope scope{plan.inputs[0]->outputs, input.outputs};
      meaning.node = input.node;
      WEIR_ASSIGN_OR_RETURN(meaning.outputs, Exprs(plan.expressions, scope));
      break;
    }
    case PlanKind::kFilter: {
      WEIR_ASSIGN_OR_RETURN(meaning, ReadFilter(plan));
      break;
    }
    case PlanKind::kJoin: {
      WEIR_ASSIGN_OR_RETURN(meaning, ReadJoin(plan));
      break;
    }
    case PlanKind::kAggregate: {
      WEIR_ASSIGN_OR_RETURN(meaning, ReadAggregate(plan));
      break;
    }
    case PlanKind::kWindow: {
      WEIR_ASSIGN_OR_RETURN(meaning, ReadWindow(plan));
      break;
    }
    case PlanKind::kSort: {
      WEIR_ASSIGN_OR_RETURN(meaning, ReadSort(plan));
      break;
    }
    case PlanKind::kLimit: {
      WEIR_ASSIGN_OR_RETURN(meaning, ReadLimit(plan));
      break;
    }
    case PlanKind::kUnion: {
      WEIR_ASSIGN_OR_RETURN(meaning, ReadUnion(plan));
      break;
    }
    case PlanKind::kDistinct: {
      WEIR_ASSIGN_OR_RETURN(const Meaning input, Read(*plan.inputs[0]));
      const TermId keys = terms_.MakeSet("keys", input.outputs);
      meaning.node = terms_.Make(TermKind::kNode, "Aggregate", {input.node, keys});
      for (const TermId output : input.outputs) meaning.outputs.push_back(Column("key", {output}));
      break;
    }
    case PlanKind::kDistinctOn: {
      WEIR_ASSIGN_OR_RETURN(meaning, ReadDistinctOn(plan));
      break;
    }
    case PlanKind::kUnnest: {
      WEIR_ASSIGN_OR_RETURN(meaning, ReadUnnest(plan));
      break;
    }
    case PlanKind::kRecursiveQuery: {
      WEIR_ASSIGN_OR_RETURN(meaning, ReadRecursiveQuery(plan));
      break;
    }
    case PlanKind::kWorkTable: {
      WEIR_ASSIGN_OR_RETURN(meaning, ReadWorkTable(plan));
      break;
    }
    case PlanKind::kValues: {
      WEIR_ASSIGN_OR_RETURN(meaning, ReadValues(plan));
      break;
    }
    case PlanKind::kEmptyRelation:
      meaning.node = terms_.Make(TermKind::kNode, plan.produce_one_row ? "One row" : "No rows", {});
      meaning.outputs = Places("nothing", plan.outputs.size());
      break;
    case PlanKind::kSubqueryAlias:
    case PlanKind::kRepartition: {
      WEIR_ASSIGN_OR_RETURN(meaning, Read(*plan.inputs[0]));
      break;
    }
  }
  if (meaning.outputs.size() != plan.outputs.size()) {
    return Status::User(StatusCode::kUnsupported, "the node {} has {} columns where {} are wanted",
                        ToString(plan.kind), plan.outputs.size(), meaning.outputs.size());
  }
  return meaning;
}

Result<Meaning> MeaningReader::ReadScan(const LogicalPlan& plan) {
  Meaning meaning;
  Scope scope;
  if (plan.scan->schema != nullptr) {
    for (const auto& name : plan.scan->schema->field_names()) {
      scope.names.push_back({.relation = std::nullopt, .name = name});
      scope.terms.push_back(Column(name, {}));
    }
  }
  for (const std::string& name : plan.scan->columns) meaning.outputs.push_back(Column(name, {}));
  WEIR_ASSIGN_OR_RETURN(const auto filters, Exprs(plan.expressions, scope));
  const TermId kept = terms_.MakeSet("AND", filters);
  std::vector<TermId> parts;
  if (!filters.empty()) parts.push_back(kept);
  meaning.node = terms_.Make(TermKind::kNode, "Scan " + plan.scan->table, std::move(parts));
  return meaning;
}

TermId MeaningReader::Filtered(TermId node, std::vector<TermId> conjuncts) {
  std::erase_if(conjuncts, [&](TermId term) {
    return terms_[term].kind == TermKind::kClosed && terms_[term].label == "true bool";
  });
  if (conjuncts.empty()) return node;
  if (terms_[node].label == "Filter") {
    const auto children = terms_[node].children;
    conjuncts.push_back(children[1]);
    node = children[0];
  }
  const TermId predicate = terms_.MakeSet("AND", conjuncts);
  // A filter that is repeated above the scan is a hint to the scan, or does the same there.
  if (terms_[node].label.starts_with("Scan ") && !terms_[node].children.empty()) {
    const auto members = [&](TermId term, std::string_view label) {
      return terms_[term].kind == TermKind::kSet && terms_[term].label == label
                 ? terms_[term].children
                 : std::vector<TermId>{term};
    };
    const auto repeated = members(predicate, "AND");
    std::vector<TermId> rest;
    for (const TermId pushed : members(terms_[node].children[0], "AND")) {
      if (std::find(repeated.begin(), repeated.end(), pushed) == repeated.end())
        rest.push_back(pushed);
    }
    std::vector<TermId> parts;
    if (!rest.empty()) parts.push_back(terms_.MakeSet("AND", rest));
    const std::string label = terms_[node].label;
    node = terms_.Make(TermKind::kNode, label, std::move(parts));
  }
  return terms_.Make(TermKind::kNode, "Filter", {node, predicate});
}

Result<Meaning> MeaningReader::ReadFilter(const LogicalPlan& plan) {
  WEIR_ASSIGN_OR_RETURN(Meaning meaning, Read(*plan.inputs[0]));
  const Scope scope{plan.inputs[0]->outputs, meaning.outputs};
  WEIR_ASSIGN_OR_RETURN(const auto conjuncts, Exprs(plan.expressions, scope));
  meaning.node = Filtered(meaning.node, conjuncts);
  return meaning;
}

Result<Meaning> MeaningReader::ReadJoin(const LogicalPlan& plan) {
  WEIR_ASSIGN_OR_RETURN(const Meaning left, Read(*plan.inputs[0]));
  WEIR_ASSIGN_OR_RETURN(const Meaning right, Read(*plan.inputs[1]));
  // On a side that is filled with nulls an expression was computed before that: it is a column.
  // Elsewhere, and in the condition, it does not matter when it is computed.
  const auto of_side = [&](const char* side, TermId term) {
    return terms_.MapColumns(term, [&](TermId column) { return Column(side, {column}); });
  };
  const auto filled = [&](const char* side, TermId term) { return Column(side, {term}); };
  Scope left_scope{plan.inputs[0]->outputs, {}}, right_scope{plan.inputs[1]->outputs, {}};
  for (const TermId term : left.outputs) left_scope.terms.push_back(of_side("left", term));
  for (const TermId term : right.outputs) right_scope.terms.push_back(of_side("right", term));
  Scope both = left_scope;
  both.names.insert(both.names.end(), right_scope.names.begin(), right_scope.names.end());
  both.terms.insert(both.terms.end(), right_scope.terms.begin(), right_scope.terms.end());

  std::vector<TermId> conditions;
  const size_t keys = plan.expressions.size() - (plan.has_filter ? 1 : 0);
  for (size_t i = 0; i + 1 < keys; i += 2) {
    WEIR_ASSIGN_OR_RETURN(const TermId left_key, Expr(plan.expressions[i], left_scope));
    WEIR_ASSIGN_OR_RETURN(const TermId right_key, Expr(plan.expressions[i + 1], right_scope));
    conditions.push_back(
        Binary(plan.null_equals_null ? "IS NOT DISTINCT FROM" : "=", left_key, right_key));
  }
  if (plan.has_filter) {
    WEIR_ASSIGN_OR_RETURN(const TermId filter, Expr(plan.expressions.back(), both));
    conditions.push_back(filter);
  }

  const std::string& type = plan.text;
  const bool is_inner = type == "Inner" || type == "Cross";
  Meaning meaning;
  if (is_inner && !plan.null_aware) {
    const TermId node = terms_.Make(TermKind::kNode, "Join", {left.node, right.node});
    meaning.node = Filtered(node, conditions);
  } else {
    meaning.node =
        terms_.Make(TermKind::kNode, type + " join" + (plan.null_aware ? " (null-aware)" : ""),
                    {left.node, right.node,
                     terms_.Make(TermKind::kCall, "ON", {terms_.MakeSet("AND", conditions)})});
  }
  const bool has_left = !type.starts_with("Right") || type == "Right";
  const bool has_right = !type.starts_with("Left") || type == "Left";
  const bool fills_left = type == "Right" || type == "Full";
  const bool fills_right = type == "Left" || type == "Full";
  if (has_left) {
    for (size_t i = 0; i < left.outputs.size(); ++i)
      meaning.outputs.push_back(fills_left ? filled("left", left.outputs[i]) : left_scope.terms[i]);
  }
  if (has_right) {
    for (size_t i = 0; i < right.outputs.size(); ++i) {
      meaning.outputs.push_back(fills_right ? filled("right", right.outputs[i])
                                            : right_scope.terms[i]);
    }
  }
  if (type.ends_with("Mark")) meaning.outputs.push_back(Column("mark", {}));
  return meaning;
}

Result<Meaning> MeaningReader::ReadAggregate(const LogicalPlan& plan) {
  WEIR_ASSIGN_OR_RETURN(const Meaning input, Read(*plan.inputs[0]));
  const Scope scope{plan.inputs[0]->outputs, input.outputs};
  const bool has_sets = std::any_of(
      plan.expressions.begin(), plan.expressions.begin() + static_cast<ptrdiff_t>(plan.group_count),
      [](const auto& e) {
        const ExpressionKind kind = WithoutAlias(e).kind;
        return kind == ExpressionKind::kGroupingSets || kind == ExpressionKind::kCube ||
               kind == ExpressionKind::kRollup;
      });
  if (has_sets) return ReadGroupingSets(plan, input, scope);
  WEIR_ASSIGN_OR_RETURN(const auto expressions, Exprs(plan.expressions, scope));
  const std::vector<TermId> keys(expressions.begin(),
                                 expressions.begin() + static_cast<ptrdiff_t>(plan.group_count));
  Meaning meaning;
  meaning.node =
      terms_.Make(TermKind::kNode, "Aggregate", {input.node, terms_.MakeSet("keys", keys)});
  for (size_t i = 0; i < expressions.size(); ++i)
    meaning.outputs.push_back(Column(i < plan.group_count ? "key" : "value", {expressions[i]}));
  return meaning;
}

Result<Meaning> MeaningReader::ReadGroupingSets(const LogicalPlan& plan, const Meaning& input,
                                                const Scope& scope) {
  if (plan.group_count != 1) {
    return Status::User(StatusCode::kUnsupported,
                        "an Aggregate with grouping sets beside other keys is not compared");
  }
  const Expression& grouping = WithoutAlias(plan.expressions[0]);
  WEIR_ASSIGN_OR_RETURN(const auto members, Exprs(grouping.inputs, scope));
  std::vector<std::vector<TermId>> sets;
  if (grouping.kind == ExpressionKind::kRollup) {
    for (size_t size = 0; size <= members.size(); ++size)
      sets.emplace_back(members.begin(), members.begin() + static_cast<ptrdiff_t>(size));
  } else if (grouping.kind == ExpressionKind::kCube) {
    if (members.size() > 12)
      return Status::User(StatusCode::kUnsupported, "a CUBE of more than 12 keys is not compared");
    for (size_t mask = 0; mask < size_t{1} << members.size(); ++mask) {
      auto& set = sets.emplace_back();
      for (size_t i = 0; i < members.size(); ++i)
        if ((mask >> i & 1) != 0) set.push_back(members[i]);
    }
  } else {
    size_t next = 0;
    for (const int size : grouping.set_sizes) {
      const auto from = members.begin() + static_cast<ptrdiff_t>(next);
      sets.emplace_back(from, from + size);
      next += static_cast<size_t>(size);
    }
  }
  // The order of the keys is that of the bits in GROUPING's number.
  std::vector<TermId> keys;
  for (const TermId member : members)
    if (std::find(keys.begin(), keys.end(), member) == keys.end()) keys.push_back(member);
  std::vector<TermId> set_terms;
  for (const auto& set : sets) set_terms.push_back(terms_.MakeSet("set", set));
  // The same set twice gives its rows twice.
  std::sort(set_terms.begin(), set_terms.end());
  Meaning meaning;
  meaning.node = terms_.Make(TermKind::kNode, "Aggregate by sets",
                             {input.node, terms_.Make(TermKind::kCall, "keys", keys),
                              terms_.Make(TermKind::kCall, "sets", set_terms)});
  for (const TermId key : keys) meaning.outputs.push_back(Column("key of sets", {key}));
  meaning.outputs.push_back(Column("grouping id", {}));
  for (size_t i = 1; i < plan.expressions.size(); ++i) {
    WEIR_ASSIGN_OR_RETURN(const TermId value, Expr(plan.expressions[i], scope));
    meaning.outputs.push_back(Column("value", {value}));
  }
  return meaning;
}

Result<Meaning> MeaningReader::ReadWindow(const LogicalPlan& plan) {
  WEIR_ASSIGN_OR_RETURN(Meaning meaning, Read(*plan.inputs[0]));
  const Scope scope{plan.inputs[0]->outputs, meaning.outputs};
  // The node marks the rows that the functions see; windows over the same rows share one.
  if (terms_[meaning.node].label != "Window")
    meaning.node = terms_.Make(TermKind::kNode, "Window", {meaning.node});
  WEIR_ASSIGN_OR_RETURN(const auto functions, Exprs(plan.expressions, scope));
  for (const TermId function : functions)
    meaning.outputs.push_back(Column("over", {function, meaning.node}));
  return meaning;
}

Result<Meaning> MeaningReader::ReadSort(const LogicalPlan& plan) {
  WEIR_ASSIGN_OR_RETURN(Meaning meaning, Read(*plan.inputs[0]));
  const Scope scope{plan.inputs[0]->outputs, meaning.outputs};
  WEIR_ASSIGN_OR_RETURN(const TermId keys, SortKeys(plan.sort_keys, scope));
  meaning.node = terms_.Make(TermKind::kNode, "Sort", {meaning.node, keys});
  meaning.node = Limited(meaning.node, 0, plan.fetch);
  return meaning;
}

Result<Meaning> MeaningReader::ReadLimit(const LogicalPlan& plan) {
  WEIR_ASSIGN_OR_RETURN(Meaning meaning, Read(*plan.inputs[0]));
  meaning.node = Limited(meaning.node, plan.skip, plan.fetch);
  return meaning;
}

TermId MeaningReader::Limited(TermId node, int64_t skip, int64_t fetch) {
  if (skip <= 0 && fetch < 0) return node;
  if (terms_[node].label == "Limit") {
    const auto children = terms_[node].children;
    const int64_t inner_skip = std::stoll(terms_[children[1]].label);
    const std::string& inner_text = terms_[children[2]].label;
    if (inner_text != "all") {
      const int64_t rest = std::max<int64_t>(0, std::stoll(inner_text) - skip);
      fetch = fetch < 0 ? rest : std::min(fetch, rest);
    }
    skip += inner_skip;
    node = children[0];
  }
  return terms_.Make(TermKind::kNode, "Limit",
                     {node, terms_.Make(TermKind::kCall, fmt::format("{}", skip), {}),
                      terms_.Make(TermKind::kCall, LimitText(fetch), {})});
}

Result<Meaning> MeaningReader::ReadUnion(const LogicalPlan& plan) {
  std::vector<TermId> inputs;
  for (const auto& input : plan.inputs) {
    WEIR_ASSIGN_OR_RETURN(const Meaning meaning, Read(*input));
    if (meaning.outputs.size() != plan.outputs.size())
      return Status::User(StatusCode::kUnsupported, "inputs of a Union differ in their columns");
    const bool is_union = terms_[meaning.node].label == "Union" &&
                          meaning.outputs == Places("column", meaning.outputs.size());
    if (is_union) {
      const auto children = terms_[meaning.node].children;
      inputs.insert(inputs.end(), children.begin(), children.end());
    } else {
      inputs.push_back(Rows(meaning));
    }
  }
  Meaning meaning;
  meaning.node = terms_.Make(TermKind::kNode, "Union", std::move(inputs));
  meaning.outputs = Places("column", plan.outputs.size());
  return meaning;
}

Result<Meaning> MeaningReader::ReadDistinctOn(const LogicalPlan& plan) {
  WEIR_ASSIGN_OR_RETURN(const Meaning input, Read(*plan.inputs[0]));
  const Scope scope{plan.inputs[0]->outputs, input.outputs};
  WEIR_ASSIGN_OR_RETURN(const auto expressions, Exprs(plan.expressions, scope));
  WEIR_ASSIGN_OR_RETURN(const TermId order, SortKeys(plan.sort_keys, scope));
  const auto first_output = expressions.begin() + static_cast<ptrdiff_t>(plan.group_count);
  Meaning meaning;
  meaning.node =
      terms_.Make(TermKind::kNode, "Distinct on",
                  {input.node, terms_.MakeSet("keys", {expressions.begin(), first_output}), order});
  for (auto output = first_output; output != expressions.end(); ++output)
    meaning.outputs.push_back(Column("first", {*output}));
  return meaning;
}

Result<Meaning> MeaningReader::ReadUnnest(const LogicalPlan& plan) {
  if (plan.unnest_spec == nullptr)
    return Status::User(StatusCode::kUnsupported, "an Unnest without its options is not compared");
  WEIR_ASSIGN_OR_RETURN(const Meaning input, Read(*plan.inputs[0]));
  const UnnestSpec& spec = *plan.unnest_spec;
  std::vector<TermId> lists;
  std::string label = fmt::format("Unnest{}", spec.nulls == UnnestNulls::kDrop ? "" : " outer");
  if (spec.nulls == UnnestNulls::kPreserveAndEmpty) label += " (empty too)";
  // What is zipped with what, and how deep.
  for (const UnnestedList& list : spec.lists) {
    if (list.input_index >= input.outputs.size())
      return Status::User(StatusCode::kUnsupported, "an Unnest names a column it does not have");
    lists.push_back(terms_.Make(TermKind::kCall, fmt::format("{} deep", list.depth),
                                {input.outputs[list.input_index]}));
  }
  Meaning meaning;
  meaning.node = terms_.Make(TermKind::kNode, label,
                             {input.node, terms_.Make(TermKind::kCall, "lists", lists)});
  std::map<size_t, int> places;
  for (const UnnestColumn& column : plan.unnest) {
    if (column.input_index >= input.outputs.size())
      return Status::User(StatusCode::kUnsupported, "an Unnest names a column it does not have");
    const TermId from = input.outputs[column.input_index];
    if (column.kind == UnnestKind::kKept) {
      meaning.outputs.push_back(from);
      continue;
    }
    const int place = places[column.input_index]++;
    const char* kind = column.kind == UnnestKind::kList ? "element" : "field";
    meaning.outputs.push_back(Column(fmt::format("{} {}", kind, place), {from, meaning.node}));
  }
  return meaning;
}

Result<Meaning> MeaningReader::ReadRecursiveQuery(const LogicalPlan& plan) {
  WEIR_ASSIGN_OR_RETURN(const Meaning start, Read(*plan.inputs[0]));
  work_tables_.push_back({plan.name, plan.inputs[0]->outputs});
  auto step = Read(*plan.inputs[1]);
  work_tables_.pop_back();
  WEIR_RETURN_NOT_OK(step.status());
  Meaning meaning;
  meaning.node = terms_.Make(TermKind::kNode, plan.distinct ? "Recursive distinct" : "Recursive",
                             {Rows(start), Rows(*step)});
  meaning.outputs = Places("column", plan.outputs.size());
  return meaning;
}

Result<Meaning> MeaningReader::ReadWorkTable(const LogicalPlan& plan) {
  size_t depth = 0;
  for (auto table = work_tables_.rbegin(); table != work_tables_.rend(); ++table, ++depth) {
    if (table->name != plan.name) continue;
    Meaning meaning;
    meaning.node = terms_.Make(TermKind::kNode, fmt::format("Work table {}", depth), {});
    for (const OutputColumn& output : plan.outputs) {
      const auto found =
          std::find_if(table->columns.begin(), table->columns.end(),
                       [&](const OutputColumn& column) { return column.name == output.name; });
      if (found == table->columns.end())
        return Status::User(StatusCode::kUnsupported, "a work table has no column `{}`",
                            output.name);
      meaning.outputs.push_back(
          Column(fmt::format("column {}", found - table->columns.begin()), {}));
    }
    return meaning;
  }
  return Status::User(StatusCode::kUnsupported, "a work table stands outside its query: `{}`",
                      plan.name);
}

Result<Meaning> MeaningReader::ReadValues(const LogicalPlan& plan) {
  WEIR_ASSIGN_OR_RETURN(const auto cells, Exprs(plan.expressions, {}));
  Meaning meaning;
  meaning.node =
      terms_.Make(TermKind::kNode, fmt::format("Values of {} columns", plan.outputs.size()),
                  {terms_.Make(TermKind::kCall, "cells", cells)});
  meaning.outputs = Places("column", plan.outputs.size());
  return meaning;
}

Result<TermId> MeaningReader::Resolve(const Expression& column, const Scope& scope) const {
  size_t found = scope.names.size();
  bool is_ambiguous = false;
  for (size_t i = 0; i < scope.names.size(); ++i) {
    const OutputColumn& name = scope.names[i];
    if (name.name != column.name) continue;
    if (name.relation == column.relation) return scope.terms[i];
    // Scans know their columns without a table's name.
    const bool may_be =
        !column.relation || !name.relation || IsSameTable(*column.relation, *name.relation);
    if (!may_be) continue;
    is_ambiguous =
        is_ambiguous || (found < scope.names.size() && scope.terms[found] != scope.terms[i]);
    found = i;
  }
  if (found == scope.names.size() || is_ambiguous) {
    return Status::User(StatusCode::kUnsupported, "the column `{}` is {}", ToText(column),
                        is_ambiguous ? "ambiguous" : "not found");
  }
  return scope.terms[found];
}

}  // namespace weir::internal
