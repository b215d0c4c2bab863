// SPDX-License-Identifier: Apache-2.0
//
// The content hash of a result: a hash of its rows that does not depend on their order, on batches,
// or on files. Each row is hashed over all its columns in two lanes of 64 bits that know nothing of
// each other; lanes are added up, with the number of rows, so that duplicates count. What a reader
// can tell apart differs: NULL from every value, an empty list from NULL, 0.0 from -0.0; all NaNs
// are one. How values are laid out (dictionaries, views, large offsets) does not matter. Not made
// against adversaries.

#pragma once

#include <cstdint>
#include <memory>
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

/// Some of the columns of a schema, by index, for a hash of their own.
using ColumnSubset = std::vector<int>;

/// Hashes several subsets of the columns of the same batches in one go: what a value contributes is
/// computed once for all. A subset's hash is that of a ContentHasher over these columns alone. Safe
/// to use from several threads.
class PartHasher {
 public:
  /// REQUIRES: indexes of `schema`'s columns, each at most once in a subset.
  PartHasher(const arrow::Schema& schema, std::vector<ColumnSubset> parts);

  /// One sum a part. `masks` says which rows count for it: null for all of them, else a value for
  /// every row, none of them NULL. Fails with kUnsupported on a type that Delta does not store.
  Result<std::vector<ContentSum>> Sum(
      const arrow::RecordBatch& batch,
      const std::vector<std::shared_ptr<arrow::BooleanArray>>& masks) const;

  std::string Finish(size_t part, const ContentSum& sum) const;

 private:
  std::vector<ColumnSubset> parts_;
  std::vector<int> uses_;               ///< parts that have a column, by column
  std::vector<ContentHasher> hashers_;  ///< one a part
};

}  // namespace weir
