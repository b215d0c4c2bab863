// SPDX-License-Identifier: Apache-2.0
//! An operator as a function that fails where the exact result does not fit, for as long as an expression is folded or executed. The
//! plan that is kept has operators only.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, ScalarValue, internal_err, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::interval_arithmetic::{Interval, apply_operator};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use exact::{Failure, Input, Operation};

use super::overflow_error;

pub fn operation_of(operator: Operator) -> Option<Operation> {
    Some(match operator {
        Operator::Plus => Operation::Add,
        Operator::Minus => Operation::Subtract,
        Operator::Multiply => Operation::Multiply,
        Operator::Divide => Operation::Divide,
        Operator::Modulo => Operation::Modulo,
        Operator::BitwiseShiftLeft => Operation::ShiftLeft,
        Operator::BitwiseShiftRight => Operation::ShiftRight,
        _ => return None,
    })
}

fn operator_of(operation: Operation) -> Operator {
    match operation {
        Operation::Add => Operator::Plus,
        Operation::Subtract | Operation::Negate => Operator::Minus,
        Operation::Multiply => Operator::Multiply,
        Operation::Divide => Operator::Divide,
        Operation::Modulo => Operator::Modulo,
        Operation::ShiftLeft => Operator::BitwiseShiftLeft,
        Operation::ShiftRight => Operator::BitwiseShiftRight,
    }
}

/// Whether the engine may give decimals more digits than there are: the precision that the result would have without a limit is above
/// it. A product has no more digits than both factors together.
fn exceeds(operation: Operation, left: (u8, i8), right: (u8, i8), limit: u8) -> bool {
    let ((p1, s1), (p2, s2)) = ((i32::from(left.0), i32::from(left.1)), (i32::from(right.0), i32::from(right.1)));
    let digits = match operation {
        Operation::Add | Operation::Subtract => s1.max(s2) + (p1 - s1).max(p2 - s2) + 1,
        Operation::Multiply => p1 + p2,
        Operation::Divide => p1 - s1 + s2 + (s1 + 4).min(i32::from(limit)),
        _ => 0,
    };
    digits > i32::from(limit)
}

/// Whether the engine may compute a wrong value of operands of these types, without an error.
pub fn may_overflow(operation: Operation, left: &DataType, right: &DataType) -> bool {
    use DataType::{Decimal32, Decimal64, Decimal128, Decimal256};
    match (left, right) {
        (left, right) if left.is_integer() && left == right => {
            !matches!(operation, Operation::Divide | Operation::Modulo)
        }
        (Decimal32(p1, s1), Decimal32(p2, s2)) => exceeds(operation, (*p1, *s1), (*p2, *s2), 9),
        (Decimal64(p1, s1), Decimal64(p2, s2)) => exceeds(operation, (*p1, *s1), (*p2, *s2), 18),
        (Decimal128(p1, s1), Decimal128(p2, s2)) => exceeds(operation, (*p1, *s1), (*p2, *s2), 38),
        (Decimal256(p1, s1), Decimal256(p2, s2)) => exceeds(operation, (*p1, *s1), (*p2, *s2), 76),
        _ => false,
    }
}

fn input(value: &ColumnarValue) -> Result<Input> {
    Ok(match value {
        ColumnarValue::Array(array) => Input::Rows(Arc::clone(array)),
        ColumnarValue::Scalar(scalar) => Input::One(scalar.to_array()?),
    })
}

/// An expression as users may know it again: most casts in a plan are not theirs, nor are the names of tables before columns.
fn readable(expression: Expr) -> String {
    let bare = expression.transform_up(|part| match part {
        Expr::Cast(cast) => Ok(Transformed::yes(*cast.expr)),
        Expr::Column(column) => Ok(Transformed::yes(Expr::Column(Column::new_unqualified(column.name)))),
        Expr::ScalarFunction(call) => match CheckedArithmetic::in_call(&call) {
            Some(checked) => Ok(Transformed::yes(checked.restore(call.args.clone()))),
            None => Ok(Transformed::no(Expr::ScalarFunction(call))),
        },
        other => Ok(Transformed::no(other)),
    });
    bare.data().map_or_else(|error| error.to_string(), |bare| bare.human_display().to_string())
}

/// One operator at one place of a plan.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CheckedArithmetic {
    operation: Operation,
    /// The expression as users may know it again.
    text: String,
    result: DataType,
    signature: Signature,
}

