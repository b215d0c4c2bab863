// SPDX-License-Identifier: Apache-2.0
//
// What went wrong, whose business it is, and where in the user's files. Every fallible function of
// Weir returns a Status or a Result; no exception leaves a room.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace weir {

/// Says who can mend a failure. Decides the exit code of a command: user 1, environment 3, bug 1
/// with a request to report it.
enum class Blame {
  kUser,         ///< the user's SQL, settings or data
  kEnvironment,  ///< storage, memory, permissions, network
  kBug,          ///< Weir itself
};

/// "user", "environment" or "bug".
std::string_view ToString(Blame blame);

/// The kind of a failure, for code that reacts to it. Users read the message; `Diagnostic` has the
/// permanent numbers.
enum class StatusCode {
  kOk,
  kInvalidArgument,  ///< a value that can never be right
  kNotFound,         ///< a file, table, column, function or version that is not there
  kAlreadyExists,    ///< e.g. a log entry that somebody else has written first
  kPlanFailed,       ///< DataFusion rejects the SQL
  kOverflow,         ///< a result that its type cannot hold
  kUnsupported,      ///< understood, but not to be had (e.g. an unknown Delta table feature)
  kCorrupt,          ///< data or a log that contradicts its format
  kIo,               ///< the file system or the object store failed
  kOutOfMemory,      ///< the memory limit or the machine's memory was reached
  kOutOfSpace,       ///< the disk is full
  kPermission,       ///< the file system or the object store said no
  kCancelled,        ///< the user interrupted
  kTimedOut,         ///< it took longer than the user allows
  kConflict,         ///< another writer was first, and repeating did not help
  kInternal,         ///< a bug
};

/// The name of a code as written in JSON: "not_found", "plan_failed" …
std::string_view ToString(StatusCode code);

/// A place in a file of the user's project. Lines and columns count from 1, columns in characters;
/// 0 means unknown.
struct SourceLocation {
  std::string file;  ///< relative to the project folder
  int line = 0;
  int column = 0;

  bool operator==(const SourceLocation&) const = default;
};

/// "views/a.sql:3:7", without the unknown parts.
std::string ToString(const SourceLocation& location);

/// Success, or one failure. Cheap to move and to copy; success costs one null pointer.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, Blame blame, std::string message);

  static Status OK() { return {}; }
  template <typename... Args>
  static Status User(StatusCode code, fmt::format_string<Args...> format, Args&&... args) {
    return {code, Blame::kUser, fmt::format(format, std::forward<Args>(args)...)};
  }
  template <typename... Args>
  static Status Environment(StatusCode code, fmt::format_string<Args...> format, Args&&... args) {
    return {code, Blame::kEnvironment, fmt::format(format, std::forward<Args>(args)...)};
  }
  template <typename... Args>
  static Status Bug(fmt::format_string<Args...> format, Args&&... args) {
    return {StatusCode::kInternal, Blame::kBug, fmt::format(format, std::forward<Args>(args)...)};
  }

  bool ok() const { return state_ == nullptr; }
  StatusCode code() const { return state_ ? state_->code : StatusCode::kOk; }
  /// REQUIRES: !ok()
  Blame blame() const { return state_->blame; }
  /// Empty when ok. Says what was wanted, what was found, and what to do.
  const std::string& message() const;
  /// What to do, where that is not part of the message. Often empty.
  const std::string& hint() const;
  /// Unknown (empty file) unless set.
  const SourceLocation& location() const;
  /// The engine's own words, innermost last, one a line. Empty when there are none.
  const std::string& cause() const;

  /// Returns a copy with the part replaced; does nothing on success.
  Status WithLocation(SourceLocation location) const;
  Status WithHint(std::string hint) const;
  Status WithCause(std::string cause) const;
  /// Returns a copy whose message is "context: message"; does nothing on success.
  Status WithContext(std::string_view context) const;

  /// "message (hint)"; for logs and tests.
  std::string ToString() const;

 private:
  struct State {
    StatusCode code;
    Blame blame;
    std::string message;
    std::string hint;
    SourceLocation location;
    std::string cause;
  };
  template <typename Change>
  Status Changed(Change change) const;

  std::shared_ptr<const State> state_;
};

namespace internal {
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);
}

/// Ends the program when an invariant of Weir itself is broken. Never for input.
#define WEIR_CHECK(condition) \
  ((condition) ? (void)0 : ::weir::internal::CheckFailed(#condition, __FILE__, __LINE__))

#define WEIR_RETURN_NOT_OK(expression)           \
  do {                                           \
    ::weir::Status weir_status_ = (expression);  \
    if (!weir_status_.ok()) return weir_status_; \
  } while (false)

}  // namespace weir
