// SPDX-License-Identifier: Apache-2.0
//
// What is declared of the table functions. Their rows come from rooms that know more: `session`.

#include <arrow/type.h>

#include "weir/functions/function_sets.h"

namespace weir {
namespace {

FunctionArgument TableArgument() {
  return {.name = "table",
          .type = "table",
          .description =
              "A source or a stored view of the project, by name, or the path or URL of a "
              "table.",
          .default_value = std::nullopt,
          .optional = false};
}

using Type = std::shared_ptr<arrow::DataType>;

Type Text() { return arrow::utf8(); }
Type Texts() { return arrow::list(Text()); }
Type TextMap() { return arrow::map(Text(), Text()); }
Type Int64() { return arrow::int64(); }
Type Time() { return arrow::timestamp(arrow::TimeUnit::MILLI, "UTC"); }

FunctionColumn Column(const std::string& name, Type type, std::string description) {
  return {.field = arrow::field(name, std::move(type)), .description = std::move(description)};
}

/// A column that is never NULL.
FunctionColumn Key(const std::string& name, Type type, std::string description) {
  return {.field = arrow::field(name, std::move(type), /*nullable=*/false),
          .description = std::move(description)};
}

/// As `udf_docs()` shows a parameter.
Type ArgumentType() {
  return arrow::struct_({arrow::field("name", Text()), arrow::field("type", Text()),
                         arrow::field("description", Text()), arrow::field("default", Text()),
                         arrow::field("optional", arrow::boolean())});
}

/// The arguments are constants; those of one signature and its beginnings.
FunctionDeclaration Declare(std::string name, std::vector<std::string> tags,
                            std::string description) {
  FunctionDeclaration declaration;
  declaration.example = name + "()";
  declaration.name = std::move(name);
  declaration.kind = FunctionKind::kTable;
  declaration.volatility = Volatility::kStable;
  declaration.tags = std::move(tags);
  declaration.description = std::move(description);
  declaration.signatures = {{}};
  declaration.result_type = "rows";
  declaration.null_handling = "Takes no arguments.";
  return declaration;
}

FunctionDeclaration DeclareOfTable(std::string name, std::vector<std::string> tags,
                                   std::string description) {
  FunctionDeclaration declaration =
      Declare(std::move(name), std::move(tags), std::move(description));
  declaration.arguments = {TableArgument()};
  declaration.signatures = {{arrow::utf8()}};
  declaration.null_handling = "An error for a NULL argument.";
  declaration.example = declaration.name + "('flights')";
  return declaration;
}

FunctionDeclaration Docs() {
  FunctionDeclaration declaration = Declare(
      "udf_docs", {"deterministic"},
      "The documentation of the native functions, one row a function; as `weir functions`.");
  declaration.columns = {
      Column("name", Text(), "Of the function, in lower case."),
      Column("aliases", Texts(), "Other names of it."),
      Column("kind", Text(), "`scalar`, `aggregate` or `table`."),
      Column("syntax", Text(), "How it is called."),
      Column("result", Text(), "What it returns."),
      Column("description", Text(), "What it means."),
      Column("arguments", arrow::list(ArgumentType()),
             "name, type, description, default (SQL text or NULL) and optional, in their order."),
      Column("null_handling", Text(), "What becomes of NULL."),
      Column("example", Text(), "A call."),
      Column("tags", Texts(), "What it is about, ordered by name."),
      Column("semantic_version", arrow::int32(), "Raised whenever a result can change."),
  };
  return declaration;
}

FunctionDeclaration Registry() {
  FunctionDeclaration declaration =
      Declare("udf_registry", {"deterministic"},
              "All functions that a query can call, the engine's own and the user's included, one "
              "row a function and kind. The hash over them is recorded with every run.");
  declaration.columns = {
      Column("name", Text(), "Of the function."),
      Column("kind", Text(), "`scalar`, `aggregate`, `window`, `higher_order` or `table`."),
      Column("origin", Text(), "`native`, `datafusion` or `user`."),
      Column("version", Text(),
             "`native:<semantic version>`, `datafusion:<release>` or "
             "`user:<fingerprint of its expression>`."),
      Column("aliases", Texts(), "Other names of it."),
      Column("signatures", Texts(), "The types that it takes, one text a signature."),
      Column("volatility", Text(), "`immutable`, `stable` or `volatile`."),
      Column("tags", Texts(), "Of a native function."),
  };
  return declaration;
}

FunctionDeclaration ChangeFeed() {
  FunctionDeclaration declaration = DeclareOfTable(
      "delta_cdf", {"cdf", "delta", "incremental"},
      "The rows that a Delta table's commits inserted, deleted and updated, from version `start` "
      "to version `end`, both included: the table's columns, and `_change_type`, "
      "`_commit_version`, `_commit_timestamp`. A commit that only adds files, or only removes "
      "some, tells its rows anyway; for others the table must record its changes "
      "(`delta.enableChangeDataFeed`). Views may read the feed of a Delta source, with versions as "
      "numbers.");
  declaration.arguments.push_back({.name = "start",
                                   .type = "int64 or text",
                                   .description = "First version, or a time in RFC 3339",
                                   .default_value = "0",
                                   .optional = false});
  declaration.arguments.push_back(
      {.name = "end",
       .type = "int64 or text",
       .description = "Last version, or a time in RFC 3339; the latest if left out",
       .default_value = std::nullopt,
       .optional = true});
  declaration.signatures = {{arrow::utf8(), arrow::int64(), arrow::int64()}};
  declaration.null_handling = "An error for a NULL table; NULL as `start` or `end` leaves it out.";
  declaration.result_type = "rows: the table's columns and three of the change";
  declaration.example = "delta_cdf('flights', 3, end => 5)";
  return declaration;
}

FunctionDeclaration History() {
  FunctionDeclaration declaration = DeclareOfTable(
      "delta_history", {"delta"},
      "The commits of a Delta table, one row a version, as far back as its log reaches and up to "
      "the version that the project reads.");
  declaration.columns = {
      Key("version", Int64(), "Of the table after the commit."),
      Column("timestamp", Time(), "When it was committed."),
      Column("operation", Text(), "What its writer calls it: `WRITE`, `MERGE` …"),
      Column("operation_parameters", TextMap(), "Of the operation."),
      Column("operation_metrics", TextMap(), "Of the operation, where its writer counts."),
      Column("files_added", Int64(), "Data files that the commit added."),
      Column("files_removed", Int64(), "Data files that the commit removed."),
      Column("bytes_added", Int64(), "Their size."),
      Column("is_blind_append", arrow::boolean(),
             "Whether the commit read nothing; NULL if not said."),
      Column("engine", Text(), "The writer."),
      Column("run_id", Text(), "The run of Weir that committed it; NULL for other writers."),
  };
  return declaration;
}

FunctionDeclaration Files() {
  FunctionDeclaration declaration = DeclareOfTable(
      "delta_files", {"delta"},
      "The data files of a Delta table at the version that the project reads, one row a file, "
      "ordered by path, with the statistics of its log.");
  declaration.columns = {
      Key("path", Text(), "Relative to the table's folder, decoded."),
      Column("size_bytes", Int64(), "Of the file."),
      Column("modified_at", Time(), "When it was written."),
      Column("partition_values", TextMap(), "Partition column to value."),
      Column("rows", Int64(), "That the file holds; NULL if unknown."),
      Column("deleted_rows", Int64(), "Of them masked by a deletion vector; NULL without one."),
      Column("min_values", TextMap(), "Column to its smallest value; fields of structs with dots."),
      Column("max_values", TextMap(), "Column to its largest value."),
      Column("null_counts", arrow::map(Text(), Int64()), "Column to its number of NULLs."),
  };
  return declaration;
}

FunctionArgument Omittable(std::string name, std::string type, std::string description) {
  return {.name = std::move(name),
          .type = std::move(type),
          .description = std::move(description),
          .default_value = std::nullopt,
          .optional = true};
}

/// Reads what stands at a path.
FunctionDeclaration DeclareOfPath(std::string name, std::string description,
                                  std::vector<FunctionArgument> options) {
  FunctionDeclaration declaration = Declare(std::move(name), {"files"}, std::move(description));
  declaration.arguments = {{.name = "path",
                            .type = "text",
                            .description = "A file, a folder, a pattern (`*`, `**`, `?`, `[…]`) or "
                                           "a URL; relative to the current folder",
                            .default_value = std::nullopt,
                            .optional = false}};
  for (FunctionArgument& option : options) declaration.arguments.push_back(std::move(option));
  declaration.signatures = {{arrow::utf8()}};
  declaration.null_handling = "An error for a NULL path; NULL elsewhere leaves the argument out.";
  declaration.result_type = "rows of the files";
  return declaration;
}

FunctionArgument Partitioning() {
  return Omittable("hive_partitioning", "boolean",
                   "Whether folders named `column=value` are columns; true if left out");
}

FunctionArgument CompressionArgument() {
  return Omittable("compression", "text",
                   "`gzip`, `bzip2`, `xz`, `zstd` or `uncompressed`; what the file's name says if "
                   "left out");
}

FunctionDeclaration DeltaScan() {
  FunctionDeclaration declaration = DeclareOfPath(
      "delta_scan",
      "The rows of a Delta table: of a source or a stored view of the project by its name, or of "
      "the folder of a table. Without `version` and `timestamp` the version that the project "
      "reads, or the latest.",
      {Omittable("version", "int64", "The table's version"),
       Omittable("timestamp", "text", "A time in RFC 3339: the last version committed by then")});
  declaration.tags = {"delta", "files"};
  declaration.arguments[0].description =
      "A source or a stored view, by name, or the folder or URL of a table";
  declaration.result_type = "rows of the table";
  declaration.example = "delta_scan('lake/orders', version => 3)";
  return declaration;
}

FunctionDeclaration ReadParquet() {
  FunctionDeclaration declaration =
      DeclareOfPath("read_parquet", "The rows of Parquet files, whatever their names end with.",
                    {Partitioning()});
  declaration.example = "read_parquet('data/*.parquet')";
  return declaration;
}

FunctionDeclaration ReadCsv() {
  FunctionDeclaration declaration = DeclareOfPath(
      "read_csv", "The rows of CSV files, whatever their names end with, read as sources are.",
      {Omittable("delim", "text", "Between fields, one character or `\\t`; `,` if left out"),
       Omittable("header", "boolean", "Whether the first line names the columns; true if left out"),
       Omittable("quote", "text", "Around fields, one character; `\"` if left out"),
       Omittable("escape", "text",
                 "Before a quote within quotes, one character; the quote is "
                 "doubled if left out"),
       Omittable("comment", "text", "Lines that begin with this character are left out"),
       Omittable("null_padding", "boolean",
                 "Whether lines may be short, what is missing being NULL; false if left out"),
       Omittable("nullstr", "text", "A text that is NULL, beside empty fields"),
       CompressionArgument(), Partitioning()});
  declaration.example = "read_csv('data/*.txt', delim => ';')";
  return declaration;
}

FunctionDeclaration ReadJson() {
  FunctionDeclaration declaration = DeclareOfPath(
      "read_json",
      "The rows of JSON files, whatever their names end with: records of one line each, or one "
      "array of records.",
      {Omittable("format", "text", "`auto`, `newline_delimited` or `array`; `auto` if left out"),
       CompressionArgument(), Partitioning()});
  declaration.example = "read_json('data/events.json')";
  return declaration;
}

FunctionDeclaration ReadNdjson() {
  FunctionDeclaration declaration = DeclareOfPath(
      "read_ndjson", "The rows of JSON files of one record a line, whatever their names end with.",
      {CompressionArgument(), Partitioning()});
  declaration.example = "read_ndjson('data/events.log')";
  return declaration;
}

FunctionDeclaration ListFilesCache() {
  FunctionDeclaration declaration =
      Declare("list_files_cache", {"delta"},
              "The listings of folders that the engine keeps in this process, one row a folder.");
  declaration.columns = {
      Column("table_name", Text(), "The table that it belongs to; NULL for none."),
      Column("path", Text(), "Of the folder, within its store."),
      Column("files", Int64(), "Number of objects listed."),
      Column("file_paths", Texts(), "Theirs."),
      Column("cached_bytes", Int64(), "Memory that the entry takes."),
      Column("hits", Int64(), "How often it was used."),
      Column("expires_in_ms", Int64(), "NULL: never."),
  };
  return declaration;
}

FunctionDeclaration MetadataCache() {
  FunctionDeclaration declaration = Declare(
      "metadata_cache", {"delta"},
      "The footers of Parquet files that the engine keeps in this process, one row a file.");
  declaration.columns = {
      Column("path", Text(), "Of the file, within its store."),
      Column("size_bytes", Int64(), "Of the file."),
      Column("modified_at", Time(), "Of the file."),
      Column("etag", Text(), "Of the file, where its store has one."),
      Column("cached_bytes", Int64(), "Memory that the entry takes."),
      Column("hits", Int64(), "How often it was used."),
  };
  return declaration;
}

FunctionDeclaration StatisticsCache() {
  FunctionDeclaration declaration =
      Declare("statistics_cache", {"delta"},
              "The statistics of files that the engine keeps in this process, one row a file.");
  declaration.columns = {
      Column("table_name", Text(), "The table that it belongs to; NULL for none."),
      Column("path", Text(), "Of the file, within its store."),
      Column("size_bytes", Int64(), "Of the file."),
      Column("modified_at", Time(), "Of the file."),
      Column("etag", Text(), "Of the file, where its store has one."),
      Column("rows", Int64(), "Of the file; NULL if unknown."),
      Column("columns", Int64(), "Columns that there are statistics of."),
      Column("cached_bytes", Int64(), "Memory that the entry takes."),
      Column("hits", Int64(), "How often it was used."),
  };
  return declaration;
}

}  // namespace

void AddTableFunctions(std::vector<std::shared_ptr<const FunctionDeclaration>>* functions) {
  for (const auto& declare :
       {&Docs, &Registry, &ChangeFeed, &History, &Files, &DeltaScan, &ReadParquet, &ReadCsv,
        &ReadJson, &ReadNdjson, &ListFilesCache, &MetadataCache, &StatisticsCache}) {
    functions->push_back(std::make_shared<const FunctionDeclaration>(declare()));
  }
}

}  // namespace weir
