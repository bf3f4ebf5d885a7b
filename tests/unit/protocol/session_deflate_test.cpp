// A session that permessage-deflate was agreed on for (RFC 7692 §6, §7.2): what may be compressed, and what comes of
// it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/session.h"
#include "tests/unit/protocol/wire.h"
#include "tests/unit/support/zlib_oracle.h"

namespace wsd::protocol {
namespace {

using test::Bytes;
using test::bytes;
using test::client_frame;
using test::for_each_cutting;
using test::operator+;
using testing::ElementsAre;
using wsd::test::chatter;
using wsd::test::noise;
using wsd::test::ZlibDeflater;

using Events = std::vector<std::string>;

// First bytes of frames: FIN, RSV1, opcode.
constexpr int text_compressed = 0xC1;
constexpr int binary_compressed = 0xC2;
constexpr int text_compressed_begins = 0x41;
constexpr int continues = 0x00;
constexpr int continues_and_ends = 0x80;

const std::string hello = test::text(bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}));  // §7.2.3.1
const std::string hello_again = test::text(bytes({0xf2, 0x00, 0x11, 0x00, 0x00}));        // §7.2.3.2

std::string compressed(std::string_view message) {
  return ZlibDeflater().message(message);
}

// A session and all that it needs; its events as text.
class Endpoint {
 public:
  explicit Endpoint(ContextTakeover takeover = ContextTakeover::no, std::uint64_t max_message_size = 1000)
      : inflater(15, takeover, buffer), session(max_message_size) {
    session.use_inflater(inflater);
  }

  Events receive(Bytes piece) {
    Events events;
    std::span<std::byte> input(piece);
    for (;;) {
      switch (session.next(input)) {
        case Session::Step::need_more:
          EXPECT_TRUE(input.empty());
          return events;
        case Session::Step::message:
          events.push_back((session.message().type == Opcode::text ? "text " : "binary ") +
                           test::text(session.message().payload));
          break;
        case Session::Step::ping:
          events.push_back("ping " + test::text(session.control_payload()));
          break;
        case Session::Step::pong:
          events.push_back("pong " + test::text(session.control_payload()));
          break;
        case Session::Step::close:
          events.emplace_back("close");
          break;
        case Session::Step::failed:
          events.push_back("failed: " + std::to_string(close_code_for(session.error())) + " " +
                           std::string(to_string(session.error())));
          return events;
      }
    }
  }

  ScratchBuffer buffer;
  Inflater inflater;
  Session session;
};

Events events_of(const std::vector<Bytes>& pieces, ContextTakeover takeover, std::uint64_t limit) {
  Endpoint endpoint(takeover, limit);
  Events all;
  for (const Bytes& piece : pieces) {
    const Events events = endpoint.receive(piece);
    all.insert(all.end(), events.begin(), events.end());
    if (endpoint.session.error() != ProtocolError::none) break;
  }
  return all;
}

// In any pieces, and with takeover or without where that is all the same.
void expect_events(const Bytes& input, const Events& expected, std::uint64_t limit = 1000) {
  for (const auto takeover : {ContextTakeover::no, ContextTakeover::yes}) {
    for_each_cutting(
        input, [&](const std::vector<Bytes>& pieces) { ASSERT_EQ(events_of(pieces, takeover, limit), expected); });
  }
}

void expect_failure(const Bytes& input, ProtocolError error) {
  expect_events(input, {"failed: " + std::to_string(close_code_for(error)) + " " + std::string(to_string(error))});
}

TEST(SessionDeflate, TakesTheExampleOfTheRfc) {
  expect_events(client_frame(text_compressed, hello), {"text Hello"});
}

TEST(SessionDeflate, TakesTheFragmentedExampleOfTheRfc) {
  expect_events(
      client_frame(text_compressed_begins, hello.substr(0, 3)) + client_frame(continues_and_ends, hello.substr(3)),
      {"text Hello"});
}

TEST(SessionDeflate, SharesTheWindowWithTakeoverAlone) {
  const Bytes both = client_frame(text_compressed, hello) + client_frame(text_compressed, hello_again);
  for_each_cutting(both, [](const std::vector<Bytes>& pieces) {
    ASSERT_THAT(events_of(pieces, ContextTakeover::yes, 1000), ElementsAre("text Hello", "text Hello"));
    ASSERT_THAT(events_of(pieces, ContextTakeover::no, 1000),
                ElementsAre("text Hello", "failed: 1007 a compressed message does not decompress"));
  });
}

