// SPDX-License-Identifier: Apache-2.0
//
// The outcomes that a predicate can have over the rows of a file. In: a predicate and the facts of
// the file. Out: a set that holds the outcome of every row, and perhaps more.

#pragma once

#include <optional>
#include <string>

#include "weir/plan/expression.h"
#include "weir/scan/column_facts.h"

namespace weir {

/// Bits of a set of outcomes.
enum Outcome : unsigned { kTrue = 1, kFalse = 2, kNull = 4, kAny = 7 };

/// Evaluates predicates over one file.
class PredicateOutcomes {
 public:
  PredicateOutcomes(const ColumnReferences& columns, FileFacts& facts)
      : columns_(columns), facts_(facts) {}

  unsigned Of(const Expression& predicate);

 private:
  unsigned Flag(const Expression& e);
  std::optional<ColumnFacts> OperandFacts(const Expression& operand);
  unsigned Chain(const Expression& e);
  unsigned Comparison(const std::string& op, const Expression& left, const Expression& right);
  unsigned IsNull(const Expression& operand);
  unsigned Like(const Expression& e);
  unsigned StartsWith(const Expression& text, const std::string& prefix, bool is_all);

  const ColumnReferences& columns_;
  FileFacts& facts_;
};

}  // namespace weir
