// SPDX-License-Identifier: Apache-2.0
//
// What a user's project folder says, as values: sources, views, tests and settings. Nothing here
// has met the engine: names are not resolved, types not known, data not looked at.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/base/filesystem.h"
#include "weir/base/result.h"
#include "weir/project/time_limit.h"
#include "weir/project/watch_settings.h"

namespace weir {

/// How a source's files are read: STORED AS DELTATABLE | PARQUET | CSV | NDJSON (or JSON).
enum class SourceFormat { kDelta, kParquet, kCsv, kNdjson };

/// "delta", "parquet", "csv" or "ndjson".
std::string_view ToString(SourceFormat format);

/// A column that a source declares.
struct ColumnDefinition {
  std::string name;      ///< lower case unless it was quoted
  std::string sql_type;  ///< as written, comments and line breaks removed
  bool nullable = true;

  bool operator==(const ColumnDefinition&) const = default;
};

/// What becomes of a source whose data has other columns than it declares, or whose files differ
/// in their columns: OPTIONS ('schema_drift' 'warn' | 'error' | 'ignore').
enum class SchemaDrift {
  kWarn,    ///< reported where it can be read nevertheless
  kError,   ///< the source cannot be read
  kIgnore,  ///< not looked for where columns are declared, else not reported
};

/// One CREATE EXTERNAL TABLE.
struct SourceDefinition {
  std::string name;  ///< lower case unless it was quoted
  SourceFormat format = SourceFormat::kParquet;
  std::string location_as_written;  ///< with the environment's variables filled in
  /// Absolute path (relative ones are relative to the project folder), or the URL. A
  /// slash at the end, which means a folder, is kept.
  std::string uri;
  std::vector<ColumnDefinition>
      columns;  ///< partition columns with a type included; empty: inferred
  std::map<std::string, SourceLocation> column_locations = {};  ///< of the names, by them
  std::vector<std::string> partition_columns;                   ///< in the order of the folders
  /// Lower-case keys without "format.", and without the pins. Characters such as `\t` are already
  /// replaced.
  std::map<std::string, std::string> options;
  std::optional<int64_t> version;  ///< Delta only: pinned by the user
  std::optional<std::string>
      timestamp;              ///< Delta only: pinned by the user; never together with `version`
  bool change_feed = false;   ///< Delta only: its rows are those that commits changed
  int64_t first_version = 0;  ///< of a change feed: of the first commit
  SchemaDrift schema_drift = SchemaDrift::kWarn;
  std::string file_column = {};  ///< a further column: the file of a row; empty: there is none
  std::string row_column = {};   ///< a further column: the number of a row in its file; likewise
  bool pushes_filters = true;    ///< Delta only; of Parquet it stands among the options
  bool retains = false;          ///< of files: runs land it as a Delta table, and read that
  bool unbounded = false;
  std::string dialect = "generic";  ///< of SQL that the file is read in
  std::string ddl;                  ///< the statement as written
  SourceLocation location;          ///< of the statement's first word
};

/// What becomes of a view's result when a row violates a constraint: nothing (the row is counted
/// and reported), DROP ROW, or FAIL UPDATE.
enum class ViolationAction { kWarn, kDropRow, kFailUpdate };

/// "warn", "drop row" or "fail update".
std::string_view ToString(ViolationAction action);

/// An expression that a program made instead of SQL text. What compiles it knows its type.
class ExpressionDefinition {
 public:
  virtual ~ExpressionDefinition() = default;
  /// Equal for equal expressions only.
  virtual std::string Identity() const = 0;
};

/// CONSTRAINT name EXPECT (expression) [ON VIOLATION FAIL UPDATE | DROP ROW]: an expression over
/// the columns of the result that is to be true for every row.
struct ConstraintDefinition {
  std::string name;  ///< lower case unless it was quoted
  ViolationAction action = ViolationAction::kWarn;
  std::string expression_sql;  ///< with the file's lines and columns, as ViewDefinition::query_sql
  std::string text;            ///< the expression as written
  std::shared_ptr<const ExpressionDefinition> expression = nullptr;  ///< null: `expression_sql`
  SourceLocation location;                                           ///< of the word CONSTRAINT

  bool operator==(const ConstraintDefinition&) const = default;
};

/// A query that a program made instead of SQL text. What plans it knows its type.
class QueryDefinition {
 public:
  virtual ~QueryDefinition() = default;
  /// The tables that it names, ordered, each once.
  virtual std::vector<std::string> tables() const = 0;
  /// Equal for equal queries only.
  virtual std::string Identity() const = 0;
};

/// One view.
struct ViewDefinition {
  enum class Kind {
    kInline,  ///< VIEW: inlined into its users
    kStored,  ///< MATERIALIZED VIEW or a plain query: its result is a Delta table
  };

