// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/total_order.h"

#include <algorithm>
#include <limits>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/plan/flat_type.h"
#include "weir/plan/mapped_parts.h"
#include "weir/plan/order_keys.h"
#include "weir/plan/sorted_lists.h"
#include "weir/plan/unique_key.h"
#include "weir/plan/window_order.h"

namespace weir {

namespace {

using namespace internal;  // NOLINT(google-build-using-namespace): of this room
using PlanPtr = std::shared_ptr<const LogicalPlan>;

/// Of a column that keeps rows in order, and that nothing but a filter reads.
constexpr char kRowNumber[] = "__weir_row";
/// The engine side's function that makes both zeros one, and all NaN.
constexpr char kNormalized[] = "normalized_float";

Expression& FunctionIn(Expression& e) {
  Expression* inner = &e;
  while (inner->kind == ExpressionKind::kAlias) inner = &inner->inputs[0];
  return *inner;
}

/// The column under the name that it had.
void KeepName(Expression& e, const OutputColumn& output) {
  if (e.kind == ExpressionKind::kAlias) return;
  Expression alias{
      .kind = ExpressionKind::kAlias, .name = output.name, .relation = output.relation};
  alias.inputs.push_back(std::move(e));
  e = std::move(alias);
}

class OrderCompleter {
 public:
  explicit OrderCompleter(const SchemaOfPlan& schema_of) : schema_of_(schema_of) {}

  PlanPtr Complete(const PlanPtr& plan) {
    const PlanPtr node = WithMappedParts(plan, [&](const PlanPtr& part) { return Complete(part); });
    switch (node->kind) {
      case PlanKind::kSort:
        return node->fetch < 0 ? node : CompleteSort(*node, node);
      case PlanKind::kLimit:
        return CompleteLimit(node);
      case PlanKind::kWindow:
        return CompleteWindow(node);
      case PlanKind::kAggregate:
        return CompleteAggregate(node);
      default:
        return node;
    }
  }

  std::vector<CompletedOrder>& completed() { return completed_; }
  bool needs_one_partition() const { return needs_one_partition_; }

 private:
  /// Whether all expressions from the `first` on are functions, each with its column after `before`
  /// others: true for every plan, but not for damaged bytes of one.
  static bool HasFunctions(const LogicalPlan& node, size_t first, size_t before) {
    const size_t count = node.expressions.size() - first;
    return count > 0 && node.outputs.size() >= before + count &&
           std::all_of(node.expressions.begin() + static_cast<std::ptrdiff_t>(first),
                       node.expressions.end(), [](const Expression& e) {
                         const ExpressionKind kind = WithoutAlias(e).kind;
                         return kind == ExpressionKind::kAggregateFunction ||
                                kind == ExpressionKind::kWindowFunction;
                       });
  }

  void Note(std::string place, const Keys& keys, const Keys& added) {
    completed_.push_back({.place = std::move(place), .keys = Texts(keys), .added = Texts(added)});
  }

  /// The engine's bytes say the largest number for no limit.
  static bool IsEndless(const LogicalPlan& limit) {
    return limit.fetch < 0 || limit.fetch > std::numeric_limits<int64_t>::max() - limit.skip;
  }

  static std::string RowsText(const LogicalPlan& limit) {
    return IsEndless(limit) ? fmt::format("all but the first {} rows", limit.skip)
                            : fmt::format("the first {} rows", limit.skip + limit.fetch);
  }

  /// The columns that are missing for a Sort that is cut. What it has read makes the engine leave
  /// out further rows, and with values of nested types such that belong to the first ones.
  /// Of floats it holds both zeros equal, where the sort tells them apart.
  static Keys MissingForCut(const Keys& keys, const LogicalPlan& input,
                            const arrow::Schema* schema) {
    Keys plain, hashes;
    for (SortKey& key : MissingColumns({}, keys, input)) {
      const bool is_plain = IsPlainColumn(key.expression, input, schema);
      if (!is_plain) key.expression = HashOf(key.expression);
      (is_plain ? plain : hashes).push_back(std::move(key));
    }
    Append(plain, hashes);
    return plain;
  }

  /// Whether a cut may go by the column itself.
  static bool IsPlainColumn(const Expression& column, const LogicalPlan& input,
                            const arrow::Schema* schema) {
    const arrow::DataType* type = TypeOf(column, input, schema);
    if (type == nullptr) return IsKnownFlat(column, input);
    return IsFlat(*type) && !arrow::is_floating(type->id());
  }

  std::shared_ptr<arrow::Schema> SchemaOf(const LogicalPlan& plan) const {
    return schema_of_ ? schema_of_(plan) : nullptr;
  }

