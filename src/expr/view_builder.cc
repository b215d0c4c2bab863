// SPDX-License-Identifier: Apache-2.0

#include "weir/expr/view_builder.h"

#include <set>

#include "weir/base/fingerprint.h"
#include "weir/expr/step.h"

namespace weir::expr {

namespace {

using StepPtr = std::shared_ptr<const Step>;

template <typename Items, typename Text>
std::string Joined(const Items& items, const Text& text) {
  std::string joined;
  for (const auto& item : items) joined += (joined.empty() ? "" : ", ") + text(item);
  return joined;
}

std::string Texts(const std::vector<Expr>& expressions) {
  return Joined(expressions, [](const Expr& e) { return e.ToString(); });
}

std::string Texts(const std::vector<SortExpr>& keys) {
  return Joined(keys, [](const SortExpr& key) {
    return fmt::format("{} {} NULLS {}", key.expression().ToString(),
                       key.ascending() ? "ASC" : "DESC", key.nulls_first() ? "FIRST" : "LAST");
  });
}

/// Lines of a query, each further in than what stands around it.
std::string QueryText(const StepPtr& last, const std::string& indent);

std::string Inner(const StepPtr& query, const std::string& indent) {
  const std::string deeper = indent + "    ";
  return "\n" + QueryText(query, deeper);
}

/// The expressions, and behind them the queries in them.
std::string TextsWithQueries(const Step& step, const std::string& indent) {
  std::string text = Texts(step.expressions);
  for (const UnplannedQuery* query : UnplannedQueries(step))
    text += "," + Inner(query->last, indent);
  return text;
}

std::string ArgumentsText(const Step& step, const std::string& indent) {
  const auto quoted = [](const std::string& text) { return "\"" + text + "\""; };
  switch (step.kind) {
    case StepKind::kFrom:
      return quoted(step.name) + (step.alias.empty() ? "" : ", " + quoted(step.alias));
    case StepKind::kFromQuery:
      return Inner(step.input, indent) + ", " + quoted(step.alias);
    case StepKind::kValues:
      return fmt::format("{{{}}}, {{{}}}", Joined(step.names, quoted), Texts(step.expressions));
    case StepKind::kJoin:
      return fmt::format("{}, {}, {}", Inner(step.other, indent), Texts(step.expressions),
                         ToString(step.join_type));
    case StepKind::kJoinUsing:
      return fmt::format("{}, {{{}}}, {}", Inner(step.other, indent), Joined(step.names, quoted),
                         ToString(step.join_type));
    case StepKind::kCrossJoin:
    case StepKind::kUnionAll:
    case StepKind::kUnion:
    case StepKind::kIntersect:
    case StepKind::kExcept:
      return Inner(step.other, indent);
    case StepKind::kAggregate:
      return fmt::format("{{{}}}, {{{}}}", Texts(step.keys), Texts(step.expressions));
    case StepKind::kDistinctOn:
      return fmt::format("{{{}}}, {{{}}}, {{{}}}", Texts(step.keys), Texts(step.expressions),
                         Texts(step.order));
    case StepKind::kUnnest:
      return quoted(step.name) + (step.keep_nulls ? ", keep_nulls" : "");
    case StepKind::kOrderBy:
      return Texts(step.order);
    case StepKind::kLimit:
      return step.skip > 0 ? fmt::format("{}, skip {}", step.fetch, step.skip)
                           : std::to_string(step.fetch);
    case StepKind::kAlias:
      return quoted(step.alias);
    default:
      return TextsWithQueries(step, indent);
  }
}

std::string QueryText(const StepPtr& last, const std::string& indent) {
  const bool begins = last->input == nullptr || last->kind == StepKind::kFromQuery;
  const std::string before =
      begins ? indent : QueryText(last->input, indent) + "\n" + indent + "  .";
  return fmt::format("{}{}({})", before, ToString(last->kind), ArgumentsText(*last, indent));
}

void CollectTables(const StepPtr& step, std::set<std::string>& tables) {
  if (step == nullptr) return;
  if (step->kind == StepKind::kFrom) tables.insert(WithoutDefaultSchema(step->name));
  for (const UnplannedQuery* query : UnplannedQueries(*step)) CollectTables(query->last, tables);
  CollectTables(step->input, tables);
  CollectTables(step->other, tables);
}

void AddExpression(const Expr& e, FingerprintBuilder& builder) {
  const auto bytes = e.status().ok() ? EncodeExpression(e.tree()) : Result<std::string>(e.status());
  builder.Add("expression", bytes.ok() ? *bytes : bytes.status().ToString());
  for (const UnplannedQuery* query : UnplannedQueries(e)) builder.Add("subquery", query->text);
}

void AddIdentity(const StepPtr& step, FingerprintBuilder& builder) {
  if (step == nullptr) {
    builder.Add("none", 0);
    return;
  }
  builder.Add("step", ToString(step->kind));
  builder.Add("name", step->name).Add("alias", step->alias);
  for (const std::string& name : step->names) builder.Add("column", name);
  for (const Expr& key : step->keys) {
    builder.Add("key", 0);
    AddExpression(key, builder);
  }
  for (const Expr& e : step->expressions) AddExpression(e, builder);
  for (const SortExpr& key : step->order) {
    builder.Add("order", (key.ascending() ? 2 : 0) + (key.nulls_first() ? 1 : 0));
    AddExpression(key.expression(), builder);
  }
  builder.Add("join", ToString(step->join_type)).Add("keep_nulls", step->keep_nulls ? 1 : 0);
  builder.Add("fetch", step->fetch).Add("skip", step->skip);
  AddIdentity(step->input, builder);
  AddIdentity(step->other, builder);
}

std::string IdentityOf(const StepPtr& last) {
  FingerprintBuilder builder;
  AddIdentity(last, builder);
  return builder.Finish().ToString();
}

void CollectUnplanned(const Expression& e, std::vector<const UnplannedQuery*>& queries) {
  VisitExpression(e, [&](const Expression& part) {
    if (const UnplannedQuery* query = FindUnplanned(part)) queries.push_back(query);
  });
}

}  // namespace

constexpr char kUnplanned[] = "unplanned query";

Expression MakeSubquery(std::shared_ptr<const Step> last) {
  auto query = std::make_shared<UnplannedQuery>();
  query->kind = PlanKind::kEmptyRelation;
  query->name = kUnplanned;
  query->text = IdentityOf(last);
  query->last = std::move(last);
  Expression e;
  e.kind = ExpressionKind::kScalarSubquery;
  e.subquery = std::move(query);
  return e;
}

const UnplannedQuery* FindUnplanned(const Expression& e) {
  const bool is_one = e.kind == ExpressionKind::kScalarSubquery && e.subquery != nullptr &&
                      e.subquery->kind == PlanKind::kEmptyRelation &&
                      e.subquery->name == kUnplanned;
  return is_one ? static_cast<const UnplannedQuery*>(e.subquery.get()) : nullptr;
}

std::vector<const UnplannedQuery*> UnplannedQueries(const Expr& e) {
  std::vector<const UnplannedQuery*> queries;
  if (e.status().ok()) CollectUnplanned(e.tree(), queries);
  return queries;
}

std::vector<const UnplannedQuery*> UnplannedQueries(const Step& step) {
  std::vector<const UnplannedQuery*> queries;
  const auto collect = [&](const Expr& e) {
    if (e.status().ok()) CollectUnplanned(e.tree(), queries);
  };
  for (const Expr& e : step.keys) collect(e);
  for (const Expr& e : step.expressions) collect(e);
  for (const SortExpr& key : step.order) collect(key.expression());
  return queries;
}

Expr subquery(const ViewBuilder& query) { return Expr(MakeSubquery(query.last_)); }

std::string_view ToString(StepKind kind) {
  static constexpr std::string_view kNames[] = {
      "From",   "From",     "Values",    "Join",      "JoinUsing", "CrossJoin",  "Filter",
      "Select", "Window",   "Aggregate", "Unnest",    "Distinct",  "DistinctOn", "OrderBy",
      "Limit",  "UnionAll", "Union",     "Intersect", "Except",    "Alias"};
  return kNames[static_cast<size_t>(kind)];
}

std::string_view ToString(JoinType type) {
  static constexpr std::string_view kNames[] = {"Inner",    "Left",     "Right",     "Full",
                                                "LeftSemi", "LeftAnti", "RightSemi", "RightAnti"};
  return kNames[static_cast<size_t>(type)];
}

SourceLocation PlaceOf(const Step& step) {
  return {.file = step.place.file, .line = step.place.line, .column = 0};
}

std::string ToText(const Step& step) {
  return fmt::format("{}({})", ToString(step.kind), ArgumentsText(step, ""));
}

ViewBuilder ViewBuilder::Then(Step step) const {
  step.input = last_;
  step.number = last_->number + 1;
  return ViewBuilder(std::make_shared<const Step>(std::move(step)));
}

ViewBuilder ViewBuilder::From(std::string table, std::string alias, Place place) {
  return ViewBuilder(std::make_shared<const Step>(Step{.kind = StepKind::kFrom,
                                                       .place = place,
                                                       .name = std::move(table),
                                                       .alias = std::move(alias)}));
}
ViewBuilder ViewBuilder::From(const ViewBuilder& query, std::string alias, Place place) {
  return query.Then({.kind = StepKind::kFromQuery, .place = place, .alias = std::move(alias)});
}
ViewBuilder ViewBuilder::Values(std::vector<std::string> names,
                                const std::vector<std::vector<Expr>>& rows, Place place) {
  Step step{.kind = StepKind::kValues, .place = place, .names = std::move(names)};
  for (const std::vector<Expr>& row : rows) {
    // A row of another length is seen when the step is built: the cells do not fill the rows.
    step.expressions.insert(step.expressions.end(), row.begin(), row.end());
    if (row.size() != step.names.size()) {
      step.expressions.push_back(
          Expr(Status::User(StatusCode::kInvalidArgument, "a row has {} values for {} columns",
                            row.size(), step.names.size())));
    }
  }
  return ViewBuilder(std::make_shared<const Step>(std::move(step)));
}

ViewBuilder ViewBuilder::Join(const ViewBuilder& other, Expr on, JoinType type, Place place) const {
  return Then({.kind = StepKind::kJoin,
               .place = place,
               .other = other.last_,
               .expressions = {std::move(on)},
               .join_type = type});
}
ViewBuilder ViewBuilder::JoinUsing(const ViewBuilder& other, std::vector<std::string> columns,
                                   JoinType type, Place place) const {
  return Then({.kind = StepKind::kJoinUsing,
               .place = place,
               .other = other.last_,
               .names = std::move(columns),
               .join_type = type});
}
ViewBuilder ViewBuilder::CrossJoin(const ViewBuilder& other, Place place) const {
  return Then({.kind = StepKind::kCrossJoin, .place = place, .other = other.last_});
}
ViewBuilder ViewBuilder::Filter(Expr predicate, Place place) const {
  return Then({.kind = StepKind::kFilter, .place = place, .expressions = {std::move(predicate)}});
}
ViewBuilder ViewBuilder::Select(std::vector<Expr> columns, Place place) const {
  return Then({.kind = StepKind::kSelect, .place = place, .expressions = std::move(columns)});
}
ViewBuilder ViewBuilder::Window(std::vector<Expr> columns, Place place) const {
  return Then({.kind = StepKind::kWindow, .place = place, .expressions = std::move(columns)});
}
ViewBuilder ViewBuilder::Aggregate(std::vector<Expr> keys, std::vector<Expr> results,
                                   Place place) const {
  return Then({.kind = StepKind::kAggregate,
               .place = place,
               .keys = std::move(keys),
               .expressions = std::move(results)});
}
ViewBuilder ViewBuilder::Unnest(std::string column, bool keep_nulls, Place place) const {
  return Then({.kind = StepKind::kUnnest,
               .place = place,
               .name = std::move(column),
               .keep_nulls = keep_nulls});
}
ViewBuilder ViewBuilder::Distinct(Place place) const {
  return Then({.kind = StepKind::kDistinct, .place = place});
}
ViewBuilder ViewBuilder::DistinctOn(std::vector<Expr> keys, std::vector<Expr> columns,
                                    std::vector<SortExpr> order, Place place) const {
  return Then({.kind = StepKind::kDistinctOn,
               .place = place,
               .keys = std::move(keys),
               .expressions = std::move(columns),
               .order = std::move(order)});
}
ViewBuilder ViewBuilder::OrderBy(std::vector<SortExpr> keys, Place place) const {
  return Then({.kind = StepKind::kOrderBy, .place = place, .order = std::move(keys)});
}
ViewBuilder ViewBuilder::Limit(int64_t count, int64_t skip, Place place) const {
  return Then({.kind = StepKind::kLimit, .place = place, .fetch = count, .skip = skip});
}
ViewBuilder ViewBuilder::UnionAll(const ViewBuilder& other, Place place) const {
  return Then({.kind = StepKind::kUnionAll, .place = place, .other = other.last_});
}
ViewBuilder ViewBuilder::Union(const ViewBuilder& other, Place place) const {
  return Then({.kind = StepKind::kUnion, .place = place, .other = other.last_});
}
ViewBuilder ViewBuilder::Intersect(const ViewBuilder& other, Place place) const {
  return Then({.kind = StepKind::kIntersect, .place = place, .other = other.last_});
}
ViewBuilder ViewBuilder::Except(const ViewBuilder& other, Place place) const {
  return Then({.kind = StepKind::kExcept, .place = place, .other = other.last_});
}
ViewBuilder ViewBuilder::Alias(std::string alias, Place place) const {
  return Then({.kind = StepKind::kAlias, .place = place, .alias = std::move(alias)});
}

std::vector<std::string> ViewBuilder::tables() const {
  std::set<std::string> tables;
  CollectTables(last_, tables);
  return {tables.begin(), tables.end()};
}

std::string ViewBuilder::ToString() const { return QueryText(last_, ""); }

std::string ViewBuilder::Identity() const { return IdentityOf(last_); }

SourceLocation ViewBuilder::location() const { return PlaceOf(*last_); }

}  // namespace weir::expr
