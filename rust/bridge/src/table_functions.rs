// SPDX-License-Identifier: Apache-2.0
//! Table functions of C++ as DataFusion table functions: a name and constants in, a table out. Names, arguments and rows are C++'s; of
//! the engine's own facts there are here its caches and the list of its functions.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Builder, ListBuilder, RecordBatch, StringBuilder, StructArray, TimestampMillisecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use cxx::SharedPtr;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::instant::Instant;
use datafusion::common::plan_err;
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::SessionState;
use datafusion::execution::cache::CacheEntryInfo;
use datafusion::logical_expr::{Expr as PlannedExpr, Signature, Volatility};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, TableFactor, Value,
};
use object_store::ObjectMeta;
use serde_json::json;

use crate::callback::Callback;
use crate::error::{BridgeError, Result, entry};
use crate::ffi::{self, TableCallback};
use crate::functions::failure;
use crate::session::Session;
use crate::syntax::folded;
use crate::table::Table;

// --- calls ---

#[derive(Debug)]
struct NativeTableFunction {
    name: String,
    callback: Callback<TableCallback>,
}

/// What a call gives back.
#[derive(Default)]
pub struct CalledTable {
    table: Option<Table>,
}

impl CalledTable {
    pub fn give(&mut self, table: &Table) {
        self.table = Some(table.clone());
    }
}

impl NativeTableFunction {
    /// On a thread of its own: C++ reads logs and runs queries, which block, and this one belongs to the planner.
    fn call(&self, session: &Session, arguments: RecordBatch) -> Result<Table> {
        let call = || {
            let mut schema = FFI_ArrowSchema::try_from(arguments.schema().as_ref())?;
            let mut array = FFI_ArrowArray::new(&StructArray::from(arguments).into());
            let mut called = CalledTable::default();
            unsafe {
                self.callback.Call(
                    session,
                    (&raw mut array).cast::<ffi::ArrowArray>(),
                    (&raw mut schema).cast::<ffi::ArrowSchema>(),
                    &mut called,
                )
            }
            .map_err(failure)?;
            called.table.ok_or_else(|| BridgeError::bug(format!("{} gave no table", self.name)))
        };
        std::thread::scope(|scope| match scope.spawn(|| entry(call)).join() {
            Ok(outcome) => outcome,
            Err(_) => Err(BridgeError::bug(format!("the thread of {} panicked", self.name))),
        })
    }
}

impl TableFunctionImpl for NativeTableFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> EngineResult<Arc<dyn TableProvider>> {
        let Some(state) = args.session().as_any().downcast_ref::<SessionState>() else {
            return plan_err!("{} needs a session of its own kind", self.name);
        };
        let mut fields = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for expression in args.exprs() {
            let PlannedExpr::Literal(value, _) = expression else {
                return plan_err!("{}(…) takes constants, found `{expression}`", self.name);
            };
            let column = value.to_array()?;
            fields.push(Field::new("", column.data_type().clone(), true));
            columns.push(column);
        }
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(1));
        let arguments = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?;
        let session = Session { context: SessionContext::new_with_state(state.clone()) };
        match self.call(&session, arguments) {
            Ok(table) => Ok(table.provider),
            Err(error) => Err(DataFusionError::External(Box::new(error))),
        }
    }
}

/// Replaces a function of the same name.
pub fn register_table_function(session: &Session, name: &str, callback: SharedPtr<TableCallback>) -> Result<()> {
    entry(|| {
        let function = NativeTableFunction { name: name.to_string(), callback: Callback::new(callback) };
        session.context.register_udtf(name, Arc::new(function));
        Ok(())
    })
}

// --- calls in statements ---

/// Gives the name as it is registered; true if the function is C++'s.
fn normalize(state: &SessionState, name: &mut ObjectName) -> bool {
    let [part] = name.0.as_mut_slice() else {
        return false;
    };
    let Some(ident) = part.as_ident() else {
        return false;
    };
    let registered = folded(ident);
    let Some(function) = state.table_functions().get(&registered) else {
        return false;
    };
    *name = ObjectName::from(vec![Ident::new(registered)]);
    let implementation: &dyn Any = function.function().as_ref();
    implementation.is::<NativeTableFunction>()
}

fn text(value: impl Into<String>) -> Expr {
    Expr::value(Value::SingleQuotedString(value.into()))
}

/// A bare name is a text.
fn constant(expression: Expr) -> Expr {
    match &expression {
        Expr::Identifier(ident) => text(folded(ident)),
        Expr::CompoundIdentifier(parts) => text(parts.iter().map(folded).collect::<Vec<_>>().join(".")),
        _ => expression,
    }
}

