// SPDX-License-Identifier: Apache-2.0
//! The one door between Weir's C++ rooms and DataFusion / delta-rs. It translates and decides nothing: no product rule, no
//! policy and no SQL text of ours lives here.
//!
//! Conventions of every function below:
//! * Data crosses as the Arrow C Data / C Stream interface. A pointer parameter named `out_…` points to an uninitialised
//!   structure of the caller, which owns the released-by-callback content afterwards.
//! * A failure is thrown as `rust::Error` whose text is the JSON envelope described in `error.rs`. Panics are caught.
//! * Calls block; they may come from any thread. One multi-thread Tokio runtime serves the process.

#![deny(unsafe_op_in_unsafe_fn)]
// DataFusion's error is as large as ours, which may hold it; failures are rare and off the hot paths.
#![allow(clippy::result_large_err)]
// Texts and lists cross as cxx's types, `&Vec` among them; what pointers must be is said above for all functions.
#![allow(clippy::ptr_arg, clippy::missing_safety_doc)]

mod allocation;
mod callback;
mod clock;
mod condition_order;
mod constants;
mod contained;
mod delta;
mod empty_table;
mod error;
mod expression;
mod few_groups;
mod file_scans;
mod file_schemas;
mod folded_names;
mod functions;
mod guards;
mod http_post;
mod interruption;
mod key_collection;
mod key_sets;
mod local_store;
mod log_events;
mod marked_table;
mod memory_pool;
mod named_source;
mod parameters;
mod parsing;
mod partitioned_writer;
mod plan;
mod plan_bytes;
mod planning;
mod planning_steps;
mod predicates;
mod preparation;
mod reader_filters;
mod run_aggregate;
mod runtime;
mod session;
mod shared_rows;
mod shared_subplans;
mod sql_tree;
mod store;
mod store_calls;
mod store_registry;
mod stored_form;
mod substrait_consumer;
mod substrait_producer;
mod syntax;
mod table;
mod table_functions;
mod text_files;
mod write;
mod written_objects;
mod written_sql;

use clock::pin_clock;
use constants::find_constant_problems;
use delta::{DeltaSnapshot, create_checkpoint, open_delta};
use expression::{CompiledPredicate, cast_batch, compile_predicate, compile_predicate_from_proto, filter_batch};
use file_schemas::{FileSchemas, file_schemas};
use functions::{
    called_functions, define_user_function, function_kind, register_aggregate_function, register_scalar_function,
    sql_type,
};
use guards::guard_descriptions;
use http_post::send_http_post;
use log_events::forward_log_events;
use parsing::{parse_sql, read_dialects};
use plan::{PhysicalPlan, Plan, create_physical_plan, execute_stream, register_view};
use plan_bytes::{
    ScanBindings, new_scan_bindings, plan_from_proto, plan_from_substrait, plan_outputs, plan_to_proto,
    proto_to_substrait,
};
use planning::{analyze_plan, apply_statement, cast_plan, optimize_plan, plan_sql, sort_plan, table_references};
use runtime::{Cancellation, new_cancellation, start_runtime};
use session::{Session, engine_versions, open_session};
use store::{delete_object, get_object, list_objects, put_object, register_object_store};
use table::{Table, new_file_table, new_memory_table, register_table};
use table_functions::{CalledTable, cache_table, list_functions, register_table_function};
use write::{write_batches, write_delta_files};
use written_sql::{plan_to_sql, written_dialects};

#[global_allocator]
static ALLOCATOR: allocation::Allocator = allocation::Allocator;

#[cxx::bridge(namespace = "weir::bridge")]
pub mod ffi {
    // --- values ---

    /// A setting or an option: dotted key, text value.
    struct KeyValue {
        key: String,
        value: String,
    }

    /// What a session is built from. All numbers are as DataFusion takes them; 0 means "no limit" where a limit is meant.
    struct SessionOptions {
        /// DataFusion settings, applied in order.
        settings: Vec<KeyValue>,
        /// Bytes of the fair spill pool; 0 = unbounded.
        memory_limit_bytes: u64,
        /// Folder for spill files; empty = the system's temporary folder.
        spill_directory: String,
        /// Bytes that may be spilled; 0 = DataFusion's default.
        max_spill_bytes: u64,
        /// Spilled files that one merge reads at once; 0 = as many as memory is reserved for.
        spill_merge_fan_in: u64,
        /// Bytes of the cache of Parquet metadata; 0 = DataFusion's default.
        metadata_cache_bytes: u64,
        /// Calls of object stores that are noted until they are taken; further ones are counted. 0: none are noted, and stores are not wrapped.
        noted_store_calls: u64,
        /// Native aggregates stand in the place of the engine's where they say so.
        stand_ins: bool,
        /// Guards that are left out, by name: tests and benchmarks show what they are for.
        guards_off: Vec<String>,
        /// What `$name` stands for: names in lower case, and constants as SQL; an empty one is a parameter without a value.
        parameters: Vec<KeyValue>,
    }

