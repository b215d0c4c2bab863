// SPDX-License-Identifier: Apache-2.0

#include "weir/run/warehouse_lock.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "weir/base/durability.h"
#include "weir/base/json_text.h"
#include "weir/base/log.h"
#include "weir/delta/table_files.h"
#include "weir/session/session_runtime.h"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr const char* kBegun = "begun";
constexpr const char* kAlive = "alive";
constexpr const char* kEnded = "ended";
constexpr const char* kFolder = "_weir/_runs";
constexpr size_t kDigits = 20;

bool IsWebServer(std::string_view url) {
  return url.starts_with("http://") || url.starts_with("https://");
}

/// Whether a store, or the client by its settings, says that it has no conditional puts.
bool IsWithoutConditions(const Status& refused) {
  const std::string& text = refused.message();
  return text.find("not yet implemented") != std::string::npos ||
         text.find("501 Not Implemented") != std::string::npos;
}

/// `url` is of an object in `kFolder`.
Status WithoutConditionalPuts(const std::string& url, std::string_view does) {
  return Status::Environment(StatusCode::kUnsupported,
                             "a store that puts an object only if it is absent is wanted, found "
                             "one that {}: `{}`",
                             does, url.substr(0, url.find(kFolder)))
      .WithHint(
          "two runs at a time would write over each other's commits; keep the warehouse in a "
          "store with conditional puts, such as those of Amazon, Azure and Google");
}

/// Sees for how long a heart has stood still.
class HeartWatch {
 public:
  /// How long `beat` of the run `generation` has been the same by this machine's clock.
  SteadyTime::duration Unchanged(int64_t generation, const std::string& beat) {
    const auto now = std::chrono::steady_clock::now();
    if (generation != generation_ || beat != beat_) {
      generation_ = generation;
      beat_ = beat;
      since_ = now;
    }
    return now - since_;
  }

 private:
  int64_t generation_ = -1;
  std::string beat_;
  SteadyTime since_;
};

std::string EndedJson(const std::string& state, bool is_recorded, int64_t ended_at_us) {
  return JsonText(Json{{"state", state}, {"recorded", is_recorded}, {"ended_at_us", ended_at_us}});
}

/// Notes how the run ended. Returns whether it is recorded.
bool ReadEnded(const std::string& text, UnrecordedRun& run) {
  const Json ended = Json::parse(text, nullptr, false);
  if (!ended.is_object()) return false;
  if (ended.contains("state") && ended["state"].is_string()) run.state = ended["state"];
  if (ended.contains("ended_at_us") && ended["ended_at_us"].is_number_integer())
    run.ended_at_us = ended["ended_at_us"];
  return ended.contains("recorded") && ended["recorded"] == Json(true);
}

}  // namespace

/// The generations in the folder, with the kinds of their objects.
struct WarehouseLock::Listing {
  std::map<int64_t, std::set<std::string>> kinds;
  std::map<int64_t, int64_t> begun_ms;  ///< by generation

  /// The highest that was begun; 0 if none was.
  int64_t highest() const {
    for (auto entry = kinds.rbegin(); entry != kinds.rend(); ++entry) {
      if (entry->second.contains(kBegun)) return entry->first;
    }
    return 0;
  }
  bool has(int64_t generation, const char* kind) const {
    const auto found = kinds.find(generation);
    return found != kinds.end() && found->second.contains(kind);
  }
};

