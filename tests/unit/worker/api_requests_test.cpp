#include "worker/api_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "protocol/http_request_parser.h"
#include "protocol/json_reader.h"
#include "tests/unit/worker/support/fake_api_backend.h"

namespace wsd::worker {
namespace {

using protocol::HttpRequest;
using protocol::HttpRequestParser;
using protocol::HttpResponse;
using test::FakeApiBackend;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::uint64_t max_message = 100;

HttpRequest head_of(const std::string& text) {
  HttpRequestParser parser({}, protocol::HttpPurpose::api);
  std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  EXPECT_EQ(parser.next(bytes), HttpRequestParser::Step::complete) << text;
  return parser.take();
}

std::string header_of(const HttpResponse& response, std::string_view name) {
  for (const auto& header : response.headers) {
    if (header.name == name) return header.value;
  }
  return "";
}

class ApiRequestsTest : public testing::Test {
 protected:
  HttpResponse request(const HttpRequest& head, std::string_view body = {}) {
    ApiRequests requests(backend, token, max_message);
    if (auto refusal = requests.refuse(head)) return *refusal;
    std::optional<HttpResponse> answered;
    instead = requests.ask(head, body, [&answered](HttpResponse response) {
      EXPECT_FALSE(answered) << "answered twice";
      answered = std::move(response);
    });
    EXPECT_EQ(answered.has_value(), backend.answers_at_once || backend.open.empty());
    return answered.value_or(HttpResponse{.status = 0, .headers = {}, .body = {}});
  }
  HttpResponse get(const std::string& target, const std::string& fields = {}) {
    return request(head_of("GET " + target + " HTTP/1.1\r\nHost: localhost:8090\r\n" + fields + "\r\n"));
  }
  HttpResponse post(const std::string& target, std::string_view body, const std::string& fields = {}) {
    return request(head_of("POST " + target +
                           " HTTP/1.1\r\nHost: localhost:8090\r\nContent-Type: application/json\r\n" + fields + "\r\n"),
                   body);
  }
  // "404 channel_not_found", or "400 bad_json @17".
  static std::string error_of(const HttpResponse& response) {
    EXPECT_EQ(header_of(response, "Content-Type"), "application/json");
    const auto quoted = [&](const std::string& key) {
      const std::size_t at = response.body.find("\"" + key + "\":");
      return at == std::string::npos ? std::string() : response.body.substr(at + key.size() + 3);
    };
    EXPECT_THAT(response.body, StartsWith(R"({"error":{"code":")"));
    const std::string code = quoted("code").substr(1);
    const std::string position = quoted("position");
    return std::to_string(response.status) + " " + code.substr(0, code.find('"')) +
           (position.empty() ? "" : " @" + position.substr(0, position.find('}')));
  }
  std::string refused_get(const std::string& target, const std::string& fields = {}) {
    return error_of(get(target, fields));
  }
  std::string refused_post(const std::string& target, std::string_view body, const std::string& fields = {}) {
    return error_of(post(target, body, fields));
  }

  FakeApiBackend backend;
  std::string token;
  HttpResponse instead;
};

// ---- publish --------------------------------------------------------------------------------------------------------

TEST_F(ApiRequestsTest, PublishesText) {
  const auto response = post("/v1/publish", R"({"channel":"news","data":"grün"})");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"delivered_to":3})");
  EXPECT_EQ(header_of(response, "Content-Type"), "application/json");
  EXPECT_THAT(backend.calls, ElementsAre("publish news text grün"));
}

TEST_F(ApiRequestsTest, PublishesBinary) {
  post("/v1/publish", R"({"channel":"a","data_base64":"AP8="})");
  post("/v1/publish", R"({"channel":"a","data_base64":"aGk=","type":"text"})");
  post("/v1/publish", R"({"channel":"a","data":"hi","type":"binary"})");
  post("/v1/publish", R"({"channel":"a","data_base64":""})");
  EXPECT_THAT(backend.calls, ElementsAre(std::string("publish a binary \0\xFF", 19), "publish a text hi",
                                         "publish a binary hi", "publish a binary "));
}

TEST_F(ApiRequestsTest, PublishesAnEmptyTextAndOneWithAZero) {
  post("/v1/publish", R"({"channel":"a","data":""})");
  post("/v1/publish", R"({"channel":"a","data":"\u0000"})");
  EXPECT_THAT(backend.calls, ElementsAre("publish a text ", std::string("publish a text \0", 16)));
}

TEST_F(ApiRequestsTest, PublishesToAllButSome) {
  post("/v1/publish", R"({"channel":"a","data":"x","exclude":"18446744073709551615"})");
  post("/v1/publish", R"({"channel":"a","data":"x","exclude":["1","2"]})");
  post("/v1/publish", R"({"channel":"a","data":"x","exclude":[]})");
  post("/v1/publish", R"({"channel":"a","data":"x","exclude":5})");
  EXPECT_THAT(backend.calls, ElementsAre("publish a text x -18446744073709551615", "publish a text x -1 -2",
                                         "publish a text x", "publish a text x -5"));
}

TEST_F(ApiRequestsTest, SaysThatAWorkerDidNotAnswerForAPublish) {
  backend.published = {.subscribers = 1, .partial = true};
  EXPECT_EQ(post("/v1/publish", R"({"channel":"a","data":"x"})").body, R"({"delivered_to":1,"partial":true})");
}

TEST_F(ApiRequestsTest, RefusesAPublishThatItDoesNotUnderstand) {
  const auto refused = [this](std::string_view body) { return refused_post("/v1/publish", body); };
  EXPECT_EQ(refused(""), "400 bad_json @0");
  EXPECT_EQ(refused(R"({"channel":"a","data":"x",})"), "400 bad_json @26");
  EXPECT_EQ(refused(R"({"data":"x"})"), "400 bad_json @0");
  EXPECT_EQ(refused(R"({"channel":"","data":"x"})"), "400 bad_json @11");
  EXPECT_EQ(refused(R"({"channel":1,"data":"x"})"), "400 bad_json @11");
  EXPECT_EQ(refused(R"({"channel":")" + std::string(256, 'x') + R"(","data":"x"})"), "400 bad_json @11");
  EXPECT_EQ(refused(R"({"channel":"a"})"), "400 bad_json @0");
  EXPECT_EQ(refused(R"({"channel":"a","data":"x","data_base64":"AA=="})"), "400 bad_json @22");
  EXPECT_EQ(refused(R"({"channel":"a","data":{}})"), "400 bad_json @22");
  EXPECT_EQ(refused(R"({"channel":"a","data_base64":"AA"})"), "400 bad_json @29");
  EXPECT_EQ(refused(R"({"channel":"a","data_base64":"/w==","type":"text"})"), "400 bad_json @29");
  EXPECT_EQ(refused(R"({"channel":"a","data":"x","type":"json"})"), "400 bad_json @33");
  EXPECT_EQ(refused(R"({"channel":"a","data":"x","exclude":["x"]})"), "400 bad_json @36");
  EXPECT_EQ(refused(R"({"channel":"a","data":"x","exclude":["0"]})"), "400 bad_json @36");
  EXPECT_EQ(refused(R"({"channel":"a","data":"x","exclude":[1]})"), "400 bad_json @36");
  EXPECT_EQ(refused(R"({"channel":"a","data":"x","exclude":null})"), "400 bad_json @36");
  EXPECT_EQ(refused(R"({"channel":"a","data":"x","exclude":true})"), "400 bad_json @36");
  EXPECT_EQ(refused(R"({"channel":"a","data":"x","chanel":"b"})"), "400 bad_json @35");
  EXPECT_THAT(backend.calls, IsEmpty());
}

TEST_F(ApiRequestsTest, HasALimitOfIdsToExclude) {
  const auto body = [](int count) {
    std::string ids;
    for (int i = 0; i < count; ++i) ids += i == 0 ? R"("1")" : R"(,"1")";
    return R"({"channel":"a","data":"x","exclude":[)" + ids + "]}";
  };
  const auto limit = 3 * max_message + 4096;
  ASSERT_LT(body(1000).size(), limit);
  EXPECT_EQ(post("/v1/publish", body(1000)).status, 200);
  EXPECT_EQ(refused_post("/v1/publish", body(1001)), "400 bad_json @36");
}

TEST_F(ApiRequestsTest, RefusesAMessageAboveTheLimit) {
  const auto body = [](std::size_t size) { return R"({"channel":"a","data":")" + std::string(size, 'x') + R"("})"; };
  EXPECT_EQ(post("/v1/publish", body(100)).status, 200);
  EXPECT_EQ(refused_post("/v1/publish", body(101)), "413 message_too_large");
  EXPECT_EQ(refused_post("/v1/send", R"({"id":"1","data":")" + std::string(101, 'x') + R"("})"),
            "413 message_too_large");
  EXPECT_EQ(backend.calls.size(), 1U);
}

// ---- send and close -------------------------------------------------------------------------------------------------

TEST_F(ApiRequestsTest, SendsToOne) {
  EXPECT_EQ(post("/v1/send", R"({"id":"12","data":"hi"})").body, R"({"result":"sent"})");
  backend.told.result = SendResult::queued;
  EXPECT_EQ(post("/v1/send", R"({"id":"12","data_base64":"AA=="})").body, R"({"result":"queued"})");
  backend.told.result = SendResult::dropped;
  EXPECT_EQ(post("/v1/send", R"({"id":12,"data":"hi"})").body, R"({"result":"dropped"})");
  EXPECT_THAT(backend.calls, ElementsAre("send 12 text hi", std::string("send 12 binary \0", 16), "send 12 text hi"));
}

TEST_F(ApiRequestsTest, ClosesOne) {
  EXPECT_EQ(post("/v1/close", R"({"id":"12"})").body, R"({"closed":true})");
  EXPECT_EQ(post("/v1/close", R"({"id":"12","code":4000,"reason":"tschüß"})").body, R"({"closed":true})");
  EXPECT_THAT(backend.calls, ElementsAre("close 12 1000 ", "close 12 4000 tschüß"));
}

TEST_F(ApiRequestsTest, DoesNotFindAConnection) {
  backend.told = {.found = false};
  EXPECT_EQ(refused_post("/v1/send", R"({"id":"12","data":"hi"})"), "404 connection_not_found");
  EXPECT_EQ(refused_post("/v1/close", R"({"id":"12"})"), "404 connection_not_found");
  backend.told.partial = true;
  EXPECT_EQ(refused_post("/v1/send", R"({"id":"12","data":"hi"})"), "503 unavailable");
  EXPECT_EQ(refused_post("/v1/close", R"({"id":"12"})"), "503 unavailable");
}

TEST_F(ApiRequestsTest, TakesANumberAsAnIdWhileItIsExact) {
  EXPECT_EQ(post("/v1/close", R"({"id":9007199254740992})").status, 200);
  EXPECT_EQ(refused_post("/v1/close", R"({"id":9007199254740993})"), "400 bad_json @6");
  EXPECT_THAT(post("/v1/close", R"({"id":18446744073709551615})").body, HasSubstr("write the id as a string"));
  for (const auto* id : {"0", "-1", "1.5", "1e3", "null", "true", "[]", "{}", R"("")", R"("0")", R"("-1")", R"("+1")",
                         R"(" 1")", R"("1 ")", R"("0x1")", R"("18446744073709551616")"}) {
    EXPECT_EQ(refused_post("/v1/close", R"({"id":)" + std::string(id) + "}"), "400 bad_json @6") << id;
  }
  EXPECT_EQ(refused_post("/v1/close", "{}"), "400 bad_json @0");
  EXPECT_EQ(backend.calls.size(), 1U);
}

TEST_F(ApiRequestsTest, ClosesWithNoCodeThatMayNotBeSent) {
  for (const auto* code : {"-1", "0", "999", "1004", "1005", "1006", "1015", "1016", "2999", "5000", "66536",
                           "9223372036854775807", R"("1000")", "1000.0"}) {
    EXPECT_EQ(refused_post("/v1/close", R"({"id":"1","code":)" + std::string(code) + "}"), "400 bad_json @17") << code;
  }
  EXPECT_EQ(refused_post("/v1/close", R"({"id":"1","reason":")" + std::string(124, 'x') + "\"}"), "400 bad_json @19");
  EXPECT_THAT(backend.calls, IsEmpty());
}

