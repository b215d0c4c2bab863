// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/preflight.h"

#include <algorithm>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "weir/base/cache_folder.h"
#include "weir/base/filesystem.h"
#include "weir/base/parallel.h"
#include "weir/bundle/bundle_cache.h"
#include "weir/bundle/check_index.h"
#include "weir/bundle/plan_failure.h"
#include "weir/catalog/source_stamp.h"

namespace weir {

namespace {

using Names = std::unordered_set<std::string>;

std::string IndexName(const ProjectDefinition& project) {
  return "check-" + project.profile.name + ".index";
}

CheckIndex LoadIndex(const CacheFolder& cache, const ProjectDefinition& project,
                     const std::string& environment) {
  const auto bytes = cache.Read(IndexName(project));
  auto index = bytes ? CheckIndex::Parse(*bytes) : std::nullopt;
  if (!index || index->environment != environment) return {};
  return *std::move(index);
}

/// The machine's files; a folder that was stamped has the files that it had then, and those whose
/// texts were compared are read as they were then, so that what is noted and what is checked are
/// of the same bytes.
class ComparedFiles : public LocalFileSystem {
 public:
  ComparedFiles(const std::string& folder, const std::vector<std::string>& listed,
                const std::unordered_map<std::string, std::string>& texts)
      : folder_(folder), listed_(listed), texts_(texts) {}
  Result<std::string> ReadFile(const std::string& path) const override {
    const auto found = texts_.find(path);
    if (found != texts_.end()) return found->second;
    return LocalFileSystem::ReadFile(path);
  }
  Result<std::vector<std::string>> ListFiles(const std::string& folder) const override {
    if (folder == folder_ && !listed_.empty()) return listed_;
    return LocalFileSystem::ListFiles(folder);
  }

 private:
  const std::string folder_;
  const std::vector<std::string>& listed_;                     ///< below the folder, in byte order
  const std::unordered_map<std::string, std::string>& texts_;  ///< by path
};

bool BlamesFunctions(const Diagnostics& diagnostics) {
  return std::any_of(diagnostics.all().begin(), diagnostics.all().end(),
                     [](const Diagnostic& d) { return d.location.file.starts_with("functions/"); });
}

/// One check of one project: what is known from before, and what must be looked at.
class Checker {
 public:
  Checker(const PreflightOptions& options, const ProjectDefinition& frame)
      : options_(options), root_(frame.root), cache_(options.root), taken_at_ns_(StampClockNs()) {
    now_.environment = PlanningEnvironment(frame);
    if (options.use_index) before_ = LoadIndex(cache_, frame, now_.environment);
    now_.taken_at_ns = taken_at_ns_;
  }

  Result<Preflight> Run(const ProjectDefinition& frame, Diagnostics frame_diagnostics) {
    CompareSources(frame);
    CompareViews();
    // That a project has no views is said when all of it is loaded.
    pins_needed_ = pins_needed_ || now_.views.empty();
    Preflight result;
    result.diagnostics = std::move(frame_diagnostics);
    result.project_name = frame.name;
    result.sources = frame.sources.size();
    result.tests = frame.tests.size() + frame.unit_tests.size();
    Spread();
    while (!dirty_.empty() || pins_needed_) {
      Diagnostics diagnostics;
      WEIR_ASSIGN_OR_RETURN(const bool settled, CheckDirty(diagnostics));
      if (!settled) continue;
      result.diagnostics = std::move(diagnostics);
      break;
    }
    result.views_checked = dirty_.size();
    for (const IndexedView& view : now_.views) result.views += view.name.empty() ? 0 : 1;
    result.diagnostics.Sort();
    // What is wrong with user functions is found whenever a session is opened: always, then.
    if (options_.use_index && worth_saving_ && !BlamesFunctions(result.diagnostics))
      cache_.Write(IndexName(frame), now_.Serialize());
    return result;
  }

