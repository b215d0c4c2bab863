// SPDX-License-Identifier: Apache-2.0

#include "weir/base/durability.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "weir/base/file_failure.h"

namespace weir {

namespace {

constexpr std::string_view kWhat = "bring what was written to the disk";

/// Calls `sync` with a descriptor of what is at `path`.
Status Sync(const std::string& path, int (*sync)(int)) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return FileFailure(errno, kWhat, path);
  // Some file systems cannot sync folders (EINVAL): they keep names in order without.
  const int error = sync(descriptor) == 0 || errno == EINVAL || errno == ENOSYS ? 0 : errno;
  ::close(descriptor);
  return error == 0 ? Status::OK() : FileFailure(error, kWhat, path);
}

}  // namespace

Status SyncFileSystem(const std::string& folder) { return Sync(folder, ::syncfs); }

Status SyncFile(const std::string& path, const std::string& root) {
  WEIR_RETURN_NOT_OK(Sync(path, ::fsync));
  for (size_t end = path.rfind('/'); end != std::string::npos && end + 1 >= root.size() && end > 0;
       end = path.rfind('/', end - 1))
    WEIR_RETURN_NOT_OK(Sync(path.substr(0, end + 1), ::fsync));
  return Status::OK();
}

}  // namespace weir
