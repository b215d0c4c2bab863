// SPDX-License-Identifier: Apache-2.0
//
// What a file's log entry tells about a column, with the roundings of the log undone: bounds that
// every row of the file keeps. A log that contradicts itself tells nothing, and says so.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/catalog/file_list.h"
#include "weir/plan/expression.h"
#include "weir/scan/statistic_value.h"

namespace weir {

/// A bound that is absent is unknown.
struct ColumnFacts {
  ValueClass value_class = ValueClass::kUnknown;
  std::optional<Value> min;
  std::optional<Value> max;
  bool may_be_null = true;
  bool all_null = false;
};

/// "month is 5 to 7".
std::string FactsText(const std::string& column, const ColumnFacts& facts);

/// What `CAST(column AS target)` is, where the cast keeps the order of values and gives each one a
/// value; else nothing is known.
ColumnFacts OfCast(const ColumnFacts& facts, const arrow::DataType& source,
                   const arrow::DataType& target);

/// A column, or a field of a struct, as predicates name it and as the log does.
struct ColumnReference {
  std::string name;  ///< with the fields, joined by dots
  std::shared_ptr<arrow::DataType> type;
  StatisticsPath in_log;
};

/// The columns that filters can ask for, found by expression. Immutable.
class ColumnReferences {
 public:
  /// `log_schema` has the physical names of column mapping in its metadata; null if the log uses
  /// those of `schema`.
  ColumnReferences(std::shared_ptr<arrow::Schema> schema,
                   const std::shared_ptr<arrow::Schema>& log_schema,
                   const std::vector<Expression>& filters);

  /// Null for what is no column or field of one.
  const ColumnReference* Find(const Expression& expression) const;
  /// Where their statistics stand; all that a list of files must have.
  std::set<StatisticsPath> StatisticsPaths() const;

 private:
  std::map<std::vector<std::string>, ColumnReference> columns_;
};

/// The facts of one file, read from its log entry when a predicate asks.
class FileFacts {
 public:
  FileFacts(const FileList& files, size_t file) : files_(files), file_(file) {}

  const ColumnFacts& Of(const ColumnReference& column);
  /// How what was asked for contradicts itself, in a few words; empty if it does not.
  const std::string& contradiction() const { return contradiction_; }

 private:
  ColumnFacts Read(const ColumnReference& column);
  /// False, with the contradiction noted, if the statistics cannot be true.
  bool ReadStatistics(const ColumnReference& column, ColumnFacts& facts);
  bool ReadNullCount(const std::string& column, std::string_view text, ColumnFacts& facts);
  bool Contradicts(std::string what);

  const FileList& files_;
  size_t file_;
  std::map<const ColumnReference*, ColumnFacts> known_;
  std::string contradiction_;
};

}  // namespace weir
