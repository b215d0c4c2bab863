// SPDX-License-Identifier: Apache-2.0

#include "weir/run/delta_history.h"

#include <charconv>

#include <nlohmann/json.hpp>

#include "weir/base/json_text.h"
#include "weir/delta/delta_commit.h"
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
  const nlohmann::json pins = Object(text("pins")), listings = Object(text("listings"));
  for (const auto& [table, version] : pins.items()) {
    if (version.is_number_integer()) record.pins[table] = version.get<int64_t>();
  }
  for (const auto& [table, files] : listings.items()) record.listings[table] = Texts(files);
  return record;
}

Result<std::optional<BuildRecord>> DeltaHistory::LastBuild(const std::string& view_name) const {
  WEIR_ASSIGN_OR_RETURN(const auto last,
                        ReadLastCommit(session_, TableUrl(warehouse_url_, view_name)));
  if (!last) return std::optional<BuildRecord>();
  auto record = FromCommitMetadata(last->metadata);
  if (!record) return std::optional<BuildRecord>();
  record->version = last->version;
  record->table_version = last->table_version;
  return record;
}

}  // namespace weir
