// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/bag_difference.h"

#include <fmt/format.h>

#include "weir/base/sql_quotes.h"

namespace weir {

namespace {

std::string ColumnList(const std::vector<std::string>& columns) {
  std::string list;
  for (const std::string& column : columns)
    list += (list.empty() ? "" : ", ") + QuotedSqlName(column);
  return list;
}

}  // namespace

std::string RowHashSql(const std::vector<std::string>& columns, const std::string& table) {
  std::string fields;
  for (size_t i = 0; i < columns.size(); ++i) {
    fields += fmt::format("{}'c{}', {}{}", i == 0 ? "" : ", ", i, table.empty() ? "" : table + ".",
                          QuotedSqlName(columns[i]));
  }
  return fmt::format("stable_hash_any(named_struct({}), false)", fields);
}

std::string DifferenceCte(const ComparedTables& tables) {
  return fmt::format(
      "weir_d AS (SELECT weir_h, sum(weir_w) AS weir_n FROM (SELECT {0} AS weir_h, 1 AS weir_w "
      "FROM {1} UNION ALL SELECT {0}, -1 FROM {2}) AS u GROUP BY weir_h HAVING sum(weir_w) <> 0)",
      RowHashSql(tables.columns, {}), tables.after, tables.before);
}

std::string DifferenceQuery(const ComparedTables& tables, int64_t most) {
  const std::string columns = ColumnList(tables.columns);
  // Of equal rows, as many are taken as there are more of.
  const auto chosen = [&](const std::string& table, const char* sign, const char* change) {
    const std::string query = fmt::format(
        "SELECT {0}, '{4}' AS _change_type{5} FROM (SELECT t.*, d.weir_h AS weir_h, d.weir_n AS "
        "weir_n, row_number() OVER (PARTITION BY d.weir_h) AS weir_r FROM {1} AS t JOIN weir_d AS "
        "d ON {2} = d.weir_h WHERE {3}d.weir_n > 0) AS q WHERE weir_r <= {3}weir_n",
        columns, table, RowHashSql(tables.columns, "t"), sign, change, most < 0 ? "" : ", weir_h");
    if (most < 0) return query;
    return fmt::format("SELECT {0}, _change_type FROM ({1} ORDER BY weir_h LIMIT {2}) AS s",
                       columns, query, most);
  };
  return fmt::format("WITH {} {} UNION ALL {}", DifferenceCte(tables),
                     chosen(tables.before, "-", "delete"), chosen(tables.after, "", "insert"));
}

}  // namespace weir
