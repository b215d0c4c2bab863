// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include <arrow/api.h>
#include <arrow/c/bridge.h>

#include "weir/engine/bridge_error.h"
#include "weir/engine/bridge_values.h"
#include "weir/engine/engine.h"

namespace weir::engine {

using internal::FromArrow;
using internal::ToBytes;
using internal::ToKeyValues;
using internal::Try;

Cancellation::Cancellation() : state_(std::make_shared<State>(State{bridge::new_cancellation()})) {}
void Cancellation::Cancel() const { state_->handle->cancel(); }
bool Cancellation::is_cancelled() const { return state_->handle->is_cancelled(); }

Result<Session> Session::Open(const SessionOptions& options) {
  WEIR_RETURN_NOT_OK(Try([] { bridge::start_runtime(0); }));
  bridge::SessionOptions bridged;
  bridged.settings = ToKeyValues(options.settings);
  bridged.memory_limit_bytes = static_cast<uint64_t>(options.memory_limit_bytes);
  bridged.spill_directory = rust::String::lossy(options.spill_directory);
  bridged.max_spill_bytes = static_cast<uint64_t>(options.max_spill_bytes);
  bridged.spill_merge_fan_in = static_cast<uint64_t>(options.spill_merge_fan_in);
  bridged.metadata_cache_bytes = static_cast<uint64_t>(options.metadata_cache_bytes);
  bridged.noted_store_calls = static_cast<uint64_t>(options.noted_store_calls);
  bridged.stand_ins = options.stand_ins;
  for (const std::string& name : options.guards_off)
    bridged.guards_off.push_back(rust::String::lossy(name));
  bridged.parameters = ToKeyValues(options.parameters);
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] { return bridge::open_session(bridged); }));
  Session session;
  session.state_ = std::make_shared<State>(State{std::move(handle), options.row_group_bytes});
  return session;
}

Result<Session> Session::WithSettings(
    const std::vector<std::pair<std::string, std::string>>& settings) const {
  const auto bridged = ToKeyValues(settings);
  WEIR_ASSIGN_OR_RETURN(auto handle, Try([&] { return state_->handle->with_settings(bridged); }));
  Session session;
  session.state_ = std::make_shared<State>(State{std::move(handle), state_->row_group_bytes});
  return session;
}

Status Session::DefineFunction(const UserFunction& function) const {
  bridge::UserFunction bridged;
  bridged.name = rust::String::lossy(function.name);
  for (const UserFunction::Argument& argument : function.arguments) {
    bridged.arguments.push_back({rust::String::lossy(argument.name),
                                 rust::String::lossy(argument.sql_type),
                                 rust::String::lossy(argument.default_sql)});
  }
  bridged.return_type = rust::String::lossy(function.return_type);
  bridged.body = rust::String::lossy(function.body_sql);
  bridged.dialect = rust::String::lossy(function.dialect);
  bridged.syntax = rust::String::lossy(function.syntax);
  bridged.text = rust::String::lossy(function.text);
  return Try([&] { bridge::define_user_function(*state_->handle, bridged); });
}

std::string Session::FunctionKindOf(const std::string& name) const {
  return std::string(bridge::function_kind(*state_->handle, rust::String::lossy(name)));
}

Result<std::vector<std::string>> Session::CalledFunctions(const std::string& expression,
                                                          const std::string& dialect) const {
  WEIR_ASSIGN_OR_RETURN(auto names, Try([&] {
                          return bridge::called_functions(*state_->handle, expression, dialect);
                        }));
  std::vector<std::string> result;
  for (const auto& name : names) result.emplace_back(name);
  return result;
}

Result<std::string> Session::SqlType(const std::string& name, const std::string& dialect) const {
  WEIR_ASSIGN_OR_RETURN(auto type,
                        Try([&] { return bridge::sql_type(*state_->handle, name, dialect); }));
  return std::string(type);
}

Status Session::RegisterTable(const std::string& name, const Table& table,
                              const std::string& schema) const {
  return Try([&] { bridge::register_table(*state_->handle, schema, name, *table.state_->handle); });
}

Status Session::RegisterView(const std::string& name, const Plan& plan) const {
  return Try([&] { bridge::register_view(*state_->handle, name, *plan.state_->handle); });
}

Status Session::RegisterObjectStore(const std::string& url,
                                    const std::map<std::string, std::string>& options) const {
  const auto bridged = ToKeyValues(options);
  return Try([&] { bridge::register_object_store(*state_->handle, url, bridged); });
}

Result<std::vector<std::string>> Session::TableReferences(const std::string& sql,
                                                          const std::string& dialect) const {
  WEIR_ASSIGN_OR_RETURN(
      auto names, Try([&] { return bridge::table_references(*state_->handle, sql, dialect); }));
  std::vector<std::string> result;
  for (const auto& name : names) result.emplace_back(name);
  return result;
}

Result<SyntaxTree> Session::ParseSql(const std::string& sql, const std::string& dialect) const {
  WEIR_ASSIGN_OR_RETURN(auto parsed,
                        Try([&] { return bridge::parse_sql(*state_->handle, sql, dialect); }));
  return SyntaxTree{.json = std::string(parsed.tree), .sql = std::string(parsed.sql)};
}

Result<std::shared_ptr<arrow::Table>> Session::Query(const std::string& sql) const {
  WEIR_ASSIGN_OR_RETURN(Plan plan, Plan::FromSql(*this, sql));
  WEIR_ASSIGN_OR_RETURN(plan, plan.Optimize(*this));
  WEIR_ASSIGN_OR_RETURN(PhysicalPlan physical, PhysicalPlan::Create(*this, plan));
  WEIR_ASSIGN_OR_RETURN(auto reader, physical.Execute(*this, Cancellation()));
  auto table = reader->ToTable();
  if (!table.ok()) return FromArrow(table.status());
  return table.MoveValueUnsafe();
}

