// SPDX-License-Identifier: Apache-2.0

#include "weir/base/cache_file.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <unistd.h>

#include "weir/base/fingerprint.h"

namespace weir {

namespace {

constexpr size_t kHashDigits = 32;

}  // namespace

std::string CachePath(const std::string& root, const std::string& name) {
  return fmt::format("{}/.weir/{}", root, name);
}

std::optional<std::string> ReadCacheFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream buffer;
  buffer << file.rdbuf();
  std::string bytes = std::move(buffer).str();
  if (bytes.size() < kHashDigits) return std::nullopt;
  const std::string hash = bytes.substr(0, kHashDigits);
  bytes.erase(0, kHashDigits);
  if (Blake2bHex128(bytes) != hash) return std::nullopt;
  return bytes;
}

void WriteCacheFile(const std::string& path, std::string_view bytes) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (std::filesystem::create_directories(folder, error))
    std::ofstream(folder / ".gitignore") << "*\n";
  const std::string temporary = fmt::format("{}.{}", path, getpid());
  std::ofstream file(temporary, std::ios::binary);
  file << Blake2bHex128(bytes) << bytes;
  file.close();
  if (file) {
    std::filesystem::rename(temporary, path, error);
  } else {
    std::filesystem::remove(temporary, error);
  }
}

}  // namespace weir
