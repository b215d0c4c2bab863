// SPDX-License-Identifier: Apache-2.0

#include "weir/run/current_tables.h"

#include <utility>

namespace weir {

TablePtr CurrentTables::Source(const std::string& name) const {
  if (graph_.Find(name) != nullptr) return nullptr;
  const PinnedTable* table = session_.catalog().Find(name);
  // The catalog outlives the run and does not change in it.
  return {std::shared_ptr<void>(), table};
}

Result<TablePtr> CurrentTables::View(const std::string& name, int64_t version,
                                     const std::string& url) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = views_.find(name);
    if (found != views_.end()) return found->second;
  }
  WEIR_ASSIGN_OR_RETURN(PinnedTable table,
                        PinDelta(name, url.empty() ? TableUrl(session_.warehouse_url(), name) : url,
                                 version, "", session_.engine()));
  table.kind = TableKind::kView;
  auto shared = std::make_shared<const PinnedTable>(std::move(table));
  Set(name, shared);
  return shared;
}

void CurrentTables::Set(const std::string& name, TablePtr table) {
  const std::lock_guard lock(mutex_);
  views_[name] = std::move(table);
}

}  // namespace weir
