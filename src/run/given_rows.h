// SPDX-License-Identifier: Apache-2.0
//
// Types the rows that a unit test gives or expects. In: cells as written, and the schema they are
// to have. Out: a batch, or what is wrong with which cell (codes W1413 to W1416).

#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/diagnostic.h"
#include "weir/engine/engine.h"
#include "weir/project/project_definition.h"

namespace weir {

/// One cell as text: NULL is "NULL", floats have the digits that survive a decimal notation (15, or
/// 6 of single precision), so that 0.1 + 0.2 is 0.3. Texts that would be taken for something else
/// stand in quotes.
std::string CellText(const arrow::Array& array, int64_t row);

/// What a unit test's rows are typed with.
class RowTyper {
 public:
  /// All references must outlive the object.
  RowTyper(const engine::Session& session, const UnitTestDefinition& test,
           std::vector<Diagnostic>& problems)
      : session_(session), test_(test), problems_(problems) {}

  /// Rows of a table with `schema`: in its column order, NULL in columns that are not given. Every
  /// field of the result is nullable, but a NULL that is *given* to a NOT NULL column is a problem.
  /// Null, with a report, if anything is wrong.
  std::shared_ptr<arrow::RecordBatch> Given(const GivenRows& rows, const arrow::Schema& schema);

  /// Rows of the columns that `rows` names, in their order; all of `schema` if it names none.
  std::shared_ptr<arrow::RecordBatch> Expected(const GivenRows& rows, const arrow::Schema& schema);

 private:
  using Fields = std::vector<std::shared_ptr<arrow::Field>>;

  bool Resolve(const GivenRows& rows, const arrow::Schema& schema, Fields& fields);
  std::shared_ptr<arrow::RecordBatch> Typed(const GivenRows& rows, const Fields& fields);
  bool TypeRow(const GivenRows::Row& row, const Fields& fields,
               std::vector<std::shared_ptr<arrow::RecordBatch>>& typed);
  Status TypeCells(const GivenRows::Row& row, const Fields& fields, size_t begin, size_t end,
                   std::vector<std::shared_ptr<arrow::RecordBatch>>* typed) const;
  void Report(std::string_view code, std::string message, const SourceLocation& location,
              std::string hint = {});

  const engine::Session& session_;
  const UnitTestDefinition& test_;
  std::vector<Diagnostic>& problems_;
};

}  // namespace weir
