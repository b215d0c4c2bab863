// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/path_table.h"

#include <algorithm>
#include <fstream>
#include <regex>
#include <vector>

#include <arrow/type.h>

#include "weir/base/percent_text.h"
#include "weir/catalog/catalog.h"
#include "weir/catalog/path_files.h"
#include "weir/catalog/path_format.h"
#include "weir/catalog/path_pattern.h"

namespace weir {

namespace {

constexpr std::string_view kNullPartition = "__HIVE_DEFAULT_PARTITION__";

std::string FileName(const ObjectInfo& file) {
  return file.relative_path.substr(file.relative_path.rfind('/') + 1);
}

std::string_view ReaderOf(SourceFormat format) {
  switch (format) {
    case SourceFormat::kDelta:
      return "delta_scan";
    case SourceFormat::kParquet:
      return "read_parquet";
    case SourceFormat::kCsv:
      return "read_csv";
    case SourceFormat::kNdjson:
      return "read_json";
  }
  return "";
}

std::string Words(const NamedFormat& named) {
  const auto compression = named.options.find("compression");
  return fmt::format("{}{}", ToString(named.format),
                     compression == named.options.end() ? "" : " (" + compression->second + ")");
}

// --- formats ---

Status UnknownEnding(const std::string& path, const std::string& name, bool is_one) {
  if (is_one) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a file whose name says its format is wanted ({}), found `{}`",
                        KnownEndings(), path)
        .WithHint(fmt::format("say how to read it: read_csv('{0}'), read_json('{0}') or "
                              "read_parquet('{0}')",
                              path));
  }
  return Status::User(StatusCode::kInvalidArgument,
                      "files whose names say their format are wanted at `{}` ({}), found `{}`",
                      path, KnownEndings(), name)
      .WithHint(
          "write a pattern that leaves it out, such as '…/*.csv', or say how to read all of "
          "them: read_csv('…'), read_json('…'), read_parquet('…')");
}

/// The one format of all files.
Result<NamedFormat> FormatOfFiles(const std::string& path, const PathFiles& found) {
  std::optional<NamedFormat> common;
  std::string first;
  for (const ObjectInfo& file : found.files) {
    const std::string name = FileName(file);
    const auto named = FormatOfName(name);
    if (!named) return UnknownEnding(path, name, !found.is_folder);
    if (!common) {
      common = named;
      first = name;
      continue;
    }
    NamedFormat both = *named;
    both.may_be_array = common->may_be_array;
    if (both != *common) {
      return Status::User(StatusCode::kInvalidArgument,
                          "files of one format are wanted at `{}`, found `{}` ({}) and `{}` ({})",
                          path, first, Words(*common), name, Words(*named))
          .WithHint(fmt::format("write a pattern of one of them, such as '{}/*.{}'",
                                path.substr(0, path.find_last_not_of("/*") + 1),
                                ToString(common->format)));
    }
    common->may_be_array = common->may_be_array || named->may_be_array;
  }
  return *common;
}

/// The format that the query gives, with the compression that all names have.
Result<NamedFormat> GivenFormat(const std::string& path, SourceFormat format,
                                const PathFiles& found) {
  NamedFormat named{.format = format, .options = {}, .may_be_array = false};
  if (format == SourceFormat::kParquet) return named;
  named.may_be_array = format == SourceFormat::kNdjson;
  const std::string compression = CompressionOfName(FileName(found.files.front()));
  for (const ObjectInfo& file : found.files) {
    if (CompressionOfName(FileName(file)) == compression) continue;
    return Status::User(StatusCode::kInvalidArgument,
                        "files of one compression are wanted at `{}`, found `{}` and `{}`", path,
                        FileName(found.files.front()), FileName(file));
  }
  if (!compression.empty()) named.options["compression"] = compression;
  return named;
}

/// Whether a file of this machine begins as an array does; nullopt if that cannot be seen.
std::optional<bool> BeginsArray(const std::string& url, const ObjectInfo& file) {
  const std::string folder = LocalPath(url);
  if (folder.empty()) return std::nullopt;
  std::ifstream in(folder + "/" + file.relative_path, std::ios::binary);
  if (!in) return std::nullopt;
  char c = 0;
  while (in.get(c)) {
    const bool is_mark = c == '\xEF' || c == '\xBB' || c == '\xBF';
    if (!is_mark && c != ' ' && c != '\t' && c != '\n' && c != '\r') return c == '[';
  }
  return std::nullopt;
}

