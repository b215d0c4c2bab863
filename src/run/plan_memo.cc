// SPDX-License-Identifier: Apache-2.0

#include "weir/run/plan_memo.h"

#include <set>
#include <unordered_map>

#include "weir/base/file_stamp.h"
#include "weir/base/fingerprint.h"
#include "weir/bundle/schema_bytes.h"
#include "weir/catalog/source_stamp.h"
#include "weir/run/delta_history.h"

namespace weir {

namespace {

/// Raise it when the form of the bytes changes.
constexpr uint32_t kFormat = 1;

/// Adds the stamps of files. False if one of them may have changed this very moment.
bool AddStamps(const std::vector<StampedFile>& files, int64_t now_ns, ByteWriter& out) {
  for (const StampedFile& file : files) {
    if (!IsSettled(file.stamp, now_ns)) return false;
    out.PutText(file.path);
    out.PutStamp(file.stamp);
  }
  return true;
}

bool AddOptions(const PlanMemoOptions& options, int64_t now_ns, ByteWriter& out) {
  out.PutTexts(options.selection.selectors);
  out.PutTexts(options.selection.excluded);
  out.Put(static_cast<uint8_t>(options.force ? 1 : 0));
  const auto toml = StampOf(options.root + "/weir.toml");
  return toml && AddStamps({{"weir.toml", *toml}}, now_ns, out) &&
         AddStamps(StampFiles(options.root + "/sources").files, now_ns, out);
}

/// A hash of all that the rows depend on beside the views' files. Empty if stamps cannot tell:
/// sources or a warehouse behind a URL.
std::string EnvironmentOf(const ProjectDefinition& frame, const PlanMemoOptions& options,
                          int64_t now_ns) {
  if (frame.warehouse_uri.find("://") != std::string::npos) return {};
  ByteWriter out;
  out.PutText(PlanningEnvironment(frame));
  if (!AddOptions(options, now_ns, out)) return {};
  for (const SourceDefinition& source : frame.sources) {
    const std::string stamp = SourceStamp(source, now_ns);
    if (stamp.empty()) return {};
    out.PutText(SourceDefinitionHash(source));
    out.PutText(stamp);
  }
  // The log of each table of the warehouse: its folder changes with every commit.
  if (!AddStamps(StampInEachFolder(frame.warehouse_uri, "_delta_log"), now_ns, out)) return {};
  // Data files that are removed by hand leave the log as it is.
  if (!AddStamps(StampFolders(frame.warehouse_uri), now_ns, out)) return {};
  return Blake2bHex128(out.bytes());
}

struct Memo {
  CheckIndex index;
  std::vector<PlanRow> rows;
};

std::string Serialize(const CheckIndex& index, const std::vector<PlanRow>& rows) {
  ByteWriter out;
  out.Put(kFormat);
  out.PutText(index.Serialize());
  out.Put(static_cast<uint32_t>(rows.size()));
  for (const PlanRow& row : rows) Put(out, row);
  return out.bytes();
}

std::optional<Memo> Parse(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.Get<uint32_t>() != kFormat) return std::nullopt;
  auto index = CheckIndex::Parse(in.GetText());
  if (!index) return std::nullopt;
  Memo memo{.index = *std::move(index), .rows = {}};
  memo.rows.reserve(in.GetCount(sizeof(uint32_t)));
  for (size_t i = 0; i < memo.rows.capacity() && in.ok(); ++i) memo.rows.push_back(GetPlanRow(in));
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return memo;
}

/// Plans the edited views and all that reads them; the other rows stay.
class Replanning {
 public:
  Replanning(const PlanMemoOptions& options, Memo& memo) : options_(options), memo_(memo) {
    for (size_t i = 0; i < memo_.index.views.size(); ++i) by_name_[memo_.index.views[i].name] = i;
  }

  /// Brings index and rows of the memo up to date. `edited`: indexes of views. False if the project
  /// must be planned whole.
  bool Run(const std::set<size_t>& edited) {
    edited_ = edited;
    FindReaders();
    loaded_ = affected_;
    while (true) {
      const size_t before = loaded_.size();
      if (!Load() || !AddUpstream()) return false;
      if (loaded_.size() == before) break;
    }
    BundleCache cache(project_, *session_);
    for (const size_t i : upstream_) {
      const IndexedView& view = memo_.index.views[i];
      cache.NoteTable(view.name, "", SchemaOf(view.schema), view.partition_columns);
    }
    compiled_ = CompileViews(project_, *session_, diagnostics_, &cache);
    return diagnostics_.all().empty() && compiled_.failed.empty() && Decide();
  }

