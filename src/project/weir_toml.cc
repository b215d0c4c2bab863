// SPDX-License-Identifier: Apache-2.0

#include "weir/project/weir_toml.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "weir/base/ascii_text.h"
#include "weir/base/nearest.h"
#include "weir/project/parameters_toml.h"
#include "weir/project/source_parser.h"
#include "weir/project/toml_reader.h"
#include "weir/project/watch_toml.h"

namespace weir {

namespace {

constexpr std::string_view kDefaultProfile = "default";
constexpr int64_t kMostThreads = 4096;
/// Runs or days: nobody counts further.
constexpr int64_t kMostRetained = 100'000;

/// "default" first.
std::vector<std::string> NamesOf(const toml::table* profiles) {
  std::vector<std::string> names = {std::string(kDefaultProfile)};
  if (profiles == nullptr) return names;
  for (const auto& [name, value] : *profiles) {
    if (name.str() != kDefaultProfile) names.emplace_back(name.str());
  }
  return names;
}

/// "scheme://host" without the slashes after it; nothing if `text` is no such URL.
std::optional<std::string> ParseStoreUrl(std::string text) {
  while (text.ends_with('/') && !text.ends_with("://")) text.pop_back();
  const size_t end = text.find("://");
  if (end == std::string::npos || end == 0 || end + 3 == text.size()) return std::nullopt;
  const bool is_scheme =
      std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
      });
  if (!is_scheme || text.find('/', end + 3) != std::string::npos) return std::nullopt;
  return text;
}

std::string WithoutSlashAtEnd(std::string path) {
  while (path.size() > 1 && path.ends_with('/') && !path.ends_with("://")) path.pop_back();
  return path;
}

class WeirTomlReader {
 public:
  WeirTomlReader(ProjectDefinition& project, Diagnostics& diagnostics)
      : project_(project), diagnostics_(diagnostics), reader_(diagnostics) {}

  Status Read(const toml::table& root, const ProfileChoice& choice) {
    reader_.CheckKeys(
        root,
        {"project", "profiles", "parameters", "object_stores", "retention", "hooks", "openlineage"},
        "");
    if (const toml::table* table = reader_.TableAt(root, "project")) ReadProject(*table);
    if (const toml::table* table = reader_.TableAt(root, "object_stores")) ReadObjectStores(*table);
    if (const toml::table* table = reader_.TableAt(root, "retention")) ReadRetention(*table);
    if (const toml::table* table = reader_.TableAt(root, "hooks"))
      project_.hooks = ReadHooks(*table, reader_);
    if (const toml::table* table = reader_.TableAt(root, "openlineage"))
      project_.openlineage = ReadLineageTarget(*table, project_.root, reader_);
    if (const toml::table* table = reader_.TableAt(root, "parameters"))
      ReadParameters(*table, reader_, project_.parameters);
    const toml::table* profiles = reader_.TableAt(root, "profiles");
    if (profiles != nullptr) CheckProfiles(*profiles);
    const Status chosen = ChooseProfile(profiles, choice.name);
    const Status set = SetParameters(choice.set, reader_, project_.parameters);
    warehouse_unset_ = reader_.Unset("warehouse");
    reader_.ReportUnset();
    if (!diagnostics_.has_errors()) return chosen.ok() ? set : chosen;
    // The profile may stand in what is wrong.
    if (!chosen.ok()) {
      diagnostics_.Add({.code = "W1014",
                        .message = chosen.message(),
                        .hint = chosen.hint(),
                        .location = {std::string(kProjectFileName), 0, 0}});
    }
    return Status::OK();
  }

  /// Of what was read: a variable that the warehouse needs.
  const std::optional<Diagnostic>& warehouse_unset() const { return warehouse_unset_; }

 private:
  std::optional<int64_t> BytesAt(const toml::table& parent, std::string_view key) {
    const toml::node* node = parent.get(key);
    if (node == nullptr) return std::nullopt;
    std::optional<std::string> text = ScalarText(*node);
    if (!text || (!node->is_string() && !node->is_integer())) {
      reader_.FailType(*node, "a size such as \"4GB\"", key);
      return std::nullopt;
    }
    text = reader_.Expanded(*node, *text, std::string(key));
    if (!text) return std::nullopt;
    const std::optional<int64_t> bytes = ParseByteSize(*text);
    if (bytes && *bytes > 0) return bytes;
    reader_.Fail("W1013", node->source(),
                 fmt::format("a size such as \"4GB\" is wanted for `{}`, found `{}`", key, *text));
    return std::nullopt;
  }