  /// Of a column of `input`; null if it is none, or `schema` is null.
  static const arrow::DataType* TypeOf(const Expression& column, const LogicalPlan& input,
                                       const arrow::Schema* schema) {
    const auto index = IndexOfColumn(column, input);
    if (schema == nullptr || !index || static_cast<int>(*index) >= schema->num_fields())
      return nullptr;
    return schema->field(static_cast<int>(*index))->type().get();
  }

  bool IsFloat(const Expression& key, const PlanPtr& input, const arrow::Schema* schema) const {
    const auto is_float = [](const arrow::DataType* type) {
      return type != nullptr && arrow::is_floating(type->id());
    };
    if (key.kind == ExpressionKind::kColumn) return is_float(TypeOf(key, *input, schema));
    const OutputColumn name{.relation = std::nullopt, .name = "key"};
    LogicalPlan typed;
    typed.kind = PlanKind::kProjection;
    typed.inputs = {input};
    typed.outputs = {name};
    typed.expressions = {key};
    KeepName(typed.expressions[0], name);
    return is_float(TypeOf(ColumnOf(name), typed, SchemaOf(typed).get()));
  }

  /// The keys of a cut; the engine's own rule makes both zeros one in all keys but the last, since
  /// nothing comes behind it.
  Keys KeysOfCut(const LogicalPlan& sort, const arrow::Schema* schema) const {
    Keys keys = sort.sort_keys;
    if (keys.empty()) return keys;
    Expression& last = keys.back().expression;
    const bool is_normalized =
        last.kind == ExpressionKind::kScalarFunction && last.name == kNormalized;
    if (is_normalized || !IsFloat(last, sort.inputs[0], schema)) return keys;
    Expression normalized{.kind = ExpressionKind::kScalarFunction, .name = kNormalized};
    normalized.inputs.push_back(std::move(last));
    last = std::move(normalized);
    return keys;
  }

  /// `limit`: the node that takes some of the rows; the Sort itself, or one above it.
  PlanPtr CompleteSort(const LogicalPlan& limit, const PlanPtr& sort) {
    const auto schema = SchemaOf(*sort->inputs[0]);
    Keys keys = KeysOfCut(*sort, schema.get());
    const Keys added = MissingForCut(keys, *sort->inputs[0], schema.get());
    if (added.empty()) return sort;
    Note(RowsText(limit), sort->sort_keys, added);
    auto copy = std::make_shared<LogicalPlan>(*sort);
    copy->sort_keys = std::move(keys);
    Append(copy->sort_keys, added);
    return copy;
  }

  PlanPtr CompleteLimit(const PlanPtr& limit) {
    PlanPtr input = CompleteBelow(*limit, limit->inputs[0]);
    if (input == nullptr) {
      input = limit->inputs[0];
      const Keys added = MissingForCut({}, *input, SchemaOf(*input).get());
      if (added.empty()) return limit;
      Note(RowsText(*limit), {}, added);
      input = Cut(*limit, input, added);
    }
    if (input == limit->inputs[0]) return limit;
    if (IsEndless(*limit)) return input;
    auto copy = std::make_shared<LogicalPlan>(*limit);
    copy->inputs[0] = std::move(input);
    return copy;
  }

  /// The rows of `input` that a limit takes in the order of `keys`; of one that has an end those
  /// before its first ones too.
  static PlanPtr Cut(const LogicalPlan& limit, const PlanPtr& input, Keys keys) {
    if (IsEndless(limit)) {
      PlanPtr numbered = NumberedRows(input, {}, std::move(keys), limit.skip);
      return Restored(*input, std::move(numbered));
    }
    auto sort = std::make_shared<LogicalPlan>();
    sort->kind = PlanKind::kSort;
    sort->outputs = input->outputs;
    sort->sort_keys = std::move(keys);
    sort->fetch = limit.skip + limit.fetch;
    sort->inputs.push_back(input);
    return sort;
  }

  /// The input of a limit with the Sort completed whose order it cuts; null if there is none.
  PlanPtr CompleteBelow(const LogicalPlan& limit, const PlanPtr& node) {
    switch (node->kind) {
      case PlanKind::kSort: {
        PlanPtr sort = CompleteSort(limit, node);
        if (!IsEndless(limit)) return sort;
        return Cut(limit, sort->inputs[0], sort->sort_keys);
      }
      case PlanKind::kProjection:
      case PlanKind::kSubqueryAlias:
      case PlanKind::kLimit: {
        PlanPtr input = CompleteBelow(limit, node->inputs[0]);
        if (input == nullptr || input == node->inputs[0]) return input == nullptr ? nullptr : node;
        auto copy = std::make_shared<LogicalPlan>(*node);
        copy->inputs[0] = std::move(input);
        return copy;
      }
      default:
        return nullptr;
    }
  }