 private:
  /// Fills affected_: the edited views and all that names them, directly or not.
  void FindReaders() {
    std::unordered_map<std::string_view, std::vector<size_t>> readers;
    for (size_t i = 0; i < memo_.index.views.size(); ++i) {
      for (const std::string& table : memo_.index.views[i].tables) readers[table].push_back(i);
    }
    std::vector<size_t> open(edited_.begin(), edited_.end());
    while (!open.empty()) {
      const size_t view = open.back();
      open.pop_back();
      if (!affected_.insert(view).second) continue;
      const auto found = readers.find(memo_.index.views[view].name);
      if (found != readers.end())
        open.insert(open.end(), found->second.begin(), found->second.end());
    }
  }

  /// Loads the files of loaded_ and opens a session for them.
  bool Load() {
    std::vector<std::string> files;
    for (const size_t i : loaded_) files.push_back(memo_.index.views[i].file);
    auto project =
        LoadProject(LocalFileSystem(), options_.root, options_.profile, diagnostics_, &files);
    if (!project.ok() || !diagnostics_.all().empty()) return false;
    project_ = *std::move(project);
    for (const ViewDefinition& view : project_.views) {
      const auto known = by_name_.find(view.name);
      if (known == by_name_.end()) return false;
      const IndexedView& entry = memo_.index.views[known->second];
      const bool is_inline = view.kind == ViewDefinition::Kind::kInline;
      if (entry.file != view.file || entry.is_inline != is_inline) return false;
    }
    if (project_.views.size() != loaded_.size()) return false;
    auto session = SessionRuntime::Seal(project_, diagnostics_);
    if (!session.ok() || !diagnostics_.all().empty()) return false;
    session_ = *std::move(session);
    return true;
  }

  /// Registers what the loaded views read and is not loaded itself. Inlined views are added to
  /// loaded_ instead, since their plans are needed.
  bool AddUpstream() {
    upstream_.clear();
    for (const ViewDefinition& view : project_.views) {
      const size_t index = by_name_.at(view.name);
      std::vector<std::string> tables = memo_.index.views[index].tables;
      if (edited_.contains(index)) {
        auto named = session_->engine().TableReferences(view.query_sql, view.dialect);
        if (!named.ok()) return false;
        tables = *std::move(named);
      }
      for (const std::string& table : tables) {
        const auto found = by_name_.find(WithoutDefaultSchema(table));
        if (found == by_name_.end() || loaded_.contains(found->second)) continue;
        (memo_.index.views[found->second].is_inline ? loaded_ : upstream_).insert(found->second);
      }
    }
    for (const size_t i : upstream_) {
      if (!AddToCatalog(memo_.index.views[i], *session_).ok()) return false;
    }
    return true;
  }

  /// Decides about the affected views, in the graph of all.
  bool Decide() {
    std::unordered_map<std::string_view, size_t> row_of;
    std::map<std::string, Action> others;
    std::set<std::string> wanted;
    CompiledProject all;
    for (size_t i = 0; i < memo_.rows.size(); ++i) {
      const PlanRow& row = memo_.rows[i];
      row_of[row.view_name] = i;
      if (affected_.contains(by_name_.at(row.view_name))) {
        wanted.insert(row.view_name);
        all.Add(compiled_.Find(row.view_name));
        continue;
      }
      others[row.view_name] = row.action;
      all.Add(OutlineOf(row));
    }
    const DeltaHistory history(session_->engine(), session_->warehouse_url());
    const SystemClock clock;
    const ProjectRun run(all, *session_, history, clock);
    const auto planned = run.PlanAgain(wanted, others);
    if (!planned.ok()) return false;
    for (const PlannedView& view : *planned) {
      if (!WarningsOf(view.scan_units).empty()) return false;
    }
    for (PlanRow& row : ToPlanRows(*planned, run.graph()))
      memo_.rows[row_of.at(row.view_name)] = std::move(row);
    std::vector<PlanRow> ordered;
    ordered.reserve(memo_.rows.size());
    for (const ViewTask& task : run.graph().tasks())
      ordered.push_back(std::move(memo_.rows[row_of.at(task.view_name)]));
    memo_.rows = std::move(ordered);
    UpdateIndex();
    return true;
  }

