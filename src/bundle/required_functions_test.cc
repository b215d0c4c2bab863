// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/required_functions.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "weir/base/temporary_folder_testing.h"
#include "weir/bundle/compile.h"
#include "weir/bundle/lane.h"

namespace weir {
namespace {

/// A project of one view without sources, compiled by the real engine.
class RequiredFunctions : public testing::Test {
 protected:
  void SetUp() override {
    project_.root = folder_.string();
    project_.warehouse_uri = (folder_ / "warehouse").string();
    ViewDefinition view;
    view.name = "v";
    view.file = "views/v.sql";
    view.query_sql = "SELECT stable_hash64(upper('a')) AS h, collect_set(2) AS s";
    project_.views.push_back(view);
    Diagnostics diagnostics;
    auto session = SessionRuntime::Seal(project_, diagnostics);
    ASSERT_TRUE(session.ok()) << session.status().ToString();
    session_ = *std::move(session);
    const CompiledProject compiled = CompileViews(project_, *session_, diagnostics);
    ASSERT_NE(compiled.Find("v"), nullptr)
        << (diagnostics.all().empty() ? "" : diagnostics.all().front().message);
    bundle_ = *compiled.Find("v");
  }

  /// Says that the bundle was made with another version of `name`.
  void Change(const std::string& name, const std::string& version) {
    bundle_.functions.push_back({.kind = "scalar", .name = name, .version = version, .tags = {}});
  }

  TemporaryFolder temporary_;
  std::filesystem::path folder_ = temporary_.path();
  ProjectDefinition project_;
  std::unique_ptr<SessionRuntime> session_;
  PlanBundle bundle_;
};

TEST_F(RequiredFunctions, OfThisProgramAreThere) {
  EXPECT_TRUE(CheckRequiredFunctions(bundle_, session_->functions()).ok());
  EXPECT_TRUE(PlanFromLane(bundle_, Lane(), *session_, {}).ok());
}

TEST_F(RequiredFunctions, OfAnotherVersionOrMissingRefuseTheBundleByName) {
  Change("span_make", "native:7");
  Change("stable_hash_of_yore", "native:1");
  const Status refused = PlanFromLane(bundle_, Lane(), *session_, {}).status();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.code(), StatusCode::kConflict);
  EXPECT_EQ(refused.message(),
            "the bundle of the view `v` wants functions that this program has not: span_make in "
            "version `native:7`, found `native:1`; stable_hash_of_yore in version `native:1`, "
            "found `not installed`");
  EXPECT_NE(refused.hint(), "");
}

TEST_F(RequiredFunctions, OfTheEngineAreTheEnginesToLookUp) {
  Change("upper", "datafusion:1.0.0");
  EXPECT_TRUE(CheckRequiredFunctions(bundle_, session_->functions()).ok());
}

TEST_F(RequiredFunctions, OfARegistryWithoutThemAreMissing) {
  Change("span_make", "native:1");
  const auto none = FunctionRegistry::Make({}, {});
  ASSERT_TRUE(none.ok());
  const Status refused = CheckRequiredFunctions(bundle_, *none);
  EXPECT_NE(refused.message().find("span_make in version `native:1`, found `not installed`"),
            std::string::npos)
      << refused.message();
}

TEST(RegistrySnapshot, CoversTheEnginesFunctionsAndIndexesTags) {
  ProjectDefinition project;
  project.root = std::filesystem::temp_directory_path().string();
  project.warehouse_uri = project.root + "/weir-none";
  Diagnostics diagnostics;
  const auto session = SessionRuntime::Seal(project, diagnostics);
  ASSERT_TRUE(session.ok()) << session.status().ToString();
  const auto first = (*session)->Registry();
  const auto again = (*session)->Registry();
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->ToJson(), again->ToJson());
  EXPECT_EQ(first->hash(), again->hash());
  EXPECT_GT(first->functions().size(), 200U);
  EXPECT_NE(first->ToJson().find("\"name\":\"sum\""), std::string::npos);
  EXPECT_NE(first->ToJson().find("\"tags\":{\"aggregate\":[\"any_value_det\""), std::string::npos);
}

}  // namespace
}  // namespace weir
