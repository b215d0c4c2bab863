// SPDX-License-Identifier: Apache-2.0

#include "weir/plan/join_order.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "weir/plan/mapped_parts.h"
#include "weir/plan/unique_key.h"

namespace weir {

namespace {

using PlanPtr = std::shared_ptr<const LogicalPlan>;
using Mask = uint32_t;  ///< of inputs

/// Of more inputs there are too many orders to look at all.
constexpr size_t kMostInputs = 12;
/// An order must be that much cheaper than what is written: estimates are rough.
constexpr double kClearlyBetter = 0.75;
// What a row costs that goes into the table of a join, that is looked up in it, and that comes out.
constexpr double kBuild = 2, kProbe = 0.5, kOut = 1;
/// A table of so many rows does not lie in the caches, so that each row costs that much more.
constexpr double kNearRows = 1 << 16, kFarRows = 1 << 22, kFarBuild = 4, kFarProbe = 1;

/// The share of rows that a condition on several inputs is taken to keep.
constexpr double kConditionShare = 1.0 / 3;

/// Whether a condition can be evaluated over other rows than it was written for: it cannot fail.
bool CannotFail(const Expression& e) {
  switch (e.kind) {
    case ExpressionKind::kColumn:
    case ExpressionKind::kLiteral:
      return true;
    case ExpressionKind::kBinary: {
      static const std::set<std::string> kHarmless = {"=", "!=", "<", "<=", ">", ">=", "AND", "OR"};
      if (!kHarmless.contains(e.name)) return false;
      break;
    }
    case ExpressionKind::kNot:
    case ExpressionKind::kIsNull:
    case ExpressionKind::kIsNotNull:
    case ExpressionKind::kInList:
    case ExpressionKind::kBetween:
      break;
    default:
      return false;
  }
  return std::ranges::all_of(e.inputs, CannotFail);
}

size_t KeyExpressions(const LogicalPlan& join) {
  return join.expressions.size() - (join.has_filter ? 1 : 0);
}

/// Whether a join can change its place among others.
bool IsMovable(const LogicalPlan& node) {
  if (node.kind != PlanKind::kJoin || node.text != "Inner" || node.null_equals_null ||
      node.null_aware) {
    return false;
  }
  const size_t keys = KeyExpressions(node);
  if (keys == 0) return false;
  for (size_t i = 0; i < keys; ++i)
    if (node.expressions[i].kind != ExpressionKind::kColumn) return false;
  return !node.has_filter || CannotFail(node.expressions.back());
}

/// Whether a projection only leaves out columns.
bool OnlyLeavesOut(const LogicalPlan& node) {
  if (node.kind != PlanKind::kProjection) return false;
  for (size_t i = 0; i < node.expressions.size(); ++i) {
    const Expression& e = node.expressions[i];
    if (e.kind != ExpressionKind::kColumn) return false;
    if (i >= node.outputs.size() || e.name != node.outputs[i].name ||
        e.relation != node.outputs[i].relation) {
      return false;
    }
  }
  return true;
}

/// The node below projections that only leave out columns, if it is a join that can be moved.
const LogicalPlan* MovableJoin(const LogicalPlan& node) {
  const LogicalPlan* below = &node;
  while (OnlyLeavesOut(*below)) below = below->inputs[0].get();
  return IsMovable(*below) ? below : nullptr;
}

/// A column of an input.
struct Place {
  size_t input = 0;
  size_t column = 0;

  auto operator<=>(const Place&) const = default;
};

/// Columns that are equal in every row of the result, one an input at most.
using EqualColumns = std::map<size_t, size_t>;  ///< column by input

/// Inner joins that hang together, as a set of inputs, of equal columns and of further conditions.
class JoinRegion {
 public:
  explicit JoinRegion(RowEstimator& estimator) : estimator_(estimator) {}

