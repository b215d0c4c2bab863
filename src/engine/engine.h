// SPDX-License-Identifier: Apache-2.0
//
// The only door to the bridge, hence to DataFusion, delta-rs and object_store. Everything above
// speaks these classes, which hold no policy: they turn calls into calls and the bridge's error
// envelopes into Status. Nobody else may include the bridge's headers.
//
// All classes are handles to shared, thread-safe state: cheap to copy, usable from any thread.
// Calls block.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"
#include "weir/engine/data_file.h"
#include "weir/engine/store_calls.h"

namespace weir {

class FunctionRegistry;

namespace engine {

/// Ends the calls it was given to, soon; they fail with kCancelled. Safe to call from a
/// signal-handling thread.
class Cancellation {
 public:
  Cancellation();
  void Cancel() const;
  bool is_cancelled() const;

 private:
  friend class Plan;
  friend class PhysicalPlan;
  struct State;
  std::shared_ptr<State> state_;
};

/// What a session is built from; 0 means "no limit" or "the engine's default".
struct SessionOptions {
  std::vector<std::pair<std::string, std::string>>
      settings;                    ///< dotted DataFusion keys, applied in order
  int64_t memory_limit_bytes = 0;  ///< of the fair spill pool
  std::string spill_directory;
  int64_t max_spill_bytes = 0;
  /// Spilled files that one merge reads at once; 0: as many as memory is reserved for.
  int64_t spill_merge_fan_in = 0;
  int64_t metadata_cache_bytes = 0;
  int64_t row_group_bytes = 0;  ///< that a writer of Parquet files gathers in memory at most
  /// Calls of object stores that are noted until they are taken; further ones are only counted. 0:
  /// none are.
  int64_t noted_store_calls = 0;
  /// Native aggregates stand in the place of the engine's (FunctionDeclaration::stands_for) in
  /// optimised plans.
  bool stand_ins = true;
  /// Guards that are left out, by name: tests and benchmarks show what each is for. Nobody else
  /// names any.
  std::vector<std::string> guards_off = {};
  /// What `$name` stands for in statements: names in lower case, and constants as SQL expressions
  /// of the generic dialect; an empty one is a parameter without a value.
  std::vector<std::pair<std::string, std::string>> parameters = {};
};

/// What keeps a fault of the engine out of results.
struct Guard {
  std::string name;      ///< lower case with underscores; permanent
  uint32_t version = 1;  ///< raised when what the guard does to a plan changes
  std::string fault;     ///< what the engine does wrongly, with the smallest SQL that shows it
  std::string upstream;  ///< `owner/repository#number` of the report, or "unreported"
  std::string means;     ///< "setting", "correction" or "refusal"
  std::string effect;    ///< what users get instead
};

/// A table of plain Parquet, CSV or NDJSON files.
struct FileTableSpec {
  std::string root_url;  ///< with scheme
  std::string format;    ///< "parquet", "csv" or "ndjson"
  std::map<std::string, std::string> options;
  std::vector<std::string> partition_columns;
  /// Columns of the files in which a NULL fails whoever reads it. The schema may call them
  /// nullable.
  std::vector<std::string> required_columns;
  std::vector<DataFile> files;
  /// One more column behind all others: the number of a row in its file, from 0 on (BIGINT). Empty:
  /// there is none.
  std::string row_column = {};
};

/// The columns that files have, each file by itself.
struct FileSchemas {
  std::vector<std::shared_ptr<arrow::Schema>> schemas;  ///< each once
  /// Of each file its place in `schemas`; nullopt where nothing is known of it.
  std::vector<std::optional<size_t>> of_files;
};

/// How the rows of a Delta table are read.
struct DeltaReading {
  /// The columns to read, in this order and with these types, which may be wider than the table's;
  /// those that are not nullable hold no NULL. Null: the table's own.
  std::shared_ptr<arrow::Schema> columns = nullptr;
  /// Two more columns that say where a row is: the path of its file, as DeltaSnapshot::files has it
  /// (VARCHAR), and its place in the file, from 0 on, deleted rows counted (BIGINT). Empty: there
  /// is none.
  std::string file_column = {};
  std::string row_column = {};
  bool pushes_filters = true;  ///< the reader applies filters to rows where that pays
};

/// A parsed statement.
struct SyntaxTree {
  /// JSON without places in the text: `{"Query": {"body": {"Select": …}}}`, nodes named as the
  /// engine's parser names them.
  std::string json;
  /// The statement written from the tree, in the dialect that it was read in.
  std::string sql;
};

class Session;

/// A table the engine can read; immutable.
class Table {
 public:
  /// Infers the schema from the files when `schema` is null.
  static Result<Table> FromFiles(const Session& session, const FileTableSpec& spec,
                                 const std::shared_ptr<arrow::Schema>& schema);
  /// Looks at the files alone: at footers of Parquet files, at headers of CSV files (their columns
  /// are texts here, those of files without a header unknown), at the keys in the first records of
  /// all NDJSON files together (one schema, as if of the first file).
  static Result<FileSchemas> SchemasOf(const Session& session, const FileTableSpec& spec);
  /// A table of the rows of one batch.
  static Result<Table> FromRows(const arrow::RecordBatch& rows);
  /// The same table with the files at `paths` only. Fails with kBug on what is no table of files.
  Result<Table> WithPaths(const std::vector<std::string>& paths) const;
  Result<std::shared_ptr<arrow::Schema>> schema() const;

