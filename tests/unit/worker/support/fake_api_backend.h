// A backend of the HTTP API that writes down what it is asked, and answers at once or when the test says so.

#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "worker/api_backend.h"

namespace wsd::worker::test {

class FakeApiBackend final : public ApiBackend {
 public:
  void publish(std::string_view name, std::string_view data, MessageType type, std::span<const ConnectionId> exclude,
               Bus::TellDelivery answer) override {
    std::string call = "publish " + std::string(name) + " " + text_of(type) + " " + std::string(data);
    for (const ConnectionId id : exclude) call += " -" + std::to_string(id);
    hear(std::move(call), [this, answer = std::move(answer)] { answer(published); });
  }
  void send(ConnectionId id, std::string_view data, MessageType type, Bus::TellOne answer) override {
    hear("send " + std::to_string(id) + " " + text_of(type) + " " + std::string(data),
         [this, answer = std::move(answer)] { answer(told); });
  }
  void close(ConnectionId id, std::uint16_t code, std::string_view reason, Bus::TellOne answer) override {
    hear("close " + std::to_string(id) + " " + std::to_string(code) + " " + std::string(reason),
         [this, answer = std::move(answer)] { answer(told); });
  }
  void list_channels(std::string_view prefix, Bus::TellChannels answer) override {
    hear("list " + std::string(prefix), [this, answer = std::move(answer)] { answer(channels); });
  }
  void describe_channel(std::string_view name, Bus::TellChannel answer) override {
    hear("channel " + std::string(name), [this, answer = std::move(answer)] { answer(channel); });
  }
  void describe_connection(ConnectionId id, Bus::TellConnection answer) override {
    hear("connection " + std::to_string(id), [this, answer = std::move(answer)] { answer(connection); });
  }
  [[nodiscard]] std::string metrics() const override { return "wsd_connections 1\n"; }
  [[nodiscard]] bool is_ready() const override { return ready; }

  // The oldest question that is not answered yet.
  void answer_one() {
    const auto answer = std::move(open.front());
    open.pop_front();
    answer();
  }

  std::vector<std::string> calls;
  bool answers_at_once = true;
  std::deque<std::function<void()>> open;  // questions

  Delivery published{.subscribers = 3};
  ToldOne told{.found = true, .result = SendResult::sent};
  ChannelList channels{.channels = {{"a", 1}, {"b/c", 20}}};
  ChannelReport channel{.subscribers = 2, .has_presence = true, .members = {{7, "Ann"}, {8, ""}}};
  ConnectionReport connection{.found = true,
                              .partial = false,
                              .slot = 3,
                              .remote_address = "192.0.2.7",
                              .path = "/chat",
                              .subprotocol = "v1",
                              .age_ms = 5000,
                              .idle_ms = 12,
                              .buffered_bytes = 9,
                              .traffic = {.messages_in = 1, .messages_out = 2, .bytes_in = 30, .bytes_out = 40},
                              .deflate = true,
                              .tls = TlsProtocol::v1_3,
                              .channels = {"a", "b"}};
  bool ready = true;

 private:
  static std::string text_of(MessageType type) { return type == MessageType::text ? "text" : "binary"; }

  void hear(std::string call, std::function<void()> answer) {
    calls.push_back(std::move(call));
    if (answers_at_once) return answer();
    open.push_back(std::move(answer));
  }
};

}  // namespace wsd::worker::test