    /// A guard against a fault of the engine; the fields are described at `guards::About`.
    struct GuardDescription {
        name: String,
        version: u32,
        fault: String,
        upstream: String,
        /// "setting", "correction" or "refusal".
        means: String,
        effect: String,
    }

    /// What fails in a plan whatever the data.
    struct ConstantProblem {
        /// What the engine says.
        reason: String,
        /// The expression that fails.
        sql: String,
        /// By which a reader finds it in the text, the best first: values of literals, names of functions, numbers.
        texts: Vec<String>,
        /// What to do; perhaps nothing.
        help: String,
    }

    /// The value of one partition column of a file, in Delta's text form.
    #[derive(Clone, Debug)]
    struct PartitionValue {
        column: String,
        value: String,
        is_null: bool,
    }

    /// One data file of a table.
    #[derive(Clone, Debug)]
    struct TableFile {
        /// Relative to the table's root, URL-decoded.
        path: String,
        size_bytes: u64,
        /// Milliseconds since the epoch.
        modified_ms: i64,
        /// Rows, or -1 if unknown.
        rows: i64,
        partition_values: Vec<PartitionValue>,
        /// Delta's per-file statistics as JSON; empty if unknown.
        statistics: String,
        /// True when rows of the file are masked by a deletion vector.
        has_deletion_vector: bool,
    }

    /// Which rows of a file are meant, as the log describes it; without a storage type: none is described.
    #[derive(Clone, Debug)]
    struct DeletionVector {
        storage_type: String,
        path_or_inline: String,
        /// -1: the log has none.
        offset: i32,
        size_bytes: i32,
        cardinality: i64,
    }

    /// Rows of a file that are to be deleted beside those that a vector names.
    struct DeletedRows {
        /// For messages.
        path: String,
        vector: DeletionVector,
        rows: Vec<i64>,
    }

    /// A file whose rows a commit changed.
    struct ChangeFile {
        file: TableFile,
        /// "insert" or "delete"; empty: the file's column `_change_type` says it.
        kind: String,
        version: i64,
        timestamp_ms: i64,
        /// Rows that are not meant.
        without: DeletionVector,
        /// The rows that are meant; without a storage type all are.
        within: DeletionVector,
    }

    /// What C++ knows of a table that is read as plain files.
    struct FileTableSpec {
        /// URL of the table's root folder (or the folder of a single file), with scheme.
        root_url: String,
        /// "parquet", "csv" or "ndjson".
        format: String,
        /// Format options as DataFusion names them, without the "format." prefix.
        options: Vec<KeyValue>,
        /// Names; their fields are part of the schema.
        partition_columns: Vec<String>,
        /// Columns of the files in which a NULL is a fault. The schema may still call them nullable: nothing is to be derived from it.
        required_columns: Vec<String>,
        /// One more column behind all others: the number of a row in its file, from 0 on (BIGINT). Empty: there is none.
        row_column: String,
        files: Vec<TableFile>,
    }

    /// How the rows of a Delta table are read.
    struct DeltaReading {
        /// Two more columns that say where a row is: the path of its file, as `files` has it, and its place in the file, from 0 on, deleted
        /// rows counted (BIGINT). Empty: there is none.
        file_column: String,
        row_column: String,
        /// Whether the reader applies filters to rows where that pays.
        pushes_filters: bool,
    }

    /// An object in a store.
    struct ObjectInfo {
        /// Full URL.
        url: String,
        /// Relative to the listed prefix; empty when the prefix is the object itself.
        relative_path: String,
        size_bytes: u64,
        modified_ms: i64,
        /// Empty where the store has none.
        etag: String,
    }

