// SPDX-License-Identifier: Apache-2.0
//
// Random projects of views over views over sources, each with what its author knows: on which
// literals, functions and source columns the meaning of a view depends, and on which it does not.
// The knowledge comes from how the project was put together, not from a plan. For tests only.

#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "random_expression.h"

namespace weir::testing_projects {

struct ProjectSource {
  std::string name;
  bool is_delta = false;
  std::vector<Column> columns;  ///< the last one is read by nobody
};

struct ProjectView {
  std::string name;
  bool is_stored = true;
  Template query;
  Template drop_constraint;  ///< an expression, or empty
  Template warn_constraint;
  std::vector<Column> columns;
  Atoms rows, unsure;
  Atoms own;                       ///< what only the view itself depends on: its constraints
  std::set<std::string> upstream;  ///< views that it reads

  /// What a stored view's fingerprint must depend on.
  Atoms Meaning() const {
    Atoms all = rows;
    AddTo(all, own);
    for (const Column& column : columns) AddTo(all, column.atoms);
    return all;
  }
};

struct RandomProject {
  std::vector<ProjectSource> sources;
  std::vector<ProjectView> views;           ///< each after those it reads
  std::map<std::string, Literal> literals;  ///< by atom
};

class ProjectMaker : private ExpressionMaker {
 public:
  explicit ProjectMaker(uint64_t seed) : ExpressionMaker(seed) {}

  RandomProject Make(size_t views) {
    for (size_t i = 0; i < 4; ++i) AddSource();
    for (size_t i = 0; i < views; ++i) AddView();
    project_.literals = literals_;
    return std::move(project_);
  }

 private:
  struct Query {
    Template sql;
    std::vector<Column> columns;
    Atoms rows, unsure;
  };

  void AddSource() {
    ProjectSource source{.name = Fresh("s"), .is_delta = OneIn(2), .columns = {}};
    static constexpr Type kTypes[] = {Type::kWhole, Type::kText, Type::kNumber, Type::kDay};
    for (size_t i = 0; i < 6; ++i) {
      const std::string name = Fresh("k");
      source.columns.push_back(
          {name, i < 4 ? kTypes[i] : kTypes[Below(2)], {"c:" + source.name + "." + name}});
    }
    source.columns.push_back({Fresh("k"), Type::kWhole, {}});
    Relation relation{.from = source.name, .columns = source.columns, .rows = {}, .unsure = {}};
    relation.columns.pop_back();
    for (Column& column : relation.columns) column.name = "^" + source.name + "." + column.name;
    readable_.push_back(std::move(relation));
    project_.sources.push_back(std::move(source));
  }

  void AddView() {
    ProjectView view;
    view.name = Fresh("v");
    view.is_stored = !OneIn(4);
    read_views_.clear();
    Query query = TopQuery(view.is_stored);
    view.query = query.sql;
    view.columns = query.columns;
    view.rows = query.rows;
    view.unsure = query.unsure;
    view.upstream = read_views_;
    if (view.is_stored) AddConstraints(view);
    Relation relation{
        .from = view.name, .columns = view.columns, .rows = view.rows, .unsure = view.unsure};
    if (view.is_stored) {
      relation.rows = relation.unsure = {};
      for (Column& column : relation.columns) column.atoms = {"v:" + view.name + "." + column.name};
    }
    readable_.push_back(std::move(relation));
    project_.views.push_back(std::move(view));
  }

  /// Constraints are about the columns of the view.
  void AddConstraints(ProjectView& view) {
    view.own.insert("p:" + view.name);
    const Input self{{.from = "", .columns = view.columns, .rows = {}, .unsure = {}}, ""};
    if (OneIn(4)) {
      const Term expression = Condition(self);
      view.drop_constraint = expression.sql;
      AddTo(view.own, expression.atoms);
    }
    if (OneIn(4)) view.warn_constraint = Condition(self).sql;
  }

  // --- Queries

  Input Read() {
    // Later relations more often, so that views stand on views.
    const size_t last = readable_.size() - 1;
    const size_t pick = OneIn(2) ? Below(last + 1) : last - Below(std::min<size_t>(last + 1, 4));
    if (pick >= project_.sources.size()) read_views_.insert(readable_[pick].from);
    return {readable_[pick], Fresh("a")};
  }

  /// Something in FROM: a table, or a query in parentheses.
  Input ReadOrNest(int depth) {
    if (depth == 0 || OneIn(2)) return Read();
    return Nested(Shape(depth - 1));
  }

  Input Nested(const Query& query) {
    return {{.from = "( " + query.sql + " )",
             .columns = query.columns,
             .rows = query.rows,
             .unsure = query.unsure},
            Fresh("a")};
  }

