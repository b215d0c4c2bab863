// SPDX-License-Identifier: Apache-2.0
//! Fields, arrays and errors between DataFusion and the callbacks of native functions.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, make_array};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use datafusion::common::internal_err;
use datafusion::error::{DataFusionError, Result as EngineResult};

use crate::error::BridgeError;
use crate::ffi;

/// The error of a callback, whose text is an envelope.
pub(crate) fn failure(error: cxx::Exception) -> BridgeError {
    const CODES: [&str; 13] = [
        "invalid_argument",
        "not_found",
        "already_exists",
        "plan_failed",
        "unsupported",
        "corrupt",
        "io",
        "out_of_memory",
        "out_of_space",
        "permission",
        "cancelled",
        "conflict",
        "internal",
    ];
    let text = error.what();
    if text == "std::bad_alloc" {
        return BridgeError::new("out_of_memory", "environment", "out of memory in a native function");
    }
    let Ok(envelope) = serde_json::from_str::<serde_json::Value>(text) else {
        return BridgeError::bug(text);
    };
    let part = |key: &str| envelope[key].as_str().unwrap_or_default();
    let code = CODES.into_iter().find(|code| *code == part("code")).unwrap_or("internal");
    let blame = ["user", "environment"].into_iter().find(|blame| *blame == part("blame")).unwrap_or("bug");
    let mut failure = BridgeError::new(code, blame, part("message"));
    for key in ["helps", "causes"] {
        if let Some(texts) = envelope[key].as_array() {
            failure.details.insert(key.into(), texts.clone().into());
        }
    }
    failure
}

pub(super) fn engine_failure(error: cxx::Exception) -> DataFusionError {
    DataFusionError::External(Box::new(failure(error)))
}

/// Prefix of metadata that C++ must not act upon: Arrow C++ would turn columns of known extensions into types of their own.
const EXTENSION_PREFIX: &str = "ARROW:extension:";
const HIDDEN_PREFIX: &str = "weir:hidden:";

fn renamed(field: &Field, from: &str, to: &str) -> Field {
    let metadata = field
        .metadata()
        .iter()
        .map(|(key, value)| match key.strip_prefix(from) {
            Some(rest) => (format!("{to}{rest}"), value.clone()),
            None => (key.clone(), value.clone()),
        })
        .collect();
    field.clone().with_metadata(metadata)
}

pub(super) fn export_fields<'a>(fields: impl IntoIterator<Item = &'a Field>) -> EngineResult<FFI_ArrowSchema> {
    let hidden: Fields = fields.into_iter().map(|field| renamed(field, EXTENSION_PREFIX, HIDDEN_PREFIX)).collect();
    Ok(FFI_ArrowSchema::try_from(&DataType::Struct(hidden))?)
}

pub(super) fn import_field(schema: &FFI_ArrowSchema) -> EngineResult<FieldRef> {
    Ok(Arc::new(renamed(&Field::try_from(schema)?, HIDDEN_PREFIX, EXTENSION_PREFIX)))
}

pub(super) fn import_fields(schema: &FFI_ArrowSchema) -> EngineResult<Vec<FieldRef>> {
    match DataType::try_from(schema)? {
        DataType::Struct(fields) => {
            Ok(fields.iter().map(|field| Arc::new(renamed(field, HIDDEN_PREFIX, EXTENSION_PREFIX))).collect())
        }
        other => internal_err!("a native function returned `{other}` instead of a struct of fields"),
    }
}

pub(super) fn export_arrays(arrays: &[ArrayRef]) -> Vec<FFI_ArrowArray> {
    arrays.iter().map(|array| FFI_ArrowArray::new(&array.to_data())).collect()
}

pub(super) fn import_array(array: FFI_ArrowArray, data_type: &DataType) -> EngineResult<ArrayRef> {
    Ok(make_array(unsafe { from_ffi_and_data_type(array, data_type.clone()) }?))
}

pub(super) fn schema_pointer(schema: &mut FFI_ArrowSchema) -> *mut ffi::ArrowSchema {
    (&raw mut *schema).cast()
}

pub(super) fn array_pointer(array: &mut FFI_ArrowArray) -> *mut ffi::ArrowArray {
    (&raw mut *array).cast()
}

pub(super) fn arrays_pointer(arrays: &mut [FFI_ArrowArray]) -> *mut ffi::ArrowArray {
    arrays.as_mut_ptr().cast()
}

/// Fields of the given types, for calls that know no more.
pub(super) fn bare_fields(types: &[DataType]) -> Vec<FieldRef> {
    types.iter().map(|data_type| Arc::new(Field::new("", data_type.clone(), true))).collect()
}