TEST(SessionDeflate, TakesCompressedAndPlainMessagesInAnyOrder) {
  expect_events(client_frame(0x81, "plain") + client_frame(binary_compressed, compressed("\xFF\xFE binary")) +
                    client_frame(0x82, "\xFF") + client_frame(text_compressed, compressed("compressed")) +
                    client_frame(0x01, "fr") + client_frame(0x80, "ag") + client_frame(text_compressed, hello),
                {"text plain", "binary \xFF\xFE binary", "binary \xFF", "text compressed", "text frag", "text Hello"});
}

TEST(SessionDeflate, TakesEmptyMessages) {
  const std::string zero(1, '\0');
  expect_events(client_frame(text_compressed, zero) + client_frame(binary_compressed, zero) +
                    client_frame(text_compressed, "") + client_frame(text_compressed_begins, "") +
                    client_frame(continues_and_ends, "") + client_frame(text_compressed_begins, "") +
                    client_frame(continues, zero) + client_frame(continues_and_ends, "") + client_frame(0x81, ""),
                {"text ", "binary ", "text ", "text ", "text ", "text "});
}

TEST(SessionDeflate, TakesFragmentsOfOneByteAndOfNone) {
  const std::string message = compressed(chatter(300));
  Bytes input = client_frame(text_compressed_begins, "");
  for (const char byte : message) input = input + client_frame(continues, {&byte, 1}) + client_frame(continues, "");
  input = input + client_frame(continues_and_ends, "");
  Events expected{"text " + chatter(300)};
  EXPECT_EQ(events_of({input}, ContextTakeover::no, 1000), expected);
  EXPECT_EQ(events_of({input}, ContextTakeover::yes, 1000), expected);
  std::vector<Bytes> single;
  for (const std::byte byte : input) single.push_back({byte});
  EXPECT_EQ(events_of(single, ContextTakeover::no, 1000), expected);
}

TEST(SessionDeflate, TakesAMessageCutInTwoFragmentsAnywhere) {
  const std::string message = compressed(chatter(200));
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    EXPECT_THAT(events_of({client_frame(text_compressed_begins, message.substr(0, cut)) +
                           client_frame(continues_and_ends, message.substr(cut))},
                          ContextTakeover::no, 1000),
                ElementsAre("text " + chatter(200)));
  }
}

TEST(SessionDeflate, TakesControlFramesBetweenCompressedFragments) {
  expect_events(client_frame(text_compressed_begins, hello.substr(0, 1)) + client_frame(0x89, "p") +
                    client_frame(continues, hello.substr(1, 4)) + client_frame(0x8A, "") +
                    client_frame(continues_and_ends, hello.substr(5)) + client_frame(0x88, ""),
                {"ping p", "pong ", "text Hello", "close"});
}

TEST(SessionDeflate, TakesSeveralBlocksAndBfinal) {
  expect_events(
      client_frame(text_compressed, test::text(bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00}))) +  // §7.2.3.4
          client_frame(text_compressed, test::text(bytes({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9,
                                                          0xc9, 0x07, 0x00}))) +  // §7.2.3.5
          client_frame(text_compressed, test::text(bytes({0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f,
                                                          0x00}))),  // §7.2.3.3
      {"text Hello", "text Hello", "text Hello"});
}

// ---- RSV1
// ------------------------------------------------------------------------------------------------------------

// CVE-2026-59881.
TEST(SessionDeflate, CompressionThatWasNotAgreedOnIsAViolation) {
  for_each_cutting(client_frame(text_compressed, hello), [](const std::vector<Bytes>& pieces) {
    Session session(1000);
    auto step = Session::Step::need_more;
    for (Bytes piece : pieces) {
      std::span<std::byte> input(piece);
      step = session.next(input);
    }
    EXPECT_EQ(step, Session::Step::failed);
    EXPECT_EQ(session.error(), ProtocolError::reserved_bits_set);
    EXPECT_EQ(close_code_for(session.error()), 1002);
  });
}