  PlanPtr CompleteWindow(const PlanPtr& node) {
    const LogicalPlan& input = *node->inputs[0];
    if (!HasFunctions(*node, 0, input.outputs.size())) return node;
    // All functions of a node have the same keys.
    const Expression& first = WithoutAlias(node->expressions[0]);
    const Keys& keys = first.order_by;
    std::vector<size_t> open, kept, peers;
    Keys values;
    bool by_rows = false;
    for (size_t i = 0; i < node->expressions.size(); ++i) {
      const Expression& function = WithoutAlias(node->expressions[i]);
      const Need need = NeedOf(function);
      by_rows = by_rows || need == Need::kRows;
      const bool is_open = need == Need::kRows || need == Need::kValues;
      (is_open ? open : kept).push_back(i);
      if (need == Need::kPeers) peers.push_back(i);
      if (need == Need::kValues || need == Need::kPeers)
        AddMissingArguments(function, keys, values);
    }
    if (open.empty() && peers.empty()) return node;
    Keys added;
    if (by_rows) {
      added = MissingColumns(first.partition_by, keys, input);
    } else if (!IsUnique(first.partition_by, keys, input)) {
      added = std::move(values);
    }
    if (added.empty()) return node;
    for (const size_t i : open) NoteFunction(*node, i, keys, added);
    for (const size_t i : peers) NoteFunction(*node, i, keys, added);
    Keys total = keys;
    Append(total, added);
    PlanPtr below = open.empty()
                        ? NumberedRows(node->inputs[0], first.partition_by, std::move(total), 0)
                        : WindowOf(*node, open, node->inputs[0], &added);
    if (kept.empty()) return below;
    return Restored(*node, WindowOf(*node, kept, std::move(below), nullptr));
  }

  void NoteFunction(const LogicalPlan& node, size_t i, const Keys& keys, const Keys& added) {
    const Expression& function = WithoutAlias(node.expressions[i]);
    Expression call{.kind = ExpressionKind::kAggregateFunction, .name = function.name};
    call.inputs = function.inputs;
    call.distinct = function.distinct;
    call.ignore_nulls = function.ignore_nulls;
    Note(ToText(call), keys, added);
  }

  /// Some of a node's functions over `input`, with `added` keys if there are any.
  static PlanPtr WindowOf(const LogicalPlan& node, const std::vector<size_t>& functions,
                          PlanPtr input, const Keys* added) {
    const size_t before = node.inputs[0]->outputs.size();
    auto window = std::make_shared<LogicalPlan>();
    window->kind = PlanKind::kWindow;
    window->outputs = input->outputs;
    window->inputs.push_back(std::move(input));
    for (const size_t i : functions) {
      Expression e = node.expressions[i];
      const OutputColumn& output = node.outputs[before + i];
      if (added != nullptr) {
        Expression& function = FunctionIn(e);
        Append(function.order_by, *added);
        SettleFrame(function);
        KeepName(e, output);
      }
      window->expressions.push_back(std::move(e));
      window->outputs.push_back(output);
    }
    return window;
  }

  /// The columns of `node` in their order.
  static PlanPtr Restored(const LogicalPlan& node, PlanPtr input) {
    if (input->outputs == node.outputs) return input;
    auto projection = std::make_shared<LogicalPlan>();
    projection->kind = PlanKind::kProjection;
    projection->outputs = node.outputs;
    for (const OutputColumn& output : node.outputs)
      projection->expressions.push_back(ColumnOf(output));
    projection->inputs.push_back(std::move(input));
    return projection;
  }

  /// The rows of `input` after the first `skip`, and one more column, sorted within partitions for
  /// the node that reads them. A Sort that has no limit is dropped when the engine plans; a window
  /// keeps its order, and a filter, even one that all rows pass, keeps the window.
  static PlanPtr NumberedRows(const PlanPtr& input, const std::vector<Expression>& partition,
                              Keys keys, int64_t skip) {
    const OutputColumn number{.relation = {}, .name = kRowNumber};
    Expression function{.kind = ExpressionKind::kWindowFunction, .name = "row_number"};
    function.partition_by = partition;
    function.order_by = std::move(keys);
    function.frame = RowsFrame(false);
    function.text = ToText(*function.frame);
    KeepName(function, number);
    auto window = std::make_shared<LogicalPlan>();
    window->kind = PlanKind::kWindow;
    window->outputs = input->outputs;
    window->outputs.push_back(number);
    window->expressions.push_back(std::move(function));
    window->inputs.push_back(input);

    Expression condition{.kind = ExpressionKind::kBinary, .name = ">"};
    condition.inputs.push_back(ColumnOf(number));
    condition.inputs.push_back(
        MakeLiteral(std::make_shared<arrow::UInt64Scalar>(static_cast<uint64_t>(skip))));
    auto filter = std::make_shared<LogicalPlan>();
    filter->kind = PlanKind::kFilter;
    filter->outputs = window->outputs;
    filter->expressions.push_back(std::move(condition));
    filter->inputs.push_back(std::move(window));
    return filter;
  }

