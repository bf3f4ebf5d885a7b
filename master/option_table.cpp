#include "master/option_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "master/option_value.h"
#include "protocol/http_syntax.h"
#include "protocol/origin_rules.h"
#include "protocol/trusted_proxies.h"

namespace wsd::master {

namespace {

using Problem = std::optional<std::string>;
using enum OptionKind;

constexpr auto log_levels = std::to_array<std::string_view>({"debug", "info", "warning", "error"});
constexpr auto log_formats = std::to_array<std::string_view>({"text", "json"});
constexpr auto slow_consumers = std::to_array<std::string_view>({"drop", "close"});
constexpr auto tls_reloads = std::to_array<std::string_view>({"relay", "drain"});

Problem check_name(std::string_view text) {
  if (is_safe_name(text)) return {};
  return "must be letters, digits, '.', '_' and '-', at most 64, not " + quoted(text);
}

Problem check_subprotocol(std::string_view text) {
  if (protocol::is_token(text)) return {};
  return "must be a name of letters, digits and !#$%&'*+-.^_`|~, not " + quoted(text);
}

Problem check_umask(std::string_view text) {
  const bool has_leading_zero = text.size() == 4 && text.starts_with('0');
  const std::string_view digits = text.substr(has_leading_zero ? 1 : 0);
  if (digits.size() == 3 && digits.find_first_not_of("01234567") == std::string_view::npos) return {};
  return "must be three octal digits, as in 027, not " + quoted(text);
}

Problem check_origin(std::string_view text) {
  const auto problem = protocol::OriginRules().add(text);
  return problem ? Problem(fmt::format("{} {}", quoted(text), *problem)) : Problem();
}

Problem check_proxy(std::string_view text) {
  const auto problem = protocol::TrustedProxies().add(text);
  return problem ? Problem(fmt::format("{} {}", quoted(text), *problem)) : Problem();
}

constexpr auto table = std::to_array<OptionEntry>({
    // ---- app
    {.key = "app",
     .member = &Options::app,
     .kind = app,
     .group = OptionGroup::app,
     .value_name = "APP",
     .description = "A C++ source (.cpp), a module (.so), or a built-in app: echo, push, chat or danmaku"},
    {.key = "set",
     .member = &Options::set,
     .kind = settings,
     .group = OptionGroup::app,
     .value_name = "KEY=VALUE",
     .description = "A setting of the app"},
    {.key = "set_file",
     .member = &Options::set_file,
     .kind = setting_files,
     .group = OptionGroup::app,
     .value_name = "KEY=FILE",
     .description = "A setting of the app whose value is in a file, as a secret's should be"},
    {.key = "page",
     .member = &Options::page,
     .kind = toggle,
     .group = OptionGroup::app,
     .value_name = {},
     .description = "A built-in app shows its page at /",
     .opposite = "It does not"},
    {.key = "subprotocol",
     .member = &Options::subprotocol,
     .kind = text,
     .group = OptionGroup::app,
     .value_name = "NAME",
     .description = "The WebSocket subprotocol to agree on",
     .default_text = "the app's choice",
     .check = check_subprotocol},

    // ---- addresses
    {.key = "listen",
     .member = &Options::listen,
     .kind = addresses,
     .group = OptionGroup::addresses,
     .value_name = "URL",
     .description = "ws://HOST:PORT, wss://HOST:PORT or unix:PATH; IPv6 in brackets; port 0 picks one; ?proxy behind "
                    "it: a proxy in front speaks the PROXY protocol"},
    {.key = "api",
     .member = &Options::api,
     .kind = addresses,
     .group = OptionGroup::addresses,
     .value_name = "URL",
     .description = "The HTTP API: http://HOST:PORT or unix:PATH",
     .default_text = "none"},
    {.key = "api_token_file",
     .member = &Options::api_token_file,
     .kind = path,
     .group = OptionGroup::addresses,
     .value_name = "FILE",
     .description = "What callers of the API must know; needed where other machines reach it",
     .default_text = "none"},
    {.key = "allow_origin",
     .member = &Options::allow_origin,
     .kind = rules,
     .group = OptionGroup::addresses,
     .value_name = "ORIGIN",
     .description =
         "Pages that may connect: https://chat.example.com, https://*.example.com, *://localhost, null, absent",
     .default_text = "every page",
     .check = check_origin},
    {.key = "trusted_proxy",
     .member = &Options::trusted_proxy,
     .kind = rules,
     .group = OptionGroup::addresses,
     .value_name = "CIDR",
     .description = "Whom to believe about the client's address: 10.0.0.0/8, ::1, or unix:",
     .default_text = "nobody",
     .check = check_proxy},

    // ---- tls
    {.key = "tls_cert",
     .member = &Options::tls_cert,
     .kind = paths,
     .group = OptionGroup::tls,
     .value_name = "FILE",
     .description = "For wss: the certificate and those of its issuers, PEM; of several, the name that the client asks "
                    "for chooses",
     .default_text = "none"},
    {.key = "tls_key",
     .member = &Options::tls_key,
     .kind = paths,
     .group = OptionGroup::tls,
     .value_name = "FILE",
     .description = "The private key of each certificate, in the same order",
     .default_text = "none"},
    {.key = "tls_client_ca",
     .member = &Options::tls_client_ca,
     .kind = path,
     .group = OptionGroup::tls,
     .value_name = "FILE",
     .description = "Clients must have a certificate of one of these authorities",
     .default_text = "they need none"},
    {.key = "tls_reload",
     .member = &Options::tls_reload,
     .kind = choice,
     .group = OptionGroup::tls,
     .value_name = "WHAT",
     .description = "At a reload wss clients stay, their TLS relayed by their old worker (relay), or are told to "
                    "reconnect (drain)",
     .choices = tls_reloads},
    {.key = "relay_timeout",
     .member = &Options::relay_timeout,
     .kind = duration,
     .group = OptionGroup::tls,
     .value_name = "TIME",
     .description = "How long a relay lives before its clients are told to reconnect; 0: as long as they stay"},

    // ---- workers
    {.key = "count",
     .member = &Options::count,
     .kind = number,
     .group = OptionGroup::workers,
     .value_name = "N",
     .description = "Workers, 1 to 256"},
    {.key = "daemon",
     .member = &Options::daemon,
     .kind = toggle,
     .group = OptionGroup::workers,
     .value_name = {},
     .description = "Run in the background; comes back when every worker serves",
     .opposite = "Run in the foreground",
     .short_flag = 'd',
     .only_at_start = true},
    {.key = "user",
     .member = &Options::user,
     .kind = text,
     .group = OptionGroup::workers,
     .value_name = "USER",
     .description = "Whom workers, apps and the compiler run as, where root starts the server",
     .default_text = "whoever starts it"},
    {.key = "group",
     .member = &Options::group,
     .kind = text,
     .group = OptionGroup::workers,
     .value_name = "GROUP",
     .description = "The group of the user; unix sockets are for its members",
     .default_text = "the user's own"},
    {.key = "umask",
     .member = &Options::umask,
     .kind = text,
     .group = OptionGroup::workers,
     .value_name = "MODE",
     .description = "What files that apps make do not allow, in octal",
     .default_text = "as inherited",
     .check = check_umask},
    {.key = "core_dumps",
     .member = &Options::core_dumps,
     .kind = toggle,
     .group = OptionGroup::workers,
     .value_name = {},
     .description = "A worker that crashes leaves a core, which may hold keys",
     .opposite = "It leaves none; with neither it is as the system has it",
     .default_text = "as the system has it"},
    {.key = "stop_timeout",
     .member = &Options::stop_timeout,
     .kind = duration,
     .group = OptionGroup::workers,
     .value_name = "TIME",
     .description = "For the last bytes to each client at a stop"},
    {.key = "drain_timeout",
     .member = &Options::drain_timeout,
     .kind = duration,
     .group = OptionGroup::workers,
     .value_name = "TIME",
     .description = "For clients to leave at a graceful stop or a reload"},
    {.key = "watchdog",
     .member = &Options::watchdog,
     .kind = duration,
     .group = OptionGroup::workers,
     .value_name = "TIME",
     .description = "A worker silent for this long is replaced"},

    // ---- limits
    {.key = "max_message",
     .member = &Options::max_message,
     .kind = size,
     .group = OptionGroup::limits,
     .value_name = "SIZE",
     .description = "The largest message a client may send"},
    {.key = "send_queue",
     .member = &Options::send_queue,
     .kind = size,
     .group = OptionGroup::limits,
     .value_name = "SIZE",
     .description = "What may wait for one client that reads slowly"},
    {.key = "send_queue_total",
     .member = &Options::send_queue_total,
     .kind = size,
     .group = OptionGroup::limits,
     .value_name = "SIZE",
     .description = "What may wait for all clients of a worker together"},
    {.key = "slow_consumer",
     .member = &Options::slow_consumer,
     .kind = choice,
     .group = OptionGroup::limits,
     .value_name = "WHAT",
     .description =
         "A message that finds the send queue full is dropped (drop), or the client is closed with 1013 (close)",
     .choices = slow_consumers},
    {.key = "max_connections",
     .member = &Options::max_connections,
     .kind = number,
     .group = OptionGroup::limits,
     .value_name = "N",
     .description = "Connections of a worker; 0: as many as it has descriptors for"},
    {.key = "max_connections_per_address",
     .member = &Options::max_connections_per_address,
     .kind = number,
     .group = OptionGroup::limits,
     .value_name = "N",
     .description = "Connections of one client address (IPv6: of one /64), on all workers together; 0: no limit"},
    {.key = "max_handshakes_per_address",
     .member = &Options::max_handshakes_per_address,
     .kind = number,
     .group = OptionGroup::limits,
     .value_name = "N",
     .description = "New connections of one client address per second; 0: no limit"},
    {.key = "max_messages_per_address",
     .member = &Options::max_messages_per_address,
     .kind = number,
     .group = OptionGroup::limits,
     .value_name = "N",
     .description = "Messages of one client address per second; 0: no limit"},
    {.key = "max_handshake",
     .member = &Options::max_handshake,
     .kind = size,
     .group = OptionGroup::limits,
     .value_name = "SIZE",
     .description = "The largest request head"},
    {.key = "message_timeout",
     .member = &Options::message_timeout,
     .kind = duration,
     .group = OptionGroup::limits,
     .value_name = "TIME",
     .description = "For a message, from its first byte to its last"},
    {.key = "accepts_per_turn",
     .member = &Options::accepts_per_turn,
     .kind = number,
     .group = OptionGroup::limits,
     .value_name = "N",
     .description = "New connections that a worker accepts before it looks after the others"},
    {.key = "handshake_timeout",
     .member = &Options::handshake_timeout,
     .kind = duration,
     .group = OptionGroup::limits,
     .value_name = "TIME",
     .description = "For the opening handshake"},
    {.key = "ping_interval",
     .member = &Options::ping_interval,
     .kind = duration,
     .group = OptionGroup::limits,
     .value_name = "TIME",
     .description = "Between pings; 0: none"},
    {.key = "ping_misses",
     .member = &Options::ping_misses,
     .kind = number,
     .group = OptionGroup::limits,
     .value_name = "N",
     .description = "Pings without a sign of life that close a connection"},
    {.key = "idle_timeout",
     .member = &Options::idle_timeout,
     .kind = duration,
     .group = OptionGroup::limits,
     .value_name = "TIME",
     .description = "Without a message from the client; 0: no limit"},
    {.key = "close_timeout",
     .member = &Options::close_timeout,
     .kind = duration,
     .group = OptionGroup::limits,
     .value_name = "TIME",
     .description = "For the client's answer to a Close"},

    // ---- compression
    {.key = "deflate",
     .member = &Options::deflate,
     .kind = toggle,
     .group = OptionGroup::compression,
     .value_name = {},
     .description = "Compress messages with clients that offer it (permessage-deflate)",
     .opposite = "Do not"},
    {.key = "deflate_threshold",
     .member = &Options::deflate_threshold,
     .kind = size,
     .group = OptionGroup::compression,
     .value_name = "SIZE",
     .description = "Smaller messages are sent as they are"},
    {.key = "deflate_window_bits",
     .member = &Options::deflate_window_bits,
     .kind = number,
     .group = OptionGroup::compression,
     .value_name = "N",
     .description = "Windows of 2^N bytes at most, 9 to 15"},
    {.key = "deflate_mem_level",
     .member = &Options::deflate_mem_level,
     .kind = number,
     .group = OptionGroup::compression,
     .value_name = "N",
     .description = "Memory of a compressor, 1 to 9"},
    {.key = "deflate_level",
     .member = &Options::deflate_level,
     .kind = number,
     .group = OptionGroup::compression,
     .value_name = "N",
     .description = "1 is fastest, 9 compresses best"},
    {.key = "deflate_server_takeover",
     .member = &Options::deflate_server_takeover,
     .kind = toggle,
     .group = OptionGroup::compression,
     .value_name = {},
     .description = "Our messages refer to earlier ones: smaller, for 256 KiB and more per client",
     .opposite = "They do not"},
    {.key = "deflate_client_takeover",
     .member = &Options::deflate_client_takeover,
     .kind = toggle,
     .group = OptionGroup::compression,
     .value_name = {},
     .description = "So may the client's: for 40 KiB per client",
     .opposite = "They may not"},

    // ---- log
    {.key = "log_file",
     .member = &Options::log_file,
     .kind = path,
     .group = OptionGroup::log,
     .value_name = "FILE",
     .description = "Where the log goes",
     .default_text = "standard error in the foreground, else /var/log/wsd/NAME.log as root, NAME.log in run_dir",
     .only_at_start = true},
    {.key = "log_level",
     .member = &Options::log_level,
     .kind = choice,
     .group = OptionGroup::log,
     .value_name = "LEVEL",
     .description = "debug, info, warning or error",
     .choices = log_levels},
    {.key = "log_format",
     .member = &Options::log_format,
     .kind = choice,
     .group = OptionGroup::log,
     .value_name = "FORMAT",
     .description = "text, or one JSON object per line (json)",
     .choices = log_formats},
    {.key = "access_log",
     .member = &Options::access_log,
     .kind = path,
     .group = OptionGroup::log,
     .value_name = "FILE",
     .description = "A line for every connection that has ended",
     .default_text = "none"},
    {.key = "stdout_file",
     .member = &Options::stdout_file,
     .kind = path,
     .group = OptionGroup::log,
     .value_name = "FILE",
     .description = "Where a daemon's app writes its standard output",
     .default_text = "the log",
     .only_at_start = true},

    // ---- instance
    {.key = "config",
     .member = &Options::config,
     .kind = path,
     .group = OptionGroup::instance,
     .value_name = "FILE",
     .description = "The file of options; /dev/null: none",
     .default_text = "/etc/wsd/wsd.toml, if there is one",
     .in_file = false},
    {.key = "name",
     .member = &Options::name,
     .kind = text,
     .group = OptionGroup::instance,
     .value_name = "NAME",
     .description = "Which instance: several live side by side",
     .check = check_name,
     .only_at_start = true},
    {.key = "run_dir",
     .member = &Options::run_dir,
     .kind = path,
     .group = OptionGroup::instance,
     .value_name = "DIR",
     .description = "Where NAME.lock, NAME.pid and NAME.sock are",
     .default_text = "/run/wsd as root, else $XDG_RUNTIME_DIR/wsd",
     .only_at_start = true},
});

}  // namespace

std::string OptionEntry::flag() const {
  if (kind == app) return "APP";
  std::string result = "--" + std::string(key);
  std::ranges::replace(result, '_', '-');
  return result;
}

std::string OptionEntry::environment() const {
  std::string result = "WSD_";
  for (const char letter : key) result += letter == '_' ? '_' : static_cast<char>(letter - 'a' + 'A');
  return result;
}

bool OptionEntry::is_list() const {
  return kind == addresses || kind == paths || kind == rules;
}

bool OptionEntry::has_settings() const {
  return kind == settings || kind == setting_files;
}

std::span<const OptionEntry> option_table() {
  return table;
}

const OptionEntry* find_option(std::string_view key) {
  const auto found = std::ranges::find(table, key, &OptionEntry::key);
  return found == table.end() ? nullptr : &*found;
}

std::string_view title_of(OptionGroup group) {
  switch (group) {
    case OptionGroup::app:
      return "App";
    case OptionGroup::addresses:
      return "Addresses, and who may use them";
    case OptionGroup::tls:
      return "TLS";
    case OptionGroup::workers:
      return "Workers";
    case OptionGroup::limits:
      return "Limits";
    case OptionGroup::compression:
      return "Compression";
    case OptionGroup::log:
      return "Log";
    case OptionGroup::instance:
      return "Instance";
  }
  return {};
}

std::string default_text_of(const OptionEntry& entry) {
  if (!entry.default_text.empty()) return std::string(entry.default_text);
  return fmt::format("{}", fmt::join(texts_of(entry, Options()), ", "));
}

}  // namespace wsd::master
