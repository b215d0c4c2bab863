// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/required_functions.h"

namespace weir {

std::vector<MissingFunction> MissingFunctions(const PlanBundle& bundle,
                                              const FunctionRegistry& installed) {
  std::vector<MissingFunction> missing;
  for (const RequiredFunction& required : bundle.functions) {
    if (!required.version.starts_with("native:")) continue;
    const FunctionDeclaration* function = installed.Find(required.name);
    const std::string found =
        function == nullptr ? "" : fmt::format("native:{}", function->semantic_version);
    if (found != required.version) missing.push_back({required.name, required.version, found});
  }
  return missing;
}

Status CheckRequiredFunctions(const PlanBundle& bundle, const FunctionRegistry& installed) {
  std::string problems;
  for (const MissingFunction& missing : MissingFunctions(bundle, installed)) {
    problems +=
        fmt::format("{}{} in version `{}`, found `{}`", problems.empty() ? "" : "; ", missing.name,
                    missing.version, missing.found.empty() ? "not installed" : missing.found);
  }
  if (problems.empty()) return Status::OK();
  return Status(
             StatusCode::kConflict, Blame::kEnvironment,
             fmt::format("the bundle of the view `{}` wants functions that this program has not: "
                         "{}",
                         bundle.view_name, problems))
      .WithHint(
          "`weir run` plans the view anew; a recorded run repeats with the program that "
          "recorded it");
}

}  // namespace weir
