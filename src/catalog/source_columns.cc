// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/source_columns.h"

#include <algorithm>
#include <map>
#include <set>

#include <arrow/api.h>
#include <fmt/format.h>

#include "weir/base/letter_case.h"
#include "weir/catalog/column_types.h"

namespace weir {

namespace {

/// Files that have the same columns.
struct Alike {
  std::shared_ptr<arrow::Schema> schema;
  size_t files = 0;
  std::string first;  ///< of these files, as users name it
};

/// Files that have something in common.
struct Where {
  size_t files = 0;
  std::string first;

  void Add(const Alike& alike) {
    if (files == 0 || alike.first < first) first = alike.first;
    files += alike.files;
  }
};

/// A column that differs.
struct Difference {
  std::string column;
  std::string text;
};

/// What one source's data has otherwise.
struct Drift {
  std::vector<Difference> added, removed, retyped;

  bool empty() const { return added.empty() && removed.empty() && retyped.empty(); }
};

std::string NameOf(const SourceDefinition& source, const std::string& path) {
  const std::string& location = source.location_as_written;
  if (path.empty()) return location;
  if (source.uri.empty()) return path;
  return location + (location.ends_with('/') ? "" : "/") + path;
}

/// " in 1 of 3 files, `data/a.parquet`"; empty for all of them.
std::string Text(const Where& where, size_t all) {
  if (where.files >= all) return {};
  return fmt::format(" in {} of {} files, `{}`", where.files, all, where.first);
}

std::string LineOf(const SourceDefinition& source, const std::string& column) {
  const auto place = source.column_locations.find(column);
  return place == source.column_locations.end() ? ""
                                                : fmt::format(" (line {})", place->second.line);
}

/// The field of that name: as it is written, else without regard to case where that is one.
int FindField(const arrow::Schema& schema, const std::string& name) {
  int found = -1;
  for (int i = 0; i < schema.num_fields(); ++i) {
    if (schema.field(i)->name() == name) return i;
  }
  for (int i = 0; i < schema.num_fields(); ++i) {
    if (LowerCase(schema.field(i)->name()) != LowerCase(name)) continue;
    if (found >= 0) return -1;
    found = i;
  }
  return found;
}

bool IsPartition(const SourceDefinition& source, const std::string& column) {
  return std::ranges::any_of(source.partition_columns, [&](const std::string& each) {
    return LowerCase(each) == LowerCase(column);
  });
}

/// Columns that a message names of each kind.
constexpr size_t kMostNamed = 20;

std::string List(const char* what, const std::vector<Difference>& differences) {
  if (differences.empty()) return {};
  std::string text = fmt::format("; {}: ", what);
  for (size_t i = 0; i < std::min(differences.size(), kMostNamed); ++i)
    text +=
        fmt::format("{}`{}` {}", i == 0 ? "" : ", ", differences[i].column, differences[i].text);
  if (differences.size() > kMostNamed)
    text += fmt::format(" and {} more", differences.size() - kMostNamed);
  return text;
}

std::string Text(const Drift& drift) {
  const std::string text =
      List("added", drift.added) + List("removed", drift.removed) + List("retyped", drift.retyped);
  return text.empty() ? text : text.substr(2);
}

/// Where the first column stands that is about; of added ones only the statement does.
SourceLocation PlaceOf(const SourceDefinition& source, const Drift& drift) {
  std::optional<SourceLocation> first;
  for (const auto* list : {&drift.removed, &drift.retyped}) {
    for (const Difference& difference : *list) {
      const auto place = source.column_locations.find(difference.column);
      if (place == source.column_locations.end()) continue;
      const SourceLocation& here = place->second;
      if (!first || std::pair(here.line, here.column) < std::pair(first->line, first->column))
        first = here;
    }
  }
  return first.value_or(source.location);
}

constexpr char kDeclaredHint[] =
    "declare the columns as they are, or write 'schema_drift' 'ignore' in OPTIONS where the "
    "difference is meant";
constexpr char kFoundHint[] =
    "declare the columns, or write 'schema_drift' 'ignore' in OPTIONS where the difference is "
    "meant";

/// What is said of columns that can be read nevertheless.
Result<std::optional<Diagnostic>> Tell(const SourceDefinition& source, const std::string& message,
                                       const SourceLocation& place, const char* hint) {
  if (source.schema_drift == SchemaDrift::kIgnore) return std::optional<Diagnostic>();
  if (source.schema_drift == SchemaDrift::kError)
    return Status::User(StatusCode::kConflict, "{}", message)
        .WithHint("declare the columns as they are; under 'schema_drift' 'warn' they are read")
        .WithLocation(place);
  return std::optional(Diagnostic{.code = "W3007",
                                  .severity = Severity::kWarning,
                                  .message = fmt::format("source `{}`: {}", source.name, message),
                                  .hint = hint,
                                  .location = place});
}

std::vector<Alike> LookAt(const SourceDefinition& source, const engine::FileTableSpec& files,
                          const engine::FileSchemas& found) {
  std::vector<Alike> alike;
  for (const auto& schema : found.schemas) alike.push_back({.schema = schema});
  for (size_t i = 0; i < found.of_files.size(); ++i) {
    if (!found.of_files[i]) continue;
    Alike& like = alike[*found.of_files[i]];
    const std::string name = NameOf(source, files.files[i].path);
    if (like.files++ == 0 || name < like.first) like.first = name;
  }
  return alike;
}

// --- declared columns ---

/// A declared column beside those that files have.
struct Comparison {
  Where without;
  Where with;
  /// By how the type of the files is named.
  std::map<std::string, std::pair<Where, std::shared_ptr<arrow::DataType>>> other_types;
};

Comparison Compare(const arrow::Field& declared, const std::vector<Alike>& files) {
  Comparison result;
  for (const Alike& alike : files) {
    const int at = FindField(*alike.schema, declared.name());
    if (at < 0) {
      result.without.Add(alike);
      continue;
    }
    result.with.Add(alike);
    const auto& type = alike.schema->field(at)->type();
    if (IsSameType(*type, *declared.type())) continue;
    auto& other = result.other_types[SqlTypeName(*type)];
    other.first.Add(alike);
    other.second = type;
  }
  return result;
}

std::string HowItFits(const std::shared_ptr<arrow::DataType>& found,
                      const std::shared_ptr<arrow::DataType>& declared) {
  if (Widens(found, declared)) return "narrower, every value fits";
  if (found->id() == arrow::Type::STRUCT)
    return "parts that are not declared are left out, the others are cast";
  if (Widens(declared, found)) return "wider, a value that does not fit fails its reader";
  return "values are cast, one that cannot be fails its reader";
}

bool IsList(const arrow::DataType& type) {
  return type.num_fields() == 1 && type.id() != arrow::Type::MAP &&
         type.id() != arrow::Type::STRUCT;
}

/// Whether values with parts are cast by the engine. Of other values the types never rule it out.
bool CanBeCast(const arrow::DataType& from, const arrow::DataType& to) {
  if (from.id() == arrow::Type::NA || IsSameType(from, to)) return true;
  if (from.id() == arrow::Type::STRUCT && to.id() == arrow::Type::STRUCT) {
    bool has_common = false;
    for (const auto& field : to.fields()) {
      for (const auto& other : from.fields()) {
        if (other->name() != field->name()) continue;
        if (!CanBeCast(*other->type(), *field->type())) return false;
        has_common = true;
      }
    }
    return has_common;
  }
  if (IsList(from) && IsList(to)) return CanBeCast(*from.field(0)->type(), *to.field(0)->type());
  if (from.id() == arrow::Type::MAP && to.id() == arrow::Type::MAP) {
    const auto& left = static_cast<const arrow::MapType&>(from);
    const auto& right = static_cast<const arrow::MapType&>(to);
    return !arrow::is_nested(left.item_type()->id()) && !arrow::is_nested(right.item_type()->id());
  }
  const bool to_text = arrow::is_string(to.id()) || to.id() == arrow::Type::STRING_VIEW;
  if (IsList(from)) return to_text;
  return !arrow::is_nested(from.id()) && (!arrow::is_nested(to.id()) || IsList(to));
}

std::vector<Difference> AddedColumns(const SourceDefinition& source, const arrow::Schema& declared,
                                     const std::vector<Alike>& files, size_t count) {
  std::map<std::string, std::pair<Where, std::set<std::string>>> added;
  for (const Alike& alike : files) {
    std::set<int> taken;
    for (const auto& field : declared.fields())
      taken.insert(FindField(*alike.schema, field->name()));
    for (int i = 0; i < alike.schema->num_fields(); ++i) {
      const arrow::Field& field = *alike.schema->field(i);
      if (taken.contains(i) || IsPartition(source, field.name())) continue;
      auto& [where, types] = added[field.name()];
      where.Add(alike);
      types.insert(SqlTypeName(*field.type()));
    }
  }
  std::vector<Difference> differences;
  for (const auto& [name, found] : added) {
    const std::string types =
        source.format == SourceFormat::kCsv || source.format == SourceFormat::kNdjson
            ? "(not read)"
            : fmt::format("{} (not read)", fmt::join(found.second, " or "));
    differences.push_back({name, types + Text(found.first, count)});
  }
  return differences;
}

/// Whether the reader of a CSV file with that header finds columns by their places, not by names.
bool GoesByPlace(const arrow::Schema& header, const std::vector<std::string>& columns) {
  if (header.num_fields() != static_cast<int>(columns.size())) return false;
  for (size_t i = 0; i < columns.size(); ++i) {
    const int at = FindField(header, columns[i]);
    if (at >= 0 && at != static_cast<int>(i)) return false;
  }
  return std::ranges::any_of(columns,
                             [&](const auto& name) { return FindField(header, name) < 0; });
}

bool IsText(const SourceDefinition& source) {
  return source.format == SourceFormat::kCsv || source.format == SourceFormat::kNdjson;
}

Result<SourceColumns> HoldContract(const SourceDefinition& source, std::vector<Alike> files,
                                   const std::shared_ptr<arrow::Schema>& declared) {
  if (source.format == SourceFormat::kCsv) {
    std::vector<std::string> names;
    for (const auto& field : declared->fields()) {
      if (!IsPartition(source, field->name())) names.push_back(field->name());
    }
    std::erase_if(files, [&](const Alike& each) { return GoesByPlace(*each.schema, names); });
  }
  size_t count = 0;
  for (const Alike& alike : files) count += alike.files;
  Drift drift;
  std::vector<Difference> broken;
  for (const auto& field : declared->fields()) {
    if (IsPartition(source, field->name()) || count == 0) continue;
    const auto column = std::ranges::find(source.columns, field->name(), &ColumnDefinition::name);
    const std::string type =
        column == source.columns.end() ? SqlTypeName(*field->type()) : column->sql_type;
    const bool is_required = column != source.columns.end() && !column->nullable;
    const std::string line = LineOf(source, field->name());
    const Comparison found = Compare(*field, files);
    if (found.without.files > 0) {
      const Difference removed = {
          field->name(), fmt::format("{}{}{}{}", type, is_required ? " NOT NULL" : "", line,
                                     is_required && count == found.without.files
                                         ? fmt::format(" in `{}`", found.without.first)
                                         : Text(found.without, count))};
      drift.removed.push_back(removed);
      if (is_required && !IsText(source)) broken.push_back(removed);
    }
    if (IsText(source)) continue;
    for (const auto& [name, other] : found.other_types) {
      const bool can_be_read = CanBeCast(*other.second, *field->type());
      const Difference retyped = {
          field->name(),
          fmt::format("from {}{} to {}{} ({})", type, line, name, Text(other.first, count),
                      can_be_read ? HowItFits(other.second, field->type())
                                  : fmt::format("nothing casts it, in `{}`", other.first.first))};
      drift.retyped.push_back(retyped);
      if (!can_be_read) broken.push_back(retyped);
    }
  }
  drift.added = AddedColumns(source, *declared, files, count);
  if (!broken.empty()) {
    return Status::User(
               StatusCode::kConflict,
               "the columns that the source declares are wanted in its files, found others: {}",
               Text(drift))
        .WithHint(
            "mend the files, or declare the columns as they are; one that files may lack without "
            "NOT "
            "NULL")
        .WithLocation(PlaceOf(source, Drift{.added = {}, .removed = broken, .retyped = {}}));
  }
  SourceColumns columns{.schema = declared, .drift = std::nullopt};
  if (drift.empty()) return columns;
  WEIR_ASSIGN_OR_RETURN(
      columns.drift,
      Tell(source,
           fmt::format(
               "the columns that the source declares are wanted in its files, found others: {}",
               Text(drift)),
           PlaceOf(source, drift), kDeclaredHint));
  return columns;
}

// --- columns that were found ---

/// A column of a table that is made of several files' columns.
struct Merged {
  std::set<std::string> spellings;
  Where where;
  bool nullable = false;
  /// By how they are named: the types, and the files that have them.
  std::map<std::string, std::pair<std::shared_ptr<arrow::Field>, Where>> types;

