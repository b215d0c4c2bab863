// SPDX-License-Identifier: Apache-2.0

#include "weir/run/partition_check.h"

#include <arrow/api.h>

#include "weir/base/sql_quotes.h"

namespace weir {

namespace {

int64_t CountEmpty(const arrow::StringArray& texts) {
  int64_t empty = 0;
  for (int64_t row = 0; row < texts.length(); ++row)
    empty += texts.value_length(row) == 0 && !texts.IsNull(row);
  return empty;
}

}  // namespace

PartitionCheck::PartitionCheck(const PlanBundle& bundle) : bundle_(bundle) {
  for (size_t i = 0; i < bundle.partition_columns.size(); ++i) {
    const int index = bundle.stored_schema->GetFieldIndex(bundle.partition_columns[i]);
    if (index >= 0 && bundle.stored_schema->field(index)->type()->id() == arrow::Type::STRING)
      columns_.push_back({.number = i, .index = index});
  }
  empty_texts_ = std::vector<std::atomic<int64_t>>(columns_.size());
}

void PartitionCheck::Look(const arrow::RecordBatch& batch) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto& texts = static_cast<const arrow::StringArray&>(*batch.column(columns_[i].index));
    empty_texts_[i].fetch_add(CountEmpty(texts), std::memory_order_relaxed);
  }
}

Status PartitionCheck::Verdict() const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    const int64_t rows = empty_texts_[i].load(std::memory_order_relaxed);
    if (rows == 0) continue;
    const size_t number = columns_[i].number;
    const std::string& column = bundle_.partition_columns[number];
    Status status = Status::User(
        StatusCode::kInvalidArgument,
        "a text or NULL is wanted in a column that the table is partitioned by, since Delta takes "
        "an empty text for NULL there; found an empty one in {} row{} of `{}`",
        rows, rows == 1 ? "" : "s", column);
    if (number < bundle_.partition_locations.size())
      status = status.WithLocation(bundle_.partition_locations[number]);
    return status.WithHint(fmt::format(
        "say what is meant: `nullif({0}, '')` for NULL, or another text", QuotedSqlName(column)));
  }
  return Status::OK();
}

}  // namespace weir
