// SPDX-License-Identifier: Apache-2.0

#include "weir/base/file_failure.h"

#include <cerrno>
#include <cstring>

namespace weir {

Status FileFailure(int error, std::string_view what, const std::string& path) {
  StatusCode code = StatusCode::kIo;
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
      return Status::User(StatusCode::kNotFound, "cannot {}, it does not exist: `{}`", what, path);
    case EISDIR:
      return Status::User(StatusCode::kInvalidArgument,
                          "cannot {}, a file is wanted, found a folder: `{}`", what, path);
    case EEXIST:
      return Status::User(StatusCode::kAlreadyExists, "cannot {}, it exists already: `{}`", what,
                          path);
    case EACCES:
    case EPERM:
    case EROFS:
      code = StatusCode::kPermission;
      break;
    case ENOSPC:
    case EDQUOT:
      code = StatusCode::kOutOfSpace;
      break;
    case ENOMEM:
      code = StatusCode::kOutOfMemory;
      break;
    default:
      break;
  }
  return {code, Blame::kEnvironment,
          fmt::format("cannot {}, {}: `{}`", what, std::strerror(error), path)};
}

}  // namespace weir
