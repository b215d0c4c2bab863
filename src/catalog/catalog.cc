// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/catalog.h"

#include <algorithm>
#include <filesystem>

#include <arrow/api.h>

#include "weir/base/ascii_text.h"
#include "weir/base/sql_quotes.h"
#include "weir/base/utf8_text.h"
#include "weir/catalog/source_columns.h"

namespace weir {

namespace {

/// Characters that may stand in the path of a URL as they are.
bool IsPlain(unsigned char c) {
  return std::isalnum(c) != 0 ||
         std::string_view("-._~/!$&'()*+,;=:@").find(static_cast<char>(c)) !=
             std::string_view::npos;
}

std::string EncodePath(const std::string& path) {
  std::string encoded;
  for (unsigned char c : path) {
    if (IsPlain(c)) {
      encoded += static_cast<char>(c);
    } else {
      encoded += fmt::format("%{:02X}", c);
    }
  }
  return encoded;
}

/// What `%20` and the like stand for; a `%` before anything else stands for itself, and a text that
/// would not be UTF-8 is none that was encoded.
std::string DecodePercent(const std::string& text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      decoded += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return FindInvalidUtf8(decoded) ? text : decoded;
}

bool IsRequired(const SourceDefinition& source, const std::string& column) {
  return std::any_of(source.columns.begin(), source.columns.end(),
                     [&](const auto& each) { return each.name == column && !each.nullable; });
}

bool IsHidden(const std::string& relative_path) {
  size_t start = 0;
  while (start < relative_path.size()) {
    if (relative_path[start] == '.' || relative_path[start] == '_') return true;
    const size_t slash = relative_path.find('/', start);
    if (slash == std::string::npos) return false;
    start = slash + 1;
  }
  return false;
}

/// Object stores have folders as objects without bytes.
bool IsFolder(const ObjectInfo& object, const std::vector<ObjectInfo>& objects) {
  if (object.size_bytes > 0) return false;
  const std::string& path = object.relative_path;
  return path.ends_with('/') || std::ranges::any_of(objects, [&](const ObjectInfo& other) {
           return &other != &object &&
                  other.relative_path.starts_with(path.empty() ? "" : path + '/');
         });
}

/// `year=2013/month=1/x.parquet` → the values of the declared partition columns. Names and values
/// of folders are percent-encoded, as every writer of such folders does it.
Result<std::vector<std::pair<std::string, std::optional<std::string>>>> HivePartitions(
    const std::string& path, const SourceDefinition& source) {
  std::vector<std::pair<std::string, std::string>> folders;
  size_t begin = 0;
  for (size_t end = path.find('/'); end != std::string::npos; end = path.find('/', begin)) {
    const std::string folder = path.substr(begin, end - begin);
    const size_t equals = folder.find('=');
    if (equals != std::string::npos)
      folders.emplace_back(DecodePercent(folder.substr(0, equals)), folder.substr(equals + 1));
    begin = end + 1;
  }
  std::vector<std::pair<std::string, std::optional<std::string>>> values;
  for (const std::string& column : source.partition_columns) {
    const auto folder = std::find_if(folders.begin(), folders.end(),
                                     [&](const auto& each) { return each.first == column; });
    if (folder == folders.end()) {
      return Status::User(StatusCode::kNotFound,
                          "a folder named `{}=…` is wanted in the path of every file, found {}",
                          column, path.empty() ? "a location that is a file" : "`" + path + "`")
          .WithHint("name the folders so, or leave the column out of PARTITIONED BY");
    }
    std::optional<std::string> value;
    if (folder->second != "__HIVE_DEFAULT_PARTITION__") value = DecodePercent(folder->second);
    if (!value && IsRequired(source, column)) {
      return Status::User(
                 StatusCode::kInvalidArgument,
                 "a value of the column `{}` is wanted in the path of every file, since it is NOT "
                 "NULL, found `{}`",
                 column, path)
          .WithHint("move the file, or declare the column without NOT NULL");
    }
    values.emplace_back(column, std::move(value));
  }
  return values;
}

std::vector<std::string> RequiredColumns(const SourceDefinition& source) {
  std::vector<std::string> names;
  for (const ColumnDefinition& column : source.columns) {
    if (!column.nullable) names.push_back(column.name);
  }
  return names;
}

/// The schema that a source's column definitions declare, typed by the engine itself.
Result<std::shared_ptr<arrow::Schema>> DeclaredSchema(const SourceDefinition& source,
                                                      const engine::Session& session) {
  std::string casts;
  for (const ColumnDefinition& column : source.columns) {
    casts += fmt::format("{}CAST(NULL AS {}) AS {}", casts.empty() ? "" : ", ", column.sql_type,
                         QuotedSqlName(column.name));
  }
  auto plan = engine::Plan::FromSql(session, "SELECT " + casts);
  if (!plan.ok())
    return plan.status().WithContext("the column definitions").WithLocation(source.location);
  WEIR_ASSIGN_OR_RETURN(auto schema, plan->output_schema());
  arrow::FieldVector fields;
  for (int i = 0; i < schema->num_fields(); ++i) {
    auto type = schema->field(i)->type();
    if (type->id() == arrow::Type::STRING_VIEW) type = arrow::utf8();
    fields.push_back(arrow::field(schema->field(i)->name(), type, /*nullable=*/true));
  }
  return arrow::schema(fields);
}

/// Names of folders have no form of nested values and of bytes.
Status CheckPartitionTypes(const SourceDefinition& source, const arrow::Schema& schema) {
  for (const std::string& column : source.partition_columns) {
    const auto field = schema.GetFieldByName(column);
    if (!field) continue;
    const arrow::DataType& type = *field->type();
    if (!arrow::is_nested(type.id()) && !arrow::is_base_binary_like(type.id())) continue;
    if (arrow::is_string(type.id())) continue;
    return Status::User(StatusCode::kInvalidArgument,
                        "a type whose values folders are named after is wanted for the partition "
                        "column `{}`, found `{}`",
                        column, type.ToString())
        .WithHint("declare it as VARCHAR");
  }
  return Status::OK();
}

/// Whether the columns that a source declares are those of folders, with their types, and no
/// others.
bool DeclaresFoldersAlone(const SourceDefinition& source) {
  return std::ranges::all_of(source.columns, [&](const ColumnDefinition& column) {
    return std::ranges::find(source.partition_columns, column.name) !=
           source.partition_columns.end();
  });
}

/// The columns that the files were found to have, those of folders with the types given; without
/// `row_column`, which files do not hold.
std::shared_ptr<arrow::Schema> WithTypes(
    const arrow::Schema& schema,
    const std::map<std::string, std::shared_ptr<arrow::DataType>>& types,
    const std::string& row_column) {
  arrow::FieldVector fields;
  for (const auto& field : schema.fields()) {
    if (field->name() == row_column) continue;
    const auto type = types.find(field->name());
    fields.push_back(type == types.end() ? field : field->WithType(type->second));
  }
  return arrow::schema(fields, schema.metadata());
}

/// The columns, and further ones of texts behind them.
std::shared_ptr<arrow::Schema> WithText(const arrow::Schema& schema,
                                        const std::vector<std::string>& names) {
  arrow::FieldVector fields = schema.fields();
  for (const std::string& name : names) fields.push_back(arrow::field(name, arrow::utf8()));
  return arrow::schema(fields, schema.metadata());
}

Result<PinnedTable> PinListing(const SourceDefinition& source, const engine::Session& session) {
  ListedFiles listed{
      .url = ToUrl(source.uri, source.uri.ends_with('/')), .objects = {}, .partition_types = {}};
  auto objects = session.ListObjects(listed.url);
  if (!objects.ok() && objects.status().code() == StatusCode::kNotFound)
    objects = std::vector<ObjectInfo>();
  if (!objects.ok()) return objects.status();
  if (objects->empty() && !source.uri.ends_with('/')) {
    listed.url = ToUrl(source.uri, /*folder=*/true);
    WEIR_ASSIGN_OR_RETURN(objects, session.ListObjects(listed.url));
  }
  for (const ObjectInfo& object : *objects) {
    if (!IsHidden(object.relative_path) && !IsFolder(object, *objects))
      listed.objects.push_back(object);
  }
  return PinFiles(source, listed, session);
}

/// "s3://bucket" of a URL; empty for a path.
std::string StoreOf(const std::string& uri) {
  const size_t host = uri.find("://");
  return host == std::string::npos ? std::string() : uri.substr(0, uri.find('/', host + 3));
}

/// What is understood, but cannot be had of a source.
Status CheckSupported(const SourceDefinition& source) {
  if (source.unbounded) {
    return Status::User(StatusCode::kUnsupported,
                        "a source that ends is wanted, found an `UNBOUNDED` one")
        .WithHint(
            "leave UNBOUNDED out: each run reads what is there when it begins. What came since an "
            "earlier version of a Delta table is its change feed: OPTIONS ('change_feed' 'true', "
            "'first_version' '…'); 'version' pins a table");
  }
  if (source.change_feed && !(source.file_column + source.row_column).empty()) {
    return Status::User(StatusCode::kUnsupported,
                        "rows of a table are wanted for `{}`, found those of a change feed",
                        source.file_column.empty() ? "row_number_column" : "file_column")
        .WithHint("leave the option out, or 'change_feed'");
  }
  if (source.format == SourceFormat::kDelta && !source.options.empty()) {
    const std::string store = StoreOf(source.uri);
    const std::string& key = source.options.begin()->first;
    if (store.empty()) {
      return Status::User(StatusCode::kUnsupported,
                          "a location in an object store is wanted for the option `{}`, found `{}`",
                          key, source.location_as_written)
          .WithHint("leave the option out");
    }
    return Status::User(StatusCode::kUnsupported,
                        "access to storage is wanted in weir.toml, found the option `{}`", key)
        .WithHint(fmt::format("write `{} = \"…\"` under `[object_stores.\"{}\"]` in weir.toml; "
                              "`${{NAME}}` takes an environment variable",
                              key, store));
  }
  return Status::OK();
}

/// A hint for failures that have none.
Status WithAdvice(const Status& status, const SourceDefinition& source) {
  if (!status.hint().empty()) return status;
  switch (status.code()) {
    case StatusCode::kNotFound:
      return StoreOf(source.uri).empty()
                 ? status.WithHint("a relative LOCATION counts from the project's folder")
                 : status.WithHint(
                       fmt::format("weir.toml says how to reach it: `[object_stores.\"{}\"]`",
                                   StoreOf(source.uri)));
    case StatusCode::kInvalidArgument:
      return status.WithHint("mend the file, or declare the columns in the source's statement");
    case StatusCode::kCorrupt:
      return status.WithHint("restore the file, or remove it from the location");
    case StatusCode::kPermission:
      return StoreOf(source.uri).empty()
                 ? status.WithHint("give the user who runs weir the right to read it")
                 : status.WithHint(
                       fmt::format("give the credentials of `[object_stores.\"{}\"]` in "
                                   "weir.toml the right to read it, or name others",
                                   StoreOf(source.uri)));
    default:
      return status;
  }
}

std::string CodeOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kNotFound:
      return "W3001";
    case StatusCode::kUnsupported:
      return "W3002";
    case StatusCode::kCorrupt:
      return "W3003";
    case StatusCode::kPermission:
      return "W3004";
    case StatusCode::kConflict:
      return "W3008";
    default:
      return "W3005";
  }
}

