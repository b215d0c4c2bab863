// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/published_sets.h"

#include <vector>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/artifacts/artifact_reader.h"
#include "weir/artifacts/artifact_tables.h"
#include "weir/base/nearest.h"
#include "weir/base/sql_quotes.h"
#include "weir/catalog/catalog.h"

namespace weir {

namespace {

// Names of their own, so that what a query calls `weir.<table>` is what it asks for itself.
constexpr const char* kSetsName = "_weir_published_sets";
constexpr const char* kRunsName = "_weir_runs_of_sets";

/// Registers an artifact table. Returns its schema; null if there is no such table yet.
Result<std::shared_ptr<arrow::Schema>> Register(const engine::Session& session,
                                                const std::string& warehouse_url,
                                                const std::string& table, const char* name) {
  WEIR_ASSIGN_OR_RETURN(const auto pinned, PinArtifact(warehouse_url, table, session));
  if (!pinned) return std::shared_ptr<arrow::Schema>();
  WEIR_RETURN_NOT_OK(session.RegisterTable(name, *pinned->table));
  return pinned->schema;
}

std::string Text(const char* column) { return fmt::format("arrow_cast({}, 'Utf8')", column); }

/// The cells of a column of texts (of Text) or whole numbers. NULL is empty, or -1.
template <typename Array, typename Value>
std::vector<Value> Cells(const arrow::Table& rows, int column, Value of_null) {
  std::vector<Value> cells;
  cells.reserve(static_cast<size_t>(rows.num_rows()));
  for (const auto& chunk : rows.column(column)->chunks()) {
    const auto& array = static_cast<const Array&>(*chunk);
    for (int64_t i = 0; i < array.length(); ++i)
      cells.push_back(array.IsNull(i) ? of_null : Value(array.GetView(i)));
  }
  return cells;
}

std::vector<std::string> Texts(const arrow::Table& rows, int column) {
  return Cells<arrow::StringArray, std::string>(rows, column, "");
}

std::vector<int64_t> Integers(const arrow::Table& rows, int column) {
  return Cells<arrow::Int64Array, int64_t>(rows, column, -1);
}

}  // namespace

Result<PublishedSets> PublishedSets::Open(const engine::Session& session,
                                          const std::string& warehouse_url,
                                          const std::string& project) {
  PublishedSets sets(session, warehouse_url, project);
  WEIR_ASSIGN_OR_RETURN(const auto schema,
                        Register(session, warehouse_url, "published", kSetsName));
  if (schema == nullptr) return sets;
  // Of all projects: known from the statistics of files.
  WEIR_ASSIGN_OR_RETURN(
      const auto last,
      session.Query(fmt::format("SELECT coalesce(max(set_number), 0) FROM {}", kSetsName)));
  sets.last_number_ = Integers(*last, 0).front();
  return sets;
}

Result<int64_t> PublishedSets::LastWhere(const std::string& condition) const {
  if (last_number_ == 0) return int64_t{0};
  WEIR_ASSIGN_OR_RETURN(
      const auto last,
      session_.Query(fmt::format(
          "SELECT coalesce(max(set_number), 0) FROM {} WHERE project = {} AND set_number <= {}{}",
          kSetsName, QuotedSqlText(project_), last_number_, condition)));
  return Integers(*last, 0).front();
}

Result<std::optional<PublishedSet>> PublishedSets::Numbered(int64_t number) const {
  if (number == 0) return std::optional<PublishedSet>();
  // A number alone, so that files and parts of files with other sets are passed over.
  WEIR_ASSIGN_OR_RETURN(
      const auto rows,
      session_.Query(fmt::format(
          "SELECT {}, {}, {}, version, built_version, {}, {}, \"rows\" FROM {} WHERE set_number = "
          "{}",
          Text("project"), Text("run_id"), Text("view_name"), Text("built_by"),
          Text("content_hash"), kSetsName, number)));
  const auto projects = Texts(*rows, 0), runs = Texts(*rows, 1), views = Texts(*rows, 2),
             built_by = Texts(*rows, 5), hashes = Texts(*rows, 6);
  const auto versions = Integers(*rows, 3), built_versions = Integers(*rows, 4),
             counts = Integers(*rows, 7);
  if (projects.empty() || projects.front() != project_) return std::optional<PublishedSet>();
  PublishedSet set{.number = number, .run_id = runs.front(), .views = {}};
  for (size_t i = 0; i < views.size(); ++i) {
    set.views[views[i]] = {.version = versions[i],
                           .built_version = built_versions[i],
                           .built_by = built_by[i],
                           .content_hash = hashes[i],
                           .rows = counts[i]};
  }
  return std::optional(std::move(set));
}

Result<std::optional<PublishedSet>> PublishedSets::Last() const {
  WEIR_ASSIGN_OR_RETURN(auto last, Numbered(last_number_));
  if (last || last_number_ == 0) return last;
  // The newest is another project's.
  WEIR_ASSIGN_OR_RETURN(const int64_t number, LastWhere(""));
  return Numbered(number);
}

Result<PublishedSet> PublishedSets::OfRun(const std::string& run_id) const {
  const auto own = [&](const std::string& run) -> Result<std::optional<PublishedSet>> {
    WEIR_ASSIGN_OR_RETURN(const int64_t number, LastWhere(" AND run_id = " + QuotedSqlText(run)));
    return Numbered(number);
  };
  WEIR_ASSIGN_OR_RETURN(auto set, own(run_id));
  if (set) return *std::move(set);
  WEIR_ASSIGN_OR_RETURN(const std::string earlier, EarlierRunOf(run_id));
  WEIR_ASSIGN_OR_RETURN(set, own(earlier));
  if (set) return *std::move(set);
  return Status::Environment(StatusCode::kCorrupt,
                             "the set of run `{}`, which run `{}` left as it was, is not in "
                             "`weir.published`",
                             earlier, run_id);
}

Result<std::string> PublishedSets::EarlierRunOf(const std::string& run_id) const {
  const auto unknown = [&](const std::vector<std::string>& ids) {
    const std::string nearest = SuggestionHint(run_id, ids);
    return Status::User(StatusCode::kNotFound,
                        "the id of a run of this warehouse is wanted, found `{}`", run_id)
        .WithHint(nearest.empty() ? "`weir history` lists the runs" : nearest);
  };
  WEIR_ASSIGN_OR_RETURN(const auto schema, Register(session_, warehouse_url_, "runs", kRunsName));
  if (schema == nullptr) return unknown({});
  WEIR_ASSIGN_OR_RETURN(
      const auto found,
      session_.Query(fmt::format("SELECT {}, {} FROM {} WHERE run_id = {}", Text("state"),
                                 Text("project"), kRunsName, QuotedSqlText(run_id))));
  if (found->num_rows() == 0) {
    WEIR_ASSIGN_OR_RETURN(const auto ids, session_.Query(fmt::format(
                                              "SELECT {} FROM {} WHERE project = {}",
                                              Text("run_id"), kRunsName, QuotedSqlText(project_))));
    return unknown(Texts(*ids, 0));
  }
  const std::string state = Texts(*found, 0).front(), project = Texts(*found, 1).front();
  if (project != project_) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a run of the project `{}` is wanted, found one of `{}`: `{}`", project_,
                        project, run_id)
        .WithHint("`weir history` lists the runs");
  }
  // Older runs had no such column.
  if (schema->GetFieldByName("published_run_id") != nullptr) {
    WEIR_ASSIGN_OR_RETURN(
        const auto earlier,
        session_.Query(fmt::format("SELECT {} FROM {} WHERE run_id = {}", Text("published_run_id"),
                                   kRunsName, QuotedSqlText(run_id))));
    if (const std::string id = Texts(*earlier, 0).front(); !id.empty()) return id;
  }
  const std::string why = state == "succeeded"
                              ? std::string(
                                    "one that published nothing, as it is older than sets, "
                                    "or what it built does not fit the rest")
                              : fmt::format("one that is recorded as {}", state);
  return Status::User(StatusCode::kInvalidArgument,
                      "a run that published a set is wanted, found {}: `{}`", why, run_id)
      .WithHint(
          "SELECT DISTINCT run_id, published_at FROM weir.published lists those that did; --latest "
          "reads what is there");
}

}  // namespace weir
