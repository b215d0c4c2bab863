// SPDX-License-Identifier: Apache-2.0
//
// Looks at the texts that a view's table is partitioned by. In: batches, as the table will store
// them. Out: a failure where some reader of Delta would find another value than was written.
//
// The log writes partition values as text, and an empty text stands for NULL (PROTOCOL.md,
// "Partition Value Serialization"). Readers that go by the names of folders take one text more for
// NULL, and cannot see what is longer than such a name.

#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
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
  /// Fails if there was such a text, at the column in PARTITIONED BY.
  Status Verdict() const;

 private:
  enum Problem { kEmpty, kNullName, kTooLong, kProblems };

  struct TextColumn {
    size_t number;   ///< among the partition columns
    int index;       ///< in the schema
    size_t longest;  ///< text in a folder's name, encoded
    std::string_view name;
    std::array<std::atomic<int64_t>, kProblems> rows = {};
  };

  Status Failure(const TextColumn& column, Problem problem) const;

  const PlanBundle& bundle_;
  std::vector<std::unique_ptr<TextColumn>> columns_;
};

}  // namespace weir
