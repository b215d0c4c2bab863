// SPDX-License-Identifier: Apache-2.0
//
// Values as bytes, for files that only this program reads again (caches). Integers are little
// endian, texts stand behind their length; the reader never goes beyond the end.

#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "weir/base/file_stamp.h"

namespace weir {

/// Appends values to a buffer.
class ByteWriter {
 public:
  template <typename T>
  requires std::is_integral_v<T>
  void Put(T value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    bytes_.append(bytes, sizeof(T));
  }
  void PutText(std::string_view text) {
    Put(static_cast<uint32_t>(text.size()));
    bytes_.append(text);
  }
  template <typename Texts>
  void PutTexts(const Texts& texts) {
    Put(static_cast<uint32_t>(texts.size()));
    for (const std::string& text : texts) PutText(text);
  }
  void PutStamp(const FileStamp& stamp) {
    Put(stamp.size);
    Put(stamp.modified_ns);
    Put(stamp.changed_ns);
    Put(stamp.inode);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Reads them back in the same order. After the first value that is not there, all are zero or
/// empty and `ok()` is false.
class ByteReader {
 public:
  /// `bytes` must outlive the reader and the texts it returns.
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  requires std::is_integral_v<T> T Get() {
    T value{};
    const std::string_view bytes = Take(sizeof(T));
    if (bytes.size() == sizeof(T)) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  std::string_view GetText() { return Take(Get<uint32_t>()); }
  std::vector<std::string> GetTexts() {
    std::vector<std::string> texts(GetCount(sizeof(uint32_t)));
    for (std::string& text : texts) text = GetText();
    return texts;
  }
  FileStamp GetStamp() {
    FileStamp stamp;
    stamp.size = Get<int64_t>();
    stamp.modified_ns = Get<int64_t>();
    stamp.changed_ns = Get<int64_t>();
    stamp.inode = Get<uint64_t>();
    return stamp;
  }
  /// A number of values that follow, each of at least `bytes_each`: false lengths make no large
  /// allocations.
  uint32_t GetCount(size_t bytes_each) {
    const auto count = Get<uint32_t>();
    if (count * bytes_each <= rest_.size()) return count;
    ok_ = false;
    return 0;
  }

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view Take(size_t count) {
    if (!ok_ || count > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace weir
