// SPDX-License-Identifier: Apache-2.0

#include "weir/base/fingerprint.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Fingerprint, KnownVectorOfBlake2bWithSixteenBytesOfOutput) {
  // Python: hashlib.blake2b(b'cst_def\x1fa.py\x1f0\x1f10'[8:], digest_size=16)
  EXPECT_EQ(Blake2bHex128("a.py\x1f"
                          "0\x1f"
                          "10"),
            "90a6928209d1e25ff2290615b7e5e183");
}

TEST(Fingerprint, MovingBytesBetweenSectionsChangesIt) {
  FingerprintBuilder a, b, c;
  a.Add("x", "ab").Add("y", "c");
  b.Add("x", "a").Add("y", "bc");
  c.Add("xy", "abc");
  EXPECT_NE(a.Finish(), b.Finish());
  EXPECT_NE(a.Finish(), c.Finish());
}

TEST(Fingerprint, ParseTakesOnlyItsOwnForm) {
  const Fingerprint fingerprint = FingerprintBuilder().Add("x", int64_t{1}).Finish();
  auto parsed = Fingerprint::Parse(fingerprint.ToString());
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, fingerprint);
  EXPECT_FALSE(Fingerprint::Parse("ABC").ok());
}

}  // namespace
}  // namespace weir
