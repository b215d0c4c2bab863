// SPDX-License-Identifier: Apache-2.0
//
// What planning knows of the arguments of a call, and what a function may put in the place of the
// call.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// An expression before any row is read. At most one of function, literal and fields is set; none
/// if nothing is known.
struct PlannedExpression {
  std::string function;                             ///< native function that is called
  std::vector<PlannedExpression> arguments;         ///< of that call
  std::optional<std::string> text;                  ///< a text literal
  std::optional<bool> boolean;                      ///< a boolean literal
  std::map<std::string, PlannedExpression> fields;  ///< of a struct literal
};

/// An expression over the arguments and their parts.
struct RewrittenExpression {
  enum class Kind {
    kPart,
    kCall,  ///< of the function that is asked
    kLess,
    kLessOrEqual,
    kAnd,
  };

  Kind kind = Kind::kPart;
  /// Of a part: the argument, by number; within it the argument of a call, by number, or the field
  /// of a struct literal, by name, or nothing: the whole.
  size_t argument = 0;
  std::string inner;
  std::vector<RewrittenExpression> operands;  ///< of a call its arguments; of the others: two

  static RewrittenExpression Part(size_t argument, std::string inner) {
    return {Kind::kPart, argument, std::move(inner), {}};
  }
  static RewrittenExpression Argument(size_t argument) { return Part(argument, ""); }
  static RewrittenExpression Call(std::vector<RewrittenExpression> arguments) {
    return {Kind::kCall, 0, "", std::move(arguments)};
  }
  static RewrittenExpression Of(Kind kind, RewrittenExpression left, RewrittenExpression right) {
    return {kind, 0, "", {std::move(left), std::move(right)}};
  }
};

}  // namespace weir
