// SPDX-License-Identifier: Apache-2.0

#include "weir/bundle/bundle_diff.h"

#include <gtest/gtest.h>

#include "weir/bundle/fingerprint_input.h"

namespace weir {
namespace {

/// The sections of a fingerprint, and its plan in words.
struct Input {
  std::string plan = "Filter: a > 1\n  Scan: t [a]\n";
  std::string bytes = "\x01\x02";
  std::vector<std::string> columns = {"a: int64", "b: string not null"};
  std::string time_zone = "+00:00";
  std::string constraint = "\x01id > 1";
  std::map<std::string, std::string> functions = {{"stable_id", "native:1"}};

  BundleDefinition Definition() const {
    FingerprintBuilder builder;
    builder.Add("recipe", 1).Add("plan", bytes + plan);
    for (const std::string& column : columns) builder.Add("column", column);
    builder.Add("setting.time_zone", time_zone);
    for (const auto& [name, version] : functions) builder.Add("function." + name, version);
    builder.Add("constraint.drop row", constraint);
    return {.view_name = "v",
            .run_id = {},
            .fingerprint = builder.Finish(),
            .fingerprint_input = builder.InputText() + "\nplan:\n" + plan,
            .plan_proto = {},
            .plan_outputs = {}};
  }
};

/// "section name: before -> after", with "-" for what is not there.
std::vector<std::string> Diff(const Input& before, const Input& after) {
  std::vector<std::string> texts;
  for (const auto& difference : DiffDefinitions(before.Definition(), after.Definition())) {
    texts.push_back(difference.section + " " + difference.name + ": " +
                    difference.before.value_or("-") + " -> " + difference.after.value_or("-"));
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(FingerprintInput, HasItsSectionsAndThePlanInWords) {
  Input input;
  input.time_zone = "two\nlines 7 of 3";
  const std::string text = input.Definition().fingerprint_input;
  const FingerprintInput parsed = ParseFingerprintInput(text);
  Texts tags;
  for (const FingerprintSection& section : parsed.sections) tags.push_back(section.tag);
  EXPECT_EQ(tags, (Texts{"recipe", "plan", "column", "column", "setting.time_zone",
                         "function.stable_id", "constraint.drop row"}));
  EXPECT_EQ(parsed.sections[4].value, input.time_zone);
  EXPECT_TRUE(parsed.sections[1].value.starts_with("blake2b:"));
  EXPECT_EQ(parsed.plan, input.plan);
  for (size_t length = 0; length < text.size(); ++length)
    EXPECT_LE(ParseFingerprintInput(std::string_view(text).substr(0, length)).sections.size(), 7U);
}

TEST(BundleDiff, TheSameFingerprintHasNoDifference) { EXPECT_EQ(Diff({}, {}), Texts{}); }

TEST(BundleDiff, NamesEachSectionThatDiffers) {
  Input after;
  after.columns = {"a: double", "c: int64"};
  after.time_zone = "+02:00";
  after.functions = {{"stable_id", "native:2"}, {"span_hash", "native:1"}};
  after.constraint = "\x01id > 2";
  const Texts texts = Diff({}, after);
  ASSERT_EQ(texts.size(), 7U) << testing::PrintToString(texts);
  EXPECT_EQ(texts[0], "column a: int64 -> double");
  EXPECT_EQ(texts[1], "column b: string not null -> -");
  EXPECT_EQ(texts[2], "column c: - -> int64");
  EXPECT_EQ(texts[3], "setting time_zone: +00:00 -> +02:00");
  EXPECT_EQ(texts[4], "function stable_id: native:1 -> native:2");
  EXPECT_EQ(texts[5], "function span_hash: - -> native:1");
  EXPECT_TRUE(texts[6].starts_with("constraint drop row: blake2b:")) << texts[6];
}

TEST(BundleDiff, ColumnsInAnotherOrderDiffer) {
  Input after;
  after.columns = {"b: string not null", "a: int64"};
  EXPECT_EQ(Diff({}, after), Texts{"column : a, b -> b, a"});
}

TEST(BundleDiff, ThePlanIsComparedLineByLine) {
  Input after;
  after.plan = "Filter: a > 2\n  Scan: t [a]\n";
  const auto differences = DiffDefinitions(Input().Definition(), after.Definition());
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_EQ(differences[0].section, "plan");
  EXPECT_EQ(differences[0].lines, (std::vector<DiffLine>{{DiffSide::kBefore, "Filter: a > 1"},
                                                         {DiffSide::kAfter, "Filter: a > 2"},
                                                         {DiffSide::kBoth, "  Scan: t [a]"}}));
}

TEST(BundleDiff, SaysThatTheyDifferWhereNothingElseIsKnown) {
  Input after;
  after.bytes = "\x03";
  EXPECT_EQ(SectionNames(DiffDefinitions(Input().Definition(), after.Definition())), Texts{"plan"});
  BundleDefinition damaged = after.Definition();
  damaged.fingerprint_input = Input().Definition().fingerprint_input;
  EXPECT_EQ(SectionNames(DiffDefinitions(Input().Definition(), damaged)), Texts{"fingerprint"});
}

}  // namespace
}  // namespace weir
