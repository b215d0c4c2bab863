// SPDX-License-Identifier: Apache-2.0
//
// What the engine says while it works: DataFusion, delta-rs and its kernel, the client of object
// stores with its retries. In: from which level on. Out: records of the log, with the module that
// speaks as `target`, and no secrets.

#pragma once

#include "weir/base/log.h"

namespace weir::engine {

/// Has the engine's words logged from now on. What lies below, that carries requests (HTTP, TLS),
/// is not asked: it would show their headers. REQUIRES: called once, after OpenLog
void LogEngineEvents(LogLevel least);

}  // namespace weir::engine
