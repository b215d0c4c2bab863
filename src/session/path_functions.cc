// SPDX-License-Identifier: Apache-2.0

#include "weir/session/path_functions.h"

#include "weir/base/ascii_text.h"
#include "weir/catalog/path_table.h"

namespace weir {

namespace {

/// The names that the arguments have as options of a source; those that are no options are not
/// here.
struct ReaderOption {
  std::string_view argument;
  std::string_view option;
  bool is_character = false;
};
constexpr ReaderOption kOptions[] = {
    {"delim", "delimiter", true},   {"header", "has_header"},           {"quote", "quote", true},
    {"escape", "escape", true},     {"comment", "comment", true},       {"nullstr", "null_value"},
    {"compression", "compression"}, {"null_padding", "truncated_rows"},
};

/// One ASCII character, or an escape as sources have them.
Result<std::string> CharacterOf(const FunctionDeclaration& function, std::string_view argument,
                                const std::string& text) {
  if (text == "\\t") return std::string("\t");
  if (text.size() == 1 && (static_cast<unsigned char>(text[0]) & 0x80) == 0) return text;
  return CallFailure(function, "{} wants one ASCII character, or `\\t`, found `{}`", argument,
                     text);
}

Result<bool> FlagOf(const FunctionDeclaration& function, std::string_view argument,
                    const std::string& text) {
  const std::string lower = AsciiLowerCase(text);
  if (lower == "true" || lower == "1") return true;
  if (lower == "false" || lower == "0") return false;
  return CallFailure(function, "{} wants true or false, found `{}`", argument, text);
}

std::string TextOf(const TableArgument& argument) {
  if (const auto* text = std::get_if<std::string>(&argument)) return *text;
  if (const auto* number = std::get_if<int64_t>(&argument)) return fmt::format("{}", *number);
  return {};
}

Status AddOption(const FunctionDeclaration& function, std::string_view name,
                 const TableArgument& value, PathReading& reading) {
  if (std::holds_alternative<std::monostate>(value)) return Status::OK();
  const std::string text = TextOf(value);
  if (name == "hive_partitioning") {
    WEIR_ASSIGN_OR_RETURN(reading.partitions, FlagOf(function, name, text));
    return Status::OK();
  }
  if (name == "format") {
    if (text != "auto" && text != "array" && text != "newline_delimited") {
      return CallFailure(function, "format wants auto, array or newline_delimited, found `{}`",
                         text);
    }
    if (text != "auto") reading.options["newline_delimited"] = text == "array" ? "false" : "true";
    return Status::OK();
  }
  for (const ReaderOption& option : kOptions) {
    if (option.argument != name) continue;
    std::string wanted = text;
    if (option.is_character) {
      WEIR_ASSIGN_OR_RETURN(wanted, CharacterOf(function, name, text));
    }
    if (name == "header" || name == "null_padding") {
      WEIR_ASSIGN_OR_RETURN(const bool flag, FlagOf(function, name, text));
      wanted = flag ? "true" : "false";
    }
    reading.options[std::string(option.option)] = wanted;
  }
  return Status::OK();
}

Result<std::string> PathOf(const FunctionDeclaration& function, const TableArgument& argument) {
  const auto* path = std::get_if<std::string>(&argument);
  if (path == nullptr || path->empty())
    return CallFailure(function, "path wants a text, found none");
  return *path;
}

Result<engine::Table> TableAt(const FunctionDeclaration& function, const std::string& path,
                              const PathReading& reading, const engine::Session& session) {
  auto pinned = PinPath(path, reading, session);
  if (!pinned.ok()) return InCall(function, pinned.status());
  return *pinned->table;
}

}  // namespace

Result<engine::Table> ReadPathRows(const FunctionDeclaration& function,
                                   const engine::Session& session,
                                   const std::vector<TableArgument>& arguments) {
  WEIR_ASSIGN_OR_RETURN(const std::string path, PathOf(function, arguments[0]));
  PathReading reading;
  reading.format = function.name == "read_parquet" ? SourceFormat::kParquet
                   : function.name == "read_csv"   ? SourceFormat::kCsv
                                                   : SourceFormat::kNdjson;
  if (function.name == "read_ndjson") reading.options["newline_delimited"] = "true";
  for (size_t i = 1; i < arguments.size(); ++i) {
    WEIR_RETURN_NOT_OK(AddOption(function, function.arguments[i].name, arguments[i], reading));
  }
  return TableAt(function, path, reading, session);
}

Result<DeltaPin> PinOfCall(const FunctionDeclaration& function,
                           const std::vector<TableArgument>& arguments) {
  DeltaPin pin;
  if (const auto* version = std::get_if<int64_t>(&arguments[1])) {
    if (*version < 0)
      return CallFailure(function, "version wants a number from 0 on, found `{}`", *version);
    pin.version = *version;
  } else if (const auto* text = std::get_if<std::string>(&arguments[1])) {
    return CallFailure(function, "version wants a whole number, found `{}`", *text);
  }
  if (std::holds_alternative<std::monostate>(arguments[2])) return pin;
  pin.timestamp = TextOf(arguments[2]);
  if (pin.version >= 0) return CallFailure(function, "version or timestamp is wanted, found both");
  return pin;
}

Result<engine::Table> ScanDeltaPath(const FunctionDeclaration& function,
                                    const engine::Session& session,
                                    const std::vector<TableArgument>& arguments) {
  WEIR_ASSIGN_OR_RETURN(const std::string path, PathOf(function, arguments[0]));
  WEIR_ASSIGN_OR_RETURN(const DeltaPin pin, PinOfCall(function, arguments));
  PathReading reading;
  reading.format = SourceFormat::kDelta;
  reading.version = pin.version;
  reading.timestamp = pin.timestamp;
  return TableAt(function, path, reading, session);
}

}  // namespace weir
