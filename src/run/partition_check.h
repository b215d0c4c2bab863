// SPDX-License-Identifier: Apache-2.0
//
// Looks at the texts and times that a view's table is partitioned by. In: batches, as the table
// will store them. Out: a failure where some reader of Delta would find another value than was
// written.
//
// The log writes partition values as text, and an empty text stands for NULL (PROTOCOL.md,
// "Partition Value Serialization"). Readers that go by the names of folders take one text more for
// NULL, and cannot see what is longer than such a name. Years have four digits there.

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
  /// Fails if there was such a value, at the column in PARTITIONED BY.
  Status Verdict() const;

 private:
  enum Problem { kEmpty, kNullName, kTooLong, kFar, kProblems };

  using Rows = std::array<int64_t, kProblems>;

  struct Column {
    size_t number;   ///< among the partition columns
    int index;       ///< in the schema
    size_t longest;  ///< text in a folder's name, encoded
    std::string_view name;
    std::array<std::atomic<int64_t>, kProblems> rows = {};
  };

  static void LookAtTexts(const arrow::Array& values, const Column& column, Rows& rows);
  static void LookAtTimes(const arrow::Array& values, Rows& rows);
  Status Failure(const Column& column, Problem problem) const;

  const PlanBundle& bundle_;
  std::vector<std::unique_ptr<Column>> columns_;
};

}  // namespace weir
