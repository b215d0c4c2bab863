// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/landable_columns.h"

#include <algorithm>

#include <arrow/api.h>

#include "weir/bundle/stored_schema.h"

namespace weir {

namespace {

/// Whether the type that a value is stored with holds all of it, and casts back to it.
bool ComesBack(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).unit() != arrow::TimeUnit::NANO;
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::DICTIONARY:
    case arrow::Type::DATE64:
    case arrow::Type::FIXED_SIZE_BINARY:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::LIST_VIEW:
    case arrow::Type::LARGE_LIST_VIEW:
      return false;
    default:
      return std::ranges::all_of(type.fields(),
                                 [](const auto& field) { return ComesBack(*field->type()); });
  }
}

}  // namespace

std::vector<Status> ProblemsOfLanding(const arrow::Schema& columns) {
  static constexpr const char* kHint =
      "declare the column with another name or type in the source's statement, or leave `retain` "
      "out";
  std::vector<Status> problems;
  (void)StoredSchema(columns, problems);
  for (Status& problem : problems) problem = problem.WithHint(kHint);
  for (const auto& field : columns.fields()) {
    if (ComesBack(*field->type())) continue;
    problems.push_back(
        Status::User(StatusCode::kUnsupported,
                     "a type that a Delta table gives back as it is is wanted for the column "
                     "`{}`, found `{}`",
                     field->name(), field->type()->ToString())
            .WithHint(kHint));
  }
  return problems;
}

void CheckLandings(const ProjectDefinition& project, const SessionRuntime& session,
                   Diagnostics& diagnostics) {
  for (const SourceDefinition& source : project.sources) {
    if (!source.retains) continue;
    const PinnedTable* table = session.catalog().Find(source.name);
    if (table == nullptr) continue;
    for (const Status& problem : ProblemsOfLanding(*table->schema)) {
      diagnostics.Add(
          ToDiagnostic("W3009", problem.WithContext(fmt::format("source `{}`", source.name))
                                    .WithLocation(source.location)));
    }
  }
}

}  // namespace weir
