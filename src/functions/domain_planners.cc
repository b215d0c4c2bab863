// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/domain_planners.h"

#include <algorithm>
#include <array>

namespace weir {
namespace {

constexpr std::string_view kFieldAccess = "field_access";

struct StepName {
  std::string_view step;
  std::string_view planner;
};

constexpr std::array<StepName, 5> kSteps = {{{"operator", "span_operators"},
                                             {"named_arguments", "named_arguments"},
                                             {"alias", "function_aliases"},
                                             {"opened", "open_span_predicates"},
                                             {"simplified", "repeated_calls"}}};

/// The engine's function that takes a field out of a struct, or an entry out of a map.
constexpr char kAccess[] = "get_field";

}  // namespace

const std::vector<DomainPlanner>& DomainPlanners() {
  static const std::vector<DomainPlanner> planners = {
      {.name = std::string(kFieldAccess),
       .kind = "planner",
       .description =
           "Fields of structs and spans, in brackets or behind a dot, and entries of maps "
           "in brackets.",
       .example = "span['bstart']",
       .tags = {"map", "nested", "span", "struct"}},
      {.name = "function_aliases",
       .kind = "rewrite",
       .description = "A call by an alias is a call by the function's name: plan and fingerprint "
                      "are the same.",
       .example = "arg_min(value, key) is any_value_det(value, key)",
       .tags = {}},
      {.name = "named_arguments",
       .kind = "planner",
       .description =
           "Arguments of native functions by name, in any order; what is left out before "
           "one that is named gets its default.",
       .example = "span_make(1, 5, col_unit => 'utf16')",
       .tags = {}},
      {.name = "open_span_predicates",
       .kind = "rewrite",
       .description = "In WHERE and ON, span_overlaps and span_contains of span_make become "
                      "comparisons of the bounds, which joins and the choice of files can use.",
       .example = "span_make(a, b) && span_make(4, 6) is a < 6 AND 4 < b",
       .tags = {"span"}},
      {.name = "repeated_calls",
       .kind = "rewrite",
       .description = "A call whose work the call within has done already falls away, as where one "
                      "view cleans what another has cleaned.",
       .example = "list_compact(list_unique_sorted(l)) is list_unique_sorted(l)",
       .tags = {"list", "string_norm"}},
      {.name = "span_operators",
       .kind = "planner",
       .description = "Between two spans, `a @> b` is span_contains(a, b) and `a && b` is "
                      "span_overlaps(a, b).",
       .example = "span_make(0, 9) @> span_make(2, 5)",
       .tags = {"span"}},
  };
  return planners;
}

const DomainPlanner* FindDomainPlanner(std::string_view name) {
  for (const DomainPlanner& planner : DomainPlanners()) {
    if (planner.name == name) return &planner;
  }
  return nullptr;
}

bool IsEnabled(const DomainPlanner& planner, const FunctionRegistry& functions) {
  if (planner.tags.empty()) return true;
  const auto declarations = functions.Declarations();
  return std::any_of(declarations.begin(), declarations.end(), [&](const auto* declaration) {
    return std::any_of(planner.tags.begin(), planner.tags.end(), [&](const std::string& tag) {
      return std::binary_search(declaration->tags.begin(), declaration->tags.end(), tag);
    });
  });
}

std::set<std::string> DomainPlannersOf(const std::vector<PlanningStep>& steps,
                                       const std::set<std::string>& plan_functions) {
  std::set<std::string> names;
  for (const PlanningStep& step : steps) {
    for (const auto& [noted, planner] : kSteps) {
      if (step.step == noted) names.emplace(planner);
    }
  }
  if (plan_functions.contains(kAccess)) names.emplace(kFieldAccess);
  return names;
}

}  // namespace weir
