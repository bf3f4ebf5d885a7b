// A text that is seldom longer than an IPv4 address, in 16 bytes.

#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace wsd::worker {

class ShortText {
 public:
  ShortText() = default;
  explicit ShortText(std::string_view text) {
    if (text.size() <= bytes_.size()) {
      text.copy(bytes_.data(), text.size());
      size_ = static_cast<std::uint8_t>(text.size());
    } else {
      auto* const elsewhere = new std::string(text);
      std::memcpy(bytes_.data(), &elsewhere, sizeof(void*));
      size_ = is_elsewhere;
    }
  }
  ShortText(ShortText&& other) noexcept : bytes_(other.bytes_), size_(std::exchange(other.size_, 0)) {}
  ShortText& operator=(ShortText&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
  }
  ShortText(const ShortText&) = delete;
  ShortText& operator=(const ShortText&) = delete;
  ~ShortText() {
    if (size_ == is_elsewhere) delete elsewhere();
  }

  // Lives as long as the text, and not beyond a move.
  [[nodiscard]] std::string_view view() const {
    return size_ == is_elsewhere ? std::string_view(*elsewhere()) : std::string_view(bytes_.data(), size_);
  }

 private:
  static constexpr std::uint8_t is_elsewhere = 0xFF;

  [[nodiscard]] std::string* elsewhere() const {
    std::string* text = nullptr;
    std::memcpy(&text, bytes_.data(), sizeof(void*));
    return text;
  }

  std::array<char, 15> bytes_{};  // or a pointer
  std::uint8_t size_ = 0;
};

}  // namespace wsd::worker
