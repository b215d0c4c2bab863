// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/pins.h"

#include <map>

namespace weir {

Result<std::vector<VersionPin>> PinsOf(const LogicalPlan& plan, const SessionRuntime& session) {
  std::map<std::string, VersionPin> pins;
  for (const Scan* scan : CollectScans(plan)) {
    if (scan->table.starts_with("$")) continue;
    const PinnedTable* table = session.catalog().Find(WithoutDefaultSchema(scan->table));
    if (table == nullptr) {
      return Status::User(StatusCode::kUnsupported,
                          "a view may read sources and views only, found `{}`", scan->table);
    }
    pins[table->name] = {.table = table->name,
                         .kind = std::string(ToString(table->kind)),
                         .url = table->url,
                         .version = table->version,
                         .listing_hash = table->listing_hash};
  }
  std::vector<VersionPin> ordered;
  for (auto& [name, pin] : pins) ordered.push_back(std::move(pin));
  return ordered;
}

}  // namespace weir
