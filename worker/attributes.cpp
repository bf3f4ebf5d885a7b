#include "worker/attributes.h"

#include <algorithm>
#include <stdexcept>

namespace wsd::worker {

void Attributes::set(std::string_view name, std::string_view value) {
  if (name.empty()) throw std::invalid_argument("an attribute needs a name");
  put(name, value);
}

std::string_view Attributes::get(std::string_view name) const {
  if (entries_ == nullptr) return {};
  const auto found = std::ranges::find(*entries_, name, &Entries::value_type::first);
  return found == entries_->end() ? std::string_view() : std::string_view(found->second);
}

void Attributes::restore(Entries entries) {
  entries_ = entries.empty() ? nullptr : std::make_unique<Entries>(std::move(entries));
}

void Attributes::put(std::string_view name, std::string_view value) {
  if (value.empty()) {
    if (entries_ != nullptr) std::erase_if(*entries_, [name](const auto& entry) { return entry.first == name; });
    if (entries_ != nullptr && entries_->empty()) entries_.reset();
    return;
  }
  if (size_without(name) + name.size() + value.size() > max_size) {
    throw std::length_error("the attributes of a connection may have 64 KiB together");
  }
  if (entries_ == nullptr) entries_ = std::make_unique<Entries>();
  const auto found = std::ranges::find(*entries_, name, &Entries::value_type::first);
  if (found != entries_->end()) {
    found->second = value;
  } else {
    entries_->emplace_back(name, value);
  }
}

std::size_t Attributes::size_without(std::string_view name) const {
  std::size_t size = 0;
  if (entries_ == nullptr) return size;
  for (const auto& [other, value] : *entries_) {
    if (other != name) size += other.size() + value.size();
  }
  return size;
}

}  // namespace wsd::worker
