// A worker's connections by id. Owned by the server, which alone adds and removes.

#pragma once

#include <wsd/message.h>

#include <memory>
#include <unordered_map>

#include "worker/client_connection.h"

namespace wsd::worker {

using ConnectionTable = std::unordered_map<ConnectionId, std::unique_ptr<ClientConnection>>;

}  // namespace wsd::worker
