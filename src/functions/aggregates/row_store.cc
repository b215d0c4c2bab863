// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/aggregates/row_store.h"

#include <algorithm>
#include <cstring>

#include <arrow/builder.h>
#include <arrow/type_traits.h>
#include <arrow/util/byte_size.h>

#include "weir/functions/arrow_status.h"
#include "weir/functions/result_buffers.h"

namespace weir {
namespace {

/// Dead rows that are always tolerated.
constexpr int64_t kDeadRowsAllowed = 4096;

arrow::Status Gather(const std::shared_ptr<arrow::DataType>& type, std::span<const RowRef> rows,
                     std::shared_ptr<arrow::Array>* out) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  ARROW_RETURN_NOT_OK(arrow::MakeBuilderExactIndex(arrow::default_memory_pool(), type, &builder));
  ARROW_RETURN_NOT_OK(builder->Reserve(static_cast<int64_t>(rows.size())));
  for (size_t first = 0; first < rows.size();) {
    size_t end = first + 1;
    if (rows[first].array == nullptr) {
      while (end < rows.size() && rows[end].array == nullptr) ++end;
      ARROW_RETURN_NOT_OK(builder->AppendNulls(static_cast<int64_t>(end - first)));
    } else {
      while (end < rows.size() && rows[end].array == rows[first].array &&
             rows[end].row == rows[end - 1].row + 1) {
        ++end;
      }
      const arrow::ArraySpan source(*rows[first].array->data());
      ARROW_RETURN_NOT_OK(
          builder->AppendArraySlice(source, rows[first].row, static_cast<int64_t>(end - first)));
    }
    first = end;
  }
  return builder->Finish(out);
}

/// Bytes of a value, where values of the type lie side by side in one buffer; else 0.
int FixedBytes(const arrow::DataType& type) {
  if (!arrow::is_primitive(type.id()) && !arrow::is_decimal(type.id())) return 0;
  const int bits = static_cast<const arrow::FixedWidthType&>(type).bit_width();
  return bits % 8 == 0 ? bits / 8 : 0;
}

/// The values, NULL rows as zeros that are noted in `nulls`.
template <size_t kBytes>
Status CopyFixed(std::span<const RowRef> rows, uint8_t* out, NullRows* nulls) {
  const arrow::Array* array = nullptr;
  const uint8_t* values = nullptr;
  bool has_nulls = false;
  for (size_t i = 0; i < rows.size(); ++i, out += kBytes) {
    const RowRef& ref = rows[i];
    if (ref.array != array && ref.array != nullptr) {
      array = ref.array;
      values = array->data()->GetValues<uint8_t>(1, array->offset() * static_cast<int64_t>(kBytes));
      has_nulls = array->null_bitmap_data() != nullptr;
    }
    if (ref.array == nullptr || (has_nulls && array->IsNull(ref.row))) {
      std::memset(out, 0, kBytes);
      WEIR_RETURN_NOT_OK(nulls->Set(static_cast<int64_t>(i)));
    } else {
      std::memcpy(out, values + static_cast<size_t>(ref.row) * kBytes, kBytes);
    }
  }
  return Status::OK();
}

Result<std::shared_ptr<arrow::Array>> GatherFixed(const std::shared_ptr<arrow::DataType>& type,
                                                  int bytes, std::span<const RowRef> rows) {
  const int64_t length = static_cast<int64_t>(rows.size());
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> values,
                        FromArrow(arrow::AllocateBuffer(length * bytes)));
  NullRows nulls(length);
  uint8_t* out = values->mutable_data();
  WEIR_RETURN_NOT_OK(bytes == 1    ? CopyFixed<1>(rows, out, &nulls)
                     : bytes == 2  ? CopyFixed<2>(rows, out, &nulls)
                     : bytes == 4  ? CopyFixed<4>(rows, out, &nulls)
                     : bytes == 8  ? CopyFixed<8>(rows, out, &nulls)
                     : bytes == 16 ? CopyFixed<16>(rows, out, &nulls)
                                   : CopyFixed<32>(rows, out, &nulls));
  const int64_t null_count = nulls.count();
  return arrow::MakeArray(
      arrow::ArrayData::Make(type, length, {nulls.Finish(), std::move(values)}, null_count));
}

}  // namespace

Result<std::shared_ptr<arrow::Array>> GatherRows(const std::shared_ptr<arrow::DataType>& type,
                                                 std::span<const RowRef> rows) {
  if (const int bytes = FixedBytes(*type); bytes > 0) return GatherFixed(type, bytes, rows);
  std::shared_ptr<arrow::Array> gathered;
  WEIR_RETURN_NOT_OK(FromArrow(Gather(type, rows, &gathered)));
  if (gathered->type()->Equals(type, /*check_metadata=*/true)) return gathered;
  // A builder keeps types but for names and metadata of nested fields.
  auto data = gathered->data()->Copy();
  data->type = type;
  return arrow::MakeArray(data);
}

void RowStore::Grow(int64_t group_count) {
  places_.resize(std::max(places_.size(), static_cast<size_t>(group_count)));
}

