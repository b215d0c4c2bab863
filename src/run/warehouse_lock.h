// SPDX-License-Identifier: Apache-2.0
//
// One run of a warehouse at a time. In: a store with conditional puts and listings that see every
// put. Out: the lock, once no other run holds it, and the runs that ended without being recorded.
// Nothing here trusts the clock of another machine, or that the answer of a store arrives. That its
// puts are conditional is tried with each lock: commits rest on it as much as the lock does.
//
// Objects under `<warehouse>/_weir/_runs/`, numbered by generation:
//
//   N.begun   made if absent: who made it holds the lock, if N is the highest
//   N.alive   rewritten every few seconds while the run lasts
//   N.ended   the run gave the lock back, and whether it is recorded
//
//   free ──put N+1.begun──▶ held ──N+1.ended──▶ free
//                             └──dead: its process is gone, or N+1.alive stands still──▶ free
//
// In a local folder a run's `begun` is on the disk before the lock is held, and all that the run
// wrote before its `ended` is put: what may have been lost in a power cut is of runs without one.
//
// Generations only rise, so that a run which is taken for dead and goes on after all finds a higher
// one and stops. What is older than the holder is removed once it is recorded.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/engine/engine.h"
#include "weir/run/run_identity.h"

namespace weir {

/// A run that gave back or lost the lock before it was recorded.
struct UnrecordedRun {
  int64_t generation = 0;
  RunIdentity identity;     ///< only the run's id is sure to be known
  std::string state;        ///< how it ended; "killed" if it could not say
  int64_t ended_at_us = 0;  ///< 0 for a killed run
};

class WarehouseLock {
 public:
  struct Timing {
    std::chrono::milliseconds heartbeat{5000};
    /// A holder on another machine is dead when its heart has not beaten for so long.
    std::chrono::milliseconds silence{30000};
    /// A power cut may leave a `begun` that says nothing. Such a holder had not begun to write.
    std::chrono::milliseconds unreadable{2000};
    std::chrono::milliseconds poll{200};
  };
  /// Told once of each run that is waited for.
  using OnWait = std::function<void(const RunIdentity& holder)>;

  /// Waits until the lock is free, and takes it. Fails with kCancelled when `cancellation` says so
  /// meanwhile, with kUnsupported where the store has no conditional puts, with the store's failure
  /// where the warehouse cannot be written.
  static Result<std::unique_ptr<WarehouseLock>> Acquire(
      const engine::Session& session, const std::string& warehouse_url, const RunIdentity& self,
      const OnWait& on_wait, const engine::Cancellation& cancellation, Timing timing);
  static Result<std::unique_ptr<WarehouseLock>> Acquire(const engine::Session& session,
                                                        const std::string& warehouse_url,
                                                        const RunIdentity& self,
                                                        const OnWait& on_wait,
                                                        const engine::Cancellation& cancellation) {
    return Acquire(session, warehouse_url, self, on_wait, cancellation, Timing());
  }
  /// Gives the lock back, as of a run that has nothing to record, unless End was called.
  ~WarehouseLock();
  WarehouseLock(const WarehouseLock&) = delete;
  WarehouseLock& operator=(const WarehouseLock&) = delete;

  /// Whether another run held the lock since `self.started_at_us`: what was read before it was
  /// taken may be stale.
  bool waited() const { return waited_; }
  const std::vector<UnrecordedRun>& unrecorded() const { return unrecorded_; }
  /// When the first of the earlier runs began that did not give the lock back, in milliseconds by
  /// the store's clock: what was written since may be half written. -1: all did.
  int64_t cut_off_since_ms() const { return cut_off_since_ms_; }

  /// Fails with kConflict, naming the run, if another run took this one for dead.
  Status CheckHeld() const;
  /// Returns when all that was written to a local warehouse is on its disk; other stores keep what
  /// they took.
  Status MakeDurable() const;
  /// Removes what is left of the runs that this one has recorded. REQUIRES: End returned OK: rows
  /// that a power cut takes are recorded again as long as their run is known.
  void ForgetUnrecorded() const {
    for (const UnrecordedRun& run : unrecorded_) Remove(run.generation);
  }
  /// Makes durable what was written, and gives the lock back. What is not recorded is left for the
  /// next run to record. On failure the next run takes this one for killed. Does
  /// nothing after Abandon.
  Status End(const std::string& state, bool is_recorded, int64_t ended_at_us);
  /// Leaves the lock to the run that took it.
  void Abandon();

 private:
  class Heart;
  struct Listing;

  WarehouseLock(engine::Session session, std::string folder_url);
  Result<Listing> List() const;
  /// Makes a generation's `begun`. Returns whether this run made it, by whatever answer came back.
  Result<bool> Begin(int64_t generation, const std::string& self) const;
  /// Fails with kUnsupported where a second put of the held generation's `begun` is taken, too.
  Status TryCondition(const std::string& self) const;
  /// Makes an object of the held generation durable in a local warehouse.
  Status MakeDurable(const char* kind) const;
  std::string UrlOf(int64_t generation, const char* kind) const;
  /// Takes over what the listing says of runs before this one.
  Status NoteEarlier(const Listing& listing, int64_t since_us);
  void Remove(int64_t generation) const;

  const engine::Session session_;
  const std::string folder_url_;
  int64_t generation_ = 0;
  bool waited_ = false;
  bool ended_ = false;
  int64_t cut_off_since_ms_ = -1;
  std::vector<UnrecordedRun> unrecorded_;
  std::unique_ptr<Heart> heart_;
};

}  // namespace weir
