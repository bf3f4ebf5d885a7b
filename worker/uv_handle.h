// Ownership of libuv handles: the owner's deleter starts the close, the close callback frees the memory.
//
// Once uv_*_init() has succeeded the loop owns the memory until the close callback has run, whatever happens to us; so
// nobody else calls uv_close(), and nobody writes `delete` on a handle.

#pragma once

#include <uv.h>

#include <memory>

namespace wsd::worker {

struct UvHandleDeleter {
  template <typename Handle>
  void operator()(Handle* handle) const {
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
  }
};

template <typename Handle>
using UvHandle = std::unique_ptr<Handle, UvHandleDeleter>;

// `init(raw)` calls the uv_*_init() of this kind and returns its result. A null owner when that failed.
template <typename Handle, typename Init>
[[nodiscard]] UvHandle<Handle> make_uv_handle(Init init) {
  auto raw = std::make_unique<Handle>();
  if (init(raw.get()) != 0) return nullptr;
  return UvHandle<Handle>(raw.release());
}

}  // namespace wsd::worker
