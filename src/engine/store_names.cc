// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/store_names.h"

#include <utility>

namespace weir::engine::internal {

namespace {

/// "abfss://lake@host" of a URL.
std::string StoreOf(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  return url.substr(0, url.find('/', scheme + 3));
}

/// What the engine looks at: "abfss://host".
std::string WithoutUser(const std::string& store) {
  const size_t user = store.rfind('@');
  if (user == std::string::npos) return store;
  return store.substr(0, store.find("://") + 3) + store.substr(user + 1);
}

}  // namespace

Status StoreNames::Add(const std::string& url) {
  const std::string store = StoreOf(url);
  const std::lock_guard lock(mutex_);
  const auto [known, is_new] = names_.emplace(WithoutUser(store), store);
  if (is_new || known->second == store) return Status::OK();
  return Status::User(StatusCode::kUnsupported,
                      "one container of an account is wanted under its host, found two: `{}`, `{}`",
                      known->second, store)
      .WithHint(
          "write `az://CONTAINER` in their place, with `azure_storage_account_name` in the section "
          "of each");
}

Status StoreNames::Check(const std::string& url) const {
  const std::string store = StoreOf(url);
  const std::lock_guard lock(mutex_);
  const auto known = names_.find(WithoutUser(store));
  if (known == names_.end() || known->second == store) return Status::OK();
  return Status::User(StatusCode::kNotFound, "no object store is registered for `{}`", store);
}

Status StoreNames::CheckTable(const std::string& url) const {
  if (url.starts_with("http://") || url.starts_with("https://")) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a Delta table in a folder or a bucket is wanted, found one on a web "
                        "server: `{}`",
                        url)
        .WithHint("web servers have files for sources: CSV, NDJSON and Parquet");
  }
  return Check(url);
}

}  // namespace weir::engine::internal
