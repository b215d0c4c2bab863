// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/plan_failure.h"

#include <algorithm>
#include <optional>

#include "weir/base/nearest.h"
#include "weir/base/text_between.h"
#include "weir/bundle/expression_place.h"
#include "weir/bundle/failure_place.h"
#include "weir/catalog/path_table.h"
#include "weir/functions/call_failure.h"
#include "weir/project/token_cursor.h"

namespace weir {

namespace {

/// The column that an expression gives: of "t.a AS x" `x`, of "t.a" `a`.
std::string ColumnOf(const std::string& expression) {
  static constexpr std::string_view kAs = " AS ";
  const size_t as = expression.rfind(kAs);
  std::string name = as == std::string::npos ? expression : expression.substr(as + kAs.size());
  // A dot in an expression of more than a column is no end of a table's name.
  const bool is_column = name.find_first_of(" ()+-*/") == std::string::npos;
  const size_t dot = name.rfind('.');
  return as == std::string::npos && is_column && dot != std::string::npos ? name.substr(dot + 1)
                                                                          : name;
}

/// Of: Schema contains qualified field name items.id and unqualified field name id which would be
/// ambiguous. And of: … the expression "items.id" at position 0 and "items.id" at position 1 have
/// the same name …
Status ExplainSameNames(const Status& status) {
  std::string name = ColumnOf(TextBetween(status.message(), "the expression \"", "\""));
  if (name.empty()) name = TextBetween(status.message(), "unqualified field name ", " which");
  const Status found = name.empty()
                           ? status
                           : Status::User(StatusCode::kAlreadyExists,
                                          "two columns of the result have the name `{}`", name);
  return found.WithCause(status.message()).WithHint("rename one with AS");
}

/// Of: … Function 'sum' failed to match any signature, errors: … but received String (DataType:
/// Utf8) …
Status ExplainArguments(const Status& status) {
  const std::string& message = status.message();
  const std::string function = TextBetween(message, "Function '", "'");
  const std::string type = TextBetween(message, "(DataType: ", ")");
  if (function.empty()) return status;
  return Status::User(StatusCode::kPlanFailed, "the function `{}` does not take these arguments{}",
                      function,
                      type.empty() ? "" : fmt::format(", found one of the type `{}`", type))
      .WithLocation(status.location())
      .WithCause(message)
      .WithHint("convert the argument with CAST(… AS …)");
}

/// The first place of `text` in the query; the view's own place where it does not stand there.
SourceLocation PlaceOf(const std::string& text, const ViewDefinition& view) {
  const size_t at = view.query_sql.find(text);  // which has its lines where the file has them
  if (text.empty() || at == std::string::npos) return view.location;
  const auto offset = static_cast<ptrdiff_t>(at);
  const size_t line_begin = view.query_sql.rfind('\n', at) + 1;  // 0 after npos
  SourceLocation place = view.location;
  place.line = 1 + static_cast<int>(
                       std::count(view.query_sql.begin(), view.query_sql.begin() + offset, '\n'));
  place.column = 1 + static_cast<int>(at - line_begin);
  return place;
}

/// What can be planned but not be written as bytes, hence neither kept nor repeated. Of: Proto
/// serialization error: outer_ref(e.tags) is not yet supported. And of: LogicalPlan::Limit only
/// supports literal fetch values.
std::optional<Status> ExplainUnwritable(const Status& status, const ViewDefinition& view) {
  const std::string& message = status.message();
  if (const std::string column = TextBetween(message, "outer_ref(", ")"); !column.empty()) {
    const std::string bare = column.substr(column.rfind('.') + 1);
    const bool is_qualified = view.query_sql.find(column) != std::string::npos;
    return Status::User(
               StatusCode::kUnsupported,
               "a subquery or a LATERAL item refers to the column `{}` of the query around "
               "it in a way that the optimiser cannot turn into a join",
               column)
        .WithLocation(PlaceOf(is_qualified ? column : bare, view))
        .WithCause(message)
        .WithHint("to unnest a list, write unnest(column) in the SELECT list; else write a join");
  }
  if (message.find("LogicalPlan::Limit only supports literal") != std::string::npos) {
    return Status::User(StatusCode::kUnsupported,
                        "LIMIT and OFFSET take a number, found an expression that is none")
        .WithLocation(view.location)
        .WithCause(message)
        .WithHint("number the rows with row_number() OVER (ORDER BY …) and filter by that");
  }
  const std::string what =
      TextBetween(message, "Proto serialization error: ", " is not yet supported");
  if (what.empty()) return std::nullopt;
  return Status::User(StatusCode::kUnsupported, "a view's plan may not hold `{}`", what)
      .WithLocation(view.location)
      .WithCause(message);
}

/// What a message of the engine quotes, and its last word: where one of them stands in the query,
/// the failure is there.
std::vector<std::string> QuotedIn(const std::string& message) {
  std::vector<std::string> texts;
  for (const char quote : {'\'', '"', '`'}) {
    for (size_t begin = message.find(quote); begin != std::string::npos;) {
      const size_t end = message.find(quote, begin + 1);
      if (end == std::string::npos) break;
      texts.push_back(message.substr(begin + 1, end - begin - 1));
      begin = message.find(quote, end + 1);
    }
  }
  texts.push_back(message.substr(message.find_last_of(' ') + 1));
  return texts;
}

/// The failure with its place, if the engine names none and the message says what it is about.
Status Located(const Status& status, const ViewDefinition& view) {
  if (status.location().line > 0) return status;
  const auto place = PlaceOfText(QuotedIn(status.message()), view);
  return place ? status.WithLocation(*place) : status;
}

/// Failures of steps in C++ say already what was wanted, what was found, and where.
Diagnostic ExplainStepFailure(const Status& status, const ViewDefinition& view,
                              const KnownTables& tables) {
  const std::string& message = status.message();
  if (const std::string table = MissingTable(message); !table.empty())
    return DiagnosticOf("W2001", status.WithHint(tables.HintFor(table)), view);
  if (message.find("there is no column named") != std::string::npos)
    return DiagnosticOf("W2002", status, view);
  if (status.code() == StatusCode::kNotFound) return DiagnosticOf("W2003", status, view);
  if (const auto unwritable = ExplainUnwritable(status, view))
    return DiagnosticOf("W2006", *unwritable, view);
  if (message.find("unique expression names") != std::string::npos ||
      message.find("Schema contains ") != std::string::npos)
    return DiagnosticOf("W2007", ExplainSameNames(status).WithLocation(status.location()), view);
  return DiagnosticOf(status.code() == StatusCode::kUnsupported ? "W2006" : "W2005", status, view);
}

}  // namespace

Diagnostic DiagnosticOf(std::string_view code, const Status& status, const ViewDefinition& view) {
  Diagnostic diagnostic = ToDiagnostic(code, status);
  diagnostic.view_name = view.name;
  // The steps of a view in C++ may stand in several files.
  if (view.query == nullptr) diagnostic.location.file = view.file;
  if (diagnostic.location.line == 0) diagnostic.location = view.location;
  return diagnostic;
}

std::string MissingTable(const std::string& message) {
  if (std::string name = TextBetween(message, "there is no source or view named `", "`");
      !name.empty())
    return name;
  static constexpr std::string_view kStart = "table '", kEnd = "' not found";
  const size_t start = message.find(kStart);
  const size_t end = message.find(kEnd);
  if (start == std::string::npos || end == std::string::npos || end < start) return {};
  std::string name = message.substr(start + kStart.size(), end - start - kStart.size());
  for (const std::string_view prefix : {"datafusion.", "public."}) {
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
  }
  return name;
}

KnownTables::KnownTables(const ProjectDefinition& project, const SessionRuntime& session,
                         const Diagnostics& diagnostics, const std::vector<std::string>& more_names)
    : names(session.catalog().names()),
      broken(session.catalog().failed()),
      functions(session.functions()),
      broken_functions(session.broken_functions()) {
  for (const ViewDefinition& view : project.views) names.push_back(view.name);
  names.insert(names.end(), more_names.begin(), more_names.end());
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    if (diagnostic.severity != Severity::kError) continue;
    const std::string& file = diagnostic.location.file;
    if (!diagnostic.view_name.empty()) broken.insert(diagnostic.view_name);
    if (file.starts_with("views/")) broken.insert(NameOfFile(file));
    if (file.starts_with("sources/") && diagnostic.code.starts_with("W1")) {
      broken.insert(NameOfFile(file));
      broken_source_files.insert(file);
    }
  }
}