bool RowStore::IsLive(uint32_t chunk, uint32_t row) const {
  const uint64_t group = chunks_[chunk].groups[row];
  if (group < dropped_groups_) return false;
  const Place place = places_[group - dropped_groups_];
  return place.chunk == chunk && place.row == row;
}

Status RowStore::Put(const arrow::ArrayVector& columns, std::span<const uint64_t> groups,
                     std::span<const int64_t> rows) {
  if (groups.empty()) return Status::OK();
  Chunk chunk;
  std::vector<RowRef> refs(rows.size());
  for (size_t column = 0; column < columns.size(); ++column) {
    for (size_t i = 0; i < rows.size(); ++i) refs[i] = {columns[column].get(), rows[i]};
    WEIR_ASSIGN_OR_RETURN(auto gathered, GatherRows(types_[column], refs));
    chunk.columns.push_back(std::move(gathered));
  }
  for (uint64_t group : groups) chunk.groups.push_back(group + dropped_groups_);
  return Append(std::move(chunk));
}

Status RowStore::Append(Chunk chunk) {
  const uint32_t index = static_cast<uint32_t>(chunks_.size());
  for (uint32_t row = 0; row < chunk.groups.size(); ++row) {
    Place& place = places_[chunk.groups[row] - dropped_groups_];
    if (place.chunk == kNowhere) ++live_rows_;
    place = {index, row};
  }
  for (const auto& column : chunk.columns) {
    chunk.bytes += arrow::util::TotalBufferSize(*column);
  }
  chunk.bytes += static_cast<int64_t>(chunk.groups.capacity() * sizeof(uint64_t));
  chunk_bytes_ += chunk.bytes;
  stored_rows_ += static_cast<int64_t>(chunk.groups.size());
  chunks_.push_back(std::move(chunk));

  size_t first = chunks_.size() - 1;
  size_t rows = chunks_[first].groups.size();
  while (first > 0 && chunks_[first - 1].groups.size() <= 2 * rows) {
    rows += chunks_[--first].groups.size();
  }
  if (stored_rows_ - live_rows_ > live_rows_ + kDeadRowsAllowed) first = 0;
  return first + 1 < chunks_.size() ? MergeFrom(first) : Status::OK();
}

Status RowStore::MergeFrom(size_t first) {
  Chunk merged;
  std::vector<std::pair<uint32_t, uint32_t>> live;
  for (uint32_t chunk = static_cast<uint32_t>(first); chunk < chunks_.size(); ++chunk) {
    for (uint32_t row = 0; row < chunks_[chunk].groups.size(); ++row) {
      if (!IsLive(chunk, row)) continue;
      live.emplace_back(chunk, row);
      merged.groups.push_back(chunks_[chunk].groups[row]);
    }
  }
  std::vector<RowRef> refs(live.size());
  for (size_t column = 0; column < types_.size(); ++column) {
    for (size_t i = 0; i < live.size(); ++i) {
      refs[i] = {chunks_[live[i].first].columns[column].get(), live[i].second};
    }
    WEIR_ASSIGN_OR_RETURN(auto gathered, GatherRows(types_[column], refs));
    merged.bytes += arrow::util::TotalBufferSize(*gathered);
    merged.columns.push_back(std::move(gathered));
  }
  for (size_t i = first; i < chunks_.size(); ++i) {
    stored_rows_ -= static_cast<int64_t>(chunks_[i].groups.size());
    chunk_bytes_ -= chunks_[i].bytes;
  }
  chunks_.resize(first);
  for (uint32_t row = 0; row < merged.groups.size(); ++row) {
    places_[merged.groups[row] - dropped_groups_] = {static_cast<uint32_t>(first), row};
  }
  merged.bytes += static_cast<int64_t>(merged.groups.capacity() * sizeof(uint64_t));
  stored_rows_ += static_cast<int64_t>(merged.groups.size());
  chunk_bytes_ += merged.bytes;
  chunks_.push_back(std::move(merged));
  return Status::OK();
}

Result<std::shared_ptr<arrow::Array>> RowStore::Column(size_t column, int64_t count) const {
  std::vector<RowRef> refs(static_cast<size_t>(count));
  for (size_t group = 0; group < refs.size(); ++group) {
    if (Has(group)) refs[group] = Get(group, column);
  }
  return GatherRows(types_[column], refs);
}

void RowStore::Drop(int64_t count) {
  for (int64_t group = 0; group < count; ++group) {
    if (Has(static_cast<uint64_t>(group))) --live_rows_;
  }
  places_.erase(places_.begin(), places_.begin() + count);
  places_.shrink_to_fit();
  dropped_groups_ += static_cast<uint64_t>(count);
  if (live_rows_ == 0) {
    chunks_.clear();
    stored_rows_ = 0;
    chunk_bytes_ = 0;
  }
}

int64_t RowStore::SizeBytes() const {
  return static_cast<int64_t>(sizeof(*this) + places_.capacity() * sizeof(Place)) + chunk_bytes_;
}

}  // namespace weir
