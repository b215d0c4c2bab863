// SPDX-License-Identifier: Apache-2.0
//
// Why two bundles have different fingerprints. In: what the fingerprints were made of, of bundles
// just compiled or as recorded with a build. Out: each section that differs, and how.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/text_diff.h"
#include "weir/bundle/plan_bundle.h"

namespace weir {

/// What of a bundle is compared; as it is recorded in the artifact `plan_bundles`.
struct BundleDefinition {
  std::string view_name;
  std::string run_id;  ///< that built it; empty: compiled now
  Fingerprint fingerprint;
  std::string fingerprint_input;
  std::string plan_proto;
  std::string plan_outputs;
};

BundleDefinition DefinitionOf(const PlanBundle& bundle);

/// A section of the fingerprints' input that differs, or a part of one.
struct SectionDifference {
  std::string section;  ///< "plan", "column", "setting", "function", "constraint", …
  /// Of the setting, function or column; of the plan, `table.column` of what it reads. May be
  /// empty.
  std::string name;
  std::optional<std::string> before;  ///< nullopt: it was not there
  std::optional<std::string> after;   ///< nullopt: it is not there any more
  std::vector<DiffLine> lines;        ///< of the plan, all of them
};

/// Empty exactly if the fingerprints are the same. In the order of the input; of the plan the types
/// of what it reads come first. Where the plan in words reads the same on both sides, `lines` are
/// those of its bytes.
std::vector<SectionDifference> DiffDefinitions(const BundleDefinition& before,
                                               const BundleDefinition& after);

/// "plan", "setting datafusion.execution.time_zone", each once.
std::vector<std::string> SectionNames(const std::vector<SectionDifference>& differences);

}  // namespace weir