  void ReadProject(const toml::table& table) {
    reader_.CheckKeys(table, {"name", "warehouse", "dialect"}, " in [project]");
    if (auto name = reader_.StringAt(table, "name")) project_.name = *std::move(name);
    if (const auto warehouse = reader_.StringAt(table, "warehouse")) {
      project_.warehouse_uri = WithoutSlashAtEnd(ResolveLocation(*warehouse, project_.root));
    }
    if (const auto name = reader_.StringAt(table, "dialect")) {
      if (const SqlDialect* dialect = FindDialect(*name)) {
        project_.dialect = dialect->name;
      } else {
        reader_.Fail("W1023", table.get("dialect")->source(),
                     fmt::format("a dialect of SQL is wanted, found `{}`", *name),
                     DialectHint(*name));
      }
    }
  }

  void ReadRetention(const toml::table& table) {
    RetentionSettings& retention = project_.retention;
    reader_.CheckKeys(table, {"runs", "days", "removed_views_days"}, " in [retention]");
    ReadCount(table, "runs", retention.runs);
    ReadCount(table, "days", retention.days);
    ReadCount(table, "removed_views_days", retention.removed_views_days);
  }

  void ReadCount(const toml::table& table, std::string_view key, int64_t& count) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    if (!node->is_integer()) return reader_.FailType(*node, "an integer", key);
    const int64_t found = node->as_integer()->get();
    if (found < 0 || found > kMostRetained) {
      return reader_.Fail("W1013", node->source(),
                          fmt::format("a number from 0 to {} is wanted for `{}`, found `{}`",
                                      kMostRetained, key, found));
    }
    count = found;
  }

  void ReadObjectStores(const toml::table& stores) {
    for (const auto& [key, value] : stores) {
      if (!value.is_table()) {
        reader_.FailType(value, "a table", key.str());
        continue;
      }
      ObjectStoreDefinition store{.url = {}, .options = {}, .location = LocationOf(key.source())};
      const std::string written(key.str());
      const auto expanded = reader_.Expanded(value, written, "object_stores." + written);
      if (!expanded) continue;
      if (auto url = ParseStoreUrl(*expanded)) {
        store.url = *std::move(url);
      } else {
        reader_.Fail("W1018", key.source(),
                     fmt::format("a URL such as `s3://bucket` is wanted, found `{}`", *expanded),
                     "only scheme and host are wanted, in quotes: [object_stores.\"s3://bucket\"]");
      }
      ReadStoreOptions(*value.as_table(), store);
      const auto is_same = [&](const ObjectStoreDefinition& other) {
        return other.url == store.url;
      };
      if (std::any_of(project_.object_stores.begin(), project_.object_stores.end(), is_same)) {
        reader_.Fail("W1019", key.source(),
                     fmt::format("the object store is described twice: `{}`", store.url));
      } else if (!store.url.empty()) {
        project_.object_stores.push_back(std::move(store));
      }
    }
    std::sort(project_.object_stores.begin(), project_.object_stores.end(),
              [](const ObjectStoreDefinition& a, const ObjectStoreDefinition& b) {
                return a.url < b.url;
              });
  }

  void ReadStoreOptions(const toml::table& table, ObjectStoreDefinition& store) {
    for (const auto& [key, value] : table) {
      const std::optional<std::string> text = ScalarText(value);
      if (!text) {
        reader_.FailType(value, "a string, number or boolean", key.str());
        continue;
      }
      auto expanded =
          reader_.Expanded(value, *text, fmt::format("object_stores.{}.{}", store.url, key.str()));
      if (expanded) store.options[AsciiLowerCase(key.str())] = *std::move(expanded);
    }
  }

  void CheckProfiles(const toml::table& profiles) {
    reader_.SetNeeded(false);
    for (const auto& [name, value] : profiles) {
      if (!value.is_table()) {
        reader_.FailType(value, "a table", name.str());
        continue;
      }
      ProfileSettings checked;
      ReadProfile(*value.as_table(), checked);
      CheckParent(profiles, std::string(name.str()), *value.as_table());
    }
    reader_.SetNeeded(true);
  }

  /// Reports a parent that does not exist, and a profile that is its own ancestor.
  void CheckParent(const toml::table& profiles, const std::string& name,
                   const toml::table& profile) {
    const auto parent = reader_.StringAt(profile, "extends");
    if (!parent) return;
    const toml::source_region& region = profile.get("extends")->source();
    if (profiles.get(*parent) == nullptr && *parent != kDefaultProfile) {
      reader_.Fail("W1014", region,
                   fmt::format("a profile is wanted for `extends`, found `{}`", *parent),
                   SuggestionHint(*parent, NamesOf(&profiles)));
      return;
    }
    std::set<std::string> seen;
    std::string path = name;
    for (std::string at = *parent; seen.insert(at).second;) {
      path += " → " + at;
      if (at == name) {
        reader_.Fail("W1015", region, fmt::format("a profile must not extend itself: `{}`", path));
        return;
      }
      const auto next = profiles[at]["extends"].value<std::string>();
      if (!next) return;
      at = *next;
    }
  }

  /// Applies the chosen profile over those it extends.
  Status ChooseProfile(const toml::table* profiles, const std::string& chosen) {
    project_.profile.name = chosen;
    if (chosen != kDefaultProfile && (profiles == nullptr || profiles->get(chosen) == nullptr)) {
      const std::vector<std::string> names = NamesOf(profiles);
      std::string hint = SuggestionHint(chosen, names);
      if (hint.empty()) hint = fmt::format("weir.toml has `{}`", fmt::join(names, "`, `"));
      return Status::User(StatusCode::kNotFound, "there is no profile of this name: `{}`", chosen)
          .WithHint(std::move(hint));
    }
    if (profiles == nullptr) return Status::OK();
    std::vector<const toml::table*> chain;
    std::set<std::string> seen;
    for (std::string at = chosen; seen.insert(at).second;) {
      const toml::table* profile = (*profiles)[at].as_table();
      if (profile == nullptr) break;
      chain.push_back(profile);
      const auto next = (*profile)["extends"].value<std::string>();
      if (!next) break;
      at = *next;
    }
    for (auto profile = chain.rbegin(); profile != chain.rend(); ++profile)
      ReadProfile(**profile, project_.profile);
    if (!project_.profile.warehouse_uri.empty())
      project_.warehouse_uri = project_.profile.warehouse_uri;
    return Status::OK();
  }

  void ReadProfile(const toml::table& table, ProfileSettings& profile) {
    reader_.CheckKeys(table,
                      {"extends", "warehouse", "threads", "memory_limit", "join_fallback",
                       "deterministic", "overflow", "spill_directory", "max_spill", "view_timeout",
                       "settings", "functions", "parameters", "sql", "tables"},
                      " in a profile");
    if (const toml::node* node = table.get("threads")) ReadThreads(*node, profile);
    if (const toml::node* node = table.get("deterministic")) {
      if (node->is_boolean()) {
        profile.deterministic = node->as_boolean()->get();
      } else {
        reader_.FailType(*node, "a boolean", "deterministic");
      }
    }
    if (const auto choice = reader_.StringAt(table, "overflow")) {
      if (*choice != "error" && *choice != "wrap") {
        reader_.Fail(
            "W1013", table.get("overflow")->source(),
            fmt::format("`error` or `wrap` is wanted for `overflow`, found `{}`", *choice));
      }
      profile.overflow_wraps = *choice == "wrap";
    }
    if (const auto bytes = BytesAt(table, "memory_limit")) profile.memory_limit_bytes = *bytes;
    if (const auto choice = reader_.StringAt(table, "join_fallback")) {
      if (*choice != "sort-merge" && *choice != "none") {
        reader_.Fail("W1034", table.get("join_fallback")->source(),
                     fmt::format("`sort-merge` or `none` is wanted for `join_fallback`, found `{}`",
                                 *choice));
      }
      profile.falls_back_to_sort_merge = *choice != "none";
    }
    if (const auto bytes = BytesAt(table, "max_spill")) profile.max_spill_bytes = *bytes;
    if (const toml::node* node = table.get("view_timeout")) ReadViewTimeout(*node, profile);
    if (const auto warehouse = reader_.StringAt(table, "warehouse")) {
      profile.warehouse_uri = WithoutSlashAtEnd(ResolveLocation(*warehouse, project_.root));
    }
    if (const auto folder = reader_.StringAt(table, "spill_directory")) {
      profile.spill_directory = WithoutSlashAtEnd(ResolveLocation(*folder, project_.root));
    }
    if (const toml::table* settings = reader_.TableAt(table, "settings")) {
      std::set<std::string> seen;
      ReadSettings(*settings, "", profile, seen);
    }
    if (const toml::table* functions = reader_.TableAt(table, "functions"))
      ReadFunctionDefaults(*functions, profile.function_defaults);
    if (const toml::table* tables = reader_.TableAt(table, "tables")) {
      std::set<std::string> seen;
      ReadTableProperties(*tables, "", profile.table_properties, seen);
    }
    if (const toml::table* parameters = reader_.TableAt(table, "parameters"))
      ReadProfileParameters(*parameters, reader_, project_.parameters);
    if (const toml::table* sql = reader_.TableAt(table, "sql")) ReadSqlPolicy(*sql, profile);
  }

  void ReadViewTimeout(const toml::node& node, ProfileSettings& profile) {
    static constexpr std::string_view kKey = "view_timeout", kWanted = "a time such as \"10m\"";
    const std::optional<std::string> written = ScalarText(node);
    if (!written || node.is_boolean()) return reader_.FailType(node, kWanted, kKey);
    const auto text = reader_.Expanded(node, *written, std::string(kKey));
    if (!text) return;
    const auto milliseconds = ParseTimeLimit(*text);
    if (!milliseconds) {
      return reader_.Fail("W1013", node.source(),
                          fmt::format("{} is wanted for `{}`, found `{}`", kWanted, kKey, *text),
                          TimeLimitHint(*text));
    }
    profile.view_timeout = {
        .milliseconds = *milliseconds,
        .text = *text,
        .set_by = fmt::format("`{}` in {}", kKey, ToString(LocationOf(node.source())))};
  }

  /// [profiles.NAME.functions]
  void ReadFunctionDefaults(const toml::table& table, FunctionDefaults& defaults) {
    reader_.CheckKeys(table, {"span_line_base", "span_col_unit", "span_end_exclusive"},
                      " in `functions` of a profile");
    if (const toml::node* node = table.get("span_line_base")) {
      const int64_t base = node->value_exact<int64_t>().value_or(-1);
      if (!node->is_integer()) {
        reader_.FailType(*node, "an integer", "span_line_base");
      } else if (base < 0 || base > std::numeric_limits<int32_t>::max()) {
        reader_.Fail(
            "W1026", node->source(),
            fmt::format("a number from 0 is wanted for `span_line_base`, found `{}`", base));
      } else {
        defaults.span_line_base = static_cast<int32_t>(base);
      }
    }
    if (const auto unit = reader_.StringAt(table, "span_col_unit", "functions.")) {
      static const std::vector<std::string> kUnits = {"byte", "utf8", "utf16", "utf32"};
      if (std::find(kUnits.begin(), kUnits.end(), *unit) == kUnits.end()) {
        std::string hint = SuggestionHint(*unit, kUnits);
        if (hint.empty()) hint = fmt::format("units are `{}`", fmt::join(kUnits, "`, `"));
        reader_.Fail("W1026", table.get("span_col_unit")->source(),
                     fmt::format("a unit is wanted for `span_col_unit`, found `{}`", *unit),
                     std::move(hint));
      } else {
        defaults.span_col_unit = *unit;
      }
    }
    if (const toml::node* node = table.get("span_end_exclusive")) {
      if (node->is_boolean()) {
        defaults.span_end_exclusive = node->as_boolean()->get();
      } else {
        reader_.FailType(*node, "a boolean", "span_end_exclusive");
      }
    }
  }

  /// [profiles.NAME.sql] allow = ["query", …]
  void ReadSqlPolicy(const toml::table& table, ProfileSettings& profile) {
    reader_.CheckKeys(table, {"allow"}, " in `sql` of a profile");
    const toml::node* allow = table.get("allow");
    if (allow == nullptr) return;
    if (!allow->is_array()) return reader_.FailType(*allow, "an array", "allow");
    profile.allowed_statements.clear();
    for (const toml::node& node : *allow->as_array()) {
      if (!node.is_string()) {
        reader_.FailType(node, "a string", "allow");
        continue;
      }
      ReadStatementKind(*node.as_string(), profile);
    }
  }

  void ReadStatementKind(const toml::value<std::string>& node, ProfileSettings& profile) {
    const auto wanted = reader_.Expanded(node, node.get(), "allow");
    if (!wanted) return;
    std::vector<std::string> known;
    for (const StatementKind kind :
         {StatementKind::kQuery, StatementKind::kSet, StatementKind::kDdl, StatementKind::kDml}) {
      known.emplace_back(ToString(kind));
      if (known.back() != *wanted) continue;
      profile.allowed_statements.insert(kind);
      return;
    }
    std::string hint = SuggestionHint(*wanted, known);
    if (hint.empty()) hint = fmt::format("kinds are `{}`", fmt::join(known, "`, `"));
    reader_.Fail("W1024", node.source(),
                 fmt::format("a kind of statement is wanted in `allow`, found `{}`", *wanted),
                 std::move(hint));
  }

  void ReadThreads(const toml::node& node, ProfileSettings& profile) {
    if (!node.is_integer()) return reader_.FailType(node, "an integer", "threads");
    const int64_t threads = node.as_integer()->get();
    if (threads < 0 || threads > kMostThreads) {
      return reader_.Fail(
          "W1013", node.source(),
          fmt::format("a number from 0 (all cores) to {} is wanted for `threads`, found `{}`",
                      kMostThreads, threads));
    }
    profile.threads = static_cast<int>(threads);
  }

  /// [profiles.NAME.tables]: properties that say how tables are written, by the names they have in
  /// TBLPROPERTIES. Names of columns are views' own.
  void ReadTableProperties(const toml::table& table, const std::string& prefix,
                           std::map<std::string, std::string>& properties,
                           std::set<std::string>& seen) {
    static const std::vector<std::string> kKnown = {
        "delta.targetFileSize",       "delta.dataSkippingNumIndexedCols",
        "delta.enableChangeDataFeed", "weir.change_feed",
        "weir.compression",           "weir.row_group_rows"};
    for (const auto& [key, value] : table) {
      const std::string name = prefix + std::string(key.str());
      if (value.is_table()) {
        ReadTableProperties(*value.as_table(), name + ".", properties, seen);
        continue;
      }
      std::optional<std::string> text = ScalarText(value);
      if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
        std::string hint = SuggestionHint(name, kKnown);
        if (hint.empty()) hint = fmt::format("a profile may set `{}`", fmt::join(kKnown, "`, `"));
        reader_.Fail(
            "W1031", key.source(),
            fmt::format("a property of how tables are written is wanted, found `{}`", name),
            std::move(hint));
      } else if (!text) {
        reader_.FailType(value, "a string, number or boolean", name);
      } else if (!seen.insert(name).second) {
        reader_.Fail("W1022", key.source(), fmt::format("the property is set twice: `{}`", name));
      } else if (auto expanded = reader_.Expanded(value, *text, "tables." + name)) {
        properties[name] = *std::move(expanded);
      }
    }
  }

  void ReadSettings(const toml::table& table, const std::string& prefix, ProfileSettings& profile,
                    std::set<std::string>& seen) {
    for (const auto& [key, value] : table) {
      const std::string name = prefix + std::string(key.str());
      if (value.is_table()) {
        ReadSettings(*value.as_table(), name + ".", profile, seen);
        continue;
      }
      std::optional<std::string> text = ScalarText(value);
      if (!name.starts_with("datafusion.")) {
        reader_.Fail(
            "W1020", key.source(),
            fmt::format("a setting that begins with `datafusion.` is wanted, found `{}`", name));
      } else if (name.starts_with("datafusion.runtime.")) {
        reader_.Fail(
            "W1021", key.source(),
            fmt::format("the profile's own keys are wanted for memory and spilling, found `{}`",
                        name),
            "use `memory_limit`, `spill_directory` and `max_spill`");
      } else if (name == "datafusion.sql_parser.dialect") {
        reader_.Fail(
            "W1025", key.source(),
            fmt::format("the project's own key is wanted for the dialect, found `{}`", name),
            "use `dialect` in [project], or a comment `-- dialect: …` at the top of a file");
      } else if (!text) {
        reader_.FailType(value, "a string, number or boolean", name);
      } else if (!seen.insert(name).second) {
        reader_.Fail("W1022", key.source(), fmt::format("the setting is set twice: `{}`", name));
      } else if (auto expanded = reader_.Expanded(value, *text, "settings." + name)) {
        profile.settings[name] = *std::move(expanded);
        profile.setting_locations[name] = LocationOf(key.source());
      }
    }
  }

  ProjectDefinition& project_;
  Diagnostics& diagnostics_;
  TomlReader reader_;
  std::optional<Diagnostic> warehouse_unset_;
};

}  // namespace

