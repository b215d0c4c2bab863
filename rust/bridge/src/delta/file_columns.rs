// SPDX-License-Identifier: Apache-2.0
//! Columns of a Delta table found in its data files. In: expressions over the table's columns, the columns of one file. Out: the same
//! expressions over the file's columns, found by field id or by name without regard to case, widened to the table's types; NULL where a file
//! has no such column.

use std::fmt::{self, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, RecordBatch, StructArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions::core::getfield::GetFieldFunc;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use parquet_variant_compute::{VariantArray, unshred_variant};

use crate::delta::read_schema::{FIELD_ID, PHYSICAL_NAME, is_variant, plain_field, plain_type};
use crate::error::BridgeError;

/// Where Parquet's ids of fields stand in Arrow.
const FILE_FIELD_ID: &str = "PARQUET:field_id";

/// Finds the columns of one table in its files.
#[derive(Debug, Clone)]
pub struct FileColumns {
    /// With the metadata that `read_schema` gives.
    read_schema: SchemaRef,
}

impl FileColumns {
    pub fn new(read_schema: SchemaRef) -> Self {
        Self { read_schema }
    }
}

impl PhysicalExprAdapterFactory for FileColumns {
    fn create(&self, _table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        Ok(Arc::new(FileAdapter { read_schema: Arc::clone(&self.read_schema), file }))
    }
}

#[derive(Debug)]
struct FileAdapter {
    read_schema: SchemaRef,
    file: SchemaRef,
}

impl PhysicalExprAdapter for FileAdapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        expr.transform_down(|node| {
            if let Some(access) = self.field_access(&node)? {
                return Ok(Transformed::new(access, true, TreeNodeRecursion::Jump));
            }
            match node.downcast_ref::<Column>() {
                Some(column) => Ok(Transformed::new(self.column(column.name())?, true, TreeNodeRecursion::Jump)),
                None => Ok(Transformed::no(node)),
            }
        })
        .data()
    }
}

impl FileAdapter {
    fn column(&self, name: &str) -> Result<Arc<dyn PhysicalExpr>> {
        if let (Err(_), Ok(index)) = (self.read_schema.index_of(name), self.file.index_of(name)) {
            // No column of the table: the reader makes it.
            return Ok(Arc::new(Column::new(name, index)));
        }
        let wanted = self.read_field(name)?;
        let Some(index) = position(self.file.fields(), &wanted)? else {
            return nothing(&wanted);
        };
        let found = Arc::new(self.file.field(index).clone());
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(found.name(), index));
        FileColumn::over(column, found, wanted)
    }

    fn read_field(&self, name: &str) -> Result<FieldRef> {
        let index = self.read_schema.index_of(name)?;
        Ok(Arc::clone(&self.read_schema.fields()[index]))
    }

    /// `s['a']['b']` read from the leaf of the file alone; none for any other expression.
    fn field_access(&self, expr: &Arc<dyn PhysicalExpr>) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let Some(call) = ScalarFunctionExpr::try_downcast_func::<GetFieldFunc>(expr.as_ref()) else {
            return Ok(None);
        };
        let Some((source, keys)) = call.args().split_first() else {
            return Ok(None);
        };
        let Some(column) = source.downcast_ref::<Column>() else {
            return Ok(None);
        };
        let mut wanted = self.read_field(column.name())?;
        let Some(index) = position(self.file.fields(), &wanted)? else {
            return Ok(None);
        };
        let mut found = Arc::new(self.file.field(index).clone());
        let mut arguments: Vec<Arc<dyn PhysicalExpr>> = vec![Arc::new(Column::new(found.name(), index))];
        for key in keys {
            let name = key.downcast_ref::<Literal>().and_then(|text| text.value().try_as_str().flatten());
            let (Some(name), DataType::Struct(fields), DataType::Struct(in_file)) =
                (name, wanted.data_type(), found.data_type())
            else {
                return Ok(None);
            };
            let Some((_, field)) = fields.find(name) else {
                return Ok(None);
            };
            if is_variant(&wanted) {
                return Ok(None);
            }
            let Some(at) = position(in_file, field)? else {
                // The leaf is missing, and with it everything below.
                return Ok(None);
            };
            let (next_wanted, next_found) = (Arc::clone(field), Arc::clone(&in_file[at]));
            arguments.push(Arc::new(Literal::new(ScalarValue::Utf8(Some(next_found.name().clone())))));
            (wanted, found) = (next_wanted, next_found);
        }
        if found.data_type().is_nested() {
            return Ok(None);
        }
        let leaf: Arc<dyn PhysicalExpr> = Arc::new(ScalarFunctionExpr::try_new(
            Arc::new(call.fun().clone()),
            arguments,
            &self.file,
            Arc::new(call.config_options().clone()),
        )?);
        FileColumn::over(leaf, found, wanted).map(Some)
    }
}