  /// Takes a tree of joins apart. `order` orders what the inputs hold. False if the region has no
  /// order that could be told to be better. REQUIRES: `top` and what `order` gives live as long
  template <typename Order>
  bool Read(const PlanPtr& top, const Order& order) {
    return TakeApart(top, order) && inputs_.size() > 2 && Resolve() && FindEqualColumns();
  }

  /// The best order, with the columns of `top`; null if what is written is about as good.
  PlanPtr Ordered(const LogicalPlan& top);

 private:
  struct Condition {
    Expression expression;
    Mask inputs = 0;
    double share = 1;  ///< of the rows for which it holds
  };
  struct Choice {
    double cost = std::numeric_limits<double>::infinity();
    double rows = 0;
    Mask left = 0;  ///< 0: an input
  };

  template <typename Order>
  std::optional<Mask> TakeApart(const PlanPtr& node, const Order& order);
  std::optional<Place> PlaceOf(const Expression& column) const;
  bool Resolve();
  bool FindEqualColumns();
  void FindPairs();
  double RowsOf(Mask inputs) const;
  bool AreConnected(Mask left, Mask right) const;
  static double CostOf(double left, double right, double out) {
    const double table = std::min(left, right), looked_up = std::max(left, right);
    const double far = std::min(
        1.0, std::log2(std::max(1.0, table / kNearRows)) / std::log2(kFarRows / kNearRows));
    return (kBuild + kFarBuild * far) * table + (kProbe + kFarProbe * far) * looked_up + kOut * out;
  }
  PlanPtr Build(Mask inputs, const std::set<Place>& wanted) const;
  PlanPtr Join(Mask left, Mask right, const std::set<Place>& wanted) const;
  const ColumnEstimate& EstimateOf(size_t input, size_t column) const {
    return estimates_[input]->columns[column];
  }
  Expression Column(Place place) const {
    const OutputColumn& output = inputs_[place.input]->outputs[place.column];
    return {.kind = ExpressionKind::kColumn, .name = output.name, .relation = output.relation};
  }

