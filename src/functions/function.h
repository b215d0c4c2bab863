// SPDX-License-Identifier: Apache-2.0
//
// What a native function is: its declaration, and its kernel over Arrow arrays.
// In: fields, constants and arrays. Out: fields and arrays. Nobody here knows the engine; the room
// `engine` adapts these interfaces to its planner. Functions are immutable and may be called from
// any thread; accumulators belong to one thread at a time.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"
#include "weir/functions/planned_expression.h"

namespace weir {

enum class FunctionKind { kScalar, kAggregate, kTable };
enum class Volatility {
  kImmutable,
  kStable,  ///< the same within a statement: what it shows may change between two
};
/// Whether the order of an aggregate's input can change its result.
enum class OrderSensitivity { kInsensitive };

/// "scalar", "aggregate" or "table".
std::string_view ToString(FunctionKind kind);
/// "immutable" or "stable".
std::string_view ToString(Volatility volatility);

/// How the engine settles the argument types of a call.
enum class SignatureKind {
  kExact,        ///< one of the declared signatures, to which the engine casts the arguments
  kUserDefined,  ///< CoerceTypes() decides; the declared signatures are typical calls
};

/// One documented parameter.
struct FunctionArgument {
  std::string name;
  std::string type;  ///< for readers: "text", "int64", "span", "any" …
  std::string description;
  /// SQL text of the value that stands in for an omitted argument; an argument that has one may be
  /// omitted.
  std::optional<std::string> default_value = std::nullopt;
  /// The default is a setting of the session: it is written into the plan of every call that omits
  /// the argument.
  bool session_default = false;
  /// May be omitted although nothing stands in for it.
  bool optional = false;

  bool MayBeOmitted() const { return optional || default_value.has_value(); }
};

/// Whole numbers from `lower` to `upper`, both included.
struct IntegerRange {
  int bits = 64;  ///< of the type: 32 or 64
  int64_t lower = INT64_MIN;
  int64_t upper = INT64_MAX;

  /// "0 or more", "-1 to 3"; an end of INT64_MIN or INT64_MAX is none.
  std::string Text() const;
};

/// One column of a table function's rows.
struct FunctionColumn {
  std::shared_ptr<arrow::Field> field;
  std::string description;

  const std::string& name() const;
  /// For readers: "text", "list of text", "map of int64" …
  std::string TypeWords() const;
};

/// The argument types of one way to call a function.
using FunctionSignature = std::vector<std::shared_ptr<arrow::DataType>>;

/// Everything about a function but its kernel. Names are lower-case.
struct FunctionDeclaration {
  std::string name;
  std::vector<std::string> aliases;
  FunctionKind kind = FunctionKind::kScalar;
  /// Raised whenever any result can change.
  int semantic_version = 1;
  Volatility volatility = Volatility::kImmutable;
  std::vector<std::string> tags;  ///< ordered by name
  std::string description;
  std::vector<FunctionArgument> arguments;
  /// The last documented argument may be repeated. Arguments of such a call have no names.
  bool variadic = false;
  SignatureKind signature_kind = SignatureKind::kExact;
  std::vector<FunctionSignature> signatures;
  std::string result_type;  ///< for readers
  /// Of a table function: the columns of its rows; none where they depend on the arguments.
  std::vector<FunctionColumn> columns;
  std::string null_handling;  ///< for readers
  std::string example;        ///< one SQL expression
  /// A NULL in any argument makes the result NULL.
  bool strict = false;
  OrderSensitivity order_sensitivity = OrderSensitivity::kInsensitive;
  /// Of an aggregate: DISTINCT changes nothing, and is allowed.
  bool ignores_duplicates = false;
  /// Of an aggregate: DISTINCT may be written, and AggregateCall says it.
  bool takes_distinct = false;
  /// Of an aggregate: IGNORE NULLS and RESPECT NULLS may be written behind the call.
  bool takes_null_treatment = false;
  /// Of an aggregate of floats: the engine's, in whose place it stands in sessions that want it.
  std::string stands_for = {};
  /// Of a boolean function: OpenPredicate may find something.
  bool opens_as_predicate = false;
  /// Of a scalar function with integer results: every result that is not NULL lies within, whatever
  /// the arguments. The engine learns it where it reasons about orders, and there alone: rows in
  /// the order of such a result are in the order of its `abs` and of sums that cannot overflow.
  std::optional<IntegerRange> bounds;
  /// Of a scalar function: the argument, by position, with which the result never falls while the
  /// others are constants; NULL where that argument is NULL. Rows in the order of the argument need
  /// no sort for the order of the result.
  std::optional<size_t> rises_with;
  /// Of a scalar function, for readers: what Simplify does; empty: nothing.
  std::string simplification = {};
  /// SQL operator that means this function of two arguments, where their types fit: "@>"; empty:
  /// none.
  std::string operator_symbol;
  /// Of a user function: the expression that stands for a call; empty for a native one.
  std::string expression = {};

  /// Names for `f(name => value)`, one a parameter; empty when the function is variadic.
  std::vector<std::string> ParameterNames() const;
  /// "f(a, b[, c])", as it is called.
  std::string Syntax() const;
  /// The schema that `columns` declare.
  std::shared_ptr<arrow::Schema> RowSchema() const;
};

/// One argument of a call: a column, or a constant that stands for every row.
struct FunctionValue {
  std::shared_ptr<arrow::Array> values;  ///< one element if constant
  bool is_constant = false;
};

using FieldVector = std::vector<std::shared_ptr<arrow::Field>>;
using TypeVector = std::vector<std::shared_ptr<arrow::DataType>>;
/// The arguments that are literals, by position; nullopt for the others.
using ConstantVector = std::vector<std::optional<std::shared_ptr<arrow::Scalar>>>;

/// A function from rows to rows. All arguments of a call are always evaluated: none short-circuits.
class ScalarFunction {
 public:
  virtual ~ScalarFunction() = default;
  virtual const FunctionDeclaration& declaration() const = 0;