/// The bytes of a plan cannot name a table that has a dot in its name: views do not get to see it.
Status RegisterForViews(const std::string& name, const engine::Table& table,
                        const engine::Session& session) {
  return name.find('.') == std::string::npos ? session.RegisterTable(name, table) : Status::OK();
}

}  // namespace

std::string FileName(std::string_view path, const std::string& url) {
  return path.empty() ? DecodePercent(url.substr(url.find_last_of('/') + 1)) : std::string(path);
}

std::string ToUrl(const std::string& location, bool folder) {
  std::string url =
      location.find("://") == std::string::npos ? "file://" + EncodePath(location) : location;
  if (folder && !url.ends_with('/')) url += '/';
  return url;
}

Result<PinnedTable> PinView(const std::string& name, const std::string& url, int64_t version,
                            const std::shared_ptr<arrow::Schema>& schema,
                            const std::vector<std::string>& partition_columns,
                            std::vector<DataFile> files, const engine::Session& session) {
  PinnedTable table;
  table.name = name;
  table.kind = TableKind::kView;
  table.url = url;
  table.format = "delta";
  table.version = version;
  table.schema = schema;
  table.partition_columns = partition_columns;
  const engine::FileTableSpec spec{.root_url = url,
                                   .format = "parquet",
                                   .options = {},
                                   .partition_columns = partition_columns,
                                   .required_columns = {},
                                   .files = files};
  WEIR_ASSIGN_OR_RETURN(table.table, engine::Table::FromFiles(session, spec, schema));
  table.files = std::make_shared<const TableFiles>(std::move(files));
  return table;
}