/// Sets `newline_delimited` by how the files begin.
Status ChooseArrays(const std::string& path, const PathFiles& found, NamedFormat& named) {
  if (!named.may_be_array || named.options.contains("compression")) return Status::OK();
  std::optional<bool> is_array;
  std::string first;
  for (const ObjectInfo& file : found.files) {
    const auto begins = BeginsArray(found.url, file);
    if (!begins) continue;
    if (is_array && *is_array != *begins) {
      return Status::User(StatusCode::kInvalidArgument,
                          "files of one form are wanted at `{}`, found an array and records of one "
                          "line each: `{}` and `{}`",
                          path, first, FileName(file));
    }
    if (!is_array) first = FileName(file);
    is_array = begins;
  }
  if (is_array) named.options["newline_delimited"] = *is_array ? "false" : "true";
  return Status::OK();
}

// --- partitions ---

using FolderValues = std::vector<std::pair<std::string, std::string>>;

/// The folders of a path that are named `column=value`.
FolderValues ValuesOfFolders(const std::string& relative_path) {
  FolderValues values;
  std::vector<std::string> parts = PathParts(relative_path);
  parts.pop_back();
  for (const std::string& part : parts) {
    const size_t equals = part.find('=');
    if (equals == std::string::npos || equals == 0) continue;
    values.emplace_back(PercentDecoded(part.substr(0, equals)), part.substr(equals + 1));
  }
  return values;
}

/// The type that all values of a column fit.
class PartitionType {
 public:
  void Add(const std::string& folder) {
    if (folder == kNullPartition) return;
    static const std::regex whole(R"(0|-?[1-9][0-9]{0,17})");
    static const std::regex date(R"([0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))");
    static const std::regex time(
        R"([0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[ T][0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?)");
    const std::string value = PercentDecoded(folder);
    is_seen_ = true;
    is_whole_ = is_whole_ && std::regex_match(value, whole);
    is_date_ = is_date_ && std::regex_match(value, date);
    is_time_ = is_time_ && std::regex_match(value, time);
  }

  std::shared_ptr<arrow::DataType> type() const {
    if (!is_seen_) return arrow::utf8();
    if (is_whole_) return arrow::int64();
    if (is_date_) return arrow::date32();
    return is_time_ ? arrow::timestamp(arrow::TimeUnit::MICRO) : arrow::utf8();
  }

 private:
  bool is_seen_ = false;
  bool is_whole_ = true;
  bool is_date_ = true;
  bool is_time_ = true;
};

bool HaveSameColumns(const FolderValues& left, const FolderValues& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const auto& a, const auto& b) { return a.first == b.first; });
}

/// Finds the columns that folders are named after, and their types.
Status ReadPartitions(const std::string& path, const PathFiles& found, std::string_view reader,
                      SourceDefinition& source, ListedFiles& listed) {
  const FolderValues first = ValuesOfFolders(found.files.front().relative_path);
  std::vector<PartitionType> types(first.size());
  for (const ObjectInfo& file : found.files) {
    const FolderValues values = ValuesOfFolders(file.relative_path);
    if (!HaveSameColumns(first, values)) {
      return Status::User(StatusCode::kInvalidArgument,
                          "folders of the same columns (`column=value`) are wanted in the paths of "
                          "all files at `{}`, found `{}` and `{}`",
                          path, found.files.front().relative_path, file.relative_path)
          .WithHint(fmt::format("{}('{}', hive_partitioning => false) reads the files alone",
                                reader, path));
    }
    for (size_t i = 0; i < values.size(); ++i) types[i].Add(values[i].second);
  }
  for (size_t i = 0; i < first.size(); ++i) {
    const std::string& column = first[i].first;
    const auto& columns = source.partition_columns;
    if (std::find(columns.begin(), columns.end(), column) != columns.end()) {
      return Status::User(StatusCode::kInvalidArgument,
                          "a column is named by two folders in one path: `{}` in `{}`", column,
                          found.files.front().relative_path)
          .WithHint(fmt::format("{}('{}', hive_partitioning => false) reads the files alone",
                                reader, path));
    }
    source.partition_columns.push_back(column);
    listed.partition_types[column] = types[i].type();
  }
  return Status::OK();
}

