// SPDX-License-Identifier: Apache-2.0
//
// Takes the statistics of some columns out of a file's statistics, which are JSON. In: the text of
// one file. Out: the JSON texts of the wanted values; everything else is skipped, not parsed.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Where a column stands in the statistics of a log: its name there, then the fields below it.
using StatisticsPath = std::vector<std::string>;

/// Reads the same columns of many files. Not safe for use from several threads.
class StatisticsScanner {
 public:
  explicit StatisticsScanner(const std::vector<StatisticsPath>& columns);

  /// Texts of one column, empty where there are none; views into the scanned text.
  struct Column {
    std::string_view min;
    std::string_view max;
    std::string_view null_count;
  };

  /// False if `json` is no JSON object; then nothing is known. What was found stays until the next
  /// call, while `json` lives.
  bool Scan(std::string_view json);

  std::string_view num_records() const { return num_records_; }
  /// In the order of the columns given.
  const std::vector<Column>& columns() const { return columns_; }

 private:
  /// A name on the way to wanted columns.
  struct Node {
    std::string name;
    int column = -1;  ///< index of the column that ends here
    std::vector<Node> children;
  };

  static constexpr int kMaxDepth = 64;

  bool SkipSpace();
  bool Take(char c);
  bool String(std::string_view& raw);
  bool Value(std::string_view& raw, int depth);
  bool Scalar();
  bool Container(char open, int depth);
  bool Members(const Node& node, std::string_view Column::*kind, int depth);
  bool Wanted(const Node& node, std::string_view Column::*kind, int depth);

  Node root_;
  std::string_view rest_;
  std::string_view num_records_;
  std::vector<Column> columns_;
};

/// The number of rows in `statistics`, or -1 if they do not tell.
int64_t RecordCount(std::string_view num_records);

}  // namespace weir