fn arrange(args: &mut [FunctionArg], bare_names: bool) {
    for arg in args {
        let (name, value) = match arg {
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => (Some(folded(name)), value.clone()),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => match value {
                // DuckDB's way to write `name => value`.
                Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => match left.as_ref() {
                    Expr::Identifier(name) => (Some(folded(name)), right.as_ref().clone()),
                    _ => (None, value.clone()),
                },
                value => (None, value.clone()),
            },
            _ => continue,
        };
        let value = if bare_names { constant(value) } else { value };
        let value = match name {
            None => value,
            Some(name) => named_struct(name, value),
        };
        *arg = FunctionArg::Unnamed(FunctionArgExpr::Expr(value));
    }
}

fn named_struct(name: String, value: Expr) -> Expr {
    use datafusion::sql::sqlparser::ast::{Function, FunctionArgumentList, FunctionArguments};
    let argument = |value: Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(value));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("named_struct")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![argument(text(name)), argument(value)],
            clauses: vec![],
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

/// Brings a call of a table function into the form that the planner takes: the name as it is registered, constants by position. A named
/// argument becomes a struct of one field, which C++ knows; the name of a table becomes a text.
pub fn arrange_table_call(state: &SessionState, factor: &mut TableFactor) {
    let (name, args, bare_names) = match factor {
        TableFactor::Table { name, args: Some(call), .. } => (name, &mut call.args, true),
        // LATERAL: a name there is a column.
        TableFactor::Function { name, args, .. } => (name, args, false),
        _ => return,
    };
    if normalize(state, name) {
        arrange(args, bare_names);
    }
}

// --- the engine's caches ---

fn timestamp() -> TimestampMillisecondBuilder {
    TimestampMillisecondBuilder::new().with_timezone("UTC")
}

fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

/// Columns of one name and type each, filled row by row.
fn batch(columns: Vec<(&str, ArrayRef)>) -> EngineResult<RecordBatch> {
    Ok(RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))?)
}

/// The object that an entry is about.
struct ObjectColumns {
    path: StringBuilder,
    size: Int64Builder,
    modified: TimestampMillisecondBuilder,
    etag: StringBuilder,
}

impl ObjectColumns {
    fn new() -> Self {
        Self {
            path: StringBuilder::new(),
            size: Int64Builder::new(),
            modified: timestamp(),
            etag: StringBuilder::new(),
        }
    }

    fn add(&mut self, path: &str, object: &ObjectMeta) {
        self.path.append_value(path);
        self.size.append_value(object.size as i64);
        self.modified.append_value(object.last_modified.timestamp_millis());
        self.etag.append_option(object.e_tag.as_deref());
    }

    fn finish(mut self) -> Vec<(&'static str, ArrayRef)> {
        vec![
            ("path", Arc::new(self.path.finish())),
            ("size_bytes", Arc::new(self.size.finish())),
            ("modified_at", Arc::new(self.modified.finish().with_data_type(timestamp_type()))),
            ("etag", Arc::new(self.etag.finish())),
        ]
    }
}

/// What the cache knows of each entry.
#[derive(Default)]
struct EntryColumns {
    bytes: Int64Builder,
    hits: Int64Builder,
}

impl EntryColumns {
    fn add<V>(&mut self, entry: &CacheEntryInfo<V>) {
        self.bytes.append_value(entry.size_bytes as i64);
        self.hits.append_value(entry.hits as i64);
    }

    fn finish(mut self) -> Vec<(&'static str, ArrayRef)> {
        vec![("cached_bytes", Arc::new(self.bytes.finish())), ("hits", Arc::new(self.hits.finish()))]
    }
}

fn listings(context: &SessionContext) -> EngineResult<RecordBatch> {
    let (mut table, mut path) = (StringBuilder::new(), StringBuilder::new());
    let mut files = Int64Builder::new();
    let mut paths = ListBuilder::new(StringBuilder::new());
    let mut entries = EntryColumns::default();
    let mut expires = Int64Builder::new();
    let cache = context.runtime_env().cache_manager.get_list_files_cache();
    let mut listed: Vec<_> = cache.map(|cache| cache.list_entries()).unwrap_or_default().into_iter().collect();
    listed.sort_by_key(|(left, _)| left.to_string());
    for (key, entry) in &listed {
        table.append_option(key.table.as_ref().map(|table| table.to_string()));
        path.append_value(key.path.as_ref());
        files.append_value(entry.value.files.len() as i64);
        entry.value.files.iter().for_each(|file| paths.values().append_value(file.location.as_ref()));
        paths.append(true);
        entries.add(entry);
        let left = entry.expires.map(|at| at.saturating_duration_since(Instant::now()).as_millis() as i64);
        expires.append_option(left);
    }
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("table_name", Arc::new(table.finish())),
        ("path", Arc::new(path.finish())),
        ("files", Arc::new(files.finish())),
        ("file_paths", Arc::new(paths.finish())),
    ];
    columns.extend(entries.finish());
    columns.push(("expires_in_ms", Arc::new(expires.finish())));
    batch(columns)
}

