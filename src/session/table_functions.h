// SPDX-License-Identifier: Apache-2.0
//
// The table functions of a session: what their rows are. In: the registry with their declarations,
// the tables of the project. Out: functions that SQL can call in FROM, registered.

#pragma once

#include <map>
#include <memory>
#include <string>

#include "weir/base/result.h"
#include "weir/catalog/catalog.h"
#include "weir/engine/engine.h"
#include "weir/functions/function_registry.h"
#include "weir/project/project_definition.h"

namespace weir {

/// What a table function may be told by name.
struct NamedTable {
  std::string url;       ///< with a trailing slash; empty for a view: its place in the warehouse
  int64_t version = -1;  ///< that the project reads; -1: the latest
  std::string problem;   ///< why there is no Delta table; empty where there is one
};

/// The names that a project knows.
struct NamedTables {
  std::map<std::string, NamedTable> tables;
  std::string warehouse_url;
};

/// The sources and views of a project, by name.
NamedTables NameTables(const ProjectDefinition& project, const Catalog& catalog,
                       const std::string& warehouse_url);

/// Registers every table function of `functions`. Calls keep a copy of both.
Status RegisterTableFunctions(const engine::Session& session, const FunctionRegistry& functions,
                              NamedTables tables);

}  // namespace weir
