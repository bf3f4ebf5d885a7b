#include "tests/unit/protocol/heap_watch.h"

#include <malloc.h>

#include <atomic>

namespace {

std::atomic<std::size_t> allocation_count = 0;

}  // namespace

#ifdef __SANITIZE_ADDRESS__

// GCC ships the sanitizers without <sanitizer/allocator_interface.h>.
extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*, std::size_t),
                                              void (*free_hook)(const volatile void*));
std::size_t __sanitizer_get_current_allocated_bytes();
}

namespace {

void count_allocation(const volatile void*, std::size_t) {
  ++allocation_count;
}
void ignore_free(const volatile void*) {}

const int hooks_installed = __sanitizer_install_malloc_and_free_hooks(count_allocation, ignore_free);

std::size_t heap_size() {
  return __sanitizer_get_current_allocated_bytes();
}

}  // namespace

#else

namespace {

std::atomic<std::size_t> live_bytes = 0;

void* count(void* block) {
  ++allocation_count;
  live_bytes += malloc_usable_size(block);
  return block;
}

std::size_t heap_size() {
  return live_bytes;
}

}  // namespace

extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t number, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void __libc_free(void* block);

void* malloc(std::size_t size) {
  return count(__libc_malloc(size));
}
void* calloc(std::size_t number, std::size_t size) {
  return count(__libc_calloc(number, size));
}

void* realloc(void* block, std::size_t size) {
  live_bytes -= malloc_usable_size(block);
  return count(__libc_realloc(block, size));
}

void free(void* block) {
  live_bytes -= malloc_usable_size(block);
  __libc_free(block);
}
}

#endif

namespace wsd::protocol::test {

HeapWatch::HeapWatch() : allocations_before_(allocation_count), bytes_before_(heap_size()) {}

std::size_t HeapWatch::allocations() const {
  return allocation_count - allocations_before_;
}

std::size_t HeapWatch::growth() const {
  const std::size_t now = heap_size();
  return now > bytes_before_ ? now - bytes_before_ : 0;
}

}  // namespace wsd::protocol::test
