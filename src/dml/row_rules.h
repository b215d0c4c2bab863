// SPDX-License-Identifier: Apache-2.0
//
// Holds rows against the rules of the table that they are written to: NOT NULL, nested ones
// included, CHECK constraints, invariants, and what generated columns are computed from. In:
// batches as they will be stored. Out: the first violation.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>
#include <nlohmann/json.hpp>

#include "weir/base/result.h"
#include "weir/dml/write_target.h"
#include "weir/engine/compiled_predicate.h"

namespace weir {

/// Immutable; may be used from several threads at once.
class RowRules {
 public:
  /// Fails with kUnsupported, naming the rule, where its expression is not understood: then nobody
  /// could say that rows keep it. REQUIRES: `target` outlives the object.
  static Result<RowRules> Of(const WriteTarget& target, const engine::Session& session);

  /// Fails with kInvalidArgument, naming the rule and the first row that breaks it. A condition
  /// that is NULL is broken, too.
  Status Check(const arrow::RecordBatch& batch) const;

 private:
  struct Condition {
    std::string rule;  ///< for messages
    engine::CompiledPredicate predicate;
  };

  const WriteTarget* target_ = nullptr;
  nlohmann::ordered_json fields_;  ///< of the log's schema
  std::vector<Condition> conditions_;
};

}  // namespace weir
