// SPDX-License-Identifier: Apache-2.0

#include "weir/run/row_difference.h"

#include <utility>

#include <arrow/type.h>
#include <fmt/format.h>

#include "weir/bundle/write_layout.h"
#include "weir/catalog/catalog.h"
#include "weir/delta/bag_difference.h"
#include "weir/delta/log_actions.h"
#include "weir/run/temporary_table.h"

namespace weir {

namespace {

constexpr const char* kGeneric = "generic";

bool SameColumns(const arrow::Schema& left, const arrow::Schema& right) {
  return left.Equals(right, /*check_metadata=*/false);
}

int64_t TotalBytes(const std::vector<DataFile>& files) {
  int64_t bytes = 0;
  for (const DataFile& file : files) bytes += file.size_bytes;
  return bytes;
}

}  // namespace

Result<std::optional<RowDifference>> WriteRowDifference(const PlanBundle& bundle,
                                                        const SessionRuntime& session,
                                                        const std::vector<DataFile>& written,
                                                        const engine::Cancellation& cancellation) {
  std::optional<RowDifference> difference;
  if (!WantsDifference(bundle.properties)) return difference;
  const std::string url = TableUrl(session.warehouse_url(), bundle.view_name);
  const auto snapshot = engine::DeltaSnapshot::Open(session.engine(), url);
  if (!snapshot.ok() && snapshot.status().code() == StatusCode::kNotFound) return difference;
  WEIR_RETURN_NOT_OK(snapshot.status());
  WEIR_ASSIGN_OR_RETURN(const auto before_schema, snapshot->schema());
  if (!SameColumns(*before_schema, *bundle.stored_schema)) return difference;

  WEIR_ASSIGN_OR_RETURN(const engine::Session* engine, session.EngineOf(session.PartitionsFor(
                                                           TotalBytes(written), session.cores())));
  WEIR_ASSIGN_OR_RETURN(const engine::Table old, snapshot->AsTable(*engine, url));
  WEIR_ASSIGN_OR_RETURN(const PinnedTable fresh,
                        PinView(bundle.view_name, url, -1, bundle.stored_schema,
                                bundle.partition_columns, written, *engine));
  WEIR_ASSIGN_OR_RETURN(const auto before, TemporaryTable::Register(
                                               *engine, "__weir_before " + bundle.view_name, old));
  WEIR_ASSIGN_OR_RETURN(
      const auto after,
      TemporaryTable::Register(*engine, "__weir_after " + bundle.view_name, *fresh.table));

  arrow::FieldVector fields = bundle.stored_schema->fields();
  fields.push_back(arrow::field("_change_type", arrow::utf8()));
  const auto schema = arrow::schema(fields);
  WEIR_ASSIGN_OR_RETURN(
      auto plan,
      engine::Plan::FromSql(*engine,
                            DifferenceQuery({.before = before->sql(),
                                             .after = after->sql(),
                                             .columns = bundle.stored_schema->field_names()}),
                            kGeneric));
  WEIR_ASSIGN_OR_RETURN(auto casted, std::move(plan).CastTo(*schema));
  WEIR_ASSIGN_OR_RETURN(const auto optimized, std::move(casted).Optimize(*engine));
  WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(*engine, optimized));
  WEIR_ASSIGN_OR_RETURN(
      engine::WriteOptions options,
      WriteOptionsOf(url + kChangeFolder, bundle.partition_columns, bundle.properties));
  // Some readers do not decode the names of folders with change data.
  options.flat = true;
  WEIR_ASSIGN_OR_RETURN(auto files, physical.Write(*engine, options, schema, {}, cancellation, {}));
  difference = RowDifference{.since = snapshot->version(), .files = std::move(files.files)};
  for (DataFile& file : difference->files) file.path = kChangeFolder + file.path;
  return difference;
}

}  // namespace weir
