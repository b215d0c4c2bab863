// SPDX-License-Identifier: Apache-2.0
//! The columns of a Delta table as scans give them. Beside names and types the fields say, in their metadata, how data files know them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use delta_kernel::schema::{DataType as LogType, MetadataValue, PrimitiveType, StructField, StructType};
use delta_kernel::table_features::ColumnMappingMode;

use crate::error::{BridgeError, Result};

/// The name of a column in data files and statistics; absent where it is the column's own.
pub const PHYSICAL_NAME: &str = "delta.columnMapping.physicalName";
/// The id of a column in data files; absent where names tell.
pub const FIELD_ID: &str = "delta.columnMapping.id";
/// Marks a variant, which is a struct in Arrow.
pub const VARIANT: &str = "weir.variant";

/// Columns without a type hold nothing and are left out, as other readers do. Below the top, every field may be NULL: what the log says of
/// nested values binds writers, and not all of them keep to it.
pub fn read_schema(schema: &StructType, mode: ColumnMappingMode) -> Result<SchemaRef> {
    let fields = fields_of(schema, mode, |field| field.is_nullable())?;
    Ok(Arc::new(Schema::new(fields)))
}

/// The same as scans give it: without what the log alone needs, and every column nullable. That a column holds no NULL is checked when it
/// is read, hence nothing may be derived from it before.
pub fn scan_schema(schema: &Schema) -> SchemaRef {
    Arc::new(Schema::new(scan_fields(schema.fields())))
}

pub fn scan_fields<'a>(fields: impl IntoIterator<Item = &'a FieldRef>) -> Vec<FieldRef> {
    let nullable = |field: &FieldRef| Arc::new(Field::clone(&plain_field(field)).with_nullable(true));
    fields.into_iter().map(nullable).collect()
}

pub fn plain_field(field: &FieldRef) -> FieldRef {
    let metadata: HashMap<String, String> = field
        .metadata()
        .iter()
        .filter(|(key, _)| !key.starts_with("delta.") && *key != VARIANT)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    Arc::new(Field::new(field.name(), plain_type(field.data_type()), field.is_nullable()).with_metadata(metadata))
}

pub fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain_field).collect()),
        DataType::List(element) => DataType::List(plain_field(element)),
        DataType::Map(entries, sorted) => DataType::Map(plain_field(entries), *sorted),
        other => other.clone(),
    }
}

pub fn is_variant(field: &Field) -> bool {
    field.metadata().contains_key(VARIANT)
}

fn fields_of(
    schema: &StructType,
    mode: ColumnMappingMode,
    is_nullable: impl Fn(&StructField) -> bool,
) -> Result<Fields> {
    let holds_values = |field: &&StructField| *field.data_type() != LogType::Primitive(PrimitiveType::Void);
    schema
        .fields()
        .filter(holds_values)
        .map(|field| {
            let data_type = type_of(field.data_type(), mode)?;
            let mut metadata = metadata_of(field, mode);
            if matches!(field.data_type(), LogType::Variant(_)) {
                metadata.insert(VARIANT.into(), "true".into());
            }
            Ok(Arc::new(Field::new(field.name(), data_type, is_nullable(field)).with_metadata(metadata)))
        })
        .collect()
}

fn metadata_of(field: &StructField, mode: ColumnMappingMode) -> HashMap<String, String> {
    let kept = |key: &str| match key {
        PHYSICAL_NAME => mode != ColumnMappingMode::None,
        FIELD_ID => mode == ColumnMappingMode::Id,
        "delta.columnMapping.nested.ids" | "parquet.field.id" => false,
        _ => true,
    };
    let text = |value: &MetadataValue| match value {
        MetadataValue::String(text) => text.clone(),
        other => other.to_string(),
    };
    field.metadata().iter().filter(|(key, _)| kept(key)).map(|(key, value)| (key.clone(), text(value))).collect()
}

/// An element, key or value, which has no name of its own.
fn unnamed(name: &str, data_type: &LogType, nullable: bool, mode: ColumnMappingMode) -> Result<FieldRef> {
    let field = Field::new(name, type_of(data_type, mode)?, nullable);
    let mark = matches!(data_type, LogType::Variant(_)).then(|| (VARIANT.to_string(), "true".to_string()));
    Ok(Arc::new(field.with_metadata(mark.into_iter().collect())))
}

fn type_of(data_type: &LogType, mode: ColumnMappingMode) -> Result<DataType> {
    Ok(match data_type {
        LogType::Primitive(primitive) => primitive_type(primitive)?,
        LogType::Struct(fields) => DataType::Struct(fields_of(fields, mode, |_| true)?),
        LogType::Array(array) => DataType::List(unnamed("element", array.element_type(), true, mode)?),
        LogType::Map(map) => {
            let key = unnamed("key", map.key_type(), false, mode)?;
            let value = unnamed("value", map.value_type(), true, mode)?;
            let entries = Field::new("key_value", DataType::Struct(Fields::from(vec![key, value])), false);
            DataType::Map(Arc::new(entries), false)
        }
        LogType::Variant(_) => DataType::Struct(Fields::from(vec![
            Field::new("metadata", DataType::Binary, true),
            Field::new("value", DataType::Binary, true),
        ])),
    })
}

fn primitive_type(primitive: &PrimitiveType) -> Result<DataType> {
    Ok(match primitive {
        PrimitiveType::String => DataType::Utf8,
        PrimitiveType::Long => DataType::Int64,
        PrimitiveType::Integer => DataType::Int32,
        PrimitiveType::Short => DataType::Int16,
        PrimitiveType::Byte => DataType::Int8,
        PrimitiveType::Float => DataType::Float32,
        PrimitiveType::Double => DataType::Float64,
        PrimitiveType::Boolean => DataType::Boolean,
        PrimitiveType::Binary => DataType::Binary,
        PrimitiveType::Date => DataType::Date32,
        PrimitiveType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        PrimitiveType::TimestampNtz => DataType::Timestamp(TimeUnit::Microsecond, None),
        PrimitiveType::Void => DataType::Null,
        PrimitiveType::Decimal(decimal) => DataType::Decimal128(decimal.precision(), decimal.scale() as i8),
        other => {
            let text = format!("Unsupported: the column type '{other}'");
            return Err(BridgeError::new("unsupported", "environment", text));
        }
    })
}
