// Assertions about our own code, on in every build: a broken one aborts the process, and the master starts another.
//
// Not for what a peer sends or the machine refuses; those are values (ProtocolError, HttpError, errno).

#pragma once

namespace wsd::protocol {

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace wsd::protocol

#define WSD_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::wsd::protocol::assertion_failed(#condition, __FILE__, __LINE__))