 private:
  friend class Session;
  friend class DeltaSnapshot;
  friend class Plan;
  friend class CalledFromBridge;
  struct State;
  std::shared_ptr<State> state_;
};

/// A Delta table at one version.
class DeltaSnapshot {
 public:
  /// The latest version unless `version` >= 0 or `timestamp` (RFC 3339) is given.
  /// Fails with kNotFound where there is no table or no such version, kUnsupported naming the table
  /// feature, kCorrupt on a damaged log.
  static Result<DeltaSnapshot> Open(const Session& session, const std::string& url,
                                    int64_t version = -1, const std::string& timestamp = {});

  int64_t version() const;
  Result<std::shared_ptr<arrow::Schema>> schema() const;
  std::vector<std::string> partition_columns() const;
  /// The `protocol` and `metaData` actions as JSON.
  Result<std::string> protocol() const;
  Result<std::string> metadata() const;
  /// The active files as the log is replayed, batch by batch and in no order: `path` (decoded; with
  /// scheme where the file lies elsewhere), `size`, `modified` (milliseconds), `statistics` (JSON;
  /// NULL unless asked for), `partition_values` (a map of texts), `deleted_rows` and
  /// `deletion_vector` (what tells it apart) and `vector_bytes`; all three NULL without one.
  Result<std::shared_ptr<arrow::RecordBatchReader>> ReadFiles(bool statistics) const;
  /// All of them with their statistics, ordered by path. For tables of few files.
  Result<std::vector<DataFile>> files() const;
  /// The version recorded for an application transaction, or -1.
  Result<int64_t> transaction_version(const std::string& app_id) const;
  /// Reads the rows; the files below `root_url` are listed when a scan is planned.
  Result<Table> AsTable(const Session& session, const std::string& root_url,
                        const DeltaReading& reading = {}) const;
  /// The rows that commits changed: the snapshot's columns, `_change_type` (VARCHAR),
  /// `_commit_version` (BIGINT) and `_commit_timestamp`. Columns that a file does not have are
  /// NULL.
  Result<Table> AsChangeTable(const Session& session, const std::string& root_url,
                              const std::vector<ChangeFile>& changes) const;
  /// Writes deletion vectors into one file of the table, and commits nothing: for each file one
  /// with the rows of its own and `rows`, by their places in the file.
  Result<std::vector<DeletionVector>> DeleteRows(
      const Session& session, const std::string& root_url,
      const std::vector<std::pair<DataFile, std::vector<int64_t>>>& rows) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Columns cast to `schema` by position, partitioned, cut into files of about
/// `target_file_size_bytes`.
struct WriteOptions {
  std::string root_url;
  std::vector<std::string> partition_columns;
  int64_t target_file_size_bytes = 256 << 20;
  std::string compression = "zstd(1)";
  int statistics_columns = 32;
  int64_t row_group_rows = 0;  ///< at most; 0: the engine's default
  std::vector<std::string> bloom_filter_columns = {};
  std::vector<std::string> plain_columns = {};  ///< without a dictionary
  bool flat = false;                            ///< files of all partitions in one folder
};

struct WriteOutcome {
  std::vector<DataFile> files;
  int64_t rows = 0;
  int64_t bytes = 0;
};

/// Sees each batch of each partition while it is written; called from several threads at once.
using BatchObserver = std::function<Status(uint32_t partition, const arrow::RecordBatch& batch)>;

/// Chooses which rows of each batch are written; called before the observer, from several threads
/// at once. May return the batch itself.
using BatchSieve = std::function<Result<std::shared_ptr<arrow::RecordBatch>>(
    const std::shared_ptr<arrow::RecordBatch>& batch)>;

/// What a native function did to a plan while it was made.
struct PlanStep {
  std::string step;      ///< "operator", "named_arguments", "alias", "opened" or "simplified"
  std::string function;  ///< by its name
};

/// What fails in a plan whatever the data.
struct ConstantProblem {
  std::string message;
  /// By which it is found in the query's text, the best first: values of literals, names of
  /// functions, numbers.
  std::vector<std::string> texts;
  std::string hint;  ///< perhaps empty
};

/// What becomes of the calls whose value is the time: `now()`, `current_date` and `current_time`.
enum class ClockCalls {
  kTime,   ///< the moment of the call that optimises
  kCalls,  ///< they stay as they are, to be given a time by Plan::AtTime
};

/// A logical plan.
class Plan {
 public:
  /// Plans one query (parse, resolve, type-check). Fails with kPlanFailed and the place in the text
  /// where DataFusion knows it.
  /// `dialect` is one of ReadDialects(), or empty: the session's.
  static Result<Plan> FromSql(const Session& session, const std::string& sql,
                              const std::string& dialect = {});
  /// Plans one statement of any kind. What changes the session (DDL, SET, PREPARE …) is carried out
  /// at once, and the plan is that of its result; what reads or writes rows does so when the plan
  /// is executed. Whether the statement may be run is the caller's to decide before.
  static Result<Plan> FromStatement(const Session& session, const std::string& sql,
                                    const std::string& dialect, const Cancellation& cancellation);
  /// `scans` binds scan indexes to tables; other scans read the session's table of that name.
  static Result<Plan> FromProto(const Session& session, std::string_view bytes,
                                const std::vector<std::pair<uint32_t, Table>>& scans = {});
  /// Not optimised. `scans` as in FromProto, by the indexes of the plan that was written.
  static Result<Plan> FromSubstrait(const Session& session, std::string_view bytes,
                                    const std::vector<std::pair<uint32_t, Table>>& scans = {});