fn nothing(wanted: &Field) -> Result<Arc<dyn PhysicalExpr>> {
    Ok(Arc::new(Literal::new(ScalarValue::try_from(&plain_type(wanted.data_type()))?)))
}

/// Where a column of the table stands among those of a file or of a struct in it.
fn position(in_file: &Fields, wanted: &Field) -> Result<Option<usize>> {
    if let Some(id) = wanted.metadata().get(FIELD_ID) {
        let position = in_file.iter().position(|field| field.metadata().get(FILE_FIELD_ID) == Some(id));
        let has_ids = || in_file.iter().any(|field| field.metadata().contains_key(FILE_FIELD_ID));
        if position.is_none() && !in_file.is_empty() && !has_ids() {
            return Err(corrupt(format!(
                "the table finds its columns by field id (column mapping), and the file has none: column `{}`",
                wanted.name()
            )));
        }
        return Ok(position);
    }
    let name = wanted.metadata().get(PHYSICAL_NAME).unwrap_or_else(|| wanted.name());
    if let Some((position, _)) = in_file.find(name) {
        return Ok(Some(position));
    }
    let folded = name.to_lowercase();
    let mut alike = in_file.iter().enumerate().filter(|(_, field)| field.name().to_lowercase() == folded);
    let found = alike.next().map(|(position, _)| position);
    match alike.next() {
        None => Ok(found),
        Some(_) => Err(corrupt(format!("the file has several columns that differ in case alone: `{name}`"))),
    }
}

fn corrupt(text: String) -> DataFusionError {
    DataFusionError::External(Box::new(BridgeError::new("corrupt", "environment", text)))
}

/// A column of a file in the type that the table gives it.
#[derive(Debug, Clone)]
struct FileColumn {
    input: Arc<dyn PhysicalExpr>,
    found: FieldRef,
    /// With metadata.
    wanted: FieldRef,
    /// Without.
    returned: FieldRef,
}

impl FileColumn {
    /// The input itself where nothing is to be done.
    fn over(input: Arc<dyn PhysicalExpr>, found: FieldRef, wanted: FieldRef) -> Result<Arc<dyn PhysicalExpr>> {
        let returned = plain_field(&wanted);
        if found.data_type() == returned.data_type() {
            return Ok(input);
        }
        check(found.data_type(), &wanted, wanted.name())?;
        Ok(Arc::new(Self { input, found, wanted, returned }))
    }
}

impl PartialEq for FileColumn {
    fn eq(&self, other: &Self) -> bool {
        self.input.eq(&other.input) && self.found == other.found && self.wanted == other.wanted
    }
}

impl Eq for FileColumn {}

impl Hash for FileColumn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
        self.wanted.name().hash(state);
    }
}

impl Display for FileColumn {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {}", self.input, self.returned.data_type())
    }
}

impl PhysicalExpr for FileColumn {
    fn data_type(&self, _input: &Schema) -> Result<DataType> {
        Ok(self.returned.data_type().clone())
    }

