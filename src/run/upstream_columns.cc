// SPDX-License-Identifier: Apache-2.0

#include "weir/run/upstream_columns.h"

#include <set>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace weir {

namespace {

void AddColumns(const Expression& expression, std::set<std::string>& columns) {
  if (expression.kind == ExpressionKind::kColumn) columns.insert(expression.name);
  for (const Expression& input : expression.inputs) AddColumns(input, columns);
}

}  // namespace

Status CheckColumnsRead(const PlanBundle& reader, const PinnedTable& table) {
  std::set<std::string> problems;
  for (const LogicalPlan* node : CollectScanNodes(*reader.plan)) {
    const Scan& scan = *node->scan;
    if (WithoutDefaultSchema(scan.table) != table.name) continue;
    std::set<std::string> columns(scan.columns.begin(), scan.columns.end());
    for (const Expression& filter : node->expressions) AddColumns(filter, columns);
    for (const std::string& column : columns) {
      const int planned = scan.schema->GetFieldIndex(column);
      const int found = table.schema->GetFieldIndex(column);
      if (planned < 0) continue;
      if (found < 0) {
        problems.insert(fmt::format("`{}` is not there", column));
        continue;
      }
      const arrow::DataType& wanted = *scan.schema->field(planned)->type();
      const arrow::DataType& type = *table.schema->field(found)->type();
      if (!type.Equals(wanted)) {
        problems.insert(
            fmt::format("`{}` is {} instead of {}", column, type.ToString(), wanted.ToString()));
      } else if (found != planned) {
        // Plans know columns by their places.
        problems.insert(
            fmt::format("`{}` is column {} instead of {}", column, found + 1, planned + 1));
      }
    }
    if (scan.all_columns && table.schema->num_fields() > scan.schema->num_fields()) {
      problems.insert(fmt::format("there are {} columns instead of {}, all of which are read",
                                  table.schema->num_fields(), scan.schema->num_fields()));
    }
  }
  if (problems.empty()) return Status::OK();
  return Status::User(StatusCode::kPlanFailed,
                      "the view `{}` reads columns of `{}` whose table was built with others, by "
                      "another definition: {}",
                      reader.view_name, table.name, fmt::join(problems, ", "));
}

}  // namespace weir
