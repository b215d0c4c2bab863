// SPDX-License-Identifier: Apache-2.0

#include "weir/catalog/path_format.h"

#include "weir/base/ascii_text.h"

namespace weir {

namespace {

struct Ending {
  std::string_view text;
  SourceFormat format;
};

constexpr Ending kEndings[] = {
    {".parquet", SourceFormat::kParquet}, {".parq", SourceFormat::kParquet},
    {".csv", SourceFormat::kCsv},         {".tsv", SourceFormat::kCsv},
    {".ndjson", SourceFormat::kNdjson},   {".jsonl", SourceFormat::kNdjson},
    {".json", SourceFormat::kNdjson},
};

struct Compression {
  std::string_view ending;
  std::string_view name;  ///< as the option `compression` has it
};

constexpr Compression kCompressions[] = {
    {".gz", "gzip"}, {".bz2", "bzip2"}, {".xz", "xz"}, {".zst", "zstd"}};

const Compression* FindCompression(std::string_view lower_name) {
  for (const Compression& compression : kCompressions) {
    if (lower_name.ends_with(compression.ending)) return &compression;
  }
  return nullptr;
}

}  // namespace

std::string CompressionOfName(std::string_view name) {
  const Compression* compression = FindCompression(AsciiLowerCase(name));
  return compression == nullptr ? std::string() : std::string(compression->name);
}

std::optional<NamedFormat> FormatOfName(std::string_view name) {
  std::string lower = AsciiLowerCase(name);
  const Compression* compression = FindCompression(lower);
  if (compression != nullptr) lower.resize(lower.size() - compression->ending.size());
  for (const Ending& ending : kEndings) {
    if (!lower.ends_with(ending.text)) continue;
    NamedFormat named{.format = ending.format, .options = {}};
    if (compression != nullptr) {
      // A Parquet file compresses its columns by itself.
      if (named.format == SourceFormat::kParquet) return std::nullopt;
      named.options["compression"] = compression->name;
    }
    if (ending.text == ".tsv") named.options["delimiter"] = "\t";
    named.may_be_array = ending.text == ".json";
    return named;
  }
  return std::nullopt;
}

std::string KnownEndings() {
  std::string text;
  for (const Ending& ending : kEndings)
    text += fmt::format("{}`{}`", text.empty() ? "" : ", ", ending.text);
  std::string compressed;
  for (const Compression& compression : kCompressions)
    compressed += fmt::format("{}`{}`", compressed.empty() ? "" : ", ", compression.ending);
  return fmt::format("{}, text files also with {}", text, compressed);
}

}  // namespace weir
