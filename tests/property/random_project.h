// SPDX-License-Identifier: Apache-2.0
//
// Random projects of views over views over sources, each with what its author knows: on which
// literals, functions and source columns the meaning of a view depends, and on which it does not.
// The knowledge comes from how the project was put together, not from a plan. For tests only.

#pragma once

#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace weir::testing_projects {

/// What a meaning can depend on: "L12" a literal, "c:s1.k" a source's column, "v:v3.c5" a stored
/// view's, "f:stable_id" a function, "p:v3" how a view is partitioned.
using Atoms = std::set<std::string>;

inline void AddTo(Atoms& all, const Atoms& more) { all.insert(more.begin(), more.end()); }

inline bool Meet(const Atoms& a, const Atoms& b) {
  for (const std::string& atom : a) {
    if (b.contains(atom)) return true;
  }
  return false;
}

enum class Type { kWhole, kText, kNumber, kDay };

struct Column {
  std::string name;
  Type type = Type::kWhole;
  Atoms atoms;
};

/// An SQL template: tokens with single blanks between them. `@12` is a literal, `^s1.k` a source's
/// column, `{` and `}` are parentheses that may be doubled, `~AS` is an AS that may be left out.
using Template = std::string;

/// Rows with columns, as a reader sees them.
struct Relation {
  Template from;  ///< what stands after FROM
  std::vector<Column> columns;
  Atoms rows;    ///< what decides which rows there are, whatever columns are read
  Atoms unsure;  ///< what the engine may look at although it cannot matter
};

enum class LiteralKind { kWhole, kText, kNumber, kDay, kPattern };

struct Literal {
  LiteralKind kind = LiteralKind::kWhole;
  int64_t value = 0;

  std::string ToSql() const {
    switch (kind) {
      case LiteralKind::kWhole:
        return fmt::format("{}", value);
      case LiteralKind::kText:
        return fmt::format("'it''s -- {}  X'", value);
      case LiteralKind::kNumber:
        return fmt::format("{}.25", value);
      case LiteralKind::kDay:
        return fmt::format("'{}-{:02}-{:02}'", 1900 + value / 336 % 500, 1 + value / 28 % 12,
                           1 + value % 28);
      default:
        return fmt::format("'%p{}_q'", value);
    }
  }
};

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
  std::vector<ProjectView> views;  ///< each after those it reads
  std::map<std::string, Literal> literals;
  Atoms idle_literals;  ///< of constraints that only warn
};

class ProjectMaker {
 public:
  explicit ProjectMaker(uint64_t seed) : random_(seed) {}

  RandomProject Make(size_t views) {
    for (size_t i = 0; i < 4; ++i) AddSource();
    for (size_t i = 0; i < views; ++i) AddView();
    return std::move(project_);
  }

 private:
  /// An expression with what it depends on.
  struct Term {
    Template sql;
    Type type = Type::kWhole;
    Atoms atoms;
  };

  /// A relation under its alias in a query.
  struct Input {
    Relation relation;
    std::string alias;
  };

  struct Query {
    Template sql;
    std::vector<Column> columns;
    Atoms rows, unsure;
  };

  size_t Below(size_t n) { return random_() % n; }
  bool OneIn(size_t n) { return Below(n) == 0; }
  std::string Fresh(const char* prefix) { return fmt::format("{}{}", prefix, next_++); }

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
    if (OneIn(4)) {
      const int first_literal = next_literal_;
      view.warn_constraint = Condition(self).sql;
      for (int i = first_literal; i < next_literal_; ++i)
        project_.idle_literals.insert(fmt::format("L{}", i));
    }
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

  // --- Expressions

  /// Every literal has a value of its own: no two conditions say the same, or contradict another.
  Template AddLiteral(LiteralKind kind, Atoms& atoms) {
    const int number = next_literal_++;
    const std::string atom = fmt::format("L{}", number);
    project_.literals[atom] = {kind, 11 + 3 * number};
    atoms.insert(atom);
    return fmt::format("@{}", number);
  }

