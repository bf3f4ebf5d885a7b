#include "tests/wsbench/client_deflate.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/unit/support/zlib_oracle.h"

namespace wsd::bench {
namespace {

using protocol::ContextTakeover;
using protocol::DeflateParameters;
using protocol::DeflatePolicy;
using protocol::ScratchBuffer;
using test::chatter;

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string complaint(std::string_view answer, ContextTakeover takeover = ContextTakeover::no) {
  try {
    static_cast<void>(agreed_deflate(answer, takeover));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

// What a server of ours makes of the offer.
protocol::DeflateAgreement answer_of_wsd(ContextTakeover takeover, const DeflatePolicy& policy) {
  const auto offers = protocol::parse_extensions(deflate_offer(takeover));
  return protocol::negotiate_deflate(*offers, policy).value();
}

TEST(ClientDeflateTest, AgreesWithWhatOurServerAnswers) {
  for (const ContextTakeover takeover : {ContextTakeover::no, ContextTakeover::yes}) {
    for (const ContextTakeover wanted : {ContextTakeover::no, ContextTakeover::yes}) {
      for (const int bits : {9, 12, 15}) {
        const DeflatePolicy policy{static_cast<std::uint8_t>(bits), wanted, wanted};
        const auto agreement = answer_of_wsd(takeover, policy);
        EXPECT_EQ(agreed_deflate(agreement.answer, takeover), agreement.parameters) << agreement.answer;
      }
    }
  }
}

TEST(ClientDeflateTest, TakesAServerAtItsWord) {
  const auto plain = agreed_deflate("permessage-deflate", ContextTakeover::yes);
  EXPECT_EQ(plain, (DeflateParameters{15, 15, ContextTakeover::yes, ContextTakeover::yes}));
  const auto half =
      agreed_deflate("permessage-deflate; client_no_context_takeover; server_max_window_bits=8", ContextTakeover::yes);
  EXPECT_EQ(half, (DeflateParameters{8, 15, ContextTakeover::yes, ContextTakeover::no}));
  // It need not ask the client for what the client has offered of itself.
  const auto asked = agreed_deflate("permessage-deflate; server_no_context_takeover", ContextTakeover::no);
  EXPECT_EQ(asked.client_takeover, ContextTakeover::no);
}

TEST(ClientDeflateTest, RefusesAnAnswerToAnotherQuestion) {
  const auto expect = [](std::string_view parameters, std::string_view why) {
    const std::string answer = std::string("permessage-deflate; ").append(parameters);
    EXPECT_EQ(complaint(answer), "the server answers Sec-WebSocket-Extensions: " + answer + ", " + std::string(why));
  };
  expect("server_no_context_takeover; x", "with a parameter that was not offered");
  expect("server_no_context_takeover=1", "with a parameter that was not offered");
  expect("server_no_context_takeover; server_no_context_takeover", "with a parameter twice");
  expect("server_max_window_bits=16", "whose window is none of 8 to 15 bits");
  expect("server_max_window_bits=08", "whose window is none of 8 to 15 bits");
  expect("server_max_window_bits", "whose window is none of 8 to 15 bits");
  expect("client_max_window_bits=8", "with a window of 8 bits, which zlib cannot keep to");
  expect("client_no_context_takeover", "without the server_no_context_takeover that it was asked for");
  const std::string_view none = "which is not one permessage-deflate";
  EXPECT_TRUE(complaint("x-webkit-deflate-frame").ends_with(none));
  EXPECT_TRUE(complaint("permessage-deflate, permessage-deflate").ends_with(none));
  EXPECT_TRUE(complaint("permessage-deflate;;").ends_with(none));
}

class ClientDeflateBytesTest : public testing::TestWithParam<ContextTakeover> {
 protected:
  ScratchBuffer compressed_, inflated_;
};

TEST_P(ClientDeflateBytesTest, SpeaksWithZlib) {
  const ContextTakeover takeover = GetParam();
  const DeflateParameters agreed{12, 10, takeover, takeover};
  ClientDeflate deflate(agreed, 6, compressed_, inflated_);
  test::ZlibInflater server_inflater(10);
  test::ZlibDeflater server_deflater(12);
  for (unsigned i = 0; i < 20; ++i) {
    const std::string message = chatter(200 + i * 301, i / 2);
    const auto sent = deflate.compress(message);
    ASSERT_TRUE(sent.has_value());
    EXPECT_LT(sent->size(), message.size());
    EXPECT_EQ(server_inflater.message(text_of(*sent)), message);
    const std::string answer = server_deflater.message(message);
    const auto got = deflate.inflate(std::as_bytes(std::span(answer)), message.size());
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(text_of(*got), message);
    if (takeover == ContextTakeover::yes) continue;
    server_inflater.reset();
    server_deflater.reset();
  }
}

INSTANTIATE_TEST_SUITE_P(Takeover, ClientDeflateBytesTest, testing::Values(ContextTakeover::no, ContextTakeover::yes),
                         [](const auto& made) { return made.param == ContextTakeover::yes ? "yes" : "no"; });

TEST(ClientDeflateTest, SmallerWithTakeover) {
  ScratchBuffer one, two;
  ClientDeflate with({.server_takeover = ContextTakeover::yes, .client_takeover = ContextTakeover::yes}, 6, one, two);
  const std::string message = chatter(1000);
  const std::size_t first = with.compress(message)->size();
  EXPECT_LT(with.compress(message)->size(), first / 4);
}

TEST(ClientDeflateTest, RefusesWhatIsCorruptOrTooLarge) {
  ScratchBuffer compressed, inflated;
  ClientDeflate deflate({}, 6, compressed, inflated);
  const std::string message = chatter(1000);
  const std::string right = test::ZlibDeflater().message(message);
  EXPECT_FALSE(deflate.inflate(std::as_bytes(std::span(right)), 999).has_value());
  EXPECT_TRUE(deflate.inflate(std::as_bytes(std::span(right)), 1000).has_value());
  const std::string wrong = "\xFF" + right;
  EXPECT_FALSE(deflate.inflate(std::as_bytes(std::span(wrong)), 1000).has_value());
}

TEST(ClientDeflateTest, SendsAsItIsWhatDoesNotGetSmaller) {
  ScratchBuffer compressed, inflated;
  ClientDeflate deflate({}, 6, compressed, inflated);
  EXPECT_FALSE(deflate.compress("").has_value());
  EXPECT_FALSE(deflate.compress(test::noise(100)).has_value());
}

}  // namespace
}  // namespace wsd::bench
