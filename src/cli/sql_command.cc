// SPDX-License-Identifier: Apache-2.0
//
// sql: queries over sources, stored views, Weir's own artifacts, and files by their path.

#include <filesystem>
#include <fstream>
#include <iostream>

#include <arrow/api.h>
#include <unistd.h>

#include "weir/base/json_text.h"
#include "weir/bundle/written_sql.h"
#include "weir/cli/command.h"
#include "weir/cli/interrupt.h"
#include "weir/cli/output_file.h"
#include "weir/cli/query_session.h"
#include "weir/cli/result_format.h"
#include "weir/cli/sql_prompt.h"
#include "weir/cli/terminal_table.h"
#include "weir/project/dialect.h"
#include "weir/project/sql_lexer.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

bool OnTerminal() { return isatty(STDOUT_FILENO) != 0; }

bool IsExplain(const std::string& sql, const std::string& dialect) {
  return Lex(sql, *FindDialect(dialect)).tokens.front().IsKeyword("EXPLAIN");
}

Result<std::shared_ptr<arrow::RecordBatchReader>> OpenRows(QuerySession& session,
                                                           const std::string& sql,
                                                           const SqlRequest& request,
                                                           const engine::Cancellation& cancel) {
  return request.own ? session.Execute(sql, request.dialect, cancel)
                     : session.ExecuteAllowed(sql, request.dialect, cancel);
}

/// Copies a finished file to stdout.
Status Pass(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (in.peek() != std::ifstream::traits_type::eof()) std::cout << in.rdbuf();
  std::cout.flush();
  return in.good() && std::cout.good()
             ? Status::OK()
             : Status::Environment(StatusCode::kIo, "the result cannot be written to the end");
}

/// Puts a file into its place, and says on stderr what it holds.
Status Finish(OutputFile& file, int64_t count, const std::string& name) {
  WEIR_RETURN_NOT_OK(file.Commit());
  Tell(fmt::format("({} row{} in {})", count, count == 1 ? "" : "s", name));
  return Status::OK();
}

Status WriteParquet(QuerySession& session, const std::string& sql, const SqlRequest& request,
                    const engine::Cancellation& cancel) {
  std::error_code ignored;
  const bool to_stdout = request.output.empty();
  const std::string path = to_stdout ? (std::filesystem::temp_directory_path(ignored) /
                                        fmt::format("weir-result-{}.parquet", ::getpid()))
                                           .string()
                                     : request.output;
  WEIR_ASSIGN_OR_RETURN(OutputFile file, OutputFile::At(path));
  WEIR_ASSIGN_OR_RETURN(const int64_t count,
                        session.WriteParquet(sql, request.dialect, file.draft(), cancel));
  return to_stdout ? Pass(file.draft()) : Finish(file, count, request.output);
}

Status WriteFile(arrow::RecordBatchReader& rows, const SqlRequest& request, OutputFile file) {
  WEIR_ASSIGN_OR_RETURN(std::ostream* const out, file.Open());
  WEIR_ASSIGN_OR_RETURN(const int64_t count, WriteRows(rows, request.format, *out));
  return Finish(file, count, request.output);
}

Status Print(arrow::RecordBatchReader& rows, const std::string& sql, const SqlRequest& request) {
  if (request.format == ResultFormat::kTable) {
    if (!request.own && IsExplain(sql, request.dialect)) return PrintPlans(rows);
    if (OnTerminal()) return PrintOnTerminal(rows);
  }
  WEIR_ASSIGN_OR_RETURN(const int64_t count, WriteRows(rows, request.format, std::cout));
  if (request.format == ResultFormat::kTable)
    Tell(fmt::format("({} row{})", count, count == 1 ? "" : "s"));
  return Status::OK();
}

Status PrintWritten(QuerySession& session, const std::string& sql, const SqlRequest& request) {
  WEIR_ASSIGN_OR_RETURN(const std::string written, session.Write(sql, request.dialect, request.to));
  std::cout << (request.format == ResultFormat::kJson
                    ? JsonText(Json{{"dialect", request.to}, {"sql", written}}, 2)
                    : written + ";")
            << "\n";
  return Status::OK();
}

