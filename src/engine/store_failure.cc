// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/store_failure.h"

#include <cstdlib>

#include <fmt/format.h>

namespace weir::engine::internal {

namespace {

constexpr std::string_view kRequest = "Error performing ";
constexpr std::string_view kListRequest = "Error performing list request: ";
constexpr std::string_view kListing = "Error getting list response body: ";
constexpr std::string_view kTransport = "HTTP error: ";
constexpr std::string_view kBrokenAnswer = "the answer broke off";

/// What stands between `begin` and `end`, the first time; empty if nothing does.
std::string_view Between(std::string_view text, std::string_view begin, std::string_view end) {
  size_t from = text.find(begin);
  if (from == std::string_view::npos) return {};
  from += begin.size();
  const size_t to = text.find(end, from);
  return to == std::string_view::npos ? std::string_view() : text.substr(from, to - from);
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && std::string_view(" \r\n\t:.").find(text.back()) != std::string_view::npos)
    text.remove_suffix(1);
  return text;
}

/// "Generic S3 error: " says no more than the URL does.
std::string_view WithoutStore(std::string_view text) {
  static constexpr std::string_view kBegin = "Generic ", kEnd = " error: ";
  const size_t begin = text.rfind(kBegin);
  if (begin == std::string_view::npos) return text;
  const size_t end = text.find(kEnd, begin);
  if (end == std::string_view::npos || end + kEnd.size() != text.size()) return text;
  return text.substr(0, begin);
}

/// "1.77s" and "12.5ms" in seconds.
std::string Seconds(std::string_view duration) {
  const std::string text(duration);
  char* unit = nullptr;
  double seconds = std::strtod(text.c_str(), &unit);
  if (std::string_view(unit) == "ms") seconds /= 1e3;
  if (std::string_view(unit) != "ms" && std::string_view(unit) != "s") seconds = 0;
  return fmt::format("{:.1f} s", seconds);
}

/// An answer's status with what its body says; pages for browsers and other long bodies say
/// nothing.
std::string Answered(std::string_view status_and_body) {
  const size_t body = status_and_body.find_first_of("<{\n");
  const std::string_view status = Trimmed(status_and_body.substr(0, body));
  std::string_view message;
  if (body != std::string_view::npos) {
    const std::string_view rest = status_and_body.substr(body);
    message = Between(rest, "<Message>", "</Message>");
    if (message.empty()) message = Between(rest, "\"message\":\"", "\"");
  }
  message = Trimmed(message.substr(0, message.find('\n')));
  return message.empty() ? std::string(status) : fmt::format("{}: {}", status, message);
}

/// What the transport says; "error sending request" alone hides what its cause tells.
std::string Failed(std::string_view said, std::string_view innermost_cause) {
  if (said.find("body error") != std::string_view::npos) return std::string(kBrokenAnswer);
  const bool is_known = !innermost_cause.empty() &&
                        innermost_cause.find(kRequest) == std::string_view::npos &&
                        innermost_cause.find(said) == std::string_view::npos;
  if (!is_known)
    return said.starts_with("error sending request") ? "no answer came" : std::string(said);
  return std::string(innermost_cause.substr(0, innermost_cause.find(" (os error ")));
}

}  // namespace

std::optional<std::string> PlainStoreFailure(std::string_view message,
                                             std::string_view innermost_cause) {
  const size_t at = message.rfind(kRequest);
  if (at == std::string_view::npos) {
    // Listings that broke off name no request.
    const size_t transport = message.find(kTransport);
    if (transport == std::string_view::npos || message.find("Generic ") > transport)
      return std::nullopt;
    const bool is_listing = message.find(kListing) != std::string_view::npos;
    return fmt::format("{}{}", is_listing ? "a folder cannot be listed: " : "",
                       Failed(message.substr(transport + kTransport.size()), innermost_cause));
  }
  std::string_view prefix = message.substr(0, at);
  if (prefix.ends_with(kListRequest)) prefix.remove_suffix(kListRequest.size());
  prefix = WithoutStore(prefix);
  std::string_view rest = message.substr(at + kRequest.size());
  const size_t reason_at = rest.find(" - ");
  const size_t in = rest.find(" in ");
  if (reason_at == std::string_view::npos || in == std::string_view::npos || in > reason_at)
    return std::nullopt;
  std::string_view request = rest.substr(0, in);
  // Its URL may hold a signature.
  if (request.ends_with(" REDACTED")) request.remove_suffix(std::string_view(" REDACTED").size());
  const std::string_view effort = rest.substr(in + 4, reason_at - in - 4);
  const std::string_view duration = effort.substr(0, effort.find_first_of(", "));
  const std::string_view retries = Between(effort, ", after ", " retries");
  rest = rest.substr(reason_at + 3);

  std::string reason;
  if (rest.starts_with(kTransport)) {
    reason = Failed(rest.substr(kTransport.size()), innermost_cause);
  } else {
    static constexpr std::string_view kAnswers[] = {"Server returned non-2xx status code: ",
                                                    "Server returned error response: "};
    for (const std::string_view answer : kAnswers) {
      if (rest.starts_with(answer)) rest.remove_prefix(answer.size());
    }
    reason = Answered(rest);
  }
  std::string tried;
  if (!retries.empty()) {
    tried = fmt::format(", after {} {} in {}", retries, retries == "1" ? "retry" : "retries",
                        Seconds(duration));
  } else if (reason.find("timed out") != std::string::npos) {
    tried = fmt::format(" after {}", Seconds(duration));
  }
  return fmt::format("{}{}{}: `{}`", prefix, reason, tried, request);
}

bool IsRefusal(std::string_view plain_message) {
  // 408 and 429: later it may say yes.
  return plain_message.starts_with('4') && !plain_message.starts_with("408 ") &&
         !plain_message.starts_with("429 ");
}

bool IsBrokenAnswer(std::string_view plain_message) {
  return plain_message.find(kBrokenAnswer) != std::string_view::npos;
}

}  // namespace weir::engine::internal