  Query TopQuery(bool is_stored) {
    Query query;
    if (OneIn(3)) {
      const Query inner = Shape(1);
      const std::string name = Fresh("w");
      Input input = Nested(inner);
      input.relation.from = name;
      query = Projected(input);
      query.sql = "WITH " + name + " AS ( " + inner.sql + " ) " + query.sql;
    } else {
      query = Shape(1);
    }
    // Limits over limits are merged into one: there is one at most, at the top.
    if (is_stored && OneIn(5)) {
      const Column& key = query.columns[Below(query.columns.size())];
      Atoms atoms = key.atoms;
      query.sql = "SELECT * FROM ( " + query.sql + " ) " + Fresh("a") + " ORDER BY " + key.name +
                  (OneIn(2) ? " DESC" : "") + " LIMIT " + AddLiteral(LiteralKind::kWhole, atoms);
      AddTo(query.rows, atoms);
    }
    return query;
  }

  Query Shape(int depth) {
    switch (Below(7)) {
      case 0:
        return Joined(ReadOrNest(depth), ReadOrNest(depth));
      case 1:
        return Aggregated(ReadOrNest(depth));
      case 2:
        return Windowed(ReadOrNest(depth));
      case 3:
        return Combined(ReadOrNest(depth), ReadOrNest(depth));
      case 4:
        return Distinct(ReadOrNest(depth));
      case 5:
        return LookedUp(ReadOrNest(depth), Read());
      default:
        return Projected(ReadOrNest(depth));
    }
  }

  static void AddRows(Query& query, const Input& input) {
    AddTo(query.rows, input.relation.rows);
    AddTo(query.unsure, input.relation.unsure);
  }

  void Put(Query& query, const Term& term, Template& list) {
    const std::string name = Fresh("c");
    list += (list.empty() ? "" : " , ") + term.sql + " ~AS " + name;
    query.columns.push_back({name, term.type, term.atoms});
  }

  Template From(const Input& input) { return input.relation.from + " ~AS " + input.alias; }

  /// Up to two conditions.
  Template Where(Query& query, const Input& input) {
    Template where;
    for (size_t n = Below(3); n > 0; --n) {
      const Term condition = Condition(input);
      where += (where.empty() ? " WHERE " : " AND ") + condition.sql;
      AddTo(query.rows, condition.atoms);
    }
    return where;
  }

  Query Projected(const Input& input, const Template& condition = "") {
    Query query;
    AddRows(query, input);
    Template list;
    for (size_t n = 2 + Below(3); n > 0; --n) Put(query, Any(input), list);
    Template where = Where(query, input);
    if (!condition.empty()) where += (where.empty() ? " WHERE " : " AND ") + condition;
    query.sql = "SELECT " + list + " FROM " + From(input) + where;
    return query;
  }

  Query Distinct(const Input& input) {
    Query query = Projected(input);
    query.sql = "SELECT DISTINCT" + query.sql.substr(std::string("SELECT").size());
    // A column that others decide need not be looked at.
    for (const Column& column : query.columns) AddTo(query.unsure, column.atoms);
    return query;
  }

  Query Joined(const Input& left, const Input& right) {
    const bool is_left_join = OneIn(2);
    Query query;
    Template list;
    for (size_t n = 1 + Below(2); n > 0; --n) Put(query, Any(left), list);
    const size_t of_left = query.columns.size();
    for (size_t n = 1 + Below(2); n > 0; --n) Put(query, Any(right), list);
    const Term left_key = Whole(left), right_key = Whole(right);
    Atoms join = right.relation.rows;
    AddTo(join, left_key.atoms);
    AddTo(join, right_key.atoms);
    Template condition = left_key.sql + " = " + right_key.sql;
    if (OneIn(2)) {
      const Term more = Condition(right);
      condition += " AND " + more.sql;
      AddTo(join, more.atoms);
    }
    // A left join need not be done where no column of the right is read and nobody counts rows.
    AddRows(query, left);
    AddTo(query.unsure, right.relation.unsure);
    AddTo(is_left_join ? query.unsure : query.rows, join);
    for (size_t i = of_left; i < query.columns.size(); ++i) AddTo(query.columns[i].atoms, join);
    query.sql = "SELECT " + list + " FROM " + From(left) +
                (is_left_join ? " LEFT JOIN " : " JOIN ") + From(right) + " ON " + condition;
    return query;
  }

