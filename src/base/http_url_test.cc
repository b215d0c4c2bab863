// SPDX-License-Identifier: Apache-2.0

#include "weir/base/http_url.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(HttpUrl, HasASchemeAndAHost) {
  for (const char* url : {"http://localhost:4318", "https://collector.example/v1/traces?x=1#y",
                          "http://[::1]:80/", "https://[::1]", "http://a?x"})
    EXPECT_TRUE(IsHttpUrl(url)) << url;
  for (const char* url : {"", "localhost:4318", "ftp://a", "http://", "https:///x", "http://:80/",
                          "http://a:/x", "http://a:port", "http://a:123456", "HTTP://a"})
    EXPECT_FALSE(IsHttpUrl(url)) << url;
}

TEST(HttpUrl, HasNoUserAndFitsOnALine) {
  for (const char* url : {"http://ada:secret@host/", "https://ada@host", "http://host/a b",
                          "http://host/\r\nHost: other", "http://ho\x7fst/"})
    EXPECT_FALSE(IsHttpUrl(url)) << url;
  EXPECT_TRUE(IsHttpUrl("http://host/x@y"));
}

TEST(HttpHeader, FitsOnALine) {
  EXPECT_TRUE(FitsHeader("Bearer a b\xc3\xa9"));
  EXPECT_FALSE(FitsHeader("a\r\nb"));
  EXPECT_TRUE(IsHeaderName("api-key"));
  for (const char* name : {"", "a b", "a:b", "a\n", "\xc3\xa9"}) EXPECT_FALSE(IsHeaderName(name));
}

}  // namespace
}  // namespace weir
