// SPDX-License-Identifier: Apache-2.0
//
// Native functions as the bridge calls them. In and out: Arrow C Data structures. The bridge's
// generated code includes this header, hence it knows neither Arrow C++ nor the room `functions`;
// function_callbacks.cc connects them.
//
// Conventions of every method:
// * `fields` is a struct type with one field an argument; `arrays` points to as many arrays. Their
// contents are taken over, on
//   failure too. `out` is an uninitialised structure of the caller, who owns its contents after
//   success.
// * A failure is a std::exception whose text is the envelope {"code","blame","message"} of
// rust/bridge/src/error.rs.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "rust/cxx.h"

#include "weir/engine/arrow_abi.h"

namespace weir {

/// A scalar function. May be called from any thread.
class ScalarCallback {
 public:
  virtual ~ScalarCallback() = default;

  /// A struct of structs: the declared signatures with their types.
  virtual void Signatures(ArrowSchema* out) const = 0;
  /// A struct with the settled types.
  virtual void CoerceTypes(ArrowSchema* fields, ArrowSchema* out) const = 0;
  /// `constants` has one array an argument: of one element if it is a literal, else empty.
  virtual void ReturnField(ArrowSchema* fields, ArrowArray* constants, ArrowSchema* out) const = 0;
  /// What may stand for a call: OpenPredicate's in WHERE and ON, Simplify's anywhere. Empty if
  /// nothing may.
  ///   call     [argument, …] with argument = {} (unknown) | {"function": name, "arguments":
  ///   [argument, …]} | {"text": t} |
  ///            {"boolean": b} | {"fields": {name: argument}}
  ///   result   {"part": [argument, inner]} | {"call": [result, …]} | {"less": [left, right]} |
  ///            {"less_or_equal": [left, right]} | {"and": [left, right]}
  ///            with inner = number of a call's argument, name of a field, or "" for the whole;
  ///            "call" is one of the function itself
  virtual rust::String OpenPredicate(rust::Str call) const = 0;
  virtual rust::String Simplify(rust::Str call) const = 0;
  /// `constant[i]` says that array i has one element which stands for all rows. `return_field` is a
  /// struct with one field.
  virtual void Invoke(ArrowSchema* fields, ArrowArray* arrays, rust::Slice<const bool> constant,
                      size_t rows, ArrowSchema* return_field, ArrowArray* out) const = 0;
};

/// The states of one aggregate for all groups. For one thread at a time. A count of groups of -1
/// means all.
class AccumulatorCallback {
 public:
  virtual ~AccumulatorCallback() = default;

  /// `filter` may be null.
  virtual void Update(ArrowArray* arrays, rust::Slice<const size_t> group_indices,
                      ArrowArray* filter, size_t group_count) = 0;
  virtual void Merge(ArrowArray* states, rust::Slice<const size_t> group_indices,
                     size_t group_count) = 0;
  virtual bool SupportsRetract() const = 0;
  virtual void Retract(ArrowArray* arrays, rust::Slice<const size_t> group_indices,
                       size_t group_count) = 0;
  virtual void Evaluate(int64_t count, ArrowArray* out) = 0;
  /// A struct array with one field a state array.
  virtual void State(int64_t count, ArrowArray* out) = 0;
  /// As Evaluate and State of all groups, without forgetting them.
  virtual void Peek(ArrowArray* out) const = 0;
  virtual void PeekState(ArrowArray* out) const = 0;
  virtual void ConvertToState(ArrowArray* arrays, ArrowArray* filter, ArrowArray* out) const = 0;
  virtual size_t SizeBytes() const = 0;
};

/// An aggregate function. May be called from any thread.
class AggregateCallback {
 public:
  virtual ~AggregateCallback() = default;

  virtual void Signatures(ArrowSchema* out) const = 0;
  virtual void CoerceTypes(ArrowSchema* fields, ArrowSchema* out) const = 0;
  virtual void ReturnField(ArrowSchema* fields, ArrowSchema* out) const = 0;
  /// A struct with the fields of the state.
  virtual void StateFields(ArrowSchema* fields, bool distinct, ArrowSchema* out) const = 0;
  virtual std::unique_ptr<AccumulatorCallback> CreateAccumulator(ArrowSchema* fields,
                                                                 bool ignore_nulls, bool distinct,
                                                                 bool sliding) const = 0;
};

}  // namespace weir