TEST(SessionDeflate, Rsv1BelongsOnTheFirstFrameOfAMessageAlone) {
  const Bytes begun = client_frame(text_compressed_begins, hello.substr(0, 3));
  expect_failure(begun + client_frame(0x40, hello.substr(3)), ProtocolError::reserved_bits_set);
  expect_failure(begun + client_frame(0xC0, hello.substr(3)), ProtocolError::reserved_bits_set);
  expect_failure(client_frame(0x01, "plain") + client_frame(0xC0, hello), ProtocolError::reserved_bits_set);
  expect_failure(client_frame(0xC0, hello), ProtocolError::reserved_bits_set);
}

TEST(SessionDeflate, ControlFramesAreNeverCompressed) {
  for (const int first_byte : {0xC8, 0xC9, 0xCA}) {
    expect_failure(client_frame(first_byte, hello), ProtocolError::reserved_bits_set);
    expect_failure(client_frame(text_compressed_begins, hello) + client_frame(first_byte, hello),
                   ProtocolError::reserved_bits_set);
  }
}

TEST(SessionDeflate, Rsv2AndRsv3StayViolations) {
  for (const int first_byte : {0xA1, 0x91, 0xB1, 0xE1, 0xD1, 0xF1, 0xE2, 0xA0, 0x90, 0xA9, 0x99}) {
    expect_failure(client_frame(first_byte, hello), ProtocolError::reserved_bits_set);
  }
}

TEST(SessionDeflate, AMessageInsideACompressedOneIsAViolation) {
  for (const int first_byte : {0x81, 0x82, text_compressed, text_compressed_begins}) {
    expect_failure(client_frame(text_compressed_begins, hello.substr(0, 3)) + client_frame(first_byte, hello),
                   ProtocolError::new_message_inside_fragments);
  }
}

// ---- data
// ------------------------------------------------------------------------------------------------------------

TEST(SessionDeflate, CorruptDataFailsWith1007) {
  expect_failure(client_frame(text_compressed, "not deflate"), ProtocolError::corrupt_compressed_data);
  expect_failure(client_frame(binary_compressed, hello.substr(0, 4)), ProtocolError::corrupt_compressed_data);
  expect_failure(client_frame(text_compressed_begins, "\xFF") + client_frame(continues_and_ends, "\xFF"),
                 ProtocolError::corrupt_compressed_data);
}

TEST(SessionDeflate, TextIsCheckedInflated) {
  expect_events(client_frame(text_compressed, compressed("\xE4\xBD\xA0\xE5\xA5\xBD")),
                {"text \xE4\xBD\xA0\xE5\xA5\xBD"});
  expect_failure(client_frame(text_compressed, compressed("\xE4\xBD")), ProtocolError::invalid_utf8);
  expect_failure(client_frame(text_compressed, compressed("a\xFF")), ProtocolError::invalid_utf8);
  expect_events(client_frame(binary_compressed, compressed("a\xFF")), {"binary a\xFF"});
  // The compressed bytes themselves are no text, and a plain message behind is checked on its own.
  expect_events(client_frame(text_compressed, hello) + client_frame(0x81, "\xC3\xA9"), {"text Hello", "text \xC3\xA9"});
}

TEST(SessionDeflate, TheLimitCountsInflatedBytes) {
  EXPECT_THAT(events_of({client_frame(text_compressed, compressed(std::string(1000, 'x')))}, ContextTakeover::no, 1000),
              ElementsAre("text " + std::string(1000, 'x')));
  expect_failure(client_frame(text_compressed, compressed(std::string(1001, 'x'))), ProtocolError::message_too_big);
  EXPECT_THAT(events_of({client_frame(binary_compressed, ZlibDeflater(15, 1, 1).message(noise(1000)))},
                        ContextTakeover::no, 1000),
              ElementsAre("binary " + noise(1000)))
      << "though these are more bytes compressed";
  expect_events(client_frame(text_compressed, std::string(1, '\0')), {"text "}, 0);
}

TEST(SessionDeflate, CompressedBytesHaveALimitAsWell) {
  // By what a header declares, and by what fragments add up to.
  Bytes declared = client_frame(text_compressed, std::string(2275, 'x'));
  declared.resize(8);
  EXPECT_THAT(events_of({declared}, ContextTakeover::no, 1000),
              ElementsAre("failed: 1009 a message is larger than this server allows"));
  Endpoint endpoint;
  EXPECT_TRUE(endpoint.receive(client_frame(text_compressed_begins, std::string(2000, 'x'))).empty());
  EXPECT_THAT(endpoint.receive(client_frame(continues, std::string(275, 'x'))),
              ElementsAre("failed: 1009 a message is larger than this server allows"));
}

