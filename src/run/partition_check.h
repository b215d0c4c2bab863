// SPDX-License-Identifier: Apache-2.0
//
// Looks at the values that a view's table is partitioned by. In: batches, as the table will store
// them. Out: a failure where Delta could not tell a value from another.
//
// The log writes partition values as text, and an empty text stands for NULL (PROTOCOL.md,
// "Partition Value Serialization"): the text '' would be another value to whoever reads the table
// than to whoever wrote it.

#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/status.h"
#include "weir/bundle/plan_bundle.h"

namespace weir {

/// The partition columns of one build of one view. May be used from several threads at once.
class PartitionCheck {
 public:
  /// REQUIRES: `bundle` outlives the object.
  explicit PartitionCheck(const PlanBundle& bundle);

  void Look(const arrow::RecordBatch& batch);
  /// Fails if a text was empty, at the column in PARTITIONED BY.
  Status Verdict() const;

 private:
  struct TextColumn {
    size_t number;  ///< among the partition columns
    int index;      ///< in the schema
  };

  const PlanBundle& bundle_;
  std::vector<TextColumn> columns_;
  std::vector<std::atomic<int64_t>> empty_texts_;  ///< one each
};

}  // namespace weir
