#include "protocol/http_request_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/protocol/requests.h"

namespace wsd::protocol {
namespace {

using test::Bytes;
using test::bytes;
using test::for_each_cutting;
using test::plain_handshake;
using test::with;
using test::with_header;

using Step = HttpRequestParser::Step;

// "GET /chat with 5 headers, left: rest", or "400: text".
std::string outcome_of(const std::vector<Bytes>& pieces, HttpLimits limits = {}) {
  HttpRequestParser parser(limits);
  std::string left;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::span<const std::byte> input(pieces[i]);
    const Step step = parser.next(input);
    EXPECT_TRUE(step == Step::complete || input.empty());
    if (step == Step::failed) return std::to_string(parser.error().status) + ": " + parser.error().text;
    if (step != Step::complete) continue;
    left = test::text(input);
    while (++i < pieces.size()) left += test::text(pieces[i]);
    const HttpRequest request = parser.take();
    return std::string(request.method()) + " " + std::string(request.target()) + " with " +
           std::to_string(request.headers().size()) + " headers, left: " + left;
  }
  return "need more";
}

void expect_outcome(std::string_view input, std::string_view expected) {
  for_each_cutting(bytes(input), [&](const std::vector<Bytes>& pieces) { ASSERT_EQ(outcome_of(pieces), expected); });
}

void expect_status(std::string_view input, int status) {
  for_each_cutting(bytes(input), [&](const std::vector<Bytes>& pieces) {
    ASSERT_EQ(outcome_of(pieces).substr(0, 4), std::to_string(status) + ":") << input;
  });
}

std::string head_with_headers(int count) {
  std::string head = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < count; ++i) head += "X-" + std::to_string(i) + ": v\r\n";
  return head + "\r\n";
}

TEST(HttpRequestParser, ReadsAHandshakeInAnyPieces) {
  expect_outcome(plain_handshake, "GET /chat?room=1 with 5 headers, left: ");
  expect_outcome("GET / HTTP/1.1\r\n\r\n", "GET / with 0 headers, left: ");
}

TEST(HttpRequestParser, LeavesWhatComesBehindTheBlankLine) {
  expect_outcome(std::string(plain_handshake) + "\x81\x85 frames\r\n\r\n",
                 "GET /chat?room=1 with 5 headers, left: \x81\x85 frames\r\n\r\n");
  expect_outcome("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody", "POST / with 1 headers, left: body");
}

TEST(HttpRequestParser, WantsMoreUntilTheBlankLineIsWhole) {
  for (std::size_t size = 0; size < plain_handshake.size(); ++size) {
    EXPECT_EQ(outcome_of({bytes(plain_handshake.substr(0, size))}), "need more") << size;
  }
}

TEST(HttpRequestParser, KnowsWhetherARequestHasBegun) {
  HttpRequestParser parser;
  EXPECT_FALSE(parser.started());
  const Bytes first = bytes("G");
  std::span<const std::byte> input(first);
  EXPECT_EQ(parser.next(input), Step::need_more);
  EXPECT_TRUE(parser.started());
}

TEST(HttpRequestParser, TellsATlsClientWhatThisPortSpeaks) {
  expect_outcome("\x16\x03\x01\x02",
                 "400: This looks like TLS, but this port speaks plain ws://. Connect without TLS.");
}

