// SPDX-License-Identifier: Apache-2.0
//
// Predicates compiled by the engine and evaluated batch by batch.

#include "weir/engine/compiled_predicate.h"

#include <thread>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/functions/function_registry.h"

namespace weir::engine {
namespace {

Session OpenSession() {
  auto session = Session::Open({.settings = {{"datafusion.sql_parser.collect_spans", "true"}}});
  EXPECT_TRUE(session.ok()) << session.status().ToString();
  EXPECT_TRUE(session->RegisterFunctions(NativeFunctions()).ok());
  return *session;
}

std::shared_ptr<arrow::RecordBatch> RowsOf(const Session& session, const std::string& sql) {
  auto table = session.Query(sql);
  EXPECT_TRUE(table.ok()) << table.status().ToString();
  return *(*table)->CombineChunksToBatch();
}

std::shared_ptr<arrow::RecordBatch> Numbers(const Session& session) {
  return RowsOf(session,
                "SELECT column1 AS id, column2 AS name FROM (VALUES (1, 'one'), (2, NULL), (NULL, "
                "'none'), (4, 'four')) ORDER BY column1 NULLS LAST");
}

/// "1" where the mask is true, "0" where it is not.
std::string Bits(const arrow::BooleanArray& mask) {
  std::string bits;
  for (int64_t i = 0; i < mask.length(); ++i)
    bits += mask.IsNull(i) ? '?' : mask.Value(i) ? '1' : '0';
  return bits;
}

std::string Mask(const std::string& sql) {
  const Session session = OpenSession();
  const auto batch = Numbers(session);
  const auto predicate = CompiledPredicate::FromSql(session, sql, *batch->schema());
  if (!predicate.ok()) return predicate.status().ToString();
  const auto mask = predicate->Evaluate(*batch);
  return mask.ok() ? Bits(**mask) : mask.status().ToString();
}

TEST(CompiledPredicate, IsTrueOnlyWhereTheExpressionIs) {
  EXPECT_EQ(Mask("id > 1"), "0110");
  EXPECT_EQ(Mask("NOT id > 1"), "1000") << "NULL is not true either way";
  EXPECT_EQ(Mask("id > 1 OR name IS NOT NULL"), "1111");
  EXPECT_EQ(Mask("TRUE"), "1111") << "a constant has a value a row";
  EXPECT_EQ(Mask("id = 1 OR NULL"), "1000");
  EXPECT_EQ(Mask("stable_hash64(name) IS NULL"), "0100") << "native functions";
}

TEST(CompiledPredicate, RefusesWhatIsNoExpressionOverOneRow) {
  EXPECT_NE(Mask("id").find("a boolean expression is wanted, found one of the type Int64"),
            std::string::npos);
  EXPECT_NE(Mask("id > (SELECT 1)").find("found a subquery"), std::string::npos);
  EXPECT_NE(Mask("sum(id) > 1").find("found an aggregate function"), std::string::npos);
  EXPECT_NE(Mask("row_number() OVER () > 1").find("found a window function"), std::string::npos);
  EXPECT_NE(Mask("random() > 1").find("found a volatile function"), std::string::npos);
  EXPECT_NE(Mask("id > 1 AS big").find("found the name"), std::string::npos);
  EXPECT_NE(Mask("id > 1, name").find("end of expression"), std::string::npos);
}

TEST(CompiledPredicate, SaysWhereAnUnknownColumnStands) {
  const Session session = OpenSession();
  const auto schema = Numbers(session)->schema();
  const auto predicate = CompiledPredicate::FromSql(session, "\n\n      nmae = 'one'", *schema);
  ASSERT_FALSE(predicate.ok());
  EXPECT_EQ(predicate.status().location().line, 3);
  EXPECT_EQ(predicate.status().location().column, 7);
  EXPECT_NE(predicate.status().hint().find("name"), std::string::npos) << predicate.status().hint();
}

TEST(CompiledPredicate, ComesBackFromItsBytes) {
  const Session session = OpenSession();
  const auto batch = Numbers(session);
  const auto first =
      CompiledPredicate::FromSql(session, "name  LIKE 'o%' -- ones", *batch->schema());
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  const auto second = CompiledPredicate::FromSql(session, "NAME LIKE 'o%'", *batch->schema());
  ASSERT_TRUE(second.ok());
  ASSERT_TRUE(first->ToProto().ok());
  EXPECT_EQ(*first->ToProto(), *second->ToProto());
  const auto back = CompiledPredicate::FromProto(session, *first->ToProto(), *batch->schema());
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_EQ(*back->ToProto(), *first->ToProto());
  EXPECT_EQ(Bits(**back->Evaluate(*batch)), "1000");
  EXPECT_EQ(back->columns(), std::vector<std::string>{"name"});
  EXPECT_EQ(back->functions(), std::vector<std::string>());
  EXPECT_FALSE(CompiledPredicate::FromProto(session, "no expression", *batch->schema()).ok());
}

TEST(CompiledPredicate, ServesSeveralThreads) {
  const Session session = OpenSession();
  const auto batch = Numbers(session);
  const auto predicate = CompiledPredicate::FromSql(session, "id % 2 = 0", *batch->schema());
  ASSERT_TRUE(predicate.ok());
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto mask = predicate->Evaluate(*batch);
        if (!mask.ok() || Bits(**mask) != "0110") ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Rows, AreFilteredByAMaskAndKeepTheirSchema) {
  const Session session = OpenSession();
  const auto batch = RowsOf(session,
                            "SELECT column1 AS id, [column1, column1] AS list, named_struct('a', "
                            "column2) AS s FROM (VALUES (1, 'x'), (2, NULL), (3, 'z'))");
  const auto predicate = CompiledPredicate::FromSql(session, "id <> 2", *batch->schema());
  ASSERT_TRUE(predicate.ok()) << predicate.status().ToString();
  const auto kept = FilterRows(*batch, **predicate->Evaluate(*batch));
  ASSERT_TRUE(kept.ok()) << kept.status().ToString();
  EXPECT_EQ((*kept)->num_rows(), 2);
  EXPECT_TRUE((*kept)->schema()->Equals(*batch->schema()));
  EXPECT_TRUE((*kept)->Slice(1)->Equals(*batch->Slice(2)));
}

TEST(Rows, AreCastOrRefused) {
  const Session session = OpenSession();
  const auto batch = RowsOf(session, "SELECT '12' AS a, 3 AS b");
  const auto schema = arrow::schema(
      {arrow::field("a", arrow::int16()), arrow::field("b", arrow::decimal128(5, 2))});
  const auto cast = CastRows(*batch, schema);
  ASSERT_TRUE(cast.ok()) << cast.status().ToString();
  EXPECT_EQ((*(*cast)->column(0)->GetScalar(0))->ToString(), "12");
  EXPECT_EQ((*(*cast)->column(1)->GetScalar(0))->ToString(), "3.00");
  const auto bad = CastRows(*RowsOf(session, "SELECT 'x' AS a, 3 AS b"), schema);
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.status().message().find("'x'"), std::string::npos) << bad.status().ToString();
}

TEST(Rows, AreATableThatAPlanCanReadInTheOnesPlace) {
  const Session session = OpenSession();
  const auto batch = Numbers(session);
  const auto table = Table::FromRows(*batch);
  ASSERT_TRUE(table.ok()) << table.status().ToString();
  ASSERT_TRUE(session.RegisterTable("numbers", *table).ok());
  auto plan = Plan::FromSql(session, "SELECT name FROM numbers WHERE id >= 2");
  ASSERT_TRUE(plan.ok());
  const std::string bytes = *plan->Optimize(session)->ToProto();
  const auto other = RowsOf(session, "SELECT 7 AS id, 'seven' AS name UNION ALL SELECT 1, 'one'");
  const auto bound = Plan::FromProto(session, bytes, {{0, *Table::FromRows(*other)}});
  ASSERT_TRUE(bound.ok()) << bound.status().ToString();
  const auto physical = PhysicalPlan::Create(session, *bound);
  ASSERT_TRUE(physical.ok()) << physical.status().ToString();
  const auto reader = physical->Execute(session, Cancellation());
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  const auto rows = (*reader)->ToTable();
  ASSERT_TRUE(rows.ok()) << rows.status().ToString();
  ASSERT_EQ((*rows)->num_rows(), 1);
  EXPECT_EQ((*(*rows)->column(0)->GetScalar(0))->ToString(), "seven");
}

}  // namespace
}  // namespace weir::engine