 private:
  /// Fills now_.sources; pins are needed where the schema may be another one.
  void CompareSources(const ProjectDefinition& frame) {
    std::unordered_map<std::string_view, const IndexedSource*> known;
    for (const IndexedSource& source : before_.sources) known[source.name] = &source;
    for (const SourceDefinition& source : frame.sources) {
      IndexedSource entry{.name = source.name,
                          .definition_hash = SourceDefinitionHash(source),
                          .stamp = SourceStamp(source, taken_at_ns_),
                          .schema_hash = {}};
      const auto found = known.find(source.name);
      if (found != known.end() && !entry.stamp.empty() && found->second->stamp == entry.stamp &&
          found->second->definition_hash == entry.definition_hash) {
        entry.schema_hash = found->second->schema_hash;
      }
      pins_needed_ = pins_needed_ || entry.schema_hash.empty();
      if (found != known.end()) known.erase(found);
      now_.sources.push_back(std::move(entry));
    }
    for (const auto& [name, source] : known) changed_tables_.emplace(name);
    worth_saving_ = pins_needed_ || !known.empty();
  }

  /// Fills now_.views with what is known of the files, and dirty_ with those that differ.
  void CompareViews() {
    auto known = before_.views.begin();
    std::vector<size_t> restamped;
    StampedFolder folder = StampFiles(options_.root + "/views");
    now_.views.reserve(folder.files.size());
    listed_.reserve(folder.files.size());
    for (StampedFile& file : folder.files) {
      if (!IsSqlFile(file.path)) continue;
      const std::string path = "views/" + file.path;
      if (folder.complete) listed_.push_back(std::move(file.path));
      while (known != before_.views.end() && known->file < path) Forget(*known++);
      IndexedView entry{.file = path, .stamp = file.stamp};
      const bool is_known = known != before_.views.end() && known->file == path;
      if (is_known) entry = std::move(*known++);
      const bool same_stamp =
          is_known && entry.stamp == file.stamp && IsSettled(entry.stamp, before_.taken_at_ns);
      if (!same_stamp) restamped.push_back(now_.views.size());
      entry.stamp = file.stamp;
      now_.views.push_back(std::move(entry));
    }
    while (known != before_.views.end()) Forget(*known++);
    CompareContents(restamped);
    for (const IndexedView& view : now_.views) {
      // Where not all can be seen, loading the project says why.
      if (!view.clean || edited_.contains(view.file) || !folder.complete)
        dirty_.insert(dirty_.end(), view.file);
    }
  }

  /// Fills edited_ with those of the views whose text is another one.
  void CompareContents(const std::vector<size_t>& restamped) {
    struct Read {
      std::string path, text, hash;
    };
    std::vector<Read> reads(restamped.size());
    ForEachInParallel(reads.size(), std::thread::hardware_concurrency(), [&](size_t i) {
      Read& read = reads[i];
      read.path = root_ + "/" + now_.views[restamped[i]].file;
      auto text = LocalFileSystem().ReadFile(read.path);
      if (!text.ok()) return;
      read.text = *std::move(text);
      read.hash = Blake2bHex128(read.text);
    });
    texts_.reserve(reads.size());
    for (size_t i = 0; i < reads.size(); ++i) {
      Read& read = reads[i];
      IndexedView& view = now_.views[restamped[i]];
      worth_saving_ = true;
      if (read.hash != view.content_hash || read.hash.empty()) edited_.insert(view.file);
      if (!read.hash.empty()) texts_.emplace(std::move(read.path), std::move(read.text));
      view.content_hash = std::move(read.hash);
    }
  }

  void Forget(const IndexedView& view) {
    worth_saving_ = true;
    if (!view.name.empty()) changed_tables_.insert(view.name);
  }

  /// Views that read a changed table are dirty; of an inlined view also its readers. Returns
  /// whether any was added.
  bool Spread() {
    bool grown = false;
    for (bool again = !changed_tables_.empty(); again;) {
      again = false;
      for (const IndexedView& view : now_.views) {
        if (dirty_.contains(view.file) || !ReadsChanged(view)) continue;
        dirty_.insert(view.file);
        grown = true;
        if (view.is_inline) again = changed_tables_.insert(view.name).second || again;
      }
    }
    return grown;
  }

