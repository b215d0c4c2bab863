// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/log_events.h"

#include <string>
#include <vector>

#include "weir/base/secret_names.h"
#include "weir/engine/bridge_values.h"
#include "weir/engine/log_callback.h"

namespace weir {

void TakeLogEvent(uint8_t level, rust::Str target, rust::Str message,
                  const rust::Vec<bridge::KeyValue>& fields) noexcept {
  try {
    std::vector<std::string> names, texts;
    names.reserve(fields.size());
    texts.reserve(fields.size());
    std::vector<LogField> all = {{"target", std::string_view(target.data(), target.size())}};
    for (const bridge::KeyValue& field : fields) {
      const std::string& name = names.emplace_back(field.key);
      all.emplace_back(name, texts.emplace_back(NamesSecret(name)
                                                    ? "***"
                                                    : WithoutUrlSecrets(std::string(field.value))));
    }
    WriteLog(static_cast<LogLevel>(level), WithoutUrlSecrets(std::string(message)), all);
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
