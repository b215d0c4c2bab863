// SPDX-License-Identifier: Apache-2.0

#include "weir/project/source_parser.h"

#include <gtest/gtest.h>

#include "weir/project/project_fixture.h"

namespace weir {
namespace {

using Names = std::vector<std::string>;
using Options = std::map<std::string, std::string>;

Names ReportsOf(const std::string& sql) {
  Diagnostics diagnostics;
  ParseSourceFile({"sources/s.sql", sql}, "/p", diagnostics);
  return Reports(diagnostics);
}

std::vector<SourceDefinition> ParsedAll(const std::string& sql) {
  Diagnostics diagnostics;
  auto sources = ParseSourceFile({"sources/s.sql", sql}, "/p", diagnostics);
  EXPECT_EQ(Reports(diagnostics), Names{});
  return sources;
}

SourceDefinition Parsed(const std::string& sql) {
  auto sources = ParsedAll(sql);
  EXPECT_EQ(sources.size(), 1u);
  return sources.empty() ? SourceDefinition{} : sources[0];
}

/// A source of `format` with these options.
std::string With(const std::string& format, const std::string& options) {
  return "CREATE EXTERNAL TABLE a STORED AS " + format + " LOCATION 'x' OPTIONS (" + options + ")";
}

TEST(SourceParser, TheWholeStatement) {
  const SourceDefinition source = Parsed(R"(-- flights
CREATE UNBOUNDED EXTERNAL TABLE IF NOT EXISTS Flights (
  year INT NOT NULL, "Carrier" VARCHAR NULL,
  price DECIMAL(10, 2), legs STRUCT<a INT, b ARRAY<TEXT>> NOT NULL, at TIMESTAMP WITH TIME ZONE)
OPTIONS ('format.has_header' 'TRUE', 'delimiter'='\t', quote '5', NULL_REGEX NA, schema_infer_max_rec 100)
PARTITIONED BY (year) LOCATION 'data/flights/'
STORED AS csv;)");
  EXPECT_EQ(source.name, "flights");
  EXPECT_EQ(source.format, SourceFormat::kCsv);
  EXPECT_TRUE(source.unbounded);
  EXPECT_EQ(source.location_as_written, "data/flights/");
  EXPECT_EQ(source.uri, "/p/data/flights/");
  EXPECT_EQ(source.columns,
            (std::vector<ColumnDefinition>{{"year", "INT", false},
                                           {"Carrier", "VARCHAR", true},
                                           {"price", "DECIMAL(10, 2)", true},
                                           {"legs", "STRUCT<a INT, b ARRAY<TEXT>>", false},
                                           {"at", "TIMESTAMP WITH TIME ZONE", true}}));
  EXPECT_EQ(source.partition_columns, Names{"year"});
  EXPECT_EQ(source.options, (Options{{"has_header", "true"},
                                     {"delimiter", "\t"},
                                     {"quote", "53"},
                                     {"null_regex", "NA"},
                                     {"schema_infer_max_rec", "100"}}));
  EXPECT_TRUE(source.ddl.starts_with("CREATE UNBOUNDED") && source.ddl.ends_with("STORED AS csv"));
  EXPECT_EQ(source.location, (SourceLocation{"sources/s.sql", 2, 1}));
}

TEST(SourceParser, SeveralStatementsInAFile) {
  const auto sources = ParsedAll(
      "CREATE EXTERNAL TABLE a STORED AS PARQUET LOCATION 'a';;\nCREATE EXTERNAL TABLE b STORED AS "
      "JSON LOCATION 'b'");
  ASSERT_EQ(sources.size(), 2u);
  EXPECT_EQ(sources[1].name, "b");
  EXPECT_EQ(sources[1].format, SourceFormat::kNdjson);
  EXPECT_EQ(sources[1].location, (SourceLocation{"sources/s.sql", 2, 1}));
  EXPECT_TRUE(ParsedAll("-- nothing yet\n").empty());
}

TEST(SourceParser, AnErrorSpoilsItsOwnStatementOnly) {
  Diagnostics diagnostics;
  const auto sources = ParseSourceFile({"sources/s.sql",
                                        "CREATE EXTERNAL TABLE a LOCATION;\nCREATE EXTERNAL TABLE "
                                        "b STORED AS CSV LOCATION 'b';\nSELECT 1;"},
                                       "/p", diagnostics);
  ASSERT_EQ(sources.size(), 1u);
  EXPECT_EQ(sources[0].name, "b");
  EXPECT_EQ(Reports(diagnostics),
            (Names{"W1101 sources/s.sql:1:33 a location in quotes expected, found `;`",
                   "W1301 sources/s.sql:3:1 `CREATE EXTERNAL TABLE` is wanted in a file of "
                   "sources, found `SELECT` | views go under "
                   "views/"}));
}

TEST(SourceParser, LocationsAreRelativeToTheProject) {
  EXPECT_EQ(ResolveLocation("data/a.csv", "/p"), "/p/data/a.csv");
  EXPECT_EQ(ResolveLocation("./data//b/../c/", "/p"), "/p/data/c/");
  EXPECT_EQ(ResolveLocation("../x", "/p/q"), "/p/x");
  EXPECT_EQ(ResolveLocation("/abs/x", "/p"), "/abs/x");
  EXPECT_EQ(ResolveLocation("s3://bucket/a/../b/", "/p"), "s3://bucket/a/../b/");
}

TEST(SourceParser, DeltaPinsAreNoOptions) {
  const SourceDefinition pinned = Parsed(With("DELTATABLE", "'version' '12', 'AWS_REGION' 'eu'"));
  EXPECT_EQ(pinned.version, 12);
  EXPECT_EQ(pinned.timestamp, std::nullopt);
  EXPECT_EQ(pinned.options, (Options{{"aws_region", "eu"}}));
  EXPECT_EQ(Parsed(With("DELTATABLE", "timestamp '2024-05-31T12:00:00Z'")).timestamp,
            "2024-05-31T12:00:00Z");
}

TEST(SourceParser, OptionsOfEveryFormatAreNoneOfItsReader) {
  for (const char* format : {"CSV", "JSON", "PARQUET", "DELTATABLE"}) {
    const SourceDefinition source =
        Parsed(With(format, "file_column 'Path', 'row_number_column' 'n', schema_drift 'ERROR'"));
    EXPECT_EQ(source.file_column, "Path") << format;
    EXPECT_EQ(source.row_column, "n");
    EXPECT_EQ(source.schema_drift, SchemaDrift::kError);
    EXPECT_EQ(source.options, Options{});
    EXPECT_EQ(ReportsOf(With(format, "schema_drift 'strict'")).size(), 1u);
    EXPECT_EQ(ReportsOf(With(format, "file_column ''")).size(), 1u);
    EXPECT_EQ(ReportsOf(With(format, "file_column 'a', row_number_column 'A'")).size(), 1u);
  }
  EXPECT_FALSE(Parsed(With("DELTATABLE", "pushdown_filters 'false'")).pushes_filters);
  EXPECT_EQ(Parsed(With("PARQUET", "pushdown_filters 'false'")).options,
            (Options{{"pushdown_filters", "false"}}));
}

TEST(SourceParser, ColumnsOfADeltaTableAreDeclaredWithTheirPlaces) {
  const SourceDefinition source = Parsed(
      "CREATE EXTERNAL TABLE a (\n  b INT,\n  \"C\" VARCHAR NOT NULL) STORED AS DELTATABLE "
      "LOCATION "
      "'x'");
  EXPECT_EQ(source.columns.size(), 2u);
  EXPECT_EQ(source.column_locations.at("C"), (SourceLocation{"sources/s.sql", 3, 3}));
}

TEST(SourceParser, TypedPartitionColumnsAreColumnsToo) {
  const SourceDefinition source = Parsed(
      "CREATE EXTERNAL TABLE a (b INT) STORED AS CSV LOCATION 'x' PARTITIONED BY (year INT, month "
      "INT)");
  EXPECT_EQ(source.partition_columns, (Names{"year", "month"}));
  EXPECT_EQ(source.columns,
            (std::vector<ColumnDefinition>{
                {"b", "INT", true}, {"year", "INT", true}, {"month", "INT", true}}));
  EXPECT_EQ(Parsed("CREATE EXTERNAL TABLE a STORED AS CSV LOCATION 'x' PARTITIONED BY (y)")
                .partition_columns,
            Names{"y"});
}

TEST(SourceParser, SyntaxErrors) {
  EXPECT_EQ(ReportsOf("CREATE VIEW a AS SELECT 1"),
            Names{"W1301 sources/s.sql:1:8 `EXTERNAL TABLE` is wanted in a file of sources, found "
                  "`VIEW` | views go under views/"});
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL a"),
            Names{"W1101 sources/s.sql:1:17 `TABLE` expected, found `a`"});
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL TABLE a (b) STORED AS CSV"),
            Names{"W1101 sources/s.sql:1:27 a type expected, found `)`"});
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL TABLE a (b INT"),
            Names{"W1101 sources/s.sql:1:31 `,` or `)` expected, found the end of the file"});
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL TABLE a\nSTORED CSV"),
            Names{"W1101 sources/s.sql:2:8 `AS` expected, found `CSV`"});
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL TABLE a FORMAT x"),
            Names{"W1101 sources/s.sql:1:25 `STORED AS`, `LOCATION`, `PARTITIONED BY`, `OPTIONS` "
                  "or `;` expected, found `FORMAT`"});
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL TABLE a OPTIONS ('b')"),
            Names{"W1101 sources/s.sql:1:37 a value expected, found `)`"});
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL TABLE a LOCATION ('b', 'c')"),
            Names{"W1101 sources/s.sql:1:34 a location in quotes expected, found `(`"});
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL TABLE a WITH HEADER ROW"),
            Names{"W1101 sources/s.sql:1:30 `ORDER` expected, found `HEADER`"});
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL TABLE s.a"),
            Names{"W1204 sources/s.sql:1:23 a table name without a schema is wanted, found `s.a` | "
                  "all tables of a project are in one "
                  "schema"});
}

