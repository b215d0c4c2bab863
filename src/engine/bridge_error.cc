// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/bridge_error.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "weir/base/nearest.h"
#include "weir/base/percent_text.h"
#include "weir/engine/store_failure.h"

namespace weir::engine::internal {

namespace {

StatusCode ParseCode(const std::string& name) {
  static constexpr std::array kCodes = {
      StatusCode::kInvalidArgument, StatusCode::kNotFound,   StatusCode::kAlreadyExists,
      StatusCode::kPlanFailed,      StatusCode::kOverflow,   StatusCode::kUnsupported,
      StatusCode::kCorrupt,         StatusCode::kIo,         StatusCode::kOutOfMemory,
      StatusCode::kOutOfSpace,      StatusCode::kPermission, StatusCode::kCancelled,
      StatusCode::kConflict,        StatusCode::kInternal};
  for (StatusCode code : kCodes) {
    if (ToString(code) == name) return code;
  }
  return StatusCode::kInternal;
}

Blame ParseBlame(const std::string& name) {
  if (name == "user") return Blame::kUser;
  if (name == "environment") return Blame::kEnvironment;
  return Blame::kBug;
}

std::string JoinLines(const nlohmann::json& texts) {
  std::string joined;
  for (const auto& text : texts) {
    if (!joined.empty()) joined += '\n';
    joined += text.get<std::string>();
  }
  return joined;
}

/// The text of the error that is behind all others; empty if it is unknown.
std::string InnermostCause(const nlohmann::json& envelope) {
  const auto causes = envelope.find("causes");
  if (causes == envelope.end() || !causes->is_array() || causes->empty()) return {};
  return causes->back().get<std::string>();
}

/// Says which columns there are, when none is near the one that was wanted.
std::string ColumnsHint(const std::vector<std::string>& columns) {
  static constexpr size_t kMost = 8;
  std::string text;
  for (size_t i = 0; i < std::min(kMost, columns.size()); ++i)
    text += (i > 0 ? ", `" : "`") + columns[i] + "`";
  if (text.empty()) return text;
  return "there are " + text + (columns.size() > kMost ? " …" : "");
}

std::string Plain(std::string message) {
  message = WithoutLayers(std::move(message));
  static constexpr std::string_view kParser = "ParserError(\"", kEnd = "\")";
  if (message.starts_with(kParser) && message.ends_with(kEnd)) {
    message = message.substr(kParser.size(), message.size() - kParser.size() - kEnd.size());
  }
  if (message.starts_with("Expected: ")) {
    const size_t place = message.rfind(" at Line: ");  // has a field of its own
    if (place != std::string::npos) message.erase(place);
    return "a syntax error: " +
           message.substr(std::string_view("Expected: ").size()).insert(0, "expected ");
  }
  if (message.find("only supports a single SQL statement") != std::string::npos)
    return "one statement is wanted, found several";
  if (message.find("No SQL statements were provided") != std::string::npos)
    return "a statement is wanted, found none";
  static constexpr std::string_view kColumn = "column '", kMissing = "' not found";
  if (const size_t end = message.find(kMissing);
      message.starts_with(kColumn) && end != std::string::npos) {
    return "there is no column named `" + message.substr(kColumn.size(), end - kColumn.size()) +
           "`";
  }
  return message;
}

/// The length of "Generic S3 error: ", which says nothing, at the start of a message; 0 without it.
size_t StoreLayer(const std::string& message) {
  static constexpr std::string_view kBegin = "Generic ", kEnd = " error: ";
  if (!message.starts_with(kBegin)) return 0;
  const size_t end = message.find(' ', kBegin.size());
  return end != std::string::npos && message.compare(end, kEnd.size(), kEnd) == 0
             ? end + kEnd.size()
             : 0;
}

}  // namespace

std::string WithoutLayers(std::string message) {
  static constexpr std::string_view kLayers[] = {"Arrow error: ",
                                                 "External error: ",
                                                 "External: ",
                                                 "Parquet error: ",
                                                 "Failed to parse parquet: ",
                                                 "Execution error: ",
                                                 "SQL error: ",
                                                 "Kernel error: ",
                                                 "Error during planning: ",
                                                 "Cast error: ",
                                                 "Parser error: ",
                                                 "Object Store error: ",
                                                 "Error interacting with object store: ",
                                                 "This feature is not implemented: "};
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view layer : kLayers) {
      if (message.starts_with(layer)) {
        message.erase(0, layer.size());
        again = true;
      }
    }
    if (const size_t layer = StoreLayer(message); layer > 0) {
      message.erase(0, layer);
      again = true;
    }
  }
  // The number of a system's error says no more than its words before.
  if (const size_t number = message.rfind(" (os error "); number != std::string::npos)
    message.erase(number, message.find(')', number) - number + 1);
  // Syntax trees that are written for debugging.
  if (message.find("Span(Location(") != std::string::npos)
    message.erase(std::min(message.find(" {"), message.size()));
  return message;
}

