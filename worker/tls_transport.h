// A transport with TLS on a stream socket.
//
//   socket ──recv──► OpenSSL ──SSL_read──► the caller's buffer
//   socket ◄──send── ciphertext ◄──SSL_write── pieces
//
// The handshake happens in read(). What OpenSSL produces is collected and leaves with one send; what the kernel does
// not take of it is kept here, and nothing more is taken meanwhile: bytes that are encrypted cannot be given back.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "worker/file_descriptor.h"
#include "worker/tls_pointers.h"
#include "worker/transport.h"

namespace wsd::worker {

class TlsContext;

class TlsTransport final : public Transport {
 public:
  // Memory of each, beyond this object: OpenSSL's, with a certificate of ECDSA. Measured (docs/benchmarks.md), and only
  // a guide to when memory is worth giving back.
  static constexpr std::size_t connection_memory = std::size_t{14} * 1024;
  static constexpr std::size_t handshake_memory = std::size_t{28} * 1024;  // while it agrees with its peer

  // The socket as OpenSSL sees it. One for all of a context's connections: it is that of whoever is at work.
  [[nodiscard]] static TlsPointer<bio_st> make_socket();

  // `context` outlives it. `client`: its address.
  TlsTransport(TlsContext& context, TlsPointer<ssl_st> connection, FileDescriptor socket, std::string client);
  ~TlsTransport() override;
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  [[nodiscard]] Transfer read(std::span<std::byte> first, std::span<std::byte> buffer) override;
  [[nodiscard]] Transfer write(std::span<const iovec> pieces) override;
  // Says close_notify first; so does the destruction.
  void shutdown_write() override;
  void abort() override;
  [[nodiscard]] int descriptor() const override { return socket_.get(); }
  [[nodiscard]] bool is_ready() const override { return ready_; }
  [[nodiscard]] bool has_unsent() const override { return unsent_ != nullptr; }
  [[nodiscard]] bool has_buffered_input() const override { return has_ended() && !end_told_; }
  [[nodiscard]] bool is_movable() const override { return false; }
  [[nodiscard]] TlsProtocol tls() const override;

 private:
  struct Callbacks;  // that OpenSSL calls

  void go_to_work();
  [[nodiscard]] Transfer read_records(std::span<std::byte> first, std::span<std::byte> buffer);
  void shake_hands();
  void handshake_done();
  void fail_handshake(int error);
  void answer_plain_http();
  [[nodiscard]] bool has_ended() const { return end_ != Transfer::Status::would_block; }
  [[nodiscard]] Transfer tell_end();
  void end_after(int error);
  void end(Transfer::Status status, int error = 0);

  void say_close_notify();
  void note_key_update();
  [[nodiscard]] bool send_ciphertext();

  // Ten thousands of these wait for their clients to speak: what only some need, or only for a moment, lies elsewhere.
  TlsContext& context_;
  TlsPointer<ssl_st> connection_;
  std::unique_ptr<const std::string> client_;       // its address, until the handshake is done
  std::unique_ptr<std::vector<std::byte>> unsent_;  // ciphertext that the kernel had no room for, if there is any
  FileDescriptor socket_;
  int socket_error_ = 0;          // errno of the last recv
  int end_error_ = 0;             // with `end_`
  std::uint32_t minute_ = 0;      // in which key updates were counted last
  std::uint8_t key_updates_ = 0;  // of that minute
  // Nothing more will be read: the last word of every read from here on. would_block: there is no end yet.
  Transfer::Status end_ = Transfer::Status::would_block;
  bool ready_ : 1 = false;          // the handshake is done
  bool heard_ : 1 = false;          // a first byte has come
  bool may_have_more_ : 1 = false;  // the last recv got all that it asked for
  bool peer_ended_ : 1 = false;     // recv has said 0
  bool end_told_ : 1 = false;
  bool broken_ : 1 = false;     // OpenSSL wants no more of it
  bool shut_down_ : 1 = false;  // shutdown_write() was called
  bool aborted_ : 1 = false;
};

}  // namespace wsd::worker
