// What the tests of channels run: a client takes part in the channel of its path, by the name in its query, and
// publishes there what it says; a text that begins with "!" is an order instead, whose answer comes as JSON.
//
// The channel's prefix says what it keeps. Members of /told/ channels are told of one another.

#include <wsd/app.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using wsd::Connection;
using wsd::ConnectionId;
using wsd::Member;

std::string quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string id_of(ConnectionId id) {
  return quoted(std::to_string(id));
}

std::string pair_of(const Member& member) {
  return "[" + id_of(member.id) + "," + quoted(member.name) + "]";
}

template <typename Range, typename Write>
std::string array_of(const Range& range, Write&& write) {
  std::string array = "[";
  for (const auto& one : range) {
    if (array.size() > 1) array += ',';
    array += write(one);
  }
  return array + "]";
}

std::string truth(bool value) {
  return value ? "true" : "false";
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto blank = text.find(' ');
    words.emplace_back(text.substr(0, blank));
    text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
  }
  words.resize(5);
  return words;
}

ConnectionId number_in(std::string_view text) {
  ConnectionId number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void obey(Connection& connection, const std::vector<std::string>& words) {
  wsd::Worker& worker = connection.worker();
  const auto answer = [&worker, id = connection.id()](const std::string& text) {
    if (Connection* const asker = worker.find(id)) asker->send(text);
  };
  const std::string& order = words[0];
  if (order == "!who") {
    answer("{\"id\":" + id_of(connection.id()) + ",\"slot\":" + std::to_string(worker.slot()) + "}");
  } else if (order == "!subscribe") {
    connection.subscribe(words[1], words[2]);
  } else if (order == "!unsubscribe") {
    connection.unsubscribe(words[1]);
    answer("{\"unsubscribed\":" + quoted(words[1]) + "}");
  } else if (order == "!say" || order == "!say_binary") {
    const auto type = order == "!say" ? wsd::MessageType::text : wsd::MessageType::binary;
    connection.publish(words[1], words[2], type);
  } else if (order == "!ask") {
    worker.ask_channel(words[1], [answer](const wsd::ChannelInfo& info) {
      answer("{\"subscribers\":" + std::to_string(info.subscribers) +
             ",\"members\":" + array_of(info.members, pair_of) + ",\"partial\":" + truth(info.partial) + "}");
    });
  } else if (order == "!publish") {
    worker.publish(words[1], words[2], wsd::MessageType::text, [answer](const wsd::Delivery& delivery) {
      answer("{\"delivered\":" + std::to_string(delivery.subscribers) + ",\"partial\":" + truth(delivery.partial) +
             "}");
    });
  } else if (order == "!publish_many") {
    for (ConnectionId i = 0; i < number_in(words[2]); ++i) connection.publish(words[1], std::to_string(i));
  } else if (order == "!send") {
    worker.send_to(number_in(words[1]), words[2]);
  } else if (order == "!close") {
    worker.close_connection(number_in(words[1]), static_cast<std::uint16_t>(number_in(words[2])), words[3]);
  } else if (order == "!spin") {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(number_in(words[1]));
    while (std::chrono::steady_clock::now() < end) {
    }
  } else if (order == "!block") {
    std::this_thread::sleep_for(std::chrono::milliseconds(number_in(words[1])));
  }
}

}  // namespace

WSD_APP(app) {
  using std::chrono::milliseconds;
  using wsd::SlowConsumer;
  app.channels["/kept/"] = {.history = 50, .presence = true};
  app.channels["/past/"] = {.history = 1000};
  app.channels["/told/"] = {.presence = true, .unique_names = true};
  app.channels["/batch/"] = {.slow_consumer = SlowConsumer::drop_oldest, .batch = milliseconds(50)};
  app.channels["/batchpast/"] = {.batch = milliseconds(50), .history = 1000};
  app.channels["/newest/"] = {.batch = milliseconds(50), .newest_only = true};
  app.channels["/close/"] = {.slow_consumer = SlowConsumer::close};
  app.channels["/oldest/"] = {.slow_consumer = SlowConsumer::drop_oldest};

  app.on_open = [](Connection& connection) {
    const wsd::Request& request = connection.request();
    if (request.path() != "/") connection.subscribe(request.path(), request.query());
  };
  app.on_message = [](Connection& connection, wsd::Message message) {
    if (message.data.starts_with('!')) return obey(connection, words_of(message.data));
    connection.publish(connection.request().path(), message.data, message.type);
  };

  app.on_subscribed = [](Connection& connection, const wsd::Subscription& subscription) {
    const auto past = [](const wsd::PastMessage& message) { return quoted(message.data); };
    connection.send("{\"subscribed\":" + quoted(subscription.channel) + ",\"name\":" + quoted(subscription.name) +
                    ",\"accepted\":" + truth(subscription.accepted) +
                    ",\"count\":" + std::to_string(subscription.member_count) + ",\"members\":" +
                    array_of(subscription.members, pair_of) + ",\"history\":" + array_of(subscription.history, past) +
                    ",\"history_lost\":" + truth(subscription.history_lost) + "}");
  };

  const auto tell = [](wsd::Worker& worker, std::string_view channel, const std::string& text) {
    if (channel.starts_with("/told/")) worker.deliver(channel, text);
  };
  app.on_join = [tell](wsd::Worker& worker, std::string_view channel, const Member& member, std::size_t count) {
    tell(worker, channel, "{\"joined\":" + pair_of(member) + ",\"count\":" + std::to_string(count) + "}");
  };
  app.on_leave = [tell](wsd::Worker& worker, std::string_view channel, const Member& member, std::size_t count) {
    tell(worker, channel, "{\"left\":" + pair_of(member) + ",\"count\":" + std::to_string(count) + "}");
  };
  app.on_members = [tell](wsd::Worker& worker, std::string_view channel, std::span<const Member> members) {
    tell(worker, channel, "{\"now\":" + array_of(members, pair_of) + "}");
  };

  // A clock: every worker publishes to /clock. A flaw: the worker of slot 0 dies so many milliseconds after its start.
  const ConnectionId dies_after = number_in(app.setting("dies_after"));
  app.on_worker_start = [has_clock = !app.setting("clock").empty(), dies_after](wsd::Worker& worker) {
    if (dies_after > 0 && worker.slot() == 0) worker.after(milliseconds(dies_after), [] { std::_Exit(70); });
    if (!has_clock) return;
    static int number;
    worker.every(milliseconds(50), [&worker] {
      worker.publish("/clock", std::to_string(worker.slot()) + " " + std::to_string(++number));
    });
  };
}