    /// One request to an object store, or several that the store makes of one: pages of a listing, parts of a bulk removal, attempts.
    #[derive(Debug, Default)]
    struct StoreCall {
        /// "get", "get_ranges", "head", "put", "create_multipart", "put_part", "complete_multipart", "abort_multipart", "list", "delete",
        /// "copy" or "rename".
        operation: String,
        /// Of the object, or of the folder that is listed; without user, password and query.
        url: String,
        /// The view that it was made for; empty: that is not known.
        view: String,
        /// Microseconds since 1970; of a read its last byte ends it.
        started_at_us: i64,
        finished_at_us: i64,
        /// That were read or written.
        bytes: u64,
        /// A code as in the error envelope; empty: it succeeded.
        error: String,
    }

    /// What a session has noted.
    #[derive(Debug, Default)]
    struct StoreCalls {
        /// In the order in which they ended.
        calls: Vec<StoreCall>,
        /// So many more were made than are noted.
        left_out: u64,
    }

    /// A text for a server.
    struct HttpPost {
        /// `http://` or `https://`.
        url: String,
        content_type: String,
        /// Further headers. Their values may be secrets.
        headers: Vec<KeyValue>,
        body: String,
        /// For all of it, in milliseconds.
        timeout_ms: u64,
        /// A file of PEM certificates, which alone are trusted; empty: those of the system, or of SSL_CERT_FILE.
        certificate_file: String,
    }

    /// How Delta data files are written.
    struct WriteOptions {
        /// URL of the table's root.
        root_url: String,
        partition_columns: Vec<String>,
        /// Bytes at which a new file is begun.
        target_file_size_bytes: u64,
        /// As parquet writes it, e.g. "zstd(3)" or "snappy".
        compression: String,
        /// Number of leading columns that get statistics.
        statistics_columns: u32,
        /// Rows of a row group at most; 0: as parquet has it.
        row_group_rows: u64,
        /// Bytes of a row group that are gathered before it is written; 0: no end.
        row_group_bytes: u64,
        /// Columns with a bloom filter, and those without a dictionary; names of struct fields are joined by dots.
        bloom_filter_columns: Vec<String>,
        plain_columns: Vec<String>,
        /// Files of all partitions in one folder.
        flat: bool,
    }

    /// What one write produced; nothing is committed yet.
    struct WriteOutcome {
        files: Vec<TableFile>,
        rows: u64,
        bytes: u64,
    }

    /// What a native function did to a plan while it was made.
    struct PlanningStep {
        /// "operator", "named_arguments", "alias" or "opened".
        step: String,
        /// The function, by its name.
        function: String,
    }

    /// One statement.
    struct ParsedSql {
        /// Its syntax tree as JSON, without places in the text; nodes are named as the parser names them.
        tree: String,
        /// The statement written from the tree, in the dialect it was read in.
        sql: String,
    }

    #[namespace = ""]
    unsafe extern "C++" {
        include!("weir/engine/arrow_abi.h");
        type ArrowArray;
        type ArrowSchema;
        type ArrowArrayStream;
    }

    unsafe extern "C++" {
        include!("weir/engine/batch_tap.h");
        /// Sees every batch of every partition of a write, from several threads at once.
        #[namespace = "weir"]
        type BatchTap;
        /// Takes ownership of both structures' contents. Returns true if `out_kept` holds what is written in the batch's place.
        #[namespace = "weir"]
        unsafe fn OnBatch(
            self: &BatchTap,
            partition: u32,
            array: *mut ArrowArray,
            schema: *mut ArrowSchema,
            out_kept: *mut ArrowArray,
        ) -> Result<bool>;
    }

    unsafe extern "C++" {
        include!("weir/engine/log_callback.h");
        /// What one of the engine's crates says. `level`: 0 trace to 4 error; `target`: the module, crate first.
        #[namespace = "weir"]
        #[cxx_name = "TakeLogEvent"]
        fn take_log_event(level: u8, target: &str, message: &str, fields: &Vec<KeyValue>);
    }

