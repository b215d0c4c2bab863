// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/proto_bytes.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>

#include "datafusion.pb.h"

namespace weir::internal {

namespace {

/// Of messages: a level of the tree takes up to four.
constexpr int kRecursionLimit = 4 * kMaxPlanDepth;

}  // namespace

Result<datafusion::LogicalPlanNode*> ParsePlan(std::string_view proto_bytes,
                                               google::protobuf::Arena& arena) {
  // The Status says what is wrong; the library would say it on stderr too.
  const google::protobuf::LogSilencer silence;
  google::protobuf::io::CodedInputStream stream(
      reinterpret_cast<const uint8_t*>(proto_bytes.data()), static_cast<int>(proto_bytes.size()));
  stream.SetRecursionLimit(kRecursionLimit);
  auto* node = google::protobuf::Arena::CreateMessage<datafusion::LogicalPlanNode>(&arena);
  if (node->ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage()) return node;
  return Status::User(StatusCode::kCorrupt, "the bytes of a plan are damaged ({} bytes)",
                      proto_bytes.size());
}

std::string ToBytes(const google::protobuf::MessageLite& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

}  // namespace weir::internal
