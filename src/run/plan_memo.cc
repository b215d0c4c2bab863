// SPDX-License-Identifier: Apache-2.0

#include "weir/run/plan_memo.h"

#include "weir/base/byte_stream.h"
#include "weir/base/cache_file.h"
#include "weir/base/file_stamp.h"
#include "weir/base/fingerprint.h"
#include "weir/catalog/source_stamp.h"

namespace weir {

namespace {

/// Adds the stamps of files. False if one of them may have changed this very moment.
bool AddStamps(const std::vector<StampedFile>& files, int64_t now_ns, ByteWriter& out) {
  for (const StampedFile& file : files) {
    if (!IsSettled(file.stamp, now_ns)) return false;
    out.PutText(file.path);
    out.Put(file.stamp.size);
    out.Put(file.stamp.modified_ns);
    out.Put(file.stamp.changed_ns);
    out.Put(file.stamp.inode);
  }
  return true;
}

/// Empty if stamps cannot tell.
std::string KeyOf(const ProjectDefinition& frame, const std::string& options) {
  if (frame.warehouse_uri.find("://") != std::string::npos) return {};
  const int64_t now_ns = StampClockNs();
  ByteWriter out;
  out.PutText(options);
  for (const auto& [key, value] : frame.profile.settings) {
    out.PutText(key);
    out.PutText(value);
  }
  out.PutText(frame.warehouse_uri);
  out.PutText(frame.profile.name);
  std::vector<StampedFile> single;
  for (const std::string& path : {std::string("/proc/self/exe"), frame.root + "/weir.toml"}) {
    const auto stamp = StampOf(path);
    if (!stamp) return {};
    single.push_back({path, *stamp});
  }
  if (!AddStamps(single, now_ns, out)) return {};
  for (const char* folder : {"/sources", "/views", "/tests"}) {
    if (!AddStamps(StampFiles(frame.root + folder), now_ns, out)) return {};
  }
  for (const SourceDefinition& source : frame.sources) {
    const std::string stamp = SourceStamp(source, now_ns);
    if (stamp.empty()) return {};
    out.PutText(source.uri);
    out.PutText(stamp);
  }
  // The log of each table of the warehouse: its folder changes with every commit.
  if (!AddStamps(StampInEachFolder(frame.warehouse_uri, "_delta_log"), now_ns, out)) return {};
  return Blake2bHex128(out.bytes());
}

}  // namespace

PlanMemo::PlanMemo(const ProjectDefinition& frame, const std::string& options)
    : path_(CachePath(frame.root, "plan-" + frame.profile.name + ".memo")),
      key_(KeyOf(frame, options)) {}

std::optional<std::string> PlanMemo::Recall() const {
  if (key_.empty()) return std::nullopt;
  const auto bytes = ReadCacheFile(path_);
  if (!bytes) return std::nullopt;
  ByteReader in(*bytes);
  if (in.GetText() != key_) return std::nullopt;
  const std::string answer(in.GetText());
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return answer;
}

void PlanMemo::Keep(const std::string& answer) const {
  if (key_.empty()) return;
  ByteWriter out;
  out.PutText(key_);
  out.PutText(answer);
  WriteCacheFile(path_, out.bytes());
}

}  // namespace weir