Status FromEnvelope(std::string_view envelope) {
  // An error that crossed as text inside another message keeps the words around the envelope.
  const size_t start = envelope.find("{\"");
  const auto parsed =
      start == std::string_view::npos
          ? nlohmann::json()
          : nlohmann::json::parse(envelope.substr(start), nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object() || !parsed.contains("code")) {
    return Status::Bug("the engine failed without a proper error: {}", envelope);
  }
  StatusCode code = ParseCode(parsed.value("code", ""));
  const std::string message = parsed.value("message", "");
  const auto of_store = PlainStoreFailure(message, InnermostCause(parsed));
  // Of listings the client tells no kinds of failures apart.
  const bool is_refused = of_store && code == StatusCode::kIo && IsRefusal(*of_store);
  if (is_refused && (of_store->starts_with("401 ") || of_store->starts_with("403 ")))
    code = StatusCode::kPermission;
  Status status(code, ParseBlame(parsed.value("blame", "")),
                of_store ? WithoutLayers(*of_store) : Plain(message));
  if (of_store && code == StatusCode::kIo && !is_refused) {
    status = status.WithHint(
        of_store->find("certificate") != std::string::npos
            ? "let this machine trust who signed it: SSL_CERT_FILE names a file of certificates"
        : of_store->find("scheme is not allowed") != std::string::npos
            ? "`allow_http = \"true\"` in the store's section of weir.toml allows `http://`"
            : "the store, or the network on the way, failed: run again; what was built stands");
  }
  if (parsed.contains("causes")) status = status.WithCause(JoinLines(parsed["causes"]));
  if (parsed.contains("line")) {
    status = status.WithLocation(
        {.file = {}, .line = parsed["line"].get<int>(), .column = parsed.value("column", 0)});
  }
  if (parsed.contains("missing_column")) {
    const auto candidates = parsed.value("valid_columns", std::vector<std::string>());
    const std::string hint =
        SuggestionHint(parsed["missing_column"].get<std::string>(), candidates);
    status = status.WithHint(hint.empty() ? ColumnsHint(candidates) : hint);
  } else if (parsed.contains("helps") && !parsed["helps"].empty()) {
    status = status.WithHint(JoinLines(parsed["helps"]));
  }
  return status;
}

Status NamingPlace(const Status& failed, const std::string& url) {
  static constexpr std::string_view kFileScheme = "file://";
  static constexpr std::string_view kWithoutPlace[] = {"Unable to copy data to file: ",
                                                       "Unable to rename file: "};
  if (failed.ok() || !url.starts_with(kFileScheme)) return failed;
  for (const std::string_view text : kWithoutPlace) {
    const size_t at = failed.message().find(text);
    if (at == std::string::npos) continue;
    return Status(failed.code(), failed.blame(),
                  fmt::format("cannot write: {}: `{}`", failed.message().substr(at + text.size()),
                              PercentDecoded(url.substr(kFileScheme.size()))))
        .WithHint(failed.hint())
        .WithCause(failed.cause());
  }
  return failed;
}

}  // namespace weir::engine::internal
