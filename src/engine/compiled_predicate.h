// SPDX-License-Identifier: Apache-2.0
//
// A boolean expression that the engine has compiled once, for batches of one schema: constraints of
// views, filters of readings. And what is done with the rows that it chooses.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/result.h"
#include "weir/engine/engine.h"

namespace weir::engine {

/// Immutable and cheap to copy; may be used from several threads at once.
class CompiledPredicate {
 public:
  /// Compiles one SQL expression over the columns of `schema`: no subquery, no aggregate, no window
  /// function, nothing volatile. `sql` may begin with blanks, so that places in failures are those
  /// of the user's file; `dialect` as in Plan::FromSql. Fails with kPlanFailed where it is not
  /// understood or not boolean.
  static Result<CompiledPredicate> FromSql(const Session& session, const std::string& sql,
                                           const arrow::Schema& schema,
                                           const std::string& dialect = {});
  /// Compiles an expression from its bytes, as plans carry it (a LogicalExprNode). Columns go by
  /// their names alone. Calls of the clock give `now_us`, in microseconds since the epoch; nothing:
  /// the time of this call.
  static Result<CompiledPredicate> FromProto(const Session& session, std::string_view bytes,
                                             const arrow::Schema& schema,
                                             std::optional<int64_t> now_us = {});

  /// The expression with its types settled, as plans carry it: the same for the same meaning,
  /// whatever its spacing.
  Result<std::string> ToProto() const;
  /// As the engine writes it.
  std::string text() const;
  /// Columns that it reads and functions that it calls; each ordered by name.
  std::vector<std::string> columns() const;
  std::vector<std::string> functions() const;
  /// What native functions did to it while it was planned, each once; none if it was made from
  /// bytes.
  std::vector<PlanStep> steps() const;

  /// True where the expression is true; false where it is false or NULL. Never holds nulls.
  /// REQUIRES: `batch` has the types of the schema, column by column.
  Result<std::shared_ptr<arrow::BooleanArray>> Evaluate(const arrow::RecordBatch& batch) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// The rows of `batch` where `mask`, which is as long, is true.
Result<std::shared_ptr<arrow::RecordBatch>> FilterRows(const arrow::RecordBatch& batch,
                                                       const arrow::BooleanArray& mask);

/// The columns of `batch` cast to those of `schema`, position by position. Fails with
/// kInvalidArgument where a value does not fit.
Result<std::shared_ptr<arrow::RecordBatch>> CastRows(const arrow::RecordBatch& batch,
                                                     const std::shared_ptr<arrow::Schema>& schema);

}  // namespace weir::engine