    fn nullable(&self, input: &Schema) -> Result<bool> {
        self.input.nullable(input)
    }

    fn return_field(&self, _input: &Schema) -> Result<FieldRef> {
        Ok(Arc::clone(&self.returned))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let values = self.input.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(ColumnarValue::Array(as_wanted(&values, &self.wanted)?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.input]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let input = children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.input));
        Ok(Arc::new(Self { input, ..Self::clone(&self) }))
    }

    fn fmt_sql(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.input.fmt_sql(f)
    }
}

/// Whether the values of one type are values of the other, whatever they are.
fn widens(found: &DataType, wanted: &DataType) -> bool {
    use DataType::*;
    match (found, wanted) {
        (Null, _) => true,
        (Dictionary(_, values), _) => widens(values, wanted),
        (Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView, Utf8) => true,
        (Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView | FixedSizeBinary(_), Binary) => true,
        // What does not fit is an error when it is met.
        (from, to) if from.is_integer() && to.is_integer() => true,
        (Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32, Float64) => true,
        (Float16 | Float32, Float32 | Float64) => true,
        (from, Decimal128(_, _)) if from.is_integer() => true,
        (
            Decimal32(_, scale) | Decimal64(_, scale) | Decimal128(_, scale) | Decimal256(_, scale),
            Decimal128(_, to),
        ) => scale <= to,
        (Date32 | Date64, Date32) => true,
        (Date32, Timestamp(_, None)) => true,
        (Timestamp(_, _), Timestamp(_, _)) => true,
        (from, to) => from == to,
    }
}

/// Fails where a file's type is none that the table's type may have had.
fn check(found: &DataType, wanted: &Field, column: &str) -> Result<()> {
    use DataType::*;
    let matches = match (found, wanted.data_type()) {
        (Null, _) => true,
        (Struct(in_file), Struct(_)) if is_variant(wanted) => {
            let has = |name: &str| in_file.find(name).is_some();
            has("metadata") && (has("value") || has("typed_value"))
        }
        (Struct(in_file), Struct(fields)) => {
            for field in fields {
                if let Some(at) = position(in_file, field)? {
                    check(in_file[at].data_type(), field, &format!("{column}.{}", field.name()))?;
                }
            }
            true
        }
        (List(inner) | LargeList(inner) | FixedSizeList(inner, _), List(element)) => {
            return check(inner.data_type(), element, column);
        }
        (Map(inner, _), Map(entries, _)) => {
            let (Struct(inner), Struct(entries)) = (inner.data_type(), entries.data_type()) else {
                return Err(corrupt(format!("a map of the file has no entries: column `{column}`")));
            };
            check(inner[0].data_type(), &entries[0], column)?;
            return check(inner[1].data_type(), &entries[1], column);
        }
        (found, wanted) => widens(found, wanted),
    };
    if matches {
        return Ok(());
    }
    Err(corrupt(format!(
        "the column `{column}` has the type {} in the table and {found} in the file",
        plain_type(wanted.data_type())
    )))
}

