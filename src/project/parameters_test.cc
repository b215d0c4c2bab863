// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "weir/project/parameter_uses.h"
#include "weir/project/parameter_value.h"
#include "weir/project/project_fixture.h"

namespace weir {
namespace {

using Names = std::vector<std::string>;

/// "name TYPE value" of each.
Names Listed(const ProjectDefinition& project) {
  Names listed;
  for (const ProjectParameter& parameter : project.parameters) {
    listed.push_back(parameter.name + " " + parameter.type + " " +
                     parameter.value.value_or("(none)"));
  }
  return listed;
}

LoadedProject WithToml(const std::string& toml, ProfileChoice choice = {}) {
  return Load({{"weir.toml", toml}}, choice);
}

std::string Value(const std::string& type, const std::string& text) {
  const auto written = ParameterType(type);
  if (!written.ok()) return "no type";
  const auto value = ParameterValue(*written, text);
  return value.ok() ? *value : "no";
}

TEST(Parameters, HaveTheTypeThatIsDeclaredOrThatOfTheirValue) {
  const LoadedProject loaded = WithToml(
      "[parameters]\nday = { type = \"date\", default = \"2024-1-5\", description = \"d\" }\n"
      "limit = 10\nname = \"it's\"\nflag = true\nrate = 0.5\nsince = 2024-05-31\n"
      "at = 2024-05-31T12:00:00.25\nneeded = { type = \"numeric(9,2)\" }\nSELECT = { default = "
      "2024-05-31, type = \"VARCHAR\" }\n");
  EXPECT_EQ(loaded.reports, Names{});
  EXPECT_EQ(
      Listed(loaded.project),
      (Names{"at TIMESTAMP 2024-05-31T12:00:00.25", "day DATE 2024-01-05", "flag BOOLEAN true",
             "limit BIGINT 10", "name VARCHAR it's", "needed DECIMAL(9, 2) (none)",
             "rate DOUBLE 0.5", "select VARCHAR 2024-05-31", "since DATE 2024-05-31"}));
  EXPECT_EQ(loaded.project.parameters[1].description, "d");
  EXPECT_EQ(ToString(loaded.project.parameters[1].location), "weir.toml:2:1");
}

TEST(Parameters, AreSetByProfilesAndByTheCommandLine) {
  const std::string toml =
      "[parameters]\nday = { type = \"DATE\" }\nn = 1\n[profiles.base.parameters]\nDAY = "
      "2024-01-01\nn = 2\n[profiles.dev]\nextends = \"base\"\n[profiles.dev.parameters]\nn = 3\n";
  EXPECT_EQ(Listed(WithToml(toml).project), (Names{"day DATE (none)", "n BIGINT 1"}));
  EXPECT_EQ(Listed(WithToml(toml, "dev").project), (Names{"day DATE 2024-01-01", "n BIGINT 3"}));
  ProfileChoice choice("dev");
  choice.set = {{"N", "+007"}, {"day", "2024-02-29"}, {"day", "2024-3-1"}};
  EXPECT_EQ(Listed(WithToml(toml, choice).project), (Names{"day DATE 2024-03-01", "n BIGINT 7"}));
  choice.set = {{"nn", "7"}};
  EXPECT_EQ(WithToml(toml, choice).reports,
            Names{"--set: there is no parameter named `nn` (did you mean `n`?)"});
  choice.set = {{"day", "2023-02-29"}};
  EXPECT_EQ(WithToml(toml, choice).reports,
            Names{"--set: a date such as 2024-05-31 (years 0001 to 9999) is wanted for "
                  "the parameter `day` of the type DATE (declared at weir.toml:2:1), found "
                  "`2023-02-29`"});
}

TEST(Parameters, WhatIsWrongIsReportedWhereItStands) {
  EXPECT_EQ(
      WithToml("[parameters]\na-b = 1\nx = 1\nX = 2\nt = { type = \"DAET\" }\nu = {}\nv = { type = "
               "\"INT\", default = \"1.5\" }\nw = 12:00:00\n[profiles.p.parameters]\nxx = 1\nv = "
               "3000000000\n")
          .reports,
      (Names{"W1027 weir.toml:2:1 a name of letters, digits and `_` is wanted for a parameter, "
             "found `a-b`",
             "W1028 weir.toml:5:14 a type of a parameter is wanted, found `DAET` for `t` | did you "
             "mean `DATE`?",
             "W1028 weir.toml:6:5 a type is wanted for the parameter `u`, found neither type nor "
             "default | such as `{ type = \"DATE\" }`",
             "W1029 weir.toml:7:31 a whole number from -2147483648 to 2147483647 is wanted for the "
             "parameter `v` of the type INT, found `1.5`",
             "W1012 weir.toml:8:5 a text, number, boolean, date or time without a zone is wanted "
             "for `w`, found a date or time",
             "W1027 weir.toml:3:1 there are two parameters of this name: `x` | names are found in "
             "any case",
             "W1029 weir.toml:11:5 a whole number from -2147483648 to 2147483647 is wanted for "
             "the parameter `v` of the type INT, found `3000000000`",
             "W1030 weir.toml:10:1 there is no parameter of this name: `xx` | did you mean `x`?"}));
}

TEST(Parameters, EqualValuesAreEqualTexts) {
  EXPECT_EQ(Value("DATE", "2024-1-1"), "2024-01-01");
  EXPECT_EQ(Value("DATE", "0001-01-01"), "0001-01-01");
  EXPECT_EQ(Value("DATE", "0000-01-01"), "no");
  EXPECT_EQ(Value("DATE", "2024-02-30"), "no");
  EXPECT_EQ(Value("DATE", "2024-01-01 "), "no");
  EXPECT_EQ(Value("DATE", ""), "no");
  EXPECT_EQ(Value("TIMESTAMP", "2024-01-01 1:02"), "2024-01-01T01:02:00");
  EXPECT_EQ(Value("TIMESTAMP", "2024-01-01T01:02:03.1200"), "2024-01-01T01:02:03.12");
  EXPECT_EQ(Value("TIMESTAMP", "2024-01-01"), "2024-01-01T00:00:00");
  EXPECT_EQ(Value("TIMESTAMP", "2024-01-01T01:02:03.1234567"), "no");
  EXPECT_EQ(Value("TIMESTAMP", "2024-01-01T01:02:03Z"), "no");
  EXPECT_EQ(Value("int8", "no"), "no type");
  EXPECT_EQ(Value("BIGINT", "-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(Value("BIGINT", "9223372036854775808"), "no");
  EXPECT_EQ(Value("TINYINT", "-129"), "no");
  EXPECT_EQ(Value("INT", "-0"), "0");
  EXPECT_EQ(Value("INT", "+-1"), "no");
  EXPECT_EQ(Value("INT", "1_000"), "no");
  EXPECT_EQ(Value("DOUBLE", "1e3"), "1000");
  EXPECT_EQ(Value("DOUBLE", "1e999"), "no");
  EXPECT_EQ(Value("DOUBLE", "nan"), "NaN");
  EXPECT_EQ(Value("DOUBLE", "-inf"), "-inf");
  EXPECT_EQ(Value("DOUBLE", "0x10"), "no");
  EXPECT_EQ(Value("REAL", "0.1"), "0.1");
  EXPECT_EQ(Value("DECIMAL(38,10)", "-.5"), "-0.5000000000");
  EXPECT_EQ(Value("DECIMAL(3,1)", "99.90"), "99.9");
  EXPECT_EQ(Value("DECIMAL(3,1)", "99.95"), "no");
  EXPECT_EQ(Value("DECIMAL(3,1)", "100"), "no");
  EXPECT_EQ(Value("DECIMAL(2)", "-0"), "0");
  EXPECT_EQ(Value("DECIMAL(39)", "0"), "no type");
  EXPECT_EQ(Value("Bool", "TRUE"), "true");
  EXPECT_EQ(Value("BOOLEAN", "1"), "no");
  EXPECT_EQ(Value("text", ""), "");
  EXPECT_EQ(Value("VARCHAR", "\xFF"), "no");
  EXPECT_EQ(ParameterConstant("VARCHAR", "it's"), "'it''s'");
  EXPECT_EQ(ParameterConstant("DATE", "2024-01-01"), "CAST('2024-01-01' AS DATE)");
  EXPECT_EQ(ParameterConstant("BOOLEAN", "true"), "true");
}

/// "line:column name".
Names UsesIn(std::string_view text, const std::string& dialect = "generic") {
  Names uses;
  for (const ParameterUse& use : FindParameterUses(text, *FindDialect(dialect)))
    uses.push_back(std::to_string(use.line) + ":" + std::to_string(use.column) + " " + use.name);
  return uses;
}

TEST(Parameters, AreFoundOutsideOfStringsCommentsAndNames) {
  EXPECT_EQ(UsesIn("SELECT $day::date, a$b, '$s', \"$q\" -- $c\n/* $d */ + $Ünï + $1"),
            (Names{"1:8 day", "2:12 Ünï", "2:19 1"}));
  EXPECT_EQ(UsesIn("$$ $x $$ || $t$ $y $t$ || $z"), Names{"1:27 z"});
  EXPECT_EQ(UsesIn("$$ $x $$", "sqlite"), (Names{"1:4 x"}));
  EXPECT_EQ(UsesIn("\"$x\" # $y\n-$z", "mysql"), Names{"2:2 z"});
}

TEST(Parameters, UsesOfNothingAreReportedWhereTheyStand) {
  const LoadedProject loaded = Load(
      {{"weir.toml", "[parameters]\nday = { type = \"DATE\" }\nn = 1\n"},
       {"functions/f.sql",
        "CREATE FUNCTION f(x INT) RETURNS INT RETURN x + $N;\n"
        "CREATE FUNCTION g(x INT DEFAULT 3) RETURNS INT RETURN f(x);"},
       {"views/a.sql", "SELECT 1\nWHERE $dya = $day"},
       {"views/b.sql", "CREATE MATERIALIZED VIEW bee AS SELECT $day, $DAY, $1"},
       {"views/c.sql", "SELECT G(2)"},
       {"views/d.sql", "-- dialect: mysql\nSELECT $x"},
       {"views/e.sql",
        "CREATE MATERIALIZED VIEW e (x, CONSTRAINT p EXPECT (x > $n) ON VIOLATION "
        "DROP ROW) AS SELECT 1"},
       {"views/f.sql", "CREATE MATERIALIZED VIEW f (x, CONSTRAINT p EXPECT (x > $n)) AS SELECT 1"},
       {"tests/t.sql", "SELECT * FROM c WHERE $x"}});
  EXPECT_EQ(loaded.reports,
            (Names{"W1104 views/a.sql:2:7 there is no parameter named `dya` | did you mean `day`?",
                   "W1105 views/a.sql:2:14 the parameter `day` has no value | give it one: `--set "
                   "day=…`, or a default at weir.toml:2:1",
                   "W1105 views/b.sql:1:40 the parameter `day` has no value | give it one: `--set "
                   "day=…`, or a default at weir.toml:2:1",
                   "W1106 views/b.sql:1:52 a parameter with a name is wanted, found `$1` | declare "
                   "one under [parameters] in weir.toml, and write `$name`",
                   "W1104 tests/t.sql:1:23 there is no parameter named `x` | weir.toml declares "
                   "parameters under [parameters]"}));
  const auto& views = loaded.project.views;
  ASSERT_EQ(views.size(), 5U);
  EXPECT_EQ(views[0].parameters, std::set<std::string>{"n"});
  EXPECT_EQ(views[1].parameters, std::set<std::string>{});
  EXPECT_EQ(views[2].parameters, std::set<std::string>{"n"});
  EXPECT_EQ(views[3].parameters, std::set<std::string>{});
}

}  // namespace
}  // namespace weir
