// SPDX-License-Identifier: Apache-2.0
//
// The rows that an UPDATE, DELETE, MERGE or INSERT … REPLACE WHERE changes. In: the statement over
// one version of its table. Out: which rows, by their places in files, written into a table of
// their own; then the files of which none is left as it was, anew or with deletion vectors, and the
// change data where the table wants it.

#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "weir/dml/statement_work.h"

namespace weir {

class ScratchFolder;

/// `work` must outlive it.
class ChangedRows {
 public:
  /// `files`: of the table.
  ChangedRows(StatementWork& work, std::vector<DataFile> files);
  ~ChangedRows();

  /// Evaluates the statement, once, and counts what it changes in which files.
  Status Find();
  /// Writes what Find found. `inserted`: the files with the rows that replace those of a REPLACE
  /// WHERE.
  Status Write(const std::vector<DataFile>& inserted);

 private:
  /// What becomes of a file.
  struct Touched {
    int64_t deleted = 0;  ///< rows
    int64_t updated = 0;
    int64_t rows = -1;  ///< before; -1: not counted
    bool is_emptied = false;

    bool loses_few() const;
  };

  /// The statement as a query for its changes, evaluated once into files of its own.
  Status FindChanges();
  Result<std::vector<std::string>> SourceColumns();
  /// The numbers of the statement's actions of one kind, as SQL; "NULL" without any.
  std::string ActionsOf(RowAction::Kind kind) const;
  /// A row of the table is changed once. How many are, and in which files.
  Status CountChanges();
  /// Whether rows may be deleted by vectors, instead of writing their files anew.
  bool TakesVectors() const;
  /// Files of which no row is left are not written anew. What statistics say of their rows may be
  /// wrong, hence they are counted.
  Status DropEmptiedFiles();
  /// The condition under which a row `t` of the placed table is one that is changed by `actions`.
  static std::string ChangedBy(const std::string& actions);
  /// Registers the rows that the statement makes, `__weir_new`: the table's columns and
  /// weir_action.
  Status RegisterNewRows();
  /// The new files, and the change data where the table wants it.
  Status WriteChanges();
  /// Deletes the changed rows of files by vectors.
  Status MarkRows(const std::vector<DataFile>& files);
  /// The statistics of a file some of whose rows are deleted: they bound what is left. `rows`: that
  /// were left before.
  static std::string LooseStatistics(const DataFile& file, int64_t rows);
  /// Writes the rows of a query of ours as files of the table.
  Status WriteRows(const std::string& query);
  /// Registers the rows of an INSERT as they were written, `__weir_added`.
  Status RegisterInserted() const;
  Status WriteFeed();

  StatementWork& work_;
  const std::vector<DataFile> files_;
  std::vector<DataFile> inserted_;
  std::unique_ptr<ScratchFolder> scratch_;
  std::vector<RowAction> actions_;
  std::vector<int> assigned_;
  std::vector<std::set<int>> columns_of_action_;
  std::map<std::string, Touched> touched_;
};

}  // namespace weir
