// SPDX-License-Identifier: Apache-2.0
//
// The prompt of `weir sql` on a terminal: editing, history, and completion of names and commands.
// Out: statements, one after the other. One prompt at a time: libedit's callbacks carry no context.

#pragma once

#include <optional>
#include <string>
#include <vector>

struct editline;
struct history;

namespace weir::cli {

class SqlPrompt {
 public:
  /// `names`: of tables, for completion.
  explicit SqlPrompt(std::vector<std::string> names);
  SqlPrompt(const SqlPrompt&) = delete;
  SqlPrompt& operator=(const SqlPrompt&) = delete;
  /// Saves the history.
  ~SqlPrompt();

  /// The next statement, read up to a `;` or a line that begins with `\`; nullopt at the end of
  /// input.
  std::optional<std::string> Next();

 private:
  static char* Text(struct editline*);
  static unsigned char Complete(struct editline* editor, int);
  /// Names, or within quotes files, that begin so.
  std::vector<std::string> Matches(const std::string& prefix, bool is_path) const;

  static inline SqlPrompt* current_ = nullptr;
  struct editline* editor_ = nullptr;
  struct history* history_ = nullptr;
  std::string history_file_;
  std::vector<std::string> names_;
  bool continuing_ = false;
};

}  // namespace weir::cli