    extern "Rust" {
        // --- runtime ---
        /// From now on `take_log_event` is called, from any thread, for events of at least `level` of crates whose names begin with one of
        /// `crates`. Later calls do nothing.
        fn forward_log_events(level: u8, crates: &Vec<String>);
        type Cancellation;
        /// Starts the process's runtime with `threads` workers (0 = one a core). Later calls do nothing.
        fn start_runtime(threads: u32) -> Result<()>;
        fn new_cancellation() -> Box<Cancellation>;
        /// Ends every call that was given this handle, soon.
        fn cancel(self: &Cancellation);
        fn is_cancelled(self: &Cancellation) -> bool;

        /// Names and versions of the crates that plan and execute.
        fn engine_versions() -> Vec<KeyValue>;
        /// All guards, in the order in which they take part.
        fn guard_descriptions() -> Vec<GuardDescription>;

        // --- session ---
        type Session;
        fn open_session(options: &SessionOptions) -> Result<Box<Session>>;
        /// A second session that shares runtime, functions, tables and stores, with some settings changed.
        fn with_settings(self: &Session, settings: &Vec<KeyValue>) -> Result<Box<Session>>;
        /// Another handle of the same session.
        fn share(self: &Session) -> Box<Session>;
        /// Bytes that the session's memory pool has handed out now.
        fn held_bytes(self: &Session) -> u64;
        /// Another handle of the same session; calls of object stores that are made through it are noted under a view's name.
        fn noting_for(self: &Session, view: &str) -> Box<Session>;
        /// The calls of object stores that all handles have noted since they were taken last.
        fn take_store_calls(self: &Session) -> StoreCalls;

        // --- object stores ---
        /// Serves `url` (scheme and host) from a store built with `options` (as object_store names them).
        fn register_object_store(session: &Session, url: &str, options: &Vec<KeyValue>) -> Result<()>;
        /// Ordered by URL. `url` names a folder (trailing slash) or one object.
        fn list_objects(session: &Session, url: &str) -> Result<Vec<ObjectInfo>>;
        fn get_object(session: &Session, url: &str) -> Result<Vec<u8>>;
        /// Returns false, and writes nothing, if `create_only` and the object exists.
        fn put_object(session: &Session, url: &str, bytes: &[u8], create_only: bool) -> Result<bool>;
        fn delete_object(session: &Session, url: &str) -> Result<()>;

        // --- other servers ---
        /// Fails with "io" where the server is not there or not trusted, does not answer in time, or answers with another number than 200 to 299.
        fn send_http_post(post: HttpPost) -> Result<()>;

        // --- tables ---
        type Table;
        /// A table of plain files. With a null `schema` it is inferred from the files; partition columns are then text.
        unsafe fn new_file_table(
            session: &Session,
            spec: &FileTableSpec,
            schema: *mut ArrowSchema,
        ) -> Result<Box<Table>>;
        /// The columns of each file by itself. Of CSV files those that their headers name, as texts; of NDJSON files the keys of their first
        /// records.
        type FileSchemas;
        fn file_schemas(session: &Session, spec: &FileTableSpec) -> Result<Box<FileSchemas>>;
        fn schema_count(self: &FileSchemas) -> usize;
        unsafe fn schema_at(self: &FileSchemas, index: usize, out_schema: *mut ArrowSchema) -> Result<()>;
        /// Of each file which schema it has; -1: it was not looked at.
        fn of_files(self: &FileSchemas) -> Vec<i64>;
        /// A table of the rows of one batch; takes over the contents of both structures.
        unsafe fn new_memory_table(array: *mut ArrowArray, schema: *mut ArrowSchema) -> Result<Box<Table>>;
        /// The same table with the files at `paths` only.
        fn with_paths(self: &Table, paths: &[String]) -> Result<Box<Table>>;
        unsafe fn schema(self: &Table, out_schema: *mut ArrowSchema) -> Result<()>;
        /// Replaces a table of the same name. An empty `schema` is the session's own; another one is made if needed.
        fn register_table(session: &Session, schema: &str, name: &str, table: &Table) -> Result<()>;

        // --- Delta ---
        type DeltaSnapshot;
        /// `version` < 0 and an empty `timestamp` mean the latest. `timestamp` is RFC 3339.
        fn open_delta(session: &Session, url: &str, version: i64, timestamp: &str) -> Result<Box<DeltaSnapshot>>;
        fn version(self: &DeltaSnapshot) -> i64;
        unsafe fn arrow_schema(self: &DeltaSnapshot, out_schema: *mut ArrowSchema) -> Result<()>;
        fn partition_columns(self: &DeltaSnapshot) -> Vec<String>;
        /// The `protocol` action as JSON.
        fn protocol(self: &DeltaSnapshot) -> Result<String>;
        /// The `metaData` action as JSON.
        fn metadata(self: &DeltaSnapshot) -> Result<String>;
        /// The active files in no order, replayed while the stream is read: `path` (decoded; with scheme where the file lies
        /// elsewhere), `size`, `modified` (milliseconds),
        /// `statistics` (JSON; null unless asked for), `partition_values` (a map of texts), `deleted_rows` (of the deletion
        /// vector), `deletion_vector` (what tells it apart) and `vector_bytes`, all null without one. A table without files may have a schema without columns.
        unsafe fn files(self: &DeltaSnapshot, statistics: bool, out_stream: *mut ArrowArrayStream) -> Result<()>;
        /// A table of this snapshot's rows; its files are listed when a scan of it is planned. With a `schema` only the columns that it names, in
        /// its order and with its types, which may be wider; those that it calls NOT NULL hold no NULL.
        unsafe fn read_table(
            self: &DeltaSnapshot,
            session: &Session,
            root_url: &str,
            schema: *mut ArrowSchema,
            reading: &DeltaReading,
        ) -> Result<Box<Table>>;
        /// A table of rows that commits changed: the snapshot's columns, `_change_type`, `_commit_version` and `_commit_timestamp`.
        fn change_table(
            self: &DeltaSnapshot,
            session: &Session,
            root_url: &str,
            changes: &[ChangeFile],
        ) -> Result<Box<Table>>;
        /// Writes vectors for files, one each in their order, into one file below the root; commits nothing.
        fn delete_rows(
            self: &DeltaSnapshot,
            session: &Session,
            root_url: &str,
            files: &[DeletedRows],
        ) -> Result<Vec<DeletionVector>>;
        /// The version recorded for an application transaction id, or -1.
        fn transaction_version(self: &DeltaSnapshot, app_id: &str) -> Result<i64>;
        /// Writes a checkpoint of the latest version.
        fn create_checkpoint(session: &Session, url: &str) -> Result<()>;

        // --- SQL ---
        // Where a `dialect` is read it is one of `read_dialects`, or empty: the session's.
        /// The dialects that statements are read in.
        fn read_dialects() -> Vec<String>;
        /// The dialects that plans are written in.
        fn written_dialects() -> Vec<String>;
        fn parse_sql(session: &Session, sql: &str, dialect: &str) -> Result<ParsedSql>;
        /// Plans one statement of any kind. What changes the session (DDL, SET, PREPARE …) is carried out at once, and the plan
        /// of its result returned; what reads or writes rows does so when the plan is executed.
        fn apply_statement(
            session: &Session,
            sql: &str,
            dialect: &str,
            cancellation: &Cancellation,
        ) -> Result<Box<Plan>>;
        /// `dialect` is one of `written_dialects`. Fails with "unsupported" for what SQL text or the dialect cannot say.
        fn plan_to_sql(plan: &Plan, dialect: &str) -> Result<String>;

        // --- plans ---
        type Plan;
        /// The tables that a statement names, as DataFusion resolves them; common table expressions left out.
        fn table_references(session: &Session, sql: &str, dialect: &str) -> Result<Vec<String>>;
        /// Parses, resolves and type-checks one query. Anything but a query is refused.
        fn plan_sql(session: &Session, sql: &str, dialect: &str) -> Result<Box<Plan>>;
        /// Makes `name` stand for the plan: queries that name it get it in its place.
        fn register_view(session: &Session, name: &str, plan: &Plan) -> Result<()>;
        fn copy(self: &Plan) -> Box<Plan>;
        /// A plan whose columns are those of an unanalysed one, cast to the types of `schema` by position and named as there.
        unsafe fn cast_plan(plan: Box<Plan>, schema: *mut ArrowSchema) -> Result<Box<Plan>>;
        /// The same rows, ordered by output columns, ascending, NULLs last.
        fn sort_plan(plan: Box<Plan>, columns: &[String]) -> Result<Box<Plan>>;
        fn analyze_plan(session: &Session, plan: Box<Plan>) -> Result<Box<Plan>>;
        /// `keeps_clock`: calls of the clock (`now()` and the like) stay; else they become the time at which this is called.
        fn optimize_plan(session: &Session, plan: Box<Plan>, keeps_clock: bool) -> Result<Box<Plan>>;
        /// The plan with a time, in microseconds since the epoch, for all calls of the clock.
        fn pin_clock(session: &Session, plan: Box<Plan>, now_us: i64) -> Result<Box<Plan>>;
        /// Of an analysed plan: what would fail whatever the data. Reads nothing.
        fn find_constant_problems(session: &Session, plan: &Plan) -> Result<Vec<ConstantProblem>>;
        /// What native functions did to it while it was made; ordered.
        fn steps(self: &Plan) -> Vec<PlanningStep>;
        /// "indent", "indent_schema", "graphviz" or "pgjson".
        fn display(self: &Plan, format: &str) -> Result<String>;
        unsafe fn output_schema(self: &Plan, out_schema: *mut ArrowSchema) -> Result<()>;
        /// Tables are written as `{"table":name,"scan":index}`, indexes in the order of encoding.
        fn plan_to_proto(plan: &Plan) -> Result<Vec<u8>>;
        /// The output columns of every node of the plan as `plan_to_proto` writes it, as JSON: a list a node of
        /// `[relation or null, name]`, in preorder: a node, the subqueries in its expressions, its inputs.
        fn plan_outputs(plan: &Plan) -> Result<String>;
        type ScanBindings;
        fn new_scan_bindings() -> Box<ScanBindings>;
        /// Reads scan `scan` from `table` instead of from the session's table of that name.
        fn bind(self: &mut ScanBindings, scan: u32, table: &Table);
        fn plan_from_proto(session: &Session, bytes: &[u8], bindings: &ScanBindings) -> Result<Box<Plan>>;
        /// An optimised plan's bytes as Substrait; scans keep their indexes.
        fn proto_to_substrait(session: &Session, bytes: &[u8]) -> Result<Vec<u8>>;
        /// Not optimised. `bindings` as in plan_from_proto.
        fn plan_from_substrait(session: &Session, bytes: &[u8], bindings: &ScanBindings) -> Result<Box<Plan>>;

        type PhysicalPlan;
        /// `plan` must be optimised.
        fn create_physical_plan(session: &Session, plan: &Plan) -> Result<Box<PhysicalPlan>>;
        /// "indent", "tree", "graphviz" or "pgjson"; after an execution "metrics" adds the figures to "indent".
        fn display(self: &PhysicalPlan, format: &str) -> Result<String>;
        /// The operators as JSON, parents before their children: name, depth, output_rows, elapsed_compute_ns, bytes_scanned, spilled_bytes,
        /// memory_bytes (the sum of its partitions' peaks), started_at_us and finished_at_us (since 1970); null where an operator does not
        /// measure it.
        fn metrics(self: &PhysicalPlan) -> Result<String>;
        fn partition_count(self: &PhysicalPlan) -> u32;
        /// Runs all partitions into one stream, in order of partition if there is more than one.
        unsafe fn execute_stream(
            session: &Session,
            plan: &PhysicalPlan,
            cancellation: &Cancellation,
            out_stream: *mut ArrowArrayStream,
        ) -> Result<()>;

        // --- expressions ---
        type CompiledPredicate;
        /// One boolean expression over the columns of batches of `schema`, in a dialect as `plan_sql` takes it. `sql` may begin with blanks: places in errors count
        /// from its beginning.
        unsafe fn compile_predicate(
            session: &Session,
            sql: &str,
            dialect: &str,
            schema: *mut ArrowSchema,
        ) -> Result<Box<CompiledPredicate>>;
        /// The same from the bytes of an expression as plans carry it; columns go by their names alone. `now_us`: what its calls of the clock
        /// give, in microseconds since the epoch.
        unsafe fn compile_predicate_from_proto(
            session: &Session,
            bytes: &[u8],
            schema: *mut ArrowSchema,
            now_us: i64,
        ) -> Result<Box<CompiledPredicate>>;
        /// The coerced expression as plans carry it.
        fn to_proto(self: &CompiledPredicate) -> Result<Vec<u8>>;
        fn display(self: &CompiledPredicate) -> String;
        /// Names of the columns that it reads; ordered.
        fn columns(self: &CompiledPredicate) -> Vec<String>;
        /// Names of the functions that it calls; ordered.
        fn functions(self: &CompiledPredicate) -> Vec<String>;
        /// What native functions did to it while it was planned; ordered.
        fn steps(self: &CompiledPredicate) -> Vec<PlanningStep>;
        /// Takes over a batch. The mask has no nulls: it is true where the expression is, false where it is false or NULL.
        unsafe fn evaluate(
            self: &CompiledPredicate,
            array: *mut ArrowArray,
            schema: *mut ArrowSchema,
            out_mask: *mut ArrowArray,
        ) -> Result<()>;
        /// The rows of a batch where `mask` is true. Takes over all three.
        unsafe fn filter_batch(
            array: *mut ArrowArray,
            schema: *mut ArrowSchema,
            mask: *mut ArrowArray,
            out_array: *mut ArrowArray,
        ) -> Result<()>;
        /// The columns of a batch cast, position by position, to the types of `wanted`; a value that does not fit is an error.
        unsafe fn cast_batch(
            array: *mut ArrowArray,
            schema: *mut ArrowSchema,
            wanted: *mut ArrowSchema,
            out_array: *mut ArrowArray,
        ) -> Result<()>;

        // --- writing ---
        /// Writes each partition of `plan` into files of its own below the root. Columns are cast to `schema`, position by
        /// position; a value that does not fit is an error. On failure no file is referenced by anything.
        unsafe fn write_delta_files(
            session: &Session,
            plan: &PhysicalPlan,
            options: &WriteOptions,
            schema: *mut ArrowSchema,
            tap: SharedPtr<BatchTap>,
            cancellation: &Cancellation,
        ) -> Result<WriteOutcome>;
        /// The same for batches that C++ has; takes the stream over.
        unsafe fn write_batches(
            session: &Session,
            options: &WriteOptions,
            stream: *mut ArrowArrayStream,
        ) -> Result<WriteOutcome>;
    }

