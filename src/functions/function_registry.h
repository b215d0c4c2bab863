// SPDX-License-Identifier: Apache-2.0
//
// The set of native functions of a session. In: functions. Out: look-up by name, the canonical
// listing, and its hash.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/fingerprint.h"
#include "weir/base/result.h"
#include "weir/functions/function.h"

namespace weir {

/// Immutable after construction, hence safe to share across threads. Copies share the functions.
class FunctionRegistry {
 public:
  /// Fails with kAlreadyExists if a name or an alias is used twice.
  static Result<FunctionRegistry> Make(
      std::vector<std::shared_ptr<const ScalarFunction>> scalars,
      std::vector<std::shared_ptr<const AggregateFunction>> aggregates,
      std::vector<std::shared_ptr<const FunctionDeclaration>> tables = {});

  /// The same functions and user functions, which are expressions and have no kernel. Each replaces
  /// one of its name.
  FunctionRegistry With(const std::vector<FunctionDeclaration>& user_functions) const;

  /// Ordered by name.
  const std::vector<std::shared_ptr<const FunctionDeclaration>>& user_functions() const {
    return user_functions_;
  }
  /// Ordered by name.
  const std::vector<std::shared_ptr<const ScalarFunction>>& scalars() const { return scalars_; }
  const std::vector<std::shared_ptr<const AggregateFunction>>& aggregates() const {
    return aggregates_;
  }
  /// Table functions: what is declared of them. The room `session` has their rows.
  const std::vector<std::shared_ptr<const FunctionDeclaration>>& tables() const { return tables_; }
  /// The declarations of all functions, user functions too, ordered by name. Valid as long as the
  /// registry or a copy of it.
  std::vector<const FunctionDeclaration*> Declarations() const&;
  std::vector<const FunctionDeclaration*> Declarations() const&& = delete;

  /// The declaration that `name` or alias means, in any case; null if there is none.
  const FunctionDeclaration* Find(std::string_view name) const;

  /// Canonical JSON: an array ordered by name with name, kind, signatures, semantic version and
  /// tags.
  std::string RegistryJson() const;
  /// Hash of RegistryJson(): changes when a function is added, removed, retyped or gets another
  /// meaning. Computed by each call.
  Fingerprint UdfSnapshotHash() const;

 private:
  std::vector<std::shared_ptr<const ScalarFunction>> scalars_;
  std::vector<std::shared_ptr<const AggregateFunction>> aggregates_;
  std::vector<std::shared_ptr<const FunctionDeclaration>> user_functions_;
  std::vector<std::shared_ptr<const FunctionDeclaration>> tables_;
  std::map<std::string, const FunctionDeclaration*, std::less<>> by_name_;
};

/// What a session sets for arguments of span_make that calls omit; nullopt: what it declares.
struct SpanDefaults {
  std::optional<int32_t> line_base;
  std::optional<std::string> col_unit;
  std::optional<bool> end_exclusive;
};

/// All functions that Weir brings.
FunctionRegistry NativeFunctions(const SpanDefaults& span_defaults = {});

}  // namespace weir
