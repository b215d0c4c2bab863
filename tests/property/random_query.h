// SPDX-License-Identifier: Apache-2.0
//
// Random queries over three small tables, each with what its author knows of every output column:
// which source columns its values can come from, and which can touch it at all. The knowledge comes
// from how a query was put together, not from a plan. For tests only.

#pragma once

#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace weir::testing_queries {

/// Leaves of source columns: "t0.a", "t0.st.y.z".
using Leaves = std::set<std::string>;

inline void AddTo(Leaves& all, const Leaves& more) { all.insert(more.begin(), more.end()); }

enum class Kind { kWhole, kText, kStruct, kList };

/// Of values: where they can come from, and what else can decide about them.
struct Known {
  Leaves values;
  Leaves others;

  void Add(const Known& more) {
    AddTo(values, more.values);
    AddTo(others, more.others);
  }
  void AddOthers(const Known& more) {
    AddTo(others, more.values);
    AddTo(others, more.others);
  }
};

struct Field {
  std::string name;
  Kind kind = Kind::kWhole;
  Known known;
  std::map<std::string, Known> fields;  ///< of a struct: whole numbers all
};

/// A SELECT with what is known of its columns and of its rows.
struct Query {
  std::string sql;
  std::vector<Field> columns;
  Leaves rows;
};

/// An expression with what is known of its values.
struct Term {
  std::string sql;
  Known known;
};

class QueryMaker {
 public:
  explicit QueryMaker(uint64_t seed) : random_(seed) {}

  Query Make() { return Make(1 + static_cast<int>(random_() % 3)); }

 private:
  size_t Below(size_t n) { return random_() % n; }
  bool OneIn(size_t n) { return Below(n) == 0; }
  std::string Fresh(const char* prefix) { return fmt::format("{}{}", prefix, next_++); }

  Query Base() {
    const std::string table = fmt::format("t{}", Below(3));
    Query query;
    for (const char* name : {"a", "b", "c"})
      query.columns.push_back({name, Kind::kWhole, {{table + "." + name}, {}}, {}});
    query.columns.push_back({"s", Kind::kText, {{table + ".s"}, {}}, {}});
    query.columns.push_back({"st",
                             Kind::kStruct,
                             {{table + ".st.x", table + ".st.w"}, {}},
                             {{"x", {{table + ".st.x"}, {}}}, {"w", {{table + ".st.w"}, {}}}}});
    query.columns.push_back({"l", Kind::kList, {{table + ".l"}, {}}, {}});
    query.sql = "SELECT a, b, c, s, st, l FROM " + table;
    return query;
  }

  Query Make(int depth) {
    if (depth == 0) return Base();
    Query input = Make(depth - 1);
    switch (Below(11)) {
      case 0:
      case 1:
        return Projected(input);
      case 2:
        return Filtered(input);
      case 3:
      case 4:
        return Joined(input, Make(depth - 1));
      case 5:
        return Aggregated(input);
      case 6:
        return Windowed(input);
      case 7:
        return Combined(input, Make(depth - 1));
      case 8:
        return Limited(input);
      case 9:
        return Unnested(input);
      default:
        return LookedUp(input, Make(0));
    }
  }

  const Field* Pick(const Query& input, Kind kind) {
    std::vector<const Field*> fits;
    for (const Field& column : input.columns) {
      if (column.kind == kind) fits.push_back(&column);
    }
    return fits.empty() ? nullptr : fits[Below(fits.size())];
  }

  Term Literal() { return {fmt::format("{}", Below(4)), {}}; }

  Term WholeColumn(const Query& input, const std::string& alias) {
    const Field* column = Pick(input, Kind::kWhole);
    if (column == nullptr) return Literal();
    return {alias + "." + column->name, column->known};
  }