  /// What the task graph looks at of a view that is not planned again.
  static std::shared_ptr<const PlanBundle> OutlineOf(const PlanRow& row) {
    auto bundle = std::make_shared<PlanBundle>();
    bundle->view_name = row.view_name;
    for (const std::string& view : row.upstream_views)
      bundle->pins.push_back({.table = view, .kind = "view", .url = {}});
    return bundle;
  }

  void UpdateIndex() {
    for (const ViewDefinition& view : project_.views) {
      IndexedView& entry = memo_.index.views[by_name_.at(view.name)];
      entry.tables = compiled_.TablesOf(view.name);
      if (entry.is_inline) continue;
      entry.schema = SchemaBytes(compiled_.Find(view.name)->stored_schema);
      entry.partition_columns = view.partition_columns;
    }
  }

  const PlanMemoOptions& options_;
  Memo& memo_;
  std::unordered_map<std::string, size_t> by_name_;  ///< views of the index
  std::set<size_t> edited_, affected_, loaded_, upstream_;
  Diagnostics diagnostics_;
  ProjectDefinition project_;
  std::unique_ptr<SessionRuntime> session_;
  CompiledProject compiled_;
};

}  // namespace

PlanMemo::PlanMemo(const PlanMemoOptions& options) : cache_(options.root), options_(options) {
  static const std::vector<std::string> kNone;
  now_.taken_at_ns = StampClockNs();
  Diagnostics diagnostics;
  const auto frame =
      LoadProject(LocalFileSystem(), options.root, options.profile, diagnostics, &kNone);
  if (!frame.ok() || !diagnostics.all().empty()) return;
  name_ = "plan-" + frame->profile.name + ".memo";
  now_.environment = EnvironmentOf(*frame, options, now_.taken_at_ns);
  if (now_.environment.empty()) return;
  for (StampedFile& file : StampFiles(options.root + "/views").files) {
    if (IsSqlFile(file.path))
      now_.views.push_back({.file = "views/" + file.path, .stamp = file.stamp});
  }
}

std::optional<std::vector<PlanRow>> PlanMemo::Recall() const {
  if (now_.environment.empty()) return std::nullopt;
  const auto bytes = cache_.Read(name_);
  auto memo = bytes ? Parse(*bytes) : std::nullopt;
  if (!memo || memo->index.environment != now_.environment ||
      memo->index.views.size() != now_.views.size())
    return std::nullopt;
  std::set<size_t> edited;
  for (size_t i = 0; i < now_.views.size(); ++i) {
    IndexedView& known = memo->index.views[i];
    if (known.file != now_.views[i].file) return std::nullopt;
    if (known.stamp != now_.views[i].stamp || !IsSettled(known.stamp, memo->index.taken_at_ns))
      edited.insert(i);
    known.stamp = now_.views[i].stamp;
  }
  if (edited.empty()) return std::move(memo->rows);
  const bool plain = options_.selection.selectors.empty() && options_.selection.excluded.empty() &&
                     !options_.force;
  memo->index.taken_at_ns = now_.taken_at_ns;
  if (!plain || !Replanning(options_, *memo).Run(edited)) return std::nullopt;
  cache_.Write(name_, Serialize(memo->index, memo->rows));
  return std::move(memo->rows);
}

void PlanMemo::Keep(const ProjectDefinition& project, const CompiledProject& compiled,
                    const std::vector<PlanRow>& rows) const {
  if (now_.environment.empty()) return;
  std::unordered_map<std::string_view, const ViewDefinition*> views;
  for (const ViewDefinition& view : project.views) views[view.file] = &view;
  CheckIndex index = now_;
  for (IndexedView& entry : index.views) {
    const auto found = views.find(entry.file);
    if (found == views.end()) return;  // it came or went meanwhile
    const ViewDefinition& view = *found->second;
    entry.name = view.name;
    entry.is_inline = view.kind == ViewDefinition::Kind::kInline;
    entry.tables = compiled.TablesOf(view.name);
    if (entry.is_inline) continue;
    entry.schema = SchemaBytes(compiled.Find(view.name)->stored_schema);
    entry.partition_columns = view.partition_columns;
  }
  if (index.views.size() == project.views.size()) cache_.Write(name_, Serialize(index, rows));
}

}  // namespace weir