// --- failures ---

Status InWordsOfPaths(const Status& status, const std::string& path, std::string_view reader) {
  if (status.message().starts_with("columns are wanted, found files without a byte")) {
    return Status::User(StatusCode::kInvalidArgument,
                        "columns are wanted, found a file without a byte: `{}`", path)
        .WithHint("a CSV file begins with the names of its columns, an NDJSON file has a record");
  }
  if (status.code() == StatusCode::kConflict) {
    return status.WithHint(
        "read the files apart: SELECT … FROM 'one file' UNION ALL SELECT CAST(… AS …) FROM "
        "'another'");
  }
  if (status.hint().find("source's") != std::string::npos) {
    return status.WithHint(
        fmt::format("mend the file, or say how to read it: {}('{}', …)", reader, path));
  }
  return status;
}

Result<PinnedTable> PinDeltaPath(const std::string& path, const PathFiles& found,
                                 const PathReading& reading, const engine::Session& session) {
  if (reading.format && *reading.format != SourceFormat::kDelta) {
    return Status::User(StatusCode::kInvalidArgument,
                        "files of the format `{}` are wanted, found a Delta table: `{}`",
                        ToString(*reading.format), path)
        .WithHint(fmt::format("delta_scan('{0}') reads the table, and so does its name alone: FROM "
                              "'{0}'",
                              path));
  }
  auto pinned = PinDelta(path, found.url, reading.version, reading.timestamp, session);
  if (pinned.ok()) return pinned;
  const Status& status = pinned.status();
  return status.hint().find("option '") == std::string::npos
             ? status
             : status.WithHint(
                   "delta_scan('…') without `version` and `timestamp` reads the latest "
                   "version");
}

}  // namespace

bool LooksLikePath(std::string_view name) {
  return name.find('/') != std::string_view::npos || IsPathPattern(name) || name == "." ||
         name == ".." || name == "~" || FormatOfName(name).has_value();
}

Result<PinnedTable> PinPath(const std::string& path, const PathReading& reading,
                            const engine::Session& session) {
  WEIR_ASSIGN_OR_RETURN(const PathFiles found, FindPathFiles(path, session));
  if (found.is_delta) return PinDeltaPath(path, found, reading, session);
  if (reading.format == SourceFormat::kDelta) {
    return Status::User(StatusCode::kNotFound,
                        "a Delta table is wanted, found no `_delta_log` in `{}`", path)
        .WithHint(fmt::format("FROM '{}' reads the files that are there", path));
  }
  auto named =
      reading.format ? GivenFormat(path, *reading.format, found) : FormatOfFiles(path, found);
  if (!named.ok()) return named.status();
  for (const auto& [key, value] : reading.options) named->options[key] = value;
  WEIR_RETURN_NOT_OK(ChooseArrays(path, found, *named));

  SourceDefinition source;
  source.name = path;
  source.format = named->format;
  source.location_as_written = path;
  source.options = named->options;
  ListedFiles listed{.url = found.url, .objects = found.files, .partition_types = {}};
  const std::string_view reader = ReaderOf(named->format);
  if (reading.partitions) WEIR_RETURN_NOT_OK(ReadPartitions(path, found, reader, source, listed));
  auto pinned = PinFiles(source, listed, session);
  // Of compressed and of remote files it shows only now whether they hold an array.
  if (!pinned.ok() && named->may_be_array && !source.options.contains("newline_delimited")) {
    source.options["newline_delimited"] = "false";
    auto as_array = PinFiles(source, listed, session);
    const size_t from_paths = source.partition_columns.size();
    if (as_array.ok() && static_cast<size_t>(as_array->schema->num_fields()) > from_paths)
      return as_array;
  }
  return pinned.ok() ? pinned : InWordsOfPaths(pinned.status(), path, reader);
}

}  // namespace weir
