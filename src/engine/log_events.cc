// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/log_events.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/secret_names.h"
#include "weir/engine/bridge_values.h"
#include "weir/engine/log_callback.h"

namespace weir {

namespace {

/// Prints stores with what they sign requests with.
constexpr std::string_view kShowsStores = "deltalake_core::table::builder";

/// As which level an event counts. What readers of Delta logs call errors and warnings is what they
/// are asked for, whether a table is there for instance; Weir says itself what comes of it.
LogLevel LevelOf(std::string_view target, LogLevel level) {
  for (const std::string_view reader : {"buoyant_kernel", "delta_kernel", "deltalake"}) {
    if (target.starts_with(reader)) return std::min(level, LogLevel::kDebug);
  }
  return level;
}

}  // namespace

void TakeLogEvent(uint8_t level, rust::Str target, rust::Str message,
                  const rust::Vec<bridge::KeyValue>& fields) noexcept {
  const std::string_view speaker(target.data(), target.size());
  const LogLevel counts_as = LevelOf(speaker, static_cast<LogLevel>(level));
  if (speaker == kShowsStores || !IsLogged(counts_as)) return;
  try {
    std::vector<std::string> names, texts;
    names.reserve(fields.size());
    texts.reserve(fields.size());
    std::vector<LogField> all = {{"target", speaker}};
    for (const bridge::KeyValue& field : fields) {
      const std::string& name = names.emplace_back(field.key);
      all.emplace_back(name, texts.emplace_back(NamesSecret(name)
                                                    ? "***"
                                                    : WithoutUrlSecrets(std::string(field.value))));
    }
    // Some events have fields alone.
    const std::string text = message.empty() ? std::string(speaker) : std::string(message);
    WriteLog(counts_as, WithoutUrlSecrets(text), all);
  } catch (const std::exception&) {
    // There was no memory for it: the engine goes on without.
  }
}

namespace engine {

void LogEngineEvents(LogLevel least) {
  rust::Vec<rust::String> crates;
  for (const char* name :
       {"datafusion", "deltalake", "delta_kernel", "buoyant_kernel", "object_store"})
    crates.push_back(name);
  bridge::forward_log_events(static_cast<uint8_t>(least), crates);
}

}  // namespace engine
}  // namespace weir
