// SPDX-License-Identifier: Apache-2.0
//
// Who is told of runs. In: the tables [hooks] and [openlineage] of weir.toml. Out: settings; what
// is wrong is reported with its place (W1011 to W1013, W1032, W1033).

#pragma once

#include <string>

#include "weir/project/toml_reader.h"
#include "weir/project/watch_settings.h"

namespace weir {

/// `before_run = "command of a shell"`, `after_view = ["program", "argument"]`,
/// `timeout_seconds = 60`.
HookSettings ReadHooks(const toml::table& table, TomlReader& reader);

/// `file = "events.jsonl"`, `url = "http://host:5000/api/v1/lineage"`, `headers = { … }`. Files
/// count from the project's folder, `root`.
LineageTarget ReadLineageTarget(const toml::table& table, const std::string& root,
                                TomlReader& reader);

}  // namespace weir
