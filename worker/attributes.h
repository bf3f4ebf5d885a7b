// A connection's small named strings, its subprotocol among them: what an application wants to find again after a
// reload.
//
// Owned by the connection; costs one pointer as long as there is none. Looked up by going through all of them, since
// there are few.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wsd::worker {

class Attributes {
 public:
  using Entries = std::vector<std::pair<std::string, std::string>>;

  static constexpr std::size_t max_size = 64 * 1024;  // of all names and values together

  // An empty value removes the name. Throws std::invalid_argument for an empty name, std::length_error beyond max_size.
  void set(std::string_view name, std::string_view value);
  // Empty if there is none. The view lives until the next change.
  [[nodiscard]] std::string_view get(std::string_view name) const;

  // Kept under the empty name, which no application can use.
  void set_subprotocol(std::string_view name) { put({}, name); }
  [[nodiscard]] std::string_view subprotocol() const { return get({}); }

  [[nodiscard]] bool empty() const { return entries_ == nullptr; }

  // For a handoff: all of it, as it is.
  [[nodiscard]] Entries entries() const { return entries_ == nullptr ? Entries() : *entries_; }
  void restore(Entries entries);

 private:
  void put(std::string_view name, std::string_view value);
  [[nodiscard]] std::size_t size_without(std::string_view name) const;

  std::unique_ptr<Entries> entries_;
};

}  // namespace wsd::worker