std::optional<int64_t> ParseByteSize(std::string_view text) {
  size_t digits = 0;
  bool has_point = false;
  while (digits < text.size() &&
         ((text[digits] >= '0' && text[digits] <= '9') || (text[digits] == '.' && !has_point))) {
    has_point = has_point || text[digits] == '.';
    ++digits;
  }
  if (digits == 0 || digits > 18 || text[0] == '.' || text[digits - 1] == '.') return std::nullopt;
  const double number = std::strtod(std::string(text.substr(0, digits)).c_str(), nullptr);

  std::string unit = AsciiLowerCase(text.substr(digits));
  unit.erase(0, unit.find_first_not_of(' ') == std::string::npos ? unit.size()
                                                                 : unit.find_first_not_of(' '));
  double factor = 1;
  if (!unit.empty() && unit != "b") {
    const size_t power = std::string_view("kmgt").find(unit[0]);
    const std::string_view rest = std::string_view(unit).substr(1);
    if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib"))
      return std::nullopt;
    factor = std::pow(1024.0, static_cast<double>(power + 1));
  }
  const double bytes = number * factor;
  if (bytes >= 9.0e18) return std::nullopt;
  return static_cast<int64_t>(bytes);
}

Status ApplyWeirToml(const std::string& text, const ProfileChoice& choice,
                     ProjectDefinition& project, Diagnostics& diagnostics) {
  project.warehouse_uri = ResolveLocation("warehouse", project.root);
  project.name = project.root.substr(project.root.rfind('/') + 1);
  ProfileChoice chosen = choice;
  if (chosen.name.empty()) chosen.name = kDefaultProfile;
  project.profile.name = chosen.name;
  try {
    const toml::table root = toml::parse(text, kProjectFileName);
    return WeirTomlReader(project, diagnostics).Read(root, chosen);
  } catch (const toml::parse_error& error) {
    diagnostics.Add({.code = "W1010",
                     .message = fmt::format("the file is not TOML: {}", error.description()),
                     .location = LocationOf(error.source())});
    return Status::OK();
  }
}

