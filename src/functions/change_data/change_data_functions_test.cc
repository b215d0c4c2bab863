// SPDX-License-Identifier: Apache-2.0

#include "weir/functions/function_testing.h"

namespace weir {
namespace {

using namespace weir::testing;

const Texts kTypes = {"update_postimage", "insert", "delete", "update_preimage", " Insert\n",
                      "DELETE",           "",       "upsert", std::nullopt};

TEST(ChangeData, RanksAndTests) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    const auto column = Column(EncodeTexts(random, kTypes));
    const int64_t rows = static_cast<int64_t>(kTypes.size());
    auto ranks = Call("cdf_change_rank", {column}, rows);
    auto upserts = Call("cdf_is_upsert", {column}, rows);
    auto deletes = Call("cdf_is_delete", {column}, rows);
    ASSERT_TRUE(ranks.ok() && upserts.ok() && deletes.ok());
    EXPECT_TRUE((*ranks)->Equals(FromJson(arrow::int32(), "[3, 2, 1, 0, 2, 1, -1, -1, null]")));
    EXPECT_TRUE((*upserts)->Equals(
        FromJson(arrow::boolean(), "[true, true, false, false, true, false, false, false, null]")));
    EXPECT_TRUE((*deletes)->Equals(FromJson(
        arrow::boolean(), "[false, false, true, false, false, true, false, false, null]")));
  }
}

}  // namespace
}  // namespace weir
