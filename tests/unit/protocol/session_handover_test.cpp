// Half a message moves to another process as bytes: a session that is fed unfinished_input() stands where the other
// stood.

#include <gtest/gtest.h>

#include "protocol/session.h"
#include "tests/unit/protocol/wire.h"

namespace wsd::protocol::test {
namespace {

// Events as text, one a line.
std::string events_of(Session& session, Bytes input) {
  std::string events;
  std::span<std::byte> rest(input);
  for (;;) {
    switch (session.next(rest)) {
      case Session::Step::need_more:
        return events;
      case Session::Step::message:
        events += session.message().type == Opcode::text ? "text " : "binary ";
        events += text(session.message().payload) + "\n";
        break;
      case Session::Step::ping:
        events += "ping " + text(session.control_payload()) + "\n";
        break;
      case Session::Step::pong:
        events += "pong " + text(session.control_payload()) + "\n";
        break;
      case Session::Step::close:
        events += "close\n";
        break;
      case Session::Step::failed:
        return events + "failed: " + std::string(to_string(session.error())) + "\n";
    }
  }
}

// The same events whether one session takes all of `input`, or two take it with a handover at any byte.
void expect_handover_anywhere(const Bytes& input, bool close_sent = false) {
  const auto make = [close_sent] {
    Session session(1000);
    if (close_sent) session.close_sent();
    return session;
  };
  Session whole = make();
  const std::string expected = events_of(whole, input);
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    const auto middle = input.begin() + static_cast<std::ptrdiff_t>(cut);
    Session first = make();
    const std::string before = events_of(first, {input.begin(), middle});
    if (before.find("close") != std::string::npos || before.find("failed") != std::string::npos) break;

    Session second = make();
    EXPECT_EQ(events_of(second, first.unfinished_input()), "") << "handover after byte " << cut;
    EXPECT_EQ(second.in_message(), first.in_message()) << "handover after byte " << cut;
    EXPECT_EQ(before + events_of(second, {middle, input.end()}), expected) << "handover after byte " << cut;
  }
}

TEST(SessionHandover, MovesAMessageAtAnyByte) {
  expect_handover_anywhere(client_frame(0x81, "hello") + client_frame(0x82, "binary") + client_frame(0x81, ""));
}

TEST(SessionHandover, MovesALongMessageAtAnyByte) {
  expect_handover_anywhere(client_frame(0x81, std::string(300, 'x')) + client_frame(0x82, "behind it"));
}

TEST(SessionHandover, MovesFragmentsWithControlFramesBetweenThem) {
  expect_handover_anywhere(client_frame(0x01, "Frag") + client_frame(0x89, "are you there") + client_frame(0x00, "") +
                           client_frame(0x8A, "") + client_frame(0x00, "men") + client_frame(0x80, "ted"));
}

TEST(SessionHandover, MovesAnEmptyFirstFragment) {
  expect_handover_anywhere(client_frame(0x02, "") + client_frame(0x89, "p") + client_frame(0x80, "the rest"));
}

TEST(SessionHandover, MovesTextThatIsCutInsideACharacter) {
  expect_handover_anywhere(client_frame(0x01, "\xE4\xBD") + client_frame(0x80, "\xA0\xE5\xA5\xBD"));
}

TEST(SessionHandover, StillFindsInvalidTextBehindTheCut) {
  expect_handover_anywhere(client_frame(0x01, "\xF4") + client_frame(0x80, "\x90\x80\x80"));
}

TEST(SessionHandover, StillFindsAMessageThatGrowsTooBig) {
  expect_handover_anywhere(client_frame(0x01, std::string(600, 'a')) + client_frame(0x80, std::string(401, 'b')));
}

TEST(SessionHandover, MovesACloseFrame) {
  expect_handover_anywhere(client_frame(0x88,
                                        "\x03\xE8"
                                        "bye"));
}

TEST(SessionHandover, MovesASessionThatOnlyWaitsForTheClose) {
  expect_handover_anywhere(client_frame(0x01, "dropped") + client_frame(0x80, " too") + client_frame(0x81, "and this") +
                               client_frame(0x88, "\x03\xE8"),
                           true);
}

TEST(SessionHandover, GivesNothingForAnIdleSession) {
  EXPECT_TRUE(Session(1000).unfinished_input().empty());
}

}  // namespace
}  // namespace wsd::protocol::test
