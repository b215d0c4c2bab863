// SPDX-License-Identifier: Apache-2.0

#include "weir/lineage/lineage.h"

#include <random>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/plan/plan_testing.h"

namespace weir {

namespace {

using PlanPtr = std::shared_ptr<const LogicalPlan>;

Expression Column(std::optional<std::string> relation, std::string name) {
  return {
      .kind = ExpressionKind::kColumn, .name = std::move(name), .relation = std::move(relation)};
}

Expression Sum(Expression a, Expression b) {
  return {.kind = ExpressionKind::kBinary, .name = "+", .inputs = {std::move(a), std::move(b)}};
}

PlanPtr ScanOf(const std::string& table, const std::vector<std::string>& columns) {
  auto plan = std::make_shared<LogicalPlan>();
  plan->kind = PlanKind::kScan;
  arrow::FieldVector fields;
  for (const std::string& column : columns) {
    fields.push_back(arrow::field(column, arrow::int64()));
    plan->outputs.push_back({.relation = table, .name = column});
  }
  plan->scan =
      Scan{.scan_id = 0, .table = table, .schema = arrow::schema(fields), .columns = columns};
  return plan;
}

std::shared_ptr<LogicalPlan> Projection(PlanPtr input, std::vector<Expression> expressions,
                                        std::vector<OutputColumn> outputs) {
  auto plan = std::make_shared<LogicalPlan>();
  plan->kind = PlanKind::kProjection;
  plan->inputs = {std::move(input)};
  plan->expressions = std::move(expressions);
  plan->outputs = std::move(outputs);
  return plan;
}

ColumnInput Input(std::string table, std::string column, ColumnUse use = ColumnUse::kValue,
                  std::string path = {},
                  Transformation transformation = Transformation::kIdentity) {
  return {.table = std::move(table),
          .column = std::move(column),
          .path = std::move(path),
          .use = use,
          .transformation = transformation};
}

/// A value that was computed on its way.
ColumnInput Computed(std::string table, std::string column) {
  return Input(std::move(table), std::move(column), ColumnUse::kValue, {},
               Transformation::kTransformation);
}

Lineage LineageOfCase(const std::string& name) {
  const auto plan = testing_plans::DecodeCase(name);
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  const auto lineage = DeriveLineage(**plan);
  EXPECT_TRUE(lineage.ok()) << lineage.status().ToString();
  return lineage.ok() ? *lineage : Lineage{};
}

TEST(DeriveLineage, AnUnknownColumnIsAnErrorThatNamesColumnAndNode) {
  const auto plan = Projection(ScanOf("t", {"a"}), {Column("t", "b")}, {{std::nullopt, "b"}});
  const auto lineage = DeriveLineage(*plan);
  ASSERT_FALSE(lineage.ok());
  EXPECT_EQ(lineage.status().message(),
            "no input of the node Projection provides the column `t.b`");
}

TEST(DeriveLineage, AColumnOfAnotherTableIsUnknown) {
  const auto plan = Projection(ScanOf("t", {"a"}), {Column("u", "a")}, {{std::nullopt, "a"}});
  EXPECT_FALSE(DeriveLineage(*plan).ok());
}

TEST(DeriveLineage, AnUnqualifiedColumnPrefersAnOutputWithoutQualifier) {
  const auto inner = Projection(ScanOf("t", {"a", "b"}), {Column("t", "a"), Column("t", "b")},
                                {{"t", "x"}, {std::nullopt, "x"}});
  const auto lineage =
      DeriveLineage(*Projection(inner, {Column(std::nullopt, "x")}, {{std::nullopt, "x"}}));
  ASSERT_TRUE(lineage.ok()) << lineage.status().ToString();
  EXPECT_EQ(lineage->columns[0].inputs, ColumnInputs{Input("t", "b")});
}

TEST(DeriveLineage, ANodeMustPutOutAsManyColumnsAsTheEngineSays) {
  const auto plan = Projection(ScanOf("t", {"a"}), {Column("t", "a")},
                               {{std::nullopt, "a"}, {std::nullopt, "b"}});
  EXPECT_FALSE(DeriveLineage(*plan).ok());
}

TEST(DeriveLineage, ExpressionsStayReadableHoweverOftenTheyDouble) {
  PlanPtr plan = ScanOf("t", {"x"});
  for (int layer = 0; layer < 60; ++layer) {
    const Expression x = Column(layer == 0 ? std::optional<std::string>("t") : std::nullopt, "x");
    plan = Projection(plan, {Sum(x, x)}, {{std::nullopt, "x"}});
  }
  const auto lineage = DeriveLineage(*plan);
  ASSERT_TRUE(lineage.ok()) << lineage.status().ToString();
  EXPECT_LT(lineage->columns[0].expression.size(), 4'000u);
  EXPECT_EQ(lineage->columns[0].inputs, ColumnInputs{Computed("t", "x")});
}

TEST(DeriveLineage, PlansAsDeepAsTheDecoderAllowsAreDerived) {
  Expression nested = Column("t", "x");
  for (int level = 0; level < 900; ++level)
    nested = Expression{.kind = ExpressionKind::kNot, .inputs = {nested}};
  PlanPtr plan = Projection(ScanOf("t", {"x"}), {nested}, {{"t", "x"}});
  for (int level = 0; level < 900; ++level)
    plan = Projection(plan, {Column("t", "x")}, {{"t", "x"}});
  const auto lineage = DeriveLineage(*plan);
  ASSERT_TRUE(lineage.ok()) << lineage.status().ToString();
  EXPECT_EQ(lineage->columns[0].inputs, ColumnInputs{Computed("t", "x")});
}

TEST(DeriveLineage, InputsOfAColumnIncludeTheRowInfluences) {
  const Lineage lineage = LineageOfCase("filter_influences_every_row");
  const ColumnInputs expected = {Input("flights", "carrier"),
                                 Input("flights", "dep_delay", ColumnUse::kFilter),
                                 Input("flights", "origin", ColumnUse::kFilter)};
  EXPECT_EQ(lineage.InputsOf(0), expected);
}

TEST(DeriveLineage, DamagedPlansNeverCrash) {
  for (const std::string& name : testing_plans::CaseNames()) {
    const auto captured = testing_plans::ReadCase(name);
    std::mt19937_64 random(std::hash<std::string>()(name) + 1);
    for (int round = 0; round < 150; ++round) {
      const auto plan =
          DecodePlan(testing_plans::Mutated(captured.bytes, random), captured.outputs);
      if (!plan.ok()) continue;
      const auto lineage = DeriveLineage(**plan);
      if (lineage.ok()) {
        EXPECT_EQ(lineage->columns.size(), (*plan)->outputs.size());
      } else {
        EXPECT_FALSE(lineage.status().message().empty());
      }
    }
  }
}

/// Whatever a plan is, its lineage names only what its scans read.
TEST(DeriveLineage, InputsAreAmongTheRequiredColumns) {
  for (const std::string& name : testing_plans::CaseNames()) {
    const Lineage lineage = LineageOfCase(name);
    for (size_t i = 0; i < lineage.columns.size(); ++i) {
      for (const ColumnInput& input : lineage.InputsOf(i)) {
        const auto required = lineage.required_columns.find(input.table);
        ASSERT_NE(required, lineage.required_columns.end()) << name << " " << input.table;
        EXPECT_TRUE(required->second.contains(input.column))
            << name << " " << input.table << "." << input.column;
      }
    }
  }
}

Lineage Identity(const std::string& table, const std::string& column, const std::string& name) {
  Lineage lineage;
  lineage.columns.push_back({.name = name,
                             .transformation = Transformation::kIdentity,
                             .inputs = {Input(table, column)},
                             .expression = table + "." + column,
                             .is_place = true,
                             .parts = {}});
  lineage.required_columns[table] = {column};
  return lineage;
}

TEST(TransitiveLineage, GoesThroughStoredViewsToTheirSources) {
  std::map<std::string, Lineage> lineages = {{"low", Identity("source", "a", "x")},
                                             {"high", Identity("low", "x", "y")}};
  lineages["low"].columns[0].transformation = Transformation::kAggregation;
  lineages["low"].row_influences = {Input("source", "g", ColumnUse::kGroupKey)};
  lineages["low"].required_columns["source"].insert("g");
  const auto lineage = TransitiveLineage(lineages, "high");
  ASSERT_TRUE(lineage.ok()) << lineage.status().ToString();
  EXPECT_EQ(lineage->columns[0].name, "y");
  EXPECT_EQ(lineage->columns[0].transformation, Transformation::kAggregation);
  EXPECT_EQ(lineage->columns[0].inputs, ColumnInputs{Input("source", "a")});
  EXPECT_EQ(lineage->row_influences, (ColumnInputs{Input("source", "g", ColumnUse::kGroupKey)}));
  EXPECT_EQ(lineage->required_columns,
            (std::map<std::string, std::set<std::string>>{{"source", {"a", "g"}}}));
}

TEST(TransitiveLineage, AUseAboveIsTheUseOfWhatIsBelow) {
  std::map<std::string, Lineage> lineages = {{"low", Identity("source", "a", "x")},
                                             {"high", Identity("low", "x", "y")}};
  lineages["low"].columns[0].inputs.insert(Input("source", "t", ColumnUse::kOrder));
  lineages["high"].row_influences = {Input("low", "x", ColumnUse::kJoinKey)};
  const auto lineage = TransitiveLineage(lineages, "high");
  ASSERT_TRUE(lineage.ok()) << lineage.status().ToString();
  EXPECT_EQ(lineage->row_influences, (ColumnInputs{Input("source", "a", ColumnUse::kJoinKey),
                                                   Input("source", "t", ColumnUse::kOrder)}));
}

TEST(TransitiveLineage, PathsOfStructFieldsAreJoinedThroughIdentities) {
  std::map<std::string, Lineage> lineages = {{"low", Identity("source", "s", "x")},
                                             {"high", Identity("low", "x", "y")}};
  lineages["low"].columns[0].inputs = {Input("source", "s", ColumnUse::kValue, "a")};
  lineages["high"].columns[0].inputs = {Input("low", "x", ColumnUse::kValue, "b")};
  const auto lineage = TransitiveLineage(lineages, "high");
  ASSERT_TRUE(lineage.ok()) << lineage.status().ToString();
  EXPECT_EQ(lineage->columns[0].inputs,
            (ColumnInputs{Input("source", "s", ColumnUse::kValue, "a.b")}));
}

TEST(TransitiveLineage, AFieldOfAStructThatAViewBuildsIsThatFieldAlone) {
  std::map<std::string, Lineage> lineages = {{"low", Identity("source", "a", "x")},
                                             {"high", Identity("low", "x", "y")}};
  ColumnLineage& built = lineages["low"].columns[0];
  built.is_place = false;
  built.inputs = {Computed("source", "a"), Computed("source", "b")};
  built.parts = {Identity("source", "a", "f").columns[0], Identity("source", "b", "g").columns[0]};
  lineages["high"].columns[0].inputs = {Input("low", "x", ColumnUse::kValue, "g.h")};
  const auto lineage = TransitiveLineage(lineages, "high");
  ASSERT_TRUE(lineage.ok()) << lineage.status().ToString();
  EXPECT_EQ(lineage->columns[0].inputs,
            (ColumnInputs{Input("source", "b", ColumnUse::kValue, "h")}));
  // A field whose name only begins like that of another is the whole.
  lineages["high"].columns[0].inputs = {Input("low", "x", ColumnUse::kValue, "gh")};
  EXPECT_EQ(TransitiveLineage(lineages, "high")->columns[0].inputs, built.inputs);
}

TEST(TransitiveLineage, ADiamondIsClosedOnce) {
  std::map<std::string, Lineage> lineages = {{"v0", Identity("source", "a", "x")}};
  for (int i = 1; i <= 40; ++i) {
    const std::string below = "v" + std::to_string(i - 1);
    Lineage view = Identity(below, "x", "x");
    view.row_influences = {Input(below, "x", ColumnUse::kFilter)};
    lineages["v" + std::to_string(i)] = view;
  }
  const auto lineage = TransitiveLineage(lineages, "v40");
  ASSERT_TRUE(lineage.ok()) << lineage.status().ToString();
  EXPECT_EQ(lineage->columns[0].inputs, ColumnInputs{Input("source", "a")});
}

TEST(TransitiveLineage, CyclesAndUnknownNamesAreErrors) {
  const std::map<std::string, Lineage> cycle = {{"a", Identity("b", "x", "x")},
                                                {"b", Identity("a", "x", "x")}};
  EXPECT_FALSE(TransitiveLineage(cycle, "a").ok());
  EXPECT_EQ(TransitiveLineage(cycle, "c").status().code(), StatusCode::kNotFound);
  const std::map<std::string, Lineage> gap = {{"low", Identity("source", "a", "x")},
                                              {"high", Identity("low", "z", "y")}};
  EXPECT_NE(TransitiveLineage(gap, "high").status().message().find("`z`"), std::string::npos);
}

}  // namespace

}  // namespace weir