  Term Whole(const Query& input, const std::string& alias, int depth) {
    if (depth == 0) return OneIn(6) ? Literal() : WholeColumn(input, alias);
    const auto part = [&] { return Whole(input, alias, depth - 1); };
    switch (Below(11)) {
      case 0:
        return Binary(part(), part(), OneIn(2) ? " + " : " - ");
      case 1:
        return Call("coalesce", part(), part());
      case 2:
        return Call("nullif", part(), part());
      case 3:
      case 4:
        return Branch(Condition(input, alias), part(), part());
      case 5:
        return FieldOrElement(input, alias);
      case 6:
        return BuiltAndTakenApart(part(), part());
      case 7:
        return Single(input, alias);
      case 8: {
        const Field* text = Pick(input, Kind::kText);
        if (text == nullptr) return Literal();
        return {fmt::format("CAST(length({}.{}) AS BIGINT)", alias, text->name), text->known};
      }
      default:
        return WholeColumn(input, alias);
    }
  }

  static Term Binary(const Term& a, const Term& b, const std::string& op) {
    Term term{"(" + a.sql + op + b.sql + ")", a.known};
    term.known.Add(b.known);
    return term;
  }

  static Term Call(const std::string& name, const Term& a, const Term& b) {
    Term term{name + "(" + a.sql + ", " + b.sql + ")", a.known};
    term.known.Add(b.known);
    // What is compared decides, too; the engine may write such calls as branches.
    term.known.AddOthers(a.known);
    term.known.AddOthers(b.known);
    return term;
  }

  static Term Branch(const Term& condition, const Term& a, const Term& b) {
    Term term{"CASE WHEN " + condition.sql + " THEN " + a.sql + " ELSE " + b.sql + " END", a.known};
    term.known.Add(b.known);
    term.known.AddOthers(condition.known);
    return term;
  }

  Term FieldOrElement(const Query& input, const std::string& alias) {
    if (const Field* list = Pick(input, Kind::kList); list != nullptr && OneIn(2))
      return {fmt::format("{}.{}[{}]", alias, list->name, 1 + Below(2)), list->known};
    const Field* pair = Pick(input, Kind::kStruct);
    if (pair == nullptr) return Literal();
    auto field = pair->fields.begin();
    if (OneIn(2)) ++field;
    Known known = field->second;
    AddTo(known.others, pair->known.others);
    return {fmt::format("{}.{}['{}']", alias, pair->name, field->first), known};
  }

  /// Only the part that is taken counts.
  Term BuiltAndTakenApart(const Term& a, const Term& b) {
    const bool first = OneIn(2);
    const Known& known = first ? a.known : b.known;
    if (OneIn(2)) {
      return {fmt::format("named_struct('p', {}, 'q', {})['{}']", a.sql, b.sql, first ? 'p' : 'q'),
              known};
    }
    return {fmt::format("make_array({}, {})[{}]", a.sql, b.sql, first ? 1 : 2), known};
  }

  /// A scalar subquery, correlated or not.
  Term Single(const Query& input, const std::string& alias) {
    const Query base = Base();
    const std::string inner = Fresh("u");
    const Term value = WholeColumn(base, inner);
    const bool correlated = OneIn(2);
    const Term key = WholeColumn(base, inner);
    const Term other = correlated ? WholeColumn(input, alias) : Literal();
    const char* aggregate = OneIn(2) ? "max" : "count";
    Term term{fmt::format("(SELECT {}({}) FROM ({}) AS {} WHERE {} = {})", aggregate, value.sql,
                          base.sql, inner, key.sql, other.sql),
              value.known};
    term.known.AddOthers(value.known);
    term.known.AddOthers(key.known);
    term.known.AddOthers(other.known);
    return term;
  }