    // --- functions ---

    /// One documented parameter of a native function.
    #[derive(Clone)]
    struct NativeArgument {
        name: String,
        /// For readers.
        type_name: String,
        description: String,
        /// SQL text; empty when the argument is required.
        default_value: String,
        /// The default is the session's: it stands in the plan wherever a call omits the argument.
        session_default: bool,
    }

    /// What a native function declares, but for its signatures, which its callback exports.
    struct NativeFunction {
        name: String,
        aliases: Vec<String>,
        semantic_version: u32,
        description: String,
        syntax: String,
        example: String,
        arguments: Vec<NativeArgument>,
        /// The last argument may be repeated; no names then.
        variadic: bool,
        /// The callback settles the types of a call.
        user_defined: bool,
        /// A NULL in any argument makes the result NULL.
        strict: bool,
        /// Of an aggregate: DISTINCT changes nothing.
        ignores_duplicates: bool,
        /// Of an aggregate: DISTINCT may be written, and its accumulators are told.
        takes_distinct: bool,
        /// Of an aggregate: IGNORE NULLS may be written behind the call.
        takes_null_treatment: bool,
        /// Of an aggregate of floats: the engine's, in whose place it stands; empty: none.
        stands_for: String,
        /// The callback may put comparisons in the place of a call in WHERE and ON.
        opens_as_predicate: bool,
        /// The callback may put something simpler in the place of a call, wherever it stands.
        simplifies: bool,
        /// Width of integer results of which bounds are known, both included; 0: none are known.
        bounded_bits: u8,
        lower: i64,
        upper: i64,
        /// Position of the argument with which the result never falls while all others stay as they are; -1: none.
        rises_with: i32,
        /// SQL operator that means a call with two arguments; empty: none.
        operator_symbol: String,
    }

