// A value, or one sentence that says why there is none.

#pragma once

#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

namespace wsd::master {

struct Error {
  std::string text;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::move(value)) {}
  Result(Error error) : content_(std::move(error)) {}

  [[nodiscard]] explicit operator bool() const { return std::holds_alternative<T>(content_); }
  [[nodiscard]] T& operator*() { return get(); }
  [[nodiscard]] T* operator->() { return &get(); }
  [[nodiscard]] const std::string& error() const {
    if (*this) std::abort();
    return std::get_if<Error>(&content_)->text;
  }

 private:
  T& get() {
    if (!*this) std::abort();
    return *std::get_if<T>(&content_);
  }

  std::variant<T, Error> content_;
};

}  // namespace wsd::master
