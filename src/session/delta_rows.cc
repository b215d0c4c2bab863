// SPDX-License-Identifier: Apache-2.0

#include "weir/session/delta_rows.h"

#include <algorithm>
#include <map>
#include <vector>

#include <arrow/api.h>
#include <nlohmann/json.hpp>

#include "weir/base/json_text.h"
#include "weir/base/parallel.h"
#include "weir/catalog/catalog.h"
#include "weir/catalog/delta_names.h"
#include "weir/session/row_writer.h"

namespace weir {
namespace {

using Json = nlohmann::json;

constexpr size_t kReaders = 8;  // of commits, which lie in stores far away

std::string Dump(const Json& json) { return JsonText(json); }

/// A value of a log in its text form; a text is itself.
Json TextOf(const Json& value) {
  if (value.is_null() || value.is_string()) return value;
  return Dump(value);
}

// --- files ---

/// Physical names of column mapping to the names that users know; nested ones with dots.
using ColumnNames = std::map<std::string, std::string>;

void AddNames(const arrow::FieldVector& fields, const std::string& physical_path,
              const std::string& path, ColumnNames& names) {
  for (const auto& field : fields) {
    const std::string physical = PhysicalName(*field);
    names[physical_path + physical] = path + field->name();
    if (field->type()->id() == arrow::Type::STRUCT) {
      AddNames(field->type()->fields(), physical_path + physical + ".", path + field->name() + ".",
               names);
    }
  }
}

std::string NameOf(const std::string& physical, const ColumnNames& names) {
  const auto found = names.find(physical);
  return found == names.end() ? physical : found->second;
}

/// Puts the values of a tree of columns into one level.
void Flatten(const Json& values, const std::string& path, const ColumnNames& names, bool as_texts,
             Json& flat) {
  if (!values.is_object()) return;
  for (const auto& [name, value] : values.items()) {
    if (value.is_object()) {
      Flatten(value, path + name + ".", names, as_texts, flat);
    } else if (as_texts) {
      flat[NameOf(path + name, names)] = TextOf(value);
    } else if (value.is_number_integer()) {
      flat[NameOf(path + name, names)] = value;
    }
  }
}

/// NULL where the log has no such statistics.
Json Statistic(const Json& statistics, const char* name, const ColumnNames& names, bool as_texts) {
  const auto found = statistics.find(name);
  if (found == statistics.end() || !found->is_object()) return Json();
  Json flat = Json::object();
  Flatten(*found, "", names, as_texts, flat);
  return flat;
}

template <typename Array>
const Array& ColumnOf(const arrow::RecordBatch& batch, const char* name) {
  return static_cast<const Array&>(*batch.GetColumnByName(name));
}

/// One file of the replay of a log.
std::vector<Json> FileRow(const arrow::RecordBatch& batch, int64_t i, const ColumnNames& names) {
  const auto& statistics_column = ColumnOf<arrow::StringArray>(batch, "statistics");
  const auto& deleted = ColumnOf<arrow::Int64Array>(batch, "deleted_rows");
  const auto& maps = ColumnOf<arrow::MapArray>(batch, "partition_values");
  const auto& keys = static_cast<const arrow::StringArray&>(*maps.keys());
  const auto& items = static_cast<const arrow::StringArray&>(*maps.items());
  Json partition = Json::object();
  for (int64_t k = maps.value_offset(i); maps.IsValid(i) && k < maps.value_offset(i + 1); ++k) {
    partition[NameOf(keys.GetString(k), names)] =
        items.IsValid(k) ? Json(items.GetString(k)) : Json();
  }
  Json statistics = Json::object();
  if (statistics_column.IsValid(i))
    statistics = Json::parse(statistics_column.GetView(i), nullptr, /*allow_exceptions=*/false);
  if (!statistics.is_object()) statistics = Json::object();
  const auto rows = statistics.find("numRecords");
  const bool has_rows = rows != statistics.end() && rows->is_number_integer();
  return {ColumnOf<arrow::StringArray>(batch, "path").GetString(i),
          ColumnOf<arrow::Int64Array>(batch, "size").Value(i),
          ColumnOf<arrow::Int64Array>(batch, "modified").Value(i),
          std::move(partition),
          has_rows ? *rows : Json(),
          deleted.IsValid(i) ? Json(deleted.Value(i)) : Json(),
          Statistic(statistics, "minValues", names, true),
          Statistic(statistics, "maxValues", names, true),
          Statistic(statistics, "nullCount", names, false)};
}

/// The batches of a replay, and the places of its files in the order of their paths.
struct Replay {
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  std::vector<std::pair<size_t, int64_t>> order;
};

Result<Replay> ReadReplay(const engine::DeltaSnapshot& snapshot) {
  Replay replay;
  WEIR_ASSIGN_OR_RETURN(const auto reader, snapshot.ReadFiles(/*statistics=*/true));
  while (true) {
    std::shared_ptr<arrow::RecordBatch> batch;
    const arrow::Status read = reader->ReadNext(&batch);
    if (!read.ok()) return engine::FromStreamFailure(read);
    if (!batch) break;
    if (batch->num_rows() == 0) continue;
    for (int64_t i = 0; i < batch->num_rows(); ++i)
      replay.order.emplace_back(replay.batches.size(), i);
    replay.batches.push_back(std::move(batch));
  }
  const auto path = [&](const std::pair<size_t, int64_t>& at) {
    return ColumnOf<arrow::StringArray>(*replay.batches[at.first], "path").GetView(at.second);
  };
  std::sort(replay.order.begin(), replay.order.end(),
            [&](const auto& left, const auto& right) { return path(left) < path(right); });
  return replay;
}

// --- commits ---

/// A log entry: its version and when it was written.
struct Commit {
  int64_t version = 0;
  int64_t modified_ms = 0;
  std::string url;
};

Result<std::vector<Commit>> ListCommits(const engine::Session& session, const std::string& url,
                                        int64_t version) {
  WEIR_ASSIGN_OR_RETURN(const auto objects, session.ListObjects(url + "_delta_log/"));
  std::vector<Commit> commits;
  for (const ObjectInfo& object : objects) {
    const auto name = ReadLogObjectName(object.relative_path);
    if (name && name->is_commit() && (version < 0 || name->version <= version))
      commits.push_back({name->version, object.modified_ms, object.url});
  }
  std::sort(commits.begin(), commits.end(),
            [](const Commit& left, const Commit& right) { return left.version < right.version; });
  return commits;
}

Json Member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? Json() : *found;
}

/// An object's values as texts; NULL if it is none.
Json TextsOf(const Json& object) {
  if (!object.is_object()) return Json();
  Json texts = Json::object();
  for (const auto& [key, value] : object.items()) texts[key] = TextOf(value);
  return texts;
}

Json TextMember(const Json& object, const char* name) {
  const Json value = Member(object, name);
  return value.is_string() ? value : Json();
}

std::vector<Json> CommitRow(const Commit& commit, const std::string& text) {
  Json info = Json::object();
  int64_t added = 0, removed = 0, bytes = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const Json action = Json::parse(text.begin() + static_cast<ptrdiff_t>(begin),
                                    text.begin() + static_cast<ptrdiff_t>(end), nullptr, false);
    begin = end + 1;
    if (!action.is_object()) continue;
    if (action.contains("commitInfo") && action["commitInfo"].is_object())
      info = action["commitInfo"];
    if (action.contains("remove")) ++removed;
    if (!action.contains("add")) continue;
    ++added;
    const Json size = Member(action["add"], "size");
    if (size.is_number_integer()) bytes += size.get<int64_t>();
  }
  Json time = Member(info, "inCommitTimestamp");
  if (!time.is_number_integer()) time = Member(info, "timestamp");
  if (!time.is_number_integer()) time = commit.modified_ms;
  const Json blind = Member(info, "isBlindAppend");
  const Json weir = Member(info, "weir");
  return {commit.version,
          time,
          TextMember(info, "operation"),
          TextsOf(Member(info, "operationParameters")),
          TextsOf(Member(info, "operationMetrics")),
          added,
          removed,
          bytes,
          blind.is_boolean() ? blind : Json(),
          TextMember(info, "engineInfo"),
          weir.is_object() ? TextMember(weir, "run_id") : Json()};
}

}  // namespace

