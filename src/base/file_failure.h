// SPDX-License-Identifier: Apache-2.0
//
// What the operating system refused at a file. In: its error number. Out: a status that says so.

#pragma once

#include <string>
#include <string_view>

#include "weir/base/status.h"

namespace weir {

/// Fails with kNotFound, kInvalidArgument (a folder in the place of a file), kAlreadyExists,
/// kPermission, kOutOfSpace, kOutOfMemory or kIo. `error` is an errno; `what` reads like "read the
/// file".
Status FileFailure(int error, std::string_view what, const std::string& path);

}  // namespace weir
