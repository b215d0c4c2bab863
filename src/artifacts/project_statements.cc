// SPDX-License-Identifier: Apache-2.0

#include "weir/artifacts/project_statements.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <initializer_list>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "weir/artifacts/artifact_tables.h"
#include "weir/base/ascii_text.h"
#include "weir/base/fingerprint.h"
#include "weir/base/json_text.h"
#include "weir/base/parallel.h"
#include "weir/base/sql_quotes.h"
#include "weir/project/dialect.h"
#include "weir/project/sql_lexer.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

/// Begins the object that says which statements are recorded.
constexpr std::string_view kCount = "count ";

/// `name` as it must be written to be read as it is.
std::string Name(const std::string& name, const SqlDialect& dialect) {
  const std::vector<Token> tokens = Lex(name, dialect).tokens;
  const bool is_word = tokens.size() == 2 && tokens[0].kind == TokenKind::kWord &&
                       tokens[0].text == name && AsciiLowerCase(name) == name;
  return is_word ? name : QuoteIdentifier(name, dialect);
}

std::string Names(const std::vector<std::string>& names, const SqlDialect& dialect) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + Name(name, dialect);
  return "(" + list + ")";
}

const SqlDialect& DialectNamed(const std::string& name) {
  const SqlDialect* dialect = FindDialect(name);
  return dialect == nullptr ? GenericDialect() : *dialect;
}

/// What Weir's own DDL says of a view, before AS.
std::string DefinitionText(const ViewDefinition& view) {
  const SqlDialect& dialect = DialectNamed(view.dialect);
  const bool stored = view.kind == ViewDefinition::Kind::kStored;
  std::string text =
      fmt::format("CREATE {}VIEW {}", stored ? "MATERIALIZED " : "", Name(view.name, dialect));
  std::string columns;
  for (const std::string& column : view.column_names) {
    columns += (columns.empty() ? "" : ", ") + Name(column, dialect);
    const auto comment = view.column_comments.find(column);
    if (comment != view.column_comments.end())
      columns += " COMMENT " + QuotedSqlText(comment->second);
  }
  if (!columns.empty()) text += " (" + columns + ")";
  if (!view.partition_columns.empty())
    text += " PARTITIONED BY " + Names(view.partition_columns, dialect);
  if (!view.cluster_columns.empty()) text += " CLUSTER BY " + Names(view.cluster_columns, dialect);
  if (!view.comment.empty()) text += " COMMENT " + QuotedSqlText(view.comment);
  std::string properties;
  for (const auto& [key, value] : view.properties)
    properties += fmt::format("{}{} = {}", properties.empty() ? "" : ", ", QuotedSqlText(key),
                              QuotedSqlText(value));
  if (!properties.empty()) text += " TBLPROPERTIES (" + properties + ")";
  return text + " AS ";
}

Json DefinitionTree(const ViewDefinition& view) {
  return {{"name", view.name},
          {"materialized", view.kind == ViewDefinition::Kind::kStored},
          {"columns", view.column_names},
          {"column_comments", view.column_comments},
          {"partitioned_by", view.partition_columns},
          {"clustered_by", view.cluster_columns},
          {"comment", view.comment},
          {"properties", view.properties}};
}

std::string WithoutBlanks(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

bool IsPlainQuery(const ViewDefinition& view) {
  if (view.query != nullptr) return false;
  const std::vector<Token> tokens = Lex(view.definition_sql, DialectNamed(view.dialect)).tokens;
  return !tokens.front().IsKeyword("CREATE");
}

/// A query of C++ steps has no syntax tree; its lines stand for one.
Result<ParsedStatement> ParseQuery(const engine::Session& session, const ProjectDefinition& project,
                                   const ViewDefinition& view) {
  if (view.query == nullptr)
    return ParseStatement(session, view.query_sql, ReadingOf(project, view.dialect));
  ParsedStatement parsed;
  parsed.node = "Steps";
  parsed.kinds = {StatementKind::kQuery};
  parsed.normalized_sql = view.definition_sql;
  parsed.tree = JsonText(Json{{"Steps", view.definition_sql}});
  parsed.tree_fingerprint = FingerprintBuilder().Add("steps", view.query->Identity()).Finish();
  return parsed;
}

}  // namespace

