// Chat rooms: docs/chat-protocol.md. Who reads too slowly is closed with 1013, comes back and gets the history.
// `--set rate=N` is how many messages a second a client may send, `--set max_text=N` how many characters each may have.

#include "worker/apps/chat_room.h"

WSD_APP(app) {
  wsd::chat::serve_rooms(
      app,
      {.name = "chat",
       .channel = {.slow_consumer = wsd::SlowConsumer::close, .history = 50, .presence = true, .unique_names = true}});
}
