// SPDX-License-Identifier: Apache-2.0
//
// The content hash of a result: a hash of its rows that does not depend on their order, on batches,
// or on files. Each row is hashed over all its columns in two lanes of 64 bits that know nothing of
// each other; lanes are added up, with the number of rows, so that duplicates count. NULL differs
// from every value; -0.0 counts as 0.0 and all NaNs as one. How values are laid out (dictionaries,
// views, large offsets) does not matter. Not made against adversaries.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"

namespace weir {

/// The sum over some rows. Sums of parts of a result add up to that of the whole.
struct ContentSum {
  uint64_t low = 0;
  uint64_t high = 0;
  uint64_t rows = 0;

  void Add(const ContentSum& other) {
    low += other.low;
    high += other.high;
    rows += other.rows;
  }
  bool operator==(const ContentSum&) const = default;
};

/// Hashes batches of one schema. Columns must have types that Delta stores (see StoredSchema). Safe
/// to use from several threads.
class ContentHasher {
 public:
  explicit ContentHasher(const arrow::Schema& schema);

  /// Fails with kUnsupported on a type that Delta does not store.
  Result<ContentSum> Sum(const arrow::RecordBatch& batch) const;

  /// 32 hex digits that cover the schema's names and types, and the rows.
  std::string Finish(const ContentSum& sum) const;

 private:
  std::string schema_text_;
};

}  // namespace weir
