// SPDX-License-Identifier: Apache-2.0

#include "weir/run/delta_history.h"

#include <charconv>
#include <mutex>
#include <set>

#include <arrow/api.h>
#include <nlohmann/json.hpp>

#include "weir/base/json_text.h"
#include "weir/delta/delta_commit.h"
#include "weir/delta/table_files.h"
#include "weir/session/session_runtime.h"

namespace weir {

namespace {

/// nullopt unless `text` is a count or a time: a whole number of at least zero.
std::optional<int64_t> ToInteger(const std::string& text) {
  int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  if (value < 0) return std::nullopt;
  return value;
}

/// Paths and settings may hold bytes that are no UTF-8.
std::string Text(const nlohmann::json& json) { return JsonText(json); }

/// An empty object if the text is none.
nlohmann::json Object(const std::string& text) {
  auto parsed = nlohmann::json::parse(text, nullptr, false);
  return parsed.is_object() ? parsed : nlohmann::json::object();
}

/// The texts in an object; what else is in it is passed over.
std::map<std::string, std::string> Texts(const nlohmann::json& object) {
  std::map<std::string, std::string> texts;
  if (!object.is_object()) return texts;
  for (const auto& [key, value] : object.items()) {
    if (value.is_string()) texts[key] = value.get<std::string>();
  }
  return texts;
}

}  // namespace

std::string TransactionId(const std::string& view_name) { return "weir.view." + view_name; }

std::map<std::string, std::string> ToCommitMetadata(const BuildRecord& record) {
  return {{"view_name", record.view_name},
          {"fingerprint", record.fingerprint.ToString()},
          {"input_hash", record.input_hash.ToString()},
          {"content_hash", record.content.whole},
          {"readings", JsonText(nlohmann::json(record.content.readings))},
          {"run_id", record.run_id},
          {"epoch", fmt::format("{}", record.epoch)},
          {"rows", fmt::format("{}", record.rows)},
          {"inputs", JsonText(nlohmann::json(record.inputs))},
          {"pins", JsonText(nlohmann::json(record.pins))},
          {"listings", Text(nlohmann::json(record.listings))},
          {"deferred", Text(nlohmann::json(record.deferred))},
          {"definition", Text(nlohmann::json(record.definition))}};
}

std::optional<BuildRecord> FromCommitMetadata(const std::map<std::string, std::string>& metadata) {
  const auto text = [&](const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };
  const auto fingerprint = Fingerprint::Parse(text("fingerprint"));
  const auto input_hash = Fingerprint::Parse(text("input_hash"));
  const auto epoch = ToInteger(text("epoch")), rows = ToInteger(text("rows"));
  const auto inputs = nlohmann::json::parse(text("inputs"), nullptr, false);
  if (!fingerprint.ok() || !input_hash.ok() || !epoch || !rows || !inputs.is_object() ||
      text("view_name").empty() || text("content_hash").empty() || text("run_id").empty()) {
    return std::nullopt;
  }
  BuildRecord record{.view_name = text("view_name"),
                     .fingerprint = *fingerprint,
                     .input_hash = *input_hash,
                     .content = ViewContent(text("content_hash")),
                     .run_id = text("run_id"),
                     .epoch = *epoch,
                     .rows = *rows,
                     .inputs = {}};
  for (const auto& [table, state] : inputs.items()) {
    if (!state.is_string()) return std::nullopt;
    record.inputs[table] = state.get<std::string>();
  }
  // Older builds have none, and none is needed: the whole hash then decides.
  record.content.readings = Texts(Object(text("readings")));
  // The rest only says more about changes.
  record.definition = Texts(Object(text("definition")));
  record.deferred = Texts(Object(text("deferred")));
  const nlohmann::json pins = Object(text("pins")), listings = Object(text("listings"));
  for (const auto& [table, version] : pins.items()) {
    if (version.is_number_integer()) record.pins[table] = version.get<int64_t>();
  }
  for (const auto& [table, files] : listings.items()) record.listings[table] = Texts(files);
  return record;
}

/// The views whose tables earlier runs wrote, as artifacts tell.
struct DeltaHistory::Written {
  std::once_flag once;
  std::set<std::string> views;
};

DeltaHistory::DeltaHistory(engine::Session session, std::string warehouse_url)
    : session_(std::move(session)),
      warehouse_url_(std::move(warehouse_url)),
      written_(std::make_shared<Written>()) {}

Result<std::optional<BuildRecord>> DeltaHistory::LastBuild(const std::string& view_name) const {
  const std::string url = TableUrl(warehouse_url_, view_name);
  WEIR_ASSIGN_OR_RETURN(const auto last, ReadLastCommit(session_, url));
  if (!last) return std::optional<BuildRecord>();
  auto record = FromCommitMetadata(last->metadata);
  if (!record) return std::optional<BuildRecord>();
  record->version = last->version;
  record->table_version = last->table_version;
  record->read_version = last->read_version;
  WEIR_ASSIGN_OR_RETURN(record->missing_files, MissingFiles(session_, url, last->files));
  return record;
}

std::optional<BuildRecord> DeltaHistory::BuildAt(const std::string& view_name,
                                                 int64_t version) const {
  const auto metadata = ReadCommitMetadata(session_, TableUrl(warehouse_url_, view_name), version);
  if (!metadata.ok() || !*metadata) return std::nullopt;
  auto record = FromCommitMetadata(**metadata);
  if (record) record->version = version;
  return record;
}

Unbuilt DeltaHistory::WhyUnbuilt(const std::string& view_name) const {
  const auto last = ReadLastCommit(session_, TableUrl(warehouse_url_, view_name));
  if (!last.ok()) return {};
  if (*last) {
    const std::string by =
        (*last)->engine.empty() ? std::string() : fmt::format(" ({})", (*last)->engine);
    return {.code = "table_replaced",
            .reason = fmt::format("another program{} wrote its table last", by)};
  }
  if (!WasWritten(view_name)) return {};
  return {.code = "table_removed", .reason = "its table was removed"};
}

bool DeltaHistory::WasWritten(const std::string& view_name) const {
  std::call_once(written_->once, [&] {
    static constexpr const char* kName = "_weir_written_views";
    const std::string url = TableUrl(warehouse_url_, "_weir/writes");
    const auto snapshot = engine::DeltaSnapshot::Open(session_, url);
    if (!snapshot.ok()) return;
    const auto table = snapshot->AsTable(session_, url);
    if (!table.ok() || !session_.RegisterTable(kName, *table).ok()) return;
    const auto names = session_.Query(fmt::format("SELECT DISTINCT view_name FROM {}", kName));
    if (!names.ok()) return;
    for (const auto& chunk : (*names)->column(0)->chunks()) {
      for (int64_t row = 0; row < chunk->length(); ++row) {
        const auto name = chunk->GetScalar(row);
        if (name.ok() && (*name)->is_valid) written_->views.insert((*name)->ToString());
      }
    }
  });
  return written_->views.contains(view_name);
}

}  // namespace weir
