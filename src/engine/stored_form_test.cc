// SPDX-License-Identifier: Apache-2.0
//
// What happens to the columns of a plan on their way into files.

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "weir/base/temporary_folder_testing.h"
#include "weir/engine/engine.h"

namespace weir::engine {
namespace {

Result<WriteOutcome> WriteAs(const std::string& sql,
                             const std::shared_ptr<arrow::DataType>& stored) {
  const TemporaryFolder folder;
  WEIR_ASSIGN_OR_RETURN(const Session session, Session::Open({}));
  WEIR_ASSIGN_OR_RETURN(Plan plan, Plan::FromSql(session, sql));
  WEIR_ASSIGN_OR_RETURN(plan, std::move(plan).Optimize(session));
  WEIR_ASSIGN_OR_RETURN(const auto physical, PhysicalPlan::Create(session, plan));
  WriteOptions options;
  options.root_url = "file://" + folder.path().string() + "/t/";
  return physical.Write(session, options, arrow::schema({arrow::field("x", stored)}), {},
                        Cancellation());
}

// Faults A1: a plan whose columns have other types than were planned was cast, 2.5 to 2.
TEST(StoredForm, NoValueIsCastToATypeThatCannotHoldIt) {
  for (const auto& type :
       {arrow::int64(), arrow::float32(), arrow::utf8(), arrow::decimal128(2, 0)}) {
    const auto written = WriteAs("SELECT 2.5 AS x", type);
    ASSERT_FALSE(written.ok()) << type->ToString();
    EXPECT_EQ(written.status().code(), StatusCode::kInternal) << written.status().ToString();
  }
  EXPECT_FALSE(WriteAs("SELECT [2.5] AS x", arrow::list(arrow::int64())).ok());
  EXPECT_FALSE(WriteAs("SELECT 1 AS x", arrow::float64()).ok());
  EXPECT_FALSE(WriteAs("SELECT arrow_cast(now(), 'Timestamp(Microsecond, None)') AS x",
                       arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"))
                   .ok());
}

TEST(StoredForm, OtherEncodingsAndWiderNumbersAreWritten) {
  const auto expect = [](const std::string& expression,
                         const std::shared_ptr<arrow::DataType>& type) {
    const auto written = WriteAs("SELECT " + expression + " AS x", type);
    EXPECT_TRUE(written.ok()) << expression << "\n" << written.status().ToString();
  };
  expect("arrow_cast('a', 'Utf8View')", arrow::utf8());
  expect("arrow_cast('a', 'Dictionary(Int32, Utf8)')", arrow::utf8());
  expect("arrow_cast(7, 'UInt64')", arrow::int64());
  expect("arrow_cast(['a'], 'LargeList(Utf8View)')",
         arrow::list(arrow::field("element", arrow::utf8())));
  expect("map([arrow_cast('a', 'Utf8View')], [1])", arrow::map(arrow::utf8(), arrow::int64()));
  expect("arrow_cast('2024-01-01T00:00:00Z', 'Timestamp(Nanosecond, Some(\"UTC\"))')",
         arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"));
}

TEST(StoredForm, AValueBeyondTheStoredTypeFails) {
  const auto written =
      WriteAs("SELECT arrow_cast('9223372036854775808', 'UInt64') AS x", arrow::int64());
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.status().blame(), Blame::kUser) << written.status().ToString();
}

}  // namespace
}  // namespace weir::engine
