// The access log: a line for every connection that has ended, and for every request that was answered with something
// else than a WebSocket.
//
//   2026-11-25T19:00:00.123Z worker=2 id=1125899906842626 remote=192.0.2.7 status=101 path="/chat" duration=12.345
//   messages_in=3 messages_out=12 bytes_in=345 bytes_out=2048 code=1000 closed_by=client            (on one line)
//
// or a JSON object with the same names. What clients say is printable, and no longer than 1 KiB a field; the query of
// a request, which may hold secrets, is left out.
//
// Owned by the server. The descriptor is the heritage's.

#pragma once

#include <wsd/message.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "worker/line_file.h"
#include "worker/log.h"
#include "worker/traffic.h"

namespace wsd::worker {

// Who ended a WebSocket. The numbers are on the wire between releases (connection_state.h).
enum class ClosedBy : std::uint8_t {
  nobody = 0,  // it has not ended
  client = 1,  // it sent the first Close, or ended its stream
  server = 2,  // it leaves, or a limit was reached
  app = 3,     // the application, or who spoke through the API
  error = 4,   // the client broke the protocol, a callback threw, or the stream broke
};

struct AccessEntry {
  ConnectionId id = 0;
  std::string_view remote = {};
  std::string_view path = {};    // empty: the request did not come so far
  std::uint16_t status = 101;    // of the answer to the request
  std::string_view origin = {};  // empty: there is none, as with what follows
  std::string_view subprotocol = {};
  // Of a WebSocket alone.
  std::chrono::milliseconds duration{0};
  Traffic traffic = {};
  std::uint16_t code = 0;
  ClosedBy closed_by = ClosedBy::nobody;
  std::string_view reason = {};
};

// With its newline.
[[nodiscard]] std::string access_line(const AccessEntry& entry, std::chrono::system_clock::time_point time,
                                      unsigned worker, log::Format format);

class AccessLog {
 public:
  // -1: there is none, and nothing else may be called.
  AccessLog(int descriptor, unsigned worker) : file_(descriptor), worker_(worker) {}

  [[nodiscard]] bool is_on() const { return file_.descriptor() >= 0; }
  void write(const AccessEntry& entry);
  // Lines that could not be written.
  [[nodiscard]] std::uint64_t lost() const { return file_.lost(); }
  // Another file is behind the descriptor.
  void reopened() { file_.use(file_.descriptor()); }

 private:
  LineFile file_;
  unsigned worker_;
};

}  // namespace wsd::worker
