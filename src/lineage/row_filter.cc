// SPDX-License-Identifier: Apache-2.0

#include "weir/lineage/row_filter.h"

#include <algorithm>

namespace weir {

void AddRowFilter(const std::vector<std::string>& output_columns, Lineage& lineage) {
  for (const ColumnLineage& column : lineage.columns) {
    if (std::find(output_columns.begin(), output_columns.end(), column.name) ==
        output_columns.end()) {
      continue;
    }
    for (ColumnInput input : column.inputs) {
      input.use = ColumnUse::kFilter;
      lineage.row_influences.insert(std::move(input));
    }
  }
}

}  // namespace weir
