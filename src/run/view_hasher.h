// SPDX-License-Identifier: Apache-2.0
//
// The content of a view's result, hashed while it is written: as a whole, and as each of its
// readers sees it, in one pass.

#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"
#include "weir/bundle/plan_bundle.h"
#include "weir/delta/content_hash.h"
#include "weir/engine/compiled_predicate.h"
#include "weir/engine/engine.h"
#include "weir/scan/reading.h"

namespace weir {

/// The readings of all views of a project, by the view that is read; each once.
std::map<std::string, std::vector<Reading>> CollectReadings(
    const std::vector<std::shared_ptr<const PlanBundle>>& bundles);

class ViewHasher {
 public:
  /// Of the readings as many get a hash of their own as is worth it. A filter that cannot be
  /// compiled apart from its plan, or asks the clock, is left out: the hash then covers more rows
  /// than are read.
  ViewHasher(const arrow::Schema& schema, const std::vector<Reading>& readings,
             const engine::Session& session);

  /// Takes a batch of the schema. Safe to call from several threads at once.
  Status Add(const arrow::RecordBatch& batch);

  /// What Add was given. A reading whose filter failed on a row has no hash.
  ViewContent Finish() const;

 private:
  struct Part {
    std::string reading_id;
    std::vector<size_t> predicates;
  };

  using Masks = std::vector<std::shared_ptr<arrow::BooleanArray>>;
  /// One mask a part; null: all rows.
  Masks MasksOf(const arrow::RecordBatch& batch);

  std::vector<engine::CompiledPredicate> predicates_;
  std::vector<Part> parts_;             ///< the whole result first
  std::vector<std::string> whole_ids_;  ///< readings of all columns and rows
  std::unique_ptr<PartHasher> hasher_;

  mutable std::mutex mutex_;
  std::vector<ContentSum> sums_;        ///< guarded by mutex_
  std::set<size_t> failed_predicates_;  ///< guarded by mutex_
};

}  // namespace weir
