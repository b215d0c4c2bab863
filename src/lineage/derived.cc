// SPDX-License-Identifier: Apache-2.0

#include "weir/lineage/derived.h"

#include <algorithm>
#include <cstring>

namespace weir::deriving {

std::string_view Arena::NewText(std::string_view text) {
  const auto copy = NewArray<char>(text.size());
  std::copy(text.begin(), text.end(), copy.begin());
  return {copy.data(), copy.size()};
}

uint32_t Arena::SourceOf(std::string_view table, std::string_view column, std::string_view path) {
  if (path.empty()) {
    const auto [entry, is_new] =
        columns_.try_emplace({table, column}, static_cast<uint32_t>(sources_.size()));
    if (is_new) sources_.push_back({table, column, {}});
    return entry->second;
  }
  std::string key(table);
  key.append(1, '\0').append(column).append(1, '\0').append(path);
  const auto [entry, is_new] =
      paths_.try_emplace(std::move(key), static_cast<uint32_t>(sources_.size()));
  if (is_new) sources_.push_back({table, column, NewText(path)});
  return entry->second;
}

uint32_t Arena::PartOf(uint32_t place, std::string_view part) {
  const Source whole = sources_[place];
  return SourceOf(whole.table, whole.column, JoinPath(whole.path, part));
}

Inputs Arena::Union(Inputs a, Inputs b) {
  if (b.empty() || a.data() == b.data()) return a;
  if (a.empty() || std::includes(b.begin(), b.end(), a.begin(), a.end())) return b;
  if (std::includes(a.begin(), a.end(), b.begin(), b.end())) return a;
  const auto all = NewArray<Input>(a.size() + b.size());
  const auto end = std::set_union(a.begin(), a.end(), b.begin(), b.end(), all.begin());
  return all.first(static_cast<size_t>(end - all.begin()));
}

Inputs Arena::As(Inputs inputs, ColumnUse use, Transformation transformation) {
  const bool is_value = use == ColumnUse::kValue;
  const auto stays = [&](const Input& input) {
    return input.use() != ColumnUse::kValue ||
           (is_value && input.transformation() >= transformation);
  };
  if (std::all_of(inputs.begin(), inputs.end(), stays)) return inputs;
  const auto changed = NewArray<Input>(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    changed[i] = stays(inputs[i]) ? inputs[i]
                                  : Input(inputs[i].source(), use,
                                          is_value ? transformation : Transformation::kIdentity);
  }
  std::sort(changed.begin(), changed.end());
  const auto end = std::unique(changed.begin(), changed.end());
  return changed.first(static_cast<size_t>(end - changed.begin()));
}

namespace {

/// Everything of an expression but its parts.
Expression Bare(const Expression& e) {
  Expression bare;
  bare.kind = e.kind;
  bare.name = e.name;
  bare.relation = e.relation;
  bare.literal = e.literal;
  bare.text = e.text;
  bare.type = e.type;
  bare.negated = e.negated;
  bare.has_base = e.has_base;
  bare.has_else = e.has_else;
  bare.distinct = e.distinct;
  bare.ignore_nulls = e.ignore_nulls;
  bare.respect_nulls = e.respect_nulls;
  bare.is_aggregate = e.is_aggregate;
  bare.is_outer = e.is_outer;
  bare.parameters = e.parameters;
  bare.frame = e.frame;
  bare.set_sizes = e.set_sizes;
  return bare;
}

Expression Materialized(const Expanded& expanded) {
  Expression made;
  size_t next = 0;
  const auto take = [&] { return Materialized(*expanded.parts[next++]); };
  if (expanded.written != nullptr) {
    const Expression& written = *expanded.written;
    made = Bare(written);
    // A scalar subquery has its one column as its part.
    const size_t inputs = written.kind == ExpressionKind::kScalarSubquery ? expanded.parts.size()
                                                                          : written.inputs.size();
    for (size_t i = 0; i < inputs; ++i) made.inputs.push_back(take());
    for (size_t i = 0; i < written.filter.size(); ++i) made.filter.push_back(take());
    for (size_t i = 0; i < written.partition_by.size(); ++i) made.partition_by.push_back(take());
    for (const SortKey& key : written.order_by) {
      made.order_by.push_back({take(), key.ascending, key.nulls_first});
    }
  } else if (!expanded.word.empty()) {
    made.kind = ExpressionKind::kScalarFunction;
    made.name = expanded.word;
    while (next < expanded.parts.size()) made.inputs.push_back(take());
  } else {
    made.kind = ExpressionKind::kColumn;
    if (!expanded.relation.empty()) made.relation = expanded.relation;
    made.name = expanded.name;
  }
  return made;
}

}  // namespace

std::string TextOf(const Expanded& expanded) {
  if (expanded.written == nullptr && expanded.word.empty()) {
    std::string text(expanded.relation);
    if (!text.empty()) text += ".";
    return text.append(expanded.name);
  }
  if (expanded.written != nullptr && expanded.parts.empty()) return ToText(*expanded.written);
  return ToText(Materialized(expanded));
}

bool SameExpression(const Expanded& a, const Expanded& b) {
  if (&a == &b) return true;
  if ((a.written == nullptr) != (b.written == nullptr) || a.word != b.word ||
      a.parts.size() != b.parts.size())
    return false;
  if (a.written == nullptr && a.word.empty()) return a.relation == b.relation && a.name == b.name;
  if (a.written != nullptr && a.written->kind != b.written->kind) return false;
  return TextOf(a) == TextOf(b);
}

}  // namespace weir::deriving
