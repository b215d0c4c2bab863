// SPDX-License-Identifier: Apache-2.0

#include "weir/cli/sql_prompt.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>

#include <histedit.h>
#include <strings.h>

namespace weir::cli {

namespace {

namespace fs = std::filesystem;

std::string HistoryFile() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  const fs::path folder =
      state != nullptr ? state : fs::path(home != nullptr ? home : "/tmp") / ".local/state";
  std::error_code error;
  fs::create_directories(folder / "weir", error);
  return (folder / "weir" / "sql_history").string();
}

/// Files and folders whose path begins so; folders with a slash.
std::vector<std::string> PathsFrom(const std::string& prefix) {
  const size_t slash = prefix.rfind('/') + 1;
  const std::string folder = prefix.substr(0, slash), begin = prefix.substr(slash);
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator entry(folder.empty() ? "." : folder, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(begin) || (name.starts_with('.') && begin.empty())) continue;
    std::error_code ignored;
    paths.push_back(folder + name + (entry->is_directory(ignored) ? "/" : ""));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// Where the word before the cursor begins; within quotes, behind the quote.
const char* WordBegin(const char* line, const char* cursor, bool& is_path) {
  const char* quote = nullptr;
  for (const char* at = line; at < cursor; ++at) {
    if (quote == nullptr ? *at == '\'' || *at == '"' : *at == *quote)
      quote = quote == nullptr ? at : nullptr;
  }
  is_path = quote != nullptr;
  if (is_path) return quote + 1;
  const char* start = cursor;
  while (start > line && std::strchr(" \t\n(,", start[-1]) == nullptr) --start;
  return start;
}

}  // namespace

SqlPrompt::SqlPrompt(std::vector<std::string> names)
    : history_file_(HistoryFile()), names_(std::move(names)) {
  for (const char* word : {"SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "LIMIT", "JOIN",
                           "\\tables", "\\quit", "\\help"}) {
    names_.emplace_back(word);
  }
  current_ = this;
  editor_ = el_init("weir", stdin, stdout, stderr);
  history_ = history_init();
  HistEvent event;
  history(history_, &event, H_SETSIZE, 1000);
  history(history_, &event, H_LOAD, history_file_.c_str());
  el_set(editor_, EL_PROMPT, &SqlPrompt::Text);
  el_set(editor_, EL_EDITOR, "emacs");
  el_set(editor_, EL_HIST, ::history, history_);
  el_set(editor_, EL_ADDFN, "complete", "complete a name", &SqlPrompt::Complete);
  el_set(editor_, EL_BIND, "^I", "complete", nullptr);
  el_set(editor_, EL_SIGNAL, 1);
}

SqlPrompt::~SqlPrompt() {
  HistEvent event;
  history(history_, &event, H_SAVE, history_file_.c_str());
  history_end(history_);
  el_end(editor_);
  current_ = nullptr;
}

std::optional<std::string> SqlPrompt::Next() {
  std::string statement;
  while (true) {
    continuing_ = !statement.empty();
    int length = 0;
    const char* line = el_gets(editor_, &length);
    if (line == nullptr || length <= 0) return std::nullopt;
    statement += line;
    const size_t end = statement.find_last_not_of(" \t\r\n");
    if (end == std::string::npos) {
      statement.clear();
      continue;
    }
    if (statement[end] == ';' || statement[0] == '\\') {
      HistEvent event;
      history(history_, &event, H_ENTER, statement.c_str());
      return statement.substr(0, statement[end] == ';' ? end : end + 1);
    }
  }
}

char* SqlPrompt::Text(EditLine*) {
  static char fresh[] = "weir> ", more[] = "  ... ";
  return current_->continuing_ ? more : fresh;
}

std::vector<std::string> SqlPrompt::Matches(const std::string& prefix, bool is_path) const {
  std::vector<std::string> matches;
  if (is_path) matches = PathsFrom(prefix);
  for (const std::string& name : names_) {
    if (name.size() > prefix.size() &&
        strncasecmp(name.c_str(), prefix.c_str(), prefix.size()) == 0)
      matches.push_back(name);
  }
  return matches;
}

unsigned char SqlPrompt::Complete(EditLine* editor, int) {
  const LineInfo* line = el_line(editor);
  bool is_path = false;
  const std::string prefix(WordBegin(line->buffer, line->cursor, is_path), line->cursor);
  const std::vector<std::string> matches = current_->Matches(prefix, is_path);
  if (matches.empty()) return CC_ERROR;
  std::string common = matches[0];
  for (const std::string& match : matches) {
    size_t same = 0;
    while (same < std::min(common.size(), match.size()) &&
           std::tolower(common[same]) == std::tolower(match[same]))
      ++same;
    common.resize(same);
  }
  if (common.size() > prefix.size()) {
    el_deletestr(editor, static_cast<int>(prefix.size()));
    el_insertstr(editor, common.c_str());
    return CC_REFRESH;
  }
  std::cout << "\n";
  for (const std::string& match : matches) std::cout << match << "  ";
  std::cout << "\n" << std::flush;
  return CC_REDISPLAY;
}

}  // namespace weir::cli