// ---- channels and connections ---------------------------------------------------------------------------------------

TEST_F(ApiRequestsTest, ListsChannels) {
  EXPECT_EQ(get("/v1/channels").body, R"({"channels":[{"name":"a","subscribers":1},{"name":"b/c","subscribers":20}]})");
  backend.channels = {.channels = {}, .partial = true};
  EXPECT_EQ(get("/v1/channels?prefix=room%2f+%E6%88%BF").body, R"({"channels":[],"partial":true})");
  EXPECT_THAT(backend.calls, ElementsAre("list ", "list room/ 房"));
  EXPECT_EQ(refused_get("/v1/channels?prefix=%"), "400 bad_request");
  EXPECT_EQ(refused_get("/v1/channels?prefix=%FF"), "400 bad_request");
  EXPECT_EQ(refused_get("/v1/channels?prefx=a"), "400 bad_request");
  EXPECT_EQ(refused_get("/v1/channels?prefix=a&prefix=b"), "400 bad_request");
}

TEST_F(ApiRequestsTest, DescribesAChannel) {
  EXPECT_EQ(get("/v1/channels/chat%2Froom/1%20+").body,
            R"({"name":"chat/room/1 +","subscribers":2,"members":[{"id":"7","name":"Ann"},{"id":"8","name":""}]})");
  backend.channel = {.subscribers = 5, .has_presence = false, .members = {}, .partial = true};
  EXPECT_EQ(get("/v1/channels/a").body, R"({"name":"a","subscribers":5,"partial":true})");
  EXPECT_THAT(backend.calls, ElementsAre("channel chat/room/1 +", "channel a"));
}

