// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C. The first one cancels cleanly, and says that the second ends the program at once: as a
// kill does, of which nothing stays half written that the next run does not know to handle.

#pragma once

#include <memory>

#include "weir/engine/engine.h"

namespace weir::cli {

/// While it lives, SIGINT and SIGTERM cancel its handle, and a second of them ends the process with
/// kInterrupted. At most one at a time.
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
