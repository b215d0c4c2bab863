// SPDX-License-Identifier: Apache-2.0

#include "weir/project/weir_toml.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "weir/project/project_fixture.h"

namespace weir {
namespace {

using Names = std::vector<std::string>;
using Settings = std::map<std::string, std::string>;

LoadedProject Toml(const std::string& text, const std::string& profile = "") {
  return Load({{"weir.toml", text}}, profile);
}

TEST(WeirToml, EverythingHasADefault) {
  const LoadedProject loaded = Toml("");
  EXPECT_EQ(loaded.reports, Names{});
  EXPECT_EQ(loaded.project.name, "p");
  EXPECT_EQ(loaded.project.warehouse_uri, "/p/warehouse");
  EXPECT_EQ(loaded.project.profile.name, "default");
  EXPECT_TRUE(loaded.project.profile.deterministic);
  EXPECT_FALSE(loaded.project.profile.overflow_wraps);
  EXPECT_EQ(loaded.project.profile.threads, 0);
  EXPECT_EQ(loaded.project.profile.memory_limit_bytes, 0);
  EXPECT_EQ(loaded.project.profile.spill_directory, "");
  EXPECT_EQ(loaded.project.retention,
            (RetentionSettings{.runs = 10, .days = 7, .removed_views_days = 7}));
}

TEST(WeirToml, EveryKey) {
  const LoadedProject loaded = Toml(R"([project]
name = "flights"
warehouse = "s3://bucket/lake/"
dialect = "DuckDB"
[profiles.default]
threads = 3
memory_limit = "1.5GB"
deterministic = false
overflow = "wrap"
spill_directory = "tmp/spill/"
max_spill = 1000
[profiles.default.settings]
"datafusion.execution.batch_size" = 4096
datafusion.optimizer.prefer_hash_join = false
[profiles.default.settings.datafusion.sql_parser]
parse_float_as_decimal = true
[profiles.default.sql]
allow = ["set", "query"]
[retention]
runs = 3
days = 0
removed_views_days = 30
)");
  EXPECT_EQ(loaded.reports, Names{});
  EXPECT_EQ(loaded.project.name, "flights");
  EXPECT_EQ(loaded.project.warehouse_uri, "s3://bucket/lake");
  EXPECT_EQ(loaded.project.dialect, "duckdb");
  EXPECT_EQ(loaded.project.retention,
            (RetentionSettings{.runs = 3, .days = 0, .removed_views_days = 30}));
  const ProfileSettings& profile = loaded.project.profile;
  EXPECT_EQ(profile.allowed_statements,
            (std::set<StatementKind>{StatementKind::kQuery, StatementKind::kSet}));
  EXPECT_EQ(profile.threads, 3);
  EXPECT_EQ(profile.memory_limit_bytes, int64_t{1536} << 20);
  EXPECT_FALSE(profile.deterministic);
  EXPECT_TRUE(profile.overflow_wraps);
  EXPECT_EQ(profile.spill_directory, "/p/tmp/spill");
  EXPECT_EQ(profile.max_spill_bytes, 1000);
  EXPECT_EQ(profile.settings, (Settings{{"datafusion.execution.batch_size", "4096"},
                                        {"datafusion.optimizer.prefer_hash_join", "false"},
                                        {"datafusion.sql_parser.parse_float_as_decimal", "true"}}));
  EXPECT_EQ(profile.setting_locations.at("datafusion.execution.batch_size"),
            (SourceLocation{"weir.toml", 13, 1}));
  EXPECT_EQ(profile.setting_locations.at("datafusion.sql_parser.parse_float_as_decimal"),
            (SourceLocation{"weir.toml", 16, 1}));
}

TEST(WeirToml, AProfileAddsToTheOneItExtends) {
  const std::string text = R"([profiles.default]
threads = 2
settings = { "datafusion.execution.batch_size" = 1, "datafusion.execution.time_zone" = "UTC" }
[profiles.ci]
extends = "default"
memory_limit = "1GB"
settings = { "datafusion.execution.batch_size" = 2 }
[profiles.night]
extends = "ci"
threads = 8
[profiles.bare]
)";
  const ProfileSettings night = Toml(text, "night").project.profile;
  EXPECT_EQ(night.name, "night");
  EXPECT_EQ(night.threads, 8);
  EXPECT_EQ(night.memory_limit_bytes, int64_t{1} << 30);
  EXPECT_EQ(night.settings, (Settings{{"datafusion.execution.batch_size", "2"},
                                      {"datafusion.execution.time_zone", "UTC"}}));
  EXPECT_EQ(night.setting_locations.at("datafusion.execution.batch_size").line, 7);
  EXPECT_EQ(Toml(text, "bare").project.profile.threads, 0);
  EXPECT_EQ(Toml("[profiles.a]\nextends = \"default\"", "a").reports, Names{});
}

TEST(WeirToml, TheLimitOfViewsIsInheritedAndTakenBack) {
  const std::string text = R"([profiles.default]
view_timeout = "1h30m"
[profiles.ci]
extends = "default"
[profiles.night]
extends = "default"
view_timeout = "none"
)";
  const TimeLimit limit = Toml(text, "ci").project.profile.view_timeout;
  EXPECT_EQ(limit.milliseconds, 5'400'000);
  EXPECT_EQ(limit.set_by, "`view_timeout` in weir.toml:2:16");
  EXPECT_FALSE(Toml(text, "night").project.profile.view_timeout.is_set());
  EXPECT_FALSE(Toml("").project.profile.view_timeout.is_set());
  EXPECT_EQ(Toml("[profiles.a]\nview_timeout = \"soon\"").reports,
            Names{"W1013 weir.toml:2:16 a time such as \"10m\" is wanted for `view_timeout`, found "
                  "`soon` | units are `d`, `h`, `m`, `s` and `ms`, the longest first: \"1h30m\"; "
                  "\"none\" sets no limit"});
  EXPECT_EQ(Toml("[profiles.a]\nview_timeout = [1]").reports,
            Names{"W1012 weir.toml:2:16 a time such as \"10m\" is wanted for `view_timeout`, found "
                  "an array"});
}

