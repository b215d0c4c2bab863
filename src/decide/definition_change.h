// SPDX-License-Identifier: Apache-2.0
//
// What differs between two definitions of a view. In: the text that a fingerprint was made of
// (PlanBundle::fingerprint_input), now and at the last build. Out: a reason that a user
// understands.

#pragma once

#include <map>
#include <string>
#include <string_view>

namespace weir {

/// The sections of a fingerprint's input, short enough to be kept in a commit: settings, functions
/// and columns as they are, of the plan a few digits a line.
using DefinitionSections = std::map<std::string, std::string>;

DefinitionSections SectionsOf(std::string_view fingerprint_input);

/// Names each setting, function and column that differs, and the first line of the plan that does;
/// "its definition changed" where too little is known.
std::string ExplainDefinitionChange(const DefinitionSections& before,
                                    std::string_view fingerprint_input);

}  // namespace weir
