// SPDX-License-Identifier: Apache-2.0

#include "weir/engine/store_failure.h"

#include <gtest/gtest.h>

#include "weir/engine/bridge_error.h"

namespace weir::engine::internal {
namespace {

TEST(StoreFailures, TellTheAnswerAndTheRequest) {
  EXPECT_EQ(PlainStoreFailure("Generic S3 error: Error performing PUT http://h/b/k in "
                              "1.778051539s, after 10 retries, max_retries: 10, retry_timeout: "
                              "180s  - Server returned non-2xx status code: 503 Slow Down: "
                              "<Error><Code>SlowDown</Code><Message>Please reduce your request "
                              "rate.</Message></Error>",
                              "Server returned non-2xx status code"),
            "503 Slow Down: Please reduce your request rate, after 10 retries in 1.8 s: `PUT "
            "http://h/b/k`");
  EXPECT_EQ(PlainStoreFailure("Object at location raw/x not found: Error performing HEAD "
                              "http://h/raw/x in 2.1ms - Server returned non-2xx status code: 404 "
                              "Not Found: ",
                              ""),
            "Object at location raw/x not found: 404 Not Found: `HEAD http://h/raw/x`");
  EXPECT_EQ(PlainStoreFailure("Generic HTTP error: Error performing GET http://h/x in 2.1ms - "
                              "Server returned non-2xx status code: 502 Bad Gateway: "
                              "<html><body>long</body></html>",
                              ""),
            "502 Bad Gateway: `GET http://h/x`");
  EXPECT_EQ(PlainStoreFailure("Generic GCS error: Error performing PUT http://h/x in 2.1ms - "
                              "Server returned non-2xx status code: 400 Bad Request: "
                              "{\"error\":{\"code\":400,\"message\":\"invalid name\"}}",
                              ""),
            "400 Bad Request: invalid name: `PUT http://h/x`");
}

TEST(StoreFailures, TellWhatTheTransportHides) {
  const std::string_view text =
      "Generic S3 error: Error performing PUT http://h/k in 1.001082563s - HTTP error: error "
      "sending request";
  EXPECT_EQ(PlainStoreFailure(text, "operation timed out"),
            "operation timed out after 1.0 s: `PUT http://h/k`");
  EXPECT_EQ(PlainStoreFailure(text, "Connection refused (os error 111)"),
            "Connection refused: `PUT http://h/k`");
  EXPECT_EQ(PlainStoreFailure(text, ""), "no answer came: `PUT http://h/k`");
  EXPECT_EQ(PlainStoreFailure(text, text), "no answer came: `PUT http://h/k`");
}

TEST(StoreFailures, ShowNoSignedUrl) {
  EXPECT_EQ(PlainStoreFailure("Generic MicrosoftAzure error: Error performing GET REDACTED in "
                              "1.5ms - Server returned non-2xx status code: 403 Forbidden: ",
                              ""),
            "403 Forbidden: `GET`");
}

TEST(StoreFailures, OfAnswersThatBrokeOffAreKnown) {
  for (const char* text : {"Generic S3 error: Error getting list response body: HTTP error: "
                           "request or response body error",
                           "Generic S3 error: Error performing GET http://h/k in 11.6ms - HTTP "
                           "error: request or response body error",
                           "Generic S3 error: HTTP error: request or response body error",
                           "Object Store error: Generic S3 error: HTTP error: request or "
                           "response body error"}) {
    const auto plain = PlainStoreFailure(text, "");
    ASSERT_TRUE(plain.has_value()) << text;
    EXPECT_TRUE(IsBrokenAnswer(*plain)) << *plain;
  }
  EXPECT_FALSE(IsBrokenAnswer("503 Slow Down: `GET http://h/k`"));
}

TEST(StoreFailures, OfListingsThatAreRefusedAreOfPermission) {
  const Status refused = FromEnvelope(
      R"({"code": "io", "blame": "environment", "message": "Generic S3 error: Error performing list request: Error performing GET http://h/b?list-type=2 in 2ms - Server returned non-2xx status code: 403 Forbidden: <Message>Access Denied</Message>"})");
  EXPECT_EQ(refused.code(), StatusCode::kPermission);
  EXPECT_EQ(refused.message(), "403 Forbidden: Access Denied: `GET http://h/b?list-type=2`");
  EXPECT_EQ(refused.hint(), "");
  EXPECT_FALSE(IsRefusal("429 Too Many Requests: `GET http://h/b`"));
}

TEST(StoreFailures, OfOthersStayAsTheyAre) {
  EXPECT_EQ(PlainStoreFailure("Generic LocalFileSystem error: Unable to open file /x", ""),
            std::nullopt);
  EXPECT_EQ(PlainStoreFailure("Divide by zero error", ""), std::nullopt);
}

TEST(StoreFailures, HaveAHintWhereAskingAgainMayHelp) {
  const Status broken = FromEnvelope(
      R"({"code": "io", "blame": "environment", "message": "Generic S3 error: Error performing PUT http://h/k in 1s - HTTP error: error sending request", "causes": ["HTTP error: error sending request", "connection closed before message completed"]})");
  EXPECT_EQ(broken.message(), "connection closed before message completed: `PUT http://h/k`");
  EXPECT_NE(broken.hint().find("run again"), std::string::npos);
  const Status denied = FromEnvelope(
      R"({"code": "permission", "blame": "environment", "message": "The operation lacked the necessary privileges to complete for path k: Error performing PUT http://h/k in 1ms - Server returned non-2xx status code: 403 Forbidden: "})");
  EXPECT_EQ(denied.hint(), "");
}

}  // namespace
}  // namespace weir::engine::internal
