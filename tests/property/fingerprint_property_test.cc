// SPDX-License-Identifier: Apache-2.0
//
// Fingerprints of random projects under random edits, compiled by the real engine. Each variant of
// a project looks different all over (white space, comments, letter case, files, folders, threads,
// time zone of the machine, comments and properties of views) and differs in meaning in a few
// places only. Exactly the views that these places reach get other fingerprints; the author of the
// project knows which. A case is one view in one variant. WEIR_TEST_SCALE=full runs ten times as
// many.

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <arrow/api.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "random_project.h"

#include "weir/base/temporary_folder_testing.h"
#include "weir/bundle/compile.h"

namespace weir {
namespace {

using namespace testing_projects;

constexpr size_t kViewsPerProject = 24;
constexpr size_t kVariantsPerProject = 16;

/// How a source's column is declared now.
struct Declared {
  std::string name;
  std::string type;  ///< as SQL says it
  bool nullable = true;
};

/// What an edit changes; a project's own state has none of it.
struct Edited {
  std::map<std::string, Literal> literals;
  std::map<std::string, std::vector<Declared>> sources;
  std::map<std::string, std::string> partition_columns;  ///< of views
  std::string result_setting;                            ///< lines of weir.toml
  std::string function;                                  ///< that has another version
};

/// A variant: what differs in meaning, and what that touches.
struct Edit {
  std::string what;
  Edited edited;
  Atoms touched;
  bool touches_all = false;
};

std::string SqlType(const Column& column) {
  switch (column.type) {
    case Type::kWhole:
      return "BIGINT";
    case Type::kText:
      return "VARCHAR";
    case Type::kNumber:
      return "DOUBLE";
    default:
      return "DATE";
  }
}

/// Another type that the same expressions take.
std::string OtherType(const std::string& type) {
  static const std::map<std::string, std::string> kOthers = {
      {"BIGINT", "INT"}, {"DOUBLE", "FLOAT"}, {"DATE", "TIMESTAMP"}};
  const auto found = kOthers.find(type);
  return found == kOthers.end() ? type : found->second;
}

std::string DeltaType(const std::string& type) {
  static const std::map<std::string, std::string> kTypes = {
      {"BIGINT", "long"}, {"INT", "integer"}, {"VARCHAR", "string"},     {"DOUBLE", "double"},
      {"FLOAT", "float"}, {"DATE", "date"},   {"TIMESTAMP", "timestamp"}};
  return kTypes.at(type);
}

/// Writes templates as SQL; with `noise`, in a way that means the same and looks otherwise.
class Writer {
 public:
  Writer(const Edited& edited, const RandomProject& project, std::mt19937_64& random, bool noise)
      : edited_(edited), project_(project), random_(random), noise_(noise) {}

  std::string Sql(const Template& text) {
    std::string sql;
    std::vector<int> doubled;
    bool needs_blank = false;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find(' ', begin), text.size());
      const std::string token = Token(text.substr(begin, end - begin), doubled);
      begin = end + 1;
      if (token.empty()) continue;
      const bool is_symbol = std::string("(),.").find(token.front()) != std::string::npos;
      if (!sql.empty()) sql += Blank(needs_blank && !is_symbol);
      sql += token;
      needs_blank = !is_symbol;
    }
    return sql;
  }

  bool OneIn(size_t n) { return noise_ && random_() % n == 0; }

 private:
  std::string Blank(bool is_needed) {
    static const std::vector<std::string> kBlanks = {
        " ",    " ", " ", "\n", "\t", "  \r\n ", " /* , ( */ ", " -- x ; ' \"\n", "\n\n-- ü\n\n",
        " /**/"};
    if (!noise_) return " ";
    if (!is_needed && random_() % 2 == 0) return "";
    return kBlanks[random_() % kBlanks.size()];
  }

