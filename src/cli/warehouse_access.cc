// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/warehouse_access.h"

#include <fmt/format.h>

#include "weir/cli/output.h"
#include "weir/upkeep/recovery.h"

namespace weir::cli {

Result<std::unique_ptr<WarehouseLock>> TakeWarehouse(
    const ProjectDefinition& project, const SessionRuntime& session, const std::string& run_id,
    int64_t opened_at_us, const engine::Cancellation& cancellation, Diagnostics& diagnostics) {
  auto lock = WarehouseLock::Acquire(
      session.engine(), session.warehouse_url(),
      RunIdentity::Own(run_id, project.profile.name, opened_at_us),
      [](const RunIdentity& holder) {
        Tell(fmt::format("waiting for run {}: a warehouse has one run at a time", Describe(holder)),
             {{"holder", holder.run_id}});
      },
      cancellation);
  if (lock.ok()) {
    const auto recovered = Recover(project, session, **lock);
    if (!recovered.ok()) {
      // As if killed: the next run looks again.
      (*lock)->Abandon();
      return recovered.status().WithContext("what a run that was cut off left cannot be mended");
    }
    for (const Diagnostic& warning : recovered->all()) {
      Tell(warning);
      diagnostics.Add(warning);
    }
    return lock;
  }
  if (lock.status().code() == StatusCode::kCancelled) return lock;
  const Status failed = lock.status().WithContext("the warehouse cannot be written");
  const bool is_of_place =
      failed.code() == StatusCode::kPermission || failed.code() == StatusCode::kIo;
  if (!failed.hint().empty() || !is_of_place) return failed;
  return failed.WithHint(fmt::format(
      "it is `{}`; name another in weir.toml, or in the environment (warehouse = \"${{NAME}}\")",
      project.warehouse_uri));
}

}  // namespace weir::cli
