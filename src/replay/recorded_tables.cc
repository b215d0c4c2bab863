// SPDX-License-Identifier: Apache-2.0

#include "weir/replay/recorded_tables.h"

#include <algorithm>

#include <fmt/format.h>

#include "weir/catalog/catalog.h"
#include "weir/delta/table_files.h"
#include "weir/run/landing.h"

namespace weir {

namespace {

/// "a", "b" and 3 more.
std::string Some(const std::vector<std::string>& texts) {
  static constexpr size_t kMost = 3;
  const size_t shown = std::min(texts.size(), kMost);
  std::string text = fmt::format(
      "`{}`", fmt::join(texts.begin(), texts.begin() + static_cast<ptrdiff_t>(shown), "`, `"));
  return texts.size() > shown ? text + fmt::format(" and {} more", texts.size() - shown) : text;
}

/// Whether a table's versions hold the log of the time.
Status Gone(const RecordedScan& scan, const std::string& what) {
  return Status::Environment(StatusCode::kNotFound, "version {} of `{}` is wanted, {}",
                             scan.version, scan.table, what);
}

Result<PinnedTable> OpenVersion(const RecordedScan& scan, const std::string& url,
                                const engine::Session& session) {
  if (!scan.source) return PinDelta(scan.table, url, scan.version, "", session);
  if (scan.source->retains) return PinLanding(scan.table, url, scan.version, session);
  SourceDefinition source = *scan.source;
  source.uri = source.location_as_written = url;
  source.version = scan.version;
  return PinSource(source, session);
}

Result<PinnedTable> PinVersion(const RecordedScan& scan, const std::string& url,
                               const SessionRuntime& session) {
  auto pinned = OpenVersion(scan, url, session.engine());
  if (!pinned.ok()) {
    const StatusCode code = pinned.status().code();
    if (code != StatusCode::kNotFound && code != StatusCode::kCorrupt) return pinned.status();
    return Gone(scan, "and its log does not tell of it any more")
        .WithCause(pinned.status().ToString());
  }
  // The files of a change feed have names with what was done to them.
  const bool is_feed = scan.source && scan.source->change_feed;
  std::vector<std::string> read;
  for (const RecordedFile& file : scan.files) {
    if (!file.kept) continue;
    read.push_back(is_feed ? file.path.substr(0, file.path.rfind("#version=")) : file.path);
  }
  WEIR_ASSIGN_OR_RETURN(const auto missing, MissingFiles(session.engine(), url, read));
  if (!missing.empty()) {
    return Gone(scan, fmt::format("{} of the {} files that were read are gone: {}", missing.size(),
                                  read.size(), Some(missing)));
  }
  if (scan.kind == TableKind::kView) pinned->kind = TableKind::kView;
  return pinned;
}

/// In what a file differs from the one that was read; empty: in nothing.
std::string Change(const RecordedFile& then, const ObjectInfo& now) {
  static constexpr int64_t kMicrosecondsAMillisecond = 1000;
  if (then.size_bytes != now.size_bytes)
    return fmt::format("had {} bytes, has {}", then.size_bytes, now.size_bytes);
  if (!then.etag.empty() && then.etag != now.etag)
    return fmt::format("had the etag {}, has {}", then.etag, now.etag);
  if (then.modified_us / kMicrosecondsAMillisecond != now.modified_ms)
    return "was written again meanwhile";
  return {};
}

Result<PinnedTable> PinSameFiles(const RecordedScan& scan, const std::string& url,
                                 const SessionRuntime& session) {
  auto objects = session.engine().ListObjects(url);
  if (!objects.ok() && objects.status().code() == StatusCode::kNotFound)
    objects = std::vector<ObjectInfo>();
  WEIR_RETURN_NOT_OK(objects.status());
  std::map<std::string, const ObjectInfo*> now;
  ListedFiles listed{.url = url, .objects = {}, .partition_types = {}};
  for (const ObjectInfo& object : *objects) {
    now[FileName(object.relative_path, url)] = &object;
    // A text without a byte has no rows, and is in no list of files.
    if (object.size_bytes == 0 && scan.source->format != SourceFormat::kParquet)
      listed.objects.push_back(object);
  }
  std::vector<std::string> changes;
  for (const RecordedFile& file : scan.files) {
    const auto found = now.find(file.path);
    if (found == now.end()) {
      changes.push_back(file.path + " is gone");
      continue;
    }
    if (const std::string change = Change(file, *found->second); !change.empty()) {
      changes.push_back(fmt::format("{} {}", file.path, change));
    } else {
      listed.objects.push_back(*found->second);
    }
  }
  if (!changes.empty()) {
    return Status(StatusCode::kConflict, Blame::kEnvironment,
                  fmt::format("the files of `{}` that the run read are wanted, {} of {} are not "
                              "there as they were: {}",
                              scan.table, changes.size(), scan.files.size(), Some(changes)));
  }
  SourceDefinition source = *scan.source;
  source.uri = source.location_as_written = url;
  return PinFiles(source, listed, session.engine());
}

}  // namespace

std::string MovedUrl(const std::string& url, const std::string& warehouse_then,
                     const std::string& warehouse_now) {
  if (warehouse_then.empty() || !url.starts_with(warehouse_then)) return url;
  return warehouse_now + url.substr(warehouse_then.size());
}

Result<PinnedTable> PinRecorded(const RecordedScan& scan, const std::string& url,
                                const SessionRuntime& session) {
  if (scan.kind == TableKind::kListing) return PinSameFiles(scan, url, session);
  if (scan.version < 0) {
    return Status::User(
        StatusCode::kUnsupported,
        "the version of `{}` that was read is not recorded: the run was killed, and "
        "another one recorded what it had done",
        scan.table);
  }
  return PinVersion(scan, url, session);
}

}  // namespace weir
