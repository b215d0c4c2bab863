// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/bundle_record.h"

#include <map>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "weir/base/json_text.h"
#include "weir/bundle/schema_bytes.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

std::string ToHex(std::string_view bytes) {
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) hex += fmt::format("{:02x}", byte);
  return hex;
}

std::optional<std::string> FromHex(std::string_view hex) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string bytes;
  if (hex.size() % 2 != 0) return std::nullopt;
  for (size_t i = 0; i < hex.size(); i += 2) {
    const size_t high = kDigits.find(hex[i]), low = kDigits.find(hex[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::optional<ViolationAction> ActionNamed(std::string_view name) {
  for (const auto action :
       {ViolationAction::kWarn, ViolationAction::kDropRow, ViolationAction::kFailUpdate}) {
    if (ToString(action) == name) return action;
  }
  return std::nullopt;
}

int NodeCount(const LogicalPlan& plan) {
  int nodes = 0;
  VisitPlan(plan, [&](const LogicalPlan&) { ++nodes; });
  return nodes;
}

/// False if the JSON is not what was written.
bool Read(const Json& json, PlanBundle& bundle) {
  json.at("partition_columns").get_to(bundle.partition_columns);
  json.at("cluster_columns").get_to(bundle.cluster_columns);
  json.at("needs_one_partition").get_to(bundle.needs_one_partition);
  json.at("comment").get_to(bundle.comment);
  json.at("properties").get_to(bundle.properties);
  const auto output = FromHex(json.at("output_schema").get<std::string>());
  const auto stored = FromHex(json.at("stored_schema").get<std::string>());
  if (!output || !stored) return false;
  bundle.output_schema = SchemaOf(*output);
  bundle.stored_schema = SchemaOf(*stored);
  bundle.constraints.clear();
  for (const Json& each : json.at("constraints")) {
    const auto action = ActionNamed(each.at("action").get<std::string>());
    auto expression = FromHex(each.at("expression").get<std::string>());
    if (!action || !expression) return false;
    bundle.constraints.push_back({.name = each.at("name").get<std::string>(),
                                  .action = *action,
                                  .text = each.at("text").get<std::string>(),
                                  .expression_proto = *std::move(expression),
                                  .columns = each.at("columns").get<std::vector<std::string>>(),
                                  .functions = each.at("functions").get<std::vector<std::string>>(),
                                  .location = {}});
  }
  return bundle.output_schema && bundle.stored_schema;
}

}  // namespace

std::string BundleDetailsJson(const PlanBundle& bundle, int64_t now_us) {
  Json constraints = Json::array();
  for (const BundledConstraint& constraint : bundle.constraints) {
    constraints.push_back({{"name", constraint.name},
                           {"action", ToString(constraint.action)},
                           {"text", constraint.text},
                           {"expression", ToHex(constraint.expression_proto)},
                           {"columns", constraint.columns},
                           {"functions", constraint.functions}});
  }
  return JsonText(Json{{"nodes", NodeCount(*bundle.plan)},
                       {"partition_columns", bundle.partition_columns},
                       {"cluster_columns", bundle.cluster_columns},
                       {"needs_one_partition", bundle.needs_one_partition},
                       {"comment", bundle.comment},
                       {"properties", bundle.properties},
                       {"constraints", constraints},
                       {"output_schema", ToHex(SchemaBytes(bundle.output_schema))},
                       {"stored_schema", ToHex(SchemaBytes(bundle.stored_schema))},
                       {"now_us", now_us}});
}

Result<int64_t> ReadBundleDetails(std::string_view json, PlanBundle& bundle) {
  const Json parsed = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object() || !parsed.contains("now_us")) {
    return Status::User(StatusCode::kUnsupported,
                        "the record of the view `{}` is of an earlier Weir, which did not keep all "
                        "that its plan needs",
                        bundle.view_name)
        .WithHint("`weir run --force` builds and records it anew");
  }
  try {
    if (Read(parsed, bundle)) return parsed.at("now_us").get<int64_t>();
  } catch (const nlohmann::json::exception&) {
  }
  return Status::Environment(StatusCode::kCorrupt, "the record of the view `{}` is damaged",
                             bundle.view_name);
}

}  // namespace weir
