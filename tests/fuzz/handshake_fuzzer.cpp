// A request from its first byte to the answer.

#include <algorithm>
#include <string>

#include "protocol/http_request_parser.h"
#include "protocol/http_syntax.h"
#include "protocol/opening_handshake.h"
#include "protocol/origin_rules.h"
#include "protocol/trusted_proxies.h"
#include "tests/fuzz/fuzz_input.h"

namespace wsd::fuzz {
namespace {

using protocol::HttpError;
using protocol::HttpRequest;
using protocol::HttpRequestParser;

struct Result {
  HttpRequestParser::Step step = HttpRequestParser::Step::need_more;
  Bytes head;            // when complete
  std::size_t left = 0;  // bytes behind the head
  std::string answer;    // what the client would be sent
  bool operator==(const Result&) const = default;
};

// The answer is ours: no line end and nothing unprintable comes into it from outside.
void check_answer(std::string_view answer, std::string_view first_line) {
  FUZZ_ASSERT(answer.starts_with(first_line));
  FUZZ_ASSERT(answer.find("\r\n\r\n") != std::string_view::npos);
  FUZZ_ASSERT(std::ranges::all_of(answer, [](char character) {
    return character == '\r' || character == '\n' || (character >= ' ' && character < 0x7F);
  }));
}

std::string refuse(const HttpError& error, std::initializer_list<int> statuses) {
  FUZZ_ASSERT(std::ranges::find(statuses, error.status) != statuses.end());
  const std::string answer = protocol::serialize(error);
  check_answer(answer, "HTTP/1.1 " + std::to_string(error.status) + " ");
  FUZZ_ASSERT(answer.ends_with(error.text + "\n"));
  return answer;
}

std::string accept(const HttpRequest& request) {
  const auto offered = protocol::offered_subprotocols(request);
  FUZZ_ASSERT(std::ranges::all_of(offered, protocol::is_token));
  const std::string answer = protocol::serialize_switching_protocols(request, offered.empty() ? "" : offered.front());
  check_answer(answer, "HTTP/1.1 101 Switching Protocols\r\n");
  FUZZ_ASSERT(std::ranges::count(answer, '\n') == (offered.empty() ? 5 : 6));
  return answer;
}

void check_request(const HttpRequest& request) {
  FUZZ_ASSERT(protocol::is_token(request.method()));
  FUZZ_ASSERT(!request.path().empty());
  FUZZ_ASSERT(request.target().size() >= request.query().size());
  for (const auto header : request.headers()) {
    FUZZ_ASSERT(protocol::is_token(header.name));
    FUZZ_ASSERT(protocol::is_field_value(header.value));
    FUZZ_ASSERT(protocol::trim_whitespace(header.value) == header.value);
    FUZZ_ASSERT(request.count(header.name) >= 1);
  }
}

// Whatever a client writes there, its address is one, and a refusal says nothing of it.
void check_client(const HttpRequest& request) {
  protocol::TrustedProxies proxies;
  FUZZ_ASSERT(!proxies.add("127.0.0.1") && !proxies.add("10.0.0.0/8"));
  const std::string client = proxies.client_of("127.0.0.1", request);
  FUZZ_ASSERT(protocol::IpAddress::parse(client)->to_string() == client);
  FUZZ_ASSERT(proxies.client_of(client, request) == client);
  protocol::OriginRules origins;
  FUZZ_ASSERT(!origins.add("https://*.example.com") && !origins.add("absent"));
  if (const auto refusal = origins.check(request)) refuse(*refusal, {400, 403});
}

std::string answer_to(const HttpRequest& request) {
  check_request(request);
  check_client(request);
  const auto refusal = protocol::check_opening_handshake(request);
  if (refusal) return refuse(*refusal, {400, 405, 426});
  FUZZ_ASSERT(protocol::is_upgrade(request));
  return accept(request);
}

Result receive(const Pieces& pieces) {
  HttpRequestParser parser;
  Result result;
  for (const Bytes& piece : pieces) {
    if (result.step == HttpRequestParser::Step::complete) {
      result.left += piece.size();
      continue;
    }
    std::span<const std::byte> input(piece);
    result.step = parser.next(input);
    if (result.step == HttpRequestParser::Step::failed) {
      result.answer = refuse(parser.error(), {400, 431, 505});
      return result;
    }
    if (result.step != HttpRequestParser::Step::complete) continue;
    const HttpRequest request = parser.take();
    result.head.assign(request.raw().begin(), request.raw().end());
    result.left = input.size();
    result.answer = answer_to(request);
  }
  return result;
}

}  // namespace
}  // namespace wsd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd::fuzz;
  const Input input(data, size);
  const Result result = same_for_any_chunking(input, receive);
  if (result.step == HttpRequestParser::Step::complete) {
    FUZZ_ASSERT(result.head.size() + result.left == input.wire.size());
    FUZZ_ASSERT(std::ranges::equal(result.head, input.wire.first(result.head.size())));
    // A head makes the same request again.
    FUZZ_ASSERT(receive(whole(result.head)).answer == result.answer);
  }
  return 0;
}