    /// One argument of a user function.
    struct UserArgument {
        /// As columns are named: lower case unless it was quoted.
        name: String,
        sql_type: String,
        /// SQL text; empty when there is none.
        default_value: String,
    }

    /// CREATE FUNCTION name(argument type [DEFAULT expression], …) RETURNS type RETURN body.
    struct UserFunction {
        /// In lower case.
        name: String,
        arguments: Vec<UserArgument>,
        return_type: String,
        /// May begin with blanks, like defaults: places in errors count from its beginning.
        body: String,
        dialect: String,
        /// "f(a, b)", for errors.
        syntax: String,
        /// The body without blanks around it, for readers.
        text: String,
    }

    // What the callbacks take and give is documented in function_callbacks.h.
    #[namespace = "weir"]
    unsafe extern "C++" {
        include!("weir/engine/function_callbacks.h");
        type ScalarCallback;
        unsafe fn Signatures(self: &ScalarCallback, out: *mut ArrowSchema) -> Result<()>;
        unsafe fn CoerceTypes(self: &ScalarCallback, fields: *mut ArrowSchema, out: *mut ArrowSchema) -> Result<()>;
        unsafe fn ReturnField(
            self: &ScalarCallback,
            fields: *mut ArrowSchema,
            constants: *mut ArrowArray,
            out: *mut ArrowSchema,
        ) -> Result<()>;
        fn OpenPredicate(self: &ScalarCallback, call: &str) -> Result<String>;
        fn Simplify(self: &ScalarCallback, call: &str) -> Result<String>;
        unsafe fn Invoke(
            self: &ScalarCallback,
            fields: *mut ArrowSchema,
            arrays: *mut ArrowArray,
            constant: &[bool],
            rows: usize,
            return_field: *mut ArrowSchema,
            out: *mut ArrowArray,
        ) -> Result<()>;

        type AggregateCallback;
        unsafe fn Signatures(self: &AggregateCallback, out: *mut ArrowSchema) -> Result<()>;
        unsafe fn CoerceTypes(self: &AggregateCallback, fields: *mut ArrowSchema, out: *mut ArrowSchema) -> Result<()>;
        unsafe fn ReturnField(self: &AggregateCallback, fields: *mut ArrowSchema, out: *mut ArrowSchema) -> Result<()>;
        unsafe fn StateFields(
            self: &AggregateCallback,
            fields: *mut ArrowSchema,
            distinct: bool,
            out: *mut ArrowSchema,
        ) -> Result<()>;
        unsafe fn CreateAccumulator(
            self: &AggregateCallback,
            fields: *mut ArrowSchema,
            ignore_nulls: bool,
            distinct: bool,
            sliding: bool,
        ) -> Result<UniquePtr<AccumulatorCallback>>;

        type AccumulatorCallback;
        unsafe fn Update(
            self: Pin<&mut AccumulatorCallback>,
            arrays: *mut ArrowArray,
            group_indices: &[usize],
            filter: *mut ArrowArray,
            group_count: usize,
        ) -> Result<()>;
        unsafe fn Merge(
            self: Pin<&mut AccumulatorCallback>,
            states: *mut ArrowArray,
            group_indices: &[usize],
            group_count: usize,
        ) -> Result<()>;
        fn SupportsRetract(self: &AccumulatorCallback) -> bool;
        unsafe fn Retract(
            self: Pin<&mut AccumulatorCallback>,
            arrays: *mut ArrowArray,
            group_indices: &[usize],
            group_count: usize,
        ) -> Result<()>;
        unsafe fn Evaluate(self: Pin<&mut AccumulatorCallback>, count: i64, out: *mut ArrowArray) -> Result<()>;
        unsafe fn State(self: Pin<&mut AccumulatorCallback>, count: i64, out: *mut ArrowArray) -> Result<()>;
        unsafe fn Peek(self: &AccumulatorCallback, out: *mut ArrowArray) -> Result<()>;
        unsafe fn PeekState(self: &AccumulatorCallback, out: *mut ArrowArray) -> Result<()>;
        unsafe fn ConvertToState(
            self: &AccumulatorCallback,
            arrays: *mut ArrowArray,
            filter: *mut ArrowArray,
            out: *mut ArrowArray,
        ) -> Result<()>;
        fn SizeBytes(self: &AccumulatorCallback) -> usize;
    }

