// SPDX-License-Identifier: Apache-2.0
//
// A table function as the bridge calls it. The bridge's generated code includes this header, hence
// it knows neither Arrow C++ nor the rest of the room; table_functions.cc connects them.

#pragma once

#include "weir/engine/arrow_abi.h"

namespace weir {

namespace bridge {
struct Session;
struct CalledTable;
}  // namespace bridge

/// May be called from any thread; never from one that must not block.
class TableCallback {
 public:
  virtual ~TableCallback() = default;

  /// Takes over `arguments` and `schema`: a batch of one row, one column an argument; a named
  /// argument is a struct of one field. Gives `out` its table. A failure is a std::exception whose
  /// text is the envelope of rust/bridge/src/error.rs.
  virtual void Call(const bridge::Session& session, ArrowArray* arguments, ArrowSchema* schema,
                    bridge::CalledTable& out) const = 0;
};

}  // namespace weir
