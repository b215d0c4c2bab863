// SPDX-License-Identifier: Apache-2.0
//
// A trace as a picture: DOT for Graphviz, Mermaid for Markdown. One box a table, one node a column;
// values flow along full lines, other uses along dashed ones with the use written on them.

#pragma once

#include <string>

#include "weir/lineage/lineage_trace.h"

namespace weir {

/// Stable: the same trace gives the same text.
std::string ToDot(const LineageTrace& trace);
std::string ToMermaid(const LineageTrace& trace);

}  // namespace weir
