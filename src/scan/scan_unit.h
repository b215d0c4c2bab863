// SPDX-License-Identifier: Apache-2.0
//
// What one view reads of one table: version, columns, filters, the files that can matter, and why
// the others cannot. In: a bundle's plan and the pinned tables. Out: one ScanUnit a scan.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/diagnostic.h"
#include "weir/base/fingerprint.h"
#include "weir/base/result.h"
#include "weir/bundle/plan_bundle.h"
#include "weir/catalog/pinned_table.h"
#include "weir/scan/reading.h"

namespace weir {

struct PrunedFile {
  uint32_t file = 0;   ///< index into the unit's files
  std::string reason;  ///< names the predicate and the statistic
};

/// Statistics that contradict their file or themselves, and were not used.
struct BadStatistics {
  uint32_t file = 0;
  std::string what;
};

/// One scan of one view. A table that is read twice has two units.
struct ScanUnit {
  std::string view_name;
  int scan_id = 0;
  std::string table;
  TableKind kind = TableKind::kDelta;
  std::string url;
  int64_t version = -1;
  std::string read_options_hash;     ///< of a listing: format and options
  std::vector<std::string> columns;  ///< projected
  std::vector<std::string> filters;  ///< pushed into the scan, as text
  /// All files of the version; null while they are not known.
  std::shared_ptr<const FileList> files;
  std::vector<uint32_t> kept;  ///< indexes into `files`
  std::vector<PrunedFile> pruned_files;
  std::vector<BadStatistics> bad_statistics;  ///< of files that are kept
  int64_t kept_bytes = 0;
  int64_t kept_rows = 0;  ///< -1 if a file's rows are unknown
  /// False for a view's table that does not exist yet: its files are known when it was built.
  bool files_known = true;
  std::string reading_id;  ///< of what is read; see Reading
};

/// A warning (W4001) for each unit with bad statistics.
std::vector<Diagnostic> WarningsOf(const std::vector<ScanUnit>& units);

using TableLookup = std::function<std::shared_ptr<const PinnedTable>(const std::string& name)>;

/// Tells the tables of a bundle which statistics its scans will ask for. Called for all bundles
/// first, it saves reading a log once more for each of them.
void AnnounceScans(const PlanBundle& bundle, const TableLookup& lookup);

/// In order of scan id. `lookup` may return null for a view that was never built.
Result<std::vector<ScanUnit>> DeriveScanUnits(const PlanBundle& bundle, const TableLookup& lookup);

/// What is known of a view's result; nullopt while it is not final.
using ContentLookup = std::function<std::optional<ViewContent>(const std::string& view)>;

/// The state of each table that a view reads, a text a table: of sources the kept files and the
/// projected columns, of views the content of their result and of what is read of it, as far as it
/// is known. Empty for a view that is not final.
std::map<std::string, std::string> InputStates(const std::vector<ScanUnit>& units,
                                               const ContentLookup& content);

/// Whether two states of one table are the same for a view that reads it: equal, or of a view whose
/// result changed elsewhere only. False where that is not known.
bool SameForReader(const std::string& before, const std::string& now);
/// The same for the content that a view's result has now: of what was read then.
bool SameForReader(const std::string& before, const ViewContent& now);

/// Whether two states are of the same content as a whole.
bool SameContent(const std::string& before, const std::string& now);

/// A hash of what a view reads: files and columns of sources, of views the content of what is read
/// where that is known, else of all. nullopt as long as an upstream view is not final.
std::optional<Fingerprint> InputHash(const std::vector<ScanUnit>& units,
                                     const ContentLookup& content);

}  // namespace weir