  RowEstimator& estimator_;
  std::vector<PlanPtr> inputs_;
  std::vector<const RowEstimate*> estimates_;
  std::vector<std::pair<Mask, Mask>> written_;  ///< joins, inner ones first
  std::vector<std::pair<const Expression*, const Expression*>> key_pairs_;
  std::vector<const Expression*> filters_;
  std::map<std::pair<std::optional<std::string>, std::string>, Place> places_;
  std::vector<EqualColumns> equal_;
  std::vector<Condition> conditions_;
  /// Of two inputs that share several keys, by how much more pairs match than if these were
  /// independent.
  std::vector<std::pair<Mask, double>> dependent_;
  std::vector<Choice> best_;
};

template <typename Order>
std::optional<Mask> JoinRegion::TakeApart(const PlanPtr& node, const Order& order) {
  const LogicalPlan* join = MovableJoin(*node);
  if (join == nullptr) {
    if (inputs_.size() == kMostInputs) return {};
    inputs_.push_back(order(node));
    return Mask{1} << (inputs_.size() - 1);
  }
  const auto left = TakeApart(join->inputs[0], order), right = TakeApart(join->inputs[1], order);
  if (!left || !right) return {};
  written_.emplace_back(*left, *right);
  for (size_t i = 0; i < KeyExpressions(*join); i += 2)
    key_pairs_.emplace_back(&join->expressions[i], &join->expressions[i + 1]);
  if (join->has_filter) {
    const auto conjuncts = Conjuncts(join->expressions.back());
    filters_.insert(filters_.end(), conjuncts.begin(), conjuncts.end());
  }
  return *left | *right;
}

std::optional<Place> JoinRegion::PlaceOf(const Expression& column) const {
  const auto found = places_.find({column.relation, column.name});
  if (found == places_.end()) return {};
  return found->second;
}

/// Finds each name. False where two inputs have the same, or where nothing is known of one.
bool JoinRegion::Resolve() {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const LogicalPlan& input = *inputs_[i];
    estimates_.push_back(estimator_.Of(input));
    if (estimates_.back() == nullptr || estimates_.back()->columns.size() != input.outputs.size())
      return false;
    for (size_t column = 0; column < input.outputs.size(); ++column) {
      const OutputColumn& output = input.outputs[column];
      if (!places_.try_emplace({output.relation, output.name}, Place{i, column}).second)
        return false;
    }
  }
  // The engine takes a name without a table for any column of that name.
  std::set<std::string> bare, all;
  for (const auto& [name, place] : places_) {
    if (!name.first) bare.insert(name.second);
    if (!all.insert(name.second).second && bare.contains(name.second)) return false;
  }
  for (const Expression* filter : filters_) {
    Condition condition{.expression = *filter, .inputs = 0, .share = kConditionShare};
    bool known = true;
    VisitExpression(*filter, [&](const Expression& part) {
      if (part.kind != ExpressionKind::kColumn) return;
      const auto place = PlaceOf(part);
      known &= place.has_value();
      if (place) condition.inputs |= Mask{1} << place->input;
    });
    if (!known || condition.inputs == 0) return false;
    conditions_.push_back(std::move(condition));
  }
  return true;
}

/// False where an input has two columns that are to be equal: the join of it is no longer all that
/// sees to it.
bool JoinRegion::FindEqualColumns() {
  std::vector<std::set<Place>> sets;
  for (const auto& [left, right] : key_pairs_) {
    const auto a = PlaceOf(*left), b = PlaceOf(*right);
    if (!a || !b) return false;
    std::set<Place> joined = {*a, *b};
    std::erase_if(sets, [&](const std::set<Place>& other) {
      if (!other.contains(*a) && !other.contains(*b)) return false;
      joined.insert(other.begin(), other.end());
      return true;
    });
    sets.push_back(std::move(joined));
  }
  for (const std::set<Place>& set : sets) {
    EqualColumns equal;
    for (const Place& place : set)
      if (!equal.emplace(place.input, place.column).second) return false;
    equal_.push_back(std::move(equal));
  }
  FindPairs();
  return true;
}

void JoinRegion::FindPairs() {
  for (size_t a = 0; a < inputs_.size(); ++a) {
    for (size_t b = a + 1; b < inputs_.size(); ++b) {
      std::vector<const ColumnEstimate*> left, right;
      double independent = 1;
      for (const EqualColumns& equal : equal_) {
        const auto of_a = equal.find(a), of_b = equal.find(b);
        if (of_a == equal.end() || of_b == equal.end()) continue;
        left.push_back(&EstimateOf(a, of_a->second));
        right.push_back(&EstimateOf(b, of_b->second));
        independent *= ShareOfEqualPairs({left.back()}, {right.back()});
      }
      if (left.size() < 2) continue;
      dependent_.emplace_back(Mask{1} << a | Mask{1} << b,
                              ShareOfEqualPairs(left, right) / independent);
    }
  }
}

double JoinRegion::RowsOf(Mask inputs) const {
  double rows = 1;
  for (size_t i = 0; i < inputs_.size(); ++i)
    if (inputs >> i & 1) rows *= estimates_[i]->rows;
  for (const EqualColumns& equal : equal_) {
    // Whichever has the fewest values finds each of them in all others.
    double fewest = std::numeric_limits<double>::infinity();
    size_t count = 0;
    for (const auto& [input, column] : equal) {
      if ((inputs >> input & 1) == 0) continue;
      const double distinct = std::max(1.0, EstimateOf(input, column).distinct);
      rows /= distinct;
      fewest = std::min(fewest, distinct);
      ++count;
    }
    if (count > 0) rows *= fewest;
  }
  for (const auto& [pair, factor] : dependent_)
    if ((pair & inputs) == pair) rows *= factor;
  for (const Condition& condition : conditions_)
    if ((condition.inputs & inputs) == condition.inputs) rows *= condition.share;
  return std::max(rows, 1.0);
}

bool JoinRegion::AreConnected(Mask left, Mask right) const {
  return std::ranges::any_of(equal_, [&](const EqualColumns& equal) {
    Mask members = 0;
    for (const auto& [input, column] : equal) members |= Mask{1} << input;
    return (members & left) != 0 && (members & right) != 0;
  });
}

PlanPtr JoinRegion::Ordered(const LogicalPlan& top) {
  const Mask all = (Mask{1} << inputs_.size()) - 1;
  best_.assign(size_t{all} + 1, {});
  for (Mask inputs = 1; inputs <= all; ++inputs) {
    Choice& choice = best_[inputs];
    choice.rows = RowsOf(inputs);
    if (std::has_single_bit(inputs)) {
      choice.cost = 0;
      continue;
    }
    // Each pair of parts once: the left one has the first input.
    const Mask first = inputs & -inputs, others = inputs ^ first;
    for (Mask rest = others; rest != 0; rest = (rest - 1) & others) {
      const Mask left = inputs ^ rest;
      if (best_[left].cost + best_[rest].cost >= choice.cost || !AreConnected(left, rest)) continue;
      const double cost = best_[left].cost + best_[rest].cost +
                          CostOf(best_[left].rows, best_[rest].rows, choice.rows);
      if (cost < choice.cost) {
        choice.cost = cost;
        choice.left = left;
      }
    }
  }
  double written = 0;
  for (const auto& [left, right] : written_)
    written += CostOf(best_[left].rows, best_[right].rows, best_[left | right].rows);
  if (!(best_[all].cost < kClearlyBetter * written)) return nullptr;

  std::set<Place> wanted;
  std::vector<Place> columns;
  for (const OutputColumn& output : top.outputs) {
    const auto place = places_.find({output.relation, output.name});
    if (place == places_.end()) return nullptr;
    columns.push_back(place->second);
    wanted.insert(place->second);
  }
  const auto projection = std::make_shared<LogicalPlan>();
  projection->kind = PlanKind::kProjection;
  projection->inputs.push_back(Build(all, wanted));
  projection->outputs = top.outputs;
  for (const Place& place : columns) projection->expressions.push_back(Column(place));
  return projection;
}

PlanPtr JoinRegion::Build(Mask inputs, const std::set<Place>& wanted) const {
  if (std::has_single_bit(inputs)) return inputs_[std::countr_zero(inputs)];
  Mask left = best_[inputs].left, right = inputs ^ left;
  // The engine makes its table of the left one.
  if (best_[right].rows < best_[left].rows) std::swap(left, right);
  const PlanPtr join = Join(left, right, wanted);
  std::vector<Expression> kept;
  std::vector<OutputColumn> outputs;
  for (const OutputColumn& output : join->outputs) {
    const Place place = places_.at({output.relation, output.name});
    if (!wanted.contains(place)) continue;
    kept.push_back(Column(place));
    outputs.push_back(output);
  }
  if (outputs.size() == join->outputs.size()) return join;
  const auto projection = std::make_shared<LogicalPlan>();
  projection->kind = PlanKind::kProjection;
  projection->inputs.push_back(join);
  projection->expressions = std::move(kept);
  projection->outputs = std::move(outputs);
  return projection;
}

PlanPtr JoinRegion::Join(Mask left, Mask right, const std::set<Place>& wanted) const {
  std::set<Place> of_left, of_right;
  const auto want = [&](Place place) {
    (left >> place.input & 1 ? of_left : of_right).insert(place);
  };
  for (const Place& place : wanted) want(place);
  const auto join = std::make_shared<LogicalPlan>();
  join->kind = PlanKind::kJoin;
  join->text = "Inner";
  for (const EqualColumns& equal : equal_) {
    // Of equal columns that of the largest table: several of one table tell more than those of
    // many.
    std::optional<Place> a, b;
    for (const auto& [input, column] : equal) {
      std::optional<Place>& of_side = left >> input & 1 ? a : b;
      if (((left | right) >> input & 1) == 0) continue;
      if (!of_side ||
          EstimateOf(input, column).rows > EstimateOf(of_side->input, of_side->column).rows)
        of_side = Place{input, column};
    }
    if (!a || !b) continue;
    join->expressions.push_back(Column(*a));
    join->expressions.push_back(Column(*b));
    want(*a);
    want(*b);
  }
  std::optional<Expression> filter;
  for (const Condition& condition : conditions_) {
    // Where all of its columns are there for the first time.
    if ((condition.inputs & (left | right)) != condition.inputs) continue;
    const bool was_applied =
        !std::has_single_bit(left) && (condition.inputs & left) == condition.inputs;
    const bool was_applied_right =
        !std::has_single_bit(right) && (condition.inputs & right) == condition.inputs;
    if (was_applied || was_applied_right) continue;
    VisitExpression(condition.expression, [&](const Expression& part) {
      if (part.kind == ExpressionKind::kColumn) want(*PlaceOf(part));
    });
    if (!filter) {
      filter = condition.expression;
      continue;
    }
    Expression both{.kind = ExpressionKind::kBinary, .name = "AND"};
    both.inputs = {*std::move(filter), condition.expression};
    filter = std::move(both);
  }
  if (filter) {
    join->has_filter = true;
    join->expressions.push_back(*std::move(filter));
  }
  join->inputs = {Build(left, of_left), Build(right, of_right)};
  for (const PlanPtr& input : join->inputs)
    join->outputs.insert(join->outputs.end(), input->outputs.begin(), input->outputs.end());
  return join;
}

class JoinOrderer {
 public:
  explicit JoinOrderer(const TableEstimates& tables) : estimator_(tables) {}

