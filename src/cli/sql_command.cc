// SPDX-License-Identifier: Apache-2.0
//
// sql: queries over sources, stored views and Weir's own artifacts.

#include <cstring>
#include <filesystem>
#include <iostream>
#include <set>

#include <arrow/api.h>
#include <histedit.h>
#include <unistd.h>

#include "weir/artifacts/artifact_tables.h"
#include "weir/base/filesystem.h"
#include "weir/base/json_text.h"
#include "weir/base/nearest.h"
#include "weir/bundle/plan_failure.h"
#include "weir/bundle/statement.h"
#include "weir/bundle/written_sql.h"
#include "weir/cli/command.h"
#include "weir/cli/interrupt.h"
#include "weir/cli/query_session.h"
#include "weir/project/weir_toml.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

/// A stream's failure in the engine's structured form, if it has one.
Status StreamFailure(const arrow::Status& status) { return engine::FromStreamFailure(status); }

Status PrintJson(arrow::RecordBatchReader& reader) {
  bool first = true;
  while (true) {
    auto batch = reader.Next();
    // What was printed before a failure does not end as JSON ends: nobody takes it for all rows.
    if (!batch.ok()) return StreamFailure(batch.status());
    if (!*batch) break;
    for (const Json& row : RowsToJson(**batch)) {
      std::cout << (first ? "[\n" : ",\n") << JsonText(row);
      first = false;
    }
  }
  std::cout << (first ? "[]\n" : "\n]\n");
  return Status::OK();
}

Status PrintTable(arrow::RecordBatchReader& reader) {
  auto table = reader.ToTable();
  if (!table.ok()) return StreamFailure(table.status());
  std::cout << RenderTable(**table);
  std::cerr << fmt::format("({} row{})\n", (*table)->num_rows(),
                           (*table)->num_rows() == 1 ? "" : "s");
  return Status::OK();
}

Status RunStatement(QuerySession& session, const std::string& sql, const SqlRequest& request,
                    Format format) {
  if (!request.to.empty()) {
    WEIR_ASSIGN_OR_RETURN(const std::string written,
                          session.Write(sql, request.dialect, request.to));
    std::cout << (format == Format::kJson
                      ? JsonText(Json{{"dialect", request.to}, {"sql", written}}, 2)
                      : written + ";")
              << "\n";
    return Status::OK();
  }
  const InterruptScope interrupt;
  auto opened = request.own
                    ? session.Execute(sql, request.dialect, interrupt.cancellation())
                    : session.ExecuteAllowed(sql, request.dialect, interrupt.cancellation());
  if (!opened.ok()) return session.ExplainRunning(opened.status());
  const Status printed = format == Format::kJson ? PrintJson(**opened) : PrintTable(**opened);
  return printed.ok() ? printed : session.ExplainRunning(printed);
}

/// The prompt, on a terminal with editing, history and completion of table names and commands.
class Prompt {
 public:
  Prompt(QuerySession& session, const std::string& history_file) : history_file_(history_file) {
    names_ = session.TableNames();
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
    el_set(editor_, EL_PROMPT, &Prompt::Text);
    el_set(editor_, EL_EDITOR, "emacs");
    el_set(editor_, EL_HIST, ::history, history_);
    el_set(editor_, EL_ADDFN, "complete", "complete a name", &Prompt::Complete);
    el_set(editor_, EL_BIND, "^I", "complete", nullptr);
    el_set(editor_, EL_SIGNAL, 1);
  }
  Prompt(const Prompt&) = delete;
  Prompt& operator=(const Prompt&) = delete;
  ~Prompt() {
    HistEvent event;
    history(history_, &event, H_SAVE, history_file_.c_str());
    history_end(history_);
    el_end(editor_);
    current_ = nullptr;
  }

  /// The next statement, read up to a `;` or a line that begins with `\`; nullopt at the end of
  /// input.
  std::optional<std::string> Next() {
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

 private:
  static char* Text(EditLine*) {
    static char fresh[] = "weir> ", more[] = "  ... ";
    return current_->continuing_ ? more : fresh;
  }

  static unsigned char Complete(EditLine* editor, int) {
    const LineInfo* line = el_line(editor);
    const char* start = line->cursor;
    while (start > line->buffer && std::strchr(" \t\n(,", start[-1]) == nullptr) --start;
    const std::string prefix(start, line->cursor);
    std::vector<std::string> matches;
    for (const std::string& name : current_->names_) {
      if (name.size() > prefix.size() &&
          strncasecmp(name.c_str(), prefix.c_str(), prefix.size()) == 0)
        matches.push_back(name);
    }
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

  static inline Prompt* current_ = nullptr;  // libedit's callbacks carry no context
  EditLine* editor_ = nullptr;
  History* history_ = nullptr;
  std::string history_file_;
  std::vector<std::string> names_;
  bool continuing_ = false;
};

std::string HistoryFile() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  const std::filesystem::path folder =
      state != nullptr ? state
                       : std::filesystem::path(home != nullptr ? home : "/tmp") / ".local/state";
  std::error_code error;
  std::filesystem::create_directories(folder / "weir", error);
  return (folder / "weir" / "sql_history").string();
}

/// Statements from a pipe: all of stdin, split at `;` at the ends of lines.
std::vector<std::string> PipedStatements() {
  std::vector<std::string> statements;
  std::string line, statement;
  while (std::getline(std::cin, line)) {
    statement += line + "\n";
    const size_t end = statement.find_last_not_of(" \t\r\n");
    if (end != std::string::npos && statement[end] == ';') {
      statements.push_back(statement.substr(0, end));
      statement.clear();
    }
  }
  if (statement.find_first_not_of(" \t\r\n") != std::string::npos) statements.push_back(statement);
  return statements;
}

int Interact(QuerySession& session, const SqlRequest& request, Format format) {
  if (isatty(STDIN_FILENO) == 0) {
    for (const std::string& sql : PipedStatements()) {
      const Status status = RunStatement(session, sql, request, format);
      if (!status.ok()) return Fail(status);
    }
    return kDone;
  }
  std::cout << "weir sql: end a query with `;`, \\tables lists tables, \\quit leaves\n";
  Prompt prompt(session, HistoryFile());
  while (const auto statement = prompt.Next()) {
    if (statement->starts_with("\\q")) break;
    if (statement->starts_with("\\t")) {
      for (const std::string& name : session.TableNames()) std::cout << name << "\n";
      continue;
    }
    if (statement->starts_with("\\")) {
      std::cout << "\\tables  list sources, views and artifacts\n\\quit    leave\n";
      continue;
    }
    const Status status = RunStatement(session, *statement, request, format);
    if (!status.ok()) (void)Fail(status);
  }
  return kDone;
}

}  // namespace

int RunSql(const GlobalOptions& options, SqlRequest request) {
  for (const auto& [name, find] : {std::pair{&request.dialect, &FindReadDialect},
                                   std::pair{&request.to, &FindWrittenDialect}}) {
    if (name->empty()) continue;
    auto found = find(*name);
    if (!found.ok()) return FailNamed(found.status());
    *name = *std::move(found);
  }
  auto session = QuerySession::Open(options);
  if (!session.ok()) return FailNamed(session.status());
  if (!session->broken_settings().all().empty()) return Report(session->broken_settings());
  if (request.dialect.empty()) request.dialect = session->project().dialect;
  if (!request.sql) return Interact(*session, request, options.format);
  const Status status = RunStatement(*session, *request.sql, request, options.format);
  return status.ok() ? kDone : Fail(status);
}

}  // namespace weir::cli
