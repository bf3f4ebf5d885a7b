#include "protocol/json_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "protocol/utf8.h"

namespace wsd::protocol {

namespace ondemand = simdjson::ondemand;

namespace {

constexpr std::string_view whitespace = " \t\r\n";

std::string quoted(std::string_view name) {
  // Names of strangers come into sentences that people read.
  constexpr std::size_t longest = 40;
  if (name.size() > longest || std::ranges::any_of(name, [](char c) { return c < ' ' || c > '~' || c == '"'; })) {
    return "a member";
  }
  return "\"" + std::string(name) + "\"";
}

std::string sentence_of(simdjson::error_code error) {
  switch (error) {
    case simdjson::EMPTY:
      return "There is no JSON here.";
    case simdjson::UTF8_ERROR:
      return "The text is not valid UTF-8.";
    case simdjson::UNESCAPED_CHARS:
      return "A string has a control character in it; write it as an escape, \\n or \\u000a.";
    case simdjson::UNCLOSED_STRING:
      return "The string that begins here does not end.";
    case simdjson::STRING_ERROR:
      return "The string that begins here has an escape that JSON does not know, or half a surrogate pair.";
    case simdjson::NUMBER_ERROR:
      return "This is no number as JSON writes it, or one too large.";
    case simdjson::INCORRECT_TYPE:
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
      return "This is no JSON value; strings need double quotes.";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "The text does not end with the closing brace of its object.";
    case simdjson::MEMALLOC:
      return "There is no memory to read this.";
    default:
      return "This is not what JSON has here: a comma, colon, quote, value or bracket is missing, or is one too many.";
  }
}

// simdjson finds these errors in a first pass over the whole text, which does not say where.
std::size_t find_invalid_utf8(std::string_view text) {
  Utf8Validator validator;
  const auto bytes = std::as_bytes(std::span(text));
  std::size_t i = 0;
  while (i < bytes.size() && validator.feed(bytes.subspan(i, 1))) ++i;
  return i;
}

// The first control character in a string, or the quote of the string that does not end.
std::size_t find_bad_string(std::string_view text) {
  std::size_t quote = 0;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      inside = !inside;
      quote = i;
    } else if (inside && text[i] == '\\') {
      ++i;
    } else if (inside && static_cast<unsigned char>(text[i]) < ' ') {
      return i;
    }
  }
  return quote;
}

std::size_t find_first_pass_error(simdjson::error_code error, std::string_view text) {
  if (error == simdjson::UTF8_ERROR) return find_invalid_utf8(text);
  if (error == simdjson::UNESCAPED_CHARS || error == simdjson::UNCLOSED_STRING) return find_bad_string(text);
  return error == simdjson::EMPTY ? text.size() : 0;
}

}  // namespace

// Visits everything in a text: what simdjson's On-Demand parser is not asked for, it does not check either. Every bool
// is false after an error.
class JsonReader::Walk {
 public:
  // All outlive it.
  Walk(JsonReader& reader, std::string_view text, const JsonLimits& limits)
      : reader_(reader), text_(text), limits_(limits) {}

  void run(simdjson::padded_string& padded) {
    begin_ = padded.data();
    if (const auto error = parser_.iterate(padded).get(document_)) {
      return reader_.fail(find_first_pass_error(error, text_), sentence_of(error));
    }
    ondemand::object object;
    if (const auto error = document_.get_object().get(object)) {
      const bool unfinished = error == simdjson::INCOMPLETE_ARRAY_OR_OBJECT;
      return reader_.fail(unfinished ? text_.find_last_not_of(whitespace) : reader_.begin_, sentence_of(error));
    }
    if (take_members(object, 1, [this](std::string_view name, ondemand::value value, unsigned depth) {
          return take_member(name, value, depth);
        })) {
      check_end();
    }
  }