  /// Derives type, nullability and metadata of the result. `arguments` have settled types;
  /// `constants` is empty or has one entry an argument. Fails with kInvalidArgument on a constant
  /// that can never be right.
  virtual Result<std::shared_ptr<arrow::Field>> ReturnField(
      const FieldVector& arguments, const ConstantVector& constants) const = 0;

  /// Settles the types of a call with a user-defined signature: one type an argument, to which the
  /// engine casts. Fails with kInvalidArgument, naming the function and what it takes.
  virtual Result<TypeVector> CoerceTypes(const TypeVector& types) const;

  /// What may stand for a call where NULL counts as false (in WHERE and ON), so that joins and
  /// pruning see comparisons; nullopt where the call must stay.
  virtual std::optional<RewrittenExpression> OpenPredicate(
      const std::vector<PlannedExpression>& arguments) const;

  /// What is the same as a call wherever it stands, of the same type and nullability, and simpler;
  /// nullopt where the call must stay. Asked only where the declaration has a `simplification`.
  virtual std::optional<RewrittenExpression> Simplify(
      const std::vector<PlannedExpression>& arguments) const;

  /// Computes `rows` results; one result when every argument is constant (and there is one). Arrays
  /// may be slices. Constants are never expanded. Fails with kInvalidArgument, naming the values of
  /// the row.
  virtual Result<std::shared_ptr<arrow::Array>> Invoke(const std::vector<FunctionValue>& arguments,
                                                       int64_t rows,
                                                       const arrow::Field& return_field) const = 0;
};

/// The states of one aggregate for all groups of a query; groups are numbered from 0 without gaps.
/// The result never depends on the order of the input, nor on how it is split over accumulators
/// that are merged through their states.
class GroupsAccumulator {
 public:
  virtual ~GroupsAccumulator() = default;

  /// Takes in a batch: row i belongs to group `group_indices[i]` < `group_count`. Rows whose
  /// `filter` is not true are left out; `filter` may be null. `group_count` never shrinks but by
  /// Evaluate and State.
  virtual Status Update(const arrow::ArrayVector& arguments,
                        std::span<const uint64_t> group_indices, const arrow::BooleanArray* filter,
                        int64_t group_count) = 0;

  /// Takes in states that State or ConvertToState of another accumulator returned.
  virtual Status Merge(const arrow::ArrayVector& states, std::span<const uint64_t> group_indices,
                       const arrow::BooleanArray* filter, int64_t group_count) = 0;

  /// Takes rows back out (sliding windows). REQUIRES: supports_retract()
  virtual Status Retract(const arrow::ArrayVector& arguments,
                         std::span<const uint64_t> group_indices, int64_t group_count);
  virtual bool supports_retract() const { return false; }

  /// Results, or states, of the first `count` groups, in order. Changes nothing.
  /// REQUIRES: 0 <= count <= group_count()
  virtual Result<std::shared_ptr<arrow::Array>> Peek(int64_t count) const = 0;
  virtual Result<arrow::ArrayVector> PeekState(int64_t count) const = 0;

  /// Forgets the first `count` groups; those behind move down by `count`.
  virtual void Drop(int64_t count) = 0;

  /// Number of groups seen so far.
  virtual int64_t group_count() const = 0;

  /// Turns each row into a state of its own, as if it were a group; a filtered row gives an empty
  /// state.
  virtual Result<arrow::ArrayVector> ConvertToState(const arrow::ArrayVector& arguments,
                                                    const arrow::BooleanArray* filter) const = 0;

  /// Bytes held; costs O(1).
  virtual int64_t SizeBytes() const = 0;

  /// Peek, then Drop, of the first `emit_first_n` groups, or of all.
  Result<std::shared_ptr<arrow::Array>> Evaluate(std::optional<int64_t> emit_first_n);
  /// PeekState, then Drop, of the first `emit_first_n` groups, or of all.
  Result<arrow::ArrayVector> State(std::optional<int64_t> emit_first_n);
};

/// How a call of an aggregate is written, and where.
struct AggregateCall {
  bool ignore_nulls = false;
  bool distinct = false;  ///< only if the declaration takes it
  /// For the frames of a window: rows leave by Retract in the order in which they came.
  bool sliding = false;
};

/// A function from many rows to one.
class AggregateFunction {
 public:
  virtual ~AggregateFunction() = default;
  virtual const FunctionDeclaration& declaration() const = 0;

  virtual Result<std::shared_ptr<arrow::Field>> ReturnField(const FieldVector& arguments) const = 0;
  /// As ScalarFunction::CoerceTypes.
  virtual Result<TypeVector> CoerceTypes(const TypeVector& types) const;
  /// Fields of the intermediate state, in the order in which State returns its arrays.
  virtual Result<FieldVector> StateFields(const FieldVector& arguments,
                                          const AggregateCall& call) const = 0;
  /// The accumulator of a sliding call may be limited to one group, and supports_retract() where
  /// the function can.
  virtual Result<std::unique_ptr<GroupsAccumulator>> CreateAccumulator(
      const FieldVector& arguments, const AggregateCall& call) const = 0;
  /// For a plain call.
  Result<std::unique_ptr<GroupsAccumulator>> CreateGroupsAccumulator(
      const FieldVector& arguments) const {
    return CreateAccumulator(arguments, {});
  }
};

}  // namespace weir
