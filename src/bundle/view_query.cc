// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/view_query.h"

#include <algorithm>

#include "weir/expr/project_view.h"
#include "weir/plan/logical_plan.h"
#include "weir/project/dialect.h"

namespace weir {

namespace {

/// The query of a view, its columns renamed if the DDL lists names. Lines and columns of the user's
/// text stay where they are: the wrapping goes into the blanks where the DDL stood.
std::string PlanningSql(const ViewDefinition& view) {
  if (view.column_names.empty()) return view.query_sql;
  static constexpr std::string_view kOpen = "SELECT * FROM (";
  std::string sql = view.query_sql;
  const size_t body = std::min(sql.find_first_not_of(" \t\r\n"), sql.size());
  const size_t line_break = sql.find_last_of('\n', body);
  const size_t line = line_break == std::string::npos ? 0 : line_break + 1;
  if (body - line >= kOpen.size()) {
    sql.replace(body - kOpen.size(), kOpen.size(), kOpen);
  } else {
    // What is added at the end of the line before moves nothing.
    sql.insert(line_break == std::string::npos ? 0 : line_break, kOpen);
  }
  const SqlDialect* dialect = FindDialect(view.dialect);
  const auto quoted = [&](const std::string& name) {
    return QuoteIdentifier(name, dialect == nullptr ? GenericDialect() : *dialect);
  };
  std::string names;
  for (const std::string& name : view.column_names)
    names += (names.empty() ? "" : ", ") + quoted(name);
  return sql + fmt::format("\n) AS {}({})", quoted(view.name), names);
}

}  // namespace

Result<engine::Plan> PlanQuery(const ViewDefinition& view, const engine::Session& session,
                               const FunctionRegistry& functions) {
  if (view.query == nullptr) return engine::Plan::FromSql(session, PlanningSql(view), view.dialect);
  const auto* written = dynamic_cast<const expr::BuilderQuery*>(view.query.get());
  if (written == nullptr)
    return Status::Bug("the query of the view `{}` is of an unknown kind", view.name);
  return written->builder().Build(session, functions);
}

Result<std::vector<std::string>> TablesNamed(const ViewDefinition& view,
                                             const engine::Session& session) {
  if (view.query != nullptr) return view.query->tables();
  WEIR_ASSIGN_OR_RETURN(std::vector<std::string> names,
                        session.TableReferences(view.query_sql, view.dialect));
  for (std::string& name : names) name = WithoutDefaultSchema(name);
  return names;
}

}  // namespace weir
