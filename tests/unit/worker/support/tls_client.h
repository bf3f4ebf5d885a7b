// A TLS client over one end of a socket pair: OpenSSL with memory in between, so that a test decides how many bytes go
// over the wire at a time.

#pragma once

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <string>
#include <string_view>

#include "tests/unit/worker/support/sockets.h"
#include "worker/tls_pointers.h"

namespace wsd::worker::test {

class TlsClient {
 public:
  explicit TlsClient(FileDescriptor socket) : peer_(std::move(socket)), context_(SSL_CTX_new(TLS_client_method())) {}

  // Before the first step.
  [[nodiscard]] SSL_CTX* context() { return context_.get(); }
  [[nodiscard]] SSL* connection() {
    if (connection_ == nullptr) {
      connection_.reset(SSL_new(context_.get()));
      SSL_set_bio(connection_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
      SSL_set_connect_state(connection_.get());
    }
    return connection_.get();
  }

  // Goes on with the handshake as far as it can, and takes to heart what came. Its words wait for deliver().
  void step() {
    take_from_wire();
    ERR_clear_error();
    if (SSL_is_init_finished(connection()) == 0) SSL_do_handshake(connection());
    collect();
  }
  [[nodiscard]] bool is_open() { return SSL_is_init_finished(connection()) == 1; }

  void write(std::string_view text) {
    EXPECT_EQ(SSL_write(connection(), text.data(), static_cast<int>(text.size())), static_cast<int>(text.size()));
    collect();
  }
  void close() {
    SSL_shutdown(connection());
    collect();
  }
  // What is there now.
  std::string read() {
    take_from_wire();
    std::string all;
    std::array<char, 20'000> buffer;
    for (int count = 0; (count = SSL_read(connection(), buffer.data(), buffer.size())) > 0;) {
      all.append(buffer.data(), static_cast<std::size_t>(count));
    }
    collect();
    return all;
  }
  [[nodiscard]] bool heard_close_notify() { return (SSL_get_shutdown(connection()) & SSL_RECEIVED_SHUTDOWN) != 0; }

  // Puts at most `size` bytes on the wire. False if there were none.
  bool deliver(std::size_t size = std::string::npos) {
    const std::string some = waiting_.substr(0, size);
    waiting_.erase(0, some.size());
    if (!some.empty()) peer_.send(some);
    return !some.empty();
  }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] Peer& peer() { return peer_; }

 private:
  void take_from_wire() {
    const std::string bytes = peer_.receive();
    if (!bytes.empty()) BIO_write(SSL_get_rbio(connection()), bytes.data(), static_cast<int>(bytes.size()));
  }
  void collect() {
    std::array<char, 4096> buffer;
    for (int count = 0; (count = BIO_read(SSL_get_wbio(connection()), buffer.data(), buffer.size())) > 0;) {
      waiting_.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }

  Peer peer_;
  TlsPointer<SSL_CTX> context_;
  TlsPointer<SSL> connection_;
  std::string waiting_;
};

}  // namespace wsd::worker::test