Result<ProjectStatement> ReadStatement(const engine::Session& session,
                                       const ProjectDefinition& project,
                                       const ViewDefinition& view) {
  WEIR_ASSIGN_OR_RETURN(ParsedStatement query, ParseQuery(session, project, view));
  ProjectStatement statement{.kind = "view",
                             .name = view.name,
                             .file = view.file,
                             .dialect = view.dialect,
                             .sql = view.definition_sql,
                             .normalized_sql = std::move(query.normalized_sql),
                             .tree = std::move(query.tree),
                             .tree_fingerprint = query.tree_fingerprint};
  if (IsPlainQuery(view)) return statement;
  const std::string definition = JsonText(DefinitionTree(view));
  // Both are JSON texts: no need to parse the larger one again.
  statement.tree =
      fmt::format(R"({{"CreateView":{{"definition":{},"query":{}}}}})", definition, statement.tree);
  statement.normalized_sql = DefinitionText(view) + statement.normalized_sql;
  FingerprintBuilder builder;
  builder.Add("definition", definition).Add("query", query.tree_fingerprint.ToString());
  statement.tree_fingerprint = builder.Finish();
  return statement;
}

Result<ProjectStatement> ReadStatement(const engine::Session& session,
                                       const ProjectDefinition& project,
                                       const TestDefinition& test) {
  WEIR_ASSIGN_OR_RETURN(ParsedStatement query,
                        ParseStatement(session, test.query_sql, ReadingOf(project, test.dialect)));
  return ProjectStatement{.kind = "test",
                          .name = test.name,
                          .file = test.file,
                          .dialect = test.dialect,
                          .sql = WithoutBlanks(test.query_sql),
                          .normalized_sql = std::move(query.normalized_sql),
                          .tree = std::move(query.tree),
                          .tree_fingerprint = query.tree_fingerprint};
}

Result<ProjectStatement> ReadStatement(const engine::Session& session,
                                       const ProjectDefinition& project,
                                       const UserFunctionDefinition& function) {
  const SqlDialect& dialect = DialectNamed(function.dialect);
  const TreeReading reading = ReadingOf(project, function.dialect);
  // Expressions are read as what a query selects.
  const auto read = [&](const std::string& text) {
    return ParseStatement(session, "SELECT " + text, reading);
  };
  WEIR_ASSIGN_OR_RETURN(const ParsedStatement body, read(function.body_text));
  const auto expression = [](const ParsedStatement& statement) {
    return statement.normalized_sql.substr(std::string_view("SELECT ").size());
  };
  std::string parameters;
  Json parameter_trees = Json::array();
  FingerprintBuilder builder;
  builder.Add("name", function.name);
  for (const ParameterDefinition& parameter : function.parameters) {
    parameters += fmt::format("{}{} {}", parameters.empty() ? "" : ", ",
                              Name(parameter.name, dialect), parameter.sql_type);
    Json tree = {{"name", parameter.name}, {"type", parameter.sql_type}};
    builder.Add("parameter", parameter.name).Add("type", parameter.sql_type);
    if (!parameter.default_sql.empty()) {
      WEIR_ASSIGN_OR_RETURN(const ParsedStatement value, read(parameter.default_text));
      parameters += " DEFAULT " + expression(value);
      tree["default"] = expression(value);
      builder.Add("default", value.tree_fingerprint.ToString());
    }
    parameter_trees.push_back(std::move(tree));
  }
  builder.Add("returns", function.return_type).Add("body", body.tree_fingerprint.ToString());
  const Json definition = {
      {"name", function.name}, {"parameters", parameter_trees}, {"returns", function.return_type}};
  return ProjectStatement{
      .kind = "function",
      .name = function.name,
      .file = function.location.file,
      .dialect = function.dialect,
      .sql = function.definition_sql,
      .normalized_sql =
          fmt::format("CREATE FUNCTION {}({}) RETURNS {} RETURN {}", Name(function.name, dialect),
                      parameters, function.return_type, expression(body)),
      .tree = fmt::format(R"({{"CreateFunction":{{"definition":{},"body":{}}}}})",
                          JsonText(definition), body.tree),
      .tree_fingerprint = builder.Finish()};
}

