// SPDX-License-Identifier: Apache-2.0
//
// Holds the rows of a view against its constraints while they are written. In: batches, as the
// table will store them. Out: the batches that are to be written, and counts.
//
// A row satisfies a constraint if its expression is true for it; it violates it if the expression
// is false or NULL.

#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/bundle/plan_bundle.h"
#include "weir/engine/compiled_predicate.h"

namespace weir {

/// What became of one constraint in one build.
struct ConstraintOutcome {
  std::string name;
  ViolationAction action = ViolationAction::kWarn;
  std::string text;
  SourceLocation location;
  int64_t rows_passed = 0;
  int64_t rows_failed = 0;
  int64_t rows_dropped = 0;  ///< those of `rows_failed` that are not in the table because of it
  std::string example;       ///< a row that violates it: "id = 3, name = NULL"; empty without one
};

/// The constraints of one build of one view. Every constraint is evaluated for every row, whatever
/// the others say.
class ConstraintCheck {
 public:
  /// `now_us`: what `now()` and the like give. REQUIRES: `bundle` outlives the object.
  static Result<std::unique_ptr<ConstraintCheck>> Prepare(const PlanBundle& bundle,
                                                          const engine::Session& session,
                                                          int64_t now_us);

  bool empty() const { return constraints_.empty(); }

  /// Counts, and returns the rows that are to be written: without those that a DROP ROW constraint
  /// takes out, and none at all once a FAIL UPDATE constraint was violated. May be called from
  /// several threads at once.
  Result<std::shared_ptr<arrow::RecordBatch>> Sieve(
      const std::shared_ptr<arrow::RecordBatch>& batch);

  /// In the order of the file.
  std::vector<ConstraintOutcome> outcomes() const;
  /// Fails with the first violated FAIL UPDATE constraint, its count and a row.
  Status Verdict() const;

 private:
  struct Compiled {
    ViolationAction action = ViolationAction::kWarn;
    engine::CompiledPredicate predicate;
  };

  void Count(size_t constraint, const arrow::RecordBatch& batch, const arrow::BooleanArray& holds);

  std::vector<Compiled> constraints_;
  mutable std::mutex mutex_;
  std::vector<ConstraintOutcome> outcomes_;  // guarded by mutex_
  bool failed_ = false;                      // guarded by mutex_
};

}  // namespace weir
