#include "master/option_value.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <span>
#include <type_traits>
#include <utility>

#include "master/app_source.h"
#include "master/quantities.h"
#include "master/toml_syntax.h"
#include "protocol/printable_text.h"
#include "protocol/utf8.h"

namespace wsd::master {

namespace {

constexpr std::size_t max_members = 64;
constexpr std::size_t max_rules = 1000;

using Problem = std::optional<std::string>;  // what is wrong with a text, or nothing

// ---- From text ------------------------------------------------------------------------------------------------------

Problem read(const OptionEntry&, std::string_view text, Option<std::string>& option) {
  if (text.empty()) return "must not be empty";
  option.give(std::string(text));
  return {};
}

std::optional<std::uint64_t> number_from(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || rest != end || error != std::errc()) return std::nullopt;
  return number;
}

template <std::unsigned_integral Number>
Problem read(const OptionEntry& entry, std::string_view text, Option<Number>& option) {
  const bool is_size = entry.kind == OptionKind::size;
  const auto number = is_size ? size_from(text) : number_from(text);
  if (number && *number >= option.min() && *number <= option.max()) {
    option.give(static_cast<Number>(*number));
    return {};
  }
  if (!is_size) {
    return fmt::format("must be a whole number from {} to {}, not {}", option.min(), option.max(), quoted(text));
  }
  return fmt::format("must be a size from {} to {} bytes, as in 65536, 64K or 1M, not {}", option.min(), option.max(),
                     quoted(text));
}

Problem read(const OptionEntry&, std::string_view text, Option<Milliseconds>& option) {
  const auto time = duration_from(text);
  if (!time || *time < option.min() || *time > option.max()) {
    return fmt::format("must be a time from {} to {}, as in 10 (seconds), 500ms, 5m or 1h, not {}",
                       duration_text(option.min()), duration_text(option.max()), quoted(text));
  }
  option.give(*time);
  return {};
}

// One more in a list. What was given before stays; what is there by default goes.
template <typename Member>
Problem add(Member member, std::size_t limit, Option<std::vector<Member>>& option) {
  if (option.given() && option->size() >= limit) return fmt::format("may be given {} times at most", limit);
  std::vector<Member> members = option.given() ? *option : std::vector<Member>();
  members.push_back(std::move(member));
  option.give(std::move(members));
  return {};
}

Problem read(const OptionEntry& entry, std::string_view text, Option<std::vector<ListenUrl>>& option) {
  auto url = parse_listen_url(text, entry.key == "api" ? SocketKind::api : SocketKind::websocket);
  if (!url) return url.error();
  const bool is_there = option.given() && std::ranges::find(*option, *url) != option->end();
  if (is_there && (url->port != 0 || url->is_unix())) return "names " + to_string(*url) + " twice";
  return add(std::move(*url), max_members, option);
}

Problem read(const OptionEntry& entry, std::string_view text, Option<std::vector<std::string>>& option) {
  if (text.empty()) return "must not be empty";
  return add(std::string(text), entry.kind == OptionKind::rules ? max_rules : max_members, option);
}

std::string not_one_of(std::span<const std::string_view> choices, std::string_view text) {
  return fmt::format("must be {} or {}, not {}", fmt::join(choices.first(choices.size() - 1), ", "), choices.back(),
                     quoted(text));
}

template <typename Choice>
requires std::is_enum_v<Choice> Problem read(const OptionEntry& entry, std::string_view text, Option<Choice>& option) {
  const auto found = std::ranges::find(entry.choices, text);
  if (found == entry.choices.end()) return not_one_of(entry.choices, text);
  option.give(static_cast<Choice>(found - entry.choices.begin()));
  return {};
}

// A level has a second spelling.
Problem read(const OptionEntry& entry, std::string_view text, Option<log::Level>& option) {
  const auto level = log::level_from(text);
  if (!level) return not_one_of(entry.choices, text);
  option.give(*level);
  return {};
}

Problem read(const OptionEntry& entry, std::string_view text, Option<Settings>& option) {
  const bool is_file = entry.kind == OptionKind::setting_files;
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0 || (is_file && equals + 1 == text.size()))
    return fmt::format("must be {}, not {}", entry.value_name, quoted(text));
  Settings settings = *option;
  settings.insert_or_assign(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
  option.give(std::move(settings));
  return {};
}

Problem read(const OptionEntry&, std::string_view text, Option<bool>& option) {
  if (text != "true" && text != "false") return "must be true or false, not " + quoted(text);
  option.give(text == "true");
  return {};
}

// ---- To text --------------------------------------------------------------------------------------------------------

using Texts = std::vector<std::string>;

Texts texts(const OptionEntry&, const std::string& text) {
  return text.empty() ? Texts() : Texts{text};
}
Texts texts(const OptionEntry&, bool truth) {
  return {truth ? "true" : "false"};
}
Texts texts(const OptionEntry&, Milliseconds time) {
  return {duration_text(time)};
}
Texts texts(const OptionEntry&, const Texts& members) {
  return members;
}

Texts texts(const OptionEntry& entry, std::unsigned_integral auto number) {
  return {entry.kind == OptionKind::size ? size_text(number) : fmt::format("{}", number)};
}

template <typename Choice>
requires std::is_enum_v<Choice> Texts texts(const OptionEntry& entry, Choice choice) {
  return {std::string(entry.choices[static_cast<std::size_t>(choice)])};
}

Texts texts(const OptionEntry&, const std::vector<ListenUrl>& urls) {
  Texts result;
  for (const ListenUrl& url : urls) result.push_back(to_string(url));
  return result;
}

Texts texts(const OptionEntry&, const Settings& settings) {
  Texts result;
  for (const auto& [key, value] : settings) result.push_back(fmt::format("{}={}", key, value));
  return result;
}

// ---- To JSON --------------------------------------------------------------------------------------------------------

void write(protocol::JsonWriter& json, const OptionEntry&, std::integral auto number_or_truth) {
  json.value(number_or_truth);
}
void write(protocol::JsonWriter& json, const OptionEntry&, Milliseconds time) {
  json.value(std::chrono::duration<double>(time).count());
}

void write(protocol::JsonWriter& json, const OptionEntry&, const Settings& settings) {
  json.begin_object();
  for (const auto& [key, value] : settings) json.field(key, value);
  json.end_object();
}

template <typename T>
requires(!std::is_integral_v<T>) void write(protocol::JsonWriter& json, const OptionEntry& entry, const T& value) {
  const Texts members = texts(entry, value);
  if (!entry.is_list()) return json.value(members.empty() ? std::string() : members.front());
  json.begin_array();
  for (const std::string& member : members) json.value(member);
  json.end_array();
}

std::string absolute(std::string_view path, std::string_view base) {
  return (std::filesystem::path(base) / path).lexically_normal().string();
}

}  // namespace