  PlanPtr Order(const PlanPtr& plan) {
    const auto known = ordered_.find(plan);
    if (known != ordered_.end()) return known->second;
    PlanPtr ordered = OrderRegion(plan);
    if (ordered == nullptr) {
      ordered = internal::WithMappedParts(plan, [&](const PlanPtr& part) { return Order(part); });
    }
    ordered_.emplace(plan, ordered);
    return ordered;
  }

 private:
  /// Null if the node is not the top of joins, or their order stays.
  PlanPtr OrderRegion(const PlanPtr& plan) {
    if (MovableJoin(*plan) == nullptr) return nullptr;
    JoinRegion region(estimator_);
    const auto order = [&](const PlanPtr& input) { return Order(input); };
    return region.Read(plan, order) ? region.Ordered(*plan) : nullptr;
  }

  RowEstimator estimator_;
  std::map<PlanPtr, PlanPtr> ordered_;  ///< also keeps what the estimator has seen alive
};

/// The type of a join whose inputs change places; nothing if they cannot.
std::optional<std::string> TurnedType(const LogicalPlan& join) {
  static const std::map<std::string, std::string> kTurned = {
      {"Inner", "Inner"},        {"Cross", "Cross"},        {"Full", "Full"},
      {"Left", "Right"},         {"Right", "Left"},         {"LeftSemi", "RightSemi"},
      {"RightSemi", "LeftSemi"}, {"LeftAnti", "RightAnti"}, {"RightAnti", "LeftAnti"},
  };
  const auto turned = kTurned.find(join.text);
  if (turned == kTurned.end() || join.null_aware) return {};
  return turned->second;
}

/// Makes the smaller input of each join its left one, of which the engine makes a table.
class SideChooser {
 public:
  explicit SideChooser(const TableEstimates& tables) : estimator_(tables) {}