Result<std::shared_ptr<arrow::RecordBatch>> DeltaFileRows(const FunctionDeclaration& function,
                                                          const engine::Session& session,
                                                          const std::string& url, int64_t version) {
  WEIR_ASSIGN_OR_RETURN(const auto snapshot, OpenDelta(url, version, "", session));
  WEIR_ASSIGN_OR_RETURN(const auto schema, snapshot.schema());
  ColumnNames names;
  AddNames(schema->fields(), "", "", names);
  WEIR_ASSIGN_OR_RETURN(const Replay replay, ReadReplay(snapshot));
  RowWriter writer(function.RowSchema());
  for (const auto& [batch, row] : replay.order)
    WEIR_RETURN_NOT_OK(writer.Add(FileRow(*replay.batches[batch], row, names)));
  return writer.Finish();
}

Result<std::shared_ptr<arrow::RecordBatch>> DeltaHistoryRows(const FunctionDeclaration& function,
                                                             const engine::Session& session,
                                                             const std::string& url,
                                                             int64_t version) {
  // Opened for its errors: no table, no such version, an unknown feature.
  WEIR_RETURN_NOT_OK(OpenDelta(url, version, "", session).status());
  WEIR_ASSIGN_OR_RETURN(const auto commits, ListCommits(session, url, version));
  std::vector<Result<std::string>> texts(commits.size(), Status::Bug("not read"));
  ForEachInParallel(commits.size(), kReaders,
                    [&](size_t i) { texts[i] = session.GetObject(commits[i].url); });
  RowWriter writer(function.RowSchema());
  for (size_t i = 0; i < commits.size(); ++i) {
    WEIR_RETURN_NOT_OK(texts[i].status());
    WEIR_RETURN_NOT_OK(writer.Add(CommitRow(commits[i], *texts[i])));
  }
  return writer.Finish();
}

}  // namespace weir
