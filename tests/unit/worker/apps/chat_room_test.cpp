#include "worker/apps/chat_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/unit/protocol/requests.h"
#include "worker/client_request.h"

namespace wsd::chat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Texts = std::vector<std::string>;

// A worker that writes down what it is asked to do, and leaves the answers to the test.
class Machine final : public Worker {
 public:
  [[nodiscard]] unsigned slot() const override { return 0; }
  [[nodiscard]] unsigned generation() const override { return 1; }
  [[nodiscard]] std::size_t connection_count() const override { return connections.size(); }
  void for_each_connection(const std::function<void(Connection&)>& /*visit*/) override {}
  [[nodiscard]] Connection* find(ConnectionId id) override {
    const auto found = connections.find(id);
    return found == connections.end() ? nullptr : found->second;
  }
  SendResult publish(std::string_view channel, std::string_view data, MessageType /*type*/) override {
    published.push_back(std::string(channel) + " " + std::string(data));
    return SendResult::sent;
  }
  void publish(std::string_view channel, std::string_view data, MessageType type,
               std::function<void(const Delivery&)> tell) override {
    (void)publish(channel, data, type);
    deliveries.push_back(std::move(tell));
  }
  SendResult deliver(std::string_view channel, std::string_view data, MessageType /*type*/) override {
    delivered.push_back(std::string(channel) + " " + std::string(data));
    return SendResult::sent;
  }
  SendResult send_to(ConnectionId /*id*/, std::string_view /*data*/, MessageType /*type*/) override {
    return SendResult::sent;
  }
  void close_connection(ConnectionId /*id*/, std::uint16_t /*code*/, std::string_view /*reason*/) override {}
  void ask_channel(std::string_view channel, std::function<void(const ChannelInfo&)> tell) override {
    asked.emplace_back(channel);
    answers.push_back(std::move(tell));
  }
  TimerId every(std::chrono::nanoseconds /*interval*/, std::function<void()> /*callback*/) override { return 0; }
  TimerId after(std::chrono::nanoseconds /*delay*/, std::function<void()> /*callback*/) override { return 0; }
  void cancel(TimerId /*timer*/) override {}
  void stop_accepting() override {}
  void log(std::string_view /*line*/) override {}

  std::map<ConnectionId, Connection*> connections;
  Texts published, delivered, asked;
  std::vector<std::function<void(const Delivery&)>> deliveries;
  std::vector<std::function<void(const ChannelInfo&)>> answers;
};

// A client of that worker, and its handshake.
class Client final : public Connection, public Handshake {
 public:
  Client(Machine& machine, ConnectionId id, const std::string& target) : machine_(machine), id_(id) {
    machine.connections[id] = this;
    request_.set_head(protocol::test::parsed("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"));
  }
  ~Client() { machine_.connections.erase(id_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] ConnectionId id() const override { return id_; }
  [[nodiscard]] const Request& request() const override { return request_; }
  [[nodiscard]] std::string_view remote_address() const override { return "192.0.2.7"; }
  [[nodiscard]] Worker& worker() override { return machine_; }
  [[nodiscard]] std::string_view subprotocol() const override { return {}; }
  void set(std::string_view name, std::string_view value) override { attributes[std::string(name)] = value; }
  [[nodiscard]] std::string_view get(std::string_view name) const override {
    const auto found = attributes.find(std::string(name));
    return found == attributes.end() ? std::string_view() : std::string_view(found->second);
  }
  SendResult send(std::string_view data, MessageType /*type*/) override {
    received.emplace_back(data);
    return SendResult::sent;
  }
  SendResult send(std::initializer_list<std::string_view> /*pieces*/, MessageType /*type*/) override {
    return SendResult::dropped;
  }
  void close(std::uint16_t /*code*/, std::string_view /*reason*/) override {}
  void destroy() override {}
  void ping() override {}
  void subscribe(std::string_view channel, std::string_view name) override {
    subscribed.push_back(std::string(channel) + (name.empty() ? "" : " as ") + std::string(name));
    channels.emplace(channel);
  }
  void unsubscribe(std::string_view channel) override { channels.erase(std::string(channel)); }
  [[nodiscard]] bool is_subscribed(std::string_view channel) const override {
    return channels.contains(std::string(channel));
  }
  SendResult publish(std::string_view /*channel*/, std::string_view /*data*/, MessageType /*type*/) override {
    return SendResult::dropped;
  }
  void pause_receive() override {}
  void resume_receive() override {}
  [[nodiscard]] std::size_t buffered_bytes() const override { return 0; }

  void refuse(std::uint16_t status, std::string_view /*body*/) override { refused = status; }
  [[nodiscard]] std::vector<std::string_view> offered_subprotocols() const override { return {}; }
  void select_subprotocol(std::string_view /*name*/) override {}
  void add_header(std::string_view /*name*/, std::string_view /*value*/) override {}

  // What it received since this was asked last.
  Texts take_received() { return std::exchange(received, {}); }

  std::map<std::string, std::string> attributes;
  std::set<std::string> channels;
  Texts subscribed, received;
  int refused = 0;

 private:
  Machine& machine_;
  ConnectionId id_;
  worker::ClientRequest request_{"192.0.2.7"};
};

class ChatRoom : public testing::Test {
 protected:
  void enter(Client& client, const std::string& name) {
    rooms.handle_handshake(client.request(), client);
    rooms.handle_open(client);
    say(client, R"({"type":"join","name":")" + name + R"("})");
    answer(client, name, true);
    (void)client.take_received();
  }