std::string quoted(std::string_view text) {
  return fmt::format("'{}'", protocol::printable(text));
}

Problem give_text(const OptionEntry& entry, std::string_view text, Options& options) {
  if (!protocol::is_valid_utf8(std::as_bytes(std::span(text))) || text.find('\0') != std::string_view::npos)
    return "must be UTF-8 without NUL, not " + quoted(text);
  if (entry.check != nullptr) {
    if (auto problem = entry.check(text)) return problem;
  }
  return std::visit([&](auto member) { return read(entry, text, options.*member); }, entry.member);
}

Texts texts_of(const OptionEntry& entry, const Options& options) {
  return std::visit([&](auto member) { return texts(entry, *(options.*member)); }, entry.member);
}

std::string toml_value(const OptionEntry& entry, Texts texts) {
  const bool is_literal = entry.kind == OptionKind::number || entry.kind == OptionKind::toggle;
  const bool is_measure = entry.kind == OptionKind::size || entry.kind == OptionKind::duration;
  const bool is_number = is_measure && texts.front().find_first_not_of("0123456789") == std::string::npos;
  if (!is_literal && !is_number) std::ranges::transform(texts, texts.begin(), toml_text);
  return entry.is_list() ? fmt::format("[{}]", fmt::join(texts, ", ")) : texts.front();
}

void write_value(protocol::JsonWriter& json, const OptionEntry& entry, const Options& options) {
  std::visit([&](auto member) { write(json, entry, *(options.*member)); }, entry.member);
}

bool is_given(const OptionEntry& entry, const Options& options) {
  return std::visit([&](auto member) { return (options.*member).given(); }, entry.member);
}

void copy_value(const OptionEntry& entry, const Options& from, Options& to) {
  std::visit([&](auto member) { to.*member = from.*member; }, entry.member);
}

std::string with_absolute_path(const OptionEntry& entry, std::string_view text, std::string_view base) {
  if (entry.kind == OptionKind::addresses) {
    if (!text.starts_with(unix_prefix) || text == unix_prefix) return std::string(text);
    return std::string(unix_prefix) + absolute(text.substr(unix_prefix.size()), base);
  }
  if (entry.kind == OptionKind::setting_files) {
    const std::size_t path = text.find('=') + 1;  // 0: none
    if (path == 0 || path == text.size()) return std::string(text);
    return std::string(text.substr(0, path)) + absolute(text.substr(path), base);
  }
  const bool is_path = entry.kind == OptionKind::path || entry.kind == OptionKind::paths ||
                       (entry.kind == OptionKind::app && app_kind(text) != AppKind::builtin);
  return is_path && !text.empty() ? absolute(text, base) : std::string(text);
}

}  // namespace wsd::master
