// Chat rooms for many who watch the same thing and comment on it: docs/chat-protocol.md. Comments have a color and a
// position, what is said within 50 ms leaves together, and who reads too slowly misses the oldest. Settings as of chat.

#include <chrono>

#include "worker/apps/chat_room.h"

WSD_APP(app) {
  wsd::chat::serve_rooms(app, {.name = "danmaku",
                               .has_looks = true,
                               .channel = {.slow_consumer = wsd::SlowConsumer::drop_oldest,
                                           .batch = std::chrono::milliseconds(50),
                                           .history = 50,
                                           .presence = true,
                                           .unique_names = true}});
}