  Term Condition(const Query& input, const std::string& alias) {
    const Term a = Whole(input, alias, 0), b = Whole(input, alias, 0);
    switch (Below(5)) {
      case 0:
        return {a.sql + " IS NOT NULL", a.known};
      case 1:
        return {a.sql + " IN (0, 2, 3)", a.known};
      case 2: {
        const Field* text = Pick(input, Kind::kText);
        if (text == nullptr) return Binary(a, b, " >= ");
        return {fmt::format("{}.{} > 'b'", alias, text->name), text->known};
      }
      case 3:
        return Binary(Binary(a, b, " < "), Binary(b, Literal(), " = "), " OR ");
      default:
        return Binary(a, b, OneIn(2) ? " = " : " <= ");
    }
  }

  Query Projected(const Query& input) {
    const std::string alias = Fresh("q");
    Query query{.sql = "SELECT ", .columns = {}, .rows = input.rows};
    const size_t count = 2 + Below(4);
    for (size_t i = 0; i < count; ++i) {
      const Field& old = input.columns[Below(input.columns.size())];
      Field column{Fresh("c"), Kind::kWhole, {}, {}};
      std::string sql;
      if (OneIn(3)) {
        column.kind = old.kind;
        column.known = old.known;
        column.fields = old.fields;
        sql = alias + "." + old.name;
      } else if (OneIn(5)) {
        const Term p = Whole(input, alias, 1), q = Whole(input, alias, 1);
        column.kind = Kind::kStruct;
        column.fields = {{"p", p.known}, {"q", q.known}};
        column.known = p.known;
        column.known.Add(q.known);
        sql = fmt::format("named_struct('p', {}, 'q', {})", p.sql, q.sql);
        // What touches one field does not touch the other: kept with the fields.
        column.known.others = {};
        for (auto& [name, known] : column.fields) AddTo(column.known.values, known.others);
      } else {
        const Term term = Whole(input, alias, 2);
        column.known = term.known;
        sql = term.sql;
      }
      query.sql += (i > 0 ? ", " : "") + sql + " AS " + column.name;
      query.columns.push_back(std::move(column));
    }
    query.sql += " FROM (" + input.sql + ") AS " + alias;
    return query;
  }

  Query Filtered(const Query& input) {
    const std::string alias = Fresh("q");
    Query query = input;
    Term condition = Condition(input, alias);
    if (OneIn(3)) {
      const Query base = Base();
      const std::string inner = Fresh("u");
      const Term key = WholeColumn(base, inner), outer = WholeColumn(input, alias);
      const Term more = Condition(base, inner);
      condition = Binary(
          condition,
          {fmt::format("{}EXISTS (SELECT 1 FROM ({}) AS {} WHERE {} = {} AND {})",
                       OneIn(2) ? "NOT " : "", base.sql, inner, key.sql, outer.sql, more.sql),
           {}},
          OneIn(2) ? " AND " : " OR ");
      for (const Term& term : {key, outer, more}) condition.known.AddOthers(term.known);
    }
    query.sql = "SELECT * FROM (" + input.sql + ") AS " + alias + " WHERE " + condition.sql;
    AddTo(query.rows, condition.known.values);
    AddTo(query.rows, condition.known.others);
    return query;
  }

  /// Columns of both sides under new names.
  static void AddColumns(const Query& side, const std::string& alias, const std::string& prefix,
                         Query& query, std::string& list) {
    for (const Field& column : side.columns) {
      list +=
          (list.empty() ? "" : ", ") + alias + "." + column.name + " AS " + prefix + column.name;
      query.columns.push_back(column);
      query.columns.back().name = prefix + column.name;
    }
  }

  Query Joined(const Query& left, const Query& right) {
    const std::string a = Fresh("q"), b = Fresh("q");
    const char* types[] = {"JOIN",      "LEFT JOIN",      "RIGHT JOIN",
                           "FULL JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN"};
    const size_t type = Below(6);
    const Term left_key = WholeColumn(left, a), right_key = WholeColumn(right, b);
    Term condition = Binary(left_key, right_key, " = ");
    if (OneIn(3))
      condition = Binary(condition, Binary(Whole(left, a, 0), Whole(right, b, 0), " < "), " AND ");
    Query query;
    std::string list;
    AddColumns(left, a, Fresh("l"), query, list);
    if (type < 4) AddColumns(right, b, Fresh("r"), query, list);
    query.sql = "SELECT " + list + " FROM (" + left.sql + ") AS " + a + " " + types[type] + " (" +
                right.sql + ") AS " + b + " ON " + condition.sql;
    query.rows = left.rows;
    AddTo(query.rows, right.rows);
    AddTo(query.rows, condition.known.values);
    AddTo(query.rows, condition.known.others);
    return query;
  }

