// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/store_names.h"

#include <gtest/gtest.h>

namespace weir::engine::internal {
namespace {

TEST(StoreNames, TellContainersOfOneAccountApart) {
  StoreNames names;
  EXPECT_TRUE(names.Add("abfss://lake@account.host").ok());
  EXPECT_TRUE(names.Add("abfss://lake@account.host/").ok());
  EXPECT_EQ(names.Add("abfss://raw@account.host").code(), StatusCode::kUnsupported);
  EXPECT_TRUE(names.Check("abfss://lake@account.host/a@b/c").ok());
  EXPECT_EQ(names.Check("abfss://raw@account.host/a").code(), StatusCode::kNotFound);
  EXPECT_EQ(names.Check("abfss://account.host/a").code(), StatusCode::kNotFound);
}

TEST(StoreNames, OfOthersAreTheirHosts) {
  StoreNames names;
  EXPECT_TRUE(names.Add("s3://a").ok());
  EXPECT_TRUE(names.Add("s3://b").ok());
  EXPECT_TRUE(names.Check("s3://a/x@y/z").ok());
  EXPECT_TRUE(names.Check("s3://unknown/x").ok()) << "the engine says so itself";
  EXPECT_TRUE(names.Check("file:///tmp/a@b/c").ok());
}

}  // namespace
}  // namespace weir::engine::internal
