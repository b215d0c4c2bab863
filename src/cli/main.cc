// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "weir/base/sql_quotes.h"
#include "weir/cli/command.h"
#include "weir/cli/completion.h"
#include "weir/cli/log_options.h"
#include "weir/cli/option_values.h"
#include "weir/cli/wrong_use.h"
#include "weir/project/initial_project.h"

namespace weir::cli {
namespace {

/// Takes NAME=VALUE.
CLI::Validator Pair() {
  return CLI::Validator(
      [](const std::string& found) {
        if (found.find('=') != std::string::npos && !found.starts_with('=')) return std::string();
        return fmt::format("NAME=VALUE is wanted, found `{}`", found);
      },
      "");
}

/// Takes a name that can be printed on a line.
CLI::Validator Tag() {
  return CLI::Validator(
      [](const std::string& found) {
        const bool is_plain = std::none_of(found.begin(), found.end(),
                                           [](unsigned char c) { return c < ' ' || c == 0x7f; });
        if (!found.empty() && found.size() <= 200 && is_plain) return std::string();
        return fmt::format(
            "a name of 1 to 200 bytes without control characters is wanted, found `{}`", found);
      },
      "");
}

/// --upstream, --downstream, --event, and a --format with more than the others have.
void AddLineageOptions(CLI::App& lineage, LineageRequest& request, GlobalOptions& options) {
  const auto direction = [&](const std::string& name, LineageDirection value,
                             const std::string& help) {
    return lineage.add_flag_callback(
        name, [&request, value] { request.direction = value; }, help);
  };
  direction("--upstream", LineageDirection::kUpstream, "through views down to the sources")
      ->excludes(direction("--downstream", LineageDirection::kDownstream,
                           "what is made of it, instead of what it is made of"));
  const std::map<std::string, OpenLineageEvent> events = {{"job", OpenLineageEvent::kJob},
                                                          {"run", OpenLineageEvent::kRun},
                                                          {"dataset", OpenLineageEvent::kDataset}};
  lineage
      .add_option_function<std::string>(
          "--event",
          [&request, events](const std::string& name) { request.event = events.at(name); },
          "the OpenLineage event: job, run or dataset")
      ->check(OneOf(WordsOf("lineage", "--event")))
      ->default_str("job");
  const std::map<std::string, LineageOutput> outputs = {
      {"dot", LineageOutput::kDot},
      {"mermaid", LineageOutput::kMermaid},
      {"openlineage", LineageOutput::kOpenLineage}};
  lineage.remove_option(lineage.get_option("--format"));
  lineage
      .add_option_function<std::string>(
          "--format",
          [&request, &options, outputs](const std::string& name) {
            const auto output = outputs.find(name);
            if (output != outputs.end()) request.output = output->second;
            options.format = name == "json" ? Format::kJson : Format::kTable;
          },
          "table, json, dot, mermaid or openlineage")
      ->check(OneOf(WordsOf("lineage", "--format")))
      ->default_str("table");
}

/// What a run takes besides a selection.
void AddRunOptions(CLI::App& run, RunRequest& request) {
  run.add_flag("--force", request.force, "build the selected views even if nothing changed");
  run.add_flag("--by-lane", request.by_lane, "execute from the bytes of each view's lane");
  run.add_flag("--events", request.events,
               "write what happens to stdout as it happens, one JSON object a line");
  run.add_option("--tag", request.tag, "a name under which the versions of the run are kept")
      ->type_name("NAME")
      ->check(Tag());
  run.add_option("--profile-trace", request.trace_file,
                 "a file that gets the times of the run, for Perfetto or Chrome")
      ->type_name("FILE");
  CLI::Option* retry = run.add_flag("--retry-failed", request.retry_failed,
                                    "build what failed or was blocked in the last run");
  CLI::Option* task =
      run.add_option("--task", request.task, "build one view, by its key in `weir graph`")
          ->type_name("KEY");
  retry->excludes(task);
  for (CLI::Option* one : {retry, task}) {
    one->excludes(run.get_option("--select"))->excludes(run.get_option("--exclude"));
  }
}

/// The query of `weir changes`; bounds are versions or times, or empty.
std::string ChangesQuery(const std::string& table, const std::string& from, const std::string& to) {
  const auto bound = [](const std::string& text) {
    if (text.empty()) return std::string("NULL");
    const bool is_version = text.find_first_not_of("0123456789") == std::string::npos;
    return is_version ? text : QuotedSqlText(text);
  };
  return fmt::format("SELECT * FROM delta_cdf({}, {}, {}) ORDER BY _commit_version",
                     QuotedSqlText(table), bound(from), bound(to));
}

/// --output, and a --format with more than the others have.
void AddResultOptions(CLI::App& command, SqlRequest& request) {
  command.remove_option(command.get_option("--format"));
  CLI::Option* format =
      command
          .add_option_function<std::string>(
              "--format",
              [&request](const std::string& name) { request.format = *FindResultFormat(name); },
              fmt::format("{}", fmt::join(ResultFormatNames(), ", ")))
          ->check(OneOf(WordsOf("sql", "--format")))
          ->default_str("table");
  command
      .add_option_function<std::string>(
          "--output",
          [&request, format](const std::string& file) {
            request.output = file;
            if (format->count() > 0) return;
            const auto found = ResultFormatOfFile(file);
            if (!found) {
              throw CLI::ValidationError(
                  "--output",
                  fmt::format("a file whose name says its format is wanted ({}), or --format, "
                              "found `{}`",
                              ResultFileEndings(), file));
            }
            request.format = *found;
          },
          "the file that gets the rows; its name says the format")
      ->type_name("FILE");
}

int RunHelp(const CLI::App& app, const std::string& topic) {
  const CLI::App* command = topic.empty() ? &app : FindCommand(app, topic);
  if (command == nullptr) return ReportNoCommand(app, topic);
  // Asked itself, the program would describe the command that is running: this one.
  std::cout << app.get_formatter()->make_help(command, topic.empty() ? "weir" : "weir " + topic,
                                              CLI::AppFormatMode::Normal);
  return kDone;
}

int Main(int argc, char** argv) {
  CLI::App app{"Weir builds a Delta Lake from a folder of SQL views, explains it and repeats it.",
               "weir"};
  app.require_subcommand(1);
  GlobalOptions options;
  int exit_code = kDone;

  const auto add = [&](const std::string& name, const std::string& help) {
    CLI::App* command = app.add_subcommand(name, help);
    command->add_option("--project", options.project, "the project's folder")
        ->capture_default_str();
    command->add_option("--profile", options.profile.name, "the profile in weir.toml")
        ->capture_default_str();
    command
        ->add_option_function<std::string>(
            "--format",
            [&options](const std::string& name) {
              options.format = name == "json" ? Format::kJson : Format::kTable;
            },
            "table or json")
        ->check(OneOf(WordsOf("", "--format")))
        ->default_str("table");
    AddLogOptions(*command);
    return command;
  };

  const auto add_set = [&](CLI::App* command) {
    command
        ->add_option_function<std::vector<std::string>>(
            "--set",
            [&options](const std::vector<std::string>& pairs) {
              for (const std::string& pair : pairs) {
                const size_t sign = pair.find('=');
                options.profile.set.emplace_back(pair.substr(0, sign), pair.substr(sign + 1));
              }
            },
            "NAME=VALUE: a parameter of the project; may stand several times")
        ->allow_extra_args(false)
        ->check(Pair());
    return command;
  };

  const auto add_defer = [&](CLI::App* command) {
    command->add_option("--defer-to", options.defer_to,
                        "the profile in whose warehouse is read what is not built here");
  };

  Selection selection;
  std::vector<std::string> test_selectors;
  bool force = false;
  std::string template_name(ProjectTemplates().front().name);
  std::string folder = ".", view, column, function, what = "plan", history_view;
  std::optional<std::string> sql;
  std::string dialect, to;
  std::vector<std::string> tests;
  int limit = 20;

  CLI::App* init = add("init", "make a small project that runs");
  init->add_option("folder", folder, "where to make it")->capture_default_str();
  std::string names;
  for (const ProjectTemplate& known : ProjectTemplates())
    names += fmt::format("{}{} ({})", names.empty() ? "" : "; ", known.name, known.about);
  init->add_option("--template", template_name, names)
      ->default_str(std::string(ProjectTemplates().front().name));
  init->callback([&] { exit_code = RunInit(options, template_name, folder); });

  add_set(add("check", "compile everything and report all problems"))->callback([&] {
    exit_code = RunCheck(options);
  });

  CLI::App* plan = add_set(add("plan", "say what a run would do, and why"));
  const auto add_selection = [&](CLI::App* command) {
    command
        ->add_option("--select", selection.selectors,
                     "views: names, globs, path:…, tag:…, changed, +view, view+")
        ->delimiter(',');
    command->add_option("--exclude", selection.excluded, "views to leave out, selected likewise")
        ->delimiter(',');
  };
  add_selection(plan);
  add_defer(plan);
  plan->add_flag("--force", force, "as if nothing had been built");
  plan->callback([&] { exit_code = RunPlan(options, selection, force); });

  CLI::App* run = add_set(add("run", "build what must be built"));
  RunRequest request;
  add_selection(run);
  AddRunOptions(*run, request);
  add_defer(run);
  run->callback([&] {
    request.selection = selection;
    request.arguments.assign(argv + 1, argv + argc);
    exit_code = RunRun(options, request);
  });

  CLI::App* watch = add_set(add("watch", "run, and run again when files or sources change"));
  add_selection(watch);
  add_defer(watch);
  watch->add_flag("--events", request.events,
                  "write what happens to stdout as it happens, one JSON object a line");
  watch->callback([&] {
    request.selection = selection;
    request.arguments.assign(argv + 1, argv + argc);
    exit_code = RunWatch(options, request);
  });

  CLI::App* graph =
      add_set(add("graph", "show what is built in which order, and how long it took"));
  bool as_dot = false;
  graph->remove_option(graph->get_option("--format"));
  graph
      ->add_option_function<std::string>(
          "--format",
          [&](const std::string& name) {
            as_dot = name == "dot";
            options.format = name == "json" ? Format::kJson : Format::kTable;
          },
          "table, json or dot")
      ->check(OneOf(WordsOf("graph", "--format")))
      ->default_str("table");
  graph->callback([&] { exit_code = RunGraph(options, as_dot); });

  CLI::App* replay = add("replay", "run a past run again from its record, and compare the results");
  ReplayRequest replayed;
  replay->add_option("run", replayed.run, "the run's id, or `last`")->required();
  replay
      ->add_option("--view", replayed.views,
                   "a view to replay, instead of all that the run built; may stand several times")
      ->type_name("NAME")
      ->allow_extra_args(false);
  replay->add_flag("--all", replayed.all, "replay the views that the run reused, too");
  replay->add_flag("--verify", replayed.verify,
                   "replay each view by itself, over the recorded versions of those that it reads");
  replay->add_flag("--allow-drift", replayed.allow_drift,
                   "go on where the engine, its settings or guards are not those of the run");
  replay
      ->add_option("--warehouse", replayed.warehouse,
                   "the warehouse with the run, where it moved or the project is gone")
      ->type_name("DIR");
  replay->add_option("--into", replayed.into, "a new folder that keeps the replayed tables")
      ->type_name("DIR");
  replay->add_option("--threads", replayed.threads, "cores to use; default: as the profile says")
      ->check(CLI::PositiveNumber);
  replay->callback([&] { exit_code = RunReplay(options, replayed); });

  CLI::App* explain = add_set(add("explain", "show how a view is planned"));
  add_defer(explain);
  explain->add_option("view", view, "the view; '*' with --lane: all")->required();
  const auto flag = [&](const std::string& name, const std::string& help) {
    explain->add_flag_callback(
        "--" + name, [&what, name] { what = name; }, help);
  };
  flag("plan", "the optimised plan (default)");
  flag("physical", "the physical plan");
  flag("fingerprint", "what the fingerprint is made of");
  flag("lane", "the encoding it replays from, and why");
  flag("scans", "the files it reads, and those it does not, with the reason");
  flag("graphviz", "the optimised plan as DOT");
  flag("pgjson", "the optimised plan as JSON");
  flag("sql", "the optimised plan as SQL");
  flag("ast", "the view's statement: normalised, its syntax tree and the tree's fingerprint");
  flag("analyze", "what its operators did when it was last built: rows, time, bytes");
  std::string analyzed_run;
  explain->add_option("--run", analyzed_run, "the run that --analyze is about; default: the last")
      ->type_name("ID");
  explain->add_option("--to", to, "the dialect that --sql writes")->default_str("generic");
  explain->callback([&] {
    if (!to.empty() && what == "plan") what = "sql";
    if (!analyzed_run.empty() && what == "plan") what = "analyze";
    exit_code = what == "lane"      ? RunExplainLanes(options, view)
                : what == "analyze" ? RunAnalyze(options, view, analyzed_run)
                                    : RunExplain(options, view, what, to);
  });

  CLI::App* diff =
      add_set(add("diff", "say in what the bundles of views, or of whole runs, differ"));
  std::vector<std::string> compared;
  bool difference_fails = false;
  diff->add_option("sides", compared, "two of VIEW, VIEW@RUN, RUN, last, now; one: against now")
      ->expected(0, 2);
  diff->add_flag("--exit-code", difference_fails, "end with 1 if there is a difference");
  bool of_data = false;
  DataDifferenceOptions comparison;
  CLI::Option* data = diff->add_flag("--data", of_data, "compare rows instead of definitions");
  diff->add_option("--key", comparison.key, "with --data: columns that tell rows apart: a,b")
      ->delimiter(',')
      ->needs(data);
  diff->add_option("--samples", comparison.samples, "with --data: rows to show of each kind")
      ->needs(data)
      ->check(CLI::Range(0, 1000));
  diff->callback([&] {
    exit_code = of_data ? RunDataDiff(options, compared, comparison, difference_fails)
                        : RunDiff(options, compared, difference_fails);
  });

  CLI::App* lineage = add_set(add("lineage", "show where columns come from"));
  LineageRequest asked;
  lineage->add_option("column", asked.column,
                      "a view or view.column, also a source with --downstream; without, all views");
  AddLineageOptions(*lineage, asked, options);
  lineage->callback([&] { exit_code = RunLineage(options, asked); });

  CLI::App* impact = add_set(add("impact", "show what a change of a column reaches"));
  impact->add_option("column", column, "table.column or table, of a source or view")->required();
  impact->callback([&] { exit_code = RunImpact(options, column); });

  CLI::App* query = add("sql", "query sources, views and weir.* artifacts; without SQL, a prompt");
  add_set(query);
  add_defer(query);
  query->add_option("sql", sql, "one statement");
  query->add_option("--dialect", dialect, "the dialect it is in; default: the project's");
  query->add_option("--to", to, "print the optimised plan as SQL of this dialect; run nothing");
  SqlRequest sql_request;
  AddResultOptions(*query, sql_request);
  query
      ->add_option("--run", sql_request.run_id,
                   "the run whose published versions of views are read; default: the last set")
      ->type_name("ID")
      ->excludes(query->add_flag("--latest", sql_request.latest,
                                 "read views as they are, published or not"));
  query->callback([&] {
    sql_request.sql = sql;
    sql_request.dialect = dialect;
    sql_request.to = to;
    options.project_given = query->get_option("--project")->count() > 0;
    exit_code = RunSql(options, sql_request);
  });

  CLI::App* changes =
      add("changes", "show the rows that a Delta table's commits inserted, updated and deleted");
  add_set(changes);
  std::string changed_table, changes_from, changes_to;
  changes->add_option("table", changed_table, "a source, a stored view, or a path")->required();
  changes->add_option("--from", changes_from, "the first version, or a time in RFC 3339")
      ->default_str("0");
  changes->add_option("--to", changes_to, "the last version, or a time; default: the latest");
  SqlRequest changes_request;
  AddResultOptions(*changes, changes_request);
  changes->callback([&] {
    changes_request.sql = ChangesQuery(changed_table, changes_from, changes_to);
    changes_request.dialect = "generic";
    changes_request.latest = true;
    options.project_given = changes->get_option("--project")->count() > 0;
    exit_code = RunSql(options, changes_request);
  });

  CLI::App* functions = add("functions", "list the native functions, or describe one");
  functions->add_option("name", function, "the function");
  bool planners = false;
  functions->add_flag("--planners", planners, "list the domain planners and rewrites instead")
      ->excludes("name");
  functions->callback([&] { exit_code = RunFunctions(options, function, planners); });

  CLI::App* history = add("history", "list past runs, or the builds of one view");
  history->add_option("view", history_view, "the view");
  history->add_option("--limit", limit, "how many, newest first")->capture_default_str();
  history->callback([&] { exit_code = RunHistory(options, history_view, limit); });

  CLI::App* test = add_set(add("test", "run the project's tests of data and of views"));
  add_defer(test);
  test->add_option("tests", tests, "some tests only, as with --select");
  test->add_option("--select", test_selectors,
                   "tests, or views that they are about: names, globs, path:…")
      ->delimiter(',');
  test->callback([&] {
    tests.insert(tests.end(), test_selectors.begin(), test_selectors.end());
    exit_code = RunTest(options, tests);
  });

  bool guards = false;
  bool dry_run = false;
  CLI::App* gc = add("gc", "remove what of the warehouse nobody needs any more");
  gc->add_flag("--dry-run", dry_run, "say what would be removed, and why; remove nothing");
  gc->callback([&] { exit_code = RunGc(options, dry_run); });

  CLI::App* version = add("version", "print the versions of Weir and its engine");
  version->add_flag("--guards", guards, "list the guards against faults of the engine instead");
  version->callback([&] { exit_code = RunVersion(options, guards); });

  CLI::App* completion =
      app.add_subcommand("completion", "print a script that completes commands in a shell");
  std::string shell;
  completion->add_option("shell", shell, "bash, zsh or fish")
      ->required()
      ->check(OneOf(WordsOf("completion", "shell")));
  completion->callback([&] { exit_code = RunCompletion(shell); });

  CLI::App* help = app.add_subcommand("help", "say what a command does and takes");
  std::string topic;
  help->add_option("command", topic, "the command; without, all are listed");
  help->callback([&] { exit_code = RunHelp(app, topic); });
  app.set_version_flag("--version", fmt::format("weir {}", kVersion), "print the version");

  // What the scripts of `completion` call: the words are not this command's own options.
  if (argc > 1 && std::string_view(argv[1]) == "complete") {
    const int begin = argc > 2 && std::string_view(argv[2]) == "--" ? 3 : 2;
    return RunComplete(app, {argv + begin, argv + argc});
  }
  if (const int opened = OpenLogAsAsked(argc, argv); opened != kDone) return opened;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and the like end with 0.
    if (error.get_exit_code() == 0) return app.exit(error, std::cout, std::cerr);
    return ReportWrongUse(app, error, argc, argv);
  } catch (const std::exception& error) {
    // None should come so far; if one does, what was printed stays readable.
    return Fail(Status::Bug("an exception left its room: `{}`", error.what()));
  }
  return exit_code;
}

}  // namespace
}  // namespace weir::cli

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const int exit_code = weir::cli::Main(argc, argv);
  std::cout.flush();
  std::fflush(nullptr);
  // All that matters is closed: what is left of the engine and of Arrow need not be taken apart.
  std::_Exit(exit_code);
}
