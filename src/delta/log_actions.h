// SPDX-License-Identifier: Apache-2.0
//
// The actions of a Delta log as JSON, as commits hold them (PROTOCOL.md, "Actions"). In: data files
// and texts. Out: JSON values, one a line of a commit.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "weir/engine/data_file.h"

namespace weir {

/// Keys keep their order, so that commits read as others write them. Written by JsonText: what a
/// log holds must be JSON, whatever bytes.
using LogJson = nlohmann::ordered_json;

/// Paths in the log are URL-encoded (PROTOCOL.md, "Add File and Remove File"). Colons too, but for
/// the one behind a scheme: a relative URL with a colon in its first part would be read as one with
/// a scheme.
std::string EncodedLogPath(const std::string& path);

/// A new id of a table.
std::string NewTableId();

/// In the commitInfo of Weir's own commits: how many actions the commit has. One that is cut off
/// between two lines still reads like a commit.
inline constexpr const char* kActionCount = "weirActions";

LogJson AddAction(const DataFile& file, bool changes_data);
LogJson RemoveAction(const DataFile& file, int64_t timestamp_ms, bool changes_data);
/// The folder of change data files, below a table's root.
inline constexpr const char* kChangeFolder = "_change_data/";

/// A file with change data: its path is relative to the table's root.
LogJson ChangeAction(const DataFile& file);

/// The file below a table's root that holds a vector of the storage type "u" without a folder
/// before it (PROTOCOL.md, "Deletion Vector Descriptor"); empty for any other.
std::string VectorFileName(const DeletionVector& vector);

/// The features that a protocol action names below `key`; older protocols name none.
std::vector<std::string> FeaturesOf(const LogJson& protocol, const char* key);

/// The value of a key; empty or -1 where there is none of the type.
std::string TextOf(const LogJson& action, const char* key);
int64_t IntegerOf(const LogJson& action, const char* key);

/// Whether an "add" or "remove" action changes data; maintenance says that it does not.
bool ChangesData(const LogJson& action, const char* kind);

}  // namespace weir