TEST_F(ApiRequestsTest, DoesNotFindAChannel) {
  backend.channel = {};
  EXPECT_EQ(refused_get("/v1/channels/a"), "404 channel_not_found");
  EXPECT_EQ(refused_get("/v1/channels/" + std::string(256, 'x')), "404 channel_not_found");
  EXPECT_EQ(refused_get("/v1/channels/%4"), "400 bad_request");
  EXPECT_EQ(refused_get("/v1/channels/%C3"), "400 bad_request");
  backend.channel.partial = true;
  EXPECT_EQ(refused_get("/v1/channels/a"), "503 unavailable");
  EXPECT_EQ(backend.calls.size(), 2U);
}

TEST_F(ApiRequestsTest, ShowsMetrics) {
  const auto response = get("/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "wsd_connections 1\n");
  ASSERT_EQ(response.headers.size(), 1U);
  EXPECT_EQ(response.headers[0].value, "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(ApiRequestsTest, DescribesAConnection) {
  EXPECT_EQ(get("/v1/connections/72057598332895233").body,
            R"({"id":"72057598332895233","remote_address":"192.0.2.7","path":"/chat","subprotocol":"v1","slot":3,)"
            R"("age_ms":5000,"idle_ms":12,"buffered_bytes":9,"messages_in":1,"messages_out":2,)"
            R"("bytes_in":30,"bytes_out":40,"deflate":true,"tls":"1.3","channels":["a","b"]})");
  EXPECT_THAT(backend.calls, ElementsAre("connection 72057598332895233"));
  backend.connection = {};
  EXPECT_EQ(refused_get("/v1/connections/1"), "404 connection_not_found");
  EXPECT_EQ(refused_get("/v1/connections/x"), "404 connection_not_found");
  EXPECT_EQ(refused_get("/v1/connections/1/2"), "404 connection_not_found");
  backend.connection.partial = true;
  EXPECT_EQ(refused_get("/v1/connections/1"), "503 unavailable");
}

// ---- health ---------------------------------------------------------------------------------------------------------

TEST_F(ApiRequestsTest, IsHealthyAndReadyWithoutAToken) {
  token = "s3cret";
  EXPECT_EQ(get("/healthz").body, R"({"status":"ok"})");
  EXPECT_EQ(get("/readyz", "Origin: http://example.com\r\n").body, R"({"status":"ready"})");
  backend.ready = false;
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_EQ(refused_get("/readyz"), "503 unavailable");
}

// ---- what a head tells ----------------------------------------------------------------------------------------------

TEST_F(ApiRequestsTest, KnowsItsPaths) {
  for (const auto* path : {"/", "/v1", "/v1/", "/v1/publish/", "/v1/Publish", "/v2/publish", "/v1/channels/",
                           "/v1/connections", "/v1/connections/", "/healthz/", "/v1//publish", "/v1/%70ublish"}) {
    EXPECT_EQ(refused_get(path), "404 not_found") << path;
  }
  EXPECT_EQ(get("http://localhost/healthz").status, 200);
  EXPECT_EQ(get("/healthz?x=%").status, 200);
}

TEST_F(ApiRequestsTest, NamesTheMethodThatAPathIsAskedWith) {
  const auto response = get("/v1/publish");
  EXPECT_EQ(error_of(response), "405 method_not_allowed");
  EXPECT_EQ(header_of(response, "Allow"), "POST");
  EXPECT_EQ(header_of(post("/v1/channels", "{}"), "Allow"), "GET, HEAD");
  EXPECT_EQ(header_of(post("/healthz", "{}"), "Allow"), "GET, HEAD");
  const auto options = request(head_of("OPTIONS /v1/send HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  EXPECT_EQ(options.status, 405);
  EXPECT_THAT(backend.calls, IsEmpty());
}

TEST_F(ApiRequestsTest, AnswersHeadAsGet) {
  const auto response = request(head_of("HEAD /v1/channels HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body, "");  // for its length
}

TEST_F(ApiRequestsTest, TakesJsonAlone) {
  const auto status = [this](const std::string& type) {
    return request(head_of("POST /v1/publish HTTP/1.1\r\nHost: localhost\r\n" + type + "\r\n"),
                   R"({"channel":"a","data":"x"})")
        .status;
  };
  EXPECT_EQ(status(""), 415);
  EXPECT_EQ(status("Content-Type: text/plain\r\n"), 415);
  EXPECT_EQ(status("Content-Type: application/x-www-form-urlencoded\r\n"), 415);
  EXPECT_EQ(status("Content-Type: application/jsonp\r\n"), 415);
  EXPECT_EQ(status("Content-Type: application/json\r\n"), 200);
  EXPECT_EQ(status("Content-Type: Application/JSON; charset=utf-8\r\n"), 200);
}

TEST_F(ApiRequestsTest, AsksForItsToken) {
  token = "s3cret";
  const auto response = get("/v1/channels");
  EXPECT_EQ(error_of(response), "401 unauthorized");
  EXPECT_EQ(header_of(response, "WWW-Authenticate"), "Bearer");
  for (const auto* field :
       {"Authorization: s3cret", "Authorization: Basic s3cret", "Authorization: Bearer", "Authorization: Bearer ",
        "Authorization: Bearer s3cre", "Authorization: Bearer s3crets", "Authorization: Bearers3cret",
        "Authorization: Bearer s3cret\r\nAuthorization: Bearer s3cret", "X-Authorization: Bearer s3cret"}) {
    EXPECT_EQ(refused_get("/v1/channels", std::string(field) + "\r\n"), "401 unauthorized") << field;
  }
  EXPECT_EQ(refused_get("/nowhere"), "401 unauthorized");  // nor does it tell strangers what there is
  EXPECT_EQ(refused_post("/v1/publish", "{}", "Origin: null\r\n"), "401 unauthorized");
  EXPECT_EQ(get("/v1/channels", "Authorization: Bearer s3cret\r\n").status, 200);
  EXPECT_EQ(get("/v1/channels", "authorization: bearer   s3cret\r\n").status, 200);
  EXPECT_EQ(get("/v1/channels", "Authorization: Bearer s3cret\r\nOrigin: https://example.com\r\n").status, 200);
}

TEST_F(ApiRequestsTest, WithoutATokenRefusesWebPages) {
  EXPECT_EQ(refused_get("/v1/channels", "Origin: https://example.com\r\n"), "403 forbidden");
  EXPECT_EQ(refused_get("/v1/channels", "Origin: null\r\n"), "403 forbidden");
  EXPECT_EQ(refused_post("/v1/publish", R"({"channel":"a","data":"x"})", "Origin: http://localhost:8090\r\n"),
            "403 forbidden");
  EXPECT_THAT(backend.calls, IsEmpty());
}

// A page whose name was made to mean 127.0.0.1 reads what it likes, and sends no Origin with a GET.
TEST_F(ApiRequestsTest, WithoutATokenIsAskedByAddressAlone) {
  const auto status = [this](const std::string& host) {
    return request(head_of("GET /v1/channels HTTP/1.1\r\nHost: " + host + "\r\n\r\n")).status;
  };
  for (const auto* host :
       {"127.0.0.1", "127.0.0.1:8090", "10.1.2.3:80", "[::1]", "[::1]:8090", "localhost", "LocalHost:8090", ""}) {
    EXPECT_EQ(status(host), 200) << host;
  }
  for (const auto* host : {"example.com", "example.com:8090", "localhost.example.com", "127.0.0.1.example.com",
                           "[example.com]", "[::1", "127.1", "2130706433"}) {
    EXPECT_EQ(status(host), 403) << host;
  }
  token = "s3cret";
  EXPECT_EQ(
      request(head_of("GET /v1/channels HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer s3cret\r\n\r\n")).status,
      200);
}

TEST_F(ApiRequestsTest, HasOneHost) {
  const auto status = [this](const std::string& rest) { return request(head_of("GET /healthz " + rest)).status; };
  EXPECT_EQ(status("HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status("HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status("HTTP/1.0\r\n\r\n"), 200);
  EXPECT_EQ(status("HTTP/1.0\r\nHost: a\r\n\r\n"), 200);
}

// ---- when the backend is not waited for -----------------------------------------------------------------------------

TEST_F(ApiRequestsTest, TellsWhatToSayInsteadOfAnAnswer) {
  backend.answers_at_once = false;
  post("/v1/publish", R"({"channel":"a","data":"x"})");
  EXPECT_EQ(instead.body, R"({"delivered_to":0,"partial":true})");
  post("/v1/send", R"({"id":"1","data":"x"})");
  EXPECT_EQ(error_of(instead), "503 unavailable");
  post("/v1/close", R"({"id":"1"})");
  EXPECT_EQ(error_of(instead), "503 unavailable");
  for (const auto* target : {"/v1/channels", "/v1/channels/a", "/v1/connections/1"}) {
    get(target);
    EXPECT_EQ(error_of(instead), "503 unavailable") << target;
  }
}

TEST_F(ApiRequestsTest, EveryMessageIsASentence) {
  for (const auto& response :
       {get("/nowhere"), get("/v1/send"), get("/v1/channels", "Origin: x\r\n"), post("/v1/publish", "{}")}) {
    const std::size_t begin = response.body.find(R"("message":")") + 11;
    const std::string message = response.body.substr(begin, response.body.find('"', begin) - begin);
    EXPECT_THAT(response.body, HasSubstr(R"(.")")) << response.body;
  }
}

}  // namespace
}  // namespace wsd::worker