  std::string Token(const std::string& token, std::vector<int>& doubled) {
    if (token == "{") {
      doubled.push_back(OneIn(4) ? 2 : 1);
      return doubled.back() == 2 ? "((" : "(";
    }
    if (token == "}") {
      const int count = doubled.back();
      doubled.pop_back();
      return count == 2 ? "))" : ")";
    }
    if (token == "~AS") return OneIn(2) ? "" : Cased("AS");
    if (token == "<>") return OneIn(2) ? "!=" : token;
    if (token[0] == '@') {
      const std::string atom = "L" + token.substr(1);
      const auto found = edited_.literals.find(atom);
      return (found == edited_.literals.end() ? project_.literals.at(atom) : found->second).ToSql();
    }
    if (token[0] == '^') return Cased(SourceColumn(token.substr(1)));
    return Cased(token);
  }

  /// The name that a source's column has now.
  std::string SourceColumn(const std::string& reference) {
    const size_t dot = reference.find('.');
    const std::string table = reference.substr(0, dot), column = reference.substr(dot + 1);
    const auto edited = edited_.sources.find(table);
    if (edited == edited_.sources.end()) return column;
    for (const ProjectSource& source : project_.sources) {
      if (source.name != table) continue;
      for (size_t i = 0; i < source.columns.size(); ++i) {
        if (source.columns[i].name == column) return edited->second[i].name;
      }
    }
    return column;
  }

  /// Quoted words stay.
  std::string Cased(std::string word) {
    if (!noise_ || word[0] == '\'') return word;
    for (char& c : word) {
      const auto letter = static_cast<unsigned char>(c);
      c = static_cast<char>(random_() % 2 == 0 ? std::toupper(letter) : std::tolower(letter));
    }
    return word;
  }

  const Edited& edited_;
  const RandomProject& project_;
  std::mt19937_64& random_;
  bool noise_;
};

/// What compiling a variant gave, by stored view.
struct Outcome {
  std::map<std::string, std::string> fingerprints;
  std::map<std::string, std::shared_ptr<arrow::Schema>> schemas;
  std::map<std::string, std::string> inputs;
};

