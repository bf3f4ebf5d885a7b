// A connection with permessage-deflate: the handshake's answer, what is compressed and what is not, publications, and
// the move to another worker. The peer is plain zlib.

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/support/zlib_oracle.h"
#include "tests/unit/worker/support/connection_bench.h"

namespace wsd::worker {
namespace {

using namespace test;
using wsd::test::chatter;
using wsd::test::noise;
using wsd::test::ZlibDeflater;
using wsd::test::ZlibInflater;

constexpr int text_plain = 0x81;
constexpr int text_compressed = 0xC1;

Limits deflating(DeflateLimits deflate = {}) {
  deflate.enabled = true;
  Limits limits;
  limits.deflate = deflate;
  return limits;
}

const DeflateLimits both_take_over{.server_takeover = true, .client_takeover = true};

std::string offering(const std::string& value) {
  return protocol::test::with_header("Sec-WebSocket-Extensions: " + value);
}

// The header of the answer; empty if there is none.
std::string extensions_of(const std::string& answer) {
  const std::string name = "Sec-WebSocket-Extensions: ";
  const std::size_t at = answer.find(name);
  if (at == std::string::npos) return {};
  return answer.substr(at + name.size(), answer.find("\r\n", at) - at - name.size());
}

Peer open(ConnectionBench& bench, const std::string& offer = "permessage-deflate; client_max_window_bits") {
  Peer peer = bench.connect();
  peer.send(offering(offer));
  bench.turn();
  const std::string answer = peer.receive();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\n")) << answer;
  return peer;
}

class ClientConnectionDeflate : public testing::Test {
 protected:
  std::string negotiate(const std::string& offer, const Limits& limits) {
    ConnectionBench bench(recording_echo(events_), limits);
    Peer peer = bench.connect();
    peer.send(offering(offer));
    bench.turn();
    return peer.receive();
  }

  static Frames say(ConnectionBench& bench, Peer& peer, const std::string& bytes) {
    peer.send(bytes);
    bench.turn();
    return parse_frames(peer.receive());
  }

  static std::string inflated(const Frame& frame) {
    EXPECT_EQ(frame.first_byte, text_compressed);
    return ZlibInflater().message(frame.payload).value_or("corrupt");
  }