  /// The same rows with the columns of `schema`: cast by position, as CAST does it, and named so.
  /// Fails with kInvalidArgument where there are more columns or fewer. REQUIRES: it is not
  /// analysed.
  Result<Plan> CastTo(const arrow::Schema& schema) &&;
  /// The same rows, ordered by output columns, ascending, NULLs last.
  Result<Plan> SortBy(const std::vector<std::string>& columns) &&;
  /// With all types settled (casts inserted, functions resolved), not optimised. A plan that is
  /// given away is changed in place unless it was copied.
  Result<Plan> Analyze(const Session& session) &&;
  Result<Plan> Analyze(const Session& session) const& { return Plan(*this).Analyze(session); }
  Result<Plan> Optimize(const Session& session, ClockCalls clock = ClockCalls::kTime) &&;
  Result<Plan> Optimize(const Session& session, ClockCalls clock = ClockCalls::kTime) const& {
    return Plan(*this).Optimize(session, clock);
  }
  /// With a time, in microseconds since the epoch, in the place of every call of the clock.
  Result<Plan> AtTime(const Session& session, int64_t now_us) &&;
  /// What would fail whatever the data: literals that are no value of their type, patterns,
  /// formats, time zones, frames … Reads nothing. REQUIRES: it is analysed, not optimised.
  Result<std::vector<ConstantProblem>> ConstantProblems(const Session& session) const;
  /// What native functions did to it, from its text up to here, in the views that it inlines too;
  /// ordered. A plan that was read from bytes has none.
  std::vector<PlanStep> steps() const;
  /// "indent", "indent_schema", "graphviz" or "pgjson".
  Result<std::string> Display(const std::string& format) const;
  Result<std::shared_ptr<arrow::Schema>> output_schema() const;
  Result<std::string> ToProto() const;
  /// The output columns of every node as JSON, as DecodePlan takes them beside the bytes.
  Result<std::string> Outputs() const;
  /// The bytes of ToProto as Substrait. Fails with kUnsupported for what it has no form for.
  static Result<std::string> ProtoToSubstrait(const Session& session, std::string_view bytes);
  /// The plan as one SQL statement in a dialect of WrittenDialects(). Fails with kUnsupported for
  /// what SQL text, or the dialect, cannot say.
  Result<std::string> ToSql(const std::string& dialect) const;

