// SPDX-License-Identifier: Apache-2.0

#include "weir/replay/bag_difference.h"

#include <functional>
#include <memory>
#include <unordered_map>

#include <arrow/api.h>

#include "weir/delta/content_hash.h"
#include "weir/engine/row_text.h"

namespace weir {

namespace {

constexpr int64_t kMostRows = 100'000'000;

struct RowHash {
  uint64_t low = 0;
  uint64_t high = 0;

  bool operator==(const RowHash&) const = default;
};

struct Bucket {
  size_t operator()(const RowHash& row) const { return row.low; }
};

using Counts = std::unordered_map<RowHash, int64_t, Bucket>;
using RowVisitor =
    std::function<void(const RowHash& row, const arrow::RecordBatch& batch, int64_t index)>;

/// Shows all rows of a table.
Status VisitRows(const PinnedTable& table, const RowVisitor& visit, const engine::Session& session,
                 const engine::Cancellation& cancellation) {
  static constexpr const char* kName = "weir_compared_rows";
  WEIR_RETURN_NOT_OK(session.RegisterTable(kName, *table.table));
  WEIR_ASSIGN_OR_RETURN(auto plan,
                        engine::Plan::FromSql(session, std::string("SELECT * FROM ") + kName));
  WEIR_ASSIGN_OR_RETURN(plan, std::move(plan).Optimize(session));
  WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(session, plan));
  WEIR_ASSIGN_OR_RETURN(const auto reader, physical.Execute(session, cancellation));
  const ContentHasher hasher(*table.schema);
  int64_t rows = 0;
  while (true) {
    const auto batch = reader->Next();
    if (!batch.ok()) return engine::FromStreamFailure(batch.status());
    if (*batch == nullptr) return Status::OK();
    rows += (*batch)->num_rows();
    if (rows > kMostRows)
      return Status::User(StatusCode::kUnsupported, "there are too many rows to compare them");
    for (int64_t row = 0; row < (*batch)->num_rows(); ++row) {
      WEIR_ASSIGN_OR_RETURN(const ContentSum sum, hasher.Sum(*(*batch)->Slice(row, 1)));
      visit({.low = sum.low, .high = sum.high}, **batch, row);
    }
  }
}

}  // namespace

Result<BagDifference> CompareBags(const PinnedTable& before, const PinnedTable& after,
                                  size_t most_rows, const engine::Session& session,
                                  const engine::Cancellation& cancellation) {
  Counts counts;  // positive: so many more before
  WEIR_RETURN_NOT_OK(VisitRows(
      before, [&](const RowHash& row, const arrow::RecordBatch&, int64_t) { ++counts[row]; },
      session, cancellation));
  WEIR_RETURN_NOT_OK(VisitRows(
      after, [&](const RowHash& row, const arrow::RecordBatch&, int64_t) { --counts[row]; },
      session, cancellation));
  BagDifference difference;
  std::erase_if(counts, [](const auto& entry) { return entry.second == 0; });
  for (const auto& [row, count] : counts)
    (count > 0 ? difference.only_before : difference.only_after) += std::abs(count);
  const auto show = [&](int64_t sign, std::vector<std::string>& shown) {
    return [&, sign](const RowHash& row, const arrow::RecordBatch& batch, int64_t index) {
      const auto found = counts.find(row);
      if (found == counts.end() || found->second * sign <= 0 || shown.size() == most_rows) return;
      found->second -= sign;
      shown.push_back(RowText(batch, index));
    };
  };
  WEIR_RETURN_NOT_OK(VisitRows(before, show(1, difference.rows_before), session, cancellation));
  WEIR_RETURN_NOT_OK(VisitRows(after, show(-1, difference.rows_after), session, cancellation));
  return difference;
}

}  // namespace weir
