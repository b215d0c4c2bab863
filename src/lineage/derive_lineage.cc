// SPDX-License-Identifier: Apache-2.0

#include "weir/lineage/deriver.h"
#include "weir/lineage/lineage.h"

namespace weir {

namespace deriving {

namespace {

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