 private:
  template <typename Take>
  bool take_members(ondemand::object object, unsigned depth, const Take& take) {
    std::vector<std::string_view> names;  // simdjson keeps what it has unescaped
    for (auto item : object) {
      ondemand::field field;
      if (const auto error = std::move(item).get(field)) return fail(error);
      const std::size_t position = position_of(field.key().raw()) - 1;  // of the quote
      std::string_view name;
      if (const auto error = field.unescaped_key().get(name)) return fail_at(position, error);
      if (names.size() == limits_.max_members) {
        reader_.fail(position, "An object has more than " + std::to_string(limits_.max_members) + " members.");
        return false;
      }
      names.push_back(name);
      const auto same = std::ranges::find(names, name);
      if (same != names.end() - 1) {
        reader_.fail(position, "The object has " + quoted(name) + " twice.");
        return false;
      }
      if (!take(name, field.value(), depth)) return false;
    }
    return true;
  }

  bool take_member(std::string_view name, ondemand::value value, unsigned depth) {
    Member member{.name = std::string(name), .position = here(), .value = Other{}};
    if (!take_value(value, depth, member.value)) return false;
    reader_.members_.push_back(std::move(member));
    return true;
  }

  bool take_value(ondemand::value value, unsigned depth, Value& content) {
    const std::size_t position = here();
    ondemand::json_type type;
    if (const auto error = value.type().get(type)) return fail(error);
    switch (type) {
      case ondemand::json_type::object:
        return take_object(value, depth + 1);
      case ondemand::json_type::array:
        return take_array(value, depth + 1, content);
      case ondemand::json_type::string: {
        std::string_view text;
        if (const auto error = value.get_string().get(text)) return fail_at(position, error);
        content = std::string(text);
        return true;
      }
      case ondemand::json_type::number:
        return take_number(value, position, content);
      case ondemand::json_type::boolean: {
        bool truth = false;
        if (const auto error = value.get_bool().get(truth)) return fail_at(position, error);
        content = truth;
        return true;
      }
      case ondemand::json_type::null: {
        bool null = false;
        if (const auto error = value.is_null().get(null)) return fail_at(position, error);
        return null || fail_at(position, simdjson::N_ATOM_ERROR);
      }
    }
    return fail(simdjson::TAPE_ERROR);
  }

  bool take_object(ondemand::value value, unsigned depth) {
    if (!go_deeper(depth)) return false;
    ondemand::object object;
    if (const auto error = value.get_object().get(object)) return fail(error);
    return take_members(object, depth, [this](std::string_view, ondemand::value member, unsigned member_depth) {
      Value passed_over;
      return take_value(member, member_depth, passed_over);
    });
  }

  bool take_array(ondemand::value value, unsigned depth, Value& content) {
    if (!go_deeper(depth)) return false;
    ondemand::array array;
    if (const auto error = value.get_array().get(array)) return fail(error);
    std::vector<std::string> strings;
    bool has_others = false;
    for (auto item : array) {
      ondemand::value element;
      if (const auto error = std::move(item).get(element)) return fail(error);
      Value taken;
      if (!take_value(element, depth, taken)) return false;
      has_others = has_others || !std::holds_alternative<std::string>(taken);
      if (!has_others) strings.push_back(std::move(std::get<std::string>(taken)));
    }
    if (!has_others) content = std::move(strings);
    return true;
  }

  bool take_number(ondemand::value value, std::size_t position, Value& content) {
    ondemand::number number;
    if (const auto error = value.get_number().get(number)) return fail_at(position, error);
    switch (number.get_number_type()) {
      case ondemand::number_type::signed_integer:
        content = std::int64_t{number.get_int64()};
        return true;
      case ondemand::number_type::unsigned_integer:
        content = std::uint64_t{number.get_uint64()};
        return true;
      case ondemand::number_type::floating_point_number:
        return true;
    }
    return true;
  }

  // Recursion has a bound.
  bool go_deeper(unsigned depth) {
    if (depth <= limits_.max_depth) return true;
    reader_.fail(here(), "The text is nested more than " + std::to_string(limits_.max_depth) + " deep.");
    return false;
  }

  void check_end() {
    const char* rest = nullptr;
    if (document_.current_location().get(rest) != simdjson::SUCCESS) return;
    reader_.fail(position_of(rest), "There is more behind the end of the object.");
  }

  bool fail(simdjson::error_code error) { return fail_at(here(), error); }
  bool fail_at(std::size_t position, simdjson::error_code error) {
    reader_.fail(position, sentence_of(error));
    return false;
  }

