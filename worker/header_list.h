// The headers that an application adds to an answer. Nothing gets in that could change the meaning of the rest.

#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "protocol/http_error.h"

namespace wsd::worker {

class HeaderList {
 public:
  static constexpr std::size_t max_size = 16 * 1024;  // of all names and values together

  // Throws std::invalid_argument for what is no header and for those that the server writes itself, std::length_error
  // beyond max_size.
  void add(std::string_view name, std::string_view value);

  [[nodiscard]] const std::vector<protocol::HttpHeader>& headers() const { return headers_; }

 private:
  std::vector<protocol::HttpHeader> headers_;
  std::size_t size_ = 0;
};

}  // namespace wsd::worker