impl CheckedArithmetic {
    fn call(operation: Operation, text: String, result: DataType, args: Vec<Expr>) -> Expr {
        let signature = Signature::any(args.len(), Volatility::Immutable);
        let function = Self { operation, text, result, signature };
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(function)), args))
    }

    /// Takes the place of `left operator right`, which has the type `result`.
    pub fn of_binary(operation: Operation, binary: BinaryExpr, result: DataType) -> Expr {
        let text = readable(Expr::BinaryExpr(binary.clone()));
        Self::call(operation, text, result, vec![*binary.left, *binary.right])
    }

    /// Takes the place of `-operand`.
    pub fn of_negative(operand: Box<Expr>, result: DataType) -> Expr {
        let text = readable(Expr::Negative(operand.clone()));
        Self::call(Operation::Negate, text, result, vec![*operand])
    }

    pub fn in_call(function: &ScalarFunction) -> Option<&Self> {
        function.func.inner().downcast_ref::<Self>()
    }

    pub fn result(&self) -> &DataType {
        &self.result
    }

    /// What it took the place of.
    pub fn restore(&self, args: Vec<Expr>) -> Expr {
        let mut args = args.into_iter().map(Box::new);
        match (self.operation, args.next(), args.next()) {
            (Operation::Negate, Some(operand), None) => Expr::Negative(operand),
            (operation, Some(left), Some(right)) => {
                Expr::BinaryExpr(BinaryExpr::new(left, operator_of(operation), right))
            }
            _ => unreachable!("a call has the operands that it was made with"),
        }
    }

    /// Fails as the call would over any row.
    pub fn evaluate(&self, args: &[ColumnarValue]) -> Result<ColumnarValue> {
        let (left, right) = match args {
            [operand] => (Input::One(ScalarValue::new_zero(&self.result)?.to_array()?), input(operand)?),
            [left, right] => (input(left)?, input(right)?),
            _ => return internal_err!("{} takes one operand or two", self.text),
        };
        match exact::evaluate(self.operation, &left, &right, &self.result) {
            Ok(values) if matches!((&left, &right), (Input::One(_), Input::One(_))) => {
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&values, 0)?))
            }
            Ok(values) => Ok(ColumnarValue::Array(values)),
            Err(Failure::Overflow(operands)) => Err(self.failure(&operands)),
            Err(Failure::Other(error)) => Err(error.into()),
        }
    }

    fn failure(&self, operands: &str) -> DataFusionError {
        if matches!(self.operation, Operation::ShiftLeft | Operation::ShiftRight) {
            let bits = self.result.primitive_width().unwrap_or_default() * 8;
            let message =
                format!("the bits of `{}` can be shifted by 0 to {}, found `{operands}`", self.text, bits - 1);
            return DataFusionError::External(Box::new(overflow_error(message, "")));
        }
        super::does_not_fit(&self.text, &self.result, operands)
    }

    /// The type of `left operator right` as the engine has it.
    pub fn binary_type(operator: Operator, left: &DataType, right: &DataType) -> Result<DataType> {
        datafusion::logical_expr::binary::BinaryTypeCoercer::new(left, &operator, right).get_result_type()
    }
}

impl ScalarUDFImpl for CheckedArithmetic {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Add => "checked_add",
            Operation::Subtract => "checked_subtract",
            Operation::Multiply => "checked_multiply",
            Operation::Divide => "checked_divide",
            Operation::Modulo => "checked_modulo",
            Operation::Negate => "checked_negate",
            Operation::ShiftLeft => "checked_shift_left",
            Operation::ShiftRight => "checked_shift_right",
        }
    }

    /// Columns keep the names that the operators give them.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(self.restore(args.to_vec()).schema_name().to_string())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(self.result.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.result.clone(), nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.evaluate(&args.args)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn evaluate_bounds(&self, inputs: &[&Interval]) -> Result<Interval> {
        match (self.operation, inputs) {
            (Operation::Negate, [operand]) => operand.arithmetic_negate(),
            (Operation::Add | Operation::Subtract | Operation::Multiply, [left, right]) => {
                apply_operator(&operator_of(self.operation), left, right)
            }
            _ => Interval::make_unbounded(&self.result),
        }
    }

    /// What fails rather than wraps keeps orders.
    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        Ok(match (self.operation, inputs) {
            (Operation::Negate, [operand]) => -operand.sort_properties,
            (Operation::Add, [left, right]) => left.sort_properties.add(&right.sort_properties),
            (Operation::Subtract, [left, right]) => left.sort_properties.sub(&right.sort_properties),
            (_, inputs) if inputs.iter().all(|input| input.sort_properties == SortProperties::Singleton) => {
                SortProperties::Singleton
            }
            _ => SortProperties::Unordered,
        })
    }

    fn coerce_types(&self, _types: &[DataType]) -> Result<Vec<DataType>> {
        plan_err!("{} stands in plans whose types are settled", self.name())
    }
}
