// A connection that moves to another worker: two benches stand for the two processes, each with a loop and an
// application of its own.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/worker/support/connection_bench.h"

namespace wsd::worker {
namespace {

using protocol::Opcode;
using namespace test;

class ClientConnectionHandover : public testing::Test {
 protected:
  static App resumable(Events& events) {
    App app = recording_echo(events);
    app.on_resume = [&events](Connection& connection) {
      events.push_back("resume " + std::string(connection.request().path()));
    };
    return app;
  }

  // What Server does on both sides, the state as bytes in between.
  void hand_over() {
    old_->end_turn();
    ClientConnection& connection = old_->last();
    const auto record = encode(connection.save());
    FileDescriptor socket(::dup(connection.descriptor()));
    connection.hand_over();
    old_->connections.clear();

    const auto state = decode_connection(record.bytes());
    ASSERT_TRUE(state);
    id_ = state->id;
    auto resumed = std::make_unique<ClientConnection>(new_.context, *state, ClientTransport(std::move(socket)));
    ClientConnection& here = new_.connections.add(std::move(resumed));
    here.attach(state->due_ms);
    here.resume();
    new_.end_turn();
  }
  [[nodiscard]] ClientConnection& moved() { return new_.connections.at(id_); }

  Events old_events_;
  Events new_events_;
  App old_app_ = resumable(old_events_);
  std::unique_ptr<ConnectionBench> old_ = std::make_unique<ConnectionBench>(old_app_);
  ConnectionBench new_{resumable(new_events_)};
  ConnectionId id_ = 0;
};

TEST_F(ClientConnectionHandover, ItsAgeIsRightBeyond49Days) {
  const std::uint64_t days = 24 * 3'600'000;
  const Peer peer = old_->open();
  ConnectionBench& old = *old_;
  old.loop.get()->time += 50 * days;  // until the loop runs again
  EXPECT_GE(old.last().age_ms(), 50 * days);
  EXPECT_LT(old.last().age_ms(), 51 * days);

  ConnectionState state = old.last().save();
  state.opened_ms = 100 * days;
  const auto sent = decode_connection(encode(state).bytes());
  ASSERT_TRUE(sent);
  const ClientConnection moved(new_.context, *sent, ClientTransport(FileDescriptor(::dup(old.last().descriptor()))));
  new_.loop.get()->time = 200 * days;
  EXPECT_EQ(moved.age_ms(), 100 * days);
}

TEST_F(ClientConnectionHandover, ItsIdleTimeIsRightBeyond49Days) {
  const std::uint64_t days = 24 * 3'600'000;
  const Peer peer = old_->open();
  ConnectionBench& old = *old_;
  old.loop.get()->time += 300 * days;
  EXPECT_GE(old.last().idle_ms(), 300 * days);
  EXPECT_LT(old.last().idle_ms(), 301 * days);

  ConnectionState state = old.last().save();
  state.last_message_ms = 1000 * days;
  const auto sent = decode_connection(encode(state).bytes());
  ASSERT_TRUE(sent);
  const ClientConnection moved(new_.context, *sent, ClientTransport(FileDescriptor(::dup(old.last().descriptor()))));
  new_.loop.get()->time = 1100 * days;
  EXPECT_EQ(moved.idle_ms(), 100 * days);
}

TEST_F(ClientConnectionHandover, AQuietOneGoesOnAndTheClientSeesNothing) {
  Peer peer = old_->open();
  hand_over();
  EXPECT_EQ(peer.receive(), "");
  EXPECT_FALSE(peer.ended());
  peer.send(client_frame(0x81, "hello"));
  new_.turn();
  EXPECT_EQ(parse_frames(peer.receive()), (Frames{{0x81, "hello"}}));
  EXPECT_EQ(old_events_, Events{"open"}) << "no on_close: it is not closed";
  EXPECT_EQ(new_events_, (Events{"resume /chat", "message hello"}));
  EXPECT_EQ(moved().id(), 1U);
  EXPECT_EQ(moved().remote_address(), "192.0.2.7");
  EXPECT_EQ(moved().request().query(), "room=1");
  EXPECT_EQ(new_.counters.connections.get(), 1U);
  peer.hang_up();
  new_.turn();
  EXPECT_EQ(new_events_.back(), "close 1006 unclean");
  EXPECT_EQ(new_.counters.connections.get(), 0U);
}

TEST_F(ClientConnectionHandover, MovesAtAnyByteOfARequestAndOfMessages) {
  const std::string input = std::string(plain_handshake) + client_frame(0x81, "hello") + client_frame(0x02, "two ") +
                            client_frame(0x89, "ping") + client_frame(0x80, "parts");
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    old_events_.clear();
    new_events_.clear();
    old_ = std::make_unique<ConnectionBench>(old_app_);
    new_.connections.clear();
    Peer peer = old_->connect();
    if (cut > 0) peer.send(input.substr(0, cut));
    old_->turn();
    hand_over();
    if (cut < input.size()) peer.send(input.substr(cut));
    new_.turn();
    ASSERT_EQ(peer.receive(plain_answer.size()), plain_answer) << cut;
    ASSERT_EQ(parse_frames(peer.receive()), (Frames{{0x81, "hello"}, {0x8A, "ping"}, {0x82, "two parts"}})) << cut;
    Events heard = old_events_;
    heard.insert(heard.end(), new_events_.begin(), new_events_.end());
    ASSERT_EQ(std::erase(heard, "resume /chat"), cut >= plain_handshake.size() ? 1 : 0) << cut;
    ASSERT_EQ(heard, (Events{"open", "message hello", "message two parts"})) << cut;
  }
}

TEST_F(ClientConnectionHandover, WhatWaitsToBeSentArrivesOnceAndInOrder) {
  Peer peer = old_->open();
  std::size_t sent = 0;
  while (old_->last().buffered_bytes() < 200'000) {
    EXPECT_NE(old_->last().send({std::to_string(sent++), std::string(10'000, '.')}, MessageType::text),
              SendResult::dropped);
    old_->end_turn();
  }
  const std::size_t waiting = old_->last().buffered_bytes();
  hand_over();
  EXPECT_EQ(moved().buffered_bytes(), waiting);
  moved().ping();
  EXPECT_EQ(moved().send("last", MessageType::text), SendResult::queued);
  std::string stream;
  for (int i = 0; i < 1000 && moved().buffered_bytes() > 0; ++i) {
    stream += peer.receive();
    new_.turn();
  }
  auto frames = parse_frames(stream + peer.receive());
  EXPECT_EQ(std::erase(frames, Frame{0x89, ""}), 1);
  ASSERT_EQ(frames.size(), sent + 1);
  for (std::size_t i = 0; i < sent; ++i)
    ASSERT_EQ(frames[i].payload.substr(0, frames[i].payload.find('.')), std::to_string(i));
  EXPECT_EQ(frames.back().payload, "last");
}

TEST_F(ClientConnectionHandover, AFullQueueIsStillFullAndDrainsThere) {
  Peer peer = old_->open();
  const std::string large(2'000'000, 'x');
  EXPECT_EQ(old_->last().send(large, MessageType::text), SendResult::queued);
  old_->end_turn();
  EXPECT_EQ(old_events_, (Events{"open", "full"}));
  hand_over();
  for (int i = 0; i < 1000 && moved().buffered_bytes() > 0; ++i) {
    peer.receive();
    new_.turn();
  }
  EXPECT_EQ(new_events_, (Events{"resume /chat", "drain"}));
}

TEST_F(ClientConnectionHandover, APausedOneStaysPausedWithWhatItHeld) {
  Peer peer = old_->open();
  old_->last().pause_receive();
  peer.send(client_frame(0x81, "in the kernel"));
  hand_over();
  new_.turn();
  EXPECT_EQ(new_events_, Events{"resume /chat"});
  moved().resume_receive();
  new_.end_turn();
  new_.turn();
  EXPECT_EQ(new_events_, (Events{"resume /chat", "message in the kernel"}));
}

TEST_F(ClientConnectionHandover, HeldMessagesAreHeardInOrderThere) {
  old_app_.on_message = [this](Connection& connection, Message message) {
    old_events_.emplace_back(message.data);
    connection.pause_receive();
  };
  old_ = std::make_unique<ConnectionBench>(old_app_);
  Peer peer = old_->open();
  const std::string last = client_frame(0x81, "four");
  peer.send(client_frame(0x81, "one") + client_frame(0x81, "two") + client_frame(0x81, "three") + last.substr(0, 7));
  old_->turn();
  EXPECT_EQ(old_events_, (Events{"open", "one"}));
  hand_over();
  EXPECT_EQ(new_events_, Events{"resume /chat"});
  peer.send(last.substr(7));
  moved().resume_receive();
  new_.end_turn();
  new_.turn();
  EXPECT_EQ(new_events_, (Events{"resume /chat", "message two", "message three", "message four"}));
}

TEST_F(ClientConnectionHandover, OneThatAwaitsThePeersCloseGoesOnAwaitingIt) {
  Peer peer = old_->open();
  old_->last().close(4000, "bye");
  old_->end_turn();
  hand_over();
  EXPECT_EQ(parse_frames(peer.receive()), (Frames{{0x88, close_payload(4000, "bye")}}));
  peer.send(client_frame(0x81, "on its way") + client_frame(0x88, close_payload(4000)));
  new_.turn();
  EXPECT_EQ(new_events_.back(), "close 4000 clean bye");
  EXPECT_EQ(peer.receive(), "");
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(new_.counters.connections.get(), 0U);
  EXPECT_TRUE(new_.is_empty());
}

TEST_F(ClientConnectionHandover, OneWhoseLastBytesWaitSendsThemAndEndsTheStream) {
  Peer peer = old_->open();
  const std::string large(2'000'000, 'x');
  (void)old_->last().send(large, MessageType::text);
  peer.send(client_frame(0x88, close_payload(1000)));
  old_->turn();
  EXPECT_EQ(old_events_.back(), "close 1000 clean");
  hand_over();
  std::string stream;
  for (int i = 0; i < 1000 && !peer.ended(); ++i) {
    stream += peer.receive();
    new_.turn();
  }
  EXPECT_EQ(parse_frames(stream), (Frames{{0x81, large}, {0x88, close_payload(1000)}}));
  EXPECT_TRUE(new_events_.empty()) << "the application has heard its end already";
  EXPECT_TRUE(new_.is_empty());
}

TEST_F(ClientConnectionHandover, AnOnResumeThatThrowsCostsItsConnection1011) {
  App app = recording_echo(new_events_);
  app.on_resume = [](Connection&) { throw 1; };
  ConnectionBench other(std::move(app));
  Peer peer = old_->open();
  const auto state = old_->last().save();
  FileDescriptor socket(::dup(old_->last().descriptor()));
  old_->last().hand_over();
  old_->connections.clear();
  auto resumed = std::make_unique<ClientConnection>(other.context, state, ClientTransport(std::move(socket)));
  auto& here = other.connections.add(std::move(resumed));
  here.attach(state.due_ms);
  here.resume();
  other.end_turn();
  EXPECT_EQ(parse_frames(peer.receive()), (Frames{{0x88, close_payload(1011)}}));
}

TEST_F(ClientConnectionHandover, SavingChangesNothingForOneThatStays) {
  Peer peer = old_->open();
  peer.send(client_frame(0x01, "two ") + client_frame(0x80, "parts").substr(0, 8));
  old_->turn();
  const auto state = old_->last().save();
  EXPECT_EQ(state, old_->last().save());
  peer.send(client_frame(0x80, "parts").substr(8));
  old_->turn();
  EXPECT_EQ(parse_frames(peer.receive()), (Frames{{0x81, "two parts"}}));
}

}  // namespace
}  // namespace wsd::worker
