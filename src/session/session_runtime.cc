// SPDX-License-Identifier: Apache-2.0

#include "weir/session/session_runtime.h"

#include <algorithm>
#include <thread>

#include <arrow/api.h>
#include <sys/sysinfo.h>

#include "weir/base/freed_memory.h"
#include "weir/base/nearest.h"
#include "weir/guards/guard_list.h"
#include "weir/project/parameter_value.h"
#include "weir/session/result_settings.h"
#include "weir/session/row_groups.h"
#include "weir/session/table_functions.h"
#include "weir/session/user_functions.h"

namespace weir {

namespace {

constexpr std::string_view kTimeZone = "datafusion.execution.time_zone";
constexpr std::string_view kPartitions = "datafusion.execution.target_partitions";
constexpr std::string_view kJoinReordering = "datafusion.optimizer.join_reordering";
constexpr char kUsualTimeZone[] = "+00:00";

int64_t MachineMemoryBytes() {
  struct sysinfo info {};
  if (sysinfo(&info) != 0) return int64_t{4} << 30;
  return static_cast<int64_t>(info.totalram) * info.mem_unit;
}

std::vector<std::pair<std::string, std::string>> EngineSettings(const ProfileSettings& profile,
                                                                int threads,
                                                                int64_t memory_limit_bytes) {
  // What a sort sets aside for merging what it spilled: of a small limit no more than a part, so
  // that the sorts of several views find room.
  constexpr int64_t kMostSortReservation = 10 << 20, kSortsAtOnce = 64;
  const int64_t sort_reservation =
      std::min(kMostSortReservation, memory_limit_bytes / kSortsAtOnce);
  // The first side of a hash join is one table for all partitions as long as it is small, for which
  // rows need not be sent from partition to partition. A larger one would be built by one thread
  // while others wait, and takes twice its memory meanwhile. TPC-H, processor time of the whole at
  // scale factor 1: 0.88 of what it takes with the engine's own bounds, an eighth of these, and as
  // much memory; four times as many rows spare nothing more, and take a fifth more memory.
  const int64_t collected_bytes = std::min<int64_t>(32 << 20, memory_limit_bytes / 16);
  constexpr int64_t kRowBytes = 32;
  std::vector<std::pair<std::string, std::string>> settings = {
      {"datafusion.catalog.information_schema", "true"},
      {"datafusion.optimizer.hash_join_single_partition_threshold",
       fmt::format("{}", collected_bytes)},
      {"datafusion.optimizer.hash_join_single_partition_threshold_rows",
       fmt::format("{}", collected_bytes / kRowBytes)},
      {std::string(kPartitions), fmt::format("{}", threads)},
      {"datafusion.execution.collect_statistics", "true"},
      {"datafusion.execution.sort_spill_reservation_bytes", fmt::format("{}", sort_reservation)},
      {std::string(kTimeZone), kUsualTimeZone},
      {"datafusion.execution.parquet.pushdown_filters", "true"},
      // Spark writes times as INT96, whose years the nanoseconds of 64 bits cannot hold.
      {"datafusion.execution.parquet.coerce_int96", "us"},
      {"datafusion.optimizer.enable_dynamic_filter_pushdown", "true"},
      {"datafusion.sql_parser.collect_spans", "true"},
  };
  for (const auto& [key, value] : profile.settings) settings.emplace_back(key, value);
  return settings;
}

/// Of a spilled file that it merges a sort holds four batches in buffers that grew by doubling, and
/// two buffers of the file: some 1.3 MB for 8,192 rows of four numbers and 5 MB for rows with
/// texts, of which the engine reserves less than half. The merges of several sorts run at once.
/// More files are merged in several passes. From kEnough on the files are few, and passes cost more
/// memory than they save, since other operators hold rows meanwhile: 0, as many as memory is
/// reserved for.
int64_t SpillMergeFanIn(int64_t memory_limit_bytes) {
  constexpr int64_t kEnough = 128 << 20, kMemoryOfOne = 8 << 20, kFewest = 4;
  return memory_limit_bytes >= kEnough ? 0 : std::max(memory_limit_bytes / kMemoryOfOne, kFewest);
}

Result<std::map<std::string, std::string>> ReadSettings(const engine::Session& session) {
  WEIR_ASSIGN_OR_RETURN(
      auto table,
      session.Query("SELECT CAST(name AS VARCHAR), CAST(coalesce(value, '') AS VARCHAR) FROM "
                    "information_schema.df_settings"));
  std::map<std::string, std::string> settings;
  for (int64_t row = 0; row < table->num_rows(); ++row) {
    const auto name = table->column(0)->GetScalar(row);
    const auto value = table->column(1)->GetScalar(row);
    if (name.ok() && value.ok()) settings.emplace((*name)->ToString(), (*value)->ToString());
  }
  return settings;
}

/// The settings of a session that nobody has set anything for.
Result<std::map<std::string, std::string>> DefaultSettings() {
  WEIR_ASSIGN_OR_RETURN(
      const engine::Session plain,
      engine::Session::Open({.settings = {{"datafusion.catalog.information_schema", "true"}},
                             .spill_directory = {}}));
  return ReadSettings(plain);
}

/// Of what the profile sets, what differs from the engine's own and can change a result.
Result<std::map<std::string, std::string>> ResultSettings(const ProfileSettings& profile) {
  const auto zone = profile.settings.find(std::string(kTimeZone));
  std::map<std::string, std::string> settings = {
      {std::string(kTimeZone), zone == profile.settings.end() ? kUsualTimeZone : zone->second},
      {"weir.deterministic", profile.deterministic ? "true" : "false"},
      {"weir.guards", GuardRecipe()},
      {"weir.overflow", profile.overflow_wraps ? "wrap" : "error"}};
  std::map<std::string, std::string> defaults;
  for (const auto& [key, value] : profile.settings) {
    if (!CanChangeResults(key) || key == kTimeZone) continue;
    if (defaults.empty()) {
      WEIR_ASSIGN_OR_RETURN(defaults, DefaultSettings());
    }
    const auto usual = defaults.find(key);
    if (usual == defaults.end() || usual->second != value) settings[key] = value;
  }
  return settings;
}

std::vector<std::string> GuardsOff(const ProfileSettings& profile) {
  std::vector<std::string> names = profile.guards_off;
  // What users may choose to go without.
  if (profile.overflow_wraps) names.insert(names.end(), {"overflow", "overflow_sum"});
  return names;
}

/// What `$name` stands for in statements.
std::vector<std::pair<std::string, std::string>> Constants(
    const std::vector<ProjectParameter>& parameters) {
  std::vector<std::pair<std::string, std::string>> constants;
  constants.reserve(parameters.size());
  for (const ProjectParameter& parameter : parameters) {
    constants.emplace_back(
        parameter.name, parameter.value ? ParameterConstant(parameter.type, *parameter.value) : "");
  }
  return constants;
}

/// Opens the session; an unknown setting of the profile is explained with the nearest known ones.
Result<engine::Session> OpenEngine(const ProjectDefinition& project,
                                   const engine::SessionOptions& options) {
  auto session = engine::Session::Open(options);
  if (!session.ok() && session.status().blame() == Blame::kEnvironment &&
      !options.spill_directory.empty()) {
    return session.status()
        .WithContext(
            fmt::format("the spill directory cannot be used: `{}`", options.spill_directory))
        .WithHint(
            "`spill_directory` in the profile in weir.toml names a folder that can be written");
  }
  if (session.ok() || project.profile.settings.empty()) return session;
  const auto known = DefaultSettings();
  if (!known.ok()) return session;
  std::vector<std::string> names;
  for (const auto& [name, value] : *known) names.push_back(name);
  for (const auto& [key, value] : project.profile.settings) {
    if (known->contains(key)) continue;
    Status status = Status::User(StatusCode::kInvalidArgument,
                                 "unknown setting in profile `{}`: `{}`", project.profile.name, key)
                        .WithHint(SuggestionHint(key, names));
    const auto place = project.profile.setting_locations.find(key);
    return place == project.profile.setting_locations.end() ? status
                                                            : status.WithLocation(place->second);
  }
  return session;
}

}  // namespace

std::string TableUrl(const std::string& warehouse_url, const std::string& name) {
  // Encodes the name as ToUrl does the path of a folder.
  const std::string encoded = ToUrl("/" + name, true);
  return warehouse_url + encoded.substr(std::string_view("file:///").size());
}

Result<std::unique_ptr<SessionRuntime>> SessionRuntime::Seal(const ProjectDefinition& project,
                                                             Diagnostics& diagnostics,
                                                             int64_t noted_store_calls) {
  const ProfileSettings& profile = project.profile;
  std::unique_ptr<SessionRuntime> runtime(new SessionRuntime());
  runtime->threads_ = profile.threads > 0
                          ? profile.threads
                          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  runtime->is_deterministic_ = profile.deterministic;
  const auto reordering = profile.settings.find(std::string(kJoinReordering));
  runtime->orders_joins_ = reordering == profile.settings.end() || reordering->second != "false";
  runtime->table_properties_ = profile.table_properties;
  runtime->view_timeout_ = profile.view_timeout;
  runtime->memory_limit_bytes_ =
      profile.memory_limit_bytes > 0 ? profile.memory_limit_bytes : MachineMemoryBytes() * 6 / 10;
  BoundFreedMemory(runtime->memory_limit_bytes_);
  runtime->falls_back_to_sort_merge_ = profile.falls_back_to_sort_merge;
  runtime->warehouse_url_ = ToUrl(project.warehouse_uri, true);

  const engine::SessionOptions options{
      .settings = EngineSettings(profile, runtime->threads_, runtime->memory_limit_bytes_),
      .memory_limit_bytes = runtime->memory_limit_bytes_,
      .spill_directory = profile.spill_directory,
      .max_spill_bytes = profile.max_spill_bytes,
      .spill_merge_fan_in = SpillMergeFanIn(runtime->memory_limit_bytes_),
      .metadata_cache_bytes = 0,
      .row_group_bytes = RowGroupBytes(runtime->memory_limit_bytes_),
      .noted_store_calls = noted_store_calls,
      .stand_ins = profile.deterministic,
      .guards_off = GuardsOff(profile),
      .parameters = Constants(project.parameters)};
  WEIR_ASSIGN_OR_RETURN(runtime->engine_, OpenEngine(project, options));
  if (const auto own = profile.settings.find(std::string(kPartitions));
      own != profile.settings.end()) {
    runtime->own_partitions_ = std::max(1, std::atoi(own->second.c_str()));
  }
  runtime->functions_ = NativeFunctionsFor(profile);
  WEIR_RETURN_NOT_OK(runtime->engine_.RegisterFunctions(runtime->functions_));
  UserFunctions user_functions =
      DefineUserFunctions(project, runtime->engine_, runtime->functions_, diagnostics);
  runtime->functions_ = runtime->functions_.With(user_functions.declarations);
  runtime->broken_functions_ = std::move(user_functions.broken);
  for (const ObjectStoreDefinition& store : project.object_stores) {
    const Status status = runtime->engine_.RegisterObjectStore(store.url, store.options);
    if (!status.ok()) {
      const Status failed = status.WithContext(fmt::format("object store `{}`", store.url));
      return failed.hint().empty() ? failed.WithHint(fmt::format(
                                         "mend `[object_stores.\"{}\"]` in weir.toml", store.url))
                                   : failed;
    }
  }
  WEIR_ASSIGN_OR_RETURN(runtime->result_settings_, ResultSettings(profile));
  runtime->catalog_ = Catalog::Open(project, runtime->engine_, diagnostics);
  WEIR_RETURN_NOT_OK(
      RegisterTableFunctions(runtime->engine_, runtime->functions_,
                             NameTables(project, runtime->catalog_, runtime->warehouse_url_)));
  return runtime;
}

int SessionRuntime::cores() const {
  // What one core is given at the least before another one works beside it, at the same view or at
  // another: scans, joins and sorts hold some tens of megabytes before any of them can spill.
  constexpr int64_t kMemoryOfOneCore = int64_t{96} << 20;
  const auto fit = std::max<int64_t>(1, memory_limit_bytes_ / kMemoryOfOneCore);
  return static_cast<int>(std::min<int64_t>(threads_, fit));
}

int SessionRuntime::PartitionsFor(int64_t bytes, int most) const {
  // Below, a further partition costs more than it saves.
  constexpr int64_t kBytesAPartition = 4 << 20;
  return own_partitions_.value_or(
      static_cast<int>(std::min<int64_t>(most, 1 + bytes / kBytesAPartition)));
}

Result<const engine::Session*> SessionRuntime::EngineOf(int partitions, JoinMethod joins) const {
  if (partitions == own_partitions_.value_or(threads_) && joins == JoinMethod::kAsSet)
    return &engine_;
  const std::lock_guard lock(mutex_);
  auto found = engines_.find({partitions, joins});
  if (found == engines_.end()) {
    std::vector<std::pair<std::string, std::string>> settings = {
        {std::string(kPartitions), fmt::format("{}", partitions)}};
    if (joins == JoinMethod::kSortMerge)
      settings.emplace_back("datafusion.optimizer.prefer_hash_join", "false");
    if (joins == JoinMethod::kSidesAsWritten)
      settings.emplace_back(std::string(kJoinReordering), "false");
    WEIR_ASSIGN_OR_RETURN(engine::Session other, engine_.WithSettings(settings));
    found = engines_.emplace(std::pair(partitions, joins), std::move(other)).first;
  }
  return &found->second;
}

Status SessionRuntime::DefineFunction(const UserFunctionDefinition& definition) {
  WEIR_ASSIGN_OR_RETURN(const FunctionDeclaration declaration,
                        DefineUserFunction(definition, engine_, functions_));
  functions_ = functions_.With({declaration});
  return Status::OK();
}

Result<std::map<std::string, std::string>> SessionRuntime::AllSettings() const {
  return ReadSettings(engine_);
}

}  // namespace weir
