#include "tests/load/tls_stream.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <csignal>

namespace wsd::load {

namespace {

SSL_CTX* make_context() {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  return context;
}

}  // namespace

void TlsStream::Deleter::operator()(ssl_st* connection) const {
  SSL_free(connection);
}

std::unique_ptr<TlsStream> TlsStream::open(int socket) {
  static SSL_CTX* const context = make_context();
  std::unique_ptr<TlsStream> stream(new TlsStream(SSL_new(context)));
  SSL_set_fd(stream->connection_.get(), socket);
  ERR_clear_error();
  if (SSL_connect(stream->connection_.get()) != 1) return nullptr;
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
  return stream;
}

std::optional<std::size_t> TlsStream::send(std::string_view bytes) const {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    ERR_clear_error();
    const int count = SSL_write(connection_.get(), bytes.data() + sent, static_cast<int>(bytes.size() - sent));
    if (count <= 0) {
      if (SSL_get_error(connection_.get(), count) == SSL_ERROR_WANT_WRITE) break;
      return std::nullopt;
    }
    sent += static_cast<std::size_t>(count);
  }
  return sent;
}

std::optional<std::size_t> TlsStream::receive(std::span<char> into) const {
  std::size_t received = 0;
  // Whole records only: half a one would wait where epoll does not see it.
  while (into.size() - received >= SSL3_RT_MAX_PLAIN_LENGTH) {
    ERR_clear_error();
    const int count = SSL_read(connection_.get(), into.data() + received, static_cast<int>(into.size() - received));
    if (count <= 0) {
      if (received > 0) break;  // an end shows again
      if (SSL_get_error(connection_.get(), count) == SSL_ERROR_WANT_READ) return std::nullopt;
      return 0;
    }
    received += static_cast<std::size_t>(count);
  }
  return received;
}

}  // namespace wsd::load
