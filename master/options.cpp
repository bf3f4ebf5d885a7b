#include "master/options.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <type_traits>

#include "protocol/assertion.h"
#include "protocol/http_syntax.h"
#include "protocol/json_writer.h"
#include "protocol/utf8.h"
#include "worker/printable_text.h"

namespace wsd::master {

namespace {

constexpr std::size_t max_listens = 64;
constexpr std::size_t max_rules = 1000;
constexpr std::size_t max_certificates = 64;

using Problem = std::optional<std::string>;  // what is wrong with a text, or nothing

// Every option with its key, once: text, JSON and merge follow this list. The visitor gets the key and that option of
// each of `options`.
template <typename Visitor, typename... AnyOptions>
void visit(Visitor&& visitor, AnyOptions&... options) {
  visitor("app", options.app...);
  visitor("listen", options.listen...);
  visitor("api", options.api...);
  visitor("api_token_file", options.api_token_file...);
  visitor("tls_cert", options.tls_cert...);
  visitor("tls_key", options.tls_key...);
  visitor("tls_client_ca", options.tls_client_ca...);
  visitor("tls_reload", options.tls_reload...);
  visitor("relay_timeout", options.relay_timeout...);
  visitor("page", options.page...);
  visitor("subprotocol", options.subprotocol...);
  visitor("allow_origin", options.allow_origin...);
  visitor("trusted_proxy", options.trusted_proxy...);
  visitor("count", options.count...);
  visitor("name", options.name...);
  visitor("run_dir", options.run_dir...);
  visitor("log_file", options.log_file...);
  visitor("log_level", options.log_level...);
  visitor("stdout_file", options.stdout_file...);
  visitor("set", options.set...);
  visitor("daemon", options.daemon...);
  visitor("stop_timeout", options.stop_timeout...);
  visitor("drain_timeout", options.drain_timeout...);
  visitor("handshake_timeout", options.handshake_timeout...);
  visitor("ping_interval", options.ping_interval...);
  visitor("idle_timeout", options.idle_timeout...);
  visitor("close_timeout", options.close_timeout...);
  visitor("watchdog", options.watchdog...);
  visitor("max_message", options.max_message...);
  visitor("send_queue", options.send_queue...);
  visitor("deflate", options.deflate...);
  visitor("deflate_threshold", options.deflate_threshold...);
  visitor("deflate_window_bits", options.deflate_window_bits...);
  visitor("deflate_mem_level", options.deflate_mem_level...);
  visitor("deflate_level", options.deflate_level...);
  visitor("deflate_server_takeover", options.deflate_server_takeover...);
  visitor("deflate_client_takeover", options.deflate_client_takeover...);
}

// As users spell it.
std::string spelling(std::string_view key) {
  if (key == "app") return "APP";
  std::string result = "--";
  for (const char character : key) result += character == '_' ? '-' : character;
  return result;
}

std::string quoted(std::string_view text) {
  return fmt::format("'{}'", worker::printable(text));
}

// ---- From text ------------------------------------------------------------------------------------------------------

Problem read(std::string_view text, Option<std::string>& option) {
  if (text.empty()) return "must not be empty";
  option.give(std::string(text));
  return {};
}

template <std::unsigned_integral Number>
Problem read(std::string_view text, Option<Number>& option) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || rest != end || error != std::errc() || number < option.min() || number > option.max()) {
    return fmt::format("must be a whole number from {} to {}, not {}", option.min(), option.max(), quoted(text));
  }
  option.give(number);
  return {};
}

Problem read(std::string_view text, Option<Milliseconds>& option) {
  using Seconds = std::chrono::duration<double>;
  double seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seconds, std::chars_format::fixed);
  const bool is_number = rest == end && error == std::errc() && std::isfinite(seconds);
  if (!is_number || Seconds(seconds) < option.min() || Seconds(seconds) > option.max()) {
    return fmt::format("must be a number of seconds from {} to {}, not {}", Seconds(option.min()).count(),
                       Seconds(option.max()).count(), quoted(text));
  }
  option.give(std::chrono::round<Milliseconds>(Seconds(seconds)));
  return {};
}

