// Channels of one worker, from subscribe() to the bytes on the wire: connections, channels and bus are real.
#include "worker/channels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/unit/worker/support/connection_bench.h"
#include "worker/connection_state.h"

namespace wsd::worker {
namespace {

using namespace std::chrono_literals;
using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;

std::string text_of(const Member& member) {
  return std::to_string(member.id) + "=" + std::string(member.name);
}

class ChannelsTest : public testing::Test {
 protected:
  static App app_with(std::map<std::string, ChannelOptions, std::less<>> channels) {
    App app;
    app.channels = std::move(channels);
    return app;
  }
  App app_that_writes_down() {
    App app = app_with({{"room/", {.history = 3, .presence = true, .unique_names = true, .listed_members = 2}}});
    app.on_subscribed = [this](Connection& connection, const Subscription& subscription) {
      std::string event = std::to_string(connection.id()) + (subscription.accepted ? " in " : " not in ");
      event += std::string(subscription.channel) + " as " + std::string(subscription.name);
      for (const Member& member : subscription.members) event += " " + text_of(member);
      if (subscription.accepted) event += " of " + std::to_string(subscription.member_count);
      for (const PastMessage& past : subscription.history) event += " \"" + std::string(past.data) + "\"";
      events_.push_back(event);
    };
    app.on_join = [this](Worker&, std::string_view, const Member& member, std::size_t count) {
      events_.push_back("+" + text_of(member) + " " + std::to_string(count));
    };
    app.on_leave = [this](Worker&, std::string_view, const Member& member, std::size_t count) {
      events_.push_back("-" + text_of(member) + " " + std::to_string(count));
    };
    return app;
  }
  Events heard() { return std::exchange(events_, {}); }

  Events events_;
};

// Clients of a bench, each with its connection.
struct Clients {
  explicit Clients(ConnectionBench& bench_, std::size_t count = 0) : bench(bench_) {
    for (std::size_t i = 0; i < count; ++i) add();
  }
  ClientConnection& add() {
    peers.push_back(bench.open());
    ids.push_back(bench.last_id());
    return bench.last();
  }
  ClientConnection& operator[](std::size_t i) { return bench.connections.at(ids[i]); }
  Frames read(std::size_t i) { return parse_frames(peers[i].receive()); }

