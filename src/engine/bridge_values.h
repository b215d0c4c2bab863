// SPDX-License-Identifier: Apache-2.0
//
// Conversions between Weir's values and the bridge's, and the states behind the handles of
// engine.h. Private to the room.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/c/abi.h>
#include <arrow/status.h>
#include <arrow/type_fwd.h>

#include "bridge/src/lib.rs.h"

#include "weir/engine/engine.h"

namespace weir::engine {

struct Cancellation::State {
  rust::Box<bridge::Cancellation> handle;
};
struct Session::State {
  rust::Box<bridge::Session> handle;
  int64_t row_group_bytes = 0;
};
struct Table::State {
  rust::Box<bridge::Table> handle;
};
struct DeltaSnapshot::State {
  rust::Box<bridge::DeltaSnapshot> handle;
};
struct Plan::State {
  rust::Box<bridge::Plan> handle;
};
struct PhysicalPlan::State {
  rust::Box<bridge::PhysicalPlan> handle;
};

namespace internal {

// Texts of users may hold bytes that are no UTF-8, and the bridge takes none: those that only name
// things become U+FFFD on the way, SQL text fails.

template <typename Pairs>
rust::Vec<bridge::KeyValue> ToKeyValues(const Pairs& pairs) {
  rust::Vec<bridge::KeyValue> values;
  for (const auto& [key, value] : pairs)
    values.push_back({rust::String::lossy(key), rust::String::lossy(value)});
  return values;
}

bridge::TableFile ToBridge(const DataFile& file);
DataFile FromBridge(const bridge::TableFile& file);
bridge::DeletionVector ToBridge(const DeletionVector& vector);
DeletionVector FromBridge(const bridge::DeletionVector& vector);
rust::Vec<rust::String> ToBridge(const std::vector<std::string>& texts);
rust::Slice<const uint8_t> ToBytes(std::string_view bytes);
std::string ToString(const rust::Vec<uint8_t>& bytes);
/// `row_group_bytes`: of the session that writes.
bridge::WriteOptions ToBridge(const WriteOptions& options, int64_t row_group_bytes);
WriteOutcome FromBridge(const bridge::WriteOutcome& outcome);
std::vector<PlanStep> ToSteps(const rust::Vec<bridge::PlanningStep>& steps);

/// A failure of Arrow C++; if it carries the bridge's envelope (streams), that is unpacked.
/// Adds the files of a batch of DeltaSnapshot::ReadFiles.
Status AddFiles(const arrow::RecordBatch& batch, std::vector<DataFile>& files);

Status FromArrow(const arrow::Status& status);

/// Calls `fill` with an empty C schema and imports the result.
Result<std::shared_ptr<arrow::Schema>> ImportSchema(
    const std::function<Status(ArrowSchema*)>& fill);

}  // namespace internal
}  // namespace weir::engine
