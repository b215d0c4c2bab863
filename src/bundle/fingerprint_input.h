// SPDX-License-Identifier: Apache-2.0
//
// Reads the text that a fingerprint was made of (PlanBundle::fingerprint_input), as it is recorded
// with every build. In: that text. Out: its sections in their order, and the plan in words.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir {

struct FingerprintSection {
  std::string tag;    ///< "plan", "column", "setting.datafusion.execution.time_zone"
  std::string value;  ///< "blake2b:" and 32 digits where it is not printable
};

struct FingerprintInput {
  std::vector<FingerprintSection> sections;
  std::string_view plan;  ///< one line a node; a part of the text that was parsed
};

/// Stops at what is damaged; never fails.
FingerprintInput ParseFingerprintInput(std::string_view text);

}  // namespace weir
