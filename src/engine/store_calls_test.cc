// SPDX-License-Identifier: Apache-2.0
//
// What a session notes of the calls that it makes.

#include "weir/engine/store_calls.h"

#include <chrono>
#include <fstream>

#include <gtest/gtest.h>

#include "weir/base/assert_ok_testing.h"
#include "weir/base/temporary_folder_testing.h"
#include "weir/engine/engine.h"

namespace weir::engine {
namespace {

int64_t NowMicroseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class StoreCallsTest : public testing::Test {
 protected:
  Session Open(int64_t noted) {
    auto session = Session::Open({.spill_directory = {}, .noted_store_calls = noted});
    EXPECT_TRUE(session.ok()) << session.status().ToString();
    return *std::move(session);
  }

  const TemporaryFolder folder_;
  const std::string root_ = "file://" + folder_.path().string() + "/";
};

TEST_F(StoreCallsTest, EachCallIsNotedAsItWent) {
  const Session session = Open(100);
  const int64_t before = NowMicroseconds();
  ASSERT_TRUE(session.PutObject(root_ + "a%20b", "12345").ok());
  EXPECT_EQ(*session.GetObject(root_ + "a%20b"), "12345");
  EXPECT_FALSE(session.GetObject(root_ + "none").ok());
  ASSERT_TRUE(session.ListObjects(root_).ok());
  ASSERT_TRUE(session.ListObjects(root_ + "a%20b").ok());
  ASSERT_TRUE(session.DeleteObject(root_ + "a%20b").ok());
  const StoreCalls noted = session.TakeStoreCalls();
  std::vector<std::string> found;
  int64_t last = before;
  for (const StoreCall& call : noted.calls) {
    found.push_back(call.operation + " " + call.url.substr(root_.size() - 1) + " " +
                    std::to_string(call.bytes) + " " + call.error);
    EXPECT_LE(last, call.started_at_us);
    EXPECT_LE(call.started_at_us, call.finished_at_us);
    last = call.finished_at_us;
    EXPECT_EQ(call.view_name, "");
  }
  EXPECT_LE(last, NowMicroseconds());
  EXPECT_EQ(found,
            (std::vector<std::string>{"put /a%20b 5 ", "get /a%20b 5 ", "get /none 0 not_found",
                                      "list  0 ", "head /a%20b 0 ", "delete /a%20b 0 "}));
  EXPECT_EQ(noted.left_out, 0);
  EXPECT_TRUE(session.TakeStoreCalls().calls.empty());
}

TEST_F(StoreCallsTest, WhatDoesNotFitIsCounted) {
  const Session session = Open(2);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(session.PutObject(root_ + "x", "1").ok());
  const StoreCalls noted = session.TakeStoreCalls();
  EXPECT_EQ(noted.calls.size(), 2);
  EXPECT_EQ(noted.left_out, 3);
}

TEST_F(StoreCallsTest, NothingIsNotedUnlessItIsAskedFor) {
  const Session session = Open(0);
  ASSERT_TRUE(session.NotingFor("v").PutObject(root_ + "x", "1").ok());
  EXPECT_TRUE(session.TakeStoreCalls().calls.empty());
}

TEST_F(StoreCallsTest, QueriesNoteWhatTheyReadForAView) {
  const Session session = Open(100);
  ASSERT_TRUE(session.PutObject(root_ + "t.csv", "id\n1\n2\n").ok());
  const auto table = Table::FromFiles(
      session,
      {.root_url = root_,
       .format = "csv",
       .options = {},
       .partition_columns = {},
       .required_columns = {},
       .files = {{.path = "t.csv", .size_bytes = 7, .rows = -1, .statistics = {}}}},
      nullptr);
  ASSERT_TRUE(table.ok()) << table.status().ToString();
  ASSERT_TRUE(session.RegisterTable("t", *table).ok());
  (void)session.TakeStoreCalls();
  const Session noting = session.NotingFor("v");
  ASSERT_TRUE(noting.Query("SELECT * FROM t").ok());
  const StoreCalls noted = session.TakeStoreCalls();
  ASSERT_FALSE(noted.calls.empty());
  int64_t bytes = 0;
  for (const StoreCall& call : noted.calls) {
    EXPECT_EQ(call.view_name, "v");
    EXPECT_EQ(call.url, root_ + "t.csv");
    bytes += call.bytes;
  }
  EXPECT_EQ(bytes, 7);
}

}  // namespace
}  // namespace weir::engine