  /// Functions whose orders go together: that of each is a beginning of `keys`.
  struct Chain {
    Keys keys;
    std::vector<size_t> functions;
    bool is_open = false;
  };

  bool IsFlatColumn(const Expression& column, const PlanPtr& input) const {
    if (IsKnownFlat(column, *input)) return true;
    const auto schema = SchemaOf(*input);
    const arrow::DataType* type = TypeOf(column, *input, schema.get());
    return type != nullptr && IsFlat(*type);
  }

  /// Keys that are the same only where `value` is. Aggregates compare values of nested types by
  /// rules that leave ties or fail, other than sorts: these go by what they are made of, or by a
  /// hash.
  void AddValue(const Expression& value, const PlanPtr& input, const Keys& keys,
                Keys& missing) const {
    if (value.kind == ExpressionKind::kLiteral) return;
    if (IsAmong(value, keys) || IsKnownFlat(value, *input)) return AddKey(value, keys, missing);
    switch (value.kind) {
      case ExpressionKind::kAlias:
      case ExpressionKind::kScalarFunction:
      case ExpressionKind::kCast:
      case ExpressionKind::kCase:
      case ExpressionKind::kBinary:
        for (const Expression& part : value.inputs) AddValue(part, input, keys, missing);
        return;
      case ExpressionKind::kColumn:
        return AddKey(IsFlatColumn(value, input) ? value : HashOf(value), keys, missing);
      default:
        return AddKey(HashOf(value), keys, missing);
    }
  }

  void AddValues(const Expression& function, const PlanPtr& input, const Keys& keys,
                 Keys& missing) const {
    for (const Expression& argument : function.inputs) AddValue(argument, input, keys, missing);
  }

  /// A DISTINCT function can have no order but that by its argument.
  static Keys KeysOf(const Expression& function) {
    if (!function.distinct || !function.order_by.empty() || function.inputs.empty())
      return function.order_by;
    return {{WithoutAlias(function.inputs[0]), true}};
  }

  static void Join(std::vector<Chain>& chains, size_t i, const Keys& keys, bool is_open) {
    auto chain = std::find_if(chains.begin(), chains.end(), [&](const Chain& other) {
      return StartsWith(other.keys, keys) || StartsWith(keys, other.keys);
    });
    if (chain == chains.end()) chain = chains.insert(chains.end(), Chain{});
    if (keys.size() > chain->keys.size()) chain->keys = keys;
    chain->functions.push_back(i);
    chain->is_open = chain->is_open || is_open;
  }

  PlanPtr CompleteAggregate(const PlanPtr& node) {
    const LogicalPlan& input = *node->inputs[0];
    if (!HasFunctions(*node, node->group_count, 0)) return node;
    const std::vector<Expression> groups(
        node->expressions.begin(),
        node->expressions.begin() + static_cast<std::ptrdiff_t>(node->group_count));
    std::vector<Chain> chains;
    std::shared_ptr<LogicalPlan> copy;
    std::vector<size_t> lists;
    Keys arriving;
    for (size_t i = node->group_count; i < node->expressions.size(); ++i) {
      const Expression& function = WithoutAlias(node->expressions[i]);
      if (TakesArriving(function.name)) AddMissingArguments(function, {}, arriving);
      if (!KeepsOrder(function.name)) continue;
      if (IsSortableList(function, input)) {
        lists.push_back(i);
        continue;
      }
      const Keys keys = KeysOf(function);
      Keys missing;
      if (!function.distinct && !IsUnique(groups, keys, input))
        AddValues(function, node->inputs[0], keys, missing);
      Join(
          chains, i, keys,
          !missing.empty() || keys.size() > function.order_by.size() || function.name == kAnyValue);
    }
    for (const Chain& chain : chains) {
      if (!chain.is_open) continue;
      if (!copy) copy = std::make_shared<LogicalPlan>(*node);
      CompleteChain(*node, chain, *copy);
    }
    if (!arriving.empty()) {
      if (!copy) copy = std::make_shared<LogicalPlan>(*node);
      copy->inputs[0] = ArrivingInOrder(*node, groups, arriving);
    }
    if (lists.empty()) return copy ? copy : node;
    if (!copy) copy = std::make_shared<LogicalPlan>(*node);
    return SortLists(lists, copy);
  }

