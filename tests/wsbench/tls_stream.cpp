#include "tests/wsbench/tls_stream.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <limits>
#include <stdexcept>

namespace wsd::bench {
namespace {

// Reading ahead takes a record's head and the rest by one recv, and what is here of others. With less room than this
// only the record at hand is read, so that all that has been taken from the socket fits.
constexpr std::size_t room_for_reading_ahead = 3 * TlsStream::max_record;

bool is_address(const std::string& host) {
  std::array<std::byte, 16> address{};
  return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

// The oldest of what OpenSSL has to complain about, and nothing left for the next call.
std::string complaint() {
  const unsigned long code = ERR_get_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "TLS failed" : reason;
}

// Or the next call would be thought to have failed by them. Mostly there are none.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

int clamped(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

}  // namespace

// ---- TlsContext -----------------------------------------------------------------------------------------------------

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

TlsContext::TlsContext(const Options& options) : options_(options), context_(SSL_CTX_new(TLS_client_method())) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  SSL_CTX* const context = context_.get();
  if (context == nullptr) throw std::runtime_error("TLS: " + complaint());
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // Tickets that nobody resumes with would only be read and freed.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (!options.verifies) return;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  const bool is_loaded = options.ca_file.empty()
                             ? SSL_CTX_set_default_verify_paths(context) == 1
                             : SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) == 1;
  if (!is_loaded) throw std::runtime_error("cannot read certificates from " + options.ca_file + ": " + complaint());
  X509_VERIFY_PARAM* const wanted = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool is_set = is_address(options.host) ? X509_VERIFY_PARAM_set1_ip_asc(wanted, options.host.c_str()) == 1
                                               : X509_VERIFY_PARAM_set1_host(wanted, options.host.c_str(), 0) == 1;
  if (!is_set) throw std::runtime_error("no host for a certificate: " + options.host);
}

// ---- TlsStream ------------------------------------------------------------------------------------------------------

void TlsStream::Free::operator()(ssl_st* connection) const {
  SSL_free(connection);
}

TlsStream::TlsStream(const TlsContext& context, int socket) : connection_(SSL_new(context.context_.get())) {
  if (!connection_ || SSL_set_fd(connection_.get(), socket) != 1) throw std::runtime_error("TLS: " + complaint());
  const std::string& host = context.options_.host;
  if (!is_address(host))
    SSL_ctrl(connection_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(host.c_str()));
}

TlsStream::State TlsStream::shake_hands() {
  if (has_failed_) return State::failed;
  forget_errors();
  return state_after(SSL_connect(connection_.get()));
}

TlsStream::Moved TlsStream::send(std::span<const std::byte> bytes) {
  Moved moved;
  while (moved.size < bytes.size()) {
    forget_errors();
    const int count = SSL_write(connection_.get(), bytes.data() + moved.size, clamped(bytes.size() - moved.size));
    if (count <= 0) {
      moved.state = state_after(count);
      break;
    }
    moved.size += static_cast<std::size_t>(count);
  }
  return moved;
}

TlsStream::Moved TlsStream::receive(std::span<std::byte> into) {
  Moved moved;
  do {
    const std::size_t room = into.size() - moved.size;
    SSL_set_read_ahead(connection_.get(), room >= room_for_reading_ahead ? 1 : 0);
    forget_errors();
    const int count = SSL_read(connection_.get(), into.data() + moved.size, clamped(room));
    if (count <= 0) {
      moved.state = state_after(count);
      break;
    }
    moved.size += static_cast<std::size_t>(count);
  } while (into.size() - moved.size >= max_record && SSL_has_pending(connection_.get()) == 1);
  return moved;
}

void TlsStream::shut_down() {
  if (has_failed_ || SSL_in_init(connection_.get()) != 0) return;
  forget_errors();
  SSL_shutdown(connection_.get());
  forget_errors();
}

std::string TlsStream::version_and_cipher() const {
  return std::string(SSL_get_version(connection_.get())) + " " + SSL_get_cipher_name(connection_.get());
}

TlsStream::State TlsStream::state_after(int result) {
  if (result > 0) return State::done;
  const int error_number = errno;
  switch (SSL_get_error(connection_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return State::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return State::wants_write;
    case SSL_ERROR_ZERO_RETURN:
      return State::ended;
    case SSL_ERROR_SYSCALL:
      error_ = error_number;
      has_failed_ = true;
      return State::failed;
    default: {
      const long verdict = SSL_get_verify_result(connection_.get());
      problem_ = complaint();
      has_failed_ = true;
      if (verdict != X509_V_OK && SSL_get_verify_mode(connection_.get()) != SSL_VERIFY_NONE) {
        problem_ = std::string("certificate: ") + X509_verify_cert_error_string(verdict);
      }
      return State::failed;
    }
  }
}

}  // namespace wsd::bench
