// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/table_history.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "weir/base/ascii_text.h"
#include "weir/base/json_text.h"
#include "weir/base/percent_text.h"
#include "weir/catalog/delta_names.h"

namespace weir {

namespace {

using Json = nlohmann::json;

constexpr int64_t kStillThere = std::numeric_limits<int64_t>::max();

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int64_t IntegerOf(const Json& object, const char* key, int64_t otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : otherwise;
}

/// The object under `key`, or null.
const Json* ObjectOf(const Json& action, const char* key) {
  const auto found = action.find(key);
  return found != action.end() && found->is_object() ? &*found : nullptr;
}

/// Maintenance says of its files that they change no data.
bool ChangesData(const Json& file) {
  const auto found = file.find("dataChange");
  return found == file.end() || *found != Json(false);
}

std::string PartitionText(const Json& file) {
  const Json* values = ObjectOf(file, "partitionValues");
  return values == nullptr ? "{}" : JsonText(*values);
}

std::string PartitionText(const DataFile& file) {
  Json values = Json::object();
  for (const auto& [column, value] : file.partition_values)
    values[column] = value ? Json(*value) : Json(nullptr);
  return JsonText(values);
}

std::map<std::string, std::string> PropertiesOf(const Json& metadata) {
  std::map<std::string, std::string> properties;
  const Json* configuration = ObjectOf(metadata, "configuration");
  if (configuration == nullptr) return properties;
  for (const auto& [key, value] : configuration->items()) {
    if (value.is_string()) properties[key] = value.get<std::string>();
  }
  return properties;
}

}  // namespace

bool NamedFile::IsIn(int64_t version) const {
  return std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
    return version >= range.first && version < range.second;
  });
}

/// Goes through the log from its beginning.
class TableHistory::Reader {
 public:
  Reader(const DeltaLog& log, const std::string& table_url, const std::vector<StoredFile>& files,
         const std::set<std::string>& recorded, const TableAt& table_at)
      : log_(log), table_url_(table_url), recorded_(recorded), table_at_(table_at) {
    for (const StoredFile& file : files) NoteLogObject(file);
    std::sort(history_.checkpoints_.begin(), history_.checkpoints_.end());
  }

  Result<TableHistory> Read() {
    WEIR_ASSIGN_OR_RETURN(const LogListing listing, log_.List());
    history_.latest_ = listing.latest();
    if (listing.latest() < 0) return std::move(history_);
    WEIR_RETURN_NOT_OK(Begin(listing));
    for (const int64_t version : listing.commits) WEIR_RETURN_NOT_OK(ReadCommit(version));
    IndexNames();
    return std::move(history_);
  }

 private:
  void NoteLogObject(const StoredFile& file) {
    if (!file.path.starts_with(kLogFolder)) return;
    const auto name = ReadLogObjectName(std::string_view(file.path).substr(kLogFolder.size()));
    if (!name) return;
    if (name->rest == ".checkpoint.parquet") history_.checkpoints_.push_back(name->version);
    if (name->is_commit()) modified_ms_[name->version] = file.modified_ms;
  }

  /// Finds the first version that can be told, and what it holds if no commit says so.
  Status Begin(const LogListing& listing) {
    // The commits that follow each other up to the latest.
    int64_t from = listing.latest() + 1;
    for (auto version = listing.commits.rbegin(); version != listing.commits.rend(); ++version) {
      if (*version != from - 1) break;
      from = *version;
    }
    if (from == 0) {
      history_.first_ = 0;
      return Status::OK();
    }
    const auto& checkpoints = history_.checkpoints_;
    const auto base = std::lower_bound(checkpoints.begin(), checkpoints.end(), from - 1);
    // Without one of a single file, the engine finds what the last checkpoint is made of.
    history_.first_ = base != checkpoints.end() ? *base : listing.last_checkpoint;
    WEIR_ASSIGN_OR_RETURN(const TableState table, table_at_(history_.first_));
    for (const DataFile& file : table.files) {
      NamedFile& named = At(Relative(file.path));
      named.size_bytes = file.size_bytes;
      named.partition = PartitionText(file);
      named.has_deletion_vector = file.has_deletion_vector;
      named.ranges.emplace_back(history_.first_, kStillThere);
    }
    const Json metadata = Json::parse(table.metadata, nullptr, false);
    if (metadata.is_object()) history_.properties_ = PropertiesOf(metadata);
    return Status::OK();
  }