  // Where simdjson stands: at the token that it has not taken yet, or could not take.
  std::size_t here() {
    const char* place = nullptr;
    return document_.current_location().get(place) == simdjson::SUCCESS ? position_of(place) : text_.size();
  }
  std::size_t position_of(const char* place) const {
    return std::min(static_cast<std::size_t>(place - begin_), text_.size());
  }

  JsonReader& reader_;
  const std::string_view text_;
  const JsonLimits& limits_;
  const char* begin_ = nullptr;  // of simdjson's copy of the text
  ondemand::parser parser_;
  ondemand::document document_;
};

JsonReader::JsonReader(std::string_view text, JsonLimits limits) {
  begin_ = std::min(text.find_first_not_of(whitespace), text.size());
  if (text.size() > limits.max_size) {
    fail(limits.max_size, "The text is larger than " + std::to_string(limits.max_size) + " bytes.");
  } else if (begin_ < text.size() && text[begin_] != '{') {
    fail(begin_, "The text is not one JSON object, {…}.");
  } else {
    simdjson::padded_string padded(text);  // simdjson reads a little beyond the end
    Walk(*this, text, limits).run(padded);
  }
}

std::optional<std::string_view> JsonReader::string(std::string_view name) {
  const auto* text = get<std::string>(name, "a string");
  return text == nullptr ? std::nullopt : std::optional<std::string_view>(*text);
}

std::optional<std::span<const std::string>> JsonReader::strings(std::string_view name) {
  const auto* list = get<std::vector<std::string>>(name, "an array of strings");
  return list == nullptr ? std::nullopt : std::optional<std::span<const std::string>>(*list);
}

std::optional<bool> JsonReader::boolean(std::string_view name) {
  const auto* truth = get<bool>(name, "true or false");
  return truth == nullptr ? std::nullopt : std::optional(*truth);
}

std::optional<std::int64_t> JsonReader::integer(std::string_view name) {
  const auto* number = get<std::int64_t>(name, "a whole number");
  return number == nullptr ? std::nullopt : std::optional(*number);
}

std::optional<std::uint64_t> JsonReader::unsigned_integer(std::string_view name) {
  if (const Member* member = find(name); member != nullptr && std::holds_alternative<std::uint64_t>(member->value)) {
    return *get<std::uint64_t>(name, {});
  }
  const auto* number = get<std::int64_t>(name, "a whole number");
  if (number == nullptr) return std::nullopt;
  if (*number >= 0) return static_cast<std::uint64_t>(*number);
  refuse(name, quoted(name) + " must not be negative.");
  return std::nullopt;
}

JsonReader::Kind JsonReader::kind(std::string_view name) {
  const Member* member = find(name);
  if (member == nullptr) return Kind::absent;
  if (std::holds_alternative<std::string>(member->value)) return Kind::string;
  if (std::holds_alternative<std::vector<std::string>>(member->value)) return Kind::strings;
  if (std::holds_alternative<bool>(member->value)) return Kind::boolean;
  return std::holds_alternative<Other>(member->value) ? Kind::other : Kind::integer;
}

std::vector<std::string_view> JsonReader::unread() const {
  std::vector<std::string_view> names;
  for (const Member& member : members_) {
    if (!error_ && !member.read) names.emplace_back(member.name);
  }
  return names;
}

void JsonReader::refuse_unread() {
  const auto names = unread();
  if (!names.empty()) refuse(names.front(), "There is no use for " + quoted(names.front()) + " here.");
}

void JsonReader::refuse(std::string_view name, std::string text) {
  const Member* member = find(name);
  fail(member == nullptr ? begin_ : member->position, std::move(text));
}

JsonReader::Member* JsonReader::find(std::string_view name) {
  const auto found = std::ranges::find(members_, name, &Member::name);
  return error_ || found == members_.end() ? nullptr : &*found;
}

template <typename T>
const T* JsonReader::get(std::string_view name, std::string_view expected) {
  Member* member = find(name);
  if (member == nullptr) return nullptr;
  member->read = true;
  const T* value = std::get_if<T>(&member->value);
  if (value == nullptr) fail(member->position, quoted(name) + " must be " + std::string(expected) + ".");
  return value;
}

void JsonReader::fail(std::size_t position, std::string text) {
  if (!error_) error_ = JsonError{position, std::move(text)};
}

}  // namespace wsd::protocol
