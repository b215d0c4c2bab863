// SPDX-License-Identifier: Apache-2.0

#include "weir/project/source_options.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <span>

#include <fmt/format.h>

#include "weir/base/ascii_text.h"
#include "weir/base/nearest.h"
#include "weir/project/weir_toml.h"

namespace weir {

namespace {

enum class OptionType { kText, kBool, kCharacter, kCount, kCompression, kTimestamp, kName, kDrift };

struct KnownOption {
  std::string_view name;
  OptionType type;
};

// The fields of the engine's CsvOptions, JsonOptions and ParquetOptions; those for writing are
// accepted and do nothing.
constexpr KnownOption kCsvOptions[] = {
    {"has_header", OptionType::kBool},
    {"delimiter", OptionType::kCharacter},
    {"quote", OptionType::kCharacter},
    {"terminator", OptionType::kCharacter},
    {"escape", OptionType::kCharacter},
    {"double_quote", OptionType::kBool},
    {"quote_style", OptionType::kText},
    {"ignore_leading_whitespace", OptionType::kBool},
    {"ignore_trailing_whitespace", OptionType::kBool},
    {"newlines_in_values", OptionType::kBool},
    {"compression", OptionType::kCompression},
    {"compression_level", OptionType::kCount},
    {"schema_infer_max_rec", OptionType::kCount},
    {"date_format", OptionType::kText},
    {"datetime_format", OptionType::kText},
    {"timestamp_format", OptionType::kText},
    {"timestamp_tz_format", OptionType::kText},
    {"time_format", OptionType::kText},
    {"null_value", OptionType::kText},
    {"null_regex", OptionType::kText},
    {"comment", OptionType::kCharacter},
    {"truncated_rows", OptionType::kBool},
};

constexpr KnownOption kNdjsonOptions[] = {
    {"compression", OptionType::kCompression},
    {"compression_level", OptionType::kCount},
    {"schema_infer_max_rec", OptionType::kCount},
    {"newline_delimited", OptionType::kBool},
};

constexpr KnownOption kParquetOptions[] = {
    {"enable_page_index", OptionType::kBool},
    {"pruning", OptionType::kBool},
    {"skip_metadata", OptionType::kBool},
    {"metadata_size_hint", OptionType::kCount},
    {"pushdown_filters", OptionType::kBool},
    {"reorder_filters", OptionType::kBool},
    {"force_filter_selections", OptionType::kBool},
    {"schema_force_view_types", OptionType::kBool},
    {"binary_as_string", OptionType::kBool},
    {"coerce_int96", OptionType::kText},
    {"coerce_int96_tz", OptionType::kText},
    {"bloom_filter_on_read", OptionType::kBool},
    {"max_predicate_cache_size", OptionType::kCount},
    {"max_in_list_size", OptionType::kCount},
    {"data_pagesize_limit", OptionType::kCount},
    {"write_batch_size", OptionType::kCount},
    {"writer_version", OptionType::kText},
    {"skip_arrow_metadata", OptionType::kBool},
    {"compression", OptionType::kText},
    {"dictionary_enabled", OptionType::kBool},
    {"dictionary_page_size_limit", OptionType::kCount},
    {"statistics_enabled", OptionType::kText},
    {"max_row_group_size", OptionType::kCount},
    {"max_row_group_bytes", OptionType::kText},
    {"created_by", OptionType::kText},
    {"column_index_truncate_length", OptionType::kCount},
    {"statistics_truncate_length", OptionType::kCount},
    {"data_page_row_count_limit", OptionType::kCount},
    {"encoding", OptionType::kText},
    {"bloom_filter_on_write", OptionType::kBool},
    {"bloom_filter_fpp", OptionType::kText},
    {"bloom_filter_ndv", OptionType::kCount},
    {"allow_single_file_parallelism", OptionType::kBool},
    {"maximum_parallel_row_group_writers", OptionType::kCount},
    {"maximum_buffered_record_batches_per_stream", OptionType::kCount},
};

constexpr KnownOption kDeltaOptions[] = {
    {"version", OptionType::kCount},       {"pushdown_filters", OptionType::kBool},
    {"timestamp", OptionType::kTimestamp}, {"change_feed", OptionType::kBool},
    {"first_version", OptionType::kCount},
};

/// Of sources of every format: they are no business of the engine's readers.
constexpr KnownOption kSourceOptions[] = {
    {"file_column", OptionType::kName},
    {"row_number_column", OptionType::kName},
    {"schema_drift", OptionType::kDrift},
};

/// Of files: a Delta table keeps its versions itself.
constexpr KnownOption kRetain = {"retain", OptionType::kBool};

std::span<const KnownOption> FormatOptions(SourceFormat format) {
  switch (format) {
    case SourceFormat::kDelta:
      return kDeltaOptions;
    case SourceFormat::kParquet:
      return kParquetOptions;
    case SourceFormat::kCsv:
      return kCsvOptions;
    case SourceFormat::kNdjson:
      return kNdjsonOptions;
  }
  return {};
}

std::vector<KnownOption> KnownOptions(SourceFormat format) {
  const auto of_format = FormatOptions(format);
  std::vector<KnownOption> options(of_format.begin(), of_format.end());
  options.insert(options.end(), std::begin(kSourceOptions), std::end(kSourceOptions));
  if (format != SourceFormat::kDelta) options.push_back(kRetain);
  return options;
}

bool IsStorageOption(std::string_view key) {
  return key.starts_with("aws_") || key.starts_with("azure_") || key.starts_with("google_");
}

/// Finds the type of an option; nothing if the format has no such option.
std::optional<OptionType> FindOption(SourceFormat format, const std::string& key) {
  for (const KnownOption& option : KnownOptions(format)) {
    if (option.name == key) return option.type;
  }
  if (format == SourceFormat::kDelta && IsStorageOption(key)) return OptionType::kText;
  // Options of one column, of the metadata and of decryption have names of the user's.
  if (format == SourceFormat::kParquet &&
      (key.find("::") != std::string::npos || key.starts_with("crypto."))) {
    return OptionType::kText;
  }
  return std::nullopt;
}

std::optional<int64_t> ParseCount(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

/// One ASCII character, or one of `\t`, `\n`, `\r`, `\0` and `\\`. The engine takes digits for the
/// number of a character, hence they become that.
std::optional<std::string> ParseCharacter(const std::string& text) {
  constexpr std::string_view kEscaped = "tnr0\\";
  constexpr std::string_view kCharacters("\t\n\r\0\\", 5);
  if (text.size() == 2 && text[0] == '\\') {
    const size_t which = kEscaped.find(text[1]);
    if (which == std::string_view::npos) return std::nullopt;
    return std::string(1, kCharacters[which]);
  }
  if (text.size() != 1 || static_cast<unsigned char>(text[0]) >= 0x80) return std::nullopt;
  if (text[0] >= '0' && text[0] <= '9') return fmt::format("{}", static_cast<int>(text[0]));
  return text;
}

/// Says whether `text` is formed like `form`, in which 0 stands for any digit.
bool HasForm(std::string_view text, std::string_view form) {
  const auto fits = [](char c, char wanted) {
    return wanted == '0' ? c >= '0' && c <= '9' : c == wanted;
  };
  return std::equal(text.begin(), text.end(), form.begin(), form.end(), fits);
}

/// RFC 3339, the form alone: the engine finds out whether there is such a day.
bool IsTimestamp(const std::string& text) {
  constexpr size_t kSecondsEnd = 19;
  if (text.size() <= kSecondsEnd) return false;
  const std::string_view time = std::string_view(text).substr(0, kSecondsEnd);
  if (!HasForm(time, "0000-00-00T00:00:00") && !HasForm(time, "0000-00-00 00:00:00")) return false;
  std::string_view rest = std::string_view(text).substr(kSecondsEnd);
  if (rest[0] == '.') {
    const size_t digits_end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
    if (digits_end == 1) return false;
    rest.remove_prefix(digits_end);
  }
  return rest == "Z" || HasForm(rest, "+00:00") || HasForm(rest, "-00:00");
}

bool IsCompression(const std::string& text) {
  constexpr std::string_view kKnown[] = {"",    "uncompressed", "gzip", "gz",  "bzip2",
                                         "bz2", "xz",           "zst",  "zstd"};
  return std::find(std::begin(kKnown), std::end(kKnown), text) != std::end(kKnown);
}

std::string_view Wanted(OptionType type) {
  switch (type) {
    case OptionType::kBool:
      return "`true` or `false`";
    case OptionType::kCharacter:
      return "one ASCII character";
    case OptionType::kCount:
      return "a whole number from 0 on";
    case OptionType::kCompression:
      return "`gzip`, `bzip2`, `xz`, `zstd` or `uncompressed`";
    case OptionType::kTimestamp:
      return "a time such as `2024-05-31T12:00:00Z`";
    case OptionType::kName:
      return "the name of a column";
    case OptionType::kDrift:
      return "`warn`, `error` or `ignore`";
    case OptionType::kText:
      return "a text";
  }
  return "a text";
}

/// The value in the form that the engine takes; nothing if it is none of the type's.
std::optional<std::string> ParseValue(OptionType type, const std::string& text) {
  const std::string lower = AsciiLowerCase(text);
  switch (type) {
    case OptionType::kText:
      return text;
    case OptionType::kBool:
      return lower == "true" || lower == "false" ? std::optional(lower) : std::nullopt;
    case OptionType::kCharacter:
      return ParseCharacter(text);
    case OptionType::kCount:
      return ParseCount(text) ? std::optional(text) : std::nullopt;
    case OptionType::kCompression:
      return IsCompression(lower) ? std::optional(lower) : std::nullopt;
    case OptionType::kTimestamp:
      return IsTimestamp(text) ? std::optional(text) : std::nullopt;
    case OptionType::kName:
      return text.empty() ? std::nullopt : std::optional(text);
    case OptionType::kDrift:
      return lower == "warn" || lower == "error" || lower == "ignore" ? std::optional(lower)
                                                                      : std::nullopt;
  }
  return std::nullopt;
}

std::string UnknownOptionHint(SourceFormat format, const std::string& key) {
  if (key == kRetain.name)
    return "leave it out: runs pin a Delta table by its version, which its own log keeps";
  std::vector<std::string> names;
  for (const KnownOption& option : KnownOptions(format)) names.emplace_back(option.name);
  std::string hint = SuggestionHint(key, names);
  if (hint.empty() && IsStorageOption(key))
    hint = "access to storage is set in weir.toml, under [object_stores]";
  return hint;
}

SchemaDrift DriftOf(const std::string& value) {
  if (value == "error") return SchemaDrift::kError;
  return value == "ignore" ? SchemaDrift::kIgnore : SchemaDrift::kWarn;
}

/// Sets what is not for the engine's readers. False if the option is for them.
bool SetOwnOption(const std::string& key, const std::string& value, SourceDefinition& source) {
  if (key == "file_column") {
    source.file_column = value;
  } else if (key == "row_number_column") {
    source.row_column = value;
  } else if (key == "schema_drift") {
    source.schema_drift = DriftOf(value);
  } else if (key == "retain") {
    source.retains = value == "true";
  } else if (source.format != SourceFormat::kDelta) {
    return false;
  } else if (key == "version") {
    source.version = ParseCount(value);
  } else if (key == "timestamp") {
    source.timestamp = value;
  } else if (key == "change_feed") {
    source.change_feed = value == "true";
  } else if (key == "first_version") {
    source.first_version = ParseCount(value).value_or(0);
  } else if (key == "pushdown_filters") {
    source.pushes_filters = value == "true";
  } else {
    return false;
  }
  return true;
}

/// Reports a column that is to be added under the name of another one.
void CheckNewColumn(const KeyValue& pair, const std::string& name, const SourceDefinition& source,
                    TokenCursor& cursor) {
  const auto is_named = [&](const std::string& other) {
    return AsciiLowerCase(other) == AsciiLowerCase(name);
  };
  const bool is_taken =
      std::ranges::any_of(source.columns, [&](const auto& each) { return is_named(each.name); }) ||
      std::ranges::any_of(source.partition_columns, is_named) ||
      (!source.file_column.empty() && is_named(source.row_column) && is_named(source.file_column));
  if (!is_taken) return;
  cursor.Fail("W1211", pair.value_token, fmt::format("the column is named twice: `{}`", name),
              "give the column another name: the source has one of this name");
}

}  // namespace

std::optional<std::string> ExpandAt(const Token& token, const std::string& text,
                                    TokenCursor& cursor) {
  Result<std::string> expanded = ExpandEnvironment(text);
  if (expanded.ok()) return *std::move(expanded);
  const Status& status = expanded.status();
  cursor.Fail(status.code() == StatusCode::kNotFound ? "W1016" : "W1017", token, status.message(),
              status.hint());
  return std::nullopt;
}

void ApplySourceOptions(const std::vector<KeyValue>& pairs, SourceDefinition& source,
                        TokenCursor& cursor) {
  constexpr std::string_view kPrefix = "format.";
  std::set<std::string> seen;
  for (const KeyValue& pair : pairs) {
    std::string key = AsciiLowerCase(pair.key);
    if (key.starts_with(kPrefix)) key.erase(0, kPrefix.size());
    const std::optional<OptionType> type = FindOption(source.format, key);
    if (!type) {
      cursor.Fail(
          "W1304", pair.key_token,
          fmt::format("unknown option of a {} source: `{}`", ToString(source.format), pair.key),
          UnknownOptionHint(source.format, key));
      continue;
    }
    if (!seen.insert(key).second) {
      cursor.Fail("W1306", pair.key_token, fmt::format("the option is set twice: `{}`", key));
      continue;
    }
    const auto expanded = ExpandAt(pair.value_token, pair.value, cursor);
    if (!expanded) continue;
    std::optional<std::string> value = ParseValue(*type, *expanded);
    if (!value) {
      // A value may be a secret only where any text is right; those never come here.
      cursor.Fail("W1305", pair.value_token,
                  fmt::format("{} is wanted for `{}`, found `{}`", Wanted(*type), key, pair.value));
    } else if (!SetOwnOption(key, *value, source)) {
      source.options[key] = *std::move(value);
    } else if (*type == OptionType::kName) {
      CheckNewColumn(pair, *value, source, cursor);
    }
    if (source.version && source.timestamp && (key == "version" || key == "timestamp")) {
      cursor.Fail("W1307", pair.key_token,
                  "either a `version` or a `timestamp` is wanted, found both");
    }
  }
}

}  // namespace weir
