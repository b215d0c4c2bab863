// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/plan_meaning.h"

#include <set>

#include <google/protobuf/text_format.h>

#include "datafusion.pb.h"

#include "weir/plan/proto_bytes.h"

namespace weir {

namespace {

namespace pb = datafusion;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

/// Whether no scan and no column can be inside of a message of this type: most of a plan's bytes
/// are such leaves.
bool IsLeaf(const Descriptor* type) {
  return type == datafusion_common::Schema::descriptor() ||
         type == datafusion_common::DfSchema::descriptor() ||
         type == datafusion_common::ArrowType::descriptor() ||
         type == datafusion_common::ScalarValue::descriptor();
}

/// Calls `visit` for `message` and every message in it, until `visit` returns false for one.
template <typename Visit>
void VisitMessages(Message& message, const Visit& visit) {
  if (IsLeaf(message.GetDescriptor()) || !visit(message)) return;
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_map()) continue;
    if (!field->is_repeated()) {
      VisitMessages(*reflection->MutableMessage(&message, field), visit);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i)
      VisitMessages(*reflection->MutableRepeatedMessage(&message, field, i), visit);
  }
}

/// What extension types are told by stays; comments and the like go.
void KeepTypeMetadata(datafusion_common::Field& field) {
  auto& metadata = *field.mutable_metadata();
  for (auto entry = metadata.begin(); entry != metadata.end();) {
    entry = entry->first.starts_with("ARROW:") ? std::next(entry) : metadata.erase(entry);
  }
  for (auto& child : *field.mutable_children()) KeepTypeMetadata(child);
}

void TrimScan(pb::CustomTableScanNode& scan) {
  std::set<std::string> read(scan.projection().columns().begin(),
                             scan.projection().columns().end());
  for (auto& filter : *scan.mutable_filters()) {
    VisitMessages(filter, [&](Message& message) {
      if (message.GetDescriptor() == datafusion_common::Column::descriptor())
        read.insert(static_cast<datafusion_common::Column&>(message).name());
      return true;
    });
  }
  datafusion_common::Schema trimmed;
  for (auto& field : *scan.mutable_schema()->mutable_columns()) {
    if (scan.has_projection() && !read.contains(field.name())) continue;
    KeepTypeMetadata(field);
    *trimmed.add_columns() = std::move(field);
  }
  *scan.mutable_schema() = std::move(trimmed);
}

/// Parses a plan and takes out what its result cannot depend on.
Result<const pb::LogicalPlanNode*> ParseMeaning(std::string_view proto_bytes,
                                                google::protobuf::Arena& arena) {
  WEIR_ASSIGN_OR_RETURN(pb::LogicalPlanNode * plan, internal::ParsePlan(proto_bytes, arena));
  VisitMessages(*plan, [](Message& message) {
    if (message.GetDescriptor() != pb::CustomTableScanNode::descriptor()) return true;
    TrimScan(static_cast<pb::CustomTableScanNode&>(message));
    return false;
  });
  return plan;
}

}  // namespace

Result<std::string> MeaningOfPlan(std::string_view proto_bytes) {
  google::protobuf::Arena arena;
  WEIR_ASSIGN_OR_RETURN(const pb::LogicalPlanNode* plan, ParseMeaning(proto_bytes, arena));
  return internal::ToBytes(*plan);
}

Result<std::string> MeaningText(std::string_view proto_bytes) {
  google::protobuf::Arena arena;
  WEIR_ASSIGN_OR_RETURN(const pb::LogicalPlanNode* plan, ParseMeaning(proto_bytes, arena));
  std::string text;
  google::protobuf::TextFormat::PrintToString(*plan, &text);
  return text;
}

}  // namespace weir