  Template Reference(const Input& input, const Column& column) {
    return input.alias.empty() ? column.name : input.alias + " . " + column.name;
  }

  Term PlainColumn(const Input& input) {
    const Column& column = input.relation.columns[Below(input.relation.columns.size())];
    return {Reference(input, column), column.type, column.atoms};
  }

  const Column* Pick(const Input& input, Type type) {
    std::vector<const Column*> fits;
    for (const Column& column : input.relation.columns) {
      if (column.type == type) fits.push_back(&column);
    }
    return fits.empty() ? nullptr : fits[Below(fits.size())];
  }

  Template Call(const std::vector<Term>& arguments, Atoms& atoms) {
    Template text = "(";
    for (const Term& argument : arguments) {
      text += (text.size() == 1 ? " " : " , ") + argument.sql;
      AddTo(atoms, argument.atoms);
    }
    return text + " )";
  }

  Term Any(const Input& input) {
    switch (Below(5)) {
      case 0:
        return Text(input);
      case 1:
        return Number(input);
      case 2:
        return Pick(input, Type::kDay) == nullptr ? Whole(input) : Day(input);
      case 3:
        return PlainColumn(input);
      default:
        return Whole(input);
    }
  }

  /// A column as a whole number, whatever it is.
  Term WholeColumn(const Input& input) {
    Term term = PlainColumn(input);
    if (const Column* column = Pick(input, Type::kWhole); column != nullptr && !OneIn(4))
      term = {Reference(input, *column), Type::kWhole, column->atoms};
    if (term.type == Type::kText)
      term.sql = "CAST ( character_length ( " + term.sql + " ) AS BIGINT )";
    if (term.type == Type::kNumber) term.sql = "CAST ( " + term.sql + " AS BIGINT )";
    if (term.type == Type::kDay)
      term.sql = "CAST ( date_part ( 'month' , " + term.sql + " ) AS BIGINT )";
    term.type = Type::kWhole;
    return term;
  }

  Term Whole(const Input& input) {
    Term term = WholeColumn(input);
    switch (Below(6)) {
      case 0:
        term.sql = "{ " + term.sql + " + " + AddLiteral(LiteralKind::kWhole, term.atoms) + " }";
        break;
      case 1:
        term.sql =
            "nullif ( " + term.sql + " , " + AddLiteral(LiteralKind::kWhole, term.atoms) + " )";
        break;
      case 2: {
        const Term other = WholeColumn(input), condition = Condition(input);
        AddTo(term.atoms, other.atoms);
        AddTo(term.atoms, condition.atoms);
        term.sql = "CASE WHEN " + condition.sql + " THEN " + term.sql + " ELSE { " + other.sql +
                   " - " + AddLiteral(LiteralKind::kWhole, term.atoms) + " } END";
        break;
      }
      case 3:
        if (const Column* column = Pick(input, Type::kText); column != nullptr) {
          term = {"stable_hash64 ( " + Reference(input, *column) + " )", Type::kWhole,
                  column->atoms};
          term.atoms.insert("f:stable_hash64");
        }
        break;
      default:
        break;
    }
    return term;
  }

  Term Text(const Input& input) {
    Term term;
    if (const Column* column = Pick(input, Type::kText); column != nullptr) {
      term = {Reference(input, *column), Type::kText, column->atoms};
    } else {
      term = WholeColumn(input);
      term.sql = "CAST ( " + term.sql + " AS VARCHAR )";
      term.type = Type::kText;
    }
    switch (Below(5)) {
      case 0:
        term.sql =
            "concat ( " + term.sql + " , " + AddLiteral(LiteralKind::kText, term.atoms) + " )";
        break;
      case 1:
        term.sql = "{ " + term.sql + " || " + AddLiteral(LiteralKind::kText, term.atoms) + " }";
        break;
      case 2:
        term.sql =
            "stable_id ( " + AddLiteral(LiteralKind::kText, term.atoms) + " , " + term.sql + " )";
        term.atoms.insert("f:stable_id");
        break;
      case 3:
        term.sql = "upper ( " + term.sql + " )";
        break;
      default:
        break;
    }
    return term;
  }

