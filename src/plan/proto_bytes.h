// SPDX-License-Identifier: Apache-2.0
//
// Messages from and to bytes. Private to the room.

#pragma once

#include <string>
#include <string_view>

#include "weir/base/result.h"

namespace google::protobuf {
class Arena;
class MessageLite;
}  // namespace google::protobuf

namespace datafusion {
class LogicalPlanNode;
}  // namespace datafusion

namespace weir::internal {

/// Nodes and expressions inside each other. Decoding, and whoever walks the tree, goes one call
/// deep a level.
inline constexpr int kMaxPlanDepth = 1'000;

/// Reads a plan, which the arena owns. Fails with kCorrupt unless the bytes are one plan, whole,
/// and nested no deeper than what a tree may be.
Result<datafusion::LogicalPlanNode*> ParsePlan(std::string_view proto_bytes,
                                               google::protobuf::Arena& arena);

/// The same bytes for the same message: maps in the order of their keys.
std::string ToBytes(const google::protobuf::MessageLite& message);

}  // namespace weir::internal
