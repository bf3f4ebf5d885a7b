#include "master/ticket_secret.h"

#include <sys/random.h>

#include "protocol/assertion.h"

namespace wsd::master {

std::string make_ticket_secret() {
  std::string secret(32, '\0');
  // So few bytes come whole, once the machine has gathered any randomness at all; until then this waits.
  WSD_ASSERT(::getrandom(secret.data(), secret.size(), 0) == static_cast<ssize_t>(secret.size()));
  return secret;
}

}  // namespace wsd::master
