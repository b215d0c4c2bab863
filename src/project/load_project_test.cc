// SPDX-License-Identifier: Apache-2.0

#include <set>

#include <gtest/gtest.h>

#include "weir/base/temporary_folder_testing.h"
#include "weir/project/initial_project.h"
#include "weir/project/project_fixture.h"

namespace weir {
namespace {

using Names = std::vector<std::string>;

template <typename T>
Names NamesOf(const std::vector<T>& values) {
  Names names;
  for (const T& value : values) names.push_back(value.name);
  return names;
}

constexpr char kSource[] = "CREATE EXTERNAL TABLE a STORED AS CSV LOCATION 'a.csv'";

TEST(LoadProject, FindsSqlFilesInAllSubfoldersAndOrdersByName) {
  const LoadedProject loaded =
      Load({{"views/z/a.sql", "SELECT 1"},
            {"views/b.sql", "CREATE VIEW y AS SELECT 1"},
            {"views/B2.SQL", "SELECT 1"},
            {"views/notes.md", "not SQL"},
            {"views/.hidden.sql", "not SQL"},
            {"views/.git/x.sql", "not SQL"},
            {"sources/z.sql", "CREATE EXTERNAL TABLE s1 STORED AS CSV LOCATION 'x'"},
            {"sources/a.sql", "CREATE EXTERNAL TABLE s2 STORED AS CSV LOCATION 'x'"},
            {"tests/t2.sql", "SELECT 1"},
            {"tests/deep/t1.sql", "SELECT 1"}});
  EXPECT_EQ(loaded.reports, Names{});
  EXPECT_EQ(NamesOf(loaded.project.views), (Names{"a", "b2", "some_view", "y"}));
  EXPECT_EQ(NamesOf(loaded.project.sources), (Names{"s1", "s2"}));
  EXPECT_EQ(NamesOf(loaded.project.tests), (Names{"t1", "t2"}));
  EXPECT_EQ(loaded.project.views[0].file, "views/z/a.sql");
  EXPECT_EQ(loaded.project.root, "/p");
}

TEST(LoadProject, AllProblemsAreReportedAndOnlyWhatHasThemIsLeftOut) {
  const LoadedProject loaded = Load({{"weir.toml", "x = 1"},
                                     {"sources/a.sql", kSource},
                                     {"sources/b.sql", "SELECT 1"},
                                     {"views/bad.sql", "SELECT 'a"},
                                     {"views/good.sql", "SELECT 1"},
                                     {"tests/bad.sql", ""}});
  ASSERT_EQ(loaded.reports.size(), 4u);
  EXPECT_EQ(loaded.reports[0].substr(0, 19), "W1011 weir.toml:1:1");
  EXPECT_EQ(loaded.reports[1].substr(0, 23), "W1301 sources/b.sql:1:1");
  EXPECT_EQ(loaded.reports[2].substr(0, 23), "W1102 views/bad.sql:1:8");
  EXPECT_EQ(loaded.reports[3].substr(0, 23), "W1201 tests/bad.sql:1:1");
  EXPECT_EQ(NamesOf(loaded.project.sources), Names{"a"});
  EXPECT_EQ(NamesOf(loaded.project.views), (Names{"good", "some_view"}));
}

TEST(LoadProject, NamesAreUnique) {
  const LoadedProject loaded = Load({{"views/1/Twice.sql", "SELECT 1"},
                                     {"views/2/other.sql", "\nCREATE VIEW TWICE AS SELECT 2"},
                                     {"views/a.sql", "-- x\n SELECT 1"},
                                     {"sources/a.sql", kSource},
                                     {"sources/b.sql", std::string("\n") + kSource},
                                     {"tests/t.sql", "SELECT 1"},
                                     {"tests/x/T.sql", "SELECT 1"}});
  EXPECT_EQ(loaded.reports, (Names{"W1310 sources/b.sql:2:1 there are two tables of this name: `a` "
                                   "| the other one is at sources/a.sql:1:1",
                                   "W1206 views/2/other.sql:2:1 there are two views of this name: "
                                   "`twice` | the other one is at "
                                   "views/1/Twice.sql:1:1",
                                   "W1207 views/a.sql:2:2 the view has the name of a source, which "
                                   "it would shadow: `a` | rename the view, or the "
                                   "source at sources/a.sql:1:1",
                                   "W1402 tests/x/T.sql:1:1 there are two tests of this name: `t` "
                                   "| the other one is at tests/t.sql:1:1"}));
  EXPECT_EQ(NamesOf(loaded.project.views), (Names{"some_view", "twice"}));
  EXPECT_EQ(loaded.project.views[1].file, "views/1/Twice.sql");
}

TEST(LoadProject, QuotedNamesDifferInCase) {
  const LoadedProject loaded =
      Load({{"views/t.sql", "SELECT 1"}, {"views/u.sql", "CREATE VIEW \"T\" AS SELECT 2"}});
  EXPECT_EQ(loaded.reports, Names{});
  EXPECT_EQ(NamesOf(loaded.project.views), (Names{"T", "some_view", "t"}));
}

TEST(LoadProject, FilesAreUtf8) {
  const LoadedProject loaded =
      Load({{"views/a.sql", "SELECT\n 'ä\xFF'"}, {"views/b.sql", "\xEF\xBB\xBFSELECT 1"}});
  EXPECT_EQ(
      loaded.reports,
      Names{
          "W1003 views/a.sql:2:4 UTF-8 is wanted, found the byte `0xFF` | save the file as UTF-8"});
  ASSERT_EQ(NamesOf(loaded.project.views), (Names{"b", "some_view"}));
  EXPECT_EQ(loaded.project.views[0].query_sql, "SELECT 1");
  EXPECT_EQ(loaded.project.views[0].location.column, 1);
}

TEST(LoadProject, UnreadableFilesAreTheEnvironmentsBusiness) {
  MemoryFileSystem files({{"/p/weir.toml", ""},
                          {"/p/views/a.sql", "SELECT 1"},
                          {"/p/views/b.sql", "SELECT 1"},
                          {"/p/tests/t.sql", ""}});
  files.SetFailure("/p/views/b.sql", Status::Environment(StatusCode::kPermission, "forbidden"));
  files.SetFailure("/p/tests", Status::Environment(StatusCode::kIo, "broken"));
  Diagnostics diagnostics;
  const auto project = LoadProject(files, "/p/", "", diagnostics);
  ASSERT_TRUE(project.ok());
  EXPECT_EQ(NamesOf(project->views), Names{"a"});
  EXPECT_EQ(Reports(diagnostics), (Names{"W1002 views/b.sql forbidden", "W1002 tests broken"}));
  EXPECT_EQ(diagnostics.all()[0].blame, Blame::kEnvironment);
}

TEST(LoadProject, WithoutViewsThereIsAWarning) {
  MemoryFileSystem files;
  files.Set("/p/weir.toml", "");
  Diagnostics diagnostics;
  ASSERT_TRUE(LoadProject(files, "/p", "", diagnostics).ok());
  EXPECT_EQ(Reports(diagnostics),
            Names{"W1216 views the project has no views: no `*.sql` under `views`"});
  EXPECT_FALSE(diagnostics.has_errors());
}

TEST(LoadProject, FailsOnlyWithoutAProject) {
  MemoryFileSystem files({{"/p/weir.toml", ""}, {"/q/other", ""}, {"/r/weir.toml", ""}});
  files.SetFailure("/r/weir.toml", Status::Environment(StatusCode::kPermission, "forbidden"));
  Diagnostics diagnostics;
  EXPECT_EQ(LoadProject(files, "/none", "", diagnostics).status().ToString(),
            "a project folder is wanted, found none at `/none` (`weir init` creates a project, "
            "`--project` names the folder of one)");
  EXPECT_EQ(LoadProject(files, "/q", "", diagnostics).status().message(),
            "a project folder with a `weir.toml` is wanted, found none in `/q`");
  EXPECT_EQ(LoadProject(files, "/r", "", diagnostics).status().blame(), Blame::kEnvironment);
  EXPECT_TRUE(diagnostics.all().empty());
}

TEST(InitialProject, LoadsWithoutAnythingToReport) {
  for (const std::string name : {"flights", "a \"b\" \\ \n ü", "a$b ${HOME} $${x}", ""}) {
    std::map<std::string, std::string> files;
    const auto initial = InitialProject("csv", name);
    ASSERT_TRUE(initial.ok());
    for (const TemplateFile& file : *initial) files[file.path] = file.contents;
    files["views/some_view.sql"] = "SELECT 1";
    const LoadedProject loaded = Load(files);
    EXPECT_EQ(loaded.reports, Names{});
    EXPECT_EQ(loaded.project.name, name.empty() ? "project" : name);
    EXPECT_EQ(NamesOf(loaded.project.views),
              (Names{"customer_totals", "paid_orders", "some_view"}));
    EXPECT_EQ(NamesOf(loaded.project.tests), Names{"totals_are_positive"});
    ASSERT_EQ(NamesOf(loaded.project.sources), Names{"orders"});
    EXPECT_TRUE(files.contains(loaded.project.sources[0].location_as_written));
  }
}

TEST(InitialProject, EveryTemplateHasItsFilesAndNoOther) {
  std::set<std::string_view> named;
  for (const ProjectTemplate& known : ProjectTemplates()) {
    named.insert(known.name);
    const auto initial = InitialProject(known.name, "p");
    ASSERT_TRUE(initial.ok());
    EXPECT_GT(initial->size(), 4u);
  }
  for (const EmbeddedFile& file : EmbeddedFiles()) EXPECT_TRUE(named.contains(file.template_name));
  const Status missing = InitialProject("detla", "p").status();
  EXPECT_EQ(missing.code(), StatusCode::kNotFound);
  EXPECT_EQ(missing.hint(), "did you mean `delta`?");
}

TEST(InitialProject, WorksOnDisk) {
  const TemporaryFolder temporary;
  const std::string folder = temporary.path();
  LocalFileSystem files;
  const auto initial = InitialProject("csv", "demo");
  ASSERT_TRUE(initial.ok());
  for (const TemplateFile& file : *initial) {
    ASSERT_TRUE(files.WriteNewFile(folder + "/" + file.path, file.contents).ok());
  }
  Diagnostics diagnostics;
  const auto project = LoadProject(files, folder + "/./views/..", "", diagnostics);
  EXPECT_TRUE(project.ok());
  EXPECT_EQ(Reports(diagnostics), Names{});
  EXPECT_EQ(project->root, folder);
  EXPECT_EQ(NamesOf(project->views), (Names{"customer_totals", "paid_orders"}));
  EXPECT_TRUE(files.Exists(project->sources.at(0).uri));
}

}  // namespace
}  // namespace weir