int64_t Session::held_bytes() const { return static_cast<int64_t>(state_->handle->held_bytes()); }

Session Session::NotingFor(const std::string& view_name) const {
  Session session;
  session.state_ = std::make_shared<State>(
      State{state_->handle->noting_for(std::string(rust::String::lossy(view_name)))});
  return session;
}

StoreCalls Session::TakeStoreCalls() const {
  const bridge::StoreCalls taken = state_->handle->take_store_calls();
  StoreCalls calls{.calls = {}, .left_out = static_cast<int64_t>(taken.left_out)};
  calls.calls.reserve(taken.calls.size());
  for (const bridge::StoreCall& call : taken.calls) {
    calls.calls.push_back({.operation = std::string(call.operation),
                           .url = std::string(call.url),
                           .view_name = std::string(call.view),
                           .started_at_us = call.started_at_us,
                           .finished_at_us = call.finished_at_us,
                           .bytes = static_cast<int64_t>(call.bytes),
                           .error = std::string(call.error)});
  }
  return calls;
}

Result<std::vector<ObjectInfo>> Session::ListObjects(const std::string& url) const {
  WEIR_ASSIGN_OR_RETURN(auto objects, internal::TryReading([&] {
                          return bridge::list_objects(*state_->handle, url);
                        }));
  std::vector<ObjectInfo> result;
  for (const auto& object : objects) {
    result.push_back({.url = std::string(object.url),
                      .relative_path = std::string(object.relative_path),
                      .size_bytes = static_cast<int64_t>(object.size_bytes),
                      .modified_ms = object.modified_ms,
                      .etag = std::string(object.etag)});
  }
  return result;
}

Result<std::string> Session::GetObject(const std::string& url) const {
  WEIR_ASSIGN_OR_RETURN(
      auto bytes, internal::TryReading([&] { return bridge::get_object(*state_->handle, url); }));
  return internal::ToString(bytes);
}

Status Session::PutObject(const std::string& url, std::string_view bytes) const {
  return internal::NamingPlace(
      Try([&] { (void)bridge::put_object(*state_->handle, url, ToBytes(bytes), false); }), url);
}

Result<bool> Session::PutObjectIfAbsent(const std::string& url, std::string_view bytes) const {
  auto put = Try([&] { return bridge::put_object(*state_->handle, url, ToBytes(bytes), true); });
  if (!put.ok()) return internal::NamingPlace(put.status(), url);
  return put;
}

Status Session::DeleteObject(const std::string& url) const {
  return Try([&] { bridge::delete_object(*state_->handle, url); });
}

Status Session::CreateCheckpoint(const std::string& table_url) const {
  return Try([&] { bridge::create_checkpoint(*state_->handle, table_url); });
}

namespace {

/// Gives its batches away.
class BatchReader : public arrow::RecordBatchReader {
 public:
  BatchReader(std::shared_ptr<arrow::Schema> schema,
              std::vector<std::shared_ptr<arrow::RecordBatch>> batches)
      : schema_(std::move(schema)), batches_(std::move(batches)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    *batch = next_ < batches_.size() ? std::move(batches_[next_++]) : nullptr;
    return arrow::Status::OK();
  }

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches_;
  size_t next_ = 0;
};

}  // namespace

Result<WriteOutcome> Session::WriteBatch(const WriteOptions& options,
                                         const arrow::RecordBatch& batch) const {
  auto copy = arrow::RecordBatch::Make(batch.schema(), batch.num_rows(), batch.columns());
  return WriteBatches(options, batch.schema(), {std::move(copy)});
}

Result<WriteOutcome> Session::WriteBatches(
    const WriteOptions& options, const std::shared_ptr<arrow::Schema>& schema,
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches) const {
  const auto reader = std::make_shared<BatchReader>(schema, std::move(batches));
  ArrowArrayStream stream;
  const arrow::Status exported = arrow::ExportRecordBatchReader(reader, &stream);
  if (!exported.ok()) return FromArrow(exported);
  const auto bridged = internal::ToBridge(options, state_->row_group_bytes);
  const auto outcome =
      Try([&] { return bridge::write_batches(*state_->handle, bridged, &stream); });
  if (!outcome.ok()) return internal::NamingPlace(outcome.status(), options.root_url);
  return internal::FromBridge(*outcome);
}

namespace {

std::vector<std::string> Sorted(const rust::Vec<rust::String>& texts) {
  std::vector<std::string> sorted;
  for (const auto& text : texts) sorted.emplace_back(text);
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

}  // namespace

std::vector<std::string> ReadDialects() { return Sorted(bridge::read_dialects()); }
std::vector<std::string> WrittenDialects() { return Sorted(bridge::written_dialects()); }

std::vector<Guard> BridgeGuards() {
  std::vector<Guard> guards;
  for (const auto& guard : bridge::guard_descriptions()) {
    guards.push_back({.name = std::string(guard.name),
                      .version = guard.version,
                      .fault = std::string(guard.fault),
                      .upstream = std::string(guard.upstream),
                      .means = std::string(guard.means),
                      .effect = std::string(guard.effect)});
  }
  return guards;
}

std::map<std::string, std::string> EngineVersions() {
  std::map<std::string, std::string> versions;
  for (const auto& entry : bridge::engine_versions())
    versions.emplace(std::string(entry.key), std::string(entry.value));
  return versions;
}

}  // namespace weir::engine