Result<PinnedTable> PinFiles(const SourceDefinition& source, const ListedFiles& listed,
                             const engine::Session& session) {
  PinnedTable table;
  table.name = source.name;
  table.kind = TableKind::kListing;
  table.is_retained = source.retains;
  table.format = std::string(ToString(source.format));
  table.partition_columns = source.partition_columns;
  table.url = listed.url;
  FingerprintBuilder listing;
  std::vector<DataFile> files;
  bool has_empty = false;
  for (const ObjectInfo& object : listed.objects) {
    if (object.size_bytes == 0 && source.format == SourceFormat::kParquet) {
      return Status::Environment(StatusCode::kCorrupt,
                                 "a Parquet file is wanted, found one without a byte: `{}`",
                                 object.url);
    }
    // A text without a byte has no rows.
    if (object.size_bytes == 0) {
      has_empty = true;
      continue;
    }
    DataFile file{.path = object.relative_path,
                  .size_bytes = object.size_bytes,
                  .modified_ms = object.modified_ms};
    file.etag = object.etag;
    WEIR_ASSIGN_OR_RETURN(file.partition_values, HivePartitions(file.path, source));
    if (!source.file_column.empty())
      file.partition_values.emplace_back(source.file_column, FileName(file.path, listed.url));
    listing.Add("path", file.path)
        .Add("size", file.size_bytes)
        .Add("modified", file.modified_ms)
        .Add("etag", object.etag);
    files.push_back(std::move(file));
  }
  if (files.empty() && !has_empty) {
    return Status::User(StatusCode::kNotFound, "files are wanted, found none at `{}`",
                        source.location_as_written);
  }
  if (files.empty() && source.columns.empty()) {
    return Status::User(StatusCode::kInvalidArgument,
                        "columns are wanted, found files without a byte at `{}`",
                        source.location_as_written)
        .WithHint("declare the columns: CREATE EXTERNAL TABLE t (a INT, …)");
  }
  table.listing_hash = listing.Finish();
  FingerprintBuilder how;
  how.Add("format", table.format);
  for (const auto& [key, value] : source.options) how.Add(key, value);
  for (const std::string& column : RequiredColumns(source)) how.Add("not null", column);
  if (!source.file_column.empty()) how.Add("file column", source.file_column);
  if (!source.row_column.empty()) how.Add("row column", source.row_column);
  table.read_options_hash = how.Finish().ToString();

  std::shared_ptr<arrow::Schema> schema;
  auto partition_types = listed.partition_types;
  if (!source.columns.empty()) {
    WEIR_ASSIGN_OR_RETURN(schema, DeclaredSchema(source, session));
    WEIR_RETURN_NOT_OK(CheckPartitionTypes(source, *schema));
  }
  if (schema && DeclaresFoldersAlone(source)) {
    for (const auto& field : schema->fields()) partition_types[field->name()] = field->type();
    schema = nullptr;
  }
  engine::FileTableSpec spec{.root_url = table.url,
                             .format = table.format,
                             .options = source.options,
                             .partition_columns = table.partition_columns,
                             .required_columns = RequiredColumns(source),
                             .files = files,
                             .row_column = source.row_column};
  WEIR_ASSIGN_OR_RETURN(SourceColumns columns, SettleFileColumns(source, spec, schema, session));
  table.drift = std::move(columns.drift);
  // A file's name is the same in all of its rows, as the values of its folders are.
  if (!source.file_column.empty()) spec.partition_columns.push_back(source.file_column);
  if (columns.schema && !schema)
    columns.schema = WithText(*columns.schema, source.partition_columns);
  if (columns.schema && !source.file_column.empty())
    columns.schema = WithText(*columns.schema, {source.file_column});
  WEIR_ASSIGN_OR_RETURN(table.table, engine::Table::FromFiles(session, spec, columns.schema));
  WEIR_ASSIGN_OR_RETURN(table.schema, table.table->schema());
  if (!schema && !partition_types.empty()) {
    WEIR_ASSIGN_OR_RETURN(
        table.table,
        engine::Table::FromFiles(session, spec,
                                 WithTypes(*table.schema, partition_types, source.row_column)));
    WEIR_ASSIGN_OR_RETURN(table.schema, table.table->schema());
  }
  table.reading = ReadingOf(source);
  table.files = std::make_shared<const TableFiles>(std::move(files));
  return CheckPlaces(std::move(table));
}