  /// Lower case comes last.
  const std::string& name() const { return *spellings.rbegin(); }
};

std::string NamesOf(const arrow::Schema& schema) { return schema.ToString(); }

/// Names that one file has in two spellings mean two columns everywhere.
std::set<std::string> Ambiguous(const std::vector<Alike>& files) {
  std::set<std::string> ambiguous;
  for (const Alike& alike : files) {
    std::set<std::string> seen;
    for (const auto& field : alike.schema->fields()) {
      const std::string folded = LowerCase(field->name());
      if (!seen.insert(folded).second) ambiguous.insert(folded);
    }
  }
  return ambiguous;
}

/// In the order of the files with most columns, then of the others.
std::vector<Merged> MergeColumns(std::vector<Alike> files) {
  std::ranges::sort(files, [](const Alike& a, const Alike& b) {
    if (a.schema->num_fields() != b.schema->num_fields())
      return a.schema->num_fields() > b.schema->num_fields();
    return NamesOf(*a.schema) < NamesOf(*b.schema);
  });
  const std::set<std::string> ambiguous = Ambiguous(files);
  std::vector<Merged> columns;
  std::map<std::string, size_t> places;
  for (const Alike& alike : files) {
    for (const auto& field : alike.schema->fields()) {
      const std::string folded = LowerCase(field->name());
      const std::string key = ambiguous.contains(folded) ? field->name() : folded;
      const auto [place, is_new] = places.emplace(key, columns.size());
      if (is_new) columns.emplace_back();
      Merged& column = columns[place->second];
      column.spellings.insert(field->name());
      column.where.Add(alike);
      column.nullable = column.nullable || field->nullable();
      auto& type = column.types[field->type()->ToString()];
      if (!type.first) type.first = field;
      type.second.Add(alike);
    }
  }
  return columns;
}

/// Null, and `conflict` says which files and types, where nothing holds the values of all.
Result<std::shared_ptr<arrow::DataType>> TypeOf(const Merged& column) {
  std::shared_ptr<arrow::DataType> merged;
  for (const auto& [name, found] : column.types) {
    const auto& type = found.first->type();
    const auto wider = merged ? WiderType(merged, type) : type;
    if (wider) {
      merged = wider;
      continue;
    }
    // Some earlier type has nothing in common with this one, if not all of them together.
    const auto* other = &column.types.begin()->second;
    for (const auto& [earlier, with] : column.types) {
      if (WiderType(with.first->type(), type)) continue;
      other = &with;
      break;
    }
    return Status::User(StatusCode::kConflict,
                        "a type that holds the values of all files is wanted for the column `{}`, "
                        "found {} in "
                        "`{}` and {} in `{}`",
                        column.name(), SqlTypeName(*other->first->type()), other->second.first,
                        SqlTypeName(*type), found.second.first)
        .WithHint(
            "declare the column with the type that all values are to be cast to, or mend a file");
  }
  return merged;
}

/// How a column differs among files; empty if it does not.
std::string DifferenceOf(const Merged& column, const arrow::DataType& type, size_t count) {
  std::vector<std::string> parts;
  if (column.where.files < count)
    parts.push_back(fmt::format("{}", Text(column.where, count).substr(1)));
  std::map<std::string, std::string> types;
  for (const auto& [name, found] : column.types)
    types.emplace(SqlTypeName(*found.first->type()), found.second.first);
  if (types.size() > 1) {
    std::string text;
    for (const auto& [name, file] : types)
      text += fmt::format("{}{} in `{}`", text.empty() ? "" : ", ", name, file);
    parts.push_back(fmt::format("{}, read as {}", text, SqlTypeName(type)));
  }
  if (column.spellings.size() > 1)
    parts.push_back(fmt::format("spelled `{}`", fmt::join(column.spellings, "`, `")));
  return parts.empty() ? "" : fmt::format("`{}` {}", column.name(), fmt::join(parts, ", "));
}

Result<SourceColumns> MergeFiles(const SourceDefinition& source, const std::vector<Alike>& files) {
  size_t count = 0;
  for (const Alike& alike : files) count += alike.files;
  arrow::FieldVector fields;
  std::vector<std::string> differences;
  for (const Merged& column : MergeColumns(files)) {
    if (IsPartition(source, column.name())) continue;
    WEIR_ASSIGN_OR_RETURN(const auto type, TypeOf(column));
    const bool nullable = column.nullable || column.where.files < count;
    const auto& first = column.types.begin()->second.first;
    fields.push_back(column.types.size() == 1
                         ? first->WithName(column.name())->WithNullable(nullable)
                         : arrow::field(column.name(), type, nullable));
    std::string difference = DifferenceOf(column, *type, count);
    if (!difference.empty()) differences.push_back(std::move(difference));
  }
  SourceColumns columns{.schema = arrow::schema(fields), .drift = std::nullopt};
  if (differences.empty()) return columns;
  const size_t named = std::min(differences.size(), kMostNamed);
  std::string text = fmt::format(
      "the same columns are wanted in all files, found others: {}",
      fmt::join(differences.begin(), differences.begin() + static_cast<ptrdiff_t>(named), "; "));
  if (differences.size() > named) text += fmt::format("; and {} more", differences.size() - named);
  WEIR_ASSIGN_OR_RETURN(columns.drift, Tell(source, text, source.location, kFoundHint));
  return columns;
}

}  // namespace

Result<SourceColumns> SettleFileColumns(const SourceDefinition& source,
                                        const engine::FileTableSpec& files,
                                        const std::shared_ptr<arrow::Schema>& declared,
                                        const engine::Session& session) {
  SourceColumns columns{.schema = declared, .drift = std::nullopt};
  if (files.files.empty()) return columns;
  if (declared && source.schema_drift == SchemaDrift::kIgnore) return columns;
  if (!declared && source.format != SourceFormat::kParquet) return columns;
  auto found = engine::Table::SchemasOf(session, files);
  // What cannot be looked at cannot be read either, and who reads it is told where.
  if (!found.ok() && declared && source.schema_drift != SchemaDrift::kError) return columns;
  if (!found.ok()) return found.status();
  std::vector<Alike> alike = LookAt(source, files, *found);
  return declared ? HoldContract(source, std::move(alike), declared) : MergeFiles(source, alike);
}

Result<SourceColumns> SettleDeltaColumns(const SourceDefinition& source,
                                         const arrow::Schema& declared,
                                         const arrow::Schema& table) {
  Drift drift;
  bool is_broken = false;
  arrow::FieldVector fields;
  for (const auto& field : declared.fields()) {
    const auto column = std::ranges::find(source.columns, field->name(), &ColumnDefinition::name);
    const bool nullable = column == source.columns.end() || column->nullable;
    const std::string type =
        column == source.columns.end() ? SqlTypeName(*field->type()) : column->sql_type;
    const std::string line = LineOf(source, field->name());
    const auto found = table.GetFieldByName(field->name());
    if (!found) {
      drift.removed.push_back({field->name(), type + line});
      is_broken = true;
      continue;
    }
    const bool is_same = IsSameType(*found->type(), *field->type());
    const bool fits =
        is_same || (!arrow::is_nested(found->type()->id()) && Widens(found->type(), field->type()));
    if (!is_same) {
      const char* how = Widens(field->type(), found->type()) ? " (wider)" : "";
      drift.retyped.push_back(
          {field->name(), fmt::format("from {}{} to {}{}", type, line, SqlTypeName(*found->type()),
                                      fits ? " (narrower, every value fits)" : how)});
    }
    is_broken = is_broken || !fits;
    if (!fits) continue;
    fields.push_back(arrow::field(field->name(), is_same ? found->type() : field->type(),
                                  nullable && found->nullable()));
  }
  for (const auto& field : table.fields()) {
    if (!declared.GetFieldByName(field->name()))
      drift.added.push_back({field->name(), SqlTypeName(*field->type()) + " (not read)"});
  }
  const std::string message = fmt::format(
      "the columns that the source declares are wanted in the Delta table, found others: {}",
      Text(drift));
  if (is_broken) {
    return Status::User(StatusCode::kConflict, "{}", message)
        .WithHint("declare the columns as the table has them, or pin a version that has them so")
        .WithLocation(PlaceOf(source, drift));
  }
  SourceColumns columns{.schema = arrow::schema(fields), .drift = std::nullopt};
  if (drift.empty()) return columns;
  WEIR_ASSIGN_OR_RETURN(columns.drift,
                        Tell(source, message, PlaceOf(source, drift), kDeclaredHint));
  return columns;
}

engine::DeltaReading ReadingOf(const SourceDefinition& source) {
  return {.columns = nullptr,
          .file_column = source.file_column,
          .row_column = source.row_column,
          .pushes_filters = source.pushes_filters};
}

Result<PinnedTable> CheckPlaces(PinnedTable table) {
  for (const std::string& name : {table.reading.file_column, table.reading.row_column}) {
    if (name.empty()) continue;
    const auto is_named = [&](const auto& field) {
      return LowerCase(field->name()) == LowerCase(name);
    };
    if (std::ranges::count_if(table.schema->fields(), is_named) < 2) continue;
    return Status::User(
               StatusCode::kAlreadyExists,
               "a new name is wanted for a column that OPTIONS add, found one that the data "
               "has: `{}`",
               name)
        .WithHint("write another name after 'file_column' or 'row_number_column'");
  }
  return table;
}

}  // namespace weir
