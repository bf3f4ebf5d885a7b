// Writes JSON into a string, compactly and on one line. Commas and quotes come by themselves; nesting is checked. Bytes
// that are no UTF-8 become U+FFFD, since JSON cannot carry them.
//
//   JsonWriter json;
//   json.begin_object();
//   json.field("pid", 12);
//   json.key("listen"); json.begin_array(); json.value("ws://[::1]:80"); json.end_array();
//   json.end_object();
//   json.take();

#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::protocol {

class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);

  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(bool truth);
  void value(double number);  // what JSON has no number for (infinity, NaN) is null
  template <std::integral Integer>
  void value(Integer number) {
    if constexpr (std::signed_integral<Integer>) {
      write_signed(number);
    } else {
      write_unsigned(number);
    }
  }
  void null();
  // Text that is JSON already: one whole value.
  void raw(std::string_view json);

  template <typename T>
  void field(std::string_view name, const T& content) {
    key(name);
    value(content);
  }

  // The finished text. Everything that was begun must have been ended.
  [[nodiscard]] std::string take();

 private:
  void open(char bracket);
  void close(char bracket);
  void separate();
  void write_signed(std::int64_t number);
  void write_unsigned(std::uint64_t number);
  void write_string(std::string_view text);

  struct Level {
    char closing;
    bool empty = true;
    bool after_key = false;
  };
  std::string text_;
  std::vector<Level> levels_;
};

}  // namespace wsd::protocol