 private:
  friend class PhysicalPlan;
  friend class Session;
  struct State;
  /// What this object holds, or a copy where others hold it too.
  State Take();
  std::shared_ptr<State> state_;
};

/// An SQL expression over arguments, to be put in the place of each call.
struct UserFunction {
  struct Argument {
    std::string name;  ///< as columns are named
    std::string sql_type;
    std::string default_sql;  ///< empty: there is none
  };
  std::string name;  ///< in lower case
  std::vector<Argument> arguments;
  std::string return_type;
  std::string body_sql;  ///< may begin with blanks: places in errors count from its beginning
  std::string dialect;
  std::string syntax;  ///< "f(a, b)", for errors
  std::string text;    ///< the body, for readers
};

/// An executable plan. Execute it once.
class PhysicalPlan {
 public:
  /// REQUIRES: `plan` is optimised.
  static Result<PhysicalPlan> Create(const Session& session, const Plan& plan);

  /// "indent", "tree", "graphviz", "pgjson" or, after execution, "metrics".
  Result<std::string> Display(const std::string& format) const;
  /// After execution, as `run/operator_metrics.h` reads it: one JSON object an operator, parents
  /// before their children, with what it measures: rows, times, bytes, memory.
  Result<std::string> Metrics() const;
  int partition_count() const;
  Result<std::shared_ptr<arrow::RecordBatchReader>> Execute(const Session& session,
                                                            const Cancellation& cancellation) const;
  /// Writes Delta data files; commits nothing. `observer` and `sieve` may be empty; the observer
  /// sees what the sieve has left.
  Result<WriteOutcome> Write(const Session& session, const WriteOptions& options,
                             const std::shared_ptr<arrow::Schema>& schema, BatchObserver observer,
                             const Cancellation& cancellation, BatchSieve sieve = {}) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// A constant that a table function is called with; `name` is empty if it is given by position.
struct CallArgument {
  std::string name;
  std::shared_ptr<arrow::Scalar> value;
};

/// Makes the table that a call of a table function means. Called while a statement is planned, on
/// a thread that may block, with the session that plans.
using TableFunctionCall =
    std::function<Result<Table>(const Session&, const std::vector<CallArgument>&)>;

/// A function of a session, the engine's own included.
struct EngineFunction {
  std::string name;
  std::string kind;                  ///< "scalar", "aggregate", "window", "higher_order" or "table"
  std::vector<std::string> aliases;  ///< ordered
  std::vector<std::string> signatures;  ///< as the engine writes them
  std::string volatility;               ///< "immutable", "stable" or "volatile"
};

/// A DataFusion session with its runtime, functions, tables and object stores.
class Session {
 public:
  /// Starts the process's runtime on first use. Fails on an unknown setting, naming it.
  static Result<Session> Open(const SessionOptions& options);
  /// Shares everything but the settings given.
  Result<Session> WithSettings(
      const std::vector<std::pair<std::string, std::string>>& settings) const;

