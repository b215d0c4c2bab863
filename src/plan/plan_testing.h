// SPDX-License-Identifier: Apache-2.0
//
// The captured plans of tests/plans, for tests only: WEIR_SOURCE_DIR is defined for test programs.

#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "weir/plan/logical_plan.h"

namespace weir::testing_plans {

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// Names without extension of the files in a folder below the checkout, ordered.
inline std::vector<std::string> NamesIn(const std::string& folder, const std::string& extension) {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(WEIR_SOURCE_DIR) / folder)) {
    if (entry.path().extension() == extension) names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// The cases of tests/plans/cases.sql.
inline std::vector<std::string> CaseNames() { return NamesIn("tests/plans", ".bin"); }

struct CapturedPlan {
  std::string bytes;
  std::string outputs;
};

inline CapturedPlan ReadCase(const std::string& name) {
  const auto folder = std::filesystem::path(WEIR_SOURCE_DIR) / "tests/plans";
  std::string outputs = ReadFile(folder / (name + ".outputs.json"));
  outputs.erase(outputs.find_last_not_of('\n') + 1);  // the file ends as text files do
  return {ReadFile(folder / (name + ".bin")), std::move(outputs)};
}

inline Result<std::shared_ptr<const LogicalPlan>> DecodeCase(const std::string& name) {
  const CapturedPlan captured = ReadCase(name);
  return DecodePlan(captured.bytes, captured.outputs);
}

/// Bytes damaged in one to four places, the same for the same seed.
template <typename Random>
std::string Mutated(std::string bytes, Random& random) {
  for (auto changes = 1 + random() % 4; changes > 0 && !bytes.empty(); --changes) {
    const size_t at = random() % bytes.size();
    const size_t length = std::min<size_t>(1 + random() % 8, bytes.size() - at);
    switch (random() % 5) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        bytes.insert(at, bytes.substr(random() % bytes.size(), length));
        break;
      default:
        bytes.resize(at);
    }
  }
  return bytes;
}

}  // namespace weir::testing_plans