TEST(SourceParser, BothClausesAreNeeded) {
  EXPECT_EQ(ReportsOf("\n CREATE EXTERNAL TABLE a"),
            (Names{"W1302 sources/s.sql:2:2 `STORED AS` is wanted in CREATE EXTERNAL TABLE, found "
                   "none for `a`",
                   "W1302 sources/s.sql:2:2 `LOCATION` is wanted in CREATE EXTERNAL TABLE, found "
                   "none for `a`"}));
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL TABLE a STORED AS CSV LOCATION ''"),
            Names{"W1312 sources/s.sql:1:48 a path or URL is wanted, found an empty location"});
}

TEST(SourceParser, UnknownFormatsAndOptionsComeWithTheNearestNames) {
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL TABLE a STORED AS DELTA LOCATION 'x'"),
            Names{"W1303 sources/s.sql:1:35 `DELTATABLE`, `PARQUET`, `CSV` or `NDJSON` is wanted "
                  "after STORED AS, found `DELTA` | did you "
                  "mean `DELTATABLE`?"});
  EXPECT_EQ(ReportsOf(With("CSV", "'has_haeder' 'true'")),
            Names{"W1304 sources/s.sql:1:61 unknown option of a csv source: `has_haeder` | did you "
                  "mean `has_header`?"});
  EXPECT_EQ(ReportsOf(With("PARQUET", "aws_region 'x'")),
            Names{"W1304 sources/s.sql:1:65 unknown option of a parquet source: `aws_region` | "
                  "access to storage is set in weir.toml, "
                  "under [object_stores]"});
  EXPECT_EQ(ReportsOf(With("JSON", "version 1")),
            Names{"W1304 sources/s.sql:1:62 unknown option of a ndjson source: `version`"});
  EXPECT_EQ(ReportsOf(With("PARQUET", "'compression::col' 'snappy'")), Names{});
}

