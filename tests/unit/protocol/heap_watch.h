// Counts what the process allocates, malloc and realloc included, under AddressSanitizer as well as without.

#pragma once

#include <cstddef>

namespace wsd::protocol::test {

class HeapWatch {
 public:
  HeapWatch();

  // Calls since this watch began.
  [[nodiscard]] std::size_t allocations() const;
  // Bytes that the heap has grown by since then; 0 if it shrank.
  [[nodiscard]] std::size_t growth() const;

 private:
  std::size_t allocations_before_;
  std::size_t bytes_before_;
};

}  // namespace wsd::protocol::test
