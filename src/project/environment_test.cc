// SPDX-License-Identifier: Apache-2.0

#include <cstdlib>

#include <gtest/gtest.h>

#include "weir/project/project_fixture.h"
#include "weir/project/weir_toml.h"

namespace weir {
namespace {

using Names = std::vector<std::string>;

class Environment : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::setenv("WEIR_TEST_A", "a}b", 1), 0);
    ASSERT_EQ(::setenv("WEIR_TEST_EMPTY", "", 1), 0);
    ASSERT_EQ(::unsetenv("WEIR_TEST_NONE"), 0);
  }

  static std::string Expanded(std::string_view text) {
    const auto expanded = ExpandEnvironment(text);
    return expanded.ok() ? *expanded : "error: " + expanded.status().message();
  }
};

TEST_F(Environment, DefaultsStandForWhatIsUnsetOrEmpty) {
  EXPECT_EQ(Expanded("${WEIR_TEST_NONE:-x}"), "x");
  EXPECT_EQ(Expanded("${WEIR_TEST_EMPTY:-x}"), "x");
  EXPECT_EQ(Expanded("${WEIR_TEST_EMPTY}"), "");
  EXPECT_EQ(Expanded("${WEIR_TEST_A:-x}/y"), "a}b/y");
  EXPECT_EQ(Expanded("${WEIR_TEST_NONE:-}"), "");
  EXPECT_EQ(Expanded("${WEIR_TEST_NONE:-a:-b$$ c}d"), "a:-b$$ cd");
}

TEST_F(Environment, DefaultsMayHoldVariables) {
  EXPECT_EQ(Expanded("${WEIR_TEST_NONE:-${WEIR_TEST_EMPTY:-${WEIR_TEST_A}}}!"), "a}b!");
  // What is not needed need not be set.
  EXPECT_EQ(Expanded("${WEIR_TEST_A:-${WEIR_TEST_NONE}}"), "a}b");
  EXPECT_EQ(Expanded("${WEIR_TEST_NONE:-$${x}}"), "${x}");
  EXPECT_EQ(Expanded("${WEIR_TEST_NONE:-${WEIR_TEST_NONE}}"),
            "error: the environment variable is not set: `WEIR_TEST_NONE`");
}

TEST_F(Environment, SyntaxIsCheckedWithoutVariables) {
  EXPECT_TRUE(CheckEnvironmentSyntax("${WEIR_TEST_NONE}").ok());
  for (const char* wrong : {"${", "${}", "${A", "${A:-", "${A:-${}", "${1}", "${A-b}", "${A:b}"})
    EXPECT_FALSE(CheckEnvironmentSyntax(wrong).ok()) << wrong;
}

TEST_F(Environment, ValuesAreUtf8) {
  ASSERT_EQ(::setenv("WEIR_TEST_BYTES", "\xFF", 1), 0);
  EXPECT_EQ(
      Expanded("${WEIR_TEST_BYTES}"),
      "error: UTF-8 is wanted in the environment variable `WEIR_TEST_BYTES`, found other bytes");
}

TEST_F(Environment, FillsInAllTextsOfTheChosenProfile) {
  ASSERT_EQ(::setenv("WEIR_TEST_LAKE", "s3://bucket/lake/", 1), 0);
  const LoadedProject loaded =
      Load({{"weir.toml",
             "[project]\nname = \"${WEIR_TEST_NONE:-shop}\"\nwarehouse = \"${WEIR_TEST_NONE}\"\n"
             "[profiles.default]\nmemory_limit = \"${WEIR_TEST_NONE:-2KB}\"\nspill_directory = "
             "\"${WEIR_TEST_NONE}\"\n[profiles.default.settings]\n"
             "datafusion.execution.batch_size = \"${WEIR_TEST_NONE:-17}\"\n"
             "[profiles.dev]\nextends = \"default\"\nwarehouse = \"${WEIR_TEST_LAKE}\"\n"
             "spill_directory = \"tmp\"\n"
             "[profiles.other]\nwarehouse = \"${WEIR_TEST_NONE}\"\n"}},
           "dev");
  EXPECT_EQ(loaded.reports, Names{});
  EXPECT_EQ(loaded.project.name, "shop");
  EXPECT_EQ(loaded.project.warehouse_uri, "s3://bucket/lake");
  EXPECT_EQ(loaded.project.profile.memory_limit_bytes, 2048);
  EXPECT_EQ(loaded.project.profile.spill_directory, "/p/tmp");
  EXPECT_EQ(loaded.project.profile.settings.at("datafusion.execution.batch_size"), "17");
}