  // The server's to the subscription.
  void answer(Client& client, std::string_view name, bool accepted) {
    const std::vector<Member> members{{client.id(), name}};
    Subscription subscription;
    subscription.channel = "chat/cats";
    subscription.name = name;
    subscription.accepted = accepted;
    subscription.members = members;
    rooms.handle_subscribed(client, subscription);
  }

  void say(Client& client, std::string_view json) { rooms.handle_message(client, {.data = json}); }

  Machine machine;
  Rooms rooms{"chat", {}, {}};
};

TEST_F(ChatRoom, IsWhereThePathSays) {
  Client client(machine, 7, "/chat/cats");
  rooms.handle_handshake(client.request(), client);
  EXPECT_EQ(client.refused, 0);
  EXPECT_EQ(client.get("room"), "cats");
  Client lost(machine, 8, "/somewhere");
  rooms.handle_handshake(lost.request(), lost);
  EXPECT_EQ(lost.refused, 404);
}

TEST_F(ChatRoom, IsEnteredByAMessage) {
  Client client(machine, 7, "/chat/cats");
  rooms.handle_handshake(client.request(), client);
  rooms.handle_open(client);
  EXPECT_THAT(client.subscribed, IsEmpty());
  say(client, R"({"type":"join","name":"Alice"})");
  EXPECT_THAT(client.subscribed, ElementsAre("chat-member/cats/7", "chat/cats as Alice"))
      << "its own channel first: who hears of it may tell it something at once";
  EXPECT_THAT(client.received, IsEmpty());
  say(client, R"({"type":"say","text":"too early"})");
  EXPECT_THAT(client.take_received(), ElementsAre(HasSubstr("not_joined")));

  answer(client, "Alice", true);
  EXPECT_THAT(client.take_received(),
              ElementsAre(StartsWith(R"({"type":"welcome","id":"7","room":"cats","name":"Alice",)")));
  say(client, R"({"type":"say","text":"now"})");
  EXPECT_THAT(machine.published,
              ElementsAre(StartsWith(R"(chat/cats {"type":"said","id":"7","name":"Alice","text":"now",)")));
  EXPECT_THAT(client.received, IsEmpty());
}

TEST_F(ChatRoom, IsEnteredByTheAddressToo) {
  Client client(machine, 7, "/chat/cats?name=+Alice+");
  rooms.handle_handshake(client.request(), client);
  rooms.handle_open(client);
  EXPECT_THAT(client.subscribed, ElementsAre("chat-member/cats/7", "chat/cats as Alice"));
  Client bad(machine, 8, "/chat/cats?name=+");
  rooms.handle_handshake(bad.request(), bad);
  rooms.handle_open(bad);
  EXPECT_THAT(bad.subscribed, IsEmpty());
  EXPECT_THAT(bad.received, ElementsAre(HasSubstr("name_invalid")));
}

TEST_F(ChatRoom, ATakenNameLeavesOneOutside) {
  Client client(machine, 7, "/chat/cats");
  rooms.handle_handshake(client.request(), client);
  say(client, R"({"type":"join","name":"Alice"})");
  client.channels.erase("chat/cats");  // as the server does before it tells
  answer(client, "Alice", false);
  EXPECT_THAT(client.take_received(), ElementsAre(HasSubstr("name_taken")));
  EXPECT_THAT(client.channels, IsEmpty());
  say(client, R"({"type":"say","text":"x"})");
  EXPECT_THAT(client.take_received(), ElementsAre(HasSubstr("not_joined")));
}

TEST_F(ChatRoom, ATakenNewNameLeavesTheOldOne) {
  Client client(machine, 7, "/chat/cats");
  enter(client, "Alice");
  say(client, R"({"type":"join","name":"Bob"})");
  answer(client, "Bob", false);
  EXPECT_THAT(client.take_received(), ElementsAre(HasSubstr("name_taken")));
  EXPECT_EQ(client.get("name"), "Alice");
  EXPECT_TRUE(client.is_subscribed("chat-member/cats/7"));
}

TEST_F(ChatRoom, IsLeftByAMessage) {
  Client client(machine, 7, "/chat/cats");
  enter(client, "Alice");
  say(client, R"({"type":"leave"})");
  EXPECT_THAT(client.channels, IsEmpty());
  EXPECT_THAT(client.take_received(), ElementsAre(R"({"type":"left","id":"7","name":"Alice"})"));
  for (const std::string_view message : {R"({"type":"leave"})", R"({"type":"say","text":"x"})", R"({"type":"members"})",
                                         R"({"type":"tell","to":"8","text":"x"})"}) {
    say(client, message);
    EXPECT_THAT(client.take_received(), ElementsAre(HasSubstr("not_joined"))) << message;
  }
  EXPECT_THAT(machine.published, IsEmpty());
}

TEST_F(ChatRoom, TellsOneMemberAloneAndTheSenderHowItWent) {
  Client client(machine, 7, "/chat/cats");
  enter(client, "Alice");
  say(client, R"({"type":"tell","to":"8","text":"psst"})");
  EXPECT_THAT(machine.published,
              ElementsAre(StartsWith(R"(chat-member/cats/8 {"type":"told","id":"7","name":"Alice","text":"psst",)")));
  EXPECT_THAT(client.received, IsEmpty());
  machine.deliveries.at(0)({.subscribers = 1});
  EXPECT_THAT(client.take_received(), ElementsAre(HasSubstr(R"("to":"8")")));
  say(client, R"({"type":"tell","to":"9","text":"psst"})");
  machine.deliveries.at(1)({.subscribers = 0});
  EXPECT_THAT(client.take_received(), ElementsAre(HasSubstr("no_such_member")));
}

TEST_F(ChatRoom, AnswersThatComeWhenTheClientIsGoneAreNobodys) {
  {
    Client client(machine, 7, "/chat/cats");
    enter(client, "Alice");
    say(client, R"({"type":"tell","to":"8","text":"psst"})");
    say(client, R"({"type":"members"})");
    rooms.handle_close(client);
  }
  machine.deliveries.at(0)({.subscribers = 1});
  machine.answers.at(0)({});
}

TEST_F(ChatRoom, ListsItsMembersOnRequest) {
  Client client(machine, 7, "/chat/cats");
  enter(client, "Alice");
  say(client, R"({"type":"members"})");
  EXPECT_THAT(machine.asked, ElementsAre("chat/cats"));
  const std::vector<Member> members{{7, "Alice"}, {8, "Bob"}};
  machine.answers.at(0)({.channel = "chat/cats", .subscribers = 2, .members = members});
  EXPECT_THAT(client.received, ElementsAre(StartsWith(R"({"type":"members","count":2,)")));
}

TEST_F(ChatRoom, SlowsDownWhoIsTooFast) {
  Client client(machine, 7, "/chat/cats");
  Client other(machine, 8, "/chat/cats");
  enter(client, "Alice");
  enter(other, "Bob");
  for (int i = 0; i < 9; ++i) say(client, R"({"type":"say","text":"spam"})");  // the join was the first of ten
  EXPECT_THAT(client.received, IsEmpty());
  say(client, R"({"type":"say","text":"one too many"})");
  EXPECT_THAT(client.take_received(), ElementsAre(HasSubstr("too_fast")));
  EXPECT_EQ(machine.published.size(), 9U);
  say(other, R"({"type":"say","text":"I was quiet"})");
  EXPECT_THAT(other.received, IsEmpty());
}

TEST_F(ChatRoom, RefusesBinaryMessages) {
  Client client(machine, 7, "/chat/cats");
  enter(client, "Alice");
  rooms.handle_message(client, {.data = R"({"type":"leave"})", .type = MessageType::binary});
  EXPECT_THAT(client.received, ElementsAre(HasSubstr("bad_message")));
  EXPECT_EQ(client.get("name"), "Alice");
}

TEST_F(ChatRoom, HearsWhoComesAndGoes) {
  rooms.handle_join(machine, "chat/cats", {8, "Bob"}, 2);
  rooms.handle_leave(machine, "chat/cats", {8, "Bob"}, 1);
  rooms.handle_join(machine, "other/cats", {8, "Bob"}, 2);
  const std::vector<Member> members{{7, "Alice"}};
  rooms.handle_members(machine, "chat/cats", members);
  EXPECT_THAT(machine.delivered, ElementsAre(R"(chat/cats {"type":"joined","id":"8","name":"Bob","count":2})",
                                             R"(chat/cats {"type":"left","id":"8","name":"Bob","count":1})",
                                             StartsWith(R"(chat/cats {"type":"members","count":1,)")));
}

TEST_F(ChatRoom, ACrowdHearsHowManyItIsNowAndThen) {
  for (std::size_t n = 199; n <= 1000; ++n) rooms.handle_join(machine, "chat/cats", {n, "x"}, n);
  ASSERT_GT(machine.delivered.size(), 4U);
  EXPECT_THAT(machine.delivered[1], StartsWith(R"(chat/cats {"type":"joined")"));
  EXPECT_EQ(machine.delivered[2], R"(chat/cats {"type":"count","count":201})");
  EXPECT_EQ(machine.delivered[3], R"(chat/cats {"type":"count","count":204})");
  EXPECT_LT(machine.delivered.size(), 180U);

  machine.delivered.clear();
  for (std::size_t n = 999; n >= 200; --n) rooms.handle_leave(machine, "chat/cats", {n, "x"}, n);
  EXPECT_LT(machine.delivered.size(), 180U);
  EXPECT_THAT(machine.delivered.front(), StartsWith(R"(chat/cats {"type":"count","count":98)"));
  EXPECT_THAT(machine.asked, ElementsAre("chat/cats")) << "no crowd any more: now its members get to know one another";
  const std::vector<Member> members{{7, "Alice"}};
  machine.answers.at(0)({.channel = "chat/cats", .members = members});
  EXPECT_THAT(machine.delivered.back(), StartsWith(R"(chat/cats {"type":"members",)"));

  machine.delivered.clear();
  rooms.handle_leave(machine, "chat/cats", {8, "x"}, 199);
  rooms.handle_join(machine, "chat/cats", {8, "x"}, 201);
  EXPECT_THAT(machine.delivered, ElementsAre(HasSubstr("left"), R"(chat/cats {"type":"count","count":201})"));
}

TEST(ServeRooms, SaysWhichChannelsKeepWhat) {
  App app;
  serve_rooms(
      app,
      {.name = "danmaku", .has_looks = true, .channel = {.slow_consumer = SlowConsumer::drop_oldest, .history = 50}});
  EXPECT_EQ(app.channels.size(), 2U);
  EXPECT_EQ(app.channels.at("danmaku/").history, 50U);
  EXPECT_EQ(app.channels.at("danmaku-member/").history, 0U);
  EXPECT_EQ(app.channels.at("danmaku-member/").slow_consumer, SlowConsumer::drop_oldest);
}

TEST(ServeRooms, RefusesSettingsThatAreNone) {
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"rate", "0"},
                                                                                   {"rate", "fast"},
                                                                                   {"rate", "-1"},
                                                                                   {"rate", ""},
                                                                                   {"max_text", "0"},
                                                                                   {"max_text", "1e3"},
                                                                                   {"max_text", "100001"}}) {
    App app;
    app.settings[key] = value;
    EXPECT_THROW(serve_rooms(app, {.name = "chat", .channel = {}}), std::invalid_argument) << key << "=" << value;
  }
}

}  // namespace
}  // namespace wsd::chat
