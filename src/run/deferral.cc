// SPDX-License-Identifier: Apache-2.0

#include "weir/run/deferral.h"

#include <filesystem>

#include <fmt/format.h>

#include "weir/base/percent_text.h"
#include "weir/catalog/catalog.h"
#include "weir/run/delta_history.h"
#include "weir/run/upstream_columns.h"

namespace weir {

namespace {

constexpr std::string_view kLocal = "file://";

/// A path where the URL is of a local folder.
std::string Readable(const std::string& url) {
  std::string text = url.starts_with(kLocal) ? PercentDecoded(url.substr(kLocal.size())) : url;
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

/// The same text for the same place, as far as links show.
std::string PlaceOf(const std::string& url) {
  if (!url.starts_with(kLocal)) return Readable(url);
  std::error_code error;
  const auto path = std::filesystem::weakly_canonical(Readable(url), error);
  return error ? Readable(url) : path.generic_string();
}

Status NotBuilt(const std::string& reader, const std::string& view, const DeferTarget& target,
                const std::string& here) {
  return Status::User(StatusCode::kPlanFailed,
                      "the view `{}` reads `{}`, which is built neither here (`{}`) nor in the "
                      "warehouse of profile `{}`: `{}`",
                      reader, view, Readable(here), target.profile, Readable(target.warehouse_url))
      .WithHint(fmt::format("build it here: --select {},{}; or there: weir run --profile {}", view,
                            reader, target.profile));
}

Result<DeferredView> LastBuildThere(const DeferTarget& target, const DeltaHistory& history,
                                    const std::string& reader, const ViewTask& view,
                                    const SessionRuntime& session) {
  WEIR_ASSIGN_OR_RETURN(auto build, history.LastBuild(view.view_name));
  if (!build) return NotBuilt(reader, view.view_name, target, session.warehouse_url());
  if (!build->missing_files.empty()) {
    return Status::Environment(StatusCode::kNotFound, "a data file of `{}` is gone: `{}`",
                               view.view_name, build->missing_files.front());
  }
  const bool same = build->fingerprint == view.fingerprint;
  return DeferredView{.profile = target.profile,
                      .table_url = TableUrl(target.warehouse_url, view.view_name),
                      .build = *std::move(build),
                      .same_definition = same};
}

/// REQUIRES: `deferred` is the table of `view`
Status CheckReader(const PlanBundle& reader, const std::string& view, const DeferredView& deferred,
                   const SessionRuntime& session) {
  WEIR_ASSIGN_OR_RETURN(
      const PinnedTable table,
      PinDelta(view, deferred.table_url, deferred.build.read_version, "", session.engine()));
  const Status fits = CheckColumnsRead(reader, table);
  if (fits.ok()) return Status::OK();
  return fits.WithContext(fmt::format("profile `{}`", deferred.profile))
      .WithLocation(reader.location)
      .WithHint(fmt::format("build `{0}` here: --select {0},{1}; or run profile `{2}` with this "
                            "definition",
                            view, reader.view_name, deferred.profile));
}

}  // namespace

Result<PinnedTable> PinStored(const std::string& view, const std::string& url,
                              const std::optional<DeferTarget>& target,
                              const engine::Session& session) {
  auto table = PinDelta(view, url, -1, "", session);
  if (table.ok() || table.status().code() != StatusCode::kNotFound || !target) return table;
  return PinDelta(view, TableUrl(target->warehouse_url, view), -1, "", session);
}

Result<DeferredViews> DeferViews(const DeferTarget& target, const CompiledProject& compiled,
                                 const TaskGraph& graph, const std::set<std::string>& selected,
                                 const std::function<bool(const std::string& view)>& is_built_here,
                                 const SessionRuntime& session) {
  DeferredViews deferred;
  const DeltaHistory history(session.engine(), target.warehouse_url);
  for (const ViewTask& task : graph.tasks()) {
    if (!selected.contains(task.view_name)) continue;
    for (const std::string& upstream : task.upstream_views) {
      if (selected.contains(upstream) || is_built_here(upstream)) continue;
      auto found = deferred.find(upstream);
      if (found == deferred.end()) {
        auto there =
            LastBuildThere(target, history, task.view_name, *graph.Find(upstream), session);
        if (!there.ok())
          return there.status().WithContext(fmt::format("--defer-to {}", target.profile));
        found = deferred.emplace(upstream, *std::move(there)).first;
      }
      WEIR_RETURN_NOT_OK(
          CheckReader(*compiled.Find(task.view_name), upstream, found->second, session));
    }
  }
  return deferred;
}

std::string Describe(const std::string& view, const DeferredView& deferred) {
  return fmt::format("`{}` is read from profile `{}`: version {} of {}{}", view, deferred.profile,
                     deferred.build.read_version, Readable(deferred.table_url),
                     deferred.same_definition ? ""
                                              : ", which was built there by another definition "
                                                "than the one here");
}

Status CheckOtherWarehouse(const std::string& profile, const std::string& warehouse_url,
                           const DeferTarget& target) {
  if (PlaceOf(warehouse_url) != PlaceOf(target.warehouse_url)) return Status::OK();
  return Status::User(StatusCode::kNotFound,
                      "another warehouse is wanted for --defer-to; the profiles `{}` and `{}` both "
                      "have `{}`",
                      profile, target.profile, Readable(warehouse_url))
      .WithHint("`warehouse` in a profile in weir.toml names one of its own");
}

}  // namespace weir
