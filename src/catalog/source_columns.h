// SPDX-License-Identifier: Apache-2.0
//
// The columns of a source, of what it declares and what its data has. In: the declared schema, if
// there is one, and the columns of each file or of a Delta table. Out: the columns that views see,
// and what differs: one diagnostic a source, with all columns as added, removed or retyped. A
// declared schema is a contract: what breaks it is an error, what can be read nevertheless a
// warning (an error under 'schema_drift' 'error').

#pragma once

#include <memory>
#include <optional>

#include <arrow/type_fwd.h>

#include "weir/base/diagnostic.h"
#include "weir/base/result.h"
#include "weir/catalog/pinned_table.h"
#include "weir/engine/engine.h"
#include "weir/project/project_definition.h"

namespace weir {

struct SourceColumns {
  /// Without the columns of folders where none are declared; null where the reader of the format
  /// finds them.
  std::shared_ptr<arrow::Schema> schema;
  std::optional<Diagnostic> drift;
};

/// Of files. Without a declared schema the columns of Parquet files are those of all of them: a
/// column that a file lacks is NULL there, and types are the narrowest that hold the values of all.
/// The result hangs on the set of schemas, not on names or the order of files. Looks at each file,
/// unless columns are declared and drift is ignored. Fails with kConflict where the contract is
/// broken or types have nothing in common.
Result<SourceColumns> SettleFileColumns(const SourceDefinition& source,
                                        const engine::FileTableSpec& files,
                                        const std::shared_ptr<arrow::Schema>& declared,
                                        const engine::Session& session);

/// Of a Delta table whose source declares columns: those, as far as the table has them with the
/// same or narrower types. Fails with kConflict for any other.
Result<SourceColumns> SettleDeltaColumns(const SourceDefinition& source,
                                         const arrow::Schema& declared, const arrow::Schema& table);

/// How the rows of a source are read, as its options say.
engine::DeltaReading ReadingOf(const SourceDefinition& source);

/// The table itself. Fails with kAlreadyExists where its data has a column that is named as one
/// that says where a row lies.
Result<PinnedTable> CheckPlaces(PinnedTable table);

}  // namespace weir
