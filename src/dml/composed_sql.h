// SPDX-License-Identifier: Apache-2.0
//
// A query put together from pieces of a statement and words of our own, which leads places in
// failures back to the statement. In: pieces. Out: one text, and places.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weir/base/status.h"
#include "weir/dml/dml_statement.h"

namespace weir {

class ComposedSql {
 public:
  /// `statement` must outlive the object.
  explicit ComposedSql(const std::string& statement) : statement_(statement) {}

  /// Words of our own.
  ComposedSql& Own(std::string_view text);
  /// A piece of the statement, as it stands there.
  ComposedSql& Piece(SqlSlice slice);

  const std::string& sql() const { return sql_; }
  /// The failure of this query with its place in the statement, without one where it is about words
  /// of our own.
  Status Locate(const Status& status) const;

 private:
  struct Part {
    size_t begin = 0;  ///< in sql_
    SqlSlice slice;
  };
  const std::string& statement_;
  std::string sql_;
  std::vector<Part> parts_;
};

}  // namespace weir
