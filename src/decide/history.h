// SPDX-License-Identifier: Apache-2.0
//
// What is known of a view's last good build. The interface is implemented above, where tables are
// read.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "weir/base/fingerprint.h"
#include "weir/base/result.h"
#include "weir/decide/definition_change.h"
#include "weir/scan/reading.h"

namespace weir {

/// Recorded in the commit of the build itself, so that record and data cannot part.
struct BuildRecord {
  std::string view_name;
  Fingerprint fingerprint;
  Fingerprint input_hash;
  ViewContent content;
  std::string run_id;
  int64_t version = -1;        ///< of the commit
  int64_t table_version = -1;  ///< latest; more than `version` after maintenance
  int64_t epoch = 0;
  int64_t rows = 0;
  /// The state of each table it read; see InputStates.
  std::map<std::string, std::string> inputs;
  /// The version of each Delta table it read, and the state of each file of its listings; both to
  /// say what changed since.
  std::map<std::string, int64_t> pins;
  std::map<std::string, std::map<std::string, std::string>> listings;
  DefinitionSections definition;
};

class BuildHistory {
 public:
  virtual ~BuildHistory() = default;

  /// nullopt if the view was never built, or if its table was last written by somebody else. Safe
  /// to call from several threads.
  virtual Result<std::optional<BuildRecord>> LastBuild(const std::string& view_name) const = 0;
};

}  // namespace weir
