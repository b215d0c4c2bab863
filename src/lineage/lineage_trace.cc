// SPDX-License-Identifier: Apache-2.0

#include "weir/lineage/lineage_trace.h"

#include <algorithm>
#include <deque>
#include <set>

namespace weir {

std::string ToString(const TableColumn& name) { return name.table + "." + name.column; }

LineageGraph::LineageGraph(const std::map<std::string, Lineage>& lineages) : lineages_(lineages) {
  for (const auto& [view, lineage] : lineages) {
    for (const auto& [table, columns] : lineage.required_columns) readers_[table].push_back(&view);
  }
}

namespace {

LineageStep StepOf(const ColumnInput& input, const TableColumn& to, bool on_rows) {
  return {.from = {input.table, input.column},
          .path = input.path,
          .to = to,
          .use = input.use,
          .transformation = input.transformation,
          .on_rows = on_rows};
}

}  // namespace

std::vector<LineageStep> LineageGraph::Into(const TableColumn& column) const {
  std::vector<LineageStep> steps;
  const auto view = lineages_.find(column.table);
  if (view == lineages_.end()) return steps;
  for (const ColumnLineage& output : view->second.columns) {
    if (output.name != column.column) continue;
    for (const ColumnInput& input : output.inputs) steps.push_back(StepOf(input, column, false));
    for (const ColumnInput& input : view->second.row_influences)
      steps.push_back(StepOf(input, column, true));
  }
  return steps;
}

std::vector<LineageStep> LineageGraph::OutOf(const TableColumn& column) const {
  std::vector<LineageStep> steps;
  const auto readers = readers_.find(column.table);
  if (readers == readers_.end()) return steps;
  const auto is_it = [&](const ColumnInput& input) {
    return input.table == column.table && input.column == column.column;
  };
  for (const std::string* view : readers->second) {
    const Lineage& lineage = lineages_.at(*view);
    for (const ColumnLineage& output : lineage.columns) {
      const TableColumn to{*view, output.name};
      for (const ColumnInput& input : output.inputs) {
        if (is_it(input)) steps.push_back(StepOf(input, to, false));
      }
      for (const ColumnInput& input : lineage.row_influences) {
        if (is_it(input)) steps.push_back(StepOf(input, to, true));
      }
    }
  }
  return steps;
}

std::vector<TableColumn> LineageGraph::ColumnsOf(const std::string& table) const {
  std::set<TableColumn> columns;
  const auto view = lineages_.find(table);
  if (view != lineages_.end()) {
    for (const ColumnLineage& column : view->second.columns) columns.insert({table, column.name});
  }
  const auto readers = readers_.find(table);
  if (readers != readers_.end()) {
    for (const std::string* reader : readers->second) {
      for (const std::string& column : lineages_.at(*reader).required_columns.at(table))
        columns.insert({table, column});
    }
  }
  return {columns.begin(), columns.end()};
}

LineageTrace LineageGraph::Trace(const std::string& table, const std::string& column,
                                 bool upstream) const {
  LineageTrace trace;
  trace.columns = column.empty() ? ColumnsOf(table) : std::vector<TableColumn>{{table, column}};
  std::set<TableColumn> seen(trace.columns.begin(), trace.columns.end());
  std::deque<TableColumn> open(trace.columns.begin(), trace.columns.end());
  for (; !open.empty(); open.pop_front()) {
    for (LineageStep& step : upstream ? Into(open.front()) : OutOf(open.front())) {
      const TableColumn& end = upstream ? step.from : step.to;
      if (seen.insert(end).second) open.push_back(end);
      trace.steps.push_back(std::move(step));
    }
  }
  return trace;
}

std::vector<LineageStep> LineageGraph::Inputs(const std::string& view) const {
  std::vector<LineageStep> steps;
  for (const ColumnLineage& column : lineages_.at(view).columns) {
    for (LineageStep& step : Into({view, column.name})) steps.push_back(std::move(step));
  }
  return steps;
}

LineageTrace LineageGraph::Upstream(const std::string& view, const std::string& column) const {
  return Trace(view, column, true);
}

LineageTrace LineageGraph::Downstream(const std::string& table, const std::string& column) const {
  return Trace(table, column, false);
}

std::vector<ReachedColumn> LineageGraph::Reached(const std::string& table,
                                                 const std::string& column) const {
  std::map<TableColumn, ReachedColumn> reached;
  const auto starts = column.empty() ? ColumnsOf(table) : std::vector<TableColumn>{{table, column}};
  std::deque<TableColumn> open;
  for (const TableColumn& start : starts) {
    reached[start] = {.name = start, .way = {}};
    open.push_back(start);
  }
  // First along values alone, then from all that is reached along any step: a column that values
  // reach is never told as reached otherwise.
  for (const bool along_values : {true, false}) {
    for (; !open.empty(); open.pop_front()) {
      const ReachedColumn& from = reached.at(open.front());
      for (const LineageStep& step : OutOf(open.front())) {
        if (along_values && step.use != ColumnUse::kValue) continue;
        if (reached.contains(step.to)) continue;
        ReachedColumn& to = reached[step.to];
        to = {.name = step.to,
              .reach = from.reach == ColumnUse::kValue ? step.use : from.reach,
              .transformation = std::max(from.transformation, step.transformation),
              .way = from.way};
        to.way.push_back(step);
        open.push_back(step.to);
      }
    }
    std::vector<const ReachedColumn*> found;
    for (const auto& [name, entry] : reached) found.push_back(&entry);
    std::stable_sort(found.begin(), found.end(),
                     [](const auto* a, const auto* b) { return a->way.size() < b->way.size(); });
    for (const ReachedColumn* entry : found) open.push_back(entry->name);
  }
  std::vector<ReachedColumn> result;
  for (auto& [name, entry] : reached) {
    if (!entry.way.empty()) result.push_back(std::move(entry));
  }
  return result;
}

}  // namespace weir