// `key`: whose addresses they are.
Problem read_url(std::string_view key, std::string_view text, Option<std::vector<ListenUrl>>& option) {
  auto url = parse_listen_url(text, key == "api" ? SocketKind::api : SocketKind::websocket);
  if (!url) return url.error();
  if (option.given() && option->size() >= max_listens) return fmt::format("may be given {} times at most", max_listens);
  std::vector<ListenUrl> urls = option.given() ? *option : std::vector<ListenUrl>();
  if (std::ranges::find(urls, *url) != urls.end() && (url->port != 0 || url->is_unix()))
    return "names " + to_string(*url) + " twice";
  urls.push_back(*url);
  option.give(std::move(urls));
  return {};
}

std::optional<std::string> what_is_wrong_with_rule(std::string_view key, std::string_view text) {
  return key == "allow_origin" ? protocol::OriginRules().add(text) : protocol::TrustedProxies().add(text);
}

// `key`: what the rules are about.
Problem read_rule(std::string_view key, std::string_view text, Option<std::vector<std::string>>& option) {
  if (auto problem = what_is_wrong_with_rule(key, text)) return fmt::format("{} {}", quoted(text), *problem);
  if (option->size() >= max_rules) return fmt::format("may be given {} times at most", max_rules);
  std::vector<std::string> rules = *option;
  rules.emplace_back(text);
  option.give(std::move(rules));
  return {};
}

Problem read_file_name(std::string_view text, Option<std::vector<std::string>>& option) {
  if (text.empty()) return "must not be empty";
  if (option->size() >= max_certificates) return fmt::format("may be given {} times at most", max_certificates);
  std::vector<std::string> names = *option;
  names.emplace_back(text);
  option.give(std::move(names));
  return {};
}

Problem read_text(std::string_view key, std::string_view text, Option<std::vector<std::string>>& option) {
  if (key.starts_with("tls_")) return read_file_name(text, option);
  return read_rule(key, text, option);
}

Problem read(std::string_view text, Option<log::Level>& option) {
  const auto level = log::level_from(text);
  if (!level) return "must be debug, info, warning or error, not " + quoted(text);
  option.give(*level);
  return {};
}

Problem read(std::string_view text, Option<TlsReload>& option) {
  if (text != "relay" && text != "drain") return "must be relay or drain, not " + quoted(text);
  option.give(text == "relay" ? TlsReload::relay : TlsReload::drain);
  return {};
}

Problem read(std::string_view text, Option<Settings>& option) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return "must be KEY=VALUE, not " + quoted(text);
  Settings settings = *option;
  settings.insert_or_assign(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
  option.give(std::move(settings));
  return {};
}

Problem read(std::string_view text, Option<bool>& option) {
  if (text != "true" && text != "false") return "must be true or false, not " + quoted(text);
  option.give(text == "true");
  return {};
}

// ---- To JSON --------------------------------------------------------------------------------------------------------

void write(protocol::JsonWriter& json, const std::string& text) {
  json.value(text);
}
void write(protocol::JsonWriter& json, bool truth) {
  json.value(truth);
}
void write(protocol::JsonWriter& json, std::unsigned_integral auto number) {
  json.value(number);
}
void write(protocol::JsonWriter& json, TlsReload what) {
  json.value(std::string_view(what == TlsReload::relay ? "relay" : "drain"));
}
void write(protocol::JsonWriter& json, log::Level level) {
  json.value(log::to_string(level));
}
void write(protocol::JsonWriter& json, Milliseconds time) {
  json.value(std::chrono::duration<double>(time).count());
}

void write(protocol::JsonWriter& json, const std::vector<ListenUrl>& urls) {
  json.begin_array();
  for (const ListenUrl& url : urls) json.value(to_string(url));
  json.end_array();
}

void write(protocol::JsonWriter& json, const std::vector<std::string>& texts) {
  json.begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
}

void write(protocol::JsonWriter& json, const Settings& settings) {
  json.begin_object();
  for (const auto& [key, value] : settings) json.field(key, value);
  json.end_object();
}

// ---- From JSON ------------------------------------------------------------------------------------------------------

using simdjson::dom::element;

bool is_list(std::string_view key) {
  return key == "listen" || key == "api" || key == "allow_origin" || key == "trusted_proxy" || key == "tls_cert" ||
         key == "tls_key";
}

Problem take_list(Options& options, std::string_view key, simdjson::dom::array values) {
  for (const element value : values) {
    std::string_view text;
    if (!is_list(key) || value.get(text) != simdjson::SUCCESS) return spelling(key) + " must not be a list";
    if (auto problem = options.set_text(key, text)) return problem;
  }
  return {};
}

