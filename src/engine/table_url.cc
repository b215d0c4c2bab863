// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/table_url.h"

namespace weir::engine::internal {

Status CheckTableUrl(const std::string& url) {
  if (!url.starts_with("http://") && !url.starts_with("https://")) return Status::OK();
  return Status::User(StatusCode::kInvalidArgument,
                      "a Delta table in a folder or a bucket is wanted, found one on a web server: "
                      "`{}`",
                      url)
      .WithHint("web servers have files for sources: CSV, NDJSON and Parquet");
}

}  // namespace weir::engine::internal
