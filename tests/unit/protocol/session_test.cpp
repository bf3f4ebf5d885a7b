#include "protocol/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/protocol/wire.h"

namespace wsd::protocol {
namespace {

using test::Bytes;
using test::bytes;
using test::client_frame;
using test::for_each_cutting;
using test::operator+;
using testing::ElementsAre;
using testing::IsEmpty;

using Events = std::vector<std::string>;

constexpr std::uint64_t limit = 1000;

std::string describe_close(const Session::PeerClose& close) {
  if (!close.code) return "close";
  return "close " + std::to_string(*close.code) + " " + std::string(close.reason);
}

std::string describe(const Session& session, Session::Step step) {
  switch (step) {
    case Session::Step::need_more:
      return "need more";
    case Session::Step::message:
      return (session.message().type == Opcode::text ? "text " : "binary ") + test::text(session.message().payload);
    case Session::Step::ping:
      return "ping " + test::text(session.control_payload());
    case Session::Step::pong:
      return "pong " + test::text(session.control_payload());
    case Session::Step::close:
      return describe_close(session.peer_close());
    case Session::Step::failed:
      return "failed: " + std::string(to_string(session.error()));
  }
  return "?";
}

// Everything a session says about one input; failures once.
void take(Session& session, std::span<std::byte> input, Events& events) {
  for (;;) {
    const auto step = session.next(input);
    if (step == Session::Step::need_more) break;
    events.push_back(describe(session, step));
    if (step == Session::Step::failed) break;
  }
  EXPECT_TRUE(input.empty());
}

// Where what continues a message is received.
enum class Into { input, room };

void receive(Session& session, Bytes piece, Events& events, Into into = Into::input) {
  const auto room = into == Into::room ? session.room() : std::span<std::byte>();
  const std::size_t size = std::min(room.size(), piece.size());
  std::copy_n(piece.begin(), size, room.begin());
  if (size > 0) take(session, room.first(size), events);
  if (size == 0 || session.error() == ProtocolError::none) take(session, std::span(piece).subspan(size), events);
}

Events events_of(const std::vector<Bytes>& pieces, std::uint64_t max_message_size = limit, Into into = Into::input) {
  Session session(max_message_size);
  Events events;
  for (const Bytes& piece : pieces) {
    receive(session, piece, events, into);
    if (session.error() != ProtocolError::none) break;
  }
  return events;
}

void expect_events(const Bytes& input, const Events& expected) {
  for_each_cutting(input, [&](const std::vector<Bytes>& pieces) {
    ASSERT_EQ(events_of(pieces), expected);
    ASSERT_EQ(events_of(pieces, limit, Into::room), expected);
  });
}

std::string failure(ProtocolError error) {
  return "failed: " + std::string(to_string(error));
}

// The violation shows with the last byte of `offending`, and with no byte before it.
void expect_violation(const Bytes& offending, ProtocolError error) {
  for_each_cutting(offending, [&](const std::vector<Bytes>& pieces) {
    ASSERT_THAT(events_of(pieces), ElementsAre(failure(error)));
    ASSERT_THAT(events_of(pieces, limit, Into::room), ElementsAre(failure(error)));
  });
  ASSERT_THAT(events_of({Bytes(offending.begin(), offending.end() - 1)}), IsEmpty());
}

Bytes close_frame(int code, std::string_view reason = {}) {
  std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  return client_frame(0x88, payload.append(reason));
}

TEST(Session, ReceivesTheExampleOfTheRfc) {
  // §5.7, "a single-frame masked text message".
  expect_events(bytes({0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58}), {"text Hello"});
}

TEST(Session, ReceivesTextAndBinaryAndEmptyMessages) {
  expect_events(
      client_frame(0x81, "hello") + client_frame(0x82, "\xFF\xFE") + client_frame(0x81, "") + client_frame(0x82, ""),
      {"text hello", "binary \xFF\xFE", "text ", "binary "});
}

TEST(Session, ReceivesEachLengthEncoding) {
  for (const std::size_t size : {125U, 126U, 127U, 999U, 1000U}) {
    const std::string payload(size, 'x');
    expect_events(client_frame(0x82, payload), {"binary " + payload});
  }
  const std::string large(70000, 'x');
  EXPECT_THAT(events_of({client_frame(0x82, large)}, 70000), ElementsAre("binary " + large));
}

TEST(Session, AWholeMessageIsAViewIntoTheInput) {
  Bytes input = client_frame(0x81, "in place") + client_frame(0x82, "twice");
  Session session(limit);
  std::span<std::byte> left(input);
  ASSERT_EQ(session.next(left), Session::Step::message);
  EXPECT_EQ(session.message().payload.data(), input.data() + 6);
  ASSERT_EQ(session.next(left), Session::Step::message);
  EXPECT_EQ(session.message().payload.data(), input.data() + 14 + 6);
  EXPECT_EQ(session.next(left), Session::Step::need_more);
}

TEST(Session, HasRoomForThePayloadThatAFrameStillLacks) {
  Session session(200'000);
  EXPECT_TRUE(session.room().empty());
  const std::string payload(150'000, 'x');
  const Bytes frame = client_frame(0x81, payload);
  Events events;
  receive(session, Bytes(frame.begin(), frame.begin() + 10), events);
  EXPECT_TRUE(session.room().empty()) << "nothing of the payload is there yet";
  receive(session, Bytes(frame.begin() + 10, frame.begin() + 20'010), events);
  EXPECT_EQ(session.room().size(), 130'004U);
  receive(session, Bytes(frame.begin() + 20'010, frame.end()), events, Into::room);
  EXPECT_THAT(events, ElementsAre("text " + payload));
  EXPECT_TRUE(session.room().empty());
}

TEST(Session, HasNoRoomForWhatNobodyWillSee) {
  Session session(limit);
  Events events;
  const Bytes frame = client_frame(0x81, std::string(500, 'x'));
  receive(session, Bytes(frame.begin(), frame.end() - 1), events);
  EXPECT_EQ(session.room().size(), 1U);
  session.close_sent();
  EXPECT_TRUE(session.room().empty());
}

TEST(Session, JoinsFragments) {
  expect_events(client_frame(0x01, "one ") + client_frame(0x00, "two ") + client_frame(0x80, "three"),
                {"text one two three"});
  expect_events(client_frame(0x02, "") + client_frame(0x00, "") + client_frame(0x80, "last"), {"binary last"});
  expect_events(client_frame(0x01, "first") + client_frame(0x80, ""), {"text first"});
  expect_events(client_frame(0x01, "") + client_frame(0x80, ""), {"text "});
}

TEST(Session, ReportsControlFramesBetweenFragments) {
  expect_events(client_frame(0x01, "frag") + client_frame(0x89, "are you there") + client_frame(0x00, "men") +
                    client_frame(0x8A, "") + client_frame(0x80, "ted") + client_frame(0x82, "next"),
                {"ping are you there", "pong ", "text fragmented", "binary next"});
}

TEST(Session, ReceivesControlPayloadsUpTo125Bytes) {
  const std::string longest(125, 'p');
  expect_events(client_frame(0x89, longest) + client_frame(0x89, "") + client_frame(0x8A, longest),
                {"ping " + longest, "ping ", "pong " + longest});
}

TEST(Session, RefusesAContinuationOfNothing) {
  for (const int first : {0x80, 0x00}) {
    expect_violation(bytes({first, 0x81, 1, 2, 3, 4}), ProtocolError::continuation_without_start);
  }
  expect_events(client_frame(0x01, "a") + client_frame(0x80, "b") + client_frame(0x80, "c"),
                {"text ab", failure(ProtocolError::continuation_without_start)});
}

TEST(Session, RefusesANewMessageInsideAFragmentedOne) {
  for (const int first : {0x81, 0x01, 0x82, 0x02}) {
    expect_violation(client_frame(0x01, "begun") + bytes({first, 0x81, 1, 2, 3, 4}),
                     ProtocolError::new_message_inside_fragments);
  }
}

TEST(Session, RefusesRsv1SinceNoExtensionIsNegotiated) {
  expect_violation(bytes({0xC1, 0x81, 1, 2, 3, 4}), ProtocolError::reserved_bits_set);
}

TEST(Session, RefusesWhatTheFrameParserRefuses) {
  expect_violation(bytes({0x83}), ProtocolError::unknown_opcode);
  expect_violation(bytes({0x81, 0x05}), ProtocolError::frame_not_masked);
  expect_violation(bytes({0x09}), ProtocolError::control_frame_fragmented);
  expect_violation(bytes({0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0}), ProtocolError::payload_length_too_large);
}

TEST(Session, RefusesAMessageOverTheLimitByItsHeaderAlone) {
  expect_violation(bytes({0x82, 0xFE, 0x03, 0xE9, 1, 2, 3, 4}), ProtocolError::message_too_big);
  expect_violation(bytes({0x02, 0xFE, 0x03, 0xE9, 1, 2, 3, 4}), ProtocolError::message_too_big);
  expect_violation(bytes({0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4}),
                   ProtocolError::message_too_big);
}

TEST(Session, CountsAllFragmentsAgainstTheLimit) {
  const std::string most(999, 'x');
  expect_events(client_frame(0x02, most) + client_frame(0x80, "y"), {"binary " + most + "y"});
  expect_violation(client_frame(0x02, most) + bytes({0x80, 0x82, 1, 2, 3, 4}), ProtocolError::message_too_big);
  expect_violation(client_frame(0x02, most) + client_frame(0x00, "y") + bytes({0x00, 0x81, 1, 2, 3, 4}),
                   ProtocolError::message_too_big);
  // Nothing near 2^63 can wrap the sum around.
  expect_violation(
      client_frame(0x02, most) + bytes({0x80, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4}),
      ProtocolError::message_too_big);
}

TEST(Session, TheLimitHoldsForOneMessageNotForAll) {
  const std::string most(1000, 'x');
  EXPECT_THAT(events_of({client_frame(0x82, most) + client_frame(0x82, most)}),
              ElementsAre("binary " + most, "binary " + most));
}

TEST(Session, ALimitOfZeroLetsEmptyMessagesPass) {
  EXPECT_THAT(events_of({client_frame(0x81, "") + client_frame(0x81, "x")}, 0),
              ElementsAre("text ", failure(ProtocolError::message_too_big)));
}

TEST(Session, ReceivesUtf8CutAnywhereAlsoBetweenFragments) {
  const std::string text = "\xCE\xBA\xE1\xBD\xB9\xF0\x9F\x98\x80 \xE4\xBD\xA0";
  expect_events(client_frame(0x81, text), {"text " + text});
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    expect_events(client_frame(0x01, text.substr(0, cut)) + client_frame(0x80, text.substr(cut)), {"text " + text});
  }
}

TEST(Session, RefusesInvalidUtf8InWholeMessages) {
  for (const char* bad : {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "abc\xFF", "\xF8\x88\x80\x80\x80"}) {
    expect_events(client_frame(0x81, bad), {failure(ProtocolError::invalid_utf8)});
  }
}

TEST(Session, RefusesATextThatEndsInsideACharacter) {
  expect_violation(client_frame(0x81, "\xE4\xBD"), ProtocolError::invalid_utf8);
  expect_events(client_frame(0x01, "\xE4") + client_frame(0x80, "\xBD"), {failure(ProtocolError::invalid_utf8)});
  expect_events(client_frame(0x01, "\xE4\xBD") + client_frame(0x80, ""), {failure(ProtocolError::invalid_utf8)});
}

TEST(Session, RefusesInvalidUtf8AsSoonAsItsByteArrives) {
  // Of a frame of 100 bytes, and of a message with fragments to come.
  Bytes unfinished = client_frame(0x81, "\xF4\x90" + std::string(98, 'x'));
  unfinished.resize(6 + 2);
  expect_violation(unfinished, ProtocolError::invalid_utf8);
  expect_violation(client_frame(0x01, "ok") + client_frame(0x00, "\xED\xA0"), ProtocolError::invalid_utf8);
}

TEST(Session, AMessageThatFollowsABrokenOffCharacterStartsAfresh) {
  expect_events(client_frame(0x82, "\xE4") + client_frame(0x81, "fine"), {"binary \xE4", "text fine"});
}

TEST(Session, ReportsThePeersCloseWithAndWithoutBody) {
  expect_events(client_frame(0x88, ""), {"close"});
  expect_events(close_frame(1000), {"close 1000 "});
  expect_events(close_frame(1001, "going away"), {"close 1001 going away"});
  expect_events(close_frame(4999, std::string(123, 'r')), {"close 4999 " + std::string(123, 'r')});
}

TEST(Session, RefusesMalformedCloseBodies) {
  expect_violation(client_frame(0x88, "\x03"), ProtocolError::close_payload_of_one_byte);
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    expect_violation(close_frame(code), ProtocolError::invalid_close_code);
  }
  expect_violation(close_frame(1000, "\xED\xA0\x80"), ProtocolError::invalid_close_reason);
  expect_violation(close_frame(1000, "cut \xE4\xBD"), ProtocolError::invalid_close_reason);
}

TEST(Session, LooksAtNothingBehindThePeersClose) {
  expect_events(close_frame(1000) + client_frame(0x81, "late") + client_frame(0x89, "") + bytes({0xFF, 0xFF}),
                {"close 1000 "});
  expect_events(client_frame(0x01, "begun") + close_frame(1000) + client_frame(0x80, "ended"), {"close 1000 "});
}

TEST(Session, LooksAtNothingBehindAViolation) {
  struct Case {
    Bytes violation;
    ProtocolError error;
  };
  for (const auto& [violation, error] : {
           Case{bytes({0x83}), ProtocolError::unknown_opcode},
           Case{client_frame(0x80, "a"), ProtocolError::continuation_without_start},
           Case{client_frame(0x81, "\xFF"), ProtocolError::invalid_utf8},
           Case{client_frame(0x88, "\x03"), ProtocolError::close_payload_of_one_byte},
       }) {
    Session session(limit);
    Events events;
    receive(session, violation + client_frame(0x81, "late"), events);
    receive(session, client_frame(0x81, "later"), events);
    EXPECT_THAT(events, ElementsAre(failure(error), failure(error)));
  }
}

TEST(Session, ReportsOnlyThePeersCloseAfterCloseSent) {
  const Bytes input = client_frame(0x81, "dropped") + client_frame(0x89, "ping") + client_frame(0x01, "frag") +
                      client_frame(0x8A, std::string(125, 'p')) + client_frame(0x80, "ments") +
                      client_frame(0x82, std::string(3 * limit, 'x')) + close_frame(1000, "bye");
  for_each_cutting(input, [&](const std::vector<Bytes>& pieces) {
    Session session(limit);
    session.close_sent();
    Events events;
    for (const Bytes& piece : pieces) receive(session, piece, events);
    ASSERT_THAT(events, ElementsAre("close 1000 bye"));
  });
}

TEST(Session, StillChecksFramingAfterCloseSent) {
  Session session(limit);
  session.close_sent();
  Events events;
  receive(session, client_frame(0x01, "a") + client_frame(0x81, "b"), events);
  EXPECT_THAT(events, ElementsAre(failure(ProtocolError::new_message_inside_fragments)));
}

TEST(Session, CloseSentMayComeAtAnyByte) {
  const Bytes input = client_frame(0x01, "one ") + client_frame(0x89, "ping ping") + client_frame(0x80, "message") +
                      close_frame(1000, "and good bye");
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    const auto middle = input.begin() + static_cast<std::ptrdiff_t>(cut);
    Session session(limit);
    Events events;
    receive(session, Bytes(input.begin(), middle), events);
    session.close_sent();
    receive(session, Bytes(middle, input.end()), events);
    ASSERT_EQ(events.back(), "close 1000 and good bye") << "cut at " << cut;
  }
}

TEST(Session, AMessageStaysReadableAfterCloseSentUntilTheNextCall) {
  Session session(limit);
  Bytes input = client_frame(0x01, "assem") + client_frame(0x80, "bled");
  std::span<std::byte> left(input);
  ASSERT_EQ(session.next(left), Session::Step::message);
  session.close_sent();
  EXPECT_EQ(test::text(session.message().payload), "assembled");
  EXPECT_EQ(session.next(left), Session::Step::need_more);
}

TEST(Session, KnowsWhetherAMessageIsUnfinished) {
  Session session(limit);
  Events events;
  const auto after = [&](const Bytes& piece) {
    receive(session, piece, events);
    return session.in_message();
  };
  EXPECT_FALSE(session.in_message());
  EXPECT_TRUE(after(bytes({0x01})));
  EXPECT_TRUE(after(bytes({0x81, 0, 0, 0, 0})));
  EXPECT_TRUE(after(bytes({'a'})));
  EXPECT_TRUE(after(client_frame(0x89, "")));
  EXPECT_FALSE(after(client_frame(0x80, "")));
  EXPECT_TRUE(after(bytes({0x89, 0x81, 0, 0, 0, 0})));
  EXPECT_FALSE(after(bytes({'p'})));
  EXPECT_TRUE(after(client_frame(0x01, "begun")));
  EXPECT_FALSE(after(close_frame(1000)));
  EXPECT_THAT(events, ElementsAre("ping ", "text a", "ping p", "close 1000 "));
}

TEST(Session, MovesAtAnyByte) {
  const Bytes input = client_frame(0x01, "frag") + client_frame(0x89, "ping") + client_frame(0x80, "ments") +
                      client_frame(0x82, "whole") + close_frame(3000, "end");
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    const auto middle = input.begin() + static_cast<std::ptrdiff_t>(cut);
    Session first(limit);
    Events events;
    receive(first, Bytes(input.begin(), middle), events);
    Session second(std::move(first));
    receive(second, Bytes(middle, input.end()), events);
    ASSERT_THAT(events, ElementsAre("ping ping", "text fragments", "binary whole", "close 3000 end"));
  }
}

TEST(Session, ReceivesAMessageInManyFragments) {
  // A public conformance case sends one message in 65,500 of them.
  std::vector<Bytes> frames(65500, client_frame(0x00, "x"));
  frames.front() = client_frame(0x02, "x");
  frames.back() = client_frame(0x80, "x");
  EXPECT_THAT(events_of(frames, 65500), ElementsAre("binary " + std::string(65500, 'x')));
}

TEST(Session, IsSmall) {
  EXPECT_LE(sizeof(Session), 128U);
}

}  // namespace
}  // namespace wsd::protocol
