// SPDX-License-Identifier: Apache-2.0
//
// A table that is known to a session for the time of a query. In: a session and a table. Out: a
// name to write into SQL. Names begin with two underscores and have a blank, hence are nobody's.

#pragma once

#include <memory>
#include <string>
#include <utility>

#include "weir/base/sql_quotes.h"
#include "weir/engine/engine.h"

namespace weir {

/// Registered as long as it lives. The session must outlive it.
class TemporaryTable {
 public:
  static Result<std::unique_ptr<TemporaryTable>> Register(const engine::Session& session,
                                                          std::string name,
                                                          const engine::Table& table) {
    WEIR_RETURN_NOT_OK(session.RegisterTable(name, table));
    return std::make_unique<TemporaryTable>(session, std::move(name));
  }
  TemporaryTable(const engine::Session& session, std::string name)
      : session_(session), name_(std::move(name)) {}
  ~TemporaryTable() {
    (void)engine::Plan::FromStatement(session_, "DROP TABLE IF EXISTS " + sql(), "generic",
                                      engine::Cancellation());
  }
  TemporaryTable(const TemporaryTable&) = delete;
  TemporaryTable& operator=(const TemporaryTable&) = delete;

  /// As SQL names it.
  std::string sql() const { return QuotedSqlName(name_); }

 private:
  const engine::Session& session_;
  std::string name_;
};

}  // namespace weir
