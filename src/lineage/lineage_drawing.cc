// SPDX-License-Identifier: Apache-2.0

#include "weir/lineage/lineage_drawing.h"

#include <map>
#include <set>

#include <fmt/format.h>

namespace weir {

namespace {

struct Drawing {
  std::map<std::string, std::map<std::string, int>> tables;  ///< node number by table and column
  std::map<std::pair<int, int>, std::set<ColumnUse>> lines;
};

Drawing Draw(const LineageTrace& trace) {
  Drawing drawing;
  const auto place = [&](const TableColumn& name) {
    drawing.tables[name.table].try_emplace(name.column, 0);
  };
  for (const TableColumn& column : trace.columns) place(column);
  for (const LineageStep& step : trace.steps) {
    place(step.from);
    place(step.to);
  }
  int next = 0;
  for (auto& [table, columns] : drawing.tables) {
    for (auto& [column, number] : columns) number = next++;
  }
  for (const LineageStep& step : trace.steps) {
    drawing
        .lines[{drawing.tables.at(step.from.table).at(step.from.column),
                drawing.tables.at(step.to.table).at(step.to.column)}]
        .insert(step.use);
  }
  return drawing;
}

/// "filter, join key"; empty for values alone.
std::string UsesText(const std::set<ColumnUse>& uses) {
  std::string text;
  for (const ColumnUse use : uses) {
    if (use == ColumnUse::kValue) continue;
    text += text.empty() ? "" : ", ";
    text += ToString(use);
  }
  return text;
}

/// Quotes and what a language takes for its own replaced.
std::string Escaped(const std::string& text, const std::map<char, std::string>& replacements) {
  std::string escaped;
  for (const char c : text) {
    const auto found = replacements.find(c);
    if (found != replacements.end()) {
      escaped += found->second;
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string DotText(const std::string& text) {
  return "\"" + Escaped(text, {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}}) + "\"";
}

std::string MermaidText(const std::string& text) {
  return "\"" +
         Escaped(text,
                 {{'"', "#quot;"}, {'#', "#35;"}, {'<', "#lt;"}, {'>', "#gt;"}, {'\n', " "}}) +
         "\"";
}

}  // namespace

std::string ToDot(const LineageTrace& trace) {
  const Drawing drawing = Draw(trace);
  std::string text = "digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n";
  int table_number = 0;
  for (const auto& [table, columns] : drawing.tables) {
    text +=
        fmt::format("  subgraph cluster_{} {{\n    label={};\n", table_number++, DotText(table));
    for (const auto& [column, number] : columns)
      text += fmt::format("    c{} [label={}];\n", number, DotText(column));
    text += "  }\n";
  }
  for (const auto& [ends, uses] : drawing.lines) {
    const std::string label = UsesText(uses);
    text += fmt::format("  c{} -> c{}", ends.first, ends.second);
    if (!label.empty()) {
      text += fmt::format(" [{}label={}]", uses.contains(ColumnUse::kValue) ? "" : "style=dashed, ",
                          DotText(label));
    }
    text += ";\n";
  }
  return text + "}\n";
}

std::string ToMermaid(const LineageTrace& trace) {
  const Drawing drawing = Draw(trace);
  std::string text = "flowchart LR\n";
  int table_number = 0;
  for (const auto& [table, columns] : drawing.tables) {
    text += fmt::format("  subgraph t{}[{}]\n", table_number++, MermaidText(table));
    for (const auto& [column, number] : columns)
      text += fmt::format("    c{}[{}]\n", number, MermaidText(column));
    text += "  end\n";
  }
  for (const auto& [ends, uses] : drawing.lines) {
    const std::string label = UsesText(uses);
    const std::string_view arrow = uses.contains(ColumnUse::kValue) ? "-->" : "-.->";
    text += fmt::format("  c{} {}{} c{}\n", ends.first, arrow,
                        label.empty() ? "" : "|" + MermaidText(label) + "|", ends.second);
  }
  return text;
}

}  // namespace weir