TEST(SessionDeflate, ABombIsRefusedAndItsMemoryGivenBack) {
  const std::string bomb = compressed(std::string(50 << 20, '\0'));
  Endpoint endpoint(ContextTakeover::no, 1 << 20);
  EXPECT_THAT(endpoint.receive(client_frame(binary_compressed, bomb)),
              ElementsAre("failed: 1009 a message is larger than this server allows"));
  EXPECT_EQ(endpoint.buffer.capacity(), 0U);
}

TEST(SessionDeflate, AfterOurCloseCompressedDataIsDropped) {
  Endpoint endpoint;
  endpoint.session.close_sent();
  EXPECT_THAT(endpoint.receive(client_frame(text_compressed, "not deflate") +
                               client_frame(text_compressed_begins, std::string(5000, 'x')) +
                               client_frame(continues_and_ends, "x") + client_frame(0x88, "")),
              ElementsAre("close"));
}

TEST(SessionDeflate, SessionsWithoutTakeoverShareOneInflater) {
  ScratchBuffer buffer;
  Inflater inflater(15, ContextTakeover::no, buffer);
  Session one(1000);
  Session other(1000);
  one.use_inflater(inflater);
  other.use_inflater(inflater);
  const auto receive = [](Session& session, Bytes input) {
    std::span<std::byte> rest(input);
    return session.next(rest) == Session::Step::message ? test::text(session.message().payload) : std::string();
  };
  EXPECT_EQ(receive(one, client_frame(text_compressed_begins, hello.substr(0, 2))), "");
  EXPECT_EQ(receive(other, client_frame(text_compressed, compressed("another"))), "another");
  EXPECT_EQ(receive(other, client_frame(text_compressed, "broken")), "");
  EXPECT_EQ(receive(one, client_frame(continues_and_ends, hello.substr(2))), "Hello");
}

// ---- moving to another process
// ---------------------------------------------------------------------------------------

// The same events whether one endpoint takes all of `input`, or two take it with a handover at any byte.
void expect_handover_anywhere(const Bytes& input, ContextTakeover takeover) {
  Endpoint whole(takeover);
  const Events expected = whole.receive(input);
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    const auto middle = input.begin() + static_cast<std::ptrdiff_t>(cut);
    Endpoint first(takeover);
    Events events = first.receive({input.begin(), middle});
    if (first.session.error() != ProtocolError::none) break;
    Endpoint second(takeover);
    if (takeover == ContextTakeover::yes) second.inflater.restore_window(first.inflater.window());
    EXPECT_TRUE(second.receive(first.session.unfinished_input()).empty()) << "handover after byte " << cut;
    EXPECT_EQ(second.session.in_message(), first.session.in_message()) << "handover after byte " << cut;
    const Events rest = second.receive({middle, input.end()});
    events.insert(events.end(), rest.begin(), rest.end());
    EXPECT_EQ(events, expected) << "handover after byte " << cut;
  }
}

Bytes conversation(ContextTakeover takeover) {
  ZlibDeflater zlib;
  const auto message = [&](std::string_view text) {
    if (takeover == ContextTakeover::no) zlib.reset();
    return zlib.message(text);
  };
  const std::string first = message(chatter(150));
  const std::string second = message(chatter(200));
  const std::string third = message(chatter(160));
  return client_frame(text_compressed, first) + client_frame(text_compressed_begins, second.substr(0, 7)) +
         client_frame(0x89, "ping") + client_frame(continues, "") + client_frame(continues, second.substr(7, 20)) +
         client_frame(continues_and_ends, second.substr(27)) + client_frame(0x01, "pl") + client_frame(0x80, "ain") +
         client_frame(text_compressed, third) + client_frame(text_compressed_begins, "\xFF") +
         client_frame(continues_and_ends, "\xFF");
}

TEST(SessionDeflate, MovesCompressedFragmentsAtAnyByte) {
  expect_handover_anywhere(conversation(ContextTakeover::no), ContextTakeover::no);
}

TEST(SessionDeflate, MovesCompressedFragmentsWithTakeoverAtAnyByte) {
  expect_handover_anywhere(conversation(ContextTakeover::yes), ContextTakeover::yes);
}

}  // namespace
}  // namespace wsd::protocol
