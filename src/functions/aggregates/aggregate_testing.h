// SPDX-License-Identifier: Apache-2.0
//
// What the tests of aggregates share: inputs, and the ways in which the engine may feed them.

#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/functions/aggregates/row_store.h"
#include "weir/functions/function_testing.h"

namespace weir::testing {

inline std::shared_ptr<arrow::Array> Take(const std::shared_ptr<arrow::Array>& array,
                                          const std::vector<int64_t>& rows) {
  std::vector<RowRef> refs;
  for (int64_t row : rows) refs.push_back({array.get(), row});
  return *GatherRows(array->type(), refs);
}

/// What an aggregate takes in.
struct Input {
  arrow::ArrayVector arguments;
  std::vector<uint64_t> groups;
  std::shared_ptr<arrow::BooleanArray> filter;  ///< may be null
  AggregateCall call = {};
};

inline Input TakeRows(const Input& input, const std::vector<int64_t>& rows) {
  Input taken;
  taken.call = input.call;
  for (const auto& argument : input.arguments) taken.arguments.push_back(Take(argument, rows));
  for (int64_t row : rows) taken.groups.push_back(input.groups[static_cast<size_t>(row)]);
  if (input.filter) {
    taken.filter = std::static_pointer_cast<arrow::BooleanArray>(Take(input.filter, rows));
  }
  return taken;
}

inline FieldVector FieldsOf(const Input& input) {
  FieldVector fields;
  for (const auto& argument : input.arguments)
    fields.push_back(arrow::field("a", argument->type()));
  return fields;
}

inline std::unique_ptr<GroupsAccumulator> NewAccumulator(const std::string& name,
                                                         const Input& input) {
  return *Aggregate(name)->CreateAccumulator(FieldsOf(input), input.call);
}

inline void Must(const Status& status) { ASSERT_TRUE(status.ok()) << status.ToString(); }

/// One accumulator, one batch.
inline std::shared_ptr<arrow::Array> Plain(const std::string& name, const Input& input,
                                           int64_t groups) {
  auto accumulator = NewAccumulator(name, input);
  Must(accumulator->Update(input.arguments, input.groups, input.filter.get(), groups));
  return *accumulator->Evaluate(std::nullopt);
}

/// Rows in random order, cut into batches over some accumulators, which are merged through their
/// states (some rows through ConvertToState), whole or in emitted pieces.
inline std::shared_ptr<arrow::Array> Scrambled(const std::string& name, const Input& input,
                                               int64_t groups, Random& random) {
  std::vector<int64_t> rows(input.groups.size());
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int64_t>(i);
  std::shuffle(rows.begin(), rows.end(), random);

  std::vector<std::unique_ptr<GroupsAccumulator>> parts;
  for (uint64_t i = 0; i <= random() % 3; ++i) parts.push_back(NewAccumulator(name, input));
  auto final_part = NewAccumulator(name, input);
  for (size_t first = 0; first < rows.size();) {
    const size_t end = std::min(rows.size(), first + 1 + random() % 12);
    const Input batch = TakeRows(input, {rows.begin() + static_cast<int64_t>(first),
                                         rows.begin() + static_cast<int64_t>(end)});
    if (random() % 4 == 0) {
      auto states = final_part->ConvertToState(batch.arguments, batch.filter.get());
      Must(final_part->Merge(*states, batch.groups, nullptr, groups));
    } else {
      Must(parts[random() % parts.size()]->Update(batch.arguments, batch.groups, batch.filter.get(),
                                                  groups));
    }
    first = end;
  }
  for (auto& part : parts) {
    uint64_t group = 0;
    while (part->group_count() > 0) {
      const int64_t emit =
          std::min<int64_t>(part->group_count(), 1 + static_cast<int64_t>(random() % 5));
      auto states = part->State(random() % 2 == 0 ? std::optional(emit) : std::nullopt);
      std::vector<uint64_t> indices;
      for (int64_t i = 0; i < (*states)[0]->length(); ++i) indices.push_back(group++);
      Must(final_part->Merge(*states, indices, nullptr, groups));
    }
  }
  EXPECT_GT(final_part->SizeBytes(), 0);
  if (final_part->group_count() == 0)
    Must(final_part->Merge((*final_part->State(0)), {}, nullptr, groups));

  // Emitting in pieces shifts the groups behind.
  arrow::ArrayVector pieces;
  while (final_part->group_count() > 0) {
    const int64_t emit =
        std::min<int64_t>(final_part->group_count(), 1 + static_cast<int64_t>(random() % 4));
    pieces.push_back(*final_part->Evaluate(emit));
  }
  return arrow::Concatenate(pieces).ValueOrDie();
}

inline std::shared_ptr<arrow::BooleanArray> RandomFilter(Random& random, size_t rows) {
  arrow::BooleanBuilder builder;
  for (size_t i = 0; i < rows; ++i) {
    EXPECT_TRUE(
        (random() % 6 == 0 ? builder.AppendNull() : builder.Append(random() % 3 != 0)).ok());
  }
  return std::static_pointer_cast<arrow::BooleanArray>(builder.Finish().ValueOrDie());
}

inline std::vector<uint64_t> RandomGroups(Random& random, size_t rows, int64_t groups) {
  std::vector<uint64_t> indices(rows);
  for (auto& index : indices) index = random() % static_cast<uint64_t>(groups);
  return indices;
}

inline bool Passes(const Input& input, size_t row) {
  const int64_t i = static_cast<int64_t>(row);
  return !input.filter || (input.filter->IsValid(i) && input.filter->Value(i));
}

}  // namespace weir::testing
