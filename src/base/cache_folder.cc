// SPDX-License-Identifier: Apache-2.0

#include "weir/base/cache_folder.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

#include "weir/base/fingerprint.h"

namespace weir {

namespace {

namespace fs = std::filesystem;

constexpr size_t kHashDigits = 32;

}  // namespace

CacheFolder::CacheFolder(const std::string& root) : path_(root + "/.weir/") {}

std::optional<std::string> CacheFolder::Read(const std::string& name) const {
  std::ifstream file(path_ + name, std::ios::binary | std::ios::ate);
  if (!file) return std::nullopt;
  const auto size = static_cast<std::streamoff>(file.tellg());
  if (size < static_cast<std::streamoff>(kHashDigits)) return std::nullopt;
  char hash[kHashDigits];
  std::string bytes(static_cast<size_t>(size) - kHashDigits, '\0');
  file.seekg(0);
  file.read(hash, kHashDigits);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file || Blake2bHex128(bytes) != std::string_view(hash, kHashDigits)) return std::nullopt;
  return bytes;
}

void CacheFolder::Write(const std::string& name, std::string_view bytes) const {
  WriteParts(name, {Blake2bHex128(bytes), bytes});
}

void CacheFolder::WriteParts(const std::string& name,
                             std::initializer_list<std::string_view> parts) const {
  const std::string path = path_ + name;
  const std::string temporary = fmt::format("{}.{}", path, getpid());
  std::error_code error;
  std::ofstream file(temporary, std::ios::binary);
  if (!file) {
    fs::create_directories(fs::path(path).parent_path(), error);
    if (!fs::exists(path_ + ".gitignore", error)) std::ofstream(path_ + ".gitignore") << "*\n";
    file.open(temporary, std::ios::binary);
  }
  for (const std::string_view part : parts) file << part;
  file.close();
  if (file) {
    fs::rename(temporary, path, error);
  } else {
    fs::remove(temporary, error);
  }
}

void CacheFolder::Remove(const std::string& name) const {
  std::error_code error;
  fs::remove(path_ + name, error);
}

std::vector<std::string> CacheFolder::List(const std::string& folder) const {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(path_ + folder, error), end; entry != end;
       entry.increment(error)) {
    if (error) break;
    if (entry->is_regular_file(error)) names.push_back(entry->path().filename().string());
  }
  return names;
}

void CacheFolder::Sweep(const std::string& folder,
                        const std::function<bool(const std::string& file)>& keep) const {
  std::error_code error;
  for (fs::directory_iterator entry(path_ + folder, error), end; entry != end;
       entry.increment(error)) {
    if (error) return;
    if (!keep(entry->path().filename().string())) fs::remove_all(entry->path(), error);
  }
}

}  // namespace weir
