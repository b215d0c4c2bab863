// SPDX-License-Identifier: Apache-2.0
//
// The lineage of every captured plan (tests/plans) against tests/golden/lineage/<case>.json.
// WEIR_ACCEPT=1 rewrites the goldens: read the difference before committing it.

#include <cstdlib>

#include <gtest/gtest.h>

#include "weir/lineage/lineage.h"
#include "weir/plan/plan_testing.h"

namespace weir {

namespace {

using testing_plans::CaseNames;
using testing_plans::NamesIn;
using testing_plans::ReadFile;

std::string LineageText(const std::string& name) {
  const auto plan = testing_plans::DecodeCase(name);
  if (!plan.ok()) return plan.status().ToString();
  const auto lineage = DeriveLineage(**plan);
  return lineage.ok() ? ToJson(*lineage).dump(2) + "\n" : lineage.status().ToString();
}

class LineageGolden : public testing::TestWithParam<std::string> {};

TEST_P(LineageGolden, IsAsExpected) {
  const auto golden =
      std::filesystem::path(WEIR_SOURCE_DIR) / "tests/golden/lineage" / (GetParam() + ".json");
  const std::string actual = LineageText(GetParam());
  ASSERT_TRUE(actual.starts_with("{")) << actual;
  if (std::getenv("WEIR_ACCEPT") != nullptr) std::ofstream(golden, std::ios::binary) << actual;
  EXPECT_EQ(ReadFile(golden), actual);
}

INSTANTIATE_TEST_SUITE_P(Cases, LineageGolden, testing::ValuesIn(CaseNames()),
                         [](const auto& info) { return info.param; });

TEST(LineageGoldens, EveryGoldenHasItsPlan) {
  EXPECT_EQ(NamesIn("tests/golden/lineage", ".json"), CaseNames());
}

}  // namespace

}  // namespace weir
