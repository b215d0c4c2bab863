// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <stdexcept>
#include <tuple>

#include <arrow/api.h>
#include <arrow/c/bridge.h>
#include <nlohmann/json.hpp>

#include "weir/base/json_text.h"
#include "weir/engine/bridge_error.h"
#include "weir/engine/bridge_values.h"
#include "weir/engine/engine.h"
#include "weir/engine/table_callback.h"

namespace weir {
namespace engine {

using internal::FromArrow;
using internal::Try;

namespace {

/// The envelope of a failure, with its hint.
std::string Envelope(const Status& status) {
  nlohmann::json envelope = {{"code", ToString(status.code())},
                             {"blame", ToString(status.blame())},
                             {"message", status.message()}};
  if (!status.hint().empty()) envelope["helps"] = {status.hint()};
  if (!status.cause().empty()) envelope["causes"] = {status.cause()};
  return JsonText(envelope);
}

/// The argument of one column: by position, or by the name of its struct's one field.
Result<CallArgument> ArgumentOf(const arrow::Array& column) {
  CallArgument argument;
  const arrow::Array* values = &column;
  if (column.type_id() == arrow::Type::STRUCT && column.type()->num_fields() == 1) {
    argument.name = column.type()->field(0)->name();
    values = static_cast<const arrow::StructArray&>(column).field(0).get();
  }
  auto value = values->GetScalar(0);
  if (!value.ok()) return FromArrow(value.status());
  argument.value = value.MoveValueUnsafe();
  return argument;
}

}  // namespace

/// Calls a C++ function with the arguments and the session that the bridge hands over.
class CalledFromBridge final : public TableCallback {
 public:
  explicit CalledFromBridge(TableFunctionCall call) : call_(std::move(call)) {}

  void Call(const bridge::Session& session, ArrowArray* arguments, ArrowSchema* schema,
            bridge::CalledTable& out) const override {
    const auto table = Make(session, arguments, schema);
    if (!table.ok()) throw std::runtime_error(Envelope(table.status()));
    out.give(*table->state_->handle);
  }

 private:
  Result<Table> Make(const bridge::Session& handle, ArrowArray* arguments,
                     ArrowSchema* schema) const {
    const auto batch = arrow::ImportRecordBatch(arguments, schema);
    if (!batch.ok()) return FromArrow(batch.status());
    std::vector<CallArgument> values;
    for (const auto& column : (*batch)->columns()) {
      WEIR_ASSIGN_OR_RETURN(CallArgument argument, ArgumentOf(*column));
      values.push_back(std::move(argument));
    }
    Session session;
    session.state_ = std::make_shared<Session::State>(Session::State{handle.share()});
    return call_(session, values);
  }

  TableFunctionCall call_;
};

Status Session::RegisterTableFunction(const std::string& name, TableFunctionCall call) const {
  const std::shared_ptr<TableCallback> callback =
      std::make_shared<CalledFromBridge>(std::move(call));
  return Try([&] { bridge::register_table_function(*state_->handle, name, callback); });
}

Result<Table> Session::CacheTable(const std::string& cache) const {
  WEIR_ASSIGN_OR_RETURN(auto handle,
                        Try([&] { return bridge::cache_table(*state_->handle, cache); }));
  Table table;
  table.state_ = std::make_shared<Table::State>(Table::State{std::move(handle)});
  return table;
}

Result<std::vector<EngineFunction>> Session::ListFunctions() const {
  WEIR_ASSIGN_OR_RETURN(const std::string text,
                        Try([&] { return std::string(bridge::list_functions(*state_->handle)); }));
  std::vector<EngineFunction> functions;
  for (const auto& json : nlohmann::json::parse(text)) {
    functions.push_back({.name = json["name"],
                         .kind = json["kind"],
                         .aliases = json["aliases"],
                         .signatures = json["signatures"],
                         .volatility = json["volatility"]});
  }
  std::sort(functions.begin(), functions.end(),
            [](const EngineFunction& left, const EngineFunction& right) {
              return std::tie(left.name, left.kind) < std::tie(right.name, right.kind);
            });
  return functions;
}

}  // namespace engine
}  // namespace weir
