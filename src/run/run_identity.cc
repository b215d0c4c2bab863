// SPDX-License-Identifier: Apache-2.0

#include "weir/run/run_identity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <linux/magic.h>
#include <nlohmann/json.hpp>
#include <pwd.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "weir/base/json_text.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

/// The first line of a file; empty if it cannot be read.
std::string LineOf(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

struct ProcessState {
  char state = '?';  ///< as proc(5) names it
  int64_t started = 0;
};

/// nullopt if there is no such process.
std::optional<ProcessState> StateOf(int64_t pid) {
  const std::string line = LineOf(fmt::format("/proc/{}/stat", pid));
  // The second field is the program's name in parentheses, which may hold anything.
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  ProcessState process;
  fields >> process.state;
  static constexpr int kFieldsBetween = 18;  // fields 4 to 21; `starttime` is 22
  std::string skipped;
  for (int i = 0; i < kFieldsBetween; ++i) fields >> skipped;
  fields >> process.started;
  return process;
}

std::string LinkOf(const char* path) {
  std::array<char, 256> target{};
  const ssize_t length = readlink(path, target.data(), target.size());
  return length <= 0 ? std::string() : std::string(target.data(), static_cast<size_t>(length));
}

std::string UserName() {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    return found->pw_name;
  return fmt::format("{}", geteuid());
}

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

template <typename T>
void Read(const Json& json, const char* key, T& value) {
  const auto found = json.find(key);
  if (found == json.end()) return;
  if constexpr (std::is_same_v<T, std::string>) {
    if (found->is_string()) value = found->get<std::string>();
  } else {
    if (found->is_number_integer()) value = found->get<T>();
  }
}

}  // namespace

RunIdentity RunIdentity::Own(std::string run_id, std::string profile, int64_t started_at_us) {
  const int64_t pid = getpid();
  const auto process = StateOf(pid);
  return {.run_id = std::move(run_id),
          .profile = std::move(profile),
          .started_at_us = started_at_us,
          .user = UserName(),
          .host = HostName(),
          .pid = pid,
          .process_started = process ? process->started : 0,
          .boot_id = LineOf("/proc/sys/kernel/random/boot_id"),
          .pid_namespace = LinkOf("/proc/self/ns/pid")};
}

std::string RunIdentity::ToJson() const {
  return JsonText(Json{{"run_id", run_id},
                       {"profile", profile},
                       {"started_at_us", started_at_us},
                       {"user", user},
                       {"host", host},
                       {"pid", pid},
                       {"process_started", process_started},
                       {"boot_id", boot_id},
                       {"pid_namespace", pid_namespace}});
}

std::optional<RunIdentity> RunIdentity::Parse(std::string_view json) {
  const Json parsed = Json::parse(json, nullptr, false);
  if (!parsed.is_object()) return std::nullopt;
  RunIdentity run;
  Read(parsed, "run_id", run.run_id);
  Read(parsed, "profile", run.profile);
  Read(parsed, "started_at_us", run.started_at_us);
  Read(parsed, "user", run.user);
  Read(parsed, "host", run.host);
  Read(parsed, "pid", run.pid);
  Read(parsed, "process_started", run.process_started);
  Read(parsed, "boot_id", run.boot_id);
  Read(parsed, "pid_namespace", run.pid_namespace);
  if (run.run_id.empty()) return std::nullopt;
  return run;
}

Liveness LivenessOf(const RunIdentity& run, bool is_own_disk) {
  if (run.pid <= 0 || run.boot_id.empty() || run.pid_namespace.empty()) return Liveness::kUnknown;
  if (run.boot_id != LineOf("/proc/sys/kernel/random/boot_id")) {
    const bool is_of_this_machine = is_own_disk && !run.host.empty() && run.host == HostName();
    return is_of_this_machine ? Liveness::kDead : Liveness::kUnknown;
  }
  if (run.pid_namespace != LinkOf("/proc/self/ns/pid")) return Liveness::kUnknown;
  const auto process = StateOf(run.pid);
  const bool is_there = process && process->started == run.process_started &&
                        process->state != 'Z' && process->state != 'X';
  return is_there ? Liveness::kAlive : Liveness::kDead;
}

bool IsOwnDisk(const std::string& folder) {
  static constexpr std::array<uint64_t, 6> kTypes = {
      EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
      F2FS_SUPER_MAGIC, TMPFS_MAGIC,     0x2fc12fc1 /* ZFS, which linux/magic.h does not know */};
  struct statfs found {};
  if (folder.empty() || statfs(folder.c_str(), &found) != 0) return false;
  return std::find(kTypes.begin(), kTypes.end(), static_cast<uint64_t>(found.f_type)) !=
         kTypes.end();
}

std::string Describe(const RunIdentity& run) {
  if (run.pid == 0) return run.run_id;
  return fmt::format("{} of {}@{} (process {})", run.run_id, run.user, run.host, run.pid);
}

}  // namespace weir
