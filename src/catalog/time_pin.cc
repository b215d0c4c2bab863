// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/time_pin.h"

#include <optional>

#include <arrow/scalar.h>
#include <arrow/type.h>

#include "weir/base/time_text.h"
#include "weir/catalog/delta_names.h"

namespace weir {
namespace {

/// Milliseconds since 1970; what is finer is cut off, as the engine does.
std::optional<int64_t> MillisecondsOf(std::string timestamp) {
  static constexpr size_t kSecondsEnd = 19, kMillisecondsEnd = 23;
  const size_t zone = timestamp.find_first_of("Z+-", kSecondsEnd);
  if (zone == std::string::npos) return std::nullopt;
  if (zone > kMillisecondsEnd) timestamp.erase(kMillisecondsEnd, zone - kMillisecondsEnd);
  const auto parsed =
      arrow::Scalar::Parse(arrow::timestamp(arrow::TimeUnit::MILLI, "UTC"), timestamp);
  if (!parsed.ok()) return std::nullopt;
  return static_cast<const arrow::TimestampScalar&>(**parsed).value;
}

struct Commit {
  int64_t version = 0;
  int64_t written_ms = 0;
};

/// The oldest commit that the log still has.
Result<std::optional<Commit>> FirstCommit(const std::string& url, const engine::Session& session) {
  WEIR_ASSIGN_OR_RETURN(const auto objects, session.ListObjects(url + "_delta_log/"));
  std::optional<Commit> first;
  for (const ObjectInfo& object : objects) {
    const auto name = ReadLogObjectName(object.relative_path);
    if (!name || !name->is_commit() || (first && first->version <= name->version)) continue;
    first = Commit{.version = name->version, .written_ms = object.modified_ms};
  }
  return first;
}

}  // namespace

Status CheckTimePin(const std::string& url, const std::string& timestamp, int64_t version,
                    const engine::Session& session) {
  const auto wanted_ms = MillisecondsOf(timestamp);
  if (!wanted_ms) return Status::OK();
  WEIR_ASSIGN_OR_RETURN(const auto first, FirstCommit(url, session));
  if (!first || version > first->version || *wanted_ms >= first->written_ms) return Status::OK();
  return Status::User(StatusCode::kNotFound,
                      "a timestamp from {} on is wanted, the time of the first commit in the "
                      "table's log (version {}), found `{}`",
                      TimeText(first->written_ms * 1000), first->version, timestamp)
      .WithHint(
          "pin a later time or a version, or leave the option 'timestamp' out to read the latest");
}

}  // namespace weir