Status RunStatement(QuerySession& session, const std::string& sql, const SqlRequest& request) {
  if (!request.to.empty()) return PrintWritten(session, sql, request);
  const InterruptScope interrupt;
  if (request.format == ResultFormat::kParquet) {
    return session.ExplainRunning(WriteParquet(session, sql, request, interrupt.cancellation()));
  }
  std::optional<OutputFile> file;
  if (!request.output.empty()) {
    WEIR_ASSIGN_OR_RETURN(OutputFile found, OutputFile::At(request.output));
    file.emplace(std::move(found));
  }
  auto rows = OpenRows(session, sql, request, interrupt.cancellation());
  if (!rows.ok()) return session.ExplainRunning(rows.status());
  return session.ExplainRunning(file ? WriteFile(**rows, request, *std::move(file))
                                     : Print(**rows, sql, request));
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

int WrongUse(const std::string& message, const std::string& hint) {
  TellError(Status::User(StatusCode::kInvalidArgument, "{}", message).WithHint(hint));
  return kWrongUse;
}

/// A file, and a stream of Parquet, hold one result.
bool HoldsOneResult(const SqlRequest& request) {
  return !request.output.empty() || request.format == ResultFormat::kParquet;
}

int RunPiped(QuerySession& session, const SqlRequest& request) {
  const std::vector<std::string> statements = PipedStatements();
  if (statements.size() != 1 && HoldsOneResult(request)) {
    return WrongUse(
        fmt::format("one statement is wanted for one result, found {}", statements.size()),
        "give each statement in a command of its own");
  }
  for (const std::string& sql : statements) {
    const Status status = RunStatement(session, sql, request);
    if (!status.ok()) return Fail(status);
  }
  return kDone;
}

int Interact(QuerySession& session, const SqlRequest& request) {
  std::cout << "weir sql: end a query with `;`, \\tables lists tables, \\quit leaves\n";
  if (!session.has_project()) std::cout << "files by path: SELECT * FROM 'data/*.parquet';\n";
  std::cout << std::flush;
  SqlPrompt prompt(session.TableNames());
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
    const Status status = RunStatement(session, *statement, request);
    if (!status.ok()) (void)Fail(status);
  }
  return kDone;
}

/// What the options ask for together cannot be had; kDone if it can.
int CheckRequest(const SqlRequest& request) {
  if (!request.to.empty() && !request.output.empty())
    return WrongUse("--to prints a statement, --output writes rows, found both", "leave one out");
  if (!request.sql && !request.output.empty() && isatty(STDIN_FILENO) != 0)
    return WrongUse("a statement is wanted for --output", "weir sql --output FILE \"SELECT …\"");
  if (request.format == ResultFormat::kParquet && request.output.empty() && OnTerminal()) {
    return WrongUse("a file is wanted for Parquet, found a terminal",
                    "name one with --output FILE, or redirect stdout");
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
  if (const int code = CheckRequest(request); code != kDone) return code;
  using Kind = ViewVersions::Kind;
  const bool is_newest = request.own || request.latest;
  auto session = QuerySession::Open(
      options, request.own ? QuerySession::Paths::kRefused : QuerySession::Paths::kRead,
      {.kind = is_newest                ? Kind::kNewest
               : request.run_id.empty() ? Kind::kPublished
                                        : Kind::kOfRun,
       .run_id = request.run_id});
  if (!session.ok()) return FailNamed(session.status());
  if (!session->broken_settings().all().empty()) return Report(session->broken_settings());
  if (request.dialect.empty()) request.dialect = session->project().dialect;
  if (!request.sql) {
    return isatty(STDIN_FILENO) == 0 ? RunPiped(*session, request) : Interact(*session, request);
  }
  const Status status = RunStatement(*session, *request.sql, request);
  return status.ok() ? kDone : Fail(status);
}

}  // namespace weir::cli
