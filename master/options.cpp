#include "master/options.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <variant>

#include "master/option_table.h"
#include "master/option_value.h"
#include "protocol/assertion.h"
#include "protocol/json_writer.h"

namespace wsd::master {

namespace {

using Problem = std::optional<std::string>;  // what is wrong with an option, or nothing
using simdjson::dom::element;

// As users spell it.
std::string spelling(std::string_view key) {
  const OptionEntry* entry = find_option(key);
  return entry == nullptr ? quoted(key) : entry->flag();
}

bool is_list(std::string_view key) {
  const OptionEntry* entry = find_option(key);
  return entry != nullptr && entry->is_list();
}

bool has_settings(std::string_view key) {
  const OptionEntry* entry = find_option(key);
  return entry != nullptr && entry->has_settings();
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
    if (!has_settings(key) || value.get(text) != simdjson::SUCCESS) return spelling(key) + " must not be an object";
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
  const OptionEntry* entry = find_option(key);
  if (entry == nullptr) return spelling(key) + " is no option";
  auto problem = give_text(*entry, text, *this);
  if (problem) problem = fmt::format("{}: {}", entry->flag(), *problem);
  return problem;
}

void Options::merge(const Options& newer) {
  const auto replace_settings = [](Option<Settings>& ours, const Option<Settings>& theirs, const Settings& elsewhere) {
    Settings settings = *ours;
    for (const auto& [key, value] : elsewhere) settings.erase(key);
    for (const auto& [key, value] : *theirs) settings.insert_or_assign(key, value);
    if (ours.given() || theirs.given()) ours.give(std::move(settings));
  };
  for (const OptionEntry& entry : option_table()) {
    if (!entry.has_settings() && is_given(entry, newer)) copy_value(entry, newer, *this);
  }
  replace_settings(set, newer.set, *newer.set_file);
  replace_settings(set_file, newer.set_file, *newer.set);
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
  for (const OptionEntry& entry : option_table()) {
    if (!is_given(entry, options)) continue;
    json.key(entry.key);
    write_value(json, entry, options);
  }
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