TEST(SourceParser, OptionValuesAreChecked) {
  EXPECT_EQ(
      ReportsOf(With("CSV", "has_header yes")),
      Names{"W1305 sources/s.sql:1:72 `true` or `false` is wanted for `has_header`, found `yes`"});
  EXPECT_EQ(
      ReportsOf(With("CSV", "delimiter '||'")),
      Names{"W1305 sources/s.sql:1:71 one ASCII character is wanted for `delimiter`, found `||`"});
  EXPECT_EQ(ReportsOf(With("CSV", "compression 'rar'")),
            Names{"W1305 sources/s.sql:1:73 `gzip`, `bzip2`, `xz`, `zstd` or `uncompressed` is "
                  "wanted for `compression`, found `rar`"});
  EXPECT_EQ(
      ReportsOf(With("DELTATABLE", "version -1")),
      Names{
          "W1305 sources/s.sql:1:76 a whole number from 0 on is wanted for `version`, found `-1`"});
  EXPECT_EQ(ReportsOf(With("DELTATABLE", "timestamp 'yesterday'")),
            Names{"W1305 sources/s.sql:1:78 a time such as `2024-05-31T12:00:00Z` is wanted for "
                  "`timestamp`, found `yesterday`"});
  EXPECT_EQ(ReportsOf(With("CSV", "quote 'a', 'format.quote' 'b'")),
            Names{"W1306 sources/s.sql:1:72 the option is set twice: `quote`"});
  EXPECT_EQ(
      ReportsOf(With("DELTATABLE", "version 1, timestamp '2024-05-31T12:00:00Z'")),
      Names{"W1307 sources/s.sql:1:79 either a `version` or a `timestamp` is wanted, found both"});
}

