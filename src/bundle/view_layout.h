// SPDX-License-Identifier: Apache-2.0
//
// How a view and the profile want the view's table to be laid out, checked when the view is
// compiled. In: clauses and TBLPROPERTIES of the view, `[tables]` of the profile, the table's
// columns. Out: the table's properties, and what is wrong with them.

#pragma once

#include <map>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "weir/base/diagnostic.h"
#include "weir/project/project_definition.h"
#include "weir/session/session_runtime.h"

namespace weir {

/// What a stored view says of its table, and what the profile says where the view does not.
std::map<std::string, std::string> PropertiesOf(const ViewDefinition& view,
                                                const SessionRuntime& session);

/// Reports the columns of PARTITIONED BY and CLUSTER BY that the table has not, or that it cannot
/// be laid out by (W2008, W2011, W2026).
void CheckLayoutColumns(const ViewDefinition& view, const arrow::Schema& stored_schema,
                        std::vector<Diagnostic>& diagnostics);

/// Reports properties of the view that mean nothing, have no such value, or name columns that are
/// not there (W2027).
void CheckProperties(const ViewDefinition& view, const SessionRuntime& session,
                     const arrow::Schema& stored_schema, std::vector<Diagnostic>& diagnostics);

/// Reports a property of the profile that has no such value (W1031).
void CheckProfileProperties(const SessionRuntime& session, Diagnostics& diagnostics);

}  // namespace weir
