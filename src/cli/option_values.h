// SPDX-License-Identifier: Apache-2.0
//
// What may stand behind the options and in the arguments of commands. In: the name of a command and
// of one of its options or arguments. Out: words, and what else is completed there. Checks, hints
// and completion go by this one list.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::cli {

/// What is completed from the project's files or from the folder.
enum class ValueKind {
  kNone,  ///< nothing, or words alone
  kFiles,
  kFolders,
  kProfiles,
  kViews,
  kTables,     ///< sources and views
  kSelectors,  ///< of views, several with commas between
  kTests,      ///< tests and views
  kBundles,    ///< views, `last` and `now`
  kTaskKeys,   ///< `view:` and the name of a view
  kFunctions,
  kCommands,
};

/// `option` is as written (`--format`), or the name of an argument (`view`).
ValueKind KindOfValue(std::string_view command, std::string_view option);

/// The words that may stand there; none where any text may.
std::vector<std::string> WordsOf(std::string_view command, std::string_view option);

}  // namespace weir::cli