  Status ReadCommit(int64_t version) {
    WEIR_ASSIGN_OR_RETURN(const std::string text, log_.ReadCommit(version));
    TableVersion commit{.version = version};
    const auto modified = modified_ms_.find(version);
    // Of what has no time nobody knows that it is old.
    commit.time_ms = modified == modified_ms_.end() ? kStillThere : modified->second;
    std::vector<Json> added, removed;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.empty()) continue;
      Json action = Json::parse(line, nullptr, false);
      if (action.is_discarded()) {
        return Status::Environment(StatusCode::kCorrupt,
                                   "version {} of the table's log is damaged: `{}`", version,
                                   table_url_)
            .WithHint(
                "restore the file from a backup, or remove the table's folder to build it anew");
      }
      if (!action.is_object()) continue;
      if (const Json* info = ObjectOf(action, "commitInfo")) ReadInfo(*info, commit);
      // What holds where the log begins is known already.
      const bool is_after = version > history_.first_ || history_.first_ == 0;
      if (const Json* metadata = ObjectOf(action, "metaData"); metadata != nullptr && is_after)
        history_.properties_ = PropertiesOf(*metadata);
      if (const Json* file = ObjectOf(action, "cdc")) At(PathOf(*file)).changes_of = version;
      for (const auto& [kind, files] : {std::pair{"add", &added}, std::pair{"remove", &removed}}) {
        const Json* file = ObjectOf(action, kind);
        if (file == nullptr) continue;
        commit.is_build = commit.is_build || ChangesData(*file);
        files->push_back(*file);
      }
    }
    Apply(version, added, removed);
    history_.versions_.push_back(std::move(commit));
    return Status::OK();
  }

  void ReadInfo(const Json& info, TableVersion& commit) const {
    commit.time_ms = IntegerOf(info, "timestamp", commit.time_ms);
    commit.is_ours = TextOf(info, "engineInfo") == "weir";
    const Json* ours = ObjectOf(info, "weir");
    if (ours == nullptr) return;
    commit.is_build = true;
    for (const std::string& key : recorded_) {
      if (const auto found = ours->find(key); found != ours->end() && found->is_string())
        commit.recorded[key] = found->get<std::string>();
    }
  }

  /// The removals of a commit come first: the file of a new deletion vector is removed and added.
  void Apply(int64_t version, const std::vector<Json>& added, const std::vector<Json>& removed) {
    const bool is_before = version <= history_.first_ && history_.first_ > 0;
    for (const Json& file : removed) {
      NamedFile& named = At(PathOf(file));
      if (named.size_bytes == 0) named.size_bytes = IntegerOf(file, "size", 0);
      if (!is_before && !named.ranges.empty() && named.ranges.back().second == kStillThere)
        named.ranges.back().second = version;
    }
    for (const Json& file : added) {
      NamedFile& named = At(PathOf(file));
      named.size_bytes = IntegerOf(file, "size", named.size_bytes);
      named.partition = PartitionText(file);
      named.has_deletion_vector = ObjectOf(file, "deletionVector") != nullptr;
      if (is_before) continue;
      if (!named.ranges.empty() && named.ranges.back().second == version) {
        named.ranges.back().second = kStillThere;
      } else if (named.ranges.empty() || named.ranges.back().second != kStillThere) {
        named.ranges.emplace_back(version, kStillThere);
      }
    }
  }

  /// As the log has it; a file may be named by its whole URL.
  std::string PathOf(const Json& file) {
    const std::string path = Relative(TextOf(file, "path"));
    std::string decoded = PercentDecoded(path);
    if (decoded != path) spelled_[decoded].insert(path);
    return decoded;
  }

  std::string Relative(std::string path) const {
    for (const std::string& root : {table_url_, PercentDecoded(table_url_)}) {
      if (path.starts_with(root)) return path.substr(root.size());
    }
    return path;
  }

  NamedFile& At(const std::string& path) {
    const auto [found, is_new] = by_path_.emplace(path, history_.files_.size());
    if (is_new) history_.files_.push_back({.path = path, .partition = "{}"});
    return history_.files_[found->second];
  }

  void IndexNames() {
    for (const auto& [path, i] : by_path_) {
      std::set<std::string> spellings = {path};
      if (const auto found = spelled_.find(path); found != spelled_.end())
        spellings.insert(found->second.begin(), found->second.end());
      for (const std::string& spelling : spellings) history_.by_spelling_[spelling].push_back(i);
    }
  }

  const DeltaLog& log_;
  const std::string& table_url_;
  const std::set<std::string>& recorded_;
  const TableAt& table_at_;
  TableHistory history_;
  std::map<int64_t, int64_t> modified_ms_;
  std::unordered_map<std::string, size_t> by_path_;
  std::unordered_map<std::string, std::set<std::string>> spelled_;
};