  PlanPtr Choose(const PlanPtr& plan) {
    const PlanPtr chosen =
        internal::WithMappedParts(plan, [&](const PlanPtr& part) { return Choose(part); });
    seen_.push_back(chosen);
    return chosen->kind == PlanKind::kJoin ? ChooseOf(chosen) : chosen;
  }

  /// Whether there are joins, and the sizes of all their inputs are known.
  bool knows_all() const { return has_joins_ && knows_all_; }

 private:
  std::optional<double> BytesOf(const LogicalPlan& node) {
    constexpr double kBytesOfColumn = 8, kBytesOfRow = 8;
    const RowEstimate* estimate = estimator_.Of(node);
    if (estimate == nullptr) return {};
    return estimate->rows * (kBytesOfRow + kBytesOfColumn * double(node.outputs.size()));
  }

  PlanPtr ChooseOf(const PlanPtr& join) {
    const auto left = BytesOf(*join->inputs[0]), right = BytesOf(*join->inputs[1]);
    has_joins_ = true;
    knows_all_ = knows_all_ && left && right;
    const auto turned_type = TurnedType(*join);
    if (!left || !right || *left <= *right || !turned_type) return join;
    const auto turned = std::make_shared<LogicalPlan>(*join);
    turned->text = *turned_type;
    std::swap(turned->inputs[0], turned->inputs[1]);
    for (size_t i = 0; i + 1 < KeyExpressions(*turned); i += 2)
      std::swap(turned->expressions[i], turned->expressions[i + 1]);
    seen_.push_back(turned);
    const size_t left_columns = join->inputs[0]->outputs.size();
    if (join->outputs.size() != left_columns + join->inputs[1]->outputs.size()) return turned;
    std::rotate(turned->outputs.begin(), turned->outputs.begin() + int64_t(left_columns),
                turned->outputs.end());
    // The columns of both sides, in the order in which they were.
    const auto projection = std::make_shared<LogicalPlan>();
    projection->kind = PlanKind::kProjection;
    projection->inputs = {turned};
    projection->outputs = join->outputs;
    for (const OutputColumn& output : join->outputs) {
      projection->expressions.push_back(
          {.kind = ExpressionKind::kColumn, .name = output.name, .relation = output.relation});
    }
    seen_.push_back(projection);
    return projection;
  }

