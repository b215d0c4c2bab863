// SPDX-License-Identifier: Apache-2.0
//
// The one place where sessions are built. In: a ProjectDefinition with its profile. Out: a sealed
// SessionRuntime: engine session, native functions installed before anything is registered or
// planned, object stores, and the pinned catalog. Nobody else may open an engine session.

#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/catalog/catalog.h"
#include "weir/engine/engine.h"
#include "weir/functions/function_registry.h"
#include "weir/project/project_definition.h"
#include "weir/session/registry_snapshot.h"

namespace weir {

/// How joins by equality are executed.
enum class JoinMethod {
  kAsSet,           ///< by hash, unless the profile's settings say otherwise
  kSidesAsWritten,  ///< the same, and the left input of each is the one that is held
  kSortMerge,       ///< slower, and spilled where memory is short
};

/// Everything that views are planned and run with. Safe to share across threads once sealed, but
/// for `catalog()` while views are added to it.
class SessionRuntime {
 public:
  /// Fails when no session can be opened at all (an unknown setting, an object store that cannot be
  /// built). Sources that cannot be read, and user functions with errors, are reported to
  /// `diagnostics` and left out. `noted_store_calls` as in engine::SessionOptions.
  static Result<std::unique_ptr<SessionRuntime>> Seal(const ProjectDefinition& project,
                                                      Diagnostics& diagnostics,
                                                      int64_t noted_store_calls = 0);

  const engine::Session& engine() const { return engine_; }
  /// The same whose plans have as many partitions. Valid as long as this.
  Result<const engine::Session*> EngineOf(int partitions,
                                          JoinMethod joins = JoinMethod::kAsSet) const;
  Catalog& catalog() { return catalog_; }
  const Catalog& catalog() const { return catalog_; }
  /// Native functions and the project's own.
  const FunctionRegistry& functions() const { return functions_; }
  /// User functions of the project with an error, which is reported.
  const std::set<std::string>& broken_functions() const { return broken_functions_; }
  /// Makes a user function known to the session, as CREATE FUNCTION does.
  Status DefineFunction(const UserFunctionDefinition& definition);
  /// All functions that plans can call now, the engine's own included.
  Result<RegistrySnapshot> Registry() const { return RegistrySnapshot::Take(engine_, functions_); }
  /// URL of the warehouse, with a trailing slash.
  const std::string& warehouse_url() const { return warehouse_url_; }
  /// Views that run at the same time, and partitions of one unless the profile sets these.
  int threads() const { return threads_; }
  /// Those of the threads for which there is memory to execute plans.
  int cores() const;
  std::optional<int> own_partitions() const { return own_partitions_; }
  /// Results may hang on nothing but the bags of rows that are read.
  bool is_deterministic() const { return is_deterministic_; }
  /// Joins are executed in the order that is best for the tables as they are, not as written.
  bool orders_joins() const { return orders_joins_; }
  int64_t memory_limit_bytes() const { return memory_limit_bytes_; }
  bool falls_back_to_sort_merge() const { return falls_back_to_sort_merge_; }
  /// Properties that stored views have where they do not say otherwise.
  const std::map<std::string, std::string>& table_properties() const { return table_properties_; }
  /// How long each view may run that sets no limit itself.
  const TimeLimit& view_timeout() const { return view_timeout_; }
  /// Partitions that are worth their cost for a plan that reads so many bytes: at most `most`, and
  /// the profile's own number, if it has one, whatever is read.
  int PartitionsFor(int64_t bytes, int most) const;

  /// Those settings whose change can change a result; part of every fingerprint.
  const std::map<std::string, std::string>& result_settings() const { return result_settings_; }
  /// All settings of the engine, as `df_settings` shows them.
  Result<std::map<std::string, std::string>> AllSettings() const;

 private:
  SessionRuntime() = default;

  engine::Session engine_;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<int, JoinMethod>, engine::Session> engines_;  ///< guarded by mutex_
  Catalog catalog_;
  FunctionRegistry functions_;
  std::set<std::string> broken_functions_;
  std::string warehouse_url_;
  int threads_ = 1;
  std::optional<int> own_partitions_;
  bool is_deterministic_ = true;
  bool orders_joins_ = true;
  int64_t memory_limit_bytes_ = 0;
  bool falls_back_to_sort_merge_ = true;
  std::map<std::string, std::string> table_properties_;
  TimeLimit view_timeout_;
  std::map<std::string, std::string> result_settings_;
};

/// URL of a table in a warehouse, with a trailing slash.
std::string TableUrl(const std::string& warehouse_url, const std::string& name);

}  // namespace weir
