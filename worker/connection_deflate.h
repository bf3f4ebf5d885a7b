// permessage-deflate on one connection: what was agreed on, and the streams of its own that context takeover needs.
//
// Owned by a connection that has agreed on it. Small, as long as no side takes its context over.

#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/session.h"
#include "worker/compression.h"

namespace wsd::worker {

class ConnectionDeflate {
 public:
  // `session` takes compressed messages from here on, and none after we are gone. `shared` outlives us.
  ConnectionDeflate(const protocol::DeflateParameters& parameters, Compression& shared, protocol::Session& session);

  [[nodiscard]] const protocol::DeflateParameters& parameters() const { return parameters_; }

  // One message for this connection alone, gathered from pieces of `size` bytes together. The result is valid until the
  // next message of any connection is compressed, and must be sent. Nothing: the message is to be sent as it is.
  [[nodiscard]] std::optional<std::span<const std::byte>> deflate(Compression& shared,
                                                                  std::initializer_list<std::string_view> pieces,
                                                                  std::size_t size) {
    if (!shared.is_worth(size)) return std::nullopt;
    return deflater(shared, size).deflate(pieces, size);
  }

  // Whether our messages refer to earlier ones.
  [[nodiscard]] bool takes_over() const { return parameters_.server_takeover == protocol::ContextTakeover::yes; }
  // A message that others get as well was compressed elsewhere, and the peer may see it or not: our next one refers to
  // nothing before it.
  void skip_shared_message();

  // What streams of its own take in bytes, roughly: their windows, and what else grows with them.
  [[nodiscard]] std::size_t own_memory() const;

  // What the peer's next message may refer to. Empty unless it takes its context over.
  [[nodiscard]] std::vector<std::byte> inflate_window() const;
  void restore_inflate_window(std::span<const std::byte> window);

 private:
  // Made with the first message that needs them.
  struct OwnStreams {
    std::unique_ptr<protocol::Inflater> inflater;
    std::unique_ptr<protocol::Deflater> deflater;
  };

  [[nodiscard]] protocol::Deflater& deflater(Compression& shared, std::size_t size);
  OwnStreams& own();

  const protocol::DeflateParameters parameters_;
  std::unique_ptr<OwnStreams> own_;
};

}  // namespace wsd::worker
