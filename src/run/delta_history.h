// SPDX-License-Identifier: Apache-2.0
//
// The history that views' own Delta logs keep: what a build recorded in its commit. Nothing else
// decides what is reused, so that a run which was killed between two commits leaves no doubt
// behind.

#pragma once

#include <memory>
#include <string>

#include "weir/decide/history.h"
#include "weir/engine/engine.h"

namespace weir {

class DeltaHistory : public BuildHistory {
 public:
  DeltaHistory(engine::Session session, std::string warehouse_url);

  Result<std::optional<BuildRecord>> LastBuild(const std::string& view_name) const override;
  /// The record in the commit of a version; nullopt where it is no build, or where the log has that
  /// commit no more. Its files are not looked at.
  std::optional<BuildRecord> BuildAt(const std::string& view_name, int64_t version) const;
  Unbuilt WhyUnbuilt(const std::string& view_name) const override;

 private:
  struct Written;
  /// Whether an earlier run recorded that it wrote the view's table.
  bool WasWritten(const std::string& view_name) const;

  engine::Session session_;
  std::string warehouse_url_;
  std::shared_ptr<Written> written_;  ///< read when first asked for
};

/// A record as a commit's metadata, and back; fields that are missing or damaged make nullopt.
std::map<std::string, std::string> ToCommitMetadata(const BuildRecord& record);
std::optional<BuildRecord> FromCommitMetadata(const std::map<std::string, std::string>& metadata);

/// The id of a view's application transactions.
std::string TransactionId(const std::string& view_name);

}  // namespace weir
