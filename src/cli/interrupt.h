// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C. The first one cancels cleanly, the second ends the program at once.

#pragma once

#include <memory>

#include "weir/engine/engine.h"

namespace weir::cli {

/// While it lives, SIGINT and SIGTERM cancel its handle. At most one at a time.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  const engine::Cancellation& cancellation() const { return cancellation_; }

 private:
  class Watcher;
  engine::Cancellation cancellation_;
  std::unique_ptr<Watcher> watcher_;
};

}  // namespace weir::cli