  std::string name;  ///< lower case unless it was quoted; the file's name for a plain query
  Kind kind = Kind::kStored;
  std::string file;                 ///< relative to the project folder
  std::string dialect = "generic";  ///< of SQL that the file is read in
  /// The query; all that stands before it is blank, line breaks kept, so that the engine's lines
  /// and columns are the file's.
  std::string query_sql;
  /// Instead of `query_sql` where the view comes from a program; else null.
  std::shared_ptr<const QueryDefinition> query;
  std::string definition_sql;             ///< the whole statement as written
  std::vector<std::string> column_names;  ///< empty: those of the query
  std::map<std::string, std::string> column_comments;
  std::vector<ConstraintDefinition> constraints;  ///< in the order of the file
  std::vector<std::string> partition_columns;
  /// One each; empty for a view that comes from a program.
  std::vector<SourceLocation> partition_locations;
  std::vector<std::string> cluster_columns;  ///< rows are sorted by these in the files
  SourceLocation cluster_location;           ///< of CLUSTER
  std::string comment;
  std::map<std::string, std::string> properties;
  /// Parameters of the project that its query and its constraints name, or user functions that they
  /// call; but for constraints that only warn.
  std::set<std::string> parameters = {};
  SourceLocation location;  ///< of the statement's first word
};

/// One argument of a user function.
struct ParameterDefinition {
  std::string name;          ///< lower case unless it was quoted
  std::string sql_type;      ///< as written, comments and line breaks removed
  std::string default_sql;   ///< with the file's lines and columns; empty: there is none
  std::string default_text;  ///< the default as written
  SourceLocation location;   ///< of the name
};

/// One CREATE FUNCTION: an expression that is put in the place of each call.
struct UserFunctionDefinition {
  std::string name;  ///< lower case, also if it was quoted: calls find it in any case
  std::vector<ParameterDefinition> parameters;
  std::string return_type;          ///< as written, comments and line breaks removed
  std::string body_sql;             ///< with the file's lines and columns
  std::string body_text;            ///< the expression as written
  std::string definition_sql;       ///< the whole statement as written
  std::string dialect = "generic";  ///< of SQL that the file is read in
  bool replaces = false;            ///< OR REPLACE
  SourceLocation location;          ///< of the statement's first word
  SourceLocation name_location;
  SourceLocation return_location;  ///< of the return type
  SourceLocation body_location;

  /// "f(a, b)", as calls are written.
  std::string Syntax() const;
};

/// A query that must return no row.
struct TestDefinition {
  std::string name;                 ///< the file's
  std::string file;                 ///< relative to the project folder
  std::string dialect = "generic";  ///< of SQL that the file is read in
  std::string query_sql;            ///< with the file's lines and columns
  SourceLocation location;
};

/// One cell of given or expected rows.
struct GivenCell {
  /// An SQL expression, or the text of a CSV field.
  std::string text;
  bool is_csv = false;
  bool is_null = false;  ///< of a CSV field: empty and without quotes
  SourceLocation location;
};

/// A name in a test and where it stands.
struct LocatedName {
  std::string name;
  SourceLocation location;
};

/// Rows that a unit test gives or expects.
struct GivenRows {
  LocatedName table;                 ///< no name for expected rows; the location is the clause's
  std::vector<LocatedName> columns;  ///< empty: all columns of the table, in their order
  struct Row {
    std::vector<GivenCell> cells;
    SourceLocation location;
  };
  std::vector<Row> rows;
};

/// A view over given rows: TEST [name] OF VIEW view GIVEN … EXPECT …
struct UnitTestDefinition {
  std::string name;  ///< the file's if it has none of its own
  std::string file;  ///< relative to the project folder
  std::string dialect = "generic";
  LocatedName view;
  std::vector<GivenRows> given;
  GivenRows expected;
  SourceLocation location;
};

/// What a statement does, as far as a policy tells statements apart.
enum class StatementKind {
  kQuery,  ///< reads: SELECT, WITH, VALUES, SHOW, DESCRIBE, EXPLAIN
  kSet,    ///< changes the session only: SET, RESET, PREPARE, EXECUTE, DEALLOCATE
  kDdl,    ///< makes or drops tables, views and schemas of the session: CREATE, DROP
  kDml,    ///< writes rows: INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY
};

/// "query", "set", "ddl" or "dml".
std::string_view ToString(StatementKind kind);

/// What a profile sets for omitted arguments of functions; nullopt: what the function declares.
struct FunctionDefaults {
  std::optional<int32_t> span_line_base;
  std::optional<std::string> span_col_unit;
  std::optional<bool> span_end_exclusive;

