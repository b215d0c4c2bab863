// SPDX-License-Identifier: Apache-2.0
//
// A run in the log: when it began and ended, what became of each view and why.

#pragma once

#include "weir/watch/run_event.h"

namespace weir {

/// What failed is kInfo here: whoever reports it says it as an error, with its place.
class RunLog : public RunEventConsumer {
 public:
  void Take(const RunEvent& event) override;
};

}  // namespace weir