std::vector<std::string> ProfileNames(const std::string& text) {
  try {
    const toml::table root = toml::parse(text);
    return NamesOf(root["profiles"].as_table());
  } catch (const toml::parse_error&) {
    return NamesOf(nullptr);
  }
}

Result<std::string> WarehouseOfProfile(const std::string& text, const std::string& root,
                                       const std::string& profile) {
  ProjectDefinition project;
  project.root = root;
  project.warehouse_uri = ResolveLocation("warehouse", root);
  Diagnostics diagnostics;
  try {
    WeirTomlReader reader(project, diagnostics);
    // Errors elsewhere are not of interest here, but for a profile that is not there.
    WEIR_RETURN_NOT_OK(reader.Read(toml::parse(text, kProjectFileName), profile));
    for (const Diagnostic& diagnostic : diagnostics.all()) {
      if (diagnostic.code == "W1014")
        return Status::User(StatusCode::kNotFound, "{}", diagnostic.message)
            .WithHint(diagnostic.hint);
    }
    if (const auto& unset = reader.warehouse_unset()) {
      return Status::User(StatusCode::kInvalidArgument, "{}", unset->message)
          .WithHint(unset->hint)
          .WithLocation(unset->location);
    }
    return project.warehouse_uri;
  } catch (const toml::parse_error& error) {
    return Status::User(StatusCode::kInvalidArgument, "the file is not TOML: {}",
                        error.description())
        .WithLocation(LocationOf(error.source()));
  }
}

}  // namespace weir