  /// Whether values go into a list that can as well be sorted afterwards. To collect them in order
  /// takes the engine many times as long.
  static bool IsSortableList(const Expression& function, const LogicalPlan& input) {
    return (function.name == "array_agg" || function.name == "string_agg") &&
           function.order_by.empty() && !function.inputs.empty() &&
           (function.name == "string_agg" || IsKnownFlat(function.inputs[0], input));
  }

  /// `aggregate` with lists of values, and above it a projection that sorts and joins them.
  PlanPtr SortLists(const std::vector<size_t>& lists, std::shared_ptr<LogicalPlan> aggregate) {
    auto projection = std::make_shared<LogicalPlan>();
    projection->kind = PlanKind::kProjection;
    projection->outputs = aggregate->outputs;
    for (const OutputColumn& output : aggregate->outputs)
      projection->expressions.push_back(ColumnOf(output));
    const size_t first_output = aggregate->outputs.size() - aggregate->expressions.size();
    for (const size_t i : lists) {
      Expression& e = aggregate->expressions[i];
      const OutputColumn& output = aggregate->outputs[first_output + i];
      Keys added;
      AddMissingArguments(WithoutAlias(e), {}, added);
      NoteFunction(*aggregate, i, {}, added);
      Expression& value = projection->expressions[first_output + i];
      value = SortedList(std::move(value));
      Expression& function = FunctionIn(e);
      if (function.name == "string_agg") value = JoinedText(std::move(value), function);
      KeepName(e, output);
      KeepName(value, output);
    }
    projection->inputs.push_back(std::move(aggregate));
    return projection;
  }

  void CompleteChain(const LogicalPlan& node, const Chain& chain, LogicalPlan& copy) {
    Keys total = chain.keys;
    for (const size_t i : chain.functions) {
      const Expression& function = WithoutAlias(node.expressions[i]);
      Keys missing;
      if (!function.distinct) AddValues(function, node.inputs[0], total, missing);
      Append(total, missing);
    }
    const size_t first_output = node.outputs.size() - node.expressions.size();
    for (const size_t i : chain.functions) {
      Expression& e = copy.expressions[i];
      Expression& function = FunctionIn(e);
      const Keys keys = function.distinct ? KeysOf(function) : total;
      const Keys added(keys.begin() + static_cast<std::ptrdiff_t>(function.order_by.size()),
                       keys.end());
      if (added.empty() && function.name != kAnyValue) continue;
      NoteFunction(node, i, function.order_by, added);
      function.order_by = keys;
      if (function.name == kAnyValue) {
        function.name = "first_value";
        function.ignore_nulls = true;
      }
      KeepName(e, node.outputs[first_output + i]);
    }
  }

  PlanPtr ArrivingInOrder(const LogicalPlan& node, const std::vector<Expression>& groups,
                          const Keys& arriving) {
    needs_one_partition_ = true;
    const bool is_grouped = std::all_of(groups.begin(), groups.end(), [](const Expression& group) {
      return group.kind != ExpressionKind::kGroupingSets && group.kind != ExpressionKind::kCube &&
             group.kind != ExpressionKind::kRollup;
    });
    for (size_t i = node.group_count; i < node.expressions.size(); ++i) {
      if (TakesArriving(WithoutAlias(node.expressions[i]).name))
        NoteFunction(node, i, {}, arriving);
    }
    return NumberedRows(node.inputs[0], is_grouped ? groups : std::vector<Expression>{}, arriving,
                        0);
  }

  const SchemaOfPlan& schema_of_;
  std::vector<CompletedOrder> completed_;
  bool needs_one_partition_ = false;
};

}  // namespace

std::string ToText(const CompletedOrder& order) {
  if (order.keys.empty()) return fmt::format("{} by {}", order.place, fmt::join(order.added, ", "));
  return fmt::format("{} by {}, then by {}", order.place, fmt::join(order.keys, ", "),
                     fmt::join(order.added, ", "));
}

OrderedPlan CompleteOrders(const std::shared_ptr<const LogicalPlan>& plan,
                           const SchemaOfPlan& schema_of) {
  OrderCompleter completer(schema_of);
  OrderedPlan ordered;
  ordered.plan = completer.Complete(plan);
  ordered.completed = std::move(completer.completed());
  ordered.needs_one_partition = completer.needs_one_partition();
  return ordered;
}

}  // namespace weir