ProjectStatement ReadStatement(const SourceDefinition& source) {
  const SqlDialect& dialect = DialectNamed(source.dialect);
  std::string columns, options;
  Json column_trees = Json::array(), option_trees = Json::object();
  for (const ColumnDefinition& column : source.columns) {
    columns += fmt::format("{}{} {}{}", columns.empty() ? "" : ", ", Name(column.name, dialect),
                           column.sql_type, column.nullable ? "" : " NOT NULL");
    column_trees.push_back(
        {{"name", column.name}, {"type", column.sql_type}, {"nullable", column.nullable}});
  }
  for (const auto& [key, value] : source.options) {
    const std::string shown = Redacted(key, value);
    options += fmt::format("{}{} {}", options.empty() ? "" : ", ", QuotedSqlText(key),
                           QuotedSqlText(shown));
    option_trees[key] = shown;
  }
  const std::string format = source.format == SourceFormat::kDelta
                                 ? "DELTATABLE"
                                 : AsciiUpperCase(ToString(source.format));
  if (source.version) {
    option_trees["version"] = *source.version;
    options += fmt::format("{}'version' '{}'", options.empty() ? "" : ", ", *source.version);
  }
  const auto add_option = [&](const char* key, const std::string& value) {
    option_trees[key] = value;
    options += fmt::format("{}'{}' {}", options.empty() ? "" : ", ", key, QuotedSqlText(value));
  };
  if (source.timestamp) add_option("timestamp", *source.timestamp);
  if (source.change_feed) {
    add_option("change_feed", "true");
    add_option("first_version", fmt::format("{}", source.first_version));
  }
  if (!source.file_column.empty()) add_option("file_column", source.file_column);
  if (!source.row_column.empty()) add_option("row_number_column", source.row_column);
  if (!source.pushes_filters) add_option("pushdown_filters", "false");
  if (source.schema_drift != SchemaDrift::kWarn)
    add_option("schema_drift", source.schema_drift == SchemaDrift::kError ? "error" : "ignore");
  std::string text = fmt::format("CREATE {}EXTERNAL TABLE {}", source.unbounded ? "UNBOUNDED " : "",
                                 Name(source.name, dialect));
  if (!columns.empty()) text += " (" + columns + ")";
  text += " STORED AS " + format + " LOCATION " + QuotedSqlText(source.location_as_written);
  if (!source.partition_columns.empty())
    text += " PARTITIONED BY " + Names(source.partition_columns, dialect);
  if (!options.empty()) text += " OPTIONS (" + options + ")";
  const Json tree = {{"CreateExternalTable",
                      {{"name", source.name},
                       {"format", format},
                       {"location", source.location_as_written},
                       {"columns", column_trees},
                       {"partitioned_by", source.partition_columns},
                       {"unbounded", source.unbounded},
                       {"options", option_trees}}}};
  FingerprintBuilder builder;
  builder.Add("definition", JsonText(tree));
  return ProjectStatement{.kind = "source",
                          .name = source.name,
                          .file = source.location.file,
                          .dialect = source.dialect,
                          .sql = {},
                          .normalized_sql = std::move(text),
                          .tree = JsonText(tree),
                          .tree_fingerprint = builder.Finish()};
}

namespace {

/// One line a statement: its key and a hash of all that its row is made from.
std::string KnownLine(std::string_view kind, const std::string& name,
                      std::initializer_list<std::string_view> parts) {
  FingerprintBuilder builder;
  for (const std::string_view part : parts) builder.Add("part", part);
  // A name may hold anything; its hash takes one line.
  return fmt::format("{} {} {}\n", kind, Blake2bHex128(name), builder.Finish().ToString());
}

}  // namespace