  Events events_;
};

// ---- the opening handshake
// -------------------------------------------------------------------------------------------

TEST_F(ClientConnectionDeflate, IsAnsweredWhereItIsSwitchedOnAndOffered) {
  EXPECT_EQ(extensions_of(negotiate("permessage-deflate; client_max_window_bits", deflating())),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(extensions_of(negotiate("permessage-deflate", deflating(both_take_over))), "permessage-deflate");
  EXPECT_EQ(extensions_of(negotiate("permessage-deflate; client_max_window_bits", deflating({.window_bits = 10}))),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; "
            "client_max_window_bits=10");
}

TEST_F(ClientConnectionDeflate, IsDeclinedWithoutAWord) {
  EXPECT_EQ(negotiate("permessage-deflate", Limits{}), plain_answer);
  EXPECT_EQ(negotiate("permessage-deflate; server_max_window_bits=8", deflating()), plain_answer);
  EXPECT_EQ(negotiate("permessage-deflate; unknown", deflating()), plain_answer);
  EXPECT_EQ(negotiate("x-webkit-deflate-frame", deflating()), plain_answer);
}

TEST_F(ClientConnectionDeflate, AMalformedHeaderFailsTheConnection) {
  EXPECT_TRUE(negotiate("permessage-deflate;", deflating()).starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(events_.empty()) << "the application never hears of it";
  // Where it is not read, it means nothing.
  EXPECT_EQ(negotiate("permessage-deflate;", Limits{}), plain_answer);
}

TEST_F(ClientConnectionDeflate, WithoutAnAgreementCompressedMessagesAreAViolation) {
  ConnectionBench bench(recording_echo(events_), deflating());
  Peer peer = bench.open();
  const Frames frames = say(bench, peer, client_frame(text_compressed, ZlibDeflater().message("hello")));
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_TRUE(frames[0].payload.starts_with("\x03\xEA")) << "1002";
}

// ---- messages
// --------------------------------------------------------------------------------------------------------

TEST_F(ClientConnectionDeflate, EchoesCompressedMessagesCompressed) {
  ConnectionBench bench(recording_echo(events_), deflating());
  Peer peer = open(bench);
  for (const std::size_t size : {256U, 1000U, 16'384U, 200'000U}) {
    const Frames frames = say(bench, peer, client_frame(text_compressed, ZlibDeflater().message(chatter(size))));
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_LT(frames[0].payload.size(), size);
    EXPECT_TRUE(inflated(frames[0]) == chatter(size)) << size;
  }
}

TEST_F(ClientConnectionDeflate, SmallMessagesAndThoseThatDoNotShrinkArePlain) {
  ConnectionBench bench(recording_echo(events_), deflating());
  Peer peer = open(bench);
  EXPECT_EQ(say(bench, peer, client_frame(text_plain, chatter(255))), (Frames{{text_plain, chatter(255)}}));
  EXPECT_EQ(say(bench, peer, client_frame(0x82, noise(5000))), (Frames{{0x82, noise(5000)}}));
  EXPECT_EQ(say(bench, peer, client_frame(text_plain, "")), (Frames{{text_plain, ""}}));
  EXPECT_EQ(say(bench, peer, client_frame(0x89, std::string(125, 'p'))), (Frames{{0x8A, std::string(125, 'p')}}));
}

TEST_F(ClientConnectionDeflate, AThresholdOfNothingStillSendsEmptyMessagesPlain) {
  for (const bool takeover : {false, true}) {
    ConnectionBench bench(recording_echo(events_), deflating({.threshold = 0, .server_takeover = takeover}));
    Peer peer = open(bench);
    EXPECT_EQ(say(bench, peer, client_frame(text_plain, "")), (Frames{{text_plain, ""}}));
    EXPECT_EQ(inflated(say(bench, peer, client_frame(text_plain, "aaaaaaaaaaaaaa")).at(0)), "aaaaaaaaaaaaaa");
  }
}

TEST_F(ClientConnectionDeflate, MessagesInPiecesAreGathered) {
  App app;
  app.on_message = [](Connection& connection, Message message) {
    connection.send({message.data, "", message.data, " and an end"}, message.type);
  };
  ConnectionBench bench(std::move(app), deflating());
  Peer peer = open(bench);
  EXPECT_EQ(inflated(say(bench, peer, client_frame(text_plain, chatter(300))).at(0)),
            chatter(300) + chatter(300) + " and an end");
}

TEST_F(ClientConnectionDeflate, CorruptDataClosesWith1007AndABombWith1009) {
  ConnectionBench bench(recording_echo(events_), deflating());
  Peer corrupt = open(bench);
  EXPECT_TRUE(say(bench, corrupt, client_frame(text_compressed, "corrupt")).at(0).payload.starts_with("\x03\xEF"));
  Peer bomber = open(bench);
  const std::string bomb = ZlibDeflater().message(std::string(20 << 20, '\0'));
  EXPECT_TRUE(say(bench, bomber, client_frame(text_compressed, bomb)).at(0).payload.starts_with("\x03\xF1"));
  Peer bystander = open(bench);
  EXPECT_EQ(inflated(say(bench, bystander, client_frame(text_compressed, ZlibDeflater().message(chatter(500)))).at(0)),
            chatter(500));
}

TEST_F(ClientConnectionDeflate, WithTakeoverEachSideRefersToEarlierMessages) {
  ConnectionBench bench(recording_echo(events_), deflating(both_take_over));
  Peer one = open(bench);
  Peer other = open(bench);
  ZlibDeflater deflaters[2];
  ZlibInflater inflaters[2];
  std::size_t sizes[2] = {};
  for (unsigned i = 0; i < 20; ++i) {
    const unsigned who = i % 2;
    const std::string message = chatter(600, i / 4);
    const Frames frames =
        say(bench, who == 0 ? one : other, client_frame(text_compressed, deflaters[who].message(message)));
    ASSERT_EQ(frames.at(0).first_byte, text_compressed);
    ASSERT_EQ(inflaters[who].message(frames[0].payload), message);
    if (i % 4 >= 2) {
      EXPECT_LT(frames[0].payload.size(), sizes[who] / 4) << "said before";
    }
    sizes[who] = frames[0].payload.size();
  }
}

// ---- publications
// ----------------------------------------------------------------------------------------------------

class Publications : public ClientConnectionDeflate {
 protected:
  static App subscribing(SlowConsumer policy = SlowConsumer::drop_newest) {
    App app;
    app.channels["ch"] = {.slow_consumer = policy};
    app.on_open = [](Connection& connection) { connection.subscribe("ch"); };
    app.on_message = [](Connection& connection, Message message) { connection.send(message.data, message.type); };
    return app;
  }
  static void publish(ConnectionBench& bench, const std::string& message) {
    static_cast<void>(bench.channels.deliver_here("ch", message, MessageType::text));
    bench.end_turn();
  }
};

TEST_F(Publications, ReachEveryKindOfSubscriber) {
  ConnectionBench bench(subscribing(), deflating());
  Peer plain = bench.open();
  Peer one = open(bench);
  Peer another = open(bench);
  Peer small = open(bench, "permessage-deflate; server_max_window_bits=9");
  for (const std::size_t size : {400U, 3000U, 50'000U}) {
    publish(bench, chatter(size));
    EXPECT_EQ(parse_frames(plain.receive()), (Frames{{text_plain, chatter(size)}}));
    const std::string compressed = one.receive();
    EXPECT_TRUE(inflated(parse_frames(compressed).at(0)) == chatter(size));
    EXPECT_EQ(another.receive(), compressed);
    const Frames frames = parse_frames(small.receive());
    EXPECT_EQ(frames.at(0).first_byte, text_compressed);
    EXPECT_TRUE(ZlibInflater(9).message(frames[0].payload) == chatter(size));
  }
  publish(bench, "small");
  for (Peer* peer : {&plain, &one, &small}) EXPECT_EQ(parse_frames(peer->receive()), (Frames{{text_plain, "small"}}));
}

TEST_F(Publications, GoIntoTheStreamOfThoseWithTakeover) {
  ConnectionBench bench(subscribing(), deflating(both_take_over));
  Peer peer = open(bench);
  ZlibInflater inflater;
  std::size_t first = 0;
  for (int i = 0; i < 5; ++i) {
    publish(bench, chatter(1000));
    const Frames frames = parse_frames(peer.receive());
    ASSERT_EQ(frames.at(0).first_byte, text_compressed);
    ASSERT_EQ(inflater.message(frames[0].payload), chatter(1000));
    if (i == 0) first = frames[0].payload.size();
    if (i > 0) {
      EXPECT_LT(frames[0].payload.size(), first / 4);
    }
  }
}

// What is dropped must not have been part of a stream that goes on.
TEST_F(Publications, ThatAreDroppedLeaveAStreamWithTakeoverReadable) {
  Limits limits = deflating(both_take_over);
  limits.send_queue = 40'000;
  ConnectionBench bench(subscribing(SlowConsumer::drop_oldest), limits);
  Peer peer = open(bench);
  test::shrink_send_buffer(bench.last().descriptor());
  ZlibInflater inflater;
  std::string stream;
  for (unsigned i = 0; i < 200; ++i) {
    publish(bench, chatter(3000 + i, i));
    if (i % 3 == 0) {
      peer.send(client_frame(text_plain, "echo " + std::to_string(i) + chatter(400, i)));
      bench.turn();
    }
    if (i % 50 == 49) stream += peer.receive(5000);
  }
  for (int i = 0; i < 1000; ++i) {
    stream += peer.receive();
    bench.turn();
  }
  const Frames frames = parse_frames(stream);
  EXPECT_GT(bench.counters.send_dropped.get(), 0U);
  std::size_t echoes = 0;
  for (const Frame& frame : frames) {
    ASSERT_EQ(frame.first_byte, text_compressed);
    const auto message = inflater.message(frame.payload);
    ASSERT_TRUE(message);
    if (message->starts_with("echo ")) {
      ++echoes;
    } else {
      const unsigned number = static_cast<unsigned>(message->size()) - 3000;
      ASSERT_TRUE(*message == chatter(3000 + number, number));
    }
  }
  EXPECT_GT(echoes, 0U);
}

// ---- from one worker to another
// --------------------------------------------------------------------------------------

class DeflateHandover : public ClientConnectionDeflate {
 protected:
  void hand_over(ConnectionBench& from, ConnectionBench& to) {
    from.end_turn();
    ClientConnection& connection = from.last();
    const auto record = encode(connection.save());
    FileDescriptor socket(::dup(connection.descriptor()));
    connection.hand_over();
    from.connections.clear();
    const auto state = decode_connection(record.bytes());
    ASSERT_TRUE(state);
    auto resumed = std::make_unique<ClientConnection>(to.context, *state, ClientTransport(std::move(socket)));
    ClientConnection& here = to.connections.add(std::move(resumed));
    here.attach(state->due_ms);
    here.resume();
    to.end_turn();
  }

  // Three messages, the second in fragments, and a handover at any byte of them.
  void expect_handover_anywhere(const DeflateLimits& deflate) {
    ZlibDeflater client;
    std::vector<std::string> compressed;
    for (const unsigned seed : {1U, 1U, 2U}) {
      if (!deflate.client_takeover) client.reset();
      compressed.push_back(client.message(chatter(280, seed)));
    }
    const std::string input = client_frame(text_compressed, compressed[0]) +
                              client_frame(0x41, compressed[1].substr(0, 5)) + client_frame(0x89, "ping") +
                              client_frame(0x00, "") + client_frame(0x80, compressed[1].substr(5)) +
                              client_frame(text_compressed, compressed[2]);
    for (std::size_t cut = 0; cut <= input.size(); ++cut) {
      ConnectionBench from(recording_echo(events_), deflating(deflate));
      ConnectionBench to(recording_echo(events_), deflating(deflate));
      Peer peer = open(from);
      std::string answers;
      if (cut > 0) peer.send(input.substr(0, cut));
      from.turn();
      hand_over(from, to);
      if (cut < input.size()) peer.send(input.substr(cut));
      to.turn();
      Frames frames = parse_frames(peer.receive());
      ASSERT_EQ(std::erase(frames, Frame{0x8A, "ping"}), 1) << cut;
      ASSERT_EQ(frames.size(), 3U) << cut;
      ZlibInflater inflater;
      for (std::size_t i = 0; i < 3; ++i) {
        if (!deflate.server_takeover) inflater.reset();
        ASSERT_EQ(frames[i].first_byte, text_compressed);
        ASSERT_EQ(inflater.message(frames[i].payload), chatter(280, i == 2 ? 2 : 1)) << cut;
      }
    }
  }
};

TEST_F(DeflateHandover, MovesAtAnyByte) {
  expect_handover_anywhere({});
}

TEST_F(DeflateHandover, MovesAtAnyByteWithTakeover) {
  expect_handover_anywhere(both_take_over);
}

TEST_F(DeflateHandover, WhatWasAgreedOnHoldsWhateverTheNextGenerationWants) {
  const DeflateLimits large{.server_takeover = true, .client_takeover = true};
  for (const Limits& newer :
       {Limits{}, deflating({.threshold = 2000, .window_bits = 9, .memory_level = 1, .level = 9})}) {
    ConnectionBench from(recording_echo(events_), deflating(large));
    ConnectionBench to(recording_echo(events_), newer);
    Peer peer = open(from);
    ZlibDeflater client;
    ZlibInflater inflater;
    EXPECT_EQ(
        inflater.message(say(from, peer, client_frame(text_compressed, client.message(chatter(40'000)))).at(0).payload),
        chatter(40'000));
    hand_over(from, to);
    // It still reads what is compressed with a large window, and compresses or not as it is told now.
    EXPECT_EQ(say(to, peer, client_frame(text_compressed, client.message(chatter(1000)))),
              (Frames{{text_plain, chatter(1000)}}));
    const Frame large_answer = say(to, peer, client_frame(text_compressed, client.message(chatter(40'000)))).at(0);
    if (newer.deflate.enabled) {
      EXPECT_TRUE(inflater.message(large_answer.payload) == chatter(40'000));
    } else {
      EXPECT_EQ(large_answer.first_byte, text_plain);
    }
  }
}

TEST_F(DeflateHandover, AClosingOneStillReadsPastCompressedMessages) {
  ConnectionBench from(recording_echo(events_), deflating(both_take_over));
  ConnectionBench to(recording_echo(events_), Limits{});
  Peer peer = open(from);
  from.last().close(4000, {});
  hand_over(from, to);
  events_.clear();
  peer.send(client_frame(text_compressed, ZlibDeflater().message("late")) +
            client_frame(0x88, test::close_payload(4000)));
  to.turn();
  EXPECT_EQ(events_, Events{"close 4000 clean"});
}

}  // namespace
}  // namespace wsd::worker