  Query Aggregated(const Query& input) {
    const std::string alias = Fresh("q");
    Query query{.sql = {}, .columns = {}, .rows = input.rows};
    std::string list, groups;
    const size_t keys = Below(3);
    for (size_t i = 0; i < keys; ++i) {
      const Term key = WholeColumn(input, alias);
      const Field column{Fresh("g"), Kind::kWhole, key.known, {}};
      list += (list.empty() ? "" : ", ") + key.sql + " AS " + column.name;
      groups += (groups.empty() ? "" : ", ") + fmt::format("{}", i + 1);
      AddTo(query.rows, key.known.values);
      AddTo(query.rows, key.known.others);
      query.columns.push_back(column);
    }
    const char* calls[] = {"sum", "min", "max", "count", "count(DISTINCT"};
    for (size_t i = 0; i < 1 + Below(3); ++i) {
      const Term value = Whole(input, alias, 1);
      const size_t call = Below(5);
      Field column{Fresh("m"), Kind::kWhole, value.known, {}};
      // The engine counts distinct values by grouping by them first.
      if (call == 4) {
        AddTo(query.rows, value.known.values);
        AddTo(query.rows, value.known.others);
      }
      std::string sql = call < 4 ? fmt::format("{}({})", calls[call], value.sql)
                                 : fmt::format("count(DISTINCT {})", value.sql);
      if (OneIn(3)) {
        const Term condition = Condition(input, alias);
        sql += " FILTER (WHERE " + condition.sql + ")";
        column.known.AddOthers(condition.known);
      }
      list += (list.empty() ? "" : ", ") + sql + " AS " + column.name;
      query.columns.push_back(column);
    }
    query.sql = "SELECT " + list + " FROM (" + input.sql + ") AS " + alias;
    if (keys > 0) query.sql += " GROUP BY " + groups;
    return query;
  }

  Query Windowed(const Query& input) {
    const std::string alias = Fresh("q");
    Query query = input;
    const Term value = WholeColumn(input, alias), partition = WholeColumn(input, alias),
               order = WholeColumn(input, alias);
    const size_t call = Below(3);
    // A running sum over ties counts all of them: the same whatever their order.
    const std::string sql = call == 0   ? "sum(" + value.sql + ")"
                            : call == 1 ? "rank()"
                                        : "max(" + value.sql + ")";
    Field column{Fresh("w"), Kind::kWhole, {}, {}};
    if (call != 1) column.known = value.known;
    column.known.AddOthers(partition.known);
    column.known.AddOthers(order.known);
    query.sql = "SELECT *, " + sql + " OVER (PARTITION BY " + partition.sql + " ORDER BY " +
                order.sql + ") AS " + column.name + " FROM (" + input.sql + ") AS " + alias;
    query.columns.push_back(column);
    return query;
  }

