// Reads one JSON object (RFC 8259) that a stranger wrote: its members are asked for by name and type.
//
//   JsonReader json(text);
//   const auto channel = json.string("channel");  // nothing if it is absent, or of another type
//   const auto code = json.integer("code");
//   json.refuse_unread();                         // if what nobody asked for is an error
//   if (json.error()) return refuse(*json.error());
//
// Strict: the whole text is looked at, and refused for a member that is there twice, at any depth, for what is no
// UTF-8, and for half a surrogate pair. U+0000 may be in a string, as an escape, and arrives as what it is. Errors
// stick: the first one stays, and from then on every member is absent.
//
// Owns what it read; views that its methods return live as long as it. Knows objects and arrays inside the object only
// as something to check and pass over, save for arrays of strings.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace wsd::protocol {

struct JsonLimits {
  std::size_t max_size = 1U << 20U;  // of the text
  std::size_t max_depth = 64;        // the object itself is 1 deep
  std::size_t max_members = 100;     // of each object
};

struct JsonError {
  std::size_t position = 0;  // of the text's byte where it was noticed, from 0; at most the text's size
  std::string text;          // a sentence
};

class JsonReader {
 public:
  enum class Kind : std::uint8_t { absent, string, strings, boolean, integer, other };

  // `text` may go when this returns.
  explicit JsonReader(std::string_view text, JsonLimits limits = {});

  [[nodiscard]] const std::optional<JsonError>& error() const { return error_; }

  // Each is nothing if there is no such member; one of another type is an error.
  [[nodiscard]] std::optional<std::string_view> string(std::string_view name);
  [[nodiscard]] std::optional<std::span<const std::string>> strings(std::string_view name);  // an array of strings
  [[nodiscard]] std::optional<bool> boolean(std::string_view name);
  // A number without fraction and exponent, from -2^63 to 2^63 - 1.
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name);
  // The same, from 0 to 2^64 - 1.
  [[nodiscard]] std::optional<std::uint64_t> unsigned_integer(std::string_view name);
  // What a member is, for one that may be of several types. An empty array is an array of strings.
  [[nodiscard]] Kind kind(std::string_view name);

  // The members that nobody has asked for yet by one of the above (kind() aside), in their order.
  [[nodiscard]] std::vector<std::string_view> unread() const;
  // The first of them is an error.
  void refuse_unread();
  // A member means something that the caller cannot accept; `text` is the sentence that says so. One that is absent is
  // complained about at the object's beginning.
  void refuse(std::string_view name, std::string text);

 private:
  struct Other {};  // null, a number with fraction or exponent, an object, an array of anything but strings
  using Value = std::variant<Other, bool, std::int64_t, std::uint64_t, std::string, std::vector<std::string>>;
  struct Member {
    std::string name;
    std::size_t position = 0;  // of its value
    Value value;
    bool read = false;
  };
  class Walk;

  [[nodiscard]] Member* find(std::string_view name);
  template <typename T>
  [[nodiscard]] const T* get(std::string_view name, std::string_view expected);
  void fail(std::size_t position, std::string text);

  std::vector<Member> members_;
  std::size_t begin_ = 0;  // of the object
  std::optional<JsonError> error_;
};

}  // namespace wsd::protocol
