// SPDX-License-Identifier: Apache-2.0
//
// Lineage across the views of a project: what columns are made of down to the sources, and what a
// change of a column reaches. In: the lineage of each stored view. Out: steps from column to
// column, and the way to each column that is reached.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/lineage/lineage.h"

namespace weir {

/// A column of a source or a view.
struct TableColumn {
  std::string table;
  std::string column;

  auto operator<=>(const TableColumn&) const = default;
};

/// "table.column".
std::string ToString(const TableColumn& name);

/// One column feeds another: one input of one output column of a view.
struct LineageStep {
  TableColumn from;
  std::string path;  ///< the part of `from` that is used; see ColumnInput
  TableColumn to;
  ColumnUse use = ColumnUse::kValue;
  Transformation transformation = Transformation::kIdentity;
  /// It decides about the rows of the view, hence touches all its columns.
  bool on_rows = false;
};

/// Steps between columns; each after those that lead to it. Both directions.
struct LineageTrace {
  std::vector<TableColumn> columns;  ///< where it starts, ordered
  std::vector<LineageStep> steps;    ///< each once
};

/// A column that a change reaches.
struct ReachedColumn {
  TableColumn name;
  /// kValue: changed values flow into it. Otherwise the first other use on the way: it is reached
  /// as rows come and go, or are ordered otherwise.
  ColumnUse reach = ColumnUse::kValue;
  /// What happened to the values, where they flow.
  Transformation transformation = Transformation::kIdentity;
  std::vector<LineageStep> way;  ///< the shortest from the changed column, through values if it can
};

/// The lineages of a project, and the steps in both directions. Keeps a reference: `lineages` must
/// outlive it.
class LineageGraph {
 public:
  explicit LineageGraph(const std::map<std::string, Lineage>& lineages);

  /// What the view itself reads for its columns.
  std::vector<LineageStep> Inputs(const std::string& view) const;

  /// What the columns are made of, through views to the sources. Without `column`, all columns of
  /// the view.
  LineageTrace Upstream(const std::string& view, const std::string& column) const;

  /// What the columns are used in, through views. Without `column`, all columns of the table that
  /// anything uses.
  LineageTrace Downstream(const std::string& table, const std::string& column) const;

  /// Every column that a change of these columns reaches, ordered by name.
  std::vector<ReachedColumn> Reached(const std::string& table, const std::string& column) const;

  /// The columns of a table that views use, ordered; and those of a view.
  std::vector<TableColumn> ColumnsOf(const std::string& table) const;

  /// Whether anything is known of a view by that name.
  bool HasView(const std::string& name) const { return lineages_.contains(name); }

 private:
  LineageTrace Trace(const std::string& table, const std::string& column, bool upstream) const;
  std::vector<LineageStep> Into(const TableColumn& column) const;
  std::vector<LineageStep> OutOf(const TableColumn& column) const;

  const std::map<std::string, Lineage>& lineages_;
  /// The views that read a table, by table. Steps are made when they are asked for: all of a large
  /// project at once would be millions.
  std::map<std::string, std::vector<const std::string*>> readers_;
};

}  // namespace weir
