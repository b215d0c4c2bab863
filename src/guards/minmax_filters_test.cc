// SPDX-License-Identifier: Apache-2.0

#include "weir/guards/guard_testing.h"

namespace weir {
namespace {

// Whether the fault shows is a matter of timing: what can be shown is that the filters are off.
TEST(MinMaxFilters, MinAndMaxHandNothingToTheirScans) {
  ExpectGuarded({.guard = "minmax_filters",
                 .tables = {},
                 .sql = "SELECT value FROM information_schema.df_settings WHERE name = "
                        "'datafusion.optimizer.enable_aggregate_dynamic_filter_pushdown'",
                 .rows = {"false|"},
                 .settings = {{"datafusion.catalog.information_schema", "true"}}});
}

}  // namespace
}  // namespace weir