    #[namespace = "weir"]
    unsafe extern "C++" {
        include!("weir/engine/table_callback.h");
        type TableCallback;
        unsafe fn Call(
            self: &TableCallback,
            session: &Session,
            arguments: *mut ArrowArray,
            schema: *mut ArrowSchema,
            out: &mut CalledTable,
        ) -> Result<()>;
    }

    extern "Rust" {
        type CalledTable;
        /// Sets what the call returns.
        fn give(self: &mut CalledTable, table: &Table);
        /// Replaces a function of the same name. Calls are planned with constants; a named one is a struct of one field.
        fn register_table_function(session: &Session, name: &str, callback: SharedPtr<TableCallback>) -> Result<()>;
        /// The entries of "list_files", "metadata" or "statistics" now, ordered by path.
        fn cache_table(session: &Session, cache: &str) -> Result<Box<Table>>;
        /// Every function of the session as JSON objects, in no order: name, kind, aliases, signatures, volatility.
        fn list_functions(session: &Session) -> Result<String>;
        /// Replaces a function of the same name.
        fn register_scalar_function(
            session: &Session,
            native: NativeFunction,
            callback: SharedPtr<ScalarCallback>,
        ) -> Result<()>;
        fn register_aggregate_function(
            session: &Session,
            native: NativeFunction,
            callback: SharedPtr<AggregateCallback>,
        ) -> Result<()>;
        /// Type-checks a function and makes it known: its calls are expanded when a query is analysed. Replaces a user function of
        /// the same name; fails with "already_exists" for the name of any other function.
        fn define_user_function(session: &Session, function: &UserFunction) -> Result<()>;
        /// "scalar", "aggregate", "window", "table", "user", or "" if there is no function of this lower-case name.
        fn function_kind(session: &Session, name: &str) -> String;
        /// The type that SQL's name of one means, as the engine names it.
        fn sql_type(session: &Session, name: &str, dialect: &str) -> Result<String>;
        /// The functions that an expression calls, in lower case, ordered.
        fn called_functions(session: &Session, expression: &str, dialect: &str) -> Result<Vec<String>>;
    }
}
