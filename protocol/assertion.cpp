#include "protocol/assertion.h"

#include <cstdio>
#include <cstdlib>

namespace wsd::protocol {

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "wsd: assertion failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace wsd::protocol
