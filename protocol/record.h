// Tagged, skippable records: what our own processes tell one another, across versions.
//
// A record is a type and fields. On the wire: type (u16), then per field tag (u16), length (u32), bytes; all in host
// byte order, since both ends are on one machine. A reader skips tags that it does not know and sees a field that is
// absent as absent, so that records of an older or newer release are understood.
//
// A record has no length of its own: who carries it keeps its boundary.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace wsd::protocol {

using Tag = std::uint16_t;

class RecordWriter {
 public:
  explicit RecordWriter(std::uint16_t type);

  RecordWriter& add(Tag tag, std::string_view bytes);
  RecordWriter& add(Tag tag, std::span<const std::byte> bytes);
  RecordWriter& add_number(Tag tag, std::uint64_t number);

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  void append(const void* data, std::size_t size);

  std::vector<std::byte> bytes_;
};

struct RecordField {
  Tag tag = 0;
  std::string_view value;
};

// What add_number() wrote; nothing if these are not eight bytes.
[[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view value);

// A view of a record's bytes, which must outlive it.
class RecordReader {
 public:
  // Nothing if the bytes are not one whole record.
  [[nodiscard]] static std::optional<RecordReader> parse(std::span<const std::byte> bytes);

  [[nodiscard]] std::uint16_t type() const { return type_; }
  // The whole record, as it was given to parse().
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  // All of them, in order.
  [[nodiscard]] std::vector<RecordField> fields() const;
  // The first field of this tag.
  [[nodiscard]] std::optional<std::string_view> find(Tag tag) const;
  // Every field of this tag, in order.
  [[nodiscard]] std::vector<std::string_view> find_all(Tag tag) const;
  // A number field; nothing if it is absent or not eight bytes.
  [[nodiscard]] std::optional<std::uint64_t> number(Tag tag) const;

 private:
  RecordReader(std::span<const std::byte> bytes, std::uint16_t type, std::span<const std::byte> fields)
      : bytes_(bytes), type_(type), fields_(fields) {}

  std::span<const std::byte> bytes_;
  std::uint16_t type_;
  std::span<const std::byte> fields_;
};

}  // namespace wsd::protocol
