// What a publisher of a fan-out says: a JSON text, so that a server may deliver it alone or as an element of an array.
//
// In quotes, in hexadecimal: publisher (4 digits), number (10), when it was sent (16, nanoseconds of CLOCK_MONOTONIC),
// and a filling that depends on the number.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/wsbench/clock.h"

namespace wsd::bench {

struct Publication {
  std::uint32_t publisher = 0;
  std::uint64_t number = 0;  // of its publications, from 1 on; 0: one of the probes before them
  Time sent_at;              // or due, at a rate
  std::size_t size = 0;      // with the quotes

  bool operator==(const Publication&) const = default;
};

inline constexpr std::size_t smallest_publication = 32;
inline constexpr std::uint32_t max_publishers = 0x10000;

class Publications {
 public:
  // `largest`: the size of the largest that will be made or read.
  explicit Publications(std::size_t largest);

  // Appends one of at least smallest_publication bytes.
  void append(std::string& text, const Publication& publication) const;
  // Takes the one at the front of `text`. Nothing, and `text` as it was, if there is no whole and proper one. The same
  // text again and again, as it comes to many subscribers, is read once and then only compared.
  [[nodiscard]] std::optional<Publication> take(std::string_view& text);

 private:
  [[nodiscard]] std::optional<Publication> read(std::string_view text) const;
  [[nodiscard]] std::string_view filling(std::uint64_t number, std::size_t size) const;

  std::string filling_;
  std::string last_text_;
  Publication last_;
};

}  // namespace wsd::bench
