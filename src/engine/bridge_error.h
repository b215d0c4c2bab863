// SPDX-License-Identifier: Apache-2.0
//
// Turns the bridge's error envelope (rust/bridge/src/error.rs) into a Status. Private to the room.

#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/base/result.h"
#include "weir/engine/store_failure.h"

namespace weir::engine::internal {

/// Text that is no envelope becomes a bug.
Status FromEnvelope(std::string_view envelope);

/// Takes from the start of a message the layers that it came through: users can do nothing with
/// them.
std::string WithoutLayers(std::string message);

/// Names the object, or the folder, that a local write which failed was to: what the client of
/// stores says of such a failure names none. Other failures stay as they are.
Status NamingPlace(const Status& failed, const std::string& url);

/// Calls the bridge and catches what it throws.
template <typename Call>
auto Try(Call&& call)
    -> std::conditional_t<std::is_void_v<decltype(call())>, Status, Result<decltype(call())>> {
  try {
    if constexpr (std::is_void_v<decltype(call())>) {
      call();
      return Status::OK();
    } else {
      return call();
    }
  } catch (const std::invalid_argument&) {
    // cxx takes UTF-8 only.
    return Status::User(
        StatusCode::kInvalidArgument,
        "UTF-8 is wanted, found bytes that are none in what is given to the engine");
  } catch (const std::exception& error) {
    return FromEnvelope(error.what());
  }
}

/// Try for calls that only read: asks again where an answer broke off. What fails before an answer
/// begins is asked for again by the stores' client.
template <typename Call>
auto TryReading(Call&& call) -> decltype(Try(call)) {
  static constexpr int kAttempts = 4;
  for (int attempt = 1;; ++attempt) {
    auto result = Try(call);
    if (result.ok() || attempt == kAttempts || !IsBrokenAnswer(result.status().message()))
      return result;
  }
}

}  // namespace weir::engine::internal
