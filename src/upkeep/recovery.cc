// SPDX-License-Identifier: Apache-2.0

#include "weir/upkeep/recovery.h"

#include <optional>
#include <vector>

#include <fmt/format.h>

#include "weir/base/log.h"
#include "weir/base/parallel.h"
#include "weir/delta/half_written.h"
#include "weir/delta/table_files.h"
#include "weir/upkeep/warehouse_tables.h"

namespace weir {

namespace {

/// By how much a clock may have been set back while the run went on.
constexpr int64_t kClockStepMs = 60'000;

Diagnostic WarningOf(const WarehouseTable& table, const TakenBack& taken) {
  const bool is_artifact = table.of == WarehouseTable::Of::kArtifact;
  const std::string versions =
      taken.first_version == taken.last_version
          ? fmt::format("version {} is", taken.first_version)
          : fmt::format("versions {} to {} are", taken.first_version, taken.last_version);
  return {.code = "W5013",
          .severity = Severity::kWarning,
          .blame = Blame::kEnvironment,
          .message = fmt::format(
              "table `{}`: {} taken back, left half written by a run that was cut off: {}",
              table.name, versions, taken.why),
          .hint = is_artifact ? "what that run had recorded there is lost"
                              : "what it held is built again where it is wanted",
          .location = {},
          .view_name = table.of == WarehouseTable::Of::kView ? table.name : ""};
}

}  // namespace

Result<Diagnostics> Recover(const ProjectDefinition& project, const SessionRuntime& session,
                            const WarehouseLock& lock) {
  Diagnostics warnings;
  if (lock.cut_off_since_ms() < 0 || LocalFolder(session.warehouse_url()).empty()) return warnings;
  WEIR_ASSIGN_OR_RETURN(const auto tables, ListWarehouseTables(project, session));
  Log(LogLevel::kInfo, "a run was cut off, looking for what it left half written",
      {{"tables", tables.size()}});
  std::vector<Result<std::optional<TakenBack>>> taken(tables.size(), std::optional<TakenBack>());
  ForEachInParallel(tables.size(), static_cast<size_t>(session.threads()), [&](size_t i) {
    if (tables[i].is_left_alone || tables[i].dropping_since_us >= 0) return;
    taken[i] = TakeBackHalfWritten(tables[i].url, lock.cut_off_since_ms() - kClockStepMs);
  });
  for (size_t i = 0; i < tables.size(); ++i) {
    if (!taken[i].ok())
      return taken[i].status().WithContext(fmt::format("table `{}`", tables[i].name));
    if (*taken[i]) warnings.Add(WarningOf(tables[i], **taken[i]));
  }
  WEIR_RETURN_NOT_OK(lock.MakeDurable());
  return warnings;
}

}  // namespace weir
