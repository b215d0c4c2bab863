// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/artifact_reader.h"

#include <algorithm>

#include <arrow/api.h>

#include "weir/artifacts/artifact_tables.h"
#include "weir/base/sql_quotes.h"
#include "weir/catalog/catalog.h"
#include "weir/catalog/path_files.h"

namespace weir {

namespace {

ArtifactType TypeOf(const std::string& table, const std::string& column) {
  for (const ArtifactTable& known : ArtifactTables()) {
    if (known.name != table) continue;
    for (const ArtifactColumn& each : known.columns) {
      if (each.name == column) return each.type;
    }
  }
  WEIR_CHECK(false);
  return ArtifactType::kText;
}

/// A column as a text, or as bytes.
std::string AsText(const std::string& column, ArtifactType type) {
  const std::string name = QuotedSqlName(column);
  switch (type) {
    case ArtifactType::kBinary:
      return fmt::format("arrow_cast({}, 'Binary')", name);
    case ArtifactType::kTimestamp:
      return fmt::format("arrow_cast(arrow_cast({}, 'Int64'), 'Utf8')", name);
    case ArtifactType::kTextList:
      return fmt::format("arrow_cast(array_to_string({}, chr(10)), 'Utf8')", name);
    default:
      return fmt::format("arrow_cast({}, 'Utf8')", name);
  }
}

}  // namespace

Result<std::optional<PinnedTable>> PinArtifact(const std::string& warehouse_url,
                                               const std::string& table,
                                               const engine::Session& session) {
  auto pinned = PinDelta("weir." + table, ArtifactTableUrl(warehouse_url, table), -1, "", session);
  if (pinned.ok()) return std::optional(*std::move(pinned));
  const Status& failed = pinned.status();
  // A store that nobody described is not found, either.
  if (failed.code() == StatusCode::kNotFound && !IsOfUnknownStore(failed))
    return std::optional<PinnedTable>();
  return failed.WithContext(fmt::format("artifact table `{}`", table));
}

Result<std::optional<std::set<std::string>>> RegisterArtifact(const SessionRuntime& session,
                                                              const std::string& table) {
  WEIR_ASSIGN_OR_RETURN(const auto pinned,
                        PinArtifact(session.warehouse_url(), table, session.engine()));
  if (!pinned) return std::optional<std::set<std::string>>();
  WEIR_RETURN_NOT_OK(session.engine().RegisterTable(table, *pinned->table, "weir"));
  const auto names = pinned->schema->field_names();
  return std::optional(std::set<std::string>(names.begin(), names.end()));
}

Result<std::vector<std::vector<std::string>>> QueryTexts(const SessionRuntime& session,
                                                         const std::string& sql) {
  WEIR_ASSIGN_OR_RETURN(const auto table, session.engine().Query(sql));
  std::vector<std::vector<std::string>> rows(static_cast<size_t>(table->num_rows()));
  for (const auto& column : table->columns()) {
    size_t row = 0;
    for (const auto& chunk : column->chunks()) {
      for (int64_t i = 0; i < chunk->length(); ++i) {
        std::string text;
        if (chunk->IsValid(i)) {
          const auto value = chunk->GetScalar(i);
          if (!value.ok()) return Status::Bug("{}", value.status().ToString());
          text = arrow::is_base_binary_like(chunk->type_id())
                     ? static_cast<const arrow::BaseBinaryScalar&>(**value).value->ToString()
                     : (*value)->ToString();
        }
        rows[row++].push_back(std::move(text));
      }
    }
  }
  return rows;
}

Result<ArtifactReader> ArtifactReader::Open(const SessionRuntime& session,
                                            const std::set<std::string>& tables) {
  ArtifactReader reader(session);
  for (const std::string& table : tables) {
    WEIR_ASSIGN_OR_RETURN(auto columns, RegisterArtifact(session, table));
    if (columns) {
      reader.columns_[table] = *std::move(columns);
    } else if (table == "runs" || table == "plan_bundles") {
      // Of another kind of row that no run has had yet there is no table.
      return Status::User(StatusCode::kNotFound, "no run has recorded a bundle in this warehouse")
          .WithHint("`weir run` builds the views and records their bundles");
    }
  }
  return reader;
}

Result<std::vector<ArtifactReader::Row>> ArtifactReader::Select(
    const std::string& table, const std::vector<std::string>& columns,
    const std::string& condition) const {
  if (!columns_.contains(table)) return std::vector<Row>();
  std::string selected, order;
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string text = columns_.at(table).contains(columns[i])
                                 ? AsText(columns[i], TypeOf(table, columns[i]))
                                 : "arrow_cast(NULL, 'Utf8')";
    selected += fmt::format("{}{} AS c{}", i == 0 ? "" : ", ", text, i);
    order += fmt::format("{}{}", i == 0 ? "" : ", ", i + 1);
  }
  return QueryTexts(*session_, fmt::format("SELECT {} FROM weir.{} WHERE {} ORDER BY {}", selected,
                                           QuotedSqlName(table), condition, order));
}

std::string QuotedList(const std::set<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + QuotedSqlText(text);
  return list;
}

}  // namespace weir