TEST(WeirToml, SyntaxErrorsHaveAPlaceAndDoNotHideOthers) {
  const LoadedProject loaded = Load({{"weir.toml", "[project]\nname = \n"}, {"views/a.sql", ""}});
  ASSERT_EQ(loaded.reports.size(), 2u);
  EXPECT_EQ(loaded.reports[0].substr(0, 46), "W1010 weir.toml:2:8 the file is not TOML: Erro");
  EXPECT_EQ(loaded.reports[1].substr(0, 21), "W1201 views/a.sql:1:1");
}

TEST(WeirToml, UnknownKeys) {
  EXPECT_EQ(Toml("[projcet]\n").reports,
            Names{"W1011 weir.toml:1:2 unknown key: `projcet` | did you mean `project`?"});
  EXPECT_EQ(Toml("[project]\nzzz = 1").reports,
            Names{"W1011 weir.toml:2:1 unknown key in [project]: `zzz` | known keys are `name`, "
                  "`warehouse`, `dialect`"});
  EXPECT_EQ(
      Toml("[profiles.unused]\n  memory = 1").reports,
      Names{
          "W1011 weir.toml:2:3 unknown key in a profile: `memory` | did you mean `memory_limit`?"});
}

TEST(WeirToml, WrongTypes) {
  EXPECT_EQ(Toml("project = 1").reports,
            Names{"W1012 weir.toml:1:11 a table is wanted for `project`, found an integer"});
  EXPECT_EQ(Toml("[project]\nname = [1]").reports,
            Names{"W1012 weir.toml:2:8 a string is wanted for `name`, found an array"});
  EXPECT_EQ(Toml("[profiles]\na = 1").reports,
            Names{"W1012 weir.toml:2:5 a table is wanted for `a`, found an integer"});
  EXPECT_EQ(Toml("[profiles.a]\nthreads = \"2\"").reports,
            Names{"W1012 weir.toml:2:11 an integer is wanted for `threads`, found a string"});
  EXPECT_EQ(
      Toml("[profiles.a]\ndeterministic = 1").reports,
      Names{"W1012 weir.toml:2:17 a boolean is wanted for `deterministic`, found an integer"});
  EXPECT_EQ(Toml("[profiles.a]\nmemory_limit = true").reports,
            Names{"W1012 weir.toml:2:16 a size such as \"4GB\" is wanted for `memory_limit`, found "
                  "a boolean"});
  EXPECT_EQ(Toml("[profiles.a]\nextends = 1.5").reports,
            Names{"W1012 weir.toml:2:11 a string is wanted for `extends`, found a decimal number"});
  EXPECT_EQ(Toml("[profiles.a.settings]\ndatafusion.a = 2024-01-01").reports,
            Names{"W1012 weir.toml:2:16 a string, number or boolean is wanted for `datafusion.a`, "
                  "found a date or time"});
  EXPECT_EQ(
      Toml("[object_stores.\"s3://a\"]\nb = {}").reports,
      Names{"W1012 weir.toml:2:5 a string, number or boolean is wanted for `b`, found a table"});
  EXPECT_EQ(Toml("[object_stores]\na = true").reports,
            Names{"W1012 weir.toml:2:5 a table is wanted for `a`, found a boolean"});
}

