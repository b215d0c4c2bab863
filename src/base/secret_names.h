// SPDX-License-Identifier: Apache-2.0
//
// Tells secrets, so that they are neither recorded nor shown: settings by their name, and what
// stands before the host of a URL.

#pragma once

#include <string>
#include <string_view>

namespace weir {

/// Whether `name` looks like a secret's: `aws_secret_access_key`, `api-key`, `sas` … In any case.
bool NamesSecret(std::string_view name);

/// `https://ada:secret@host/x` as `https://***@host/x`; other texts as they are.
std::string WithoutUserInfo(const std::string& text);

/// The same for each URL in a text of others, with `?***` for their queries, which may be signed.
/// Before the host of other schemes than HTTP stays what holds no password: it may be a container.
std::string WithoutUrlSecrets(const std::string& text);

}  // namespace weir