  bool operator==(const FunctionDefaults&) const = default;
};

/// A parameter of the project: `$name` in SQL stands for its value, a constant of its type.
struct ProjectParameter {
  std::string name;                  ///< lower case; found in any case
  std::string type;                  ///< as ParameterType writes it: "DATE"
  std::optional<std::string> value;  ///< as ParameterValue writes it; nothing: nobody gave one
  std::string description;
  SourceLocation location;  ///< in weir.toml
};

/// Which profile is meant, and the values that the command line sets.
struct ProfileChoice {
  ProfileChoice() = default;
  ProfileChoice(std::string profile) : name(std::move(profile)) {}
  ProfileChoice(const char* profile) : name(profile) {}

  std::string name;  ///< empty: "default"
  /// Names of parameters and values; of several for one name the last counts.
  std::vector<std::pair<std::string, std::string>> set;
};

/// How a session is to be set up. Zero and empty mean that the session decides.
struct ProfileSettings {
  std::string name;
  std::map<std::string, std::string>
      settings;  ///< of the engine: "datafusion.execution.batch_size" → "8192"
  std::map<std::string, SourceLocation>
      setting_locations;  ///< where each of them is written in weir.toml
  int64_t memory_limit_bytes = 0;
  /// A view whose hash joins find no memory is executed again with sort-merge joins, which spill.
  bool falls_back_to_sort_merge = true;
  int threads = 0;
  bool deterministic = true;
  /// Whole numbers and decimals that their type cannot hold become others, without an error.
  bool overflow_wraps = false;
  /// Guards of the engine to go without, by name. Nothing that users write says so: for
  /// measurements.
  std::vector<std::string> guards_off;
  std::string spill_directory;  ///< absolute
  std::string warehouse_uri;    ///< as ProjectDefinition has it; empty: the project's
  int64_t max_spill_bytes = 0;
  /// Of each view that sets none itself.
  TimeLimit view_timeout;
  FunctionDefaults function_defaults;
  /// Properties of the tables of views that do not set them themselves.
  std::map<std::string, std::string> table_properties;
  /// What `weir sql` may run.
  std::set<StatementKind> allowed_statements = {StatementKind::kQuery};
};

/// What `weir gc` keeps: [retention] in weir.toml.
struct RetentionSettings {
  int64_t runs = 10;               ///< the last ones; their versions stay readable
  int64_t days = 7;                ///< runs, and versions that were the newest, within so many days
  int64_t removed_views_days = 7;  ///< from when a table without a view was first seen

  bool operator==(const RetentionSettings&) const = default;
};

/// Where objects under a URL are kept, and how to get at them.
struct ObjectStoreDefinition {
  std::string url;  ///< scheme and host: "s3://bucket"
  /// Values with environment variables filled in: they may be secrets and must not be recorded or
  /// printed.
  std::map<std::string, std::string> options;
  SourceLocation location;
};

/// A whole project. Immutable by custom: later rooms take it by const reference.
struct ProjectDefinition {
  std::string name;
  std::string root;                 ///< absolute path, without a slash at its end
  std::string warehouse_uri;        ///< absolute path or URL, without a slash at its end
  std::string dialect = "generic";  ///< of SQL, where a file names none
  ProfileSettings profile;
  RetentionSettings retention;
  HookSettings hooks;
  LineageTarget openlineage;
  std::vector<ProjectParameter> parameters;          ///< ordered by name
  std::vector<ObjectStoreDefinition> object_stores;  ///< ordered by url
  std::vector<SourceDefinition>
      sources;  ///< ordered by name; names are unique across sources and views
  std::vector<ViewDefinition> views;              ///< ordered by name
  std::vector<UserFunctionDefinition> functions;  ///< ordered by name
  /// Names in files under functions/ whose definition has errors, which are reported.
  std::set<std::string> broken_functions;
  std::vector<TestDefinition> tests;  ///< ordered by name
  std::vector<UnitTestDefinition>
      unit_tests;  ///< ordered by name; names differ from those of tests
};

/// Loads the project in the folder `root` with the settings of a profile. Reports everything that
/// is wrong in its files, codes W1xxx (docs/diagnostics.md), and leaves out what has errors. Fails
/// only where there is no project to read (no such folder, no readable weir.toml in it), and with
/// kNotFound where `choice` names what a file without errors has not: a profile, a parameter, a
/// value of the parameter's type. With `view_files`, only these of the files under views/ are read
/// (paths relative to `root`); the caller knows the others.
Result<ProjectDefinition> LoadProject(const FileSystem& files, const std::string& root,
                                      const ProfileChoice& choice, Diagnostics& diagnostics,
                                      const std::vector<std::string>* view_files = nullptr);

/// Says whether a path below a folder of the project is a SQL file that is not hidden.
bool IsSqlFile(const std::string& path);

}  // namespace weir
