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
      const auto planned = scan.schema->GetFieldByName(column);
      const auto found = table.schema->GetFieldByName(column);
      if (!planned) continue;
      if (!found) {
        problems.insert(fmt::format("`{}` is not there", column));
      } else if (!found->type()->Equals(*planned->type())) {
        problems.insert(fmt::format("`{}` is {} instead of {}", column, found->type()->ToString(),
                                    planned->type()->ToString()));
      }
    }
  }
  if (problems.empty()) return Status::OK();
  return Status::User(StatusCode::kPlanFailed,
                      "the view `{}` reads columns of `{}` that its table was built without, by "
                      "another definition: {}",
                      reader.view_name, table.name, fmt::join(problems, ", "));
}

}  // namespace weir
