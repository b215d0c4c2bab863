// SPDX-License-Identifier: Apache-2.0
//
// What is known of a view's last good build. The interface is implemented above, where tables are
// read.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

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
  /// The newest with the same rows in the same columns: what readers read.
  int64_t read_version = -1;
  int64_t epoch = 0;
  int64_t rows = 0;
  /// The state of each table it read; see InputStates.
  std::map<std::string, std::string> inputs;
  /// The version of each Delta table it read, and the state of each file of its listings; both to
  /// say what changed since.
  std::map<std::string, int64_t> pins;
  std::map<std::string, std::map<std::string, std::string>> listings;
  /// URLs of the tables of views that it read from another warehouse, by view; to say so.
  std::map<std::string, std::string> deferred;
  DefinitionSections definition;
  /// Data files of the table that are not there any more, by their paths in it: nobody can read it.
  std::vector<std::string> missing_files;
};

/// Why there is no last build.
struct Unbuilt {
  std::string code = "never_built";  ///< or "table_removed", "table_replaced"
  std::string reason = "it was never built";
};

class BuildHistory {
 public:
  virtual ~BuildHistory() = default;

  /// nullopt if the view was never built, or if its table was last written by somebody else. Safe
  /// to call from several threads.
  virtual Result<std::optional<BuildRecord>> LastBuild(const std::string& view_name) const = 0;
  /// Of a view for which LastBuild has none. For the reader: nothing is decided by it.
  virtual Unbuilt WhyUnbuilt(const std::string& /*view_name*/) const { return {}; }
};

}  // namespace weir
