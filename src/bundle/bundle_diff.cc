// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/bundle_diff.h"

#include <algorithm>
#include <map>
#include <set>

#include <arrow/api.h>

#include "weir/bundle/fingerprint_input.h"
#include "weir/plan/plan_meaning.h"

namespace weir {

namespace {

/// Values by name, in the order of the input; those of one name joined.
struct NamedValues {
  std::vector<std::string> order;
  std::map<std::string, std::string> values;

  void Add(const std::string& name, const std::string& value) {
    const auto [found, is_new] = values.emplace(name, value);
    if (is_new) {
      order.push_back(name);
    } else {
      found->second += ", " + value;
    }
  }
  std::optional<std::string> Find(const std::string& name) const {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  }
};

/// The input by sections: "setting.x" is x of the section "setting", "column" "a: int64" is a.
std::map<std::string, NamedValues> BySection(const FingerprintInput& input) {
  std::map<std::string, NamedValues> sections;
  for (const FingerprintSection& section : input.sections) {
    if (section.tag == "column") {
      const size_t colon = std::min(section.value.find(": "), section.value.size());
      const size_t type = std::min(colon + 2, section.value.size());
      sections["column"].Add(section.value.substr(0, colon), section.value.substr(type));
      continue;
    }
    const size_t dot = section.tag.find('.');
    if (dot == std::string::npos) {
      sections[section.tag].Add("", section.value);
    } else {
      sections[section.tag.substr(0, dot)].Add(section.tag.substr(dot + 1), section.value);
    }
  }
  return sections;
}

/// Sections in their order, those of `after` that `before` has not at the end.
std::vector<std::string> SectionOrder(const FingerprintInput& before,
                                      const FingerprintInput& after) {
  std::vector<std::string> order;
  for (const FingerprintInput* input : {&before, &after}) {
    for (const FingerprintSection& section : input->sections) {
      const std::string name = section.tag.substr(0, section.tag.find('.'));
      if (std::find(order.begin(), order.end(), name) == order.end()) order.push_back(name);
    }
  }
  return order;
}

void DiffValues(const std::string& section, const NamedValues& before, const NamedValues& after,
                std::vector<SectionDifference>& differences) {
  const size_t known = differences.size();
  std::vector<std::string> names = before.order;
  for (const std::string& name : after.order) {
    if (!before.values.contains(name)) names.push_back(name);
  }
  for (const std::string& name : names) {
    auto was = before.Find(name), is = after.Find(name);
    if (was != is)
      differences.push_back({section, name, std::move(was), std::move(is), /*lines=*/{}});
  }
  if (section == "column" && differences.size() == known && before.order != after.order)
    differences.push_back({section, "", fmt::format("{}", fmt::join(before.order, ", ")),
                           fmt::format("{}", fmt::join(after.order, ", ")), /*lines=*/{}});
}

/// `table.column` to the type, of all columns that scans read.
std::map<std::string, std::string> ReadColumns(const BundleDefinition& definition) {
  std::map<std::string, std::string> columns;
  const auto meaning = MeaningOfPlan(definition.plan_proto);
  if (!meaning.ok()) return columns;
  const auto plan = DecodePlan(*meaning, definition.plan_outputs);
  if (!plan.ok()) return columns;
  for (const Scan* scan : CollectScans(**plan)) {
    if (scan->schema == nullptr) continue;
    for (const auto& field : scan->schema->fields()) {
      columns[scan->table + "." + field->name()] =
          field->type()->ToString() + (field->nullable() ? "" : " not null");
    }
  }
  return columns;
}

std::vector<DiffLine> DiffTexts(std::string_view before, std::string_view after) {
  return DiffLines(SplitLines(before), SplitLines(after));
}

void DiffPlans(const BundleDefinition& before, const BundleDefinition& after,
               std::string_view plan_before, std::string_view plan_after,
               std::vector<SectionDifference>& differences) {
  const auto columns = ReadColumns(before), columns_after = ReadColumns(after);
  bool is_explained = false;
  for (const auto& [name, type] : columns) {
    const auto now = columns_after.find(name);
    if (now == columns_after.end() || now->second == type) continue;
    differences.push_back({"plan", name, type, now->second, /*lines=*/{}});
    is_explained = true;
  }
  if (plan_before != plan_after) {
    differences.push_back({"plan", "", {}, {}, DiffTexts(plan_before, plan_after)});
  } else if (!is_explained) {
    const auto bytes = MeaningText(before.plan_proto), bytes_after = MeaningText(after.plan_proto);
    std::vector<DiffLine> lines;
    if (bytes.ok() && bytes_after.ok()) lines = DiffTexts(*bytes, *bytes_after);
    differences.push_back({"plan", "", {}, {}, std::move(lines)});
  }
}

}  // namespace

BundleDefinition DefinitionOf(const PlanBundle& bundle) {
  return {.view_name = bundle.view_name,
          .run_id = {},
          .fingerprint = bundle.fingerprint,
          .fingerprint_input = bundle.fingerprint_input,
          .plan_proto = bundle.plan_proto,
          .plan_outputs = bundle.plan_outputs};
}

std::vector<SectionDifference> DiffDefinitions(const BundleDefinition& before,
                                               const BundleDefinition& after) {
  std::vector<SectionDifference> differences;
  if (before.fingerprint == after.fingerprint) return differences;
  const FingerprintInput input = ParseFingerprintInput(before.fingerprint_input);
  const FingerprintInput input_after = ParseFingerprintInput(after.fingerprint_input);
  auto sections = BySection(input), sections_after = BySection(input_after);
  for (const std::string& section : SectionOrder(input, input_after)) {
    if (section != "plan") {
      DiffValues(section, sections[section], sections_after[section], differences);
    } else if (sections[section].values != sections_after[section].values) {
      DiffPlans(before, after, input.plan, input_after.plan, differences);
    }
  }
  // Fingerprints of inputs that are damaged or were not recorded.
  if (differences.empty()) {
    differences.push_back({"fingerprint", "", before.fingerprint.ToString(),
                           after.fingerprint.ToString(), /*lines=*/{}});
  }
  return differences;
}

std::vector<std::string> SectionNames(const std::vector<SectionDifference>& differences) {
  std::vector<std::string> names;
  for (const SectionDifference& difference : differences) {
    const bool is_plain = difference.name.empty() || difference.section == "plan";
    std::string name = is_plain ? difference.section : difference.section + " " + difference.name;
    if (std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  }
  return names;
}

}  // namespace weir
