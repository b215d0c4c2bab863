// SPDX-License-Identifier: Apache-2.0

#include "weir/expr/window_groups.h"

#include <algorithm>
#include <compare>

namespace weir::expr {

namespace {

struct Group {
  std::vector<SortKey> keys;
  std::vector<bool> is_partition;
  std::vector<Expression> calls;
};

bool Contains(const std::vector<SortKey>& keys, const SortKey& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

/// What a window is sorted by: its partition, in the directions of its order where that names the
/// same expression, then the rest of its order.
Group GroupOf(const Expression& call) {
  Group group;
  const auto add = [&](const SortKey& key, bool is_partition) {
    if (Contains(group.keys, key)) return;
    group.keys.push_back(key);
    group.is_partition.push_back(is_partition);
  };
  for (const Expression& e : call.partition_by) {
    const auto ordered = std::find_if(call.order_by.begin(), call.order_by.end(),
                                      [&](const SortKey& key) { return key.expression == e; });
    add(ordered != call.order_by.end()
            ? *ordered
            : SortKey{.expression = e, .ascending = true, .nulls_first = false},
        true);
  }
  for (const SortKey& key : call.order_by) add(key, false);
  return group;
}

std::vector<size_t> ColumnIndexes(const Expression& e, const ColumnScope& scope) {
  std::vector<size_t> indexes;
  VisitExpression(e, [&](const Expression& part) {
    if (part.kind != ExpressionKind::kColumn) return;
    if (const auto index = scope.IndexOf(part)) indexes.push_back(*index);
  });
  return indexes;
}

std::strong_ordering Compare(const SortKey& left, const SortKey& right, const ColumnScope& scope) {
  const std::vector<size_t> a = ColumnIndexes(left.expression, scope);
  const std::vector<size_t> b = ColumnIndexes(right.expression, scope);
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i] != b[i]) return a[i] <=> b[i];
  }
  if (a.size() != b.size()) return b.size() <=> a.size();
  if (left.ascending != right.ascending) {
    return left.ascending ? std::strong_ordering::greater : std::strong_ordering::less;
  }
  if (left.nulls_first != right.nulls_first) {
    return left.nulls_first ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  return std::strong_ordering::equal;
}

}  // namespace

std::vector<std::vector<Expression>> GroupWindows(const std::vector<Expression>& calls,
                                                  const ColumnScope& scope) {
  std::vector<Group> groups;
  for (const Expression& call : calls) {
    Group wanted = GroupOf(call);
    const auto found = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
      return group.keys == wanted.keys && group.is_partition == wanted.is_partition;
    });
    Group& group = found == groups.end() ? groups.emplace_back(std::move(wanted)) : *found;
    group.calls.push_back(call);
  }
  std::stable_sort(groups.begin(), groups.end(), [&](const Group& left, const Group& right) {
    for (size_t i = 0; i < std::min(left.keys.size(), right.keys.size()); ++i) {
      const auto order = Compare(left.keys[i], right.keys[i], scope);
      if (order != std::strong_ordering::equal) return order == std::strong_ordering::less;
    }
    return left.keys.size() > right.keys.size();
  });
  std::vector<std::vector<Expression>> result;
  result.reserve(groups.size());
  for (Group& group : groups) result.push_back(std::move(group.calls));
  return result;
}

}  // namespace weir::expr
