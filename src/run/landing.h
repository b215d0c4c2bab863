// SPDX-License-Identifier: Apache-2.0
//
// Lands sources of files as Delta tables, so that what a run read of them stays. In: a source with
// OPTIONS ('retain' 'true'), pinned. Out: the table `_weir/sources/<name>` of the warehouse at the
// version that holds the rows of these files, to be read in the source's place. Planning and
// deciding go by the files alone and do not come here.
//
// The commit of a landing holds, under "weir":
//
//   source_name   of which source
//   run_id        which run landed it
//   landing_state what was read and how: while it is the same, nothing is landed again
//   columns       the source's columns, Arrow's IPC in base64: the table is read with their types
//   epoch         of the application transaction `weir.source.<name>`

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "weir/base/clock.h"
#include "weir/catalog/pinned_table.h"
#include "weir/engine/engine.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// The key of a landing's commit that names its source.
inline constexpr const char* kLandedSource = "source_name";

/// What stands before the name of a source in that of its landed table.
inline constexpr const char* kLandingFolder = "_weir/sources/";

/// URL of a source's landed table, with a trailing slash.
std::string LandingUrl(const std::string& warehouse_url, const std::string& source);

/// A landed table at one version, with the columns and types that the source had then. Fails with
/// kNotFound where the log does not tell of that version any more, with kCorrupt where it is no
/// landing.
Result<PinnedTable> PinLanding(const std::string& source, const std::string& url, int64_t version,
                               const engine::Session& session);

/// The landed tables of one run. Safe for use from several threads; the arguments must outlive it.
/// REQUIRES: the warehouse's lock is held
class Landings {
 public:
  Landings(const SessionRuntime& session, std::string run_id, const Clock& clock,
           const engine::Cancellation& cancellation)
      : session_(session), run_id_(std::move(run_id)), clock_(clock), cancellation_(cancellation) {}

  /// What is to be read in the place of `listing`, landed now if its files are others than those of
  /// the last landing. Once a source and run: later calls get the same, a failure too.
  /// REQUIRES: listing.is_retained
  Result<std::shared_ptr<const PinnedTable>> Of(const PinnedTable& listing);

 private:
  struct Entry {
    std::mutex mutex;
    std::optional<Result<std::shared_ptr<const PinnedTable>>> landed;  // guarded by mutex
  };

  Result<std::shared_ptr<const PinnedTable>> Land(const PinnedTable& listing) const;
  Result<int64_t> Write(const PinnedTable& listing, const std::string& url,
                        const std::string& state, int64_t least_epoch) const;

  const SessionRuntime& session_;
  const std::string run_id_;
  const Clock& clock_;
  const engine::Cancellation& cancellation_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // guarded by mutex_
};

}  // namespace weir
