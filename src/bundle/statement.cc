// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/statement.h"

#include <map>
#include <vector>

#include <nlohmann/json.hpp>

#include "weir/base/ascii_text.h"
#include "weir/base/json_text.h"

namespace weir {

namespace {

using Json = nlohmann::json;

/// The root nodes of statements, by what they do. The parser knows more of them, for the statements
/// of other products; the engine plans none of those.
StatementKind KindOfNode(const std::string& node) {
  static const std::map<std::string, StatementKind, std::less<>> kinds = {
      {"Query", StatementKind::kQuery},
      {"Explain", StatementKind::kQuery},
      {"ExplainTable", StatementKind::kQuery},
      {"ShowTables", StatementKind::kQuery},
      {"ShowColumns", StatementKind::kQuery},
      {"ShowVariable", StatementKind::kQuery},
      {"ShowVariables", StatementKind::kQuery},
      {"ShowFunctions", StatementKind::kQuery},
      {"ShowSchemas", StatementKind::kQuery},
      {"ShowDatabases", StatementKind::kQuery},
      {"ShowCatalogs", StatementKind::kQuery},
      {"ShowViews", StatementKind::kQuery},
      {"ShowCreate", StatementKind::kQuery},
      {"Set", StatementKind::kSet},
      {"Reset", StatementKind::kSet},
      {"Prepare", StatementKind::kSet},
      {"Execute", StatementKind::kSet},
      {"Deallocate", StatementKind::kSet},
      {"Use", StatementKind::kSet},
      {"StartTransaction", StatementKind::kSet},
      {"Commit", StatementKind::kSet},
      {"Rollback", StatementKind::kSet},
      {"Insert", StatementKind::kDml},
      {"Update", StatementKind::kDml},
      {"Delete", StatementKind::kDml},
      {"Merge", StatementKind::kDml},
      {"Truncate", StatementKind::kDml},
      {"Copy", StatementKind::kDml},
      {"CopyTo", StatementKind::kDml},
      {"CopyIntoSnowflake", StatementKind::kDml},
  };
  const auto found = kinds.find(node);
  // CREATE, ALTER, DROP, GRANT, ANALYZE and whatever else: they are about objects.
  return found == kinds.end() ? StatementKind::kDdl : found->second;
}

/// The name of a node and what is in it. The tree of a node without fields is its name.
std::pair<std::string, const Json*> NodeOf(const Json& tree) {
  if (tree.is_object() && tree.size() == 1) return {tree.begin().key(), &tree.begin().value()};
  return {tree.is_string() ? tree.get<std::string>() : std::string(), nullptr};
}

/// Whether a query writes: SELECT … INTO, or INSERT and the like in a WITH. Trees are as deep as
/// their chains of operators are long: they are walked without recursion.
bool Writes(const Json& tree) {
  std::vector<const Json*> open = {&tree};
  while (!open.empty()) {
    const Json& node = *open.back();
    open.pop_back();
    for (const auto& [key, value] : node.items()) {
      if (!value.is_structured()) continue;
      const bool is_write =
          key == "Insert" || key == "Update" || key == "Delete" || key == "Merge" || key == "into";
      if (node.is_object() && is_write && value.is_object()) return true;
      open.push_back(&value);
    }
  }
  return false;
}

void AddKinds(const Json& tree, std::set<StatementKind>& kinds) {
  const auto [node, fields] = NodeOf(tree);
  const StatementKind kind = KindOfNode(node);
  kinds.insert(kind);
  if (fields == nullptr) return;
  if ((node == "Explain" || node == "Prepare") && fields->contains("statement"))
    AddKinds(fields->at("statement"), kinds);
  if (kind == StatementKind::kQuery && Writes(*fields)) kinds.insert(StatementKind::kDml);
}

bool IsName(const Json& node) {
  return node.size() == 2 && node.contains("value") && node.contains("quote_style") &&
         node.at("value").is_string();
}

/// Brings a tree into the form that its fingerprint is made from.
class Canonical {
 public:
  explicit Canonical(bool names_keep_case) : names_keep_case_(names_keep_case) {}

  Json Of(Json tree) const {
    std::vector<Json*> open = {&tree};
    while (!open.empty()) {
      Json& node = *open.back();
      open.pop_back();
      if (node.is_object() && IsName(node)) {
        node = Name(node);
      } else if (node.is_object() && node.size() == 1) {
        Variant(node, open);
      } else if (node.is_structured()) {
        // Hints are comments; a table's alias is the same with AS and without.
        if (node.is_object()) node.erase("optimizer_hints");
        if (node.contains("explicit") && node["explicit"].is_boolean()) node.erase("explicit");
        for (Json& value : node) open.push_back(&value);
      }
    }
    return tree;
  }

 private:
  Json Name(const Json& node) const {
    const auto& value = node.at("value").get_ref<const std::string&>();
    return node.at("quote_style").is_null() && !names_keep_case_ ? AsciiLowerCase(value) : value;
  }

