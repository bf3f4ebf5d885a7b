#include "tests/wsbench/fanout_board.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace wsd::bench {

FanoutBoard::FanoutBoard(std::size_t processes, std::size_t publishers)
    : publishers_(publishers),
      process_row_size_((2 + publishers + counters_in_line - 1) / counters_in_line * counters_in_line),
      size_((publishers * counters_in_line + processes * process_row_size_) * sizeof(Counter)) {
  void* const memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::system_category(), "mmap");
  counters_ = new (memory) Counter[size_ / sizeof(Counter)];
  for (std::size_t i = 0; i < processes; ++i) {
    wakers_.push_back(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (wakers_.back() < 0) throw std::system_error(errno, std::system_category(), "eventfd");
  }
}

FanoutBoard::~FanoutBoard() {
  for (const int waker : wakers_) ::close(waker);
  ::munmap(counters_, size_);
}

void FanoutBoard::wake(std::size_t process) const {
  ::eventfd_write(wakers_[process], 1);
}

void FanoutBoard::wake_others(std::size_t process) const {
  for (std::size_t i = 0; i < processes(); ++i) {
    if (i != process) wake(i);
  }
}

void FanoutBoard::rest(std::size_t process) const {
  eventfd_t ignored = 0;
  ::eventfd_read(wakers_[process], &ignored);
}

}  // namespace wsd::bench
