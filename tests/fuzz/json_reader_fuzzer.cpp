// The reader beside simdjson's other parser, which reads a text whole: both know the same texts as JSON.

#include <simdjson.h>

#include <set>
#include <string>
#include <string_view>

#include "protocol/json_reader.h"
#include "protocol/utf8.h"
#include "tests/fuzz/fuzz_input.h"

namespace wsd::fuzz {
namespace {

using protocol::JsonLimits;
using protocol::JsonReader;
namespace dom = simdjson::dom;

bool is_utf8(std::string_view text) {
  return protocol::is_valid_utf8(std::as_bytes(std::span(text)));
}

// Within our limits, and no name twice.
bool is_acceptable(dom::element element, std::size_t depth, const JsonLimits& limits) {
  if (element.is_array()) {
    if (depth == limits.max_depth) return false;
    for (const dom::element item : dom::array(element)) {
      if (!is_acceptable(item, depth + 1, limits)) return false;
    }
  }
  if (element.is_object()) {
    if (depth == limits.max_depth) return false;
    std::set<std::string_view> names;
    for (const auto& [name, value] : dom::object(element)) {
      if (!names.insert(name).second || !is_acceptable(value, depth + 1, limits)) return false;
    }
    return names.size() <= limits.max_members;
  }
  return !element.is_string() || is_utf8(std::string_view(element));
}

bool should_be_read(std::string_view text, const JsonLimits& limits) {
  dom::parser parser;
  dom::element element;
  if (text.size() > limits.max_size || parser.parse(simdjson::padded_string(text)).get(element) != simdjson::SUCCESS) {
    return false;
  }
  return element.is_object() && is_acceptable(element, 0, limits);
}

void check_members(JsonReader& json, std::string_view text) {
  dom::parser parser;
  const dom::object object = parser.parse(simdjson::padded_string(text));
  for (const auto& [name, value] : object) {
    switch (json.kind(name)) {
      case JsonReader::Kind::string:
        FUZZ_ASSERT(json.string(name) == std::string_view(value));
        FUZZ_ASSERT(is_utf8(*json.string(name)));
        break;
      case JsonReader::Kind::strings:
        FUZZ_ASSERT(json.strings(name)->size() == dom::array(value).size());
        break;
      case JsonReader::Kind::boolean:
        FUZZ_ASSERT(json.boolean(name) == bool(value));
        break;
      case JsonReader::Kind::integer:
        if (value.is_int64()) {
          FUZZ_ASSERT(json.integer(name) == std::int64_t(value));
        } else {
          FUZZ_ASSERT(json.unsigned_integer(name) == std::uint64_t(value));
        }
        break;
      case JsonReader::Kind::other:
        FUZZ_ASSERT(!value.is_string() && !value.is_bool() && !value.is_int64() && !value.is_uint64());
        break;
      case JsonReader::Kind::absent:
        FUZZ_ASSERT(false);
    }
  }
  FUZZ_ASSERT(!json.error());
}

}  // namespace
}  // namespace wsd::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wsd::fuzz;
  const Input input(data, size);
  const Bytes copy(input.wire.begin(), input.wire.end());  // a heap block of its own
  const std::string_view text(reinterpret_cast<const char*>(copy.data()), copy.size());
  const JsonLimits limits{.max_size = 4000, .max_depth = 1U + input.option % 64, .max_members = 1U + input.seed % 100};

  JsonReader json(text, limits);
  FUZZ_ASSERT(json.error().has_value() != should_be_read(text, limits));
  if (json.error()) {
    FUZZ_ASSERT(json.error()->position <= text.size());
    FUZZ_ASSERT(json.error()->text.ends_with('.') && is_utf8(json.error()->text));
    FUZZ_ASSERT(!json.string("a") && json.unread().empty());
  } else {
    check_members(json, text);
  }
  return 0;
}