  RowEstimator estimator_;
  std::vector<PlanPtr> seen_;  ///< what the estimator knows by address
  bool has_joins_ = false, knows_all_ = true;
};

/// The inputs of the joins below a node.
size_t InputsOfRegion(const LogicalPlan& node) {
  const LogicalPlan* join = MovableJoin(node);
  return join == nullptr ? 1 : InputsOfRegion(*join->inputs[0]) + InputsOfRegion(*join->inputs[1]);
}

}  // namespace

std::map<int, std::set<std::string>> ColumnsForJoinOrder(const LogicalPlan& plan) {
  bool has_region = false;
  std::set<std::string> names;
  const auto note = [&](const Expression& part) {
    if (part.kind == ExpressionKind::kColumn) names.insert(part.name);
  };
  VisitPlan(plan, [&](const LogicalPlan& node) {
    has_region |= node.kind == PlanKind::kJoin && InputsOfRegion(node) > 2;
    if (node.kind != PlanKind::kJoin && node.kind != PlanKind::kFilter &&
        node.kind != PlanKind::kScan) {
      return;
    }
    for (const Expression& expression : node.expressions) VisitExpression(expression, note);
  });
  std::map<int, std::set<std::string>> columns;
  if (!has_region) return columns;
  for (const Scan* scan : CollectScans(plan)) {
    std::set<std::string>& of_scan = columns[scan->scan_id];
    for (const std::string& column : scan->columns)
      if (names.contains(column)) of_scan.insert(column);
  }
  return columns;
}

OrderedJoins OrderJoins(const PlanPtr& plan, const TableEstimates& tables) {
  const PlanPtr ordered = JoinOrderer(tables).Order(plan);
  SideChooser sides(tables);
  PlanPtr chosen = sides.Choose(ordered);
  if (!sides.knows_all()) return {.plan = ordered};
  return {.plan = std::move(chosen), .has_sides = true};
}

}  // namespace weir
