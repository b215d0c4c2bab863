// SPDX-License-Identifier: Apache-2.0

#include "weir/decide/definition_change.h"

#include <gtest/gtest.h>

#include "weir/base/fingerprint.h"

namespace weir {
namespace {

struct Definition {
  std::string plan = "Limit: 3\n  Filter: a > 1\n    Scan: t\n";
  std::string settings_batch_size = "8192";
  std::string function_version = "native:1";
  std::string column = "a: int64 not null";
  std::string constraint = "\x01id > 1";

  std::string Input() const {
    return FingerprintBuilder()
               .Add("recipe", 1)
               .Add("plan", std::string("\x01\x02") + plan)
               .Add("column", column)
               .Add("setting.datafusion.execution.batch_size", settings_batch_size)
               .Add("setting.odd", "two\nlines")
               .Add("function.stable_id", function_version)
               .Add("constraint.drop row", constraint)
               .InputText() +
           "\nplan:\n" + plan;
  }
};

std::string Explained(const Definition& before, const Definition& now) {
  return ExplainDefinitionChange(SectionsOf(before.Input()), now.Input());
}

TEST(DefinitionChange, NamesTheFirstLineOfThePlanThatDiffers) {
  Definition now;
  now.plan = "Limit: 3\n  Filter: a > 2\n    Scan: t\n";
  EXPECT_EQ(Explained({}, now), "its definition changed: plan changed at `Filter: a > 2`");
  now.plan = "Limit: 3\n";
  EXPECT_EQ(Explained({}, now), "its definition changed: plan changed");
}

TEST(DefinitionChange, NamesSettingsFunctionsAndColumns) {
  Definition now;
  now.settings_batch_size = "1024";
  EXPECT_EQ(Explained({}, now),
            "its definition changed: setting datafusion.execution.batch_size 8192 -> 1024");
  now = {};
  now.function_version = "native:2";
  EXPECT_EQ(Explained({}, now), "its definition changed: function stable_id 1 -> 2");
  now = {};
  now.column = "b: int64 not null";
  EXPECT_EQ(Explained({}, now), "its definition changed: column b added; column a removed");
}

TEST(DefinitionChange, NamesConstraints) {
  Definition now;
  now.constraint = "\x01id > 2";
  EXPECT_EQ(Explained({}, now), "its definition changed: constraint drop row changed");
}

TEST(DefinitionChange, SaysLittleWhereLittleIsKnown) {
  EXPECT_EQ(ExplainDefinitionChange({}, Definition().Input()), "its definition changed");
  EXPECT_EQ(ExplainDefinitionChange(SectionsOf(Definition().Input()), ""),
            "its definition changed");
  EXPECT_EQ(Explained({}, {}), "its definition changed");
}

TEST(DefinitionChange, LongLinesAreCutBetweenCharacters) {
  Definition now;
  now.plan = "Filter: ";
  for (int i = 0; i < 60; ++i) now.plan += "ü";
  const std::string text = Explained({}, now);
  EXPECT_LT(text.size(), 140U);
  EXPECT_TRUE(text.ends_with("…`")) << text;
}

}  // namespace
}  // namespace weir