  ConnectionBench& bench;
  std::vector<Peer> peers;
  std::vector<ConnectionId> ids;
};

TEST_F(ChannelsTest, AMessageReachesEverySubscriberButItsPublisher) {
  ConnectionBench bench{App{}};
  Clients clients(bench, 4);
  for (std::size_t i = 0; i < 3; ++i) clients[i].subscribe("news", {});
  EXPECT_EQ(clients[0].publish("news", "hello", MessageType::text), SendResult::sent);
  EXPECT_EQ(clients[3].publish("news", "\1", MessageType::binary), SendResult::sent) << "it need not be subscribed";
  EXPECT_EQ(bench.channels.publish("news", "all", MessageType::text), SendResult::sent);
  bench.end_turn();
  EXPECT_EQ(clients.read(0), (Frames{{0x82, "\1"}, {0x81, "all"}}));
  EXPECT_EQ(clients.read(1), (Frames{{0x81, "hello"}, {0x82, "\1"}, {0x81, "all"}}));
  EXPECT_EQ(clients.read(2), (Frames{{0x81, "hello"}, {0x82, "\1"}, {0x81, "all"}}));
  EXPECT_THAT(clients.read(3), IsEmpty());
  EXPECT_EQ(bench.counters.published.get(), 3U);
  EXPECT_EQ(bench.counters.messages_out.get(), 8U);
}

TEST_F(ChannelsTest, WhoHasLeftGetsNothingMore) {
  ConnectionBench bench{App{}};
  Clients clients(bench, 2);
  for (std::size_t i = 0; i < 2; ++i) clients[i].subscribe("news", {});
  EXPECT_TRUE(clients[0].is_subscribed("news"));
  clients[0].unsubscribe("news");
  clients[0].unsubscribe("news");
  clients[0].unsubscribe("never heard of");
  EXPECT_FALSE(clients[0].is_subscribed("news"));
  EXPECT_FALSE(clients[0].is_subscribed("never heard of"));
  bench.channels.publish("news", "hello", MessageType::text);
  bench.end_turn();
  EXPECT_THAT(clients.read(0), IsEmpty());
  EXPECT_EQ(clients.read(1), (Frames{{0x81, "hello"}}));
}

TEST_F(ChannelsTest, SubscribedTwiceIsSubscribedOnce) {
  ConnectionBench bench{App{}};
  Clients clients(bench, 1);
  clients[0].subscribe("news", {});
  clients[0].subscribe("news", "a name");
  EXPECT_EQ(bench.channels.count_subscribers("news"), 1U);
  bench.channels.publish("news", "hello", MessageType::text);
  bench.end_turn();
  EXPECT_EQ(clients.read(0), (Frames{{0x81, "hello"}}));
}

TEST_F(ChannelsTest, NamesThatAreNoneAreRefused) {
  ConnectionBench bench{App{}};
  Clients clients(bench, 1);
  const std::string longest(255, 'x');
  for (const std::string& channel : {std::string(), longest + "x", std::string("\xff"), std::string("\xed\xa0\x80")}) {
    EXPECT_THROW(clients[0].subscribe(channel, {}), std::invalid_argument);
    EXPECT_EQ(clients[0].publish(channel, "data", MessageType::text), SendResult::dropped);
    EXPECT_NO_THROW(clients[0].unsubscribe(channel));
    EXPECT_FALSE(clients[0].is_subscribed(channel));
  }
  EXPECT_THROW(clients[0].subscribe("news", longest + "x"), std::invalid_argument);
  EXPECT_THROW(clients[0].subscribe("news", "\xff"), std::invalid_argument);
  EXPECT_FALSE(clients[0].is_subscribed("news"));
  clients[0].subscribe(longest, longest);
  EXPECT_TRUE(clients[0].is_subscribed(longest));
}

TEST_F(ChannelsTest, TheLongestPrefixThatFitsCounts) {
  ConnectionBench bench{app_with({{"", {.history = 1}},
                                  {"a", {.history = 2}},
                                  {"a/b", {.history = 3}},
                                  {"a/c", {.history = 4}},
                                  {"b", {.history = 5}}})};
  const auto kept = [&](std::string_view channel) { return bench.channels.options_of(channel).history; };
  EXPECT_EQ(kept("a"), 2U);
  EXPECT_EQ(kept("a/"), 2U);
  EXPECT_EQ(kept("a/b"), 3U);
  EXPECT_EQ(kept("a/bz"), 3U);
  EXPECT_EQ(kept("a/ca"), 4U);
  EXPECT_EQ(kept("a/d"), 2U);
  EXPECT_EQ(kept("bb"), 5U);
  EXPECT_EQ(kept("c"), 1U);
  EXPECT_EQ(kept("A"), 1U);
}

// ---- presence and history -------------------------------------------------------------------------------------------

TEST_F(ChannelsTest, WhoJoinsARoomLearnsWhoIsThereAndWhatWasSaid) {
  ConnectionBench bench{app_that_writes_down()};
  Clients clients(bench, 3);
  clients[0].subscribe("room/1", "Ann");
  EXPECT_FALSE(clients[0].is_subscribed("room/1")) << "not before on_subscribed";
  EXPECT_THAT(heard(), IsEmpty()) << "no call from an application calls one back";
  bench.end_turn();
  EXPECT_TRUE(clients[0].is_subscribed("room/1"));
  EXPECT_THAT(heard(), ElementsAre("+1=Ann 1", "1 in room/1 as Ann 1=Ann of 1"));
  for (const char* text : {"1", "2", "3", "4"}) clients[0].publish("room/1", text, MessageType::text);
  bench.end_turn();
  clients[1].subscribe("room/1", "Bob");
  clients[2].subscribe("room/1", {});
  bench.channels.publish("room/1", "later", MessageType::text);
  bench.end_turn();
  EXPECT_THAT(heard(), ElementsAre("+2=Bob 2", "2 in room/1 as Bob 1=Ann 2=Bob of 2 \"2\" \"3\" \"4\"", "+3= 3",
                                   "3 in room/1 as  1=Ann 2=Bob of 3 \"2\" \"3\" \"4\""));
  EXPECT_EQ(clients.read(0), (Frames{{0x81, "later"}}));
  EXPECT_EQ(clients.read(1), (Frames{{0x81, "later"}}));
  clients[0].unsubscribe("room/1");
  bench.end_turn();
  EXPECT_THAT(heard(), ElementsAre("-1=Ann 2"));
}

TEST_F(ChannelsTest, ATakenNameIsRefusedAndFreeAgainWhenItsMemberLeaves) {
  ConnectionBench bench{app_that_writes_down()};
  Clients clients(bench, 2);
  clients[0].subscribe("room/1", "Ann");
  clients[1].subscribe("room/1", "Ann");
  bench.end_turn();
  EXPECT_THAT(heard(), ElementsAre("+1=Ann 1", "1 in room/1 as Ann 1=Ann of 1", "2 not in room/1 as Ann"));
  EXPECT_FALSE(clients[1].is_subscribed("room/1"));
  clients[0].destroy();
  bench.end_turn();
  clients[1].subscribe("room/1", "Ann");
  bench.end_turn();
  EXPECT_THAT(heard(), ElementsAre("+2=Ann 1", "2 in room/1 as Ann 2=Ann of 1")) << "nobody was there to hear it leave";
}

TEST_F(ChannelsTest, AnotherNameIsTakenOrTheOldOneKept) {
  ConnectionBench bench{app_that_writes_down()};
  Clients clients(bench, 2);
  clients[0].subscribe("room/1", "Ann");
  clients[1].subscribe("room/1", "Bob");
  bench.end_turn();
  heard();
  clients[1].subscribe("room/1", "Ann");
  bench.end_turn();
  EXPECT_THAT(heard(), ElementsAre("2 not in room/1 as Ann"));
  EXPECT_TRUE(clients[1].is_subscribed("room/1")) << "as Bob";
  clients[1].subscribe("room/1", "Cid");
  bench.end_turn();
  EXPECT_THAT(heard(), ElementsAre("-2=Bob 1", "+2=Cid 2", "2 in room/1 as Cid 1=Ann 2=Cid of 2"));
  clients[1].subscribe("room/1", "Cid");
  bench.end_turn();
  EXPECT_THAT(heard(), IsEmpty());
  clients[1].subscribe("room/1", "Bob");
  clients[1].subscribe("room/1", "Ann");
  bench.end_turn();
  clients[1].unsubscribe("room/1");
  bench.end_turn();
  EXPECT_THAT(heard(), ElementsAre("-2=Cid 1", "+2=Bob 2", "2 not in room/1 as Ann", "-2=Bob 1"));
}

TEST_F(ChannelsTest, OfTwoNamesAskedForAtOnceTheFirstIsNotLeftBehind) {
  ConnectionBench bench{app_that_writes_down()};
  Clients clients(bench, 3);
  clients[0].subscribe("room/1", "Ann");
  clients[1].subscribe("room/1", "Bob");
  clients[1].subscribe("room/1", "Ann");
  bench.end_turn();
  heard();
  EXPECT_FALSE(clients[1].is_subscribed("room/1"));
  clients[2].subscribe("room/1", "Bob");
  bench.end_turn();
  EXPECT_THAT(heard(), ElementsAre("+3=Bob 2", "3 in room/1 as Bob 1=Ann 3=Bob of 2"));
}

TEST_F(ChannelsTest, LeavingBeforeTheAnswerLeavesNothing) {
  ConnectionBench bench{app_that_writes_down()};
  Clients clients(bench, 2);
  clients[0].subscribe("room/1", "Ann");
  clients[0].unsubscribe("room/1");
  bench.end_turn();
  clients[0].subscribe("room/1", "Ann");
  clients[0].destroy();
  bench.end_turn();
  heard();
  clients[1].subscribe("room/1", "Ann");
  bench.end_turn();
  EXPECT_THAT(heard(), ElementsAre("+2=Ann 1", "2 in room/1 as Ann 2=Ann of 1"));
}

// ---- batches --------------------------------------------------------------------------------------------------------

constexpr ChannelOptions batched{.batch = 5ms};

TEST_F(ChannelsTest, MessagesOfABatchLeaveAsOneArrayEachWithoutItsOwn) {
  ConnectionBench bench{app_with({{"danmaku", batched}})};
  Clients clients(bench, 3);
  for (std::size_t i = 0; i < 3; ++i) clients[i].subscribe("danmaku", {});
  clients[0].publish("danmaku", "1", MessageType::text);
  clients[1].publish("danmaku", "\"two\"", MessageType::text);
  bench.channels.publish("danmaku", "{}", MessageType::text);
  bench.end_turn();
  EXPECT_THAT(clients.read(2), IsEmpty()) << "it waits";
  bench.run_until([&] { return bench.counters.messages_out.get() == 3; });
  EXPECT_EQ(clients.read(0), (Frames{{0x81, "[\"two\",{}]"}}));
  EXPECT_EQ(clients.read(1), (Frames{{0x81, "[1,{}]"}}));
  EXPECT_EQ(clients.read(2), (Frames{{0x81, "[1,\"two\",{}]"}}));
}

TEST_F(ChannelsTest, WhoAloneHasSpokenInABatchGetsNothing) {
  ConnectionBench bench{app_with({{"danmaku", batched}})};
  Clients clients(bench, 2);
  for (std::size_t i = 0; i < 2; ++i) clients[i].subscribe("danmaku", {});
  clients[0].publish("danmaku", "1", MessageType::text);
  bench.run_until([&] { return bench.counters.messages_out.get() == 1; });
  EXPECT_THAT(clients.read(0), IsEmpty());
  EXPECT_EQ(clients.read(1), (Frames{{0x81, "[1]"}}));
}

TEST_F(ChannelsTest, OfValuesThatReplaceOneAnotherTheNewestLeavesAsItIs) {
  ConnectionBench bench{app_with({{"price", {.batch = 5ms, .newest_only = true}}})};
  Clients clients(bench, 1);
  clients[0].subscribe("price", {});
  bench.channels.publish("price", "1", MessageType::text);
  bench.channels.publish("price", "2", MessageType::text);
  bench.channels.publish("price", "3", MessageType::binary);
  bench.run_until([&] { return bench.counters.messages_out.get() == 1; });
  bench.channels.publish("price", "4", MessageType::text);
  bench.run_until([&] { return bench.counters.messages_out.get() == 2; });
  EXPECT_EQ(clients.read(0), (Frames{{0x82, "3"}, {0x81, "4"}}));
}

TEST_F(ChannelsTest, ABinaryMessageLeavesAtOnceBehindWhatCameBeforeIt) {
  ConnectionBench bench{app_with({{"danmaku", batched}})};
  Clients clients(bench, 1);
  clients[0].subscribe("danmaku", {});
  for (const char* text : {"1", "2"}) bench.channels.publish("danmaku", text, MessageType::text);
  bench.channels.publish("danmaku", "b", MessageType::binary);
  bench.channels.publish("danmaku", "3", MessageType::text);
  bench.end_turn();
  EXPECT_EQ(clients.read(0), (Frames{{0x81, "[1,2]"}, {0x82, "b"}}));
  bench.run_until([&] { return bench.counters.messages_out.get() == 3; });
  EXPECT_EQ(clients.read(0), (Frames{{0x81, "[3]"}}));
}

TEST_F(ChannelsTest, AFullBatchDoesNotWait) {
  ConnectionBench bench{app_with({{"danmaku", {.batch = 1h}}})};
  Clients clients(bench, 1);
  clients[0].subscribe("danmaku", {});
  const std::string large = "\"" + std::string(99'998, 'x') + "\"";
  for (int i = 0; i < 3; ++i) bench.channels.publish("danmaku", large, MessageType::text);
  std::string stream;
  for (int i = 0; i < 100; ++i) stream += clients.peers[0].receive(), bench.turn();
  EXPECT_EQ(parse_frames(stream), (Frames{{0x81, "[" + large + "," + large + "," + large + "]"}}));
  bench.channels.publish("danmaku", "1", MessageType::text);
  bench.channels.send_all();
  bench.end_turn();
  EXPECT_EQ(clients.read(0), (Frames{{0x81, "[1]"}})) << "and a handoff does not wait either";
}

TEST_F(ChannelsTest, WhoJoinsInTheMiddleOfABatchGetsNothingThatWasSaidBefore) {
  ConnectionBench bench{app_with({{"danmaku", {.batch = 5ms, .history = 10}}, {"plain", batched}})};
  Clients clients(bench, 2);
  for (const char* channel : {"danmaku", "plain"}) {
    clients[0].subscribe(channel, {});
    bench.end_turn();
    bench.channels.publish(channel, "1", MessageType::text);
    bench.end_turn();
    clients[1].subscribe(channel, {});
    bench.end_turn();
    bench.channels.publish(channel, "2", MessageType::text);
    bench.end_turn();
    bench.channels.send_all();
    bench.end_turn();
    EXPECT_EQ(clients.read(0), (Frames{{0x81, "[1]"}, {0x81, "[2]"}})) << channel;
    EXPECT_EQ(clients.read(1), (Frames{{0x81, "[2]"}})) << channel << ": 1 is in its history";
  }
}

TEST_F(ChannelsTest, ABatchWhoseSubscribersAreGoneIsForgotten) {
  ConnectionBench bench{app_with({{"danmaku", batched}})};
  Clients clients(bench, 1);
  clients[0].subscribe("danmaku", {});
  bench.channels.publish("danmaku", "1", MessageType::text);
  clients[0].unsubscribe("danmaku");
  clients[0].subscribe("danmaku", {});
  bench.channels.send_all();
  bench.end_turn();
  EXPECT_THAT(clients.read(0), IsEmpty());
}

// ---- those who read slowly ------------------------------------------------------------------------------------------

class SlowConsumers : public ChannelsTest {
 protected:
  static constexpr std::size_t limit = 200'000;
  static constexpr std::size_t size = 10'000;
  static Limits limits() {
    Limits limits;
    limits.send_queue = limit;
    return limits;
  }
  static App app() {
    App app = app_with({{"newest", {.slow_consumer = SlowConsumer::drop_newest}},
                        {"oldest", {.slow_consumer = SlowConsumer::drop_oldest}},
                        {"other", {.slow_consumer = SlowConsumer::drop_oldest}},
                        {"close", {.slow_consumer = SlowConsumer::close}}});
    app.on_buffer_full = [](Connection&) {};
    return app;
  }
  static std::string message(int number) {
    std::string text = std::to_string(number) + ".";
    return text.append(size - text.size(), '.');
  }
  // A turn each, from `first` on.
  void publish(const std::string& channel, int first, int last) {
    for (int i = first; i <= last; ++i) {
      bench_.channels.publish(channel, message(i), MessageType::text);
      bench_.end_turn();
      for (const ClientConnection& connection : bench_.connections) {
        ASSERT_LE(connection.buffered_bytes(), limit + size);
      }
    }
  }
  std::vector<int> read_all(std::size_t client) {
    std::string stream;
    for (int i = 0; i < 2000; ++i) {
      const std::string part = clients_.peers[client].receive();
      bench_.turn();
      if (part.empty() && i > 10 &&
          (bench_.connections.find(clients_.ids[client]) == nullptr || clients_[client].buffered_bytes() == 0))
        break;
      stream += part;
    }
    std::vector<int> numbers;
    for (const Frame& frame : parse_frames(stream)) {
      if (frame.first_byte == 0x88) {
        closes_.push_back(frame.payload);
      } else {
        numbers.push_back(std::stoi(frame.payload));
      }
    }
    return numbers;
  }
  static void expect_rising(const std::vector<int>& numbers) {
    for (std::size_t i = 1; i < numbers.size(); ++i) ASSERT_LT(numbers[i - 1], numbers[i]);
  }

  ConnectionBench bench_{app(), limits()};
  Clients clients_{bench_, 2};
  std::vector<std::string> closes_;
};

TEST_F(SlowConsumers, DroppingTheNewestKeepsWhatWaitsAndCountsTheRest) {
  clients_[0].subscribe("newest", {});
  publish("newest", 0, 199);
  const auto numbers = read_all(0);
  expect_rising(numbers);
  EXPECT_EQ(numbers.size() + bench_.counters.send_dropped.get(), 200U);
  EXPECT_EQ(numbers.back(), static_cast<int>(numbers.size()) - 1) << "the first ones, without a gap";
  EXPECT_LT(numbers.size(), 100U);
}

TEST_F(SlowConsumers, DroppingTheOldestKeepsTheNewestAndCountsTheRest) {
  clients_[0].subscribe("oldest", {});
  publish("oldest", 0, 199);
  const auto numbers = read_all(0);
  expect_rising(numbers);
  EXPECT_EQ(numbers.size() + bench_.counters.send_dropped.get(), 200U);
  ASSERT_GT(numbers.size(), 15U);
  for (std::size_t i = 0; i < 15; ++i) EXPECT_EQ(numbers[numbers.size() - 1 - i], 199 - static_cast<int>(i));
  EXPECT_EQ(numbers.front(), 0) << "what has begun to leave is not given up";
}

TEST_F(SlowConsumers, DroppingTheOldestGivesUpNothingOfAnotherChannelNorAnAnswer) {
  clients_[0].subscribe("oldest", {});
  clients_[0].subscribe("other", {});
  publish("newest", 0, 0);
  // Fill what the kernel takes, then a little of each.
  while (clients_[0].buffered_bytes() == 0) publish("other", 1000, 1000);
  const std::uint64_t before = bench_.counters.messages_out.get();
  publish("other", 1, 4);
  EXPECT_EQ(clients_[0].send("5000", MessageType::text), SendResult::queued);
  publish("oldest", 2000, 2099);
  EXPECT_EQ(bench_.counters.messages_out.get() - before, 105U) << "all were taken";
  auto numbers = read_all(0);
  std::erase(numbers, 1000);
  ASSERT_GE(numbers.size(), 15U);
  EXPECT_EQ((std::vector<int>(numbers.begin(), numbers.begin() + 5)), (std::vector<int>{1, 2, 3, 4, 5000}));
  EXPECT_EQ(numbers.size() + bench_.counters.send_dropped.get(), 105U);
  EXPECT_EQ(numbers.back(), 2099);
}

TEST_F(SlowConsumers, WhereTheOldestAreNotEnoughTheNewestIsDroppedAlone) {
  clients_[0].subscribe("oldest", {});
  while (clients_[0].buffered_bytes() == 0) publish("oldest", 1, 1);
  publish("oldest", 2, 2);
  while (clients_[0].send(message(3), MessageType::text) != SendResult::dropped) continue;
  const std::uint64_t before = bench_.counters.send_dropped.get();
  bench_.channels.publish("oldest", std::string(3 * size, '4'), MessageType::text);
  bench_.end_turn();
  EXPECT_EQ(bench_.counters.send_dropped.get(), before + 1);
  const auto numbers = read_all(0);
  EXPECT_EQ(std::ranges::count(numbers, 2), 1);
}

TEST_F(SlowConsumers, ClosingSays1013AndTheOthersMissNothing) {
  clients_[0].subscribe("close", {});
  clients_[1].subscribe("close", {});
  std::string stream;
  for (int i = 0; i < 100; ++i) {
    publish("close", i, i);
    stream += clients_.peers[1].receive();
  }
  EXPECT_FALSE(clients_[0].is_open());
  EXPECT_EQ(bench_.counters.send_dropped.get(), 1U);
  EXPECT_EQ(parse_frames(stream).size(), 100U);
  expect_rising(read_all(0));
  EXPECT_EQ(closes_, (std::vector<std::string>{close_payload(1013, "it reads too slowly")}));
}

// ---- who comes and goes ---------------------------------------------------------------------------------------------

TEST_F(ChannelsTest, ManyWhoComeAndGoInAnyOrderAreWhereTheySay) {
  ConnectionBench bench{App{}};
  Clients clients(bench, 12);
  std::mt19937 random(7);
  std::map<std::string, std::set<std::size_t>> expected;
  for (int i = 0; i < 4000; ++i) {
    const std::size_t client = random() % 12;
    const std::string channel(1, static_cast<char>('a' + random() % 8));
    if (random() % 2 == 0) {
      clients[client].subscribe(channel, {});
      expected[channel].insert(client);
    } else {
      clients[client].unsubscribe(channel);
      expected[channel].erase(client);
    }
    if (i % 100 != 0) continue;
    for (const auto& [name, members] : expected) {
      ASSERT_EQ(bench.channels.count_subscribers(name), members.size());
      bench.channels.publish(name, name, MessageType::text);
    }
    bench.end_turn();
    for (std::size_t one = 0; one < 12; ++one) {
      Frames frames;
      for (const auto& [name, members] : expected) {
        ASSERT_EQ(clients[one].is_subscribed(name), members.contains(one));
        if (members.contains(one)) frames.push_back({0x81, name});
      }
      ASSERT_EQ(clients.read(one), frames);
    }
  }
}

TEST_F(ChannelsTest, ConnectionsThatEndLeaveTheirChannels) {
  ConnectionBench bench{App{}};
  Clients clients(bench, 3);
  for (std::size_t i = 0; i < 3; ++i) {
    for (const char* channel : {"a", "b", "c"}) clients[i].subscribe(channel, {});
  }
  clients[0].destroy();
  clients.peers[1].hang_up();
  bench.turn();
  bench.turn();
  for (const char* channel : {"a", "b", "c"}) {
    EXPECT_EQ(bench.channels.count_subscribers(channel), 1U);
    bench.channels.publish(channel, channel, MessageType::text);
  }
  bench.end_turn();
  EXPECT_EQ(clients.read(2), (Frames{{0x81, "a"}, {0x81, "b"}, {0x81, "c"}}));
  clients[2].destroy();
  bench.end_turn();
  std::size_t channels = 0;
  bench.channels.for_each_channel([&](std::string_view, std::size_t) { ++channels; });
  EXPECT_EQ(channels, 0U);
}

TEST_F(ChannelsTest, CallbacksMayPublishWhileSubscribersEnd) {
  App app = app_that_writes_down();
  Clients* all = nullptr;
  app.on_message = [&](Connection& connection, Message message) {
    connection.publish("room/1", message.data);
    all->bench.channels.publish("plain", message.data, MessageType::text);
    (*all)[1].destroy();
    connection.publish("room/1", "again");
    connection.close();
    connection.subscribe("too late");
  };
  app.on_close = [](Connection& connection, CloseInfo) {
    connection.publish("plain", "bye");
    connection.publish("room/1", "bye");
    connection.subscribe("too late");
    connection.unsubscribe("plain");
  };
  ConnectionBench bench{std::move(app)};
  Clients clients(bench, 3);
  all = &clients;
  for (std::size_t i = 0; i < 3; ++i) {
    clients[i].subscribe("plain", {});
    clients[i].subscribe("room/1", std::to_string(i));
  }
  bench.end_turn();
  clients.peers[0].send(client_frame(0x81, "hello"));
  bench.turn();
  clients.peers[0].send(client_frame(0x88, close_payload(1000)));
  bench.turn();
  bench.turn();
  std::vector<std::string> texts;
  for (const Frame& frame : clients.read(2)) texts.push_back(frame.payload);
  EXPECT_THAT(texts, ElementsAre("hello", "hello", "again", "bye", "bye", "bye", "bye"));
  EXPECT_EQ(bench.channels.count_subscribers("too late"), 0U);
  EXPECT_EQ(bench.channels.count_subscribers("plain"), 1U);
}

TEST_F(ChannelsTest, AnOnSubscribedThatThrowsCostsItsConnection1011) {
  App app = app_with({{"room", {.history = 1}}});
  app.on_subscribed = [](Connection&, const Subscription&) { throw 1; };
  ConnectionBench bench{std::move(app)};
  Clients clients(bench, 1);
  clients[0].subscribe("room", {});
  bench.end_turn();
  EXPECT_EQ(clients.read(0), (Frames{{0x88, close_payload(1011)}}));
}

// ---- to another worker ----------------------------------------------------------------------------------------------

class ChannelsHandover : public ChannelsTest {
 protected:
  // What Server does on both sides.
  static void hand_over(ConnectionBench& old, ConnectionBench& heir) {
    old.channels.send_all();
    old.end_turn();
    std::vector<std::pair<ConnectionState, FileDescriptor>> handed;
    for (ClientConnection& connection : old.connections) {
      const auto record = encode(connection.save());
      handed.emplace_back(*decode_connection(record.bytes()), FileDescriptor(::dup(connection.descriptor())));
    }
    const MeshBus::State bus = old.bus.save();
    old.bus.hand_over();
    old.channels.hand_over();
    for (ClientConnection& connection : old.connections) (void)connection.hand_over();
    old.connections.clear();
    EXPECT_TRUE(heir.bus.restore(bus.records, {}));
    for (auto& [state, socket] : handed) {
      heir.connections.add(std::make_unique<ClientConnection>(heir.context, state, ClientTransport(std::move(socket))));
    }
    for (auto& [state, socket] : handed) heir.connections.at(state.id).attach(state.due_ms);
    for (auto& [state, socket] : handed) heir.connections.at(state.id).resume();
    heir.end_turn();
  }
};

TEST_F(ChannelsHandover, SubscriptionsMembersAndHistoryGoAlong) {
  ConnectionBench old{app_that_writes_down()};
  ConnectionBench heir{app_that_writes_down(), {}, 2};
  Clients clients(old, 2);
  for (std::size_t i = 0; i < 2; ++i) {
    clients[i].subscribe("plain", {});
    clients[i].subscribe("room/1", std::to_string(i));
  }
  old.end_turn();
  clients[0].publish("room/1", "said before", MessageType::text);
  old.end_turn();
  heard();
  hand_over(old, heir);
  EXPECT_THAT(heard(), IsEmpty()) << "nobody has come or gone";
  const auto connection = [&](std::size_t i) -> ClientConnection& { return heir.connections.at(clients.ids[i]); };
  EXPECT_TRUE(connection(0).is_subscribed("room/1"));
  heir.channels.publish("plain", "plain", MessageType::text);
  connection(0).publish("room/1", "kept", MessageType::text);
  heir.end_turn();
  EXPECT_EQ(clients.read(1), (Frames{{0x81, "said before"}, {0x81, "plain"}, {0x81, "kept"}}));
  connection(1).subscribe("room/1", "0");
  heir.end_turn();
  EXPECT_THAT(heard(), ElementsAre("2 not in room/1 as 0"));
  connection(1).unsubscribe("room/1");
  connection(1).subscribe("room/1", "new");
  heir.end_turn();
  EXPECT_THAT(heard(), ElementsAre("-2=1 1", "+2=new 2", "2 in room/1 as new 1=0 2=new of 2 \"said before\" \"kept\""));
}

TEST_F(ChannelsHandover, AChannelThatANewReleaseKeepsIsKeptForThoseWhoAreInIt) {
  ConnectionBench old{App{}};
  ConnectionBench heir{app_that_writes_down(), {}, 2};
  Clients clients(old, 2);
  clients[0].subscribe("room/1", "Ann");
  hand_over(old, heir);
  EXPECT_TRUE(heir.connections.at(clients.ids[0]).is_subscribed("room/1"));
  heard();
  heir.connections.at(clients.ids[1]).subscribe("room/1", "Bob");
  heir.end_turn();
  EXPECT_THAT(heard(), ElementsAre("+2=Bob 2", "2 in room/1 as Bob 1= 2=Bob of 2"));
}

TEST_F(ChannelsHandover, AChannelThatANewReleaseKeepsNoLongerIsAPlainOne) {
  ConnectionBench old{app_that_writes_down()};
  ConnectionBench heir{App{}, {}, 2};
  Clients clients(old, 1);
  clients[0].subscribe("room/1", "Ann");
  hand_over(old, heir);
  EXPECT_TRUE(heir.connections.at(clients.ids[0]).is_subscribed("room/1"));
  heir.channels.publish("room/1", "hello", MessageType::text);
  heir.end_turn();
  EXPECT_EQ(clients.read(0), (Frames{{0x81, "hello"}}));
  heir.connections.at(clients.ids[0]).unsubscribe("room/1");
  EXPECT_EQ(heir.channels.count_subscribers("room/1"), 0U);
}

}  // namespace
}  // namespace wsd::worker
