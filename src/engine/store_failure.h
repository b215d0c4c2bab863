// SPDX-License-Identifier: Apache-2.0
//
// What the client of object stores says of a failure, in words for those who keep a lake. Private
// to the room. In: messages such as
//
//   Generic S3 error: Error performing PUT http://… in 1.77s, after 10 retries, max_retries: 10,
//   retry_timeout: 180s  - Server returned non-2xx status code: 503 Slow Down: <Error>…</Error>
//
// Out: "503 Slow Down: Please reduce your request rate, after 10 retries in 1.8 s: `PUT
// http://…`".

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::engine::internal {

/// nullopt where the message is none of that client about a request. `innermost_cause`: the text of
/// the error behind all others, which alone says whether a name, a connection, a certificate or the
/// time was at fault; may be empty.
std::optional<std::string> PlainStoreFailure(std::string_view message,
                                             std::string_view innermost_cause);

/// Whether the plain text tells of a store that said no, and will say so again.
bool IsRefusal(std::string_view plain_message);

/// Whether the plain text tells of an answer that had begun: the client asks for such a one no
/// second time.
bool IsBrokenAnswer(std::string_view plain_message);

}  // namespace weir::engine::internal