TEST(WeirToml, ValuesOutOfTheirRange) {
  EXPECT_EQ(Toml("[project]\nwarehouse = \"\"").reports,
            Names{"W1013 weir.toml:2:13 a text is wanted for `warehouse`, found an empty one"});
  EXPECT_EQ(
      Toml("[retention]\nruns = -1").reports,
      Names{"W1013 weir.toml:2:8 a number from 0 to 100000 is wanted for `runs`, found `-1`"});
  EXPECT_EQ(Toml("[retention]\ndays = 1.5").reports,
            Names{"W1012 weir.toml:2:8 an integer is wanted for `days`, found a decimal number"});
  EXPECT_EQ(Toml("[profiles.a]\nthreads = -1").reports,
            Names{"W1013 weir.toml:2:11 a number from 0 (all cores) to 4096 is wanted for "
                  "`threads`, found `-1`"});
  EXPECT_EQ(
      Toml("[profiles.a]\noverflow = \"ignore\"").reports,
      Names{"W1013 weir.toml:2:12 `error` or `wrap` is wanted for `overflow`, found `ignore`"});
  EXPECT_EQ(
      Toml("[profiles.a]\nmax_spill = \"4 XB\"").reports,
      Names{"W1013 weir.toml:2:13 a size such as \"4GB\" is wanted for `max_spill`, found `4 XB`"});
  EXPECT_EQ(
      Toml("[profiles.a]\nmemory_limit = 0").reports,
      Names{"W1013 weir.toml:2:16 a size such as \"4GB\" is wanted for `memory_limit`, found `0`"});
}

TEST(WeirToml, Profiles) {
  EXPECT_EQ(Toml("[profiles.prod]", "prd").reports,
            Names{"there is no profile of this name: `prd` (did you mean `prod`?)"});
  EXPECT_EQ(Toml("", "zz").reports,
            Names{"there is no profile of this name: `zz` (weir.toml has `default`)"});
  EXPECT_EQ(
      Toml("[profile.prod]", "prod").reports,
      (Names{
          "W1011 weir.toml:1:2 unknown key: `profile` | did you mean `profiles`?",
          "W1014 weir.toml there is no profile of this name: `prod` | weir.toml has `default`"}));
  EXPECT_EQ(Toml("[profiles.a]\nextends = \"defualt\"").reports,
            Names{"W1014 weir.toml:2:11 a profile is wanted for `extends`, found `defualt` | did "
                  "you mean `default`?"});
  EXPECT_EQ(Toml("[profiles.a]\nextends = \"b\"\n[profiles.b]\nextends = \"a\"", "a").reports,
            (Names{"W1015 weir.toml:2:11 a profile must not extend itself: `a → b → a`",
                   "W1015 weir.toml:4:11 a profile must not extend itself: `b → a → b`"}));
}

TEST(WeirToml, Settings) {
  EXPECT_EQ(Toml("[profiles.a.settings]\nbatch_size = 1").reports,
            Names{"W1020 weir.toml:2:1 a setting that begins with `datafusion.` is wanted, found "
                  "`batch_size`"});
  EXPECT_EQ(
      Toml("[profiles.a.settings]\n\"datafusion.runtime.memory_limit\" = \"1G\"").reports,
      Names{"W1021 weir.toml:2:1 the profile's own keys are wanted for memory and spilling, found "
            "`datafusion.runtime.memory_limit` | use `memory_limit`, `spill_directory` and "
            "`max_spill`"});
  EXPECT_EQ(Toml("[profiles.a.settings]\n\"datafusion.a\" = 1\ndatafusion.a = 1").reports,
            Names{"W1022 weir.toml:2:1 the setting is set twice: `datafusion.a`"});
  EXPECT_EQ(Toml("[profiles.a.tables]\n\"weir.compression\" = \"zstd\"\n"
                 "weir.compression = \"snappy\"")
                .reports,
            Names{"W1022 weir.toml:2:1 the property is set twice: `weir.compression`"});
}

