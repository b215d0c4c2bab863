// SPDX-License-Identifier: Apache-2.0
//
// All functions that a session's plans can call, the engine's own included. In: a session and its
// native functions. Out: rows, their canonical JSON, and the hash that runs record.

#pragma once

#include <string>
#include <vector>

#include "weir/base/fingerprint.h"
#include "weir/base/result.h"
#include "weir/engine/engine.h"
#include "weir/functions/function_registry.h"

namespace weir {

/// A function of a session.
struct RegisteredFunction {
  std::string name;
  std::string kind;     ///< "scalar", "aggregate", "window", "higher_order" or "table"
  std::string origin;   ///< "native", "datafusion" or "user"
  std::string version;  ///< "native:<n>", "datafusion:<release>" or "user:<fingerprint>"
  std::vector<std::string> aliases;     ///< ordered
  std::vector<std::string> signatures;  ///< as the engine writes them
  std::string volatility;
  std::vector<std::string> tags;  ///< of a native function; ordered
};

/// Immutable once taken.
class RegistrySnapshot {
 public:
  static Result<RegistrySnapshot> Take(const engine::Session& session,
                                       const FunctionRegistry& native);

  /// Ordered by name and kind.
  const std::vector<RegisteredFunction>& functions() const { return functions_; }
  /// Canonical JSON: `{"functions": [...], "tags": {tag: [name, …]}}`, all ordered.
  std::string ToJson() const;
  /// Of ToJson(): changes when a function comes, goes, is retyped or gets another version.
  const Fingerprint& hash() const { return hash_; }

 private:
  std::vector<RegisteredFunction> functions_;
  Fingerprint hash_;
};

}  // namespace weir
