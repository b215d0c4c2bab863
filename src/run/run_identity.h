// SPDX-License-Identifier: Apache-2.0
//
// Who a run is: enough for another run to name it to its user, and to find out whether its process
// is still there. Written as JSON beside the tables while the run lasts.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

struct RunIdentity {
  std::string run_id;
  std::string profile;
  int64_t started_at_us = 0;
  std::string user;
  std::string host;
  int64_t pid = 0;
  /// Of the process, in ticks since the machine started: a number is given to another process some
  /// day.
  int64_t process_started = 0;
  /// The machine since it was started, and the name space in which `pid` counts. Empty if unknown.
  std::string boot_id;
  std::string pid_namespace;

  bool operator==(const RunIdentity&) const = default;

  /// Of this process.
  static RunIdentity Own(std::string run_id, std::string profile, int64_t started_at_us);
  std::string ToJson() const;
  /// nullopt for a text that is none. Keys that are missing or of another type stay empty.
  static std::optional<RunIdentity> Parse(std::string_view json);
};

enum class Liveness {
  kAlive,
  kDead,
  kUnknown,  ///< it runs, or ran, where this process cannot look
};

/// Whether the process of a run is there. What has ended but was not waited for counts as dead, and
/// so does what ran before this machine was started, where `is_own_disk`: what the run wrote its
/// identity to is a disk of this machine. Others may reach that over the network, but have other
/// names.
Liveness LivenessOf(const RunIdentity& run, bool is_own_disk = false);

/// Whether a local folder lies on a disk of this machine, and not, as far as is known, on one that
/// is mounted over the network.
bool IsOwnDisk(const std::string& folder);

/// "20261129T… of ada@host (process 4711)", for messages.
std::string Describe(const RunIdentity& run);

}  // namespace weir
