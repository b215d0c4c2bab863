// SPDX-License-Identifier: Apache-2.0
//
// Times as texts, for messages and for other programs.

#pragma once

#include <cstdint>
#include <string>

namespace weir {

/// "2026-01-31T12:00:00.000Z" (RFC 3339) of microseconds since 1970, cut down to milliseconds.
std::string TimeText(int64_t time_us);

}  // namespace weir