Result<PinnedTable> PinSource(const SourceDefinition& source, const engine::Session& session) {
  WEIR_RETURN_NOT_OK(CheckSupported(source));
  if (source.change_feed) {
    return PinChanges(source.name, ToUrl(source.uri, true), source.first_version,
                      source.version.value_or(-1), source.timestamp.value_or(""), session);
  }
  if (source.format == SourceFormat::kDelta) {
    std::shared_ptr<arrow::Schema> declared;
    if (!source.columns.empty()) {
      WEIR_ASSIGN_OR_RETURN(declared, DeclaredSchema(source, session));
    }
    return PinDeltaSource(source, ToUrl(source.uri, true), declared, session);
  }
  return PinListing(source, session);
}

Catalog Catalog::Open(const ProjectDefinition& project, const engine::Session& session,
                      Diagnostics& diagnostics) {
  Catalog catalog;
  for (const SourceDefinition& source : project.sources) {
    auto pinned = PinSource(source, session);
    Status status =
        pinned.ok() ? RegisterForViews(source.name, *pinned->table, session) : pinned.status();
    if (!status.ok()) {
      const std::string code = CheckSupported(source).ok() ? CodeOf(status) : "W3006";
      status = WithAdvice(status, source);
      Diagnostic diagnostic =
          ToDiagnostic(code, status.WithContext(fmt::format("source `{}`", source.name)));
      if (status.location().file.empty()) diagnostic.location = source.location;
      catalog.failed_.insert(source.name);
      diagnostics.Add(std::move(diagnostic));
      continue;
    }
    if (pinned->drift) diagnostics.Add(*pinned->drift);
    catalog.tables_.emplace(source.name, *std::move(pinned));
  }
  return catalog;
}

const PinnedTable* Catalog::Find(const std::string& name) const {
  const auto found = tables_.find(name);
  return found == tables_.end() ? nullptr : &found->second;
}

std::vector<std::string> Catalog::names() const {
  std::vector<std::string> names;
  for (const auto& [name, table] : tables_) names.push_back(name);
  return names;
}

Status Catalog::AddView(PinnedTable view, const engine::Session& session) {
  WEIR_RETURN_NOT_OK(RegisterForViews(view.name, *view.table, session));
  std::string name = view.name;
  tables_.insert_or_assign(std::move(name), std::move(view));
  return Status::OK();
}

}  // namespace weir