  /// With a subquery: one that filters, or one that gives a value.
  Query LookedUp(const Input& input, const Input& other) {
    const Term key = Whole(input), other_key = Whole(other);
    if (OneIn(3)) {
      Term value{"( SELECT max ( " + other_key.sql + " ) FROM " + From(other) + " )", Type::kWhole,
                 other_key.atoms};
      AddTo(value.atoms, other.relation.rows);
      Query query;
      AddRows(query, input);
      AddTo(query.unsure, value.atoms);
      AddTo(query.unsure, other.relation.unsure);
      Template list;
      Put(query, key, list);
      Put(query, value, list);
      query.sql = "SELECT " + list + " FROM " + From(input) + Where(query, input);
      return query;
    }
    const Template inner = "SELECT " + other_key.sql + " FROM " + From(other);
    Query query =
        Projected(input, OneIn(2) ? key.sql + " IN ( " + inner + " )"
                                  : (OneIn(2) ? "NOT EXISTS ( " : "EXISTS ( ") + inner + " WHERE " +
                                        other_key.sql + " = " + key.sql + " )");
    AddRows(query, other);
    AddTo(query.rows, key.atoms);
    AddTo(query.rows, other_key.atoms);
    return query;
  }

  Query Aggregated(const Input& input) {
    Query query;
    AddRows(query, input);
    Template list, keys;
    const size_t key_count = 1 + Below(2);
    for (size_t n = key_count; n > 0; --n) {
      const Term key = PlainColumn(input);
      if (keys.find(key.sql + " ") != Template::npos) continue;
      keys += (keys.empty() ? "" : ", ") + key.sql + " ";
      AddTo(key_count == 1 ? query.rows : query.unsure, key.atoms);
      Put(query, key, list);
    }
    const Template where = Where(query, input);
    Put(query, {"count ( * )", Type::kWhole, {}}, list);
    for (size_t n = Below(3); n > 0; --n) Put(query, Aggregate(input), list);
    query.sql = "SELECT " + list + " FROM " + From(input) + where + " GROUP BY " + keys;
    query.sql.pop_back();
    if (OneIn(3)) {
      query.sql += " HAVING { sum " + Call({Whole(input)}, query.rows) + " % " +
                   AddLiteral(LiteralKind::kWhole, query.rows) + " } <> " +
                   AddLiteral(LiteralKind::kWhole, query.rows);
    }
    return query;
  }

  Query Windowed(const Input& input) {
    Query query;
    AddRows(query, input);
    Template list;
    for (size_t n = 1 + Below(2); n > 0; --n) Put(query, Any(input), list);
    for (size_t n = 1 + Below(2); n > 0; --n) {
      Term window;
      const Term part = PlainColumn(input), order = PlainColumn(input);
      AddTo(window.atoms, part.atoms);
      AddTo(window.atoms, order.atoms);
      Template frame;
      switch (Below(3)) {
        case 0:
          window.sql = "row_number ( )";
          break;
        case 1: {
          const Term value = Whole(input);
          AddTo(window.atoms, value.atoms);
          window.sql =
              "lag ( " + value.sql + " , " + AddLiteral(LiteralKind::kWhole, window.atoms) + " )";
          break;
        }
        default:
          window.sql = "sum " + Call({Whole(input)}, window.atoms);
          frame = " ROWS BETWEEN " + AddLiteral(LiteralKind::kWhole, window.atoms) +
                  " PRECEDING AND CURRENT ROW";
      }
      window.sql += " OVER ( PARTITION BY " + part.sql + " ORDER BY " + order.sql + frame + " )";
      Put(query, window, list);
    }
    query.sql = "SELECT " + list + " FROM " + From(input) + Where(query, input);
    return query;
  }

  Query Combined(const Input& first, const Input& second) {
    Query query;
    AddRows(query, first);
    AddRows(query, second);
    Template lists[2];
    for (size_t n = 1 + Below(3); n > 0; --n) {
      const bool is_text = OneIn(2);
      const Term a = is_text ? Text(first) : Whole(first),
                 b = is_text ? Text(second) : Whole(second);
      Put(query, a, lists[0]);
      AddTo(query.columns.back().atoms, b.atoms);
      lists[1] += (lists[1].empty() ? "" : " , ") + b.sql + " ~AS " + Fresh("c");
    }
    const Template where = Where(query, first), other_where = Where(query, second);
    query.sql = "SELECT " + lists[0] + " FROM " + From(first) + where + " UNION ALL SELECT " +
                lists[1] + " FROM " + From(second) + other_where;
    return query;
  }

  RandomProject project_;
  std::vector<Relation> readable_;  ///< sources, then views
  std::set<std::string> read_views_;
};

}  // namespace weir::testing_projects