TEST(SourceParser, TimestampsAreRfc3339) {
  for (const char* time : {"2024-05-31T12:00:00Z", "2024-05-31 12:00:00.123+02:00"}) {
    EXPECT_EQ(Parsed(With("DELTATABLE", fmt::format("timestamp '{}'", time))).timestamp, time);
  }
  for (const char* time : {"", "2024-05-31", "2024-05-31T12:00:00", "2024-05-31T12:00:00.Z",
                           "2024-05-31T12:00:00Z ", "2024-05-31T12:00:00+2:00"}) {
    EXPECT_EQ(ReportsOf(With("DELTATABLE", fmt::format("timestamp '{}'", time))).size(), 1u)
        << time;
  }
}

TEST(SourceParser, WhatIsNotSupported) {
  EXPECT_EQ(
      ReportsOf(
          "CREATE EXTERNAL TABLE a (b INT) STORED AS CSV WITH ORDER (b ASC, (b)) LOCATION 'x'"),
      Names{"W1308 sources/s.sql:1:47 a declared order is not supported: `WITH ORDER` | leave the "
            "clause out"});
  EXPECT_EQ(
      ReportsOf("CREATE EXTERNAL TABLE a STORED AS DELTATABLE LOCATION 'x' PARTITIONED BY (b)"),
      Names{
          "W1309 sources/s.sql:1:59 a Delta table brings its own partitions, found some for `a` | "
          "leave PARTITIONED BY out; a partition column may stand among the columns"});
  EXPECT_EQ(
      ReportsOf("CREATE EXTERNAL TABLE a (b INT) STORED AS DELTATABLE LOCATION 'x' "
                "OPTIONS ('change_feed' 'true')"),
      Names{"W1309 sources/s.sql:1:1 a change feed brings its own columns, found some for `a` "
            "| leave the column list out"});
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL TABLE a (b INT PRIMARY KEY) STORED AS CSV LOCATION 'x'"),
            Names{"W1311 sources/s.sql:1:32 only NOT NULL is supported after the type of a column, "
                  "found `PRIMARY`"});
}

TEST(SourceParser, NothingIsSaidTwiceAndPartitionsAreColumns) {
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL TABLE a STORED AS CSV STORED AS CSV LOCATION 'x'"),
            Names{"W1210 sources/s.sql:1:39 the clause stands here twice: `STORED`"});
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL TABLE a (b INT, B INT) STORED AS CSV LOCATION 'x'"),
            Names{"W1211 sources/s.sql:1:33 the column is named twice: `b`"});
  EXPECT_EQ(ReportsOf("CREATE EXTERNAL TABLE a STORED AS CSV LOCATION 'x' PARTITIONED BY (b, b)"),
            Names{"W1211 sources/s.sql:1:71 the column is named twice: `b`"});
  EXPECT_EQ(
      ReportsOf(
          "CREATE EXTERNAL TABLE a (year INT) STORED AS CSV LOCATION 'x' PARTITIONED BY (yaer)"),
      Names{"W1212 sources/s.sql:1:79 a column of the source is wanted, found `yaer` | did you "
            "mean `year`?"});
}

}  // namespace
}  // namespace weir
