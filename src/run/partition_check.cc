// SPDX-License-Identifier: Apache-2.0

#include "weir/run/partition_check.h"

#include <arrow/api.h>

#include "weir/base/sql_quotes.h"

namespace weir {

namespace {

/// Stands for NULL in the names of folders.
constexpr std::string_view kNullFolder = "__HIVE_DEFAULT_PARTITION__";
/// What file systems take as the name of a folder, in bytes.
constexpr size_t kLongestFolder = 255;

/// The size of a text in a folder's name, where all but plain characters take three bytes
/// (rust/bridge/src/partitioned_writer.rs).
size_t EncodedSize(std::string_view text) {
  size_t size = 0;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '_' || c == '.';
    size += plain ? 1 : 3;
  }
  return size;
}

/// The first days of the years 1 and 10000, counted from 1970.
constexpr int64_t kFirstDay = -719162, kDayBehind = 2932897;
constexpr int64_t kMicrosADay = int64_t{24} * 3600 * 1000 * 1000;

}  // namespace

PartitionCheck::PartitionCheck(const PlanBundle& bundle) : bundle_(bundle) {
  for (size_t i = 0; i < bundle.partition_columns.size(); ++i) {
    const std::string& name = bundle.partition_columns[i];
    const int index = bundle.stored_schema->GetFieldIndex(name);
    if (index < 0) continue;
    const arrow::Type::type type = bundle.stored_schema->field(index)->type()->id();
    if (type != arrow::Type::STRING && type != arrow::Type::DATE32 &&
        type != arrow::Type::TIMESTAMP)
      continue;
    const size_t head = EncodedSize(name) + 1;
    auto column = std::make_unique<Column>();
    column->number = i;
    column->index = index;
    column->longest = head < kLongestFolder ? kLongestFolder - head : 0;
    column->name = name;
    columns_.push_back(std::move(column));
  }
}

void PartitionCheck::LookAtTexts(const arrow::Array& values, const Column& column, Rows& rows) {
  const auto& texts = static_cast<const arrow::StringArray&>(values);
  for (int64_t row = 0; row < texts.length(); ++row) {
    if (texts.IsNull(row)) continue;
    const std::string_view text = texts.GetView(row);
    rows[kEmpty] += text.empty();
    rows[kNullName] += text == kNullFolder;
    rows[kTooLong] += 3 * text.size() > column.longest && EncodedSize(text) > column.longest;
  }
}

void PartitionCheck::LookAtTimes(const arrow::Array& values, Rows& rows) {
  const bool days = values.type_id() == arrow::Type::DATE32;
  const int64_t scale = days ? 1 : kMicrosADay;
  for (int64_t row = 0; row < values.length(); ++row) {
    if (values.IsNull(row)) continue;
    const int64_t time = days ? static_cast<const arrow::Date32Array&>(values).Value(row)
                              : static_cast<const arrow::TimestampArray&>(values).Value(row);
    rows[kFar] += time < kFirstDay * scale || time >= kDayBehind * scale;
  }
}

void PartitionCheck::Look(const arrow::RecordBatch& batch) {
  for (const auto& column : columns_) {
    const arrow::Array& values = *batch.column(column->index);
    Rows rows = {};
    if (values.type_id() == arrow::Type::STRING)
      LookAtTexts(values, *column, rows);
    else
      LookAtTimes(values, rows);
    for (size_t i = 0; i < rows.size(); ++i)
      column->rows[i].fetch_add(rows[i], std::memory_order_relaxed);
  }
}

Status PartitionCheck::Failure(const Column& column, Problem problem) const {
  const int64_t rows = column.rows[problem].load(std::memory_order_relaxed);
  const std::string where =
      fmt::format("in {} row{} of `{}`", rows, rows == 1 ? "" : "s", column.name);
  const std::string name = QuotedSqlName(column.name);
  switch (problem) {
    case kEmpty:
      return Status::User(StatusCode::kInvalidArgument,
                          "a text or NULL is wanted in a column that the table is partitioned by, "
                          "since Delta takes an empty text for NULL there; found an empty one {}",
                          where)
          .WithHint(
              fmt::format("say what is meant: `nullif({}, '')` for NULL, or another text", name));
    case kNullName:
      return Status::User(StatusCode::kInvalidArgument,
                          "another text than {} is wanted in a column that the table is "
                          "partitioned by, since readers take it for NULL there; found it {}",
                          kNullFolder, where)
          .WithHint(
              fmt::format("say what is meant: `nullif({}, '{}')` for NULL", name, kNullFolder));
    case kFar:
      return Status::User(StatusCode::kInvalidArgument,
                          "dates of the years 1 to 9999 are wanted in a column that the table is "
                          "partitioned by; found others {}",
                          where)
          .WithHint(
              fmt::format("partition by another column, or by `date_part('year', {})`", name));
    default:
      return Status::User(
                 StatusCode::kInvalidArgument,
                 "texts that fit into the name of a folder are wanted in a column that "
                 "the table is partitioned by ({} bytes; three for each that is no letter, "
                 "digit, `-`, `_` or `.`); found longer ones {}",
                 column.longest, where)
          .WithHint(fmt::format("partition by a shorter text, `left({}, 40)` for instance", name));
  }
}

Status PartitionCheck::Verdict() const {
  for (const auto& column : columns_) {
    for (const Problem problem : {kEmpty, kNullName, kTooLong, kFar}) {
      if (column->rows[problem].load(std::memory_order_relaxed) == 0) continue;
      const Status failure = Failure(*column, problem);
      if (column->number >= bundle_.partition_locations.size()) return failure;
      return failure.WithLocation(bundle_.partition_locations[column->number]);
    }
  }
  return Status::OK();
}

}  // namespace weir