  Term Number(const Input& input) {
    Term term;
    if (const Column* column = Pick(input, Type::kNumber); column != nullptr) {
      term = {Reference(input, *column), Type::kNumber, column->atoms};
    } else {
      term = WholeColumn(input);
    }
    term.type = Type::kNumber;
    term.sql = "{ " + term.sql + " * " + AddLiteral(LiteralKind::kNumber, term.atoms) + " }";
    return term;
  }

  /// REQUIRES: the input has a day.
  Term Day(const Input& input) {
    const Column& column = *Pick(input, Type::kDay);
    Term term{Reference(input, column), Type::kDay, column.atoms};
    if (OneIn(3)) {
      const Term condition = Condition(input);
      AddTo(term.atoms, condition.atoms);
      term.sql = "CASE WHEN " + condition.sql + " THEN " + term.sql + " ELSE DATE " +
                 AddLiteral(LiteralKind::kDay, term.atoms) + " END";
    }
    return term;
  }

  Term Aggregate(const Input& input) {
    Term term;
    switch (Below(4)) {
      case 0:
        term.sql = "max " + Call({Text(input)}, term.atoms);
        term.type = Type::kText;
        break;
      case 1:
        term.sql = "count ( DISTINCT " + Call({Whole(input)}, term.atoms).substr(2);
        break;
      case 2:
        term.sql = "arg_max " + Call({Whole(input), WholeColumn(input)}, term.atoms);
        term.atoms.insert("f:arg_max");
        break;
      default:
        term.sql = "sum " + Call({Whole(input)}, term.atoms);
    }
    return term;
  }

  /// True of some rows and false of others: no condition is decided by another one.
  Term Condition(const Input& input) {
    Term term;
    switch (Below(5)) {
      case 0:
        if (const Column* column = Pick(input, Type::kText); column != nullptr) {
          term.atoms = column->atoms;
          term.sql = "{ " + Reference(input, *column) + " <> " +
                     AddLiteral(LiteralKind::kText, term.atoms) + " }";
          break;
        }
        [[fallthrough]];
      case 1: {
        term = WholeColumn(input);
        term.sql = "{ { " + term.sql + " % " + AddLiteral(LiteralKind::kWhole, term.atoms) +
                   " } IN ( " + AddLiteral(LiteralKind::kWhole, term.atoms) + " , " +
                   AddLiteral(LiteralKind::kWhole, term.atoms) + " ) }";
        break;
      }
      case 2:
        if (const Column* column = Pick(input, Type::kDay); column != nullptr) {
          term.atoms = column->atoms;
          term.sql = "{ " + Reference(input, *column) + " <> DATE " +
                     AddLiteral(LiteralKind::kDay, term.atoms) + " }";
          break;
        }
        [[fallthrough]];
      case 3:
        if (const Column* column = Pick(input, Type::kText); column != nullptr) {
          term.atoms = column->atoms;
          term.sql = "{ " + Reference(input, *column) + " LIKE " +
                     AddLiteral(LiteralKind::kPattern, term.atoms) + " }";
          break;
        }
        [[fallthrough]];
      default: {
        term = WholeColumn(input);
        term.sql = "{ { " + term.sql + " % " + AddLiteral(LiteralKind::kWhole, term.atoms) +
                   " } <> " + AddLiteral(LiteralKind::kWhole, term.atoms) + " }";
      }
    }
    return term;
  }

  std::mt19937_64 random_;
  RandomProject project_;
  std::vector<Relation> readable_;  ///< sources, then views
  std::set<std::string> read_views_;
  int next_ = 0, next_literal_ = 0;
};

}  // namespace weir::testing_projects
