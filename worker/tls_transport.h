// A transport with TLS on a stream socket.
//
//   socket ──recv──► OpenSSL ──SSL_read──► the caller's buffer
//   socket ◄──send── ciphertext ◄──SSL_write── pieces
//
// The handshake happens in read(). What OpenSSL produces is collected and leaves with one send; what the kernel does
// not take of it is kept here, and nothing more is taken meanwhile: bytes that are encrypted cannot be given back.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/file_descriptor.h"
#include "worker/tls_pointers.h"
#include "worker/transport.h"

namespace wsd::worker {

class TlsContext;

class TlsTransport final : public Transport {
 public:
  // `context` outlives it.
  TlsTransport(TlsContext& context, TlsPointer<ssl_st> connection, FileDescriptor socket, std::string client);
  ~TlsTransport() override;
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  // False if there was no memory.
  [[nodiscard]] bool is_usable() const { return usable_; }

  [[nodiscard]] Transfer read(std::span<std::byte> first, std::span<std::byte> buffer) override;
  [[nodiscard]] Transfer write(std::span<const iovec> pieces) override;
  // Says close_notify first; so does the destruction.
  void shutdown_write() override;
  void abort() override;
  [[nodiscard]] int descriptor() const override { return socket_.get(); }
  [[nodiscard]] bool is_ready() const override { return ready_; }
  [[nodiscard]] bool has_unsent() const override { return !unsent_.empty(); }
  [[nodiscard]] bool has_buffered_input() const override { return end_.has_value() && !end_told_; }
  [[nodiscard]] bool is_movable() const override { return false; }
  [[nodiscard]] TlsProtocol tls() const override;

 private:
  struct Callbacks;  // that OpenSSL calls

  [[nodiscard]] Transfer read_records(std::span<std::byte> first, std::span<std::byte> buffer);
  void shake_hands();
  void fail_handshake(int error);
  void answer_plain_http();
  [[nodiscard]] Transfer tell_end();
  void end_after(int error);
  void end(Transfer::Status status, int error = 0);

  void say_close_notify();
  void note_key_update();
  [[nodiscard]] bool send_ciphertext();

  TlsContext& context_;
  TlsPointer<ssl_st> connection_;
  FileDescriptor socket_;
  std::string client_;             // its address, until the handshake is done
  std::vector<std::byte> unsent_;  // ciphertext that the kernel had no room for
  std::optional<Transfer> end_;    // nothing more will be read: the last word of every read from here on
  std::uint32_t minute_ = 0;       // in which key updates were counted last
  int socket_error_ = 0;           // errno of the last recv
  std::uint8_t key_updates_ = 0;   // of that minute
  bool usable_ = false;
  bool ready_ = false;          // the handshake is done
  bool heard_ = false;          // a first byte has come
  bool may_have_more_ = false;  // the last recv got all that it asked for
  bool peer_ended_ = false;     // recv has said 0
  bool end_told_ = false;
  bool broken_ = false;     // OpenSSL wants no more of it
  bool shut_down_ = false;  // shutdown_write() was called
  bool aborted_ = false;
};

}  // namespace wsd::worker
