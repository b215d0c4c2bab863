// SPDX-License-Identifier: Apache-2.0

#include "weir/run/view_hasher.h"

#include <algorithm>
#include <optional>

#include <arrow/api.h>

#include "weir/plan/unstable_calls.h"

namespace weir {

namespace {

/// Readers beyond these go by the hash of the whole.
constexpr size_t kMostReadings = 64;

std::shared_ptr<arrow::BooleanArray> And(const arrow::BooleanArray& left,
                                         const arrow::BooleanArray& right) {
  arrow::TypedBufferBuilder<bool> bits;
  if (!bits.Resize(left.length()).ok()) return nullptr;
  for (int64_t row = 0; row < left.length(); ++row)
    bits.UnsafeAppend(left.Value(row) && right.Value(row));
  auto buffer = bits.Finish();
  if (!buffer.ok()) return nullptr;
  return std::make_shared<arrow::BooleanArray>(left.length(), *buffer);
}

/// The indexes of a reading's columns; empty optional if the schema lacks one.
std::optional<ColumnSubset> ColumnsOf(const Reading& reading, const arrow::Schema& schema) {
  ColumnSubset columns;
  for (const std::string& name : reading.columns) {
    const int index = schema.GetFieldIndex(name);
    if (index < 0) return std::nullopt;
    columns.push_back(index);
  }
  // Whoever reads all columns sees the hash of the whole.
  std::sort(columns.begin(), columns.end());
  return columns;
}

}  // namespace

std::map<std::string, std::vector<Reading>> CollectReadings(
    const std::vector<std::shared_ptr<const PlanBundle>>& bundles) {
  std::set<std::string> views;
  for (const auto& bundle : bundles) views.insert(bundle->view_name);
  std::map<std::string, std::map<std::string, Reading>> found;
  for (const auto& bundle : bundles) {
    for (const Scan* scan : CollectScans(*bundle->plan)) {
      if (!views.contains(WithoutDefaultSchema(scan->table))) continue;
      Reading reading = ReadingOf(*scan);
      found[reading.table].emplace(reading.id, std::move(reading));
    }
  }
  std::map<std::string, std::vector<Reading>> readings;
  for (auto& [view, by_id] : found) {
    for (auto& [id, reading] : by_id) readings[view].push_back(std::move(reading));
  }
  return readings;
}

ViewHasher::ViewHasher(const arrow::Schema& schema, const std::vector<Reading>& readings,
                       const engine::Session& session) {
  std::vector<ColumnSubset> columns(1);
  for (int i = 0; i < schema.num_fields(); ++i) columns[0].push_back(i);
  parts_.emplace_back();
  std::map<std::string, std::optional<size_t>> compiled;
  for (size_t i = 0; i < readings.size() && i < kMostReadings; ++i) {
    auto read = ColumnsOf(readings[i], schema);
    if (!read) continue;
    std::vector<size_t> predicates;
    for (const std::string& filter : readings[i].filter_bytes) {
      const auto [known, is_new] = compiled.try_emplace(filter);
      if (is_new) {
        auto predicate = engine::CompiledPredicate::FromProto(session, filter, schema);
        // At another time other rows would pass.
        const bool is_timeless =
            predicate.ok() && std::ranges::none_of(predicate->functions(), IsOfClock);
        if (is_timeless) {
          known->second = predicates_.size();
          predicates_.push_back(*std::move(predicate));
        }
      }
      if (known->second) predicates.push_back(*known->second);
    }
    if (predicates.empty() && read->size() == columns[0].size()) {
      whole_ids_.push_back(readings[i].id);
      continue;
    }
    parts_.push_back({.reading_id = readings[i].id, .predicates = std::move(predicates)});
    columns.push_back(*std::move(read));
  }
  sums_.resize(parts_.size());
  hasher_ = std::make_unique<PartHasher>(schema, std::move(columns));
}

ViewHasher::Masks ViewHasher::MasksOf(const arrow::RecordBatch& batch) {
  Masks chosen(predicates_.size());
  for (size_t i = 0; i < predicates_.size(); ++i) {
    auto mask = predicates_[i].Evaluate(batch);
    if (mask.ok()) {
      chosen[i] = *std::move(mask);
    } else {
      // The view itself does not need the filter; who reads through it goes by the whole.
      const std::lock_guard lock(mutex_);
      failed_predicates_.insert(i);
    }
  }
  Masks masks(parts_.size());
  for (size_t part = 0; part < parts_.size(); ++part) {
    for (size_t predicate : parts_[part].predicates) {
      const auto& mask = chosen[predicate];
      if (mask) masks[part] = masks[part] ? And(*masks[part], *mask) : mask;
    }
  }
  return masks;
}

Status ViewHasher::Add(const arrow::RecordBatch& batch) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<ContentSum> sums, hasher_->Sum(batch, MasksOf(batch)));
  const std::lock_guard lock(mutex_);
  for (size_t part = 0; part < sums.size(); ++part) sums_[part].Add(sums[part]);
  return Status::OK();
}

ViewContent ViewHasher::Finish() const {
  const std::lock_guard lock(mutex_);
  ViewContent content(hasher_->Finish(0, sums_[0]));
  for (const std::string& id : whole_ids_) content.readings[id] = content.whole;
  for (size_t part = 1; part < parts_.size(); ++part) {
    const bool failed = std::any_of(parts_[part].predicates.begin(), parts_[part].predicates.end(),
                                    [&](size_t p) { return failed_predicates_.contains(p); });
    if (failed) continue;
    content.readings[parts_[part].reading_id] = hasher_->Finish(part, sums_[part]);
  }
  return content;
}

}  // namespace weir