  bool ReadsChanged(const IndexedView& view) const {
    return std::any_of(view.tables.begin(), view.tables.end(),
                       [&](const std::string& table) { return changed_tables_.contains(table); });
  }

  /// Checks the dirty views. False if more turned out to be dirty, so that all must be checked
  /// again together.
  Result<bool> CheckDirty(Diagnostics& diagnostics) {
    const std::vector<std::string> files(dirty_.begin(), dirty_.end());
    const bool all = files.size() == now_.views.size();
    WEIR_ASSIGN_OR_RETURN(
        ProjectDefinition project,
        LoadProject(ComparedFiles(root_ + "/views", listed_, texts_), options_.root,
                    options_.profile, diagnostics, all ? nullptr : &files));
    if (NamesCollide(project)) return MarkAllDirty();
    WEIR_ASSIGN_OR_RETURN(auto session, SessionRuntime::Seal(project, diagnostics));
    if (ComparePins(*session)) return false;
    WEIR_ASSIGN_OR_RETURN(const bool complete, AddUpstream(project, *session));
    if (!complete) return false;
    std::vector<std::string> known_views;
    for (const IndexedView& view : now_.views) {
      if (!dirty_.contains(view.file)) known_views.push_back(view.name);
    }
    CheckedProject checked =
        CheckViews(project, known_views, options_.inspect, *session, diagnostics);
    // A large catalog takes as long to take apart as what was found takes to note.
    std::thread closing([&session] { session.reset(); });
    const bool settled = TakeOver(project, std::move(checked), diagnostics);
    closing.join();
    return settled;
  }

  bool MarkAllDirty() {
    for (const IndexedView& view : now_.views) dirty_.insert(view.file);
    return false;
  }

  /// Whether a dirty view's name is that of another view or source, which LoadProject reports only
  /// when it sees both.
  bool NamesCollide(const ProjectDefinition& project) const {
    if (dirty_.size() == now_.views.size()) return false;
    Names names;
    for (const IndexedView& view : now_.views) {
      if (!dirty_.contains(view.file)) names.insert(view.name);
    }
    const auto taken = [&](const auto& value) { return names.contains(value.name); };
    return std::any_of(project.views.begin(), project.views.end(), taken) ||
           std::any_of(project.sources.begin(), project.sources.end(), taken);
  }

  /// Notes the sources' schemas. True if views that were thought clean read a changed one.
  bool ComparePins(const SessionRuntime& session) {
    if (!pins_needed_) return false;
    pins_needed_ = false;
    std::unordered_map<std::string_view, std::string_view> known;
    for (const IndexedSource& source : before_.sources) known[source.name] = source.schema_hash;
    for (IndexedSource& source : now_.sources) {
      const PinnedTable* table = session.catalog().Find(source.name);
      // What is told of it is told again next time, hence looked at again.
      if (table == nullptr || table->drift) source.stamp.clear();
      if (table != nullptr) source.schema_hash = LookOf(*table);
      const auto found = known.find(source.name);
      if (found == known.end() || found->second != source.schema_hash)
        changed_tables_.insert(source.name);
    }
    return Spread();
  }

  /// Registers the clean views that the dirty ones read. False if one of them is inlined: its plan
  /// is needed, so that it counts as dirty too.
  Result<bool> AddUpstream(const ProjectDefinition& project, SessionRuntime& session) {
    if (dirty_.size() == now_.views.size()) return true;
    std::unordered_map<std::string_view, const IndexedView*> clean;
    for (const IndexedView& view : now_.views) {
      if (!dirty_.contains(view.file)) clean[view.name] = &view;
    }
    Names added;
    bool complete = true;
    for (const ViewDefinition& view : project.views) {
      const auto tables = session.engine().TableReferences(view.query_sql, view.dialect);
      if (!tables.ok()) continue;  // planning reports it with its place
      for (const std::string& table : *tables) {
        const auto found = clean.find(WithoutDefaultSchema(table));
        if (found == clean.end() || !added.insert(found->second->name).second) continue;
        const IndexedView& upstream = *found->second;
        if (!upstream.is_inline && AddToCatalog(upstream, session).ok()) continue;
        dirty_.insert(upstream.file);
        complete = false;
      }
    }
    return complete;
  }

