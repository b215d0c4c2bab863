// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/view_layout.h"

#include <algorithm>
#include <set>

#include <arrow/api.h>
#include <fmt/ranges.h>

#include "weir/base/nearest.h"
#include "weir/bundle/plan_failure.h"
#include "weir/bundle/write_layout.h"

namespace weir {

namespace {

/// What keeps a table from being partitioned by a column; empty: nothing.
std::string PartitionProblem(const std::shared_ptr<arrow::Field>& field) {
  const arrow::DataType& type = *field->type();
  if (!arrow::is_nested(type.id()) && type.id() != arrow::Type::BINARY) return {};
  return fmt::format(
      "PARTITIONED BY takes columns whose values are written as text into the log, "
      "found {} of the type `{}`",
      field->name(), type.ToString());
}

void CheckPartitionColumns(const ViewDefinition& view, const arrow::Schema& stored_schema,
                           std::vector<Diagnostic>& diagnostics) {
  std::vector<std::string> names;
  for (const auto& field : stored_schema.fields()) names.push_back(field->name());
  const auto report = [&](std::string_view code, size_t i, const Status& status) {
    diagnostics.push_back(DiagnosticOf(code, status, view));
    if (i < view.partition_locations.size())
      diagnostics.back().location = view.partition_locations[i];
  };
  std::set<std::string> seen;
  for (size_t i = 0; i < view.partition_columns.size(); ++i) {
    const std::string& column = view.partition_columns[i];
    const int index = stored_schema.GetFieldIndex(column);
    if (index < 0) {
      const bool is_there = std::find(names.begin(), names.end(), column) != names.end();
      // Of a name that stands twice the schema itself is wrong, which is said.
      if (is_there) continue;
      report("W2008", i,
             Status::User(StatusCode::kNotFound,
                          "PARTITIONED BY names a column that the view does not have: `{}`", column)
                 .WithHint(SuggestionHint(column, names)));
    } else if (const std::string problem = PartitionProblem(stored_schema.field(index));
               !problem.empty()) {
      report("W2011", i,
             Status::User(StatusCode::kUnsupported, "{}", problem)
                 .WithHint("partition by a column of its own that tells the parts apart"));
    } else if (!seen.insert(column).second) {
      report("W2011", i,
             Status::User(StatusCode::kInvalidArgument, "PARTITIONED BY names a column twice: `{}`",
                          column));
    }
  }
  if (!seen.empty() && static_cast<int>(seen.size()) == stored_schema.num_fields()) {
    report("W2011", view.partition_columns.size() - 1,
           Status::User(StatusCode::kUnsupported,
                        "a column that PARTITIONED BY leaves out is wanted, for the files to hold; "
                        "found all columns in it, `{}` last",
                        view.partition_columns.back())
               .WithHint("leave one out"));
  }
}

/// Columns that have an order, each once, may be clustered by.
void CheckClusterColumns(const ViewDefinition& view, const arrow::Schema& stored_schema,
                         std::vector<Diagnostic>& diagnostics) {
  const auto report = [&](const Status& status) {
    diagnostics.push_back(DiagnosticOf("W2026", status, view));
    if (view.cluster_location.line > 0) diagnostics.back().location = view.cluster_location;
  };
  for (const std::string& column : view.cluster_columns) {
    const auto field = stored_schema.GetFieldByName(column);
    if (!field) {
      report(Status::User(StatusCode::kNotFound,
                          "CLUSTER BY names a column that the view does not have: `{}`", column)
                 .WithHint(SuggestionHint(column, stored_schema.field_names())));
    } else if (arrow::is_nested(field->type()->id())) {
      report(
          Status::User(StatusCode::kUnsupported,
                       "CLUSTER BY takes columns that readers can skip files by, found {} of the "
                       "type `{}`",
                       column, field->type()->ToString()));
    }
  }
}

/// Properties that are Weir's own by their names mean something.
void CheckOwnProperties(const ViewDefinition& view, std::vector<Diagnostic>& diagnostics) {
  static const std::vector<std::string> kKnown = {kBloomFilterColumns,   kPlainColumns,
                                                  kChangeFeed,           "weir.compression",
                                                  "weir.row_group_rows", kTimeoutProperty};
  for (const auto& [key, value] : view.properties) {
    if (!key.starts_with("weir.") || std::ranges::find(kKnown, key) != kKnown.end()) continue;
    std::string hint = SuggestionHint(key, kKnown);
    if (hint.empty()) hint = fmt::format("there are `{}`", fmt::join(kKnown, "`, `"));
    diagnostics.push_back(DiagnosticOf(
        "W2027",
        Status::User(StatusCode::kNotFound, "a property of Weir's is wanted, found `{}`", key)
            .WithHint(std::move(hint)),
        view));
  }
}

}  // namespace

std::map<std::string, std::string> PropertiesOf(const ViewDefinition& view,
                                                const SessionRuntime& session) {
  auto properties = view.properties;
  properties.insert(session.table_properties().begin(), session.table_properties().end());
  return properties;
}

void CheckLayoutColumns(const ViewDefinition& view, const arrow::Schema& stored_schema,
                        std::vector<Diagnostic>& diagnostics) {
  CheckPartitionColumns(view, stored_schema, diagnostics);
  CheckClusterColumns(view, stored_schema, diagnostics);
}

void CheckProperties(const ViewDefinition& view, const SessionRuntime& session,
                     const arrow::Schema& stored_schema, std::vector<Diagnostic>& diagnostics) {
  CheckOwnProperties(view, diagnostics);
  const auto options = WriteOptionsOf({}, view.partition_columns, view.properties);
  if (!options.ok()) {
    diagnostics.push_back(DiagnosticOf("W2027", options.status(), view));
    return;
  }
  if (const auto limit = TimeLimitOf(view.properties); !limit.ok())
    diagnostics.push_back(DiagnosticOf("W2027", limit.status(), view));
  const auto feed = view.properties.find(kChangeFeed);
  if (feed != view.properties.end() && feed->second == kDifference &&
      !WantsDifference(PropertiesOf(view, session))) {
    diagnostics.push_back(
        DiagnosticOf("W2027",
                     Status::User(StatusCode::kInvalidArgument,
                                  "`{}` = '{}' is set for a table without a change feed",
                                  kChangeFeed, kDifference)
                         .WithHint("set 'delta.enableChangeDataFeed' = 'true', too"),
                     view));
  }
  for (const auto* columns : {&options->bloom_filter_columns, &options->plain_columns}) {
    for (const std::string& path : *columns) {
      if (stored_schema.GetFieldByName(path.substr(0, path.find('.')))) continue;
      diagnostics.push_back(DiagnosticOf(
          "W2027",
          Status::User(StatusCode::kNotFound,
                       "the property `{}` names a column that the view does not have: `{}`",
                       columns == &options->plain_columns ? kPlainColumns : kBloomFilterColumns,
                       path)
              .WithHint(SuggestionHint(path, stored_schema.field_names())),
          view));
    }
  }
}

void CheckProfileProperties(const SessionRuntime& session, Diagnostics& diagnostics) {
  const auto options = WriteOptionsOf({}, {}, session.table_properties());
  if (options.ok()) return;
  diagnostics.Add(ToDiagnostic("W1031", options.status().WithLocation({.file = "weir.toml"})));
}

}  // namespace weir