class FingerprintProperty : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(folder_ / "one.csv") << "1\n";
    const char* zone = std::getenv("TZ");
    zone_ = zone == nullptr ? "" : zone;
  }
  void TearDown() override { SetZone(zone_); }

  static void SetZone(const std::string& zone) {
    if (zone.empty()) {
      unsetenv("TZ");
    } else {
      setenv("TZ", zone.c_str(), 1);
    }
    tzset();
  }

  size_t Below(size_t n) { return random_() % n; }

  // --- The files of a variant

  std::vector<Declared> DeclaredColumns(const ProjectSource& source, const Edited& edited) {
    const auto found = edited.sources.find(source.name);
    if (found != edited.sources.end()) return found->second;
    std::vector<Declared> columns;
    for (const Column& column : source.columns) columns.push_back({column.name, SqlType(column)});
    return columns;
  }

  /// A Delta table that has a log and no files; `comment` stands at each column.
  std::string DeltaLocation(const std::vector<Declared>& columns, const std::string& comment) {
    std::string fields;
    for (const Declared& column : columns) {
      fields += fmt::format(
          R"({}{{\"name\":\"{}\",\"type\":\"{}\",\"nullable\":{},\"metadata\":{{{}}}}})",
          fields.empty() ? "" : ",", column.name, DeltaType(column.type), column.nullable,
          comment.empty() ? "" : fmt::format(R"(\"comment\":\"{}\")", comment));
    }
    const std::string log = fmt::format(
        "{{\"protocol\":{{\"minReaderVersion\":1,\"minWriterVersion\":2}}}}\n"
        "{{\"metaData\":{{\"id\":\"1\",\"format\":{{\"provider\":\"parquet\",\"options\":{{}}}},"
        "\"schemaString\":\"{{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{}]}}\","
        "\"partitionColumns\":[],\"configuration\":{{}},\"createdTime\":1}}}}\n",
        fields);
    const auto table = folder_ / Blake2bHex128(log);
    if (std::filesystem::create_directories(table / "_delta_log"))
      std::ofstream(table / "_delta_log" / "00000000000000000000.json") << log;
    return table.string();
  }

  std::string SourceSql(const ProjectSource& source, const Edited& edited, bool noise) {
    Writer writer(edited, project_, random_, noise);
    const auto columns = DeclaredColumns(source, edited);
    if (source.is_delta) {
      const std::string location = DeltaLocation(columns, writer.OneIn(3) ? "other words" : "");
      return writer.Sql("CREATE EXTERNAL TABLE " + source.name + " STORED AS DELTATABLE LOCATION") +
             " '" + location + "';\n";
    }
    Template list;
    for (const Declared& column : columns) {
      list += (list.empty() ? "" : " , ") + column.name + " " + column.type +
              (column.nullable ? "" : " NOT NULL");
    }
    return writer.Sql("CREATE EXTERNAL TABLE " + source.name + " ( " + list +
                      " ) STORED AS CSV LOCATION") +
           " '" + (folder_ / "one.csv").string() + "';\n";
  }

  std::string ViewSql(const ProjectView& view, const Edited& edited, bool noise) {
    Writer writer(edited, project_, random_, noise);
    const std::string query = writer.Sql(view.query) + (writer.OneIn(2) ? " ;\n" : "\n");
    const auto partition = edited.partition_columns.find(view.name);
    Template clauses, constraints;
    if (!view.drop_constraint.empty())
      constraints = "CONSTRAINT d EXPECT ( " + view.drop_constraint + " ) ON VIOLATION DROP ROW";
    if (!view.warn_constraint.empty()) {
      constraints += (constraints.empty() ? "" : " , ") + std::string("CONSTRAINT w EXPECT ( ") +
                     view.warn_constraint + " )";
    }
    if (!constraints.empty()) clauses += " ( " + constraints + " )";
    if (partition != edited.partition_columns.end())
      clauses += " PARTITIONED BY ( " + partition->second + " )";
    // Comments and properties change nothing, hence come and go.
    if (writer.OneIn(4)) clauses += " COMMENT 'words'";
    if (view.is_stored && writer.OneIn(4)) clauses += " TBLPROPERTIES ( 'tags' = 'hot' )";
    if (view.is_stored && clauses.empty() && !writer.OneIn(3)) return query;
    const Template create = writer.OneIn(2) ? "CREATE OR REPLACE" : "CREATE";
    return writer.Sql(create + (view.is_stored ? " MATERIALIZED" : "") + " VIEW " + view.name +
                      clauses + " AS") +
           "\n" + query;
  }

  /// `left_out`: views that are not there.
  MemoryFileSystem Files(const std::string& root, const Edited& edited, bool noise,
                         const std::set<std::string>& left_out) {
    MemoryFileSystem files;
    std::string toml = fmt::format("[project]\nname = \"p{}\"\n", noise ? Below(100) : 0);
    if (noise && Below(2) == 0) toml += fmt::format("warehouse = \"elsewhere{}\"\n", Below(9));
    toml += "[profiles.default]\n";
    if (noise)
      toml +=
          fmt::format("threads = {}\nmemory_limit = \"{}MB\"\n", 1 + Below(4), 300 + Below(200));
    const bool is_plain_setting = edited.result_setting.starts_with('"');
    if (!is_plain_setting) toml += edited.result_setting;
    toml += "[profiles.default.settings]\n";
    if (is_plain_setting) toml += edited.result_setting;
    if (noise) {
      static const std::vector<std::string> kIdle = {
          "", "\"datafusion.execution.parquet.pushdown_filters\" = false\n",
          "\"datafusion.format.date_format\" = \"%d\"\n",
          "\"datafusion.optimizer.max_passes\" = 3\n"};  // the engine's own value
      toml += OneOf(kIdle) +
              fmt::format("\"datafusion.execution.batch_size\" = {}\n", 100 + Below(9'000));
    }
    files.Set(root + "/weir.toml", toml);

    std::vector<std::string> sources;
    for (const ProjectSource& source : project_.sources)
      sources.push_back(SourceSql(source, edited, noise));
    if (noise) {
      std::shuffle(sources.begin(), sources.end(), random_);
      sources.push_back("CREATE EXTERNAL TABLE apart (id INT) STORED AS CSV LOCATION '" +
                        (folder_ / "one.csv").string() + "';\n");
    }
    std::map<std::string, std::string> source_files;
    for (const std::string& sql : sources)
      source_files[fmt::format("/sources/{}.sql", noise ? Below(3) : 0)] += sql;
    for (const auto& [path, sql] : source_files) files.Set(root + path, sql);

    for (const ProjectView& view : project_.views) {
      if (left_out.contains(view.name)) continue;
      const std::string sql = ViewSql(view, edited, noise);
      const std::string file =
          noise && IsDdl(sql) ? fmt::format("f{}_{}", Below(1'000'000), view.name) : view.name;
      static const std::vector<std::string> kFolders = {"", "a/", "z/y/"};
      files.Set(root + "/views/" + (noise ? kFolders[Below(3)] : "") + file + ".sql", sql);
    }
    return files;
  }

  static bool IsDdl(const std::string& sql) {
    std::string begin = sql.substr(0, 6);
    std::transform(begin.begin(), begin.end(), begin.begin(),
                   [](unsigned char c) { return std::toupper(c); });
    return begin == "CREATE";
  }

  /// Fails the test where the variant does not compile; `quiet`: returns nothing instead.
  std::optional<Outcome> Compile(const Edited& edited, bool noise,
                                 const std::set<std::string>& left_out, bool quiet = false) {
    static const std::vector<std::string> kZones = {"UTC", "Asia/Kolkata", "America/St_Johns",
                                                    "XYZ+13:37"};
    SetZone(noise ? kZones[Below(kZones.size())] : zone_);
    const std::string root = (folder_ / fmt::format("p{}", noise ? Below(1'000) : 0)).string();
    const MemoryFileSystem files = Files(root, edited, noise, left_out);
    Diagnostics diagnostics;
    const auto project = LoadProject(files, root, "", diagnostics);
    auto session = project.ok() ? SessionRuntime::Seal(*project, diagnostics)
                                : Result<std::unique_ptr<SessionRuntime>>(project.status());
    if (!session.ok()) {
      ADD_FAILURE() << session.status().ToString();
      return std::nullopt;
    }
    int* version = nullptr;
    if (!edited.function.empty()) {
      // The functions of this session, and nobody else's: a version that a later release may have.
      const FunctionDeclaration* function = (*session)->functions().Find(edited.function);
      version = &const_cast<FunctionDeclaration*>(function)->semantic_version;
      ++*version;
    }
    const CompiledProject compiled = CompileViews(*project, **session, diagnostics);
    if (version != nullptr) --*version;
    Outcome outcome;
    for (const auto& bundle : compiled.bundles()) {
      outcome.fingerprints[bundle->view_name] = bundle->fingerprint.ToString();
      outcome.schemas[bundle->view_name] = bundle->stored_schema;
      outcome.inputs[bundle->view_name] = bundle->fingerprint_input;
    }
    if (diagnostics.has_errors() && quiet) return std::nullopt;
    for (const Diagnostic& diagnostic : diagnostics.all()) {
      // The one file has other columns than the sources declare.
      if (diagnostic.code == "W3007") continue;
      ADD_FAILURE() << ToText(diagnostic);
      const auto text = files.ReadFile(root + "/" + diagnostic.location.file);
      if (text.ok()) std::cout << *text << "\n";
      return std::nullopt;
    }
    return outcome;
  }

  // --- Edits

  template <typename T>
  const T& OneOf(const std::vector<T>& values) {
    return values[Below(values.size())];
  }

  Edit LiteralEdit() {
    Edit edit;
    std::vector<std::string> atoms;
    for (const auto& [atom, literal] : project_.literals) atoms.push_back(atom);
    for (size_t n = 4 + Below(60); n > 0; --n) {
      const std::string& atom = OneOf(atoms);
      if (edit.touched.contains(atom)) continue;
      Literal literal = project_.literals.at(atom);
      // Beyond all others, so that no two are the same.
      literal.value += 3 * static_cast<int64_t>(project_.literals.size() + 7 + Below(90));
      edit.what += fmt::format("{} from {} to {}; ", atom, project_.literals.at(atom).ToSql(),
                               literal.ToSql());
      edit.edited.literals[atom] = literal;
      edit.touched.insert(atom);
    }
    return edit;
  }

  Edit SourceEdit() {
    const ProjectSource& source = OneOf(project_.sources);
    std::vector<Declared> columns = DeclaredColumns(source, {});
    const size_t at = Below(columns.size());
    Edit edit;
    Declared& column = columns[at];
    const bool is_read = at + 1 < columns.size();
    edit.touched = {"c:" + source.name + "." + column.name};
    const size_t kind = Below(is_read ? 3 : 4);
    const std::string other = OtherType(column.type);
    if (kind == 0) {
      edit.what = fmt::format("{}.{} is renamed", source.name, column.name);
      column.name += "_renamed";
    } else if (kind == 1 && other != column.type) {
      edit.what =
          fmt::format("{}.{} is {} instead of {}", source.name, column.name, other, column.type);
      column.type = other;
    } else if (kind == 3) {
      edit.what = fmt::format("{}.{}, which nobody reads, is gone", source.name, column.name);
      columns.pop_back();
    } else {
      edit.what = fmt::format("{}.{} is NOT NULL", source.name, column.name);
      column.nullable = false;
      // What a source promises is not believed, but checked while it is read.
      edit.touched = {};
    }
    if (Below(3) == 0) columns.push_back({"added", "VARCHAR"});
    edit.edited.sources[source.name] = std::move(columns);
    return edit;
  }

  Edit SettingEdit() {
    static const std::vector<std::string> kSettings = {
        "deterministic = false\n",
        "overflow = \"wrap\"\n",
        "\"datafusion.execution.time_zone\" = \"+05:30\"\n",
        "\"datafusion.execution.enable_ansi_mode\" = true\n",
        "\"datafusion.catalog.has_header\" = false\n",
        "\"datafusion.execution.parquet.coerce_int96\" = \"us\"\n",
        "\"datafusion.optimizer.prefer_hash_join\" = false\n",
        "\"datafusion.spark.map_key_dedup_policy\" = \"LAST_WIN\"\n"};
    Edit edit{.what = OneOf(kSettings), .edited = {}, .touched = {}, .touches_all = true};
    edit.edited.result_setting = edit.what;
    return edit;
  }

  Edit FunctionEdit() {
    static const std::vector<std::string> kFunctions = {"stable_hash64", "stable_id", "arg_max"};
    Edit edit;
    edit.edited.function = OneOf(kFunctions);
    edit.what = "another version of " + edit.edited.function;
    edit.touched = {"f:" + edit.edited.function};
    return edit;
  }

  Edit PartitionEdit() {
    Edit edit;
    const ProjectView& view = OneOf(project_.views);
    if (!view.is_stored || view.columns.size() < 2) return edit;
    edit.edited.partition_columns[view.name] = view.columns[0].name;
    edit.what = view.name + " is partitioned";
    edit.touched = {"p:" + view.name};
    return edit;
  }

  Edit RandomEdit() {
    switch (Below(10)) {
      case 0:
        return {.what = "nothing", .edited = {}, .touched = {}};
      case 1:
      case 2:
        return SourceEdit();
      case 3:
        return SettingEdit();
      case 4:
        return FunctionEdit();
      case 5:
        return PartitionEdit();
      default:
        return LiteralEdit();
    }
  }

  /// Views that no other reads, some of them.
  std::set<std::string> SomeToLeaveOut() {
    std::set<std::string> read, left_out;
    for (const ProjectView& view : project_.views)
      read.insert(view.upstream.begin(), view.upstream.end());
    for (const ProjectView& view : project_.views) {
      if (!read.contains(view.name) && Below(8) == 0) left_out.insert(view.name);
    }
    return left_out;
  }

  /// What the types of columns of stored views tell their readers: a change there reaches them too.
  static Atoms ChangedColumns(const Outcome& before, const Outcome& after) {
    Atoms changed;
    for (const auto& [view, schema] : before.schemas) {
      const auto now = after.schemas.find(view);
      if (now == after.schemas.end()) continue;
      for (const auto& field : schema->fields()) {
        const auto other = now->second->GetFieldByName(field->name());
        if (other == nullptr || !other->Equals(*field))
          changed.insert("v:" + view + "." + field->name());
      }
    }
    return changed;
  }

  /// Of a view and of those that are inlined into it.
  std::string Definitions(const ProjectView& view) {
    std::string text = view.name + ": " + view.query + "\n";
    if (!view.drop_constraint.empty())
      text += "  rows dropped unless " + view.drop_constraint + "\n";
    for (const ProjectView& other : project_.views) {
      if (!other.is_stored && view.upstream.contains(other.name)) text += Definitions(other);
    }
    return text;
  }

  void CheckVariant(const Outcome& before, uint64_t seed) {
    const Edit edit = RandomEdit();
    const bool noise = Below(8) != 0;
    const auto left_out = noise ? SomeToLeaveOut() : std::set<std::string>();
    const auto after = Compile(edit.edited, noise, left_out);
    ASSERT_TRUE(after) << "seed " << seed << ", " << edit.what;
    Atoms touched = edit.touched;
    AddTo(touched, ChangedColumns(before, *after));
    for (const ProjectView& view : project_.views) {
      if (!view.is_stored || left_out.contains(view.name)) continue;
      const bool must_change = edit.touches_all || Meet(touched, view.Meaning());
      if (!must_change && Meet(touched, view.unsure)) continue;
      ++(must_change ? changed_ : kept_);
      const bool changed = before.fingerprints.at(view.name) != after->fingerprints.at(view.name);
      EXPECT_EQ(changed, must_change)
          << "seed " << seed << ", view " << view.name << " after: " << edit.what
          << (noise ? " (and another look)" : "") << "\n"
          << Definitions(view) << "\n"
          << before.inputs.at(view.name) << "\nnow\n"
          << after->inputs.at(view.name) << fmt::format("\ntouched {}\n", touched);
    }
  }

  TemporaryFolder temporary_;
  std::filesystem::path folder_ = temporary_.path();
  std::string zone_;
  std::mt19937_64 random_{20260202};
  RandomProject project_;
  size_t changed_ = 0, kept_ = 0, projects_ = 0, unplanned_ = 0;
};

TEST_F(FingerprintProperty, ChangesWithTheMeaningOfAViewAndWithNothingElse) {
  const char* scale = std::getenv("WEIR_TEST_SCALE");
  const size_t wanted = scale != nullptr && std::string(scale) == "full" ? 100'000 : 10'000;
  const auto is_done = [&] {
    return changed_ + kept_ >= wanted && std::min(changed_, kept_) >= wanted / 3;
  };
  for (uint64_t seed = 1; !is_done() && !HasFailure(); ++seed) {
    project_ = ProjectMaker(seed).Make(kViewsPerProject);
    ++projects_;
    const auto plain = Compile({}, false, {}, true);
    if (!plain) {
      ++unplanned_;
      if (std::getenv("WEIR_TEST_VERBOSE") != nullptr) (void)Compile({}, false, {});
      ASSERT_LT(unplanned_, 10 + projects_ / 5) << "too few projects can be planned";
      continue;
    }
    for (size_t i = 0; i < kVariantsPerProject && !HasFailure(); ++i) CheckVariant(*plain, seed);
  }
  std::cout << projects_ << " projects, " << unplanned_ << " not planned; " << changed_
            << " views with another meaning, " << kept_ << " with the same\n";
}

}  // namespace
}  // namespace weir
