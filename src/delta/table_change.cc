// SPDX-License-Identifier: Apache-2.0

#include "weir/delta/table_change.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "weir/base/durability.h"
#include "weir/base/json_text.h"
#include "weir/base/log.h"
#include "weir/base/percent_text.h"
#include "weir/delta/log_actions.h"
#include "weir/delta/table_files.h"

namespace weir {

namespace {

/// Writers that were first, before the last of them is reported.
constexpr int kMaxAttempts = 50;

LogJson CommitInfo(const TableChange& change) {
  LogJson parameters = LogJson::object(), metrics = LogJson::object();
  for (const auto& [key, value] : change.parameters) parameters[key] = value;
  // Readers of other programs take metrics for texts.
  for (const auto& [key, value] : change.metrics) metrics[key] = std::to_string(value);
  LogJson info = {{"timestamp", change.timestamp_ms},
                  {"operation", change.operation},
                  {"operationParameters", parameters}};
  if (change.read_version >= 0) info["readVersion"] = change.read_version;
  info["isolationLevel"] = "WriteSerializable";
  info["isBlindAppend"] = change.is_blind_append;
  info["operationMetrics"] = metrics;
  info["engineInfo"] = "weir";
  return {{"commitInfo", info}};
}

/// Paths as the log spells them, by the path that they mean.
using Spellings = std::map<std::string, std::string>;

/// Whether all writers spell a path in the log alike: letters, digits, blanks as %20 and the like.
bool IsSpelledAlike(const std::string& path) {
  return std::all_of(path.begin(), path.end(), [](const char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("-._/= %").find(c) != std::string_view::npos;
  });
}

/// How the log spells the paths of files that are taken away: a removal in another spelling would
/// leave the file to readers that compare texts.
Result<Spellings> SpellingsOf(const DeltaLog& log, const TableChange& change) {
  Spellings spellings;
  std::set<std::string> wanted;
  for (const DataFile& file : change.removed) {
    if (!IsSpelledAlike(file.path)) wanted.insert(file.path);
  }
  if (wanted.empty()) return spellings;
  WEIR_ASSIGN_OR_RETURN(const LogListing listing, log.List());
  for (auto version = listing.commits.rbegin();
       version != listing.commits.rend() && !wanted.empty(); ++version) {
    WEIR_ASSIGN_OR_RETURN(const std::string text, log.ReadCommit(*version));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const LogJson action = LogJson::parse(line, nullptr, false);
      if (!action.is_object() || !action.contains("add")) continue;
      const std::string spelled = TextOf(action["add"], "path");
      if (wanted.erase(PercentDecoded(spelled)) > 0) spellings[PercentDecoded(spelled)] = spelled;
    }
  }
  if (wanted.empty()) return spellings;
  return Status::Environment(
             StatusCode::kUnsupported,
             "a file that a commit names is wanted, to be taken away as it is spelled "
             "there, found one that only a checkpoint names: `{}` of `{}`",
             *wanted.begin(), change.table_url)
      .WithHint("nothing was touched; write the table with the program that it belongs to");
}

/// The action with the log's own spelling of its file's path.
std::string Spelled(LogJson action, const char* kind, const DataFile& file,
                    const Spellings& spellings) {
  const auto found = spellings.find(file.path);
  if (found != spellings.end()) action[kind]["path"] = found->second;
  return JsonText(action) + "\n";
}

std::string ActionsOf(const TableChange& change, const Spellings& spellings) {
  std::string text = JsonText(CommitInfo(change)) + "\n";
  for (const std::string& action : change.head) text += action + "\n";
  for (const DataFile& file : change.removed)
    text += Spelled(RemoveAction(file, change.timestamp_ms, true), "remove", file, spellings);
  for (const DataFile& file : change.added)
    text += Spelled(AddAction(file, true), "add", file, spellings);
  for (const DataFile& file : change.changes) text += JsonText(ChangeAction(file)) + "\n";
  return text;
}

/// Whether a commit that the statement did not see leaves it as right as it was.
bool MayPass(const std::string& text, const TableChange& change,
             const std::set<std::string>& removed, std::string& operation) {
  bool adds = false, removes = false, is_blind = false, touches = false, reshapes = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    const LogJson action = LogJson::parse(line, nullptr, false);
    if (!action.is_object()) return false;
    if (action.contains("commitInfo") && action["commitInfo"].is_object()) {
      const LogJson& info = action["commitInfo"];
      operation = TextOf(info, "operation");
      is_blind = info.contains("isBlindAppend") && info["isBlindAppend"] == LogJson(true);
    }
    reshapes = reshapes || action.contains("metaData") || action.contains("protocol");
    adds = adds || ChangesData(action, "add");
    removes = removes || ChangesData(action, "remove");
    if (action.contains("remove"))
      touches = touches || removed.contains(PercentDecoded(TextOf(action["remove"], "path")));
  }
  if (reshapes || touches) return false;
  // An append may as well come after what the other did.
  if (change.is_blind_append) return true;
  return !removes && (!adds || is_blind);
}

}  // namespace

Result<ChangeOutcome> CommitChangeTo(const DeltaLog& log, const TableChange& change) {
  WEIR_ASSIGN_OR_RETURN(const Spellings spellings, SpellingsOf(log, change));
  const std::string actions = ActionsOf(change, spellings);
  std::set<std::string> removed;
  for (const DataFile& file : change.removed) removed.insert(file.path);
  int64_t seen = change.read_version;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    WEIR_ASSIGN_OR_RETURN(const LogListing listing, log.List());
    for (; seen < listing.latest(); ++seen) {
      ForeignCommit other{.version = seen + 1, .operation = {}};
      const auto text = log.ReadCommit(seen + 1);
      // A commit that is gone already is covered by a checkpoint: much has happened.
      if (!text.ok() || !MayPass(*text, change, removed, other.operation))
        return ChangeOutcome{.version = -1, .other = std::move(other)};
    }
    const int64_t version = seen + 1;
    WEIR_ASSIGN_OR_RETURN(const bool is_written, log.WriteCommit(version, actions));
    if (is_written) return ChangeOutcome{.version = version, .other = {}};
  }
  return Status::Environment(StatusCode::kConflict,
                             "other writers were first {} times in a row at `{}`", kMaxAttempts,
                             change.table_url)
      .WithHint("run it again");
}

Result<ChangeOutcome> CommitChange(const engine::Session& session, const TableChange& change) {
  const auto log = OpenDeltaLog(session, change.table_url, CommitDurability::kWhole);
  WEIR_ASSIGN_OR_RETURN(ChangeOutcome outcome, CommitChangeTo(*log, change));
  if (outcome.version >= 0) {
    Log(LogLevel::kInfo, "a commit was made",
        {{"table", change.table_url},
         {"version", outcome.version},
         {"operation", change.operation},
         {"files", change.added.size()},
         {"removed_files", change.removed.size()}});
  }
  if (outcome.version > 0 && change.checkpoint_interval > 0 &&
      outcome.version % change.checkpoint_interval == 0) {
    // A checkpoint only makes reading quicker: the commit stands without it.
    (void)session.CreateCheckpoint(change.table_url);
  }
  const std::string folder = LocalFolder(change.table_url);
  if (outcome.version >= 0 && !folder.empty()) {
    outcome.durable =
        SyncFileSystem(folder).WithContext("the statement is done, but a power cut may undo it");
  }
  return outcome;
}

}  // namespace weir