KnownStatements KnownStatements::FollowedBy(std::string changed_lines) const {
  const std::string change =
      FingerprintBuilder().Add("before", lines).Add("after", changed_lines).Finish().ToString();
  return {.count = count + 1,
          .transaction = "weir.statements." + change,
          .lines = std::move(changed_lines)};
}

std::string KnownStatements::ToText() const {
  return fmt::format("{}{} {}\n{}", kCount, count, transaction, lines);
}

std::string KnownStatementsUrl(const std::string& warehouse_url) {
  return ArtifactTableUrl(warehouse_url, "statements") + "_known/last";
}

KnownStatements ReadKnownStatements(const engine::Session& session,
                                    const std::string& warehouse_url, bool may_lie,
                                    int64_t now_us) {
  const auto object = session.GetObject(KnownStatementsUrl(warehouse_url));
  KnownStatements known;
  if (object.ok() && object->starts_with(kCount)) {
    const size_t end = std::min(object->find('\n'), object->size());
    const char* const begin = object->data() + kCount.size();
    const auto parsed = std::from_chars(begin, object->data() + end, known.count);
    known.transaction = TrimAscii(std::string_view(parsed.ptr, object->data() + end));
    known.lines = object->substr(std::min(end + 1, object->size()));
  }
  if (!may_lie) return known;
  const auto table =
      engine::DeltaSnapshot::Open(session, ArtifactTableUrl(warehouse_url, "statements"));
  const auto recorded = table.ok() && !known.transaction.empty()
                            ? table->transaction_version(known.transaction)
                            : Result<int64_t>(int64_t{-1});
  if (recorded.ok() && *recorded >= known.count && known.count > 0) return known;
  // The only change that there may be is the first.
  const bool is_first = !table.ok() || table->version() == 0;
  return {.count = is_first ? 0 : now_us, .transaction = {}, .lines = {}};
}

ChangedStatements ReadChangedStatements(const engine::Session& session,
                                        const ProjectDefinition& project, const std::string& known,
                                        int threads) {
  struct Candidate {
    std::string line;
    std::function<Result<ProjectStatement>()> read;
  };
  std::vector<Candidate> candidates;
  for (const ViewDefinition& view : project.views) {
    candidates.push_back(
        {KnownLine("view", view.name,
                   {view.file, view.dialect, view.definition_sql,
                    view.query == nullptr ? std::string() : view.query->Identity()}),
         [&] { return ReadStatement(session, project, view); }});
  }
  for (const TestDefinition& test : project.tests) {
    candidates.push_back({KnownLine("test", test.name, {test.file, test.dialect, test.query_sql}),
                          [&] { return ReadStatement(session, project, test); }});
  }
  for (const UserFunctionDefinition& function : project.functions) {
    candidates.push_back(
        {KnownLine("function", function.name,
                   {function.location.file, function.dialect, function.definition_sql}),
         [&] { return ReadStatement(session, project, function); }});
  }
  for (const SourceDefinition& source : project.sources) {
    candidates.push_back(
        {KnownLine("source", source.name, {source.location.file, source.dialect, source.ddl}),
         [&] { return Result<ProjectStatement>(ReadStatement(source)); }});
  }
  ChangedStatements changed;
  for (const Candidate& candidate : candidates) changed.known += candidate.line;
  if (changed.known == known) return changed;

  std::set<std::string_view> lines;
  for (size_t begin = 0; begin < known.size();) {
    const size_t end = std::min(known.find('\n', begin), known.size() - 1) + 1;
    lines.insert(std::string_view(known).substr(begin, end - begin));
    begin = end;
  }
  std::erase_if(candidates, [&](const Candidate& c) { return lines.contains(c.line); });
  std::vector<std::optional<ProjectStatement>> read(candidates.size());
  ForEachInParallel(candidates.size(), threads, [&](size_t i) {
    auto statement = candidates[i].read();
    if (statement.ok()) read[i] = *std::move(statement);
  });
  for (std::optional<ProjectStatement>& statement : read) {
    if (statement) changed.statements.push_back(*std::move(statement));
  }
  return changed;
}

}  // namespace weir