TEST(WeirToml, ObjectStoresTakeTheirSecretsFromTheEnvironment) {
  ASSERT_EQ(::setenv("WEIR_TEST_SECRET", "s3cr3t", 1), 0);
  ::unsetenv("WEIR_TEST_UNSET");
  const LoadedProject loaded = Toml(R"([object_stores."s3://bucket/"]
AWS_Secret = "<${WEIR_TEST_SECRET}>"
port = 9000
allow_http = true
[object_stores."gs://a"]
)");
  EXPECT_EQ(loaded.reports, Names{});
  ASSERT_EQ(loaded.project.object_stores.size(), 2u);
  EXPECT_EQ(loaded.project.object_stores[0].url, "gs://a");
  EXPECT_EQ(loaded.project.object_stores[1].url, "s3://bucket");
  EXPECT_EQ(loaded.project.object_stores[1].location, (SourceLocation{"weir.toml", 1, 16}));
  EXPECT_EQ(loaded.project.object_stores[1].options,
            (Settings{{"aws_secret", "<s3cr3t>"}, {"port", "9000"}, {"allow_http", "true"}}));

  EXPECT_EQ(
      Toml("[object_stores.\"s3://a\"]\nb = \"${WEIR_TEST_UNSET}\"").reports,
      Names{"W1016 weir.toml:2:5 the environment variable is not set: `WEIR_TEST_UNSET` | set "
            "WEIR_TEST_UNSET, or write `${WEIR_TEST_UNSET:-default}`"});
  EXPECT_EQ(Toml("[object_stores.\"s3://a\"]\nb = \"${A-B}\"").reports,
            Names{"W1017 weir.toml:2:5 the name of an environment variable is wanted in `${…}`, "
                  "found `${A-B}` | write `$${` where "
                  "`${` itself is meant, `${NAME:-default}` for a default"});
  EXPECT_EQ(Toml("[object_stores.\"bucket\"]\nb = 1").reports,
            Names{"W1018 weir.toml:1:16 a URL such as `s3://bucket` is wanted, found `bucket` | "
                  "only scheme and host are wanted, in "
                  "quotes: [object_stores.\"s3://bucket\"]"});
  EXPECT_EQ(Toml("[object_stores.\"s3://a\"]\n[object_stores.\"s3://a/\"]").reports,
            Names{"W1019 weir.toml:2:16 the object store is described twice: `s3://a`"});
}

TEST(WeirToml, UrlsOfObjectStoresTakeVariables) {
  const LoadedProject loaded =
      Toml("[object_stores.\"s3://${WEIR_TEST_NO_SUCH_BUCKET:-b1}\"]\naws_region = \"r\"\n");
  EXPECT_EQ(loaded.reports, Names{});
  ASSERT_EQ(loaded.project.object_stores.size(), 1u);
  EXPECT_EQ(loaded.project.object_stores[0].url, "s3://b1");
  EXPECT_EQ(Toml("[object_stores.\"s3://${WEIR_TEST_NO_SUCH_BUCKET}\"]\n").reports.size(), 1u);
}

TEST(WeirToml, DefaultsOfFunctionsArePartOfAProfile) {
  const LoadedProject loaded =
      Load({{"weir.toml",
             "[profiles.default.functions]\nspan_line_base = 1\nspan_col_unit = \"utf16\"\n"
             "[profiles.b]\nextends = \"default\"\n[profiles.b.functions]\nspan_end_exclusive = "
             "false\n"}},
           "b");
  EXPECT_TRUE(loaded.reports.empty());
  EXPECT_EQ(loaded.project.profile.function_defaults, (FunctionDefaults{1, "utf16", false}));

  const LoadedProject wrong =
      Load({{"weir.toml",
             "[profiles.default.functions]\nspan_line_base = -1\nspan_col_unit = \"utf-16\"\n"
             "span_end_exclusive = 1\nspan_line_bas = 0\n"}});
  EXPECT_EQ(
      wrong.reports,
      (std::vector<std::string>{
          "W1011 weir.toml:5:1 unknown key in `functions` of a profile: `span_line_bas` | did "
          "you mean `span_line_base`?",
          "W1026 weir.toml:2:18 a number from 0 is wanted for `span_line_base`, found `-1`",
          "W1026 weir.toml:3:17 a unit is wanted for `span_col_unit`, found `utf-16` | did "
          "you mean `utf16`?",
          "W1012 weir.toml:4:22 a boolean is wanted for `span_end_exclusive`, found an "
          "integer"}));
}

TEST(ExpandEnvironment, DollarsWithoutBracesStay) {
  ASSERT_EQ(::setenv("WEIR_TEST_A", "1", 1), 0);
  EXPECT_EQ(*ExpandEnvironment("$x $$ $${WEIR_TEST_A} ${WEIR_TEST_A}${WEIR_TEST_A}"),
            "$x $$ ${WEIR_TEST_A} 11");
  EXPECT_FALSE(ExpandEnvironment("${").ok());
  EXPECT_FALSE(ExpandEnvironment("${}").ok());
  EXPECT_FALSE(ExpandEnvironment("${1A}").ok());
}

TEST(ParseByteSize, UnitsArePowersOf1024) {
  EXPECT_EQ(ParseByteSize("17"), 17);
  EXPECT_EQ(ParseByteSize("17 b"), 17);
  EXPECT_EQ(ParseByteSize("2k"), 2048);
  EXPECT_EQ(ParseByteSize("2 KiB"), 2048);
  EXPECT_EQ(ParseByteSize("0.5MB"), 524288);
  EXPECT_EQ(ParseByteSize("100GB"), int64_t{100} << 30);
  EXPECT_EQ(ParseByteSize("1tb"), int64_t{1} << 40);
  for (const char* bad :
       {"", "GB", "-1", "1.", ".5G", "1 2", "1EB", "1Gx", "1.2.3", "99999999999TB"}) {
    EXPECT_EQ(ParseByteSize(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace weir
