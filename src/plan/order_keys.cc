// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/order_keys.h"

#include <algorithm>
#include <optional>
#include <set>

#include <arrow/api.h>

#include "weir/plan/unique_key.h"

namespace weir::internal {

namespace {

constexpr char kHash[] = "stable_hash_any";

bool AreSame(const SortKey& left, const SortKey& right) {
  return left.ascending == right.ascending && left.nulls_first == right.nulls_first &&
         ToText(left.expression) == ToText(right.expression);
}

std::set<size_t> Covered(const std::vector<Expression>& partition, const Keys& keys,
                         const LogicalPlan& input) {
  std::set<size_t> covered;
  for (const Expression& key : partition) {
    if (const auto index = IndexOfColumn(key, input)) covered.insert(*index);
  }
  for (const SortKey& key : keys) {
    const bool is_hash = key.expression.kind == ExpressionKind::kScalarFunction &&
                         key.expression.name == kHash && !key.expression.inputs.empty();
    const Expression& column = is_hash ? key.expression.inputs[0] : key.expression;
    if (const auto index = IndexOfColumn(column, input)) covered.insert(*index);
  }
  return covered;
}

std::set<std::string> TextsOf(const std::vector<Expression>& expressions) {
  std::set<std::string> texts;
  for (const Expression& e : expressions) texts.insert(ToText(e));
  return texts;
}

bool HasOnlyColumns(const LogicalPlan& projection) {
  return std::all_of(
      projection.expressions.begin(), projection.expressions.end(),
      [](const Expression& e) { return WithoutAlias(e).kind == ExpressionKind::kColumn; });
}

/// The window whose rows `node` puts out one by one, as they come; null if there is none.
const LogicalPlan* WindowBelow(const LogicalPlan& node) {
  if (node.kind == PlanKind::kWindow && !node.expressions.empty()) return &node;
  if (node.kind == PlanKind::kProjection && HasOnlyColumns(node))
    return WindowBelow(*node.inputs[0]);
  return nullptr;
}

/// The further keys of a window below that sorts the same partitions by `keys` first, and leaves no
/// ties. Rows are then not sorted again, hence come in the order that they had there: what its
/// functions gave needs no place among the keys.
std::optional<Keys> KeysFromBelow(const std::vector<Expression>& partition, const Keys& keys,
                                  const LogicalPlan& input) {
  const LogicalPlan* sorted = nullptr;
  Keys sorted_by = keys;
  for (const LogicalPlan* window = WindowBelow(input); window != nullptr;
       window = WindowBelow(*window->inputs[0])) {
    const Expression& function = WithoutAlias(window->expressions[0]);
    if (!StartsWith(function.order_by, sorted_by) ||
        TextsOf(function.partition_by) != TextsOf(partition))
      break;
    sorted = window;
    sorted_by = function.order_by;
  }
  if (sorted == nullptr || !MissingColumns(partition, sorted_by, *sorted->inputs[0]).empty())
    return std::nullopt;
  const Keys further(sorted_by.begin() + static_cast<std::ptrdiff_t>(keys.size()), sorted_by.end());
  const bool all_here = std::all_of(further.begin(), further.end(), [&](const SortKey& key) {
    return IndexOfColumn(key.expression, input).has_value();
  });
  return all_here ? std::optional(further) : std::nullopt;
}

}  // namespace

Expression ColumnOf(const OutputColumn& output) {
  return {.kind = ExpressionKind::kColumn, .name = output.name, .relation = output.relation};
}

Expression HashOf(const Expression& value) {
  Expression hash{.kind = ExpressionKind::kScalarFunction, .name = kHash};
  hash.inputs = {value, MakeLiteral(std::make_shared<arrow::BooleanScalar>(false))};
  return hash;
}

bool IsAmong(const Expression& value, const Keys& keys) {
  const std::string text = ToText(WithoutAlias(value));
  return std::any_of(keys.begin(), keys.end(), [&](const SortKey& key) {
    return ToText(WithoutAlias(key.expression)) == text;
  });
}

bool StartsWith(const Keys& keys, const Keys& prefix) {
  return keys.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), keys.begin(), AreSame);
}

void Append(Keys& keys, const Keys& more) { keys.insert(keys.end(), more.begin(), more.end()); }

std::vector<std::string> Texts(const Keys& keys) {
  std::vector<std::string> texts;
  for (const SortKey& key : keys) {
    std::string text = ToText(key.expression);
    if (!key.ascending) text += " DESC";
    if (key.nulls_first == key.ascending) text += key.nulls_first ? " NULLS FIRST" : " NULLS LAST";
    texts.push_back(std::move(text));
  }
  return texts;
}

bool IsUnique(const std::vector<Expression>& partition, const Keys& keys,
              const LogicalPlan& input) {
  const auto unique = UniqueKeyOf(input);
  if (!unique) return false;
  const std::set<size_t> covered = Covered(partition, keys, input);
  return std::includes(covered.begin(), covered.end(), unique->begin(), unique->end());
}

Keys MissingColumns(const std::vector<Expression>& partition, const Keys& keys,
                    const LogicalPlan& input) {
  if (auto further = KeysFromBelow(partition, keys, input)) return *std::move(further);
  std::set<size_t> needed;
  if (const auto unique = UniqueKeyOf(input)) {
    needed = *unique;
  } else {
    for (size_t i = 0; i < input.outputs.size(); ++i) needed.insert(i);
  }
  for (const size_t index : Covered(partition, keys, input)) needed.erase(index);
  Keys missing;
  for (const size_t index : needed) missing.push_back({ColumnOf(input.outputs[index]), true});
  return missing;
}

void AddKey(const Expression& key, const Keys& keys, Keys& missing) {
  if (!IsAmong(key, keys) && !IsAmong(key, missing)) missing.push_back({WithoutAlias(key), true});
}

void AddMissingArguments(const Expression& function, const Keys& keys, Keys& missing) {
  for (const Expression& argument : function.inputs) {
    if (argument.kind != ExpressionKind::kLiteral) AddKey(argument, keys, missing);
  }
}

}  // namespace weir::internal