std::string KnownTables::HintFor(const std::string& table) const {
  if (std::find(names.begin(), names.end(), table) != names.end())
    return "views cannot read a table whose name holds a dot: rename it";
  if (LooksLikePath(table)) {
    return fmt::format(
        "views read sources and views, whose data is recorded: declare the path in "
        "sources/ with CREATE EXTERNAL TABLE … LOCATION '{}'",
        table);
  }
  std::string hint = SuggestionHint(table, names);
  if (!hint.empty()) return hint;
  if (broken_source_files.empty()) return "define it in sources/ or views/";
  std::string files;
  for (const std::string& file : broken_source_files)
    files += fmt::format("{}`{}`", files.empty() ? "" : ", ", file);
  return fmt::format("if it is defined in {}: mend the errors there first", files);
}

Diagnostic ExplainConstantProblem(const engine::ConstantProblem& problem,
                                  const ViewDefinition& view) {
  Status status = Status::User(StatusCode::kInvalidArgument, "{}", problem.message);
  if (!problem.hint.empty()) status = status.WithHint(problem.hint);
  auto place = PlaceOfText(problem.texts, view);
  if (!place) place = PlaceOfValueFailure(problem.message, view);
  return DiagnosticOf("W2012", place ? status.WithLocation(*place) : status, view);
}