TEST_F(Environment, OnlyWhatIsNeededMustBeSet) {
  const std::string toml =
      "[project]\nwarehouse = \"here\"\n[profiles.prod]\nwarehouse = \"${WEIR_TEST_NONE}\"\n"
      "threads = -1\n[profiles.ci]\nextends = \"prod\"\nwarehouse = \"${\"\n";
  EXPECT_EQ(Load({{"weir.toml", toml}}).reports,
            (Names{"W1017 weir.toml:8:13 the name of an environment variable is wanted in `${…}`, "
                   "found `${` | write `$${` where `${` itself is meant, `${NAME:-default}` for a "
                   "default",
                   "W1013 weir.toml:5:11 a number from 0 (all cores) to 4096 is wanted for "
                   "`threads`, found `-1`"}));
  EXPECT_EQ(Load({{"weir.toml", toml}}, "prod").reports.back(),
            "W1016 weir.toml:4:13 the environment variable is not set: `WEIR_TEST_NONE` | set "
            "WEIR_TEST_NONE, or write `${WEIR_TEST_NONE:-default}`");
}

TEST_F(Environment, ProfilesTakeOverWarehouses) {
  const std::string toml =
      "[project]\nwarehouse = \"a\"\n[profiles.dev]\nwarehouse = \"b/\"\n"
      "[profiles.mine]\nextends = \"dev\"\n[profiles.other]\n";
  EXPECT_EQ(Load({{"weir.toml", toml}}).project.warehouse_uri, "/p/a");
  EXPECT_EQ(Load({{"weir.toml", toml}}, "dev").project.warehouse_uri, "/p/b");
  EXPECT_EQ(Load({{"weir.toml", toml}}, "mine").project.warehouse_uri, "/p/b");
  EXPECT_EQ(Load({{"weir.toml", toml}}, "other").project.warehouse_uri, "/p/a");
}

TEST_F(Environment, SourcesReadWhereItSays) {
  const LoadedProject loaded =
      Load({{"sources/s.sql",
             "CREATE EXTERNAL TABLE s STORED AS CSV LOCATION '${WEIR_TEST_NONE:-data}/s.csv'\n"
             "OPTIONS (delimiter '${WEIR_TEST_NONE:-;}');\n"
             "CREATE EXTERNAL TABLE d STORED AS DELTATABLE LOCATION 'd' OPTIONS (version "
             "'${WEIR_TEST_NONE:-3}');\n"
             "CREATE EXTERNAL TABLE t STORED AS CSV\n  LOCATION '${WEIR_TEST_NONE}'\n"
             "  OPTIONS (quote '${');\n"
             "CREATE EXTERNAL TABLE u STORED AS CSV LOCATION '${WEIR_TEST_EMPTY}';"}});
  EXPECT_EQ(loaded.reports,
            (Names{"W1016 sources/s.sql:5:12 the environment variable is not set: "
                   "`WEIR_TEST_NONE` | set WEIR_TEST_NONE, or write `${WEIR_TEST_NONE:-default}`",
                   "W1017 sources/s.sql:6:18 the name of an environment variable is wanted in "
                   "`${…}`, found `${` | write `$${` where `${` itself is meant, "
                   "`${NAME:-default}` for a default",
                   "W1312 sources/s.sql:7:48 a path or URL is wanted, found nothing in the place "
                   "of `${WEIR_TEST_EMPTY}`"}));
  ASSERT_EQ(loaded.project.sources.size(), 2U);
  EXPECT_EQ(loaded.project.sources[0].version, 3);
  EXPECT_EQ(loaded.project.sources[1].uri, "/p/data/s.csv");
  EXPECT_EQ(loaded.project.sources[1].options.at("delimiter"), ";");
}

}  // namespace
}  // namespace weir