  Status RegisterFunctions(const FunctionRegistry& functions) const;
  /// Type-checks a user function and makes it known: calls are expanded when a query is analysed,
  /// those of other user functions in its body now. Replaces a user function of the same name;
  /// fails with kAlreadyExists if any other function has it.
  Status DefineFunction(const UserFunction& function) const;
  /// "scalar", "aggregate", "window", "table", "user", or "" if no function has this lower-case
  /// name.
  std::string FunctionKindOf(const std::string& name) const;
  /// The functions that an expression calls, in lower case, ordered.
  Result<std::vector<std::string>> CalledFunctions(const std::string& expression,
                                                   const std::string& dialect) const;
  /// The type that SQL's name of one means, as the engine names it.
  Result<std::string> SqlType(const std::string& name, const std::string& dialect) const;
  /// Replaces a table function of the same name.
  Status RegisterTableFunction(const std::string& name, TableFunctionCall call) const;
  /// All functions, ordered by name and kind.
  Result<std::vector<EngineFunction>> ListFunctions() const;
  /// What the engine keeps in memory now: "list_files", "metadata" or "statistics".
  Result<Table> CacheTable(const std::string& cache) const;
  /// Replaces a table of the same name, which may hold any characters. An empty `schema` is the
  /// session's own.
  Status RegisterTable(const std::string& name, const Table& table,
                       const std::string& schema = {}) const;
  /// Makes `name` stand for `plan`: queries that name it get the plan in its place.
  Status RegisterView(const std::string& name, const Plan& plan) const;
  Status RegisterObjectStore(const std::string& url,
                             const std::map<std::string, std::string>& options) const;
  /// The tables that a statement names, common table expressions left out. `dialect` as in
  /// Plan::FromSql.
  Result<std::vector<std::string>> TableReferences(const std::string& sql,
                                                   const std::string& dialect = {}) const;
  /// Parses one statement of any kind. `dialect` as in Plan::FromSql.
  Result<SyntaxTree> ParseSql(const std::string& sql, const std::string& dialect = {}) const;
  /// Runs a query to its end. For catalog queries, not for data.
  Result<std::shared_ptr<arrow::Table>> Query(const std::string& sql) const;
  /// What the queries of the program hold, in bytes: what they have reserved, or all large blocks
  /// that there are, if these are more.
  int64_t held_bytes() const;

  /// The same session; what is asked of object stores through it is noted under a view's name.
  Session NotingFor(const std::string& view_name) const;
  /// What was noted through all of its handles since it was taken last.
  StoreCalls TakeStoreCalls() const;

  /// Objects below a folder URL (with trailing slash), or the one object; ordered by URL.
  Result<std::vector<ObjectInfo>> ListObjects(const std::string& url) const;
  Result<std::string> GetObject(const std::string& url) const;
  Status PutObject(const std::string& url, std::string_view bytes) const;
  /// Returns false, and writes nothing, if the object exists.
  Result<bool> PutObjectIfAbsent(const std::string& url, std::string_view bytes) const;
  Status DeleteObject(const std::string& url) const;
  /// Writes one batch as Delta data files; commits nothing.
  Result<WriteOutcome> WriteBatch(const WriteOptions& options,
                                  const arrow::RecordBatch& batch) const;
  /// The same for several of one schema, each let go of as soon as it is written.
  Result<WriteOutcome> WriteBatches(const WriteOptions& options,
                                    const std::shared_ptr<arrow::Schema>& schema,
                                    std::vector<std::shared_ptr<arrow::RecordBatch>> batches) const;
  /// Has delta-rs write a checkpoint of the table's latest version.
  Status CreateCheckpoint(const std::string& table_url) const;

 private:
  friend class Table;
  friend class DeltaSnapshot;
  friend class Plan;
  friend class PhysicalPlan;
  friend class CompiledPredicate;
  friend class CalledFromBridge;
  struct State;
  std::shared_ptr<State> state_;
};

/// The failure of a stream that Execute returned, with the code and the blame that crossed with it.
Status FromStreamFailure(const arrow::Status& status);

/// The dialects that statements are read in, and those that plans are written in; in byte order.
std::vector<std::string> ReadDialects();
std::vector<std::string> WrittenDialects();

/// The guards on the bridge's side, in the order in which they take part.
std::vector<Guard> BridgeGuards();

/// Versions of the engine's parts: "datafusion" → "55.2.0" …
std::map<std::string, std::string> EngineVersions();

}  // namespace engine
}  // namespace weir