/// Says what the engine says in the words of the project, with its permanent code.
Diagnostic ExplainPlanFailure(const Status& status, const ViewDefinition& view,
                              const KnownTables& tables) {
  if (view.query != nullptr) return ExplainStepFailure(status, view, tables);
  const std::string& message = status.message();
  if (const std::string table = MissingTable(message); !table.empty()) {
    Status found =
        Status::User(StatusCode::kNotFound, "there is no source or view named `{}`", table)
            .WithLocation(status.location())
            .WithCause(status.cause());
    return DiagnosticOf("W2001", found.WithHint(tables.HintFor(table)), view);
  }
  if (auto call = ExplainCallFailure(status, view.query_sql, tables.functions)) {
    // The query has its lines where the file has them.
    SourceLocation place = call->location();
    place.file = view.file;
    return DiagnosticOf("W2005", place.line == 0 ? *call : call->WithLocation(place), view);
  }
  if (const auto unwritable = ExplainUnwritable(status, view))
    return DiagnosticOf("W2006", *unwritable, view);
  if (message.find("unique expression names") != std::string::npos ||
      message.find("Schema contains ") != std::string::npos) {
    return DiagnosticOf("W2007", ExplainSameNames(status).WithLocation(status.location()), view);
  }
  if (message.find("failed to match any signature") != std::string::npos) {
    return DiagnosticOf("W2005", Located(ExplainArguments(status), view), view);
  }
  if (message.find("incompatible types") != std::string::npos && status.hint().empty()) {
    return DiagnosticOf("W2005", status.WithHint("cast one of them with CAST(… AS …)"), view);
  }
  if (const auto missing = ExplainMissingFunction(status))
    return DiagnosticOf("W2003", *missing, view);
  if (message.find("is ambiguous") != std::string::npos && status.hint().empty()) {
    return DiagnosticOf("W2005",
                        status.WithHint("write the name of its table before it, with a dot"), view);
  }
  if (status.cause().find("Schema error: No field named") != std::string::npos)
    return DiagnosticOf("W2002", status, view);
  if (message.find("RecursionLimitExceeded") != std::string::npos) {
    return DiagnosticOf(
        "W2004",
        Status::User(StatusCode::kPlanFailed, "the query is nested too deep to be read")
            .WithCause(message)
            .WithHint("`datafusion.sql_parser.recursion_limit` among the profile's settings is how "
                      "deep it may be"),
        view);
  }
  if (message.find("ParserError") != std::string::npos ||
      status.cause().find("SQL error") != std::string::npos) {
    return DiagnosticOf("W2004", status, view);
  }
  if (const std::string expression = ExpressionOf(status); !expression.empty()) {
    const auto place = FindExpression(expression, view);
    return DiagnosticOf("W2005", place ? status.WithLocation(*place) : status, view);
  }
  if (status.code() == StatusCode::kUnsupported) {
    const bool too_deep = message.find("found more levels") != std::string::npos;
    return DiagnosticOf(
        "W2006",
        too_deep ? status.WithHint("write a chain of OR as IN (…), and split a long UNION, FROM or "
                                   "WITH over several views")
                 : Located(status, view),
        view);
  }
  return DiagnosticOf("W2005", Located(status, view), view);
}

}  // namespace weir