  /// Brings a node with one field into form, and adds to `open` what of it is not yet.
  static void Variant(Json& node, std::vector<Json*>& open) {
    const std::string& key = node.begin().key();
    Json& value = node.begin().value();
    if (key == "Nested" && value.is_object() && value.size() == 1) {
      // An expression in parentheses: the tree says the same without them.
      Json inner = std::move(value);
      node = std::move(inner);
      open.push_back(&node);
    } else if (key == "SingleQuotedString" || key == "DoubleQuotedString") {
      node = Json{{"String", value}};
    } else if (key == "DollarQuotedString" && value.is_object() && value.contains("value")) {
      node = Json{{"String", value.at("value")}};
    } else if (key == "Number" && value.is_array() && !value.empty() && value[0].is_string()) {
      value[0] = AsciiLowerCase(value[0].get_ref<const std::string&>());  // 1E3
    } else {
      open.push_back(&value);
    }
  }

  bool names_keep_case_;
};

Fingerprint FingerprintOf(const Json& tree, bool names_keep_case) {
  FingerprintBuilder builder;
  builder.Add("recipe", int64_t{1}).Add("tree", JsonText(Canonical(names_keep_case).Of(tree)));
  return builder.Finish();
}

Result<Json> ParseTree(const std::string& text) {
  Json tree = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (tree.is_discarded()) return Status::Bug("a syntax tree is not JSON");
  return tree;
}

/// The setting that a SET or RESET names; empty for any other statement.
std::string VariableOf(const Json& tree) {
  const auto [node, fields] = NodeOf(tree);
  if ((node != "Set" && node != "Reset") || fields == nullptr) return {};
  const Json canonical = Canonical(false).Of(*fields);
  const Json* assignment = &canonical;
  if (node == "Set") assignment = NodeOf(canonical).second;
  if (assignment == nullptr || !assignment->is_object() || !assignment->contains("variable"))
    return {};
  std::string name;
  for (const Json& part : assignment->at("variable")) {
    const Json* text = part.is_object() ? NodeOf(part).second : &part;
    if (text != nullptr && text->is_string())
      name += (name.empty() ? "" : ".") + AsciiLowerCase(text->get<std::string>());
  }
  return name;
}

}  // namespace

Result<ParsedStatement> ParseStatement(const engine::Session& session, const std::string& sql,
                                       const TreeReading& reading) {
  WEIR_ASSIGN_OR_RETURN(engine::SyntaxTree parsed, session.ParseSql(sql, reading.dialect));
  WEIR_ASSIGN_OR_RETURN(const Json tree, ParseTree(parsed.json));
  ParsedStatement statement;
  statement.node = NodeOf(tree).first;
  AddKinds(tree, statement.kinds);
  statement.variable = VariableOf(tree);
  statement.normalized_sql = std::move(parsed.sql);
  statement.tree_fingerprint = FingerprintOf(tree, reading.names_keep_case);
  statement.tree = std::move(parsed.json);
  return statement;
}

Result<Fingerprint> TreeFingerprint(const std::string& tree, bool names_keep_case) {
  WEIR_ASSIGN_OR_RETURN(const Json parsed, ParseTree(tree));
  return FingerprintOf(parsed, names_keep_case);
}

Status CheckAllowed(const ParsedStatement& statement, const ProfileSettings& profile) {
  if (statement.node == "CreateExternalTable") {
    return Status::User(
               StatusCode::kUnsupported,
               "CREATE EXTERNAL TABLE is wanted in a file under sources/, found it in `sql`")
        .WithHint("sources are pinned and recorded; `weir sql` reads those of the project");
  }
  if (statement.variable.starts_with("datafusion.runtime.")) {
    return Status::User(StatusCode::kUnsupported,
                        "memory and spilling are the profile's, found `{}`", statement.variable)
        .WithHint("use `memory_limit`, `spill_directory` and `max_spill` in weir.toml");
  }
  for (const StatementKind kind : statement.kinds) {
    if (profile.allowed_statements.contains(kind)) continue;
    std::string allowed;
    for (const StatementKind other : profile.allowed_statements)
      allowed += fmt::format("\"{}\", ", ToString(other));
    return Status::User(StatusCode::kUnsupported,
                        "the profile `{}` does not allow statements of the kind `{}`, found `{}`",
                        profile.name, ToString(kind), statement.node)
        .WithHint(fmt::format("weir.toml says what `weir sql` may run: [profiles.{}.sql] allow = "
                              "[{}\"{}\"]",
                              profile.name, allowed, ToString(kind)));
  }
  return Status::OK();
}

TreeReading ReadingOf(const ProjectDefinition& project, const std::string& dialect) {
  const auto& settings = project.profile.settings;
  const auto folds = settings.find("datafusion.sql_parser.enable_ident_normalization");
  return {.dialect = dialect,
          .names_keep_case = folds != settings.end() && AsciiLowerCase(folds->second) == "false"};
}

}  // namespace weir
