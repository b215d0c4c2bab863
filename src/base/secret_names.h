// SPDX-License-Identifier: Apache-2.0
//
// Tells by its name whether a setting is a secret, so that its value is neither recorded nor shown.

#pragma once

#include <string_view>

namespace weir {

/// Whether `name` looks like a secret's: `aws_secret_access_key`, `api-key`, `sas` … In any case.
bool NamesSecret(std::string_view name);

}  // namespace weir
