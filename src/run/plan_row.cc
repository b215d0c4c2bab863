// SPDX-License-Identifier: Apache-2.0

#include "weir/run/plan_row.h"

namespace weir {

namespace {

PlanRowUnit ToUnit(const ScanUnit& unit) {
  return {.table = unit.table,
          .kind = std::string(ToString(unit.kind)),
          .version = unit.version,
          .files_known = unit.files_known,
          .files_kept = static_cast<int64_t>(unit.kept.size()),
          .files_pruned = static_cast<int64_t>(unit.pruned_files.size()),
          .bytes_kept = unit.kept_bytes};
}

}  // namespace

std::vector<PlanRow> ToPlanRows(const std::vector<PlannedView>& planned, const TaskGraph& graph) {
  std::vector<PlanRow> rows;
  rows.reserve(planned.size());
  for (const PlannedView& view : planned) {
    const ViewTask& task = *graph.Find(view.view_name);
    PlanRow row{.view_name = view.view_name,
                .action = view.decision.action,
                .code = view.decision.code,
                .reason = view.decision.reason,
                .fingerprint = task.fingerprint.ToString(),
                .upstream_views = task.upstream_views,
                .units = {}};
    for (const ScanUnit& unit : view.scan_units) row.units.push_back(ToUnit(unit));
    for (const auto& [name, deferred] : view.deferred) {
      row.deferred.push_back({.table = name,
                              .profile = deferred.profile,
                              .url = deferred.table_url,
                              .version = deferred.build.read_version,
                              .same_definition = deferred.same_definition,
                              .text = Describe(name, deferred)});
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

void Put(ByteWriter& out, const PlanRow& row) {
  out.PutText(row.view_name);
  out.Put(static_cast<uint8_t>(row.action));
  out.PutText(row.code);
  out.PutText(row.reason);
  out.PutText(row.fingerprint);
  out.PutTexts(row.upstream_views);
  out.Put(static_cast<uint32_t>(row.units.size()));
  for (const PlanRowUnit& unit : row.units) {
    out.PutText(unit.table);
    out.PutText(unit.kind);
    out.Put(unit.version);
    out.Put(static_cast<uint8_t>(unit.files_known ? 1 : 0));
    out.Put(unit.files_kept);
    out.Put(unit.files_pruned);
    out.Put(unit.bytes_kept);
  }
}

PlanRow GetPlanRow(ByteReader& in) {
  PlanRow row;
  row.view_name = in.GetText();
  row.action = static_cast<Action>(in.Get<uint8_t>());
  row.code = in.GetText();
  row.reason = in.GetText();
  row.fingerprint = in.GetText();
  row.upstream_views = in.GetTexts();
  row.units.resize(in.GetCount(sizeof(int64_t)));
  for (PlanRowUnit& unit : row.units) {
    unit.table = in.GetText();
    unit.kind = in.GetText();
    unit.version = in.Get<int64_t>();
    unit.files_known = in.Get<uint8_t>() != 0;
    unit.files_kept = in.Get<int64_t>();
    unit.files_pruned = in.Get<int64_t>();
    unit.bytes_kept = in.Get<int64_t>();
  }
  return row;
}

}  // namespace weir
