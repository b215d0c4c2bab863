// SPDX-License-Identifier: Apache-2.0

#include "weir/run/landing.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <arrow/api.h>
#include <arrow/util/base64.h>
#include <fmt/format.h>

#include "weir/bundle/landable_columns.h"
#include "weir/bundle/schema_bytes.h"
#include "weir/bundle/stored_schema.h"
#include "weir/bundle/write_layout.h"
#include "weir/catalog/pin_delta.h"
#include "weir/delta/delta_commit.h"
#include "weir/delta/table_files.h"
#include "weir/run/temporary_table.h"

namespace weir {

namespace {

using TablePtr = std::shared_ptr<const PinnedTable>;
using Texts = std::map<std::string, std::string>;

/// Raise it when landing writes other rows or columns of the same files.
constexpr int64_t kRecipe = 1;
constexpr const char* kState = "landing_state";
constexpr const char* kColumns = "columns";
constexpr const char* kEpoch = "epoch";

std::string TextOf(const Texts& metadata, const char* key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? std::string() : found->second;
}

int64_t EpochOf(const Texts& metadata) {
  const std::string text = TextOf(metadata, kEpoch);
  int64_t epoch = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), epoch);
  return epoch;
}

/// All that the rows hang on: which files there are, and how they are read.
std::string StateOf(const PinnedTable& listing, const SessionRuntime& session) {
  FingerprintBuilder builder;
  builder.Add("recipe", kRecipe).Add("url", listing.url);
  builder.Add("files", listing.listing_hash.ToString());
  builder.Add("reading", listing.read_options_hash);
  builder.Add("columns", SchemaBytes(listing.schema));
  for (const std::string& column : listing.partition_columns) builder.Add("folders", column);
  for (const auto& [name, value] : session.result_settings()) builder.Add(name, value);
  for (const auto& [part, version] : engine::EngineVersions()) builder.Add(part, version);
  return builder.Finish().ToString();
}

/// The table with the columns that views were planned with.
Result<PinnedTable> PinWith(const std::string& source, const std::string& url, int64_t version,
                            std::shared_ptr<arrow::Schema> columns,
                            const engine::Session& session) {
  WEIR_ASSIGN_OR_RETURN(PinnedTable stored, PinDelta(source, url, version, "", session));
  stored.reading.columns = std::move(columns);
  return PinAtVersion(stored, version, session);
}

}  // namespace

std::string LandingUrl(const std::string& warehouse_url, const std::string& source) {
  return TableUrl(warehouse_url, kLandingFolder + source);
}

Result<PinnedTable> PinLanding(const std::string& source, const std::string& url, int64_t version,
                               const engine::Session& session) {
  WEIR_ASSIGN_OR_RETURN(const auto metadata, ReadCommitMetadata(session, url, version));
  if (!metadata) {
    return Status::Environment(StatusCode::kNotFound,
                               "the log of the landed table has no commit of version {}", version);
  }
  const auto bytes = arrow::util::base64_decode(TextOf(*metadata, kColumns));
  auto columns = bytes.ok() ? SchemaOf(*bytes) : nullptr;
  if (!columns || TextOf(*metadata, kLandedSource) != source) {
    return Status::Environment(StatusCode::kCorrupt,
                               "version {} is wanted to be a landing of the source, found a commit "
                               "of another kind in the log of `{}`",
                               version, url);
  }
  return PinWith(source, url, version, std::move(columns), session);
}

Result<TablePtr> Landings::Of(const PinnedTable& listing) {
  Entry* entry = nullptr;
  {
    const std::lock_guard lock(mutex_);
    entry = &entries_[listing.name];
  }
  // Views that read the same source wait for the first.
  const std::lock_guard lock(entry->mutex);
  if (!entry->landed) {
    auto landed = Land(listing);
    if (!landed.ok()) {
      landed = landed.status().WithContext(
          fmt::format("the source `{}` could not be landed", listing.name));
    }
    entry->landed = std::move(landed);
  }
  return *entry->landed;
}

Result<TablePtr> Landings::Land(const PinnedTable& listing) const {
  const std::string url = LandingUrl(session_.warehouse_url(), listing.name);
  const std::string state = StateOf(listing, session_);
  WEIR_ASSIGN_OR_RETURN(const auto last, ReadLastCommit(session_.engine(), url));
  int64_t version = -1;
  if (last && TextOf(last->metadata, kState) == state) {
    WEIR_ASSIGN_OR_RETURN(const auto missing, MissingFiles(session_.engine(), url, last->files));
    if (missing.empty()) version = last->version;
  }
  if (version < 0) {
    WEIR_ASSIGN_OR_RETURN(version,
                          Write(listing, url, state, last ? EpochOf(last->metadata) + 1 : 0));
  }
  WEIR_ASSIGN_OR_RETURN(PinnedTable table,
                        PinWith(listing.name, url, version, listing.schema, session_.engine()));
  return std::make_shared<const PinnedTable>(std::move(table));
}

Result<int64_t> Landings::Write(const PinnedTable& listing, const std::string& url,
                                const std::string& state, int64_t least_epoch) const {
  std::vector<Status> problems = ProblemsOfLanding(*listing.schema);
  if (!problems.empty()) return problems[0];
  const auto schema = StoredSchema(*listing.schema, problems);
  WEIR_ASSIGN_OR_RETURN(const auto files, listing.files->Read({}));
  int64_t bytes = 0;
  for (uint32_t file = 0; file < files->size(); ++file) bytes += files->size_bytes(file);
  WEIR_ASSIGN_OR_RETURN(const engine::Session* engine,
                        session_.EngineOf(session_.PartitionsFor(bytes, session_.cores())));
  WEIR_ASSIGN_OR_RETURN(
      const auto source,
      TemporaryTable::Register(*engine, "__weir_source " + listing.name, *listing.table));
  WEIR_ASSIGN_OR_RETURN(
      engine::Plan plan,
      engine::Plan::FromSql(*engine, "SELECT * FROM " + source->sql(), "generic"));
  WEIR_ASSIGN_OR_RETURN(plan, std::move(plan).Optimize(*engine));
  WEIR_ASSIGN_OR_RETURN(const auto physical, engine::PhysicalPlan::Create(*engine, plan));
  WEIR_ASSIGN_OR_RETURN(const engine::WriteOptions options,
                        WriteOptionsOf(url, {}, session_.table_properties()));
  WEIR_ASSIGN_OR_RETURN(auto written,
                        physical.Write(*engine, options, schema, {}, cancellation_, {}));
  const int64_t epoch = std::max(clock_.Now(), least_epoch);
  const DeltaWriteSpec spec{
      .table_url = url,
      .schema = schema,
      .partition_columns = {},
      .mode = WriteMode::kOverwrite,
      .added = std::move(written.files),
      .app_id = "weir.source." + listing.name,
      .epoch = epoch,
      .metadata = {{kLandedSource, listing.name},
                   {"run_id", run_id_},
                   {kState, state},
                   {kColumns, arrow::util::base64_encode(SchemaBytes(listing.schema))},
                   {kEpoch, fmt::format("{}", epoch)}},
      .comment = fmt::format("what runs read of the source `{}`", listing.name),
      .properties = {},
      .timestamp_ms = clock_.Now() / 1000};
  WEIR_ASSIGN_OR_RETURN(const CommitOutcome commit, CommitWrite(session_.engine(), spec));
  return commit.version;
}

}  // namespace weir
