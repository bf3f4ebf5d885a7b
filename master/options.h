// Everything that start, restart and reload can say, with defaults and limits. An option knows whether it was given, so
// that a reload replaces what it names and leaves the rest as the master remembers it.
//
// Options cross the control socket as JSON. What they are called and what they take is in option_table.h; whatever
// their way in, it checks them.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "master/listen_url.h"
#include "master/result.h"
#include "protocol/origin_rules.h"
#include "protocol/trusted_proxies.h"
#include "worker/limits.h"
#include "worker/log.h"

namespace wsd::master {

using Milliseconds = std::chrono::milliseconds;

// A value that is the default until it is given.
template <typename T>
class Option {
 public:
  Option() = default;
  explicit Option(T initial) : value_(std::move(initial)) {}
  Option(T initial, T min, T max) : value_(std::move(initial)), min_(std::move(min)), max_(std::move(max)) {}

  const T& operator*() const { return value_; }
  const T* operator->() const { return &value_; }
  [[nodiscard]] bool given() const { return given_; }
  [[nodiscard]] const T& min() const { return min_; }
  [[nodiscard]] const T& max() const { return max_; }

  void give(T value) {
    value_ = std::move(value);
    given_ = true;
  }

 private:
  T value_{};
  T min_{};
  T max_{};
  bool given_ = false;
};

using Settings = std::map<std::string, std::string, std::less<>>;  // --set KEY=VALUE

// What a reload does to TLS clients.
enum class TlsReload : std::uint8_t {
  relay,  // they stay: their old worker keeps their TLS for the new one
  drain,  // they are told to reconnect, spread over the drain window
};

// What happens to a message that finds a client's send queue full.
using SlowConsumerPolicy = worker::FullQueue;

struct Options {
  Option<std::string> app{"echo"};
  Option<std::vector<ListenUrl>> listen{{ListenUrl{Scheme::ws, "0.0.0.0", 8080}}};
  Option<std::vector<ListenUrl>> api;         // none: no API
  Option<std::string> api_token_file;         // not given: whoever reaches the API may use it
  Option<std::vector<std::string>> tls_cert;  // files: the first's certificate is the default
  Option<std::vector<std::string>> tls_key;   // of each
  Option<std::string> tls_client_ca;          // not given: clients need no certificate
  Option<TlsReload> tls_reload{TlsReload::relay};
  Option<Milliseconds> relay_timeout{Milliseconds(0), Milliseconds(0), std::chrono::hours(24 * 365)};  // 0: never
  Option<bool> page{true};                         // a built-in app answers GET / with its page
  Option<std::string> subprotocol;                 // of the opening handshake
  Option<std::vector<std::string>> allow_origin;   // rules of protocol/origin_rules.h; none: every origin
  Option<std::vector<std::string>> trusted_proxy;  // of protocol/trusted_proxies.h
  Option<unsigned> count{4, 1, 256};
  Option<std::string> name{"wsd"};
  Option<std::string> config;    // a file; not given: config_file_of() chooses
  Option<std::string> run_dir;   // not given: RunDirectory::locate() chooses
  Option<std::string> log_file;  // not given: standard error in the foreground, else RunDirectory::default_log_file()
  Option<log::Level> log_level{log::Level::info};
  Option<log::Format> log_format{log::Format::text};
  Option<std::string> access_log;   // not given: none
  Option<std::string> user;         // whom workers run as; not given: who starts the server
  Option<std::string> group;        // not given: the user's own
  Option<std::string> umask;        // of the workers, octal; not given: as inherited
  Option<bool> core_dumps;          // not given: as the system has it
  Option<std::string> stdout_file;  // not given: a daemon's standard output goes to the log
  Option<Settings> set;
  Option<Settings> set_file;  // the names of files that have the values
  Option<bool> daemon{false};

  Option<Milliseconds> stop_timeout{std::chrono::seconds(2), Milliseconds(0), std::chrono::hours(1)};
  Option<Milliseconds> drain_timeout{std::chrono::seconds(30), Milliseconds(0), std::chrono::hours(24)};
  Option<Milliseconds> handshake_timeout{std::chrono::seconds(10), Milliseconds(10), std::chrono::hours(1)};
  Option<Milliseconds> ping_interval{std::chrono::seconds(25), Milliseconds(0), std::chrono::hours(24)};  // 0: off
  Option<Milliseconds> idle_timeout{Milliseconds(0), Milliseconds(0), std::chrono::hours(24 * 365)};      // 0: off
  Option<Milliseconds> close_timeout{std::chrono::seconds(5), Milliseconds(10), std::chrono::hours(1)};
  Option<Milliseconds> watchdog{std::chrono::seconds(10), Milliseconds(600), std::chrono::hours(24)};
  Option<std::uint64_t> max_message{1024 * 1024, 1, std::uint64_t{1} << 30};               // bytes
  Option<std::uint64_t> send_queue{1024 * 1024, 1024, std::uint64_t{1} << 30};             // bytes per connection
  Option<std::uint64_t> send_queue_total{256U << 20U, 64 * 1024, std::uint64_t{1} << 40};  // bytes per worker
  Option<SlowConsumerPolicy> slow_consumer{SlowConsumerPolicy::drop};
  Option<std::uint64_t> max_handshake{16 * 1024, 1024, 65'535};  // bytes of a request head
  Option<Milliseconds> message_timeout{std::chrono::seconds(60), Milliseconds(10), std::chrono::hours(24)};
  Option<unsigned> ping_misses{2, 1, 100};
  Option<unsigned> accepts_per_turn{64, 1, 10'000};
  Option<unsigned> max_connections{0, 0, 10'000'000};  // per worker; 0: what descriptors allow
  // Of one address, on the whole machine; 0: no limit.
  Option<unsigned> max_connections_per_address{0, 0, 10'000'000};
  Option<unsigned> max_handshakes_per_address{0, 0, 1'000'000};  // per second
  Option<unsigned> max_messages_per_address{0, 0, 1'000'000};    // per second

  Option<bool> deflate{false};                                              // permessage-deflate
  Option<std::uint64_t> deflate_threshold{256, 0, std::uint64_t{1} << 30};  // bytes
  Option<unsigned> deflate_window_bits{15, 9, 15};
  Option<unsigned> deflate_mem_level{8, 1, 9};
  Option<unsigned> deflate_level{3, 1, 9};
  Option<bool> deflate_server_takeover{false};
  Option<bool> deflate_client_takeover{false};

  // Takes one option in its textual form; `key` is "stop_timeout", the spelling of JSON. Lists and settings grow: the
  // first `listen` given replaces the default, further ones are added. Says what is wrong, or nothing.
  [[nodiscard]] std::optional<std::string> set_text(std::string_view key, std::string_view text);

  // What `newer` was given replaces ours; its settings are merged key by key, whether a value is given or its file.
  void merge(const Options& newer);
};

[[nodiscard]] protocol::OriginRules origin_rules_of(const Options& options);
[[nodiscard]] protocol::TrustedProxies trusted_proxies_of(const Options& options);

// Every address to listen on: those of WebSocket clients first, each in its order.
[[nodiscard]] std::vector<ListenUrl> addresses_of(const Options& options);

// The options that were given, as one JSON object.
[[nodiscard]] std::string to_json(const Options& options);
Result<Options> options_from_json(std::string_view json);

// Whether NAME may become part of file names and process titles: letters, digits, '.', '_' and '-', at most 64, not
// starting with '.' or '-'.
[[nodiscard]] bool is_safe_name(std::string_view name);

}  // namespace wsd::master