  /// Notes what was found. False if views that were thought clean read one that looks different.
  bool TakeOver(const ProjectDefinition& project, CheckedProject checked,
                const Diagnostics& diagnostics) {
    worth_saving_ = true;
    std::unordered_map<std::string_view, IndexedView> found;
    found.reserve(project.views.size());
    after_.reserve(project.views.size());
    for (const ViewDefinition& view : project.views) {
      found[view.file] = {.name = view.name,
                          .is_inline = view.kind == ViewDefinition::Kind::kInline,
                          .partition_columns = view.partition_columns};
    }
    std::unordered_map<std::string_view, CheckedView*> passed;
    for (CheckedView& view : checked.views) passed[view.name] = &view;
    Names reported;
    for (const Diagnostic& diagnostic : diagnostics.all())
      reported.insert(diagnostic.location.file);
    for (IndexedView& entry : now_.views) {
      if (!dirty_.contains(entry.file)) continue;
      IndexedView view = std::move(found[entry.file]);
      if (const auto ok = passed.find(view.name); ok != passed.end()) {
        view.clean = !reported.contains(entry.file);
        view.tables = std::move(ok->second->tables);
        view.schema = std::move(ok->second->schema);
      }
      view.file = entry.file;
      view.stamp = entry.stamp;
      view.content_hash = entry.content_hash;
      NoteChange(entry, view);
      after_[entry.file] = std::move(view);
    }
    if (Spread()) return false;
    for (IndexedView& entry : now_.views) {
      if (const auto view = after_.find(entry.file); view != after_.end())
        entry = std::move(view->second);
    }
    return true;
  }

  /// `entry` is what the last check saw of it.
  void NoteChange(const IndexedView& entry, const IndexedView& view) {
    const bool inline_changed = view.is_inline && edited_.contains(view.file);
    if (entry.SameToReaders(view) && !inline_changed) return;
    if (!entry.name.empty()) changed_tables_.insert(entry.name);
    if (!view.name.empty()) changed_tables_.insert(view.name);
  }

  const PreflightOptions& options_;
  const std::string root_;  ///< as LoadProject names it
  const CacheFolder cache_;
  const int64_t taken_at_ns_;
  CheckIndex before_, now_;
  std::vector<std::string> listed_;  ///< SQL files below views/; empty if not all could be seen
  std::unordered_map<std::string, std::string> texts_;  ///< of restamped views, by path
  Names edited_;                 ///< files of views whose text is another one
  std::set<std::string> dirty_;  ///< files of views to check
  Names changed_tables_;         ///< that look different to their readers
  std::unordered_map<std::string, IndexedView> after_;
  bool pins_needed_ = false;
  bool worth_saving_ = false;
};

}  // namespace

Result<Preflight> CheckProject(const PreflightOptions& options) {
  static const std::vector<std::string> kNone;
  Diagnostics diagnostics;
  WEIR_ASSIGN_OR_RETURN(
      const ProjectDefinition frame,
      LoadProject(LocalFileSystem(), options.root, options.profile, diagnostics, &kNone));
  if (diagnostics.has_errors()) {
    // What the views would report beside depends on the broken parts: everything is looked at.
    PreflightOptions whole = options;
    whole.use_index = false;
    return Checker(whole, frame).Run(frame, {});
  }
  return Checker(options, frame).Run(frame, std::move(diagnostics));
}

}  // namespace weir