/// Shows others that the run goes on, and finds out if one of them took it for dead.
class WarehouseLock::Heart {
 public:
  Heart(const WarehouseLock& lock, engine::Cancellation cancellation,
        std::chrono::milliseconds interval)
      : lock_(lock), cancellation_(std::move(cancellation)), interval_(interval) {
    thread_ = std::thread([this] { Beat(); });
  }
  ~Heart() {
    {
      const std::lock_guard guard(mutex_);
      stopped_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  Heart(const Heart&) = delete;
  Heart& operator=(const Heart&) = delete;

 private:
  void Beat() {
    std::unique_lock guard(mutex_);
    for (int64_t beat = 1; !wake_.wait_for(guard, interval_, [&] { return stopped_; }); ++beat) {
      guard.unlock();
      // A store that fails for a moment is tried again with the next beat.
      const Status held = lock_.CheckHeld();
      if (held.code() == StatusCode::kConflict) {
        cancellation_.Cancel();
        return;
      }
      (void)lock_.session_.PutObject(lock_.UrlOf(lock_.generation_, kAlive),
                                     fmt::format("{}", beat));
      guard.lock();
    }
  }

  const WarehouseLock& lock_;
  const engine::Cancellation cancellation_;
  const std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
  std::thread thread_;
};

WarehouseLock::WarehouseLock(engine::Session session, std::string folder_url)
    : session_(std::move(session)), folder_url_(std::move(folder_url)) {}

WarehouseLock::~WarehouseLock() {
  if (generation_ > 0 && !ended_) (void)End("", /*is_recorded=*/true, 0);
}

std::string WarehouseLock::UrlOf(int64_t generation, const char* kind) const {
  return fmt::format("{}{:0{}}.{}", folder_url_, generation, kDigits, kind);
}

Result<WarehouseLock::Listing> WarehouseLock::List() const {
  Listing listing;
  const auto objects = session_.ListObjects(folder_url_);
  if (!objects.ok()) {
    if (objects.status().code() == StatusCode::kNotFound) return listing;
    return objects.status();
  }
  for (const ObjectInfo& object : *objects) {
    const std::string& name = object.relative_path;
    const size_t dot = name.find('.');
    int64_t generation = 0;
    const auto parsed =
        std::from_chars(name.data(), name.data() + std::min(dot, name.size()), generation);
    // Something else may have left a file here.
    if (dot != kDigits || parsed.ec != std::errc() || parsed.ptr != name.data() + dot) continue;
    const std::string kind = name.substr(dot + 1);
    listing.kinds[generation].insert(kind);
    if (kind == kBegun) listing.begun_ms[generation] = object.modified_ms;
  }
  return listing;
}

Result<std::unique_ptr<WarehouseLock>> WarehouseLock::Acquire(
    const engine::Session& session, const std::string& warehouse_url, const RunIdentity& self,
    const OnWait& on_wait, const engine::Cancellation& cancellation, Timing timing) {
  if (IsWebServer(warehouse_url)) {
    return Status::Environment(StatusCode::kUnsupported,
                               "a folder or a bucket is wanted for the warehouse, found a web "
                               "server, which is only read: `{}`",
                               warehouse_url)
        .WithHint("a warehouse is a folder, or lies in a bucket: `s3://…`, `az://…`, `gs://…`");
  }
  std::unique_ptr<WarehouseLock> lock(new WarehouseLock(session, TableUrl(warehouse_url, kFolder)));
  HeartWatch watch;
  int64_t told = 0;
  while (true) {
    if (cancellation.is_cancelled())
      return Status::User(StatusCode::kCancelled, "cancelled while it waited for another run");
    WEIR_ASSIGN_OR_RETURN(const Listing listing, lock->List());
    const int64_t highest = listing.highest();
    if (highest > 0 && !listing.has(highest, kEnded)) {
      const auto begun = session.GetObject(lock->UrlOf(highest, kBegun));
      if (!begun.ok() && begun.status().code() == StatusCode::kNotFound) continue;
      WEIR_RETURN_NOT_OK(begun.status());
      const auto holder = RunIdentity::Parse(*begun);
      Liveness liveness = holder ? LivenessOf(*holder, IsOwnDisk(LocalFolder(lock->folder_url_)))
                                 : Liveness::kUnknown;
      if (liveness == Liveness::kUnknown) {
        const auto beat = session.GetObject(lock->UrlOf(highest, kAlive));
        const auto silence = holder ? timing.silence : timing.unreadable;
        const bool is_still = watch.Unchanged(highest, beat.ok() ? *beat : "") >= silence;
        liveness = is_still ? Liveness::kDead : Liveness::kAlive;
      }
      if (liveness == Liveness::kAlive) {
        lock->waited_ = true;
        if (on_wait && holder && told != highest) on_wait(*holder);
        told = highest;
        std::this_thread::sleep_for(timing.poll);
        continue;
      }
      Log(LogLevel::kInfo, "a run that is gone holds the warehouse, its place is taken",
          {{"warehouse", warehouse_url}, {"holder", holder ? Describe(*holder) : "unknown"}});
    }
    // What this run holds is given back on every way out; what it only asked for is not.
    WEIR_ASSIGN_OR_RETURN(const bool is_first, lock->Begin(highest + 1, self.ToJson()));
    if (is_first) {
      lock->generation_ = highest + 1;
      // A generation that was removed as old may be made again: only the highest holds the lock.
      WEIR_ASSIGN_OR_RETURN(const Listing now, lock->List());
      if (now.highest() == lock->generation_) {
        Status tried = lock->TryCondition(self.ToJson());
        if (tried.ok()) tried = lock->MakeDurable(kBegun);
        if (!tried.ok()) {
          lock->Remove(lock->generation_);
          lock->Abandon();
          return tried;
        }
        WEIR_RETURN_NOT_OK(lock->NoteEarlier(now, self.started_at_us));
        lock->heart_ = std::make_unique<Heart>(*lock, cancellation, timing.heartbeat);
        Log(LogLevel::kInfo, "the warehouse is taken",
            {{"warehouse", warehouse_url},
             {"run_id", self.run_id},
             {"generation", lock->generation_},
             {"waited", lock->waited_}});
        return lock;
      }
      lock->Remove(lock->generation_);
    }
    lock->generation_ = 0;
    lock->waited_ = true;
  }
}

Result<bool> WarehouseLock::Begin(int64_t generation, const std::string& self) const {
  const std::string url = UrlOf(generation, kBegun);
  const auto put = session_.PutObjectIfAbsent(url, self);
  if (put.ok() && *put) return true;
  if (!put.ok() && IsWithoutConditions(put.status())) {
    return WithoutConditionalPuts(url, "refuses them").WithCause(put.status().message());
  }
  // The answer may have been lost, not the put; and who asks again after that is told that the
  // object exists. Only the object says whose it is.
  const auto found = session_.GetObject(url);
  if (found.ok() && *found == self) return true;
  WEIR_RETURN_NOT_OK(put.status());
  if (!found.ok() && found.status().code() != StatusCode::kNotFound) return found.status();
  return false;
}

Status WarehouseLock::TryCondition(const std::string& self) const {
  const std::string url = UrlOf(generation_, kBegun);
  if (url.starts_with("file://")) return Status::OK();
  WEIR_ASSIGN_OR_RETURN(const bool is_taken_again, session_.PutObjectIfAbsent(url, self));
  return is_taken_again ? WithoutConditionalPuts(url, "writes over what is there") : Status::OK();
}

Status WarehouseLock::MakeDurable() const {
  const std::string folder = LocalFolder(folder_url_);
  return folder.empty() ? Status::OK() : SyncFileSystem(folder);
}

Status WarehouseLock::MakeDurable(const char* kind) const {
  const std::string folder = LocalFolder(folder_url_);
  if (folder.empty()) return Status::OK();
  const std::string warehouse =
      folder.substr(0, folder.size() - std::string_view(kFolder).size() - 1);
  return SyncFile(LocalFolder(UrlOf(generation_, kind)), warehouse);
}

Status WarehouseLock::NoteEarlier(const Listing& listing, int64_t since_us) {
  for (const auto& [generation, kinds] : listing.kinds) {
    if (generation >= generation_) continue;
    UnrecordedRun run{.generation = generation, .identity = {}, .state = "killed"};
    bool is_recorded = !kinds.contains(kBegun);
    if (kinds.contains(kEnded)) {
      WEIR_ASSIGN_OR_RETURN(const std::string text, session_.GetObject(UrlOf(generation, kEnded)));
      is_recorded = ReadEnded(text, run) || is_recorded;
      waited_ = waited_ || run.ended_at_us >= since_us;
    }
    if (is_recorded) {
      Remove(generation);
      continue;
    }
    if (run.ended_at_us == 0) {
      const int64_t since = listing.begun_ms.at(generation);
      cut_off_since_ms_ = cut_off_since_ms_ < 0 ? since : std::min(cut_off_since_ms_, since);
    }
    WEIR_ASSIGN_OR_RETURN(const std::string begun, session_.GetObject(UrlOf(generation, kBegun)));
    auto identity = RunIdentity::Parse(begun);
    if (identity) {
      run.identity = *std::move(identity);
      unrecorded_.push_back(std::move(run));
    } else {
      Remove(generation);
    }
  }
  return Status::OK();
}

void WarehouseLock::Remove(int64_t generation) const {
  // Where only some of them can be removed, those that are left say nothing new.
  for (const char* kind : {kBegun, kAlive, kEnded})
    (void)session_.DeleteObject(UrlOf(generation, kind));
}

Status WarehouseLock::CheckHeld() const {
  WEIR_ASSIGN_OR_RETURN(const Listing listing, List());
  const int64_t highest = listing.highest();
  if (highest <= generation_) return Status::OK();
  const auto begun = session_.GetObject(UrlOf(highest, kBegun));
  const auto other = begun.ok() ? RunIdentity::Parse(*begun) : std::nullopt;
  return Status::Environment(StatusCode::kConflict,
                             "another run took this one for dead and went on in its place: `{}`",
                             other ? Describe(*other) : "unknown")
      .WithHint("what this run had committed stands; run again");
}

void WarehouseLock::Abandon() {
  ended_ = true;
  heart_.reset();
}

Status WarehouseLock::End(const std::string& state, bool is_recorded, int64_t ended_at_us) {
  if (ended_) return Status::OK();
  ended_ = true;
  // The heart beats meanwhile: a disk may take its time.
  const Status durable = MakeDurable();
  heart_.reset();
  WEIR_RETURN_NOT_OK(durable);
  WEIR_RETURN_NOT_OK(
      session_.PutObject(UrlOf(generation_, kEnded), EndedJson(state, is_recorded, ended_at_us)));
  Log(LogLevel::kInfo, "the warehouse is given back",
      {{"generation", generation_}, {"state", state}, {"recorded", is_recorded}});
  return MakeDurable(kEnded);
}

}  // namespace weir