  Query Combined(const Query& left, const Query& right) {
    const std::string a = Fresh("q"), b = Fresh("q");
    const char* words[] = {"UNION ALL", "UNION", "INTERSECT", "EXCEPT"};
    const size_t word = Below(4);
    Query query{.sql = {}, .columns = {}, .rows = left.rows};
    AddTo(query.rows, right.rows);
    std::string left_list, right_list;
    for (size_t i = 0; i < 2; ++i) {
      const Term x = Whole(left, a, 1), y = Whole(right, b, 1);
      Field column{Fresh("c"), Kind::kWhole, x.known, {}};
      if (word < 2) column.known.Add(y.known);
      if (word > 0) {
        for (const Term& term : {x, y}) {
          AddTo(query.rows, term.known.values);
          AddTo(query.rows, term.known.others);
        }
      }
      // Rows of an intersection may be those of either side: they are equal.
      if (word == 2) column.known.Add(y.known);
      left_list += (i > 0 ? ", " : "") + x.sql + " AS " + column.name;
      right_list += (i > 0 ? ", " : "") + y.sql + " AS " + column.name;
      query.columns.push_back(column);
    }
    query.sql = "SELECT " + left_list + " FROM (" + left.sql + ") AS " + a + " " + words[word] +
                " SELECT " + right_list + " FROM (" + right.sql + ") AS " + b;
    return query;
  }

  /// The first rows of an order of all that is put out, so that it does not matter which of equal
  /// rows come first.
  Query Limited(const Query& input) {
    const std::string alias = Fresh("q");
    Query query{.sql = "SELECT ", .columns = {}, .rows = input.rows};
    std::string order;
    const size_t count = 1 + Below(3);
    for (size_t i = 0; i < count; ++i) {
      const Term term = WholeColumn(input, alias);
      const Field column{Fresh("c"), Kind::kWhole, term.known, {}};
      query.sql += (i > 0 ? ", " : "") + term.sql + " AS " + column.name;
      order += (i > 0 ? ", " : "") + column.name + (OneIn(2) ? " DESC" : "");
      AddTo(query.rows, term.known.values);
      AddTo(query.rows, term.known.others);
      query.columns.push_back(column);
    }
    query.sql += " FROM (" + input.sql + ") AS " + alias + " ORDER BY " + order +
                 fmt::format(" LIMIT {}", 1 + Below(5));
    return query;
  }

  Query Unnested(const Query& input) {
    const Field* list = Pick(input, Kind::kList);
    if (list == nullptr) return Filtered(input);
    const std::string alias = Fresh("q");
    const Term kept = WholeColumn(input, alias);
    Query query{.sql = {}, .columns = {}, .rows = input.rows};
    query.columns.push_back({Fresh("c"), Kind::kWhole, kept.known, {}});
    query.columns.push_back({Fresh("e"), Kind::kWhole, list->known, {}});
    query.sql = fmt::format("SELECT {} AS {}, unnest({}.{}) AS {} FROM ({}) AS {}", kept.sql,
                            query.columns[0].name, alias, list->name, query.columns[1].name,
                            input.sql, alias);
    AddTo(query.rows, list->known.values);
    AddTo(query.rows, list->known.others);
    return query;
  }

  /// A left join with one row a key: rows of the left stay whatever the right holds.
  Query LookedUp(const Query& left, const Query& right) {
    const std::string a = Fresh("q"), b = Fresh("q"), inner = Fresh("u");
    const Term left_key = WholeColumn(left, a), key = WholeColumn(right, inner),
               value = WholeColumn(right, inner);
    Query query{.sql = {}, .columns = {}, .rows = left.rows};
    std::string list;
    AddColumns(left, a, Fresh("l"), query, list);
    Field found{Fresh("f"), Kind::kWhole, value.known, {}};
    found.known.AddOthers(left_key.known);
    found.known.AddOthers(key.known);
    AddTo(found.known.others, right.rows);
    query.columns.push_back(found);
    query.sql = fmt::format(
        "SELECT {}, {}.v AS {} FROM ({}) AS {} LEFT JOIN (SELECT {} AS k, max({}) AS v FROM ({}) "
        "AS {} GROUP BY 1) AS {} ON {} = {}.k",
        list, b, found.name, left.sql, a, key.sql, value.sql, right.sql, inner, b, left_key.sql, b);
    return query;
  }

  std::mt19937_64 random_;
  int next_ = 0;
};

}  // namespace weir::testing_queries