Result<TableHistory> TableHistory::Read(const DeltaLog& log, const std::string& table_url,
                                        const std::vector<StoredFile>& files,
                                        const std::set<std::string>& recorded,
                                        const TableAt& table_at) {
  return Reader(log, table_url, files, recorded, table_at).Read();
}

const TableVersion* TableHistory::Find(int64_t version) const {
  const auto found =
      std::lower_bound(versions_.begin(), versions_.end(), version,
                       [](const TableVersion& v, int64_t wanted) { return v.version < wanted; });
  return found != versions_.end() && found->version == version ? &*found : nullptr;
}

const TableVersion* TableHistory::BuildAt(int64_t version) const {
  const auto found = std::find_if(versions_.rbegin(), versions_.rend(), [&](const TableVersion& v) {
    return v.version <= version && v.is_build;
  });
  return found == versions_.rend() ? nullptr : &*found;
}

std::string TableHistory::PropertyOf(const std::string& key) const {
  const auto found = properties_.find(key);
  return found == properties_.end() ? std::string() : found->second;
}

std::optional<int64_t> TableHistory::DurationOf(const std::string& key) const {
  const std::string text = PropertyOf(key);
  if (text.empty()) return std::nullopt;
  return ParseDeltaInterval(text).value_or(std::numeric_limits<int64_t>::max());
}

std::vector<const NamedFile*> TableHistory::Named(const std::string& stored_path) const {
  std::set<size_t> found;
  for (const std::string& spelling : {stored_path, PercentDecoded(stored_path)}) {
    const auto files = by_spelling_.find(spelling);
    if (files != by_spelling_.end()) found.insert(files->second.begin(), files->second.end());
  }
  std::vector<const NamedFile*> named;
  named.reserve(found.size());
  for (const size_t i : found) named.push_back(&files_[i]);
  return named;
}

std::optional<int64_t> ParseDeltaInterval(std::string_view text) {
  static constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"nanosecond", 0},  {"microsecond", 0},  {"millisecond", 1},  {"second", 1000},
      {"minute", 60'000}, {"hour", 3'600'000}, {"day", 86'400'000}, {"week", 604'800'000}};
  std::istringstream words{AsciiLowerCase(text)};
  std::string word;
  if (!(words >> word)) return std::nullopt;
  if (word == "interval" && !(words >> word)) return std::nullopt;
  int64_t total = 0;
  do {
    int64_t number = 0;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != word.data() + word.size() || number < 0 ||
        !(words >> word))
      return std::nullopt;
    if (word.size() > 1 && word.ends_with('s')) word.pop_back();
    const auto unit = std::find_if(std::begin(kUnits), std::end(kUnits),
                                   [&](const auto& known) { return known.first == word; });
    if (unit == std::end(kUnits)) return std::nullopt;
    if (__builtin_mul_overflow(number, unit->second, &number) ||
        __builtin_add_overflow(total, number, &total))
      return std::nullopt;
  } while (words >> word);
  return total;
}

}  // namespace weir
