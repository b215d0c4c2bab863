// SPDX-License-Identifier: Apache-2.0
//! C++'s declaration of a function in DataFusion's words.

use std::fmt;
use std::hash::{Hash, Hasher};

use arrow::datatypes::DataType;
use arrow::ffi::FFI_ArrowSchema;
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::{DocSection, Documentation, Signature, TypeSignature, Volatility};

use super::crossing::import_fields;
use super::named_arguments::Parameter;
use crate::ffi::NativeFunction;

/// What scalar and aggregate functions have in common. Two are equal if name and semantic version are.
pub(super) struct Declaration {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) semantic_version: u32,
    pub(super) parameters: Vec<Parameter>,
    pub(super) signature: Signature,
    pub(super) signatures: Vec<Vec<DataType>>,
    pub(super) documentation: Documentation,
    pub(super) strict: bool,
    pub(super) ignores_duplicates: bool,
    pub(super) takes_distinct: bool,
    pub(super) takes_null_treatment: bool,
    /// Of an aggregate: the engine's, in whose place it stands; may be empty.
    pub(super) stands_for: String,
    pub(super) opens_as_predicate: bool,
    pub(super) simplifies: bool,
    /// Every result that is not NULL lies within; None where nothing is known.
    pub(super) bounds: Option<Interval>,
    /// The argument with which the result rises while all others stay as they are.
    pub(super) rises_with: Option<usize>,
}

impl Declaration {
    pub(super) fn new(native: &NativeFunction, signatures: &FFI_ArrowSchema) -> EngineResult<Self> {
        let mut exact = Vec::new();
        for signature in import_fields(signatures)? {
            let DataType::Struct(types) = signature.data_type() else {
                return internal_err!("a signature of {} is no struct", native.name);
            };
            exact.push(types.iter().map(|field| field.data_type().clone()).collect::<Vec<_>>());
        }
        let type_signature = match (native.user_defined, exact.as_slice()) {
            (true, _) => TypeSignature::UserDefined,
            (false, [one]) => TypeSignature::Exact(one.clone()),
            (false, several) => TypeSignature::OneOf(several.iter().cloned().map(TypeSignature::Exact).collect()),
        };
        let mut signature = Signature::new(type_signature, Volatility::Immutable);
        if !native.variadic {
            signature = signature.with_parameter_names(native.arguments.iter().map(|a| a.name.clone()).collect())?;
        }
        let mut documentation = Documentation::builder(DocSection::default(), &native.description, &native.syntax)
            .with_sql_example(&native.example);
        for argument in &native.arguments {
            documentation = documentation.with_argument(&argument.name, &argument.description);
        }
        Ok(Self {
            name: native.name.clone(),
            aliases: native.aliases.clone(),
            semantic_version: native.semantic_version,
            parameters: native.arguments.iter().map(Parameter::of_native).collect(),
            signature,
            signatures: exact,
            documentation: documentation.build(),
            strict: native.strict,
            ignores_duplicates: native.ignores_duplicates,
            takes_distinct: native.takes_distinct,
            takes_null_treatment: native.takes_null_treatment,
            stands_for: native.stands_for.clone(),
            opens_as_predicate: native.opens_as_predicate,
            simplifies: native.simplifies,
            bounds: bounds_of(native)?,
            rises_with: usize::try_from(native.rises_with).ok(),
        })
    }
}

/// A bound that the type has anyway is none.
fn bounds_of(native: &NativeFunction) -> EngineResult<Option<Interval>> {
    let scalar = |bound: i64, none: i64| match native.bounded_bits {
        32 => ScalarValue::Int32(i32::try_from(bound).ok().filter(|_| bound != none)),
        _ => ScalarValue::Int64(Some(bound).filter(|_| bound != none)),
    };
    match native.bounded_bits {
        0 => Ok(None),
        32 | 64 => Ok(Some(Interval::try_new(scalar(native.lower, i64::MIN), scalar(native.upper, i64::MAX))?)),
        bits => internal_err!("{} has bounds of {bits} bits", native.name),
    }
}

impl fmt::Debug for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.semantic_version)
    }
}
impl PartialEq for Declaration {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.semantic_version) == (&other.name, other.semantic_version)
    }
}
impl Eq for Declaration {}
impl Hash for Declaration {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.name, self.semantic_version).hash(state);
    }
}
