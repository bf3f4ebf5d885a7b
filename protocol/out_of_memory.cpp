#include "protocol/out_of_memory.h"

#include <new>

namespace wsd::protocol {

void out_of_memory() {
  if (const std::new_handler handler = std::get_new_handler()) handler();
  throw std::bad_alloc();
}

}  // namespace wsd::protocol
