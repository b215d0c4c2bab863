// SPDX-License-Identifier: Apache-2.0

#include "weir/base/secret_names.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(WithoutUrlSecrets, LeavesTheRest) {
  for (const char* text :
       {"", "no URL", "http://host/path", "see s3://bucket/a b", "://", "a://", "x ://?",
        "abfss://container@account.dfs.core.windows.net/t", "what? http://h/p, and user@host"})
    EXPECT_EQ(WithoutUrlSecrets(text), std::string_view(text) == "x ://?" ? "x ://?***" : text);
}

TEST(WithoutUrlSecrets, HidesUsersAndQueries) {
  EXPECT_EQ(WithoutUrlSecrets("GET http://ada:pw@h:80/p?X-Amz-Signature=1f&b=2: refused"),
            "GET http://***@h:80/p?*** refused");
  EXPECT_EQ(WithoutUrlSecrets("(https://token@h) socks5://u:p@ss@h `az://c/b?sig=x` end"),
            "(https://***@h) socks5://***@h `az://c/b?***` end");
  EXPECT_EQ(WithoutUrlSecrets("http://h?a=1"), "http://h?***");
}

}  // namespace
}  // namespace weir
