// SPDX-License-Identifier: Apache-2.0
//
// replay: runs a past run again from artifacts, and compares.

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include <arrow/api.h>

#include "weir/base/filesystem.h"
#include "weir/base/json_text.h"
#include "weir/catalog/path_files.h"
#include "weir/cli/command.h"
#include "weir/cli/interrupt.h"
#include "weir/engine/row_text.h"
#include "weir/project/weir_toml.h"
#include "weir/replay/replay.h"

namespace weir::cli {

namespace {

using Json = nlohmann::ordered_json;

/// An absolute path or a URL, without a slash at its end.
std::string PlaceNamed(const std::string& text) {
  const std::string local = LocalPath(text);
  std::string place = local.empty() ? text : local;
  while (place.size() > 1 && place.ends_with('/')) place.pop_back();
  return place;
}

/// Profile, object stores and warehouse; of the project only weir.toml is looked at, if it is
/// there.
Result<ProjectDefinition> ProgramOf(const GlobalOptions& options, const ReplayRequest& request,
                                    Diagnostics& diagnostics) {
  const LocalFileSystem files;
  const bool has_project = files.Exists(options.project + "/" + std::string(kProjectFileName));
  if (!has_project && request.warehouse.empty()) {
    return Status::User(StatusCode::kNotFound,
                        "a project's folder or a warehouse is wanted, found no {} in `{}`",
                        kProjectFileName, options.project)
        .WithHint("--warehouse names the folder or URL with the tables and `_weir`");
  }
  Diagnostics found;
  const std::vector<std::string> no_views;
  auto project = has_project
                     ? LoadProject(files, options.project, options.profile, found, &no_views)
                     : WithoutProject(options.profile, found);
  WEIR_RETURN_NOT_OK(project.status());
  for (const Diagnostic& diagnostic : found.all()) {
    if (diagnostic.location.file == kProjectFileName && diagnostic.severity == Severity::kError)
      diagnostics.Add(diagnostic);
  }
  if (!request.warehouse.empty()) project->warehouse_uri = PlaceNamed(request.warehouse);
  if (request.threads > 0) project->profile.threads = request.threads;
  return project;
}

/// A folder for what is not kept; removed with the object.
class ScratchFolder {
 public:
  static Result<std::unique_ptr<ScratchFolder>> Make(const std::string& spill_directory) {
    std::error_code error;
    std::string pattern = spill_directory.empty()
                              ? std::filesystem::temp_directory_path(error).string()
                              : spill_directory;
    pattern += "/weir-replay-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
      return Status::Environment(StatusCode::kIo, "a folder cannot be made: `{}`", pattern)
          .WithHint("--into names a place that can be written");
    }
    return std::unique_ptr<ScratchFolder>(new ScratchFolder(std::move(pattern)));
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

/// Refuses a place that may hold what is not to be overwritten.
Status CheckPlace(const std::string& place, const ProjectDefinition& program) {
  const std::string warehouse = PlaceNamed(program.warehouse_uri);
  if (place == warehouse || place.starts_with(warehouse + "/")) {
    return Status::User(StatusCode::kInvalidArgument,
                        "a place outside the warehouse is wanted for --into, found `{}`", place);
  }
  std::error_code error;
  if (LocalPath(place).empty() || !std::filesystem::exists(place, error)) return Status::OK();
  if (std::filesystem::is_directory(place, error) && std::filesystem::is_empty(place, error))
    return Status::OK();
  return Status::User(StatusCode::kInvalidArgument,
                      "a new or empty folder is wanted for --into, found `{}`", place);
}

class Progress : public ReplayObserver {
 public:
  void OnReplayed(const ReplayedView& view, size_t finished, size_t total) override {
    Tell(fmt::format("[{}/{}] {:9} {}", finished, total, ToString(view.state), view.view_name),
         {{"view", view.view_name}, {"state", ToString(view.state)}});
  }
};

/// Rows as messages show them.
std::vector<std::string> TextsOf(const std::shared_ptr<arrow::Table>& table) {
  std::vector<std::string> texts;
  if (table == nullptr) return texts;
  const auto batch = table->CombineChunksToBatch();
  if (!batch.ok()) return texts;
  for (int64_t row = 0; row < (*batch)->num_rows(); ++row) texts.push_back(RowText(**batch, row));
  return texts;
}

void PrintDifference(const ReplayedView& view) {
  std::cout << fmt::format("\n`{}` differs: content hash {} then, {} now\n", view.view_name,
                           view.content_then, view.content_now);
  for (const std::string& cause : view.causes) std::cout << "  cause: " << cause << "\n";
  if (view.causes.empty()) std::cout << "  no cause is known\n";
  if (!view.difference) {
    std::cout << "  the rows of the run cannot be read any more\n";
    return;
  }
  std::cout << fmt::format("  {} rows then only, {} now only\n", view.difference->removed,
                           view.difference->added);
  for (const std::string& row : TextsOf(view.difference->removed_rows))
    std::cout << "  - " << row << "\n";
  for (const std::string& row : TextsOf(view.difference->added_rows))
    std::cout << "  + " << row << "\n";
}

void PrintTable(const Replay& replay, const ReplayReport& report, const std::string& into) {
  std::vector<std::vector<std::string>> rows;
  size_t identical = 0;
  for (const ReplayedView& view : report.views) {
    identical += view.state == ReplayState::kIdentical ? 1 : 0;
    std::string note = view.status.ok() ? "" : view.status.message();
    if (note.empty() && !view.same_operators) note = "by another physical plan";
    rows.push_back({view.view_name, std::string(ToString(view.state)),
                    fmt::format("{}", view.rows_then), fmt::format("{}", view.rows_now),
                    view.built_by, note});
  }
  if (!rows.empty()) {
    std::cout << RenderTable({"view", "result", "rows then", "rows now", "built by", "note"}, rows)
              << "\n";
  }
  for (const std::string& drift : replay.drift()) std::cout << "another program: " << drift << "\n";
  for (const ReplayedView& view : report.views) {
    if (view.state == ReplayState::kDiffers) PrintDifference(view);
  }
  const RecordedRun& run = replay.run();
  std::cout << fmt::format("run {} ({}): {} of {} replayed views identical", run.run_id, run.state,
                           identical, report.views.size());
  if (!run.reused.empty())
    std::cout << fmt::format("; it reused {} (--all replays them, too)", run.reused.size());
  if (!run.unbuilt.empty()) std::cout << fmt::format("; it did not build {}", run.unbuilt.size());
  std::cout << (into.empty() ? "" : fmt::format("; tables in {}", into)) << "\n";
}

void PrintJson(const Replay& replay, const ReplayReport& report, const std::string& into) {
  Json views = Json::array();
  for (const ReplayedView& view : report.views) {
    Json json{{"view", view.view_name},
              {"built_by", view.built_by},
              {"result", ToString(view.state)},
              {"rows_then", view.rows_then},
              {"rows_now", view.rows_now},
              {"content_hash_then", view.content_then},
              {"content_hash_now", view.content_now.empty() ? Json() : Json(view.content_now)},
              {"same_physical_plan", view.same_operators},
              {"message", view.status.ok() ? Json() : Json(view.status.message())},
              {"causes", view.causes}};
    if (view.difference) {
      json["difference"] = {{"only_then", view.difference->removed},
                            {"only_now", view.difference->added},
                            {"rows_then", TextsOf(view.difference->removed_rows)},
                            {"rows_now", TextsOf(view.difference->added_rows)}};
    }
    views.push_back(std::move(json));
  }
  const RecordedRun& run = replay.run();
  std::cout << JsonText(Json{{"schema_version", 1},
                             {"run_id", run.run_id},
                             {"run_state", run.state},
                             {"identical", report.AllIdentical()},
                             {"views", views},
                             {"reused", run.reused},
                             {"not_built", run.unbuilt},
                             {"drift", replay.drift()},
                             {"into", into.empty() ? Json() : Json(into)}},
                        2)
            << "\n";
}

}  // namespace

int RunReplay(const GlobalOptions& options, const ReplayRequest& request) {
  Diagnostics diagnostics;
  const auto program = ProgramOf(options, request, diagnostics);
  if (!program.ok()) return FailNamed(program.status());
  if (diagnostics.has_errors()) return Report(diagnostics);
  const std::string into = request.into.empty() ? "" : PlaceNamed(request.into);
  if (!into.empty()) {
    const Status fits = CheckPlace(into, *program);
    if (!fits.ok()) {
      Fail(fits);
      return kWrongUse;
    }
  }
  std::unique_ptr<ScratchFolder> scratch;
  if (into.empty()) {
    auto made = ScratchFolder::Make(program->profile.spill_directory);
    if (!made.ok()) return Fail(made.status());
    scratch = *std::move(made);
  }
  const InterruptScope interrupt;
  const auto replay = Replay::Prepare(
      *program,
      {.choice = {.run = request.run, .views = request.views, .with_reused = request.all},
       .scratch_url = ToUrl(scratch ? scratch->path() : into, /*folder=*/true),
       .each_alone = request.verify,
       .allow_drift = request.allow_drift},
      diagnostics);
  if (!replay.ok()) return FailNamed(replay.status());
  if (diagnostics.has_errors()) return Report(diagnostics);
  Progress progress;
  const ReplayReport report = (*replay)->Execute(progress, SystemClock(), interrupt.cancellation());
  if (options.format == Format::kJson) {
    PrintJson(**replay, report, into);
  } else {
    PrintTable(**replay, report, into);
  }
  if (interrupt.cancellation().is_cancelled()) return kInterrupted;
  return report.AllIdentical() ? kDone : kWorkFailed;
}

}  // namespace weir::cli