TEST(HttpRequestParser, TellsOtherVersionsWhatIsNeeded) {
  expect_outcome("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                 "505: HTTP/2 is not spoken here: a WebSocket begins with an HTTP/1.1 request.");
  expect_outcome("GET / HTTP/1.0\r\n\r\n", "505: A WebSocket begins with an HTTP/1.1 request.");
  expect_outcome("GET / HTTP/1.2\r\n\r\n", "505: A WebSocket begins with an HTTP/1.1 request.");
  expect_outcome("GET / HTTP/3.0\r\n\r\n", "505: A WebSocket begins with an HTTP/1.1 request.");
}

TEST(HttpRequestParser, SpeaksHttp10WhereTheApiIs) {
  const auto answer = [](std::string_view text) {
    HttpRequestParser parser({}, HttpPurpose::api);
    const Bytes copy = bytes(text);
    std::span<const std::byte> input(copy);
    if (parser.next(input) == Step::complete) return "HTTP/1." + std::to_string(parser.take().minor_version());
    return std::to_string(parser.error().status) + ": " + parser.error().text;
  };
  EXPECT_EQ(answer("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1");
  EXPECT_EQ(answer("GET / HTTP/1.0\r\n\r\n"), "HTTP/1.0");
  EXPECT_EQ(answer("GET / HTTP/1.2\r\n\r\n"), "505: HTTP/1.1 is spoken here.");
  EXPECT_EQ(answer("PRI * HTTP/2.0\r\n\r\n"), "505: HTTP/1.1 is spoken here.");
  EXPECT_EQ(answer("GET / HTTP/x\r\n\r\n"), "400: The request line does not end with an HTTP version.");
  EXPECT_EQ(answer("\x16\x03\x01"),
            "400: This looks like TLS, but this port speaks plain http://. Connect without TLS.");
}

TEST(HttpRequestParser, SaysWhatWasWrong) {
  expect_outcome("hello\r\n", "400: The request line has no method followed by one space.");
  expect_outcome("GET / HTTP/1.1\n", "400: A line ends with LF alone, not with CR LF.");
  expect_outcome("GET / HTTP/1.1\r\nA: b\r\n c", "400: A header line begins with whitespace.");
  expect_outcome("GET / HTTP/1.1\r\nA : b", "400: There is whitespace before a header's colon.");
  expect_outcome("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                 "400: The request is not valid HTTP: Invalid character in Content-Length.");
}

TEST(HttpRequestParser, RefusesMoreThan100Headers) {
  EXPECT_EQ(outcome_of({bytes(head_with_headers(100))}), "GET / with 100 headers, left: ");
  expect_outcome(head_with_headers(101), "431: The request has more than 100 headers.");
}

TEST(HttpRequestParser, RefusesAHeadOver16KiBWhereverItIsLarge) {
  const std::string filler(16 * 1024, 'x');
  const std::string large = "431: The request's head is larger than 16384 bytes.";
  EXPECT_EQ(outcome_of({bytes("GET /" + filler)}), large);
  EXPECT_EQ(outcome_of({bytes(filler)}), large);
  EXPECT_EQ(outcome_of({bytes("GET / HTTP/1.1\r\n" + filler)}), large);
  EXPECT_EQ(outcome_of({bytes("GET / HTTP/1.1\r\nX: " + filler)}), large);
}

TEST(HttpRequestParser, TheLimitOfTheHeadIsExactAndConfigurable) {
  const std::string head(plain_handshake);
  const HttpLimits exact{head.size(), 5};
  const HttpLimits short_by_one{head.size() - 1, 5};
  const HttpLimits four_headers{head.size(), 4};
  for_each_cutting(bytes(head + "frames"), [&](const std::vector<Bytes>& pieces) {
    ASSERT_EQ(outcome_of(pieces, exact), "GET /chat?room=1 with 5 headers, left: frames");
    ASSERT_EQ(outcome_of(pieces, short_by_one).substr(0, 4), "431:");
    ASSERT_EQ(outcome_of(pieces, four_headers), "431: The request has more than 4 headers.");
  });
}

// CVE-2023-43669: a head parsed anew for each read.
TEST(HttpRequestParser, ReadsALargeHeadByteByByte) {
  const std::string head = with_header("X-Large: " + std::string(16000, 'x'));
  std::vector<Bytes> single;
  for (const char character : head) single.push_back(bytes(std::string_view(&character, 1)));
  EXPECT_EQ(outcome_of(single), "GET /chat?room=1 with 6 headers, left: ");
}

TEST(HttpRequestParser, StaysFailed) {
  HttpRequestParser parser;
  const Bytes bad = bytes("\x16\x03");
  std::span<const std::byte> input(bad);
  EXPECT_EQ(parser.next(input), Step::failed);
  EXPECT_TRUE(input.empty());
  const Bytes good = bytes(plain_handshake);
  input = good;
  EXPECT_EQ(parser.next(input), Step::failed);
  EXPECT_TRUE(input.empty());
  EXPECT_EQ(parser.error().status, 400);
}

// What two programs could read differently (request smuggling: CVE-2022-32213, CVE-2023-30589, CVE-2025-23167 and
// others), or what is no HTTP at all.
TEST(HttpRequestParser, RefusesAmbiguousRequests) {
  const std::string nul(1, '\0');
  const std::vector<std::string> ambiguous = {
      // The request line
      "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET  HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\rHost: a\r\n\r\n",
      "GET /\r\nHost: a\r\n\r\n",
      "GET / \r\nHost: a\r\n\r\n",
      "GET / http/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/11\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.10\r\nHost: a\r\n\r\n",
      "GET / HTTP/01.1\r\nHost: a\r\n\r\n",
      "GET / HTTPS/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1,1\r\nHost: a\r\n\r\n",
      "get / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET: / HTTP/1.1\r\nHost: a\r\n\r\n",
      "G\x80T / HTTP/1.1\r\nHost: a\r\n\r\n",
      "FROBNICATE / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /#fragment HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /\x7F HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /" + nul + " HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET chat HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\n\r\n",
      // Line ends
      "GET / HTTP/1.1\r\nHost: a\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\r\n",
      "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n\n",
      "GET / HTTP/1.1\r\nHost: a\r\n\rX\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n",
      // Names
      "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost\t: a\r\n\r\n",
      "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
      "GET / HTTP/1.1\r\n: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost\r\n\r\n",
      "GET / HTTP/1.1\r\nHost a\r\n\r\n",
      "GET / HTTP/1.1\r\nHo st: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost" + nul + ": a\r\n\r\n",
      "GET / HTTP/1.1\r\nH\xC3\xB6st: a\r\n\r\n",
      "GET / HTTP/1.1\r\n\"Host\": a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost(x): a\r\n\r\n",
      // Values
      "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n",
      "GET / HTTP/1.1\r\nX:\r\n b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a" + nul + "\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\x0B\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\x7F\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\x1B[31m\r\n\r\n",
      // A body's length
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 0x10\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 1 2\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
  };
  for (const std::string& request : ambiguous) expect_status(request, 400);
}

TEST(HttpRequestParserDeathTest, HasNothingToTakeBeforeTheEnd) {
  HttpRequestParser parser;
  EXPECT_DEATH(static_cast<void>(parser.take()), "assertion failed");
}

}  // namespace
}  // namespace wsd::protocol