Problem take_settings(Options& options, std::string_view key, simdjson::dom::object settings) {
  for (const auto [name, value] : settings) {
    std::string_view text;
    if (key != "set" || value.get(text) != simdjson::SUCCESS) return spelling(key) + " must not be an object";
    if (auto problem = options.set_text(key, fmt::format("{}={}", name, text))) return problem;
  }
  return {};
}

Problem take_json(Options& options, std::string_view key, element value) {
  switch (value.type()) {
    case simdjson::dom::element_type::STRING:
      return options.set_text(key, std::string_view(value));
    case simdjson::dom::element_type::BOOL:
      return options.set_text(key, bool(value) ? "true" : "false");
    case simdjson::dom::element_type::INT64:
      return options.set_text(key, fmt::format("{}", std::int64_t(value)));
    case simdjson::dom::element_type::UINT64:
      return options.set_text(key, fmt::format("{}", std::uint64_t(value)));
    case simdjson::dom::element_type::DOUBLE:
      return options.set_text(key, fmt::format("{}", double(value)));
    case simdjson::dom::element_type::ARRAY:
      return take_list(options, key, value);
    case simdjson::dom::element_type::OBJECT:
      return take_settings(options, key, value);
    case simdjson::dom::element_type::NULL_VALUE:
      break;
  }
  return spelling(key) + " must not be null";
}

template <typename Rules>
Rules made_of(const std::vector<std::string>& texts) {
  Rules rules;
  for (const std::string& text : texts) {
    const auto problem = rules.add(text);
    WSD_ASSERT(!problem);  // set_text() has checked it
  }
  return rules;
}

}  // namespace

std::optional<std::string> Options::set_text(std::string_view key, std::string_view text) {
  Problem problem = "is no option";
  if (!protocol::is_valid_utf8(std::as_bytes(std::span(text))) || text.find('\0') != std::string_view::npos) {
    problem = "must be UTF-8 without NUL, not " + quoted(text);
  } else if (key == "name" && !is_safe_name(text)) {
    problem = "must be letters, digits, '.', '_' and '-', at most 64, not " + quoted(text);
  } else if (key == "subprotocol" && !protocol::is_token(text)) {
    problem = "must be a name of letters, digits and !#$%&'*+-.^_`|~, not " + quoted(text);
  } else {
    visit(
        [&](std::string_view candidate, auto& option) {
          if (candidate != key) return;
          if constexpr (std::is_same_v<decltype(option), Option<std::vector<ListenUrl>>&>) {
            problem = read_url(key, text, option);
          } else if constexpr (std::is_same_v<decltype(option), Option<std::vector<std::string>>&>) {
            problem = read_text(key, text, option);
          } else {
            problem = read(text, option);
          }
        },
        *this);
  }
  if (problem) problem = fmt::format("{}: {}", spelling(key), *problem);
  return problem;
}

void Options::merge(const Options& newer) {
  Settings settings = *set;
  for (const auto& [key, value] : *newer.set) settings.insert_or_assign(key, value);
  visit(
      [](std::string_view, auto& ours, const auto& theirs) {
        if (theirs.given()) ours = theirs;
      },
      *this, newer);
  if (newer.set.given()) set.give(std::move(settings));
}

protocol::OriginRules origin_rules_of(const Options& options) {
  return made_of<protocol::OriginRules>(*options.allow_origin);
}

protocol::TrustedProxies trusted_proxies_of(const Options& options) {
  return made_of<protocol::TrustedProxies>(*options.trusted_proxy);
}

std::vector<ListenUrl> addresses_of(const Options& options) {
  std::vector<ListenUrl> addresses = *options.listen;
  addresses.insert(addresses.end(), options.api->begin(), options.api->end());
  return addresses;
}

std::string to_json(const Options& options) {
  protocol::JsonWriter json;
  json.begin_object();
  const auto write_given = [&json](std::string_view key, const auto& option) {
    if (!option.given()) return;
    json.key(key);
    write(json, *option);
  };
  visit(write_given, options);
  json.end_object();
  return json.take();
}

Result<Options> options_from_json(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(simdjson::padded_string(json)).get(object) != simdjson::SUCCESS) {
    return Error{"the options are no JSON object"};
  }
  Options options;
  for (const auto [key, value] : object) {
    if (auto problem = take_json(options, key, value)) return Error{*problem};
  }
  return options;
}

bool is_safe_name(std::string_view name) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !name.empty() && name.size() <= 64 && name.find_first_not_of(allowed) == std::string_view::npos &&
         name.front() != '.' && name.front() != '-';
}

}  // namespace wsd::master
