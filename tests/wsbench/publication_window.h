// Which publications of one publisher all listeners of a process have got.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace wsd::bench {

class PublicationWindow {
 public:
  // So many have to get each. Before the first publication.
  void set_listeners(std::size_t listeners) { listeners_ = listeners; }

  // A listener whose last one was `before` has got `number`: those in between it will not get any more.
  void got(std::uint64_t before, std::uint64_t number) {
    while (confirmed_ + got_by_.size() < number) got_by_.push_back(0);
    for (std::uint64_t at = before; at < number; ++at) ++got_by_[at - confirmed_];
    confirm();
  }
  // A listener whose last one was `last` is gone.
  void leave(std::uint64_t last) {
    for (std::uint64_t at = confirmed_; at < last; ++at) --got_by_[at - confirmed_];
    --listeners_;
    confirm();
  }

  // The last that all have got. With no listeners it does not rise: see has_listeners().
  [[nodiscard]] std::uint64_t confirmed() const { return confirmed_; }
  [[nodiscard]] bool has_listeners() const { return listeners_ > 0; }

 private:
  void confirm() {
    while (!got_by_.empty() && got_by_.front() >= listeners_) {
      got_by_.pop_front();
      ++confirmed_;
    }
  }

  std::size_t listeners_ = 0;
  std::uint64_t confirmed_ = 0;
  std::deque<std::size_t> got_by_;  // of the publications after confirmed_
};

}  // namespace wsd::bench
