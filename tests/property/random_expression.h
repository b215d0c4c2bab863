// SPDX-License-Identifier: Apache-2.0
//
// Random SQL expressions over the columns of a relation, each with what it depends on, as its
// author knows from how it was put together. For tests only.

#pragma once

#include <map>
#include <random>
#include <set>
#include <string>
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

class ExpressionMaker {
 protected:
  explicit ExpressionMaker(uint64_t seed) : random_(seed) {}

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

  size_t Below(size_t n) { return random_() % n; }
  bool OneIn(size_t n) { return Below(n) == 0; }
  std::string Fresh(const char* prefix) { return fmt::format("{}{}", prefix, next_++); }

  /// Every literal has a value of its own: no two conditions say the same, or contradict another.
  Template AddLiteral(LiteralKind kind, Atoms& atoms) {
    const int number = next_literal_++;
    const std::string atom = fmt::format("L{}", number);
    literals_[atom] = {kind, 11 + 3 * number};
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

  std::map<std::string, Literal> literals_;  ///< by atom

 private:
  std::mt19937_64 random_;
  int next_ = 0, next_literal_ = 0;
};

}  // namespace weir::testing_projects