/// REQUIRES: `check` has passed.
fn as_wanted(values: &ArrayRef, wanted: &Field) -> Result<ArrayRef> {
    let target = plain_type(wanted.data_type());
    if *values.data_type() == target {
        return Ok(Arc::clone(values));
    }
    match (values.data_type(), wanted.data_type()) {
        (DataType::Null, _) => Ok(new_null_array(&target, values.len())),
        (DataType::Struct(_), DataType::Struct(fields)) if is_variant(wanted) => variant(values, fields),
        (DataType::Struct(in_file), DataType::Struct(fields)) => as_struct(values.as_struct(), in_file, fields),
        (DataType::LargeList(inner), DataType::List(_)) => {
            let narrow = cast(values, &DataType::List(Arc::clone(inner)))?;
            as_wanted(&narrow, wanted)
        }
        (DataType::FixedSizeList(inner, _), DataType::List(_)) => {
            let list = cast(values, &DataType::List(Arc::clone(inner)))?;
            as_wanted(&list, wanted)
        }
        (DataType::List(_), DataType::List(element)) => {
            let (_, offsets, inner, nulls) = values.as_list::<i32>().clone().into_parts();
            let inner = as_wanted(&inner, element)?;
            Ok(Arc::new(ListArray::try_new(plain_field(element), offsets, inner, nulls)?))
        }
        (DataType::Map(_, _), DataType::Map(entries, _)) => {
            let (_, offsets, inner, nulls, _) = values.as_map().clone().into_parts();
            let DataType::Struct(fields) = entries.data_type() else {
                return Err(corrupt(format!("a map has no entries: column `{}`", wanted.name())));
            };
            let key = as_wanted(inner.column(0), &fields[0])?;
            let value = as_wanted(inner.column(1), &fields[1])?;
            let fields: Fields = fields.iter().map(plain_field).collect();
            let inner = StructArray::try_new(fields, vec![key, value], None)?;
            Ok(Arc::new(MapArray::try_new(plain_field(entries), offsets, inner, nulls, false)?))
        }
        _ => cast(values, &target),
    }
}

fn as_struct(values: &StructArray, in_file: &Fields, wanted: &Fields) -> Result<ArrayRef> {
    let columns = wanted
        .iter()
        .map(|field| match position(in_file, field)? {
            Some(at) => as_wanted(values.column(at), field),
            None => Ok(new_null_array(&plain_type(field.data_type()), values.len())),
        })
        .collect::<Result<Vec<_>>>()?;
    let nulls = values.nulls().cloned();
    if columns.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(values.len(), nulls)));
    }
    Ok(Arc::new(StructArray::try_new(wanted.iter().map(plain_field).collect(), columns, nulls)?))
}

/// Variants whose parts may stand in columns of their own, put together.
fn variant(values: &ArrayRef, wanted: &Fields) -> Result<ArrayRef> {
    let whole = unshred_variant(&VariantArray::try_new(values)?)?.into_inner();
    let DataType::Struct(in_file) = whole.data_type() else {
        return Err(corrupt("a variant is no struct".into()));
    };
    as_struct(&whole, in_file, wanted)
}

/// What does not fit contradicts the table.
fn cast(values: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    let strict = CastOptions { safe: false, ..Default::default() };
    let cast_with_options = |values: &ArrayRef, target: &DataType, options: &CastOptions| {
        cast_with_options(values, target, options)
            .map_err(|e| corrupt(e.to_string().trim_start_matches("Cast error: ").to_string()))
    };
    // Times without a zone are those that the clock shows in UTC.
    if let (DataType::Timestamp(_, Some(_)), DataType::Timestamp(unit, None)) = (values.data_type(), target) {
        let utc = cast_with_options(values, &DataType::Timestamp(*unit, Some("UTC".into())), &strict)?;
        return cast_with_options(&utc, target, &strict);
    }
    if let (DataType::Timestamp(TimeUnit::Nanosecond, zone), DataType::Timestamp(TimeUnit::Microsecond, _)) =
        (values.data_type(), target)
    {
        let micros = floor_to_micros(values, zone.clone())?;
        return cast_with_options(&micros, target, &strict);
    }
    cast_with_options(values, target, &strict)
}

/// Cut towards the past, as times before 1970 are, too.
fn floor_to_micros(values: &ArrayRef, zone: Option<Arc<str>>) -> Result<ArrayRef> {
    use arrow::datatypes::{TimestampMicrosecondType, TimestampNanosecondType};
    let nanos = values.as_primitive::<TimestampNanosecondType>();
    let micros = nanos.unary::<_, TimestampMicrosecondType>(|value| value.div_euclid(1000));
    Ok(Arc::new(micros.with_timezone_opt(zone)))
}
