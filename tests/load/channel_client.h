#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/load/channel_ledger.h"
#include "tests/load/client_socket.h"
#include "tests/load/clock.h"
#include "tests/load/errors.h"
#include "tests/load/frame_reader.h"
#include "tests/load/latency_histogram.h"
#include "tests/load/options.h"

namespace wsd::load {

// What all clients of a run share: one thread.
struct ChannelContext {
  explicit ChannelContext(const Options& run_options);

  const Options& options;
  int epoll;
  std::vector<char> read_buffer;
  Errors errors;
  LatencyHistogram latencies;                    // from a publisher's send() to a subscriber's recv()
  std::size_t deliveries = 0;                    // messages that came, probes aside
  std::size_t others = 0;                        // texts that are no messages: what the application says itself
  std::size_t largest_batch = 0;                 // messages in one frame
  std::vector<std::uint64_t> published;          // by each publisher
  std::vector<std::vector<std::size_t>> got_by;  // of each publisher's messages: how many clients have got it
};

// One client in the channel that the server's application makes of the URL's path: gets what the others publish, and
// publishes if it is a publisher. Its address must not change.
class ChannelClient {
 public:
  enum class Role {
    subscriber,
    publisher,  // gets what the other publishers say
    stalled,    // a subscriber that reads nothing after its handshake, until drain()
  };
  ChannelClient(ChannelContext& context, Role role, std::uint32_t publisher);

  [[nodiscard]] bool connect();
  void handle(std::uint32_t epoll_events);

  void publish_probe();
  // The next `count` messages, by one send().
  void publish(std::size_t count);

  void drain();

  [[nodiscard]] bool is_open() const { return state_ == State::open; }
  [[nodiscard]] bool is_over() const { return state_ == State::over; }
  // The code of the server's Close; 0: none has come.
  [[nodiscard]] std::uint16_t close_code() const { return close_code_; }
  [[nodiscard]] Role role() const { return role_; }
  [[nodiscard]] std::uint32_t publisher() const { return publisher_; }
  [[nodiscard]] bool hears(std::size_t publisher) const { return role_ != Role::publisher || publisher != publisher_; }
  [[nodiscard]] const ChannelLedger& ledger() const { return ledger_; }

 private:
  enum class State { idle, opening, open, over };

  void receive();
  void read_head(std::span<const char>& bytes);
  void read_frames(std::span<const char> bytes, Clock::time_point now);
  void take_frame(std::uint8_t opcode, std::string_view payload, Clock::time_point now);
  void take_messages(std::string_view payload, Clock::time_point now);
  bool take_message_at(std::string_view& payload, Clock::time_point now);
  void add_message(std::string& frames, std::uint64_t number) const;
  void send(std::string_view bytes);
  void watch() const;
  void end(std::size_t& error);

  ChannelContext& context_;
  Role role_;
  std::uint32_t publisher_;
  State state_ = State::idle;
  ClientSocket socket_;
  FrameReader reader_;
  ChannelLedger ledger_;
  std::string key_, head_, frame_;  // Sec-WebSocket-Key; unfinished response head; unfinished frame's payload
  std::string unsent_;
  bool reads_ = true;
  std::uint16_t close_code_ = 0;
};

}  // namespace wsd::load