fn footers(context: &SessionContext) -> EngineResult<RecordBatch> {
    let mut objects = ObjectColumns::new();
    let mut entries = EntryColumns::default();
    let cache = context.runtime_env().cache_manager.get_file_metadata_cache();
    let mut kept: Vec<_> = cache.list_entries().into_iter().collect();
    kept.sort_by(|(left, _), (right, _)| left.cmp(right));
    for (path, entry) in &kept {
        objects.add(path.as_ref(), &entry.value.meta);
        entries.add(entry);
    }
    let mut columns = objects.finish();
    columns.extend(entries.finish());
    batch(columns)
}

fn file_statistics(context: &SessionContext) -> EngineResult<RecordBatch> {
    let mut table = StringBuilder::new();
    let mut objects = ObjectColumns::new();
    let (mut rows, mut known) = (Int64Builder::new(), Int64Builder::new());
    let mut entries = EntryColumns::default();
    let cache = context.runtime_env().cache_manager.get_file_statistic_cache();
    let mut kept: Vec<_> = cache.map(|cache| cache.list_entries()).unwrap_or_default().into_iter().collect();
    kept.sort_by_key(|(left, _)| left.to_string());
    for (key, entry) in &kept {
        table.append_option(key.table.as_ref().map(|table| table.to_string()));
        objects.add(key.path.as_ref(), &entry.value.meta);
        rows.append_option(entry.value.statistics.num_rows.get_value().map(|rows| *rows as i64));
        known.append_value(entry.value.statistics.column_statistics.len() as i64);
        entries.add(entry);
    }
    let mut columns: Vec<(&str, ArrayRef)> = vec![("table_name", Arc::new(table.finish()))];
    columns.extend(objects.finish());
    columns.push(("rows", Arc::new(rows.finish())));
    columns.push(("columns", Arc::new(known.finish())));
    columns.extend(entries.finish());
    batch(columns)
}

/// The entries of one of the engine's caches now, ordered by path.
pub fn cache_table(session: &Session, cache: &str) -> Result<Box<Table>> {
    entry(|| {
        let rows = match cache {
            "list_files" => listings(&session.context)?,
            "metadata" => footers(&session.context)?,
            "statistics" => file_statistics(&session.context)?,
            other => return Err(BridgeError::bug(format!("the engine has no cache `{other}`"))),
        };
        let table = MemTable::try_new(rows.schema(), vec![vec![rows]])?;
        Ok(Box::new(Table { provider: Arc::new(table) }))
    })
}

// --- the engine's functions ---

fn volatility_name(volatility: Volatility) -> &'static str {
    match volatility {
        Volatility::Immutable => "immutable",
        Volatility::Stable => "stable",
        Volatility::Volatile => "volatile",
    }
}

fn described(name: &str, kind: &str, aliases: &[String], signature: &Signature) -> serde_json::Value {
    let mut aliases = aliases.to_vec();
    aliases.sort();
    json!({
        "name": name,
        "kind": kind,
        "aliases": aliases,
        "signatures": signature.type_signature.to_string_repr(),
        "volatility": volatility_name(signature.volatility),
    })
}

/// Every function of the session as JSON, in no order: name, kind, aliases, signatures, volatility.
pub fn list_functions(session: &Session) -> Result<String> {
    entry(|| {
        let state = session.context.state_ref();
        let state = state.read();
        let mut all = Vec::new();
        // The maps hold a function under its aliases too.
        for (name, function) in state.scalar_functions() {
            if name == function.name() {
                all.push(described(name, "scalar", function.aliases(), function.signature()));
            }
        }
        for (name, function) in state.aggregate_functions() {
            if name == function.name() {
                all.push(described(name, "aggregate", function.aliases(), function.signature()));
            }
        }
        for (name, function) in state.window_functions() {
            if name == function.name() {
                all.push(described(name, "window", function.aliases(), function.signature()));
            }
        }
        for (name, function) in state.higher_order_functions() {
            if name == function.name() {
                all.push(json!({
                    "name": name, "kind": "higher_order", "aliases": function.aliases(), "signatures": [],
                    "volatility": volatility_name(function.signature().volatility),
                }));
            }
        }
        for name in state.table_functions().keys() {
            all.push(json!({"name": name, "kind": "table", "aliases": [], "signatures": [], "volatility": "stable"}));
        }
        Ok(serde_json::Value::Array(all).to_string())
    })
}
