#include "worker/tls_transport.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "protocol/assertion.h"
#include "protocol/http_error.h"
#include "protocol/out_of_memory.h"
#include "worker/tls_certificate.h"
#include "worker/tls_context.h"

namespace wsd::worker {

namespace {

constexpr std::size_t max_record = SSL3_RT_MAX_PLAIN_LENGTH;
// Plaintext that one write takes: no more than the kernel is likely to.
constexpr std::size_t max_write = 64 * 1024;
// Once there is less room than this no more is read ahead than the record at hand: all that is here then fits.
constexpr std::size_t room_for_reading_ahead = 3 * max_record;
static_assert(room_for_reading_ahead < Transport::min_read_buffer);
// More in one minute is an attack on our time (RFC 8446 §4.6.3 leaves the limit to us).
constexpr unsigned max_key_updates = 32;

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

// Or the next operation would be thought to have failed by them. Mostly there are none.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// Takes the next record's bytes from the front of the pieces: where they lie, if it is one piece that fills the record
// or ends it all, or else joined in `record`. `offset`: what is gone of the first piece.
std::span<const std::byte> next_record(std::span<const iovec>& pieces, std::size_t& offset,
                                       std::span<std::byte> record) {
  const auto take = [&](std::size_t most) {
    const std::span piece(static_cast<const std::byte*>(pieces.front().iov_base), pieces.front().iov_len);
    const auto taken = piece.subspan(offset, std::min(piece.size() - offset, most));
    offset += taken.size();
    if (offset == piece.size()) {
      pieces = pieces.subspan(1);
      offset = 0;
    }
    return taken;
  };
  if (pieces.size() == 1 || pieces.front().iov_len - offset >= record.size()) return take(record.size());
  std::size_t size = 0;
  while (!pieces.empty() && size < record.size()) {
    const auto taken = take(record.size() - size);
    std::ranges::copy(taken, record.begin() + static_cast<std::ptrdiff_t>(size));
    size += taken.size();
  }
  return record.first(size);
}

std::uint32_t this_minute() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::minutes>(now).count());
}

}  // namespace

// The keys that a handshake agrees by have done their work when it is done. OpenSSL keeps them as long as the
// connection; emptied here they are no secret that could leak, and no memory.
void forget_agreement(SSL* connection) {
  const auto forget = [](EVP_PKEY* key) {
    EVP_PKEY_set_type(key, EVP_PKEY_X25519);
    EVP_PKEY_free(key);
  };
  EVP_PKEY* key = nullptr;
  if (SSL_get_tmp_key(connection, &key) == 1) forget(key);
  if (SSL_get_peer_tmp_key(connection, &key) == 1) forget(key);
}

// What OpenSSL reads comes from the kernel, what it writes is collected by the context.
struct TlsTransport::Callbacks {
  static TlsTransport& transport_of(BIO* bio) { return *static_cast<TlsTransport*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, int size) {
    TlsTransport& transport = transport_of(bio);
    BIO_clear_retry_flags(bio);
    const ssize_t count = ::recv(transport.socket_.get(), into, static_cast<std::size_t>(size), 0);
    transport.socket_error_ = count < 0 ? errno : 0;
    transport.peer_ended_ = transport.peer_ended_ || count == 0;
    transport.heard_ = transport.heard_ || count > 0;
    transport.may_have_more_ = count == size;
    if (count < 0 && would_block(transport.socket_error_)) BIO_set_retry_read(bio);
    return static_cast<int>(count);
  }

  static int write(BIO* bio, const char* bytes, int size) {
    auto& ciphertext = transport_of(bio).context_.ciphertext();
    const auto* first = reinterpret_cast<const std::byte*>(bytes);
    ciphertext.insert(ciphertext.end(), first, first + size);
    return size;
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    return command == BIO_CTRL_EOF && transport_of(bio).peer_ended_ ? 1 : 0;
  }

  static BIO_METHOD* make_method() {
    BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wsd socket");
    if (method == nullptr) protocol::out_of_memory();
    BIO_meth_set_read(method, read);
    BIO_meth_set_write(method, write);
    BIO_meth_set_ctrl(method, control);
    return method;
  }

  // One for the process, for its life.
  static BIO_METHOD* method() {
    static BIO_METHOD* const method = make_method();
    return method;
  }

  static void see_message(int is_written, int, int type, const void* bytes, std::size_t size, SSL*, void* transport) {
    const bool is_key_update = is_written == 0 && type == SSL3_RT_HANDSHAKE && size > 0 &&
                               *static_cast<const unsigned char*>(bytes) == SSL3_MT_KEY_UPDATE;
    if (is_key_update) static_cast<TlsTransport*>(transport)->note_key_update();
  }
};

TlsPointer<BIO> TlsTransport::make_socket() {
  TlsPointer<BIO> socket(BIO_new(Callbacks::method()));
  if (socket == nullptr) protocol::out_of_memory();
  BIO_set_init(socket.get(), 1);
  return socket;
}

TlsTransport::TlsTransport(TlsContext& context, TlsPointer<SSL> connection, FileDescriptor socket, std::string client)
    : context_(context),
      connection_(std::move(connection)),
      client_(std::make_unique<const std::string>(std::move(client))),
      socket_(std::move(socket)) {
  BIO_up_ref(context_.socket());
  SSL_set_bio(connection_.get(), context_.socket(), context_.socket());
  SSL_set_accept_state(connection_.get());
}

TlsTransport::~TlsTransport() {
  if (!aborted_) say_close_notify();
  context_.note_freed(ready_ ? connection_memory : connection_memory + handshake_memory);
}

// Before OpenSSL reads or writes.
void TlsTransport::go_to_work() {
  BIO_set_data(context_.socket(), this);
}

// ---- reading --------------------------------------------------------------------------------------------------------

TlsProtocol TlsTransport::tls() const {
  if (!ready_) return TlsProtocol::none;
  return SSL_version(connection_.get()) == TLS1_2_VERSION ? TlsProtocol::v1_2 : TlsProtocol::v1_3;
}

Transfer TlsTransport::read(std::span<std::byte> first, std::span<std::byte> buffer) {
  WSD_ASSERT(buffer.size() >= min_read_buffer);
  go_to_work();
  if (!ready_ && !has_ended()) shake_hands();
  const Transfer transfer = ready_ && !has_ended() ? read_records(first, buffer) : Transfer();
  if (!send_ciphertext()) end(Transfer::Status::failed, socket_error_);
  if (transfer.status == Transfer::Status::done) return transfer;
  return has_ended() ? tell_end() : Transfer();
}

// All that was taken from the socket: what stays behind is less than a record, so that the descriptor tells when it
// goes on.
Transfer TlsTransport::read_records(std::span<std::byte> first, std::span<std::byte> buffer) {
  const std::size_t size = first.size() + buffer.size();
  std::size_t total = 0;
  do {
    const auto room = total < first.size() ? first.subspan(total) : buffer.subspan(total - first.size());
    SSL_set_read_ahead(connection_.get(), size - total >= room_for_reading_ahead ? 1 : 0);
    forget_errors();
    const int count = SSL_read(connection_.get(), room.data(), static_cast<int>(room.size()));
    if (count <= 0) {
      const int error = SSL_get_error(connection_.get(), count);
      if (error != SSL_ERROR_WANT_READ) end_after(error);
      break;
    }
    total += static_cast<std::size_t>(count);
    if (key_updates_ > max_key_updates) end_after(SSL_ERROR_SSL);
  } while (!has_ended() && SSL_has_pending(connection_.get()) == 1);
  if (total == 0) return {};
  return {.status = Transfer::Status::done, .bytes = total, .more = may_have_more_};
}

void TlsTransport::shake_hands() {
  if (!context_.take_handshake_turn()) return;
  SSL_set_read_ahead(connection_.get(), 1);
  ERR_clear_error();
  const int outcome = SSL_accept(connection_.get());
  if (outcome == 1) return handshake_done();
  const int error = SSL_get_error(connection_.get(), outcome);
  if (error != SSL_ERROR_WANT_READ) fail_handshake(error);
}

void TlsTransport::handshake_done() {
  ready_ = true;
  client_.reset();
  forget_agreement(connection_.get());
  context_.note_freed(handshake_memory);
  if (SSL_version(connection_.get()) < TLS1_3_VERSION) return;
  SSL_set_msg_callback(connection_.get(), Callbacks::see_message);
  SSL_set_msg_callback_arg(connection_.get(), this);
}

void TlsTransport::fail_handshake(int error) {
  broken_ = true;
  if (error == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) {
    context_.handshake_failed("it speaks HTTP without TLS", *client_);
    answer_plain_http();
    return end(Transfer::Status::ended);
  }
  if (error == SSL_ERROR_SSL) {
    context_.handshake_failed(tls_library_error(), *client_);
  } else if (heard_) {
    context_.handshake_failed("the client left in the middle", *client_);
  }  // or it has only looked whether somebody listens
  end(socket_error_ != 0 ? Transfer::Status::failed : Transfer::Status::ended, socket_error_);
}

// In the clear, since that is what this client understands.
void TlsTransport::answer_plain_http() {
  const std::string answer = protocol::serialize(
      {.status = 400, .text = "This port speaks TLS. Connect with wss:// or https://.", .headers = {}});
  context_.ciphertext().clear();
  (void)::send(socket_.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  ::shutdown(socket_.get(), SHUT_WR);
}

void TlsTransport::end_after(int error) {
  switch (error) {
    case SSL_ERROR_ZERO_RETURN:  // close_notify; we may still write
      return end(Transfer::Status::ended);
    case SSL_ERROR_SYSCALL:
      broken_ = true;
      return peer_ended_ && socket_error_ == 0 ? end(Transfer::Status::ended)
                                               : end(Transfer::Status::failed, socket_error_);
    default:
      broken_ = true;
      return end(Transfer::Status::failed, EPROTO);
  }
}

void TlsTransport::end(Transfer::Status status, int error) {
  end_ = status;
  end_error_ = error;
}

Transfer TlsTransport::tell_end() {
  end_told_ = true;
  return {.status = end_, .error = end_error_};
}

void TlsTransport::note_key_update() {
  const std::uint32_t minute = this_minute();
  if (std::exchange(minute_, minute) != minute) key_updates_ = 0;
  if (key_updates_ <= max_key_updates) ++key_updates_;
}

// ---- writing --------------------------------------------------------------------------------------------------------

Transfer TlsTransport::write(std::span<const iovec> pieces) {
  go_to_work();
  if (!send_ciphertext()) return {.status = Transfer::Status::failed, .error = socket_error_};
  if (broken_) return {.status = Transfer::Status::failed, .error = EPROTO};
  if (!ready_ || has_unsent()) return {};
  std::array<std::byte, max_record> record;
  std::size_t total = 0;
  std::size_t offset = 0;  // in the first piece
  while (!pieces.empty() && total < max_write) {
    // Pieces share records: each record costs the peer and us as much as a small message.
    const auto bytes = next_record(pieces, offset, record);
    const auto size = static_cast<int>(bytes.size());
    if (size == 0) continue;
    forget_errors();
    // Never short: what it produces has room in the context's buffer.
    if (SSL_write(connection_.get(), bytes.data(), size) != size) {
      broken_ = true;
      context_.ciphertext().clear();
      return {.status = Transfer::Status::failed, .error = EPROTO};
    }
    total += bytes.size();
  }
  if (!send_ciphertext()) return {.status = Transfer::Status::failed, .error = socket_error_};
  return {.status = Transfer::Status::done, .bytes = total};
}

// What was unsent, then what this call has produced. False if the stream is dead.
bool TlsTransport::send_ciphertext() {
  auto& fresh = context_.ciphertext();
  if (unsent_ == nullptr && fresh.empty()) return true;
  if (unsent_ != nullptr) {
    unsent_->insert(unsent_->end(), fresh.begin(), fresh.end());
    fresh.clear();
  }
  std::vector<std::byte>& bytes = unsent_ == nullptr ? fresh : *unsent_;
  const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  const bool alive = count >= 0 || would_block(errno);
  socket_error_ = alive ? 0 : errno;
  bytes.erase(bytes.begin(), alive ? bytes.begin() + std::max<ssize_t>(count, 0) : bytes.end());
  if (unsent_ == nullptr) {
    if (!fresh.empty()) unsent_ = std::make_unique<std::vector<std::byte>>(fresh.begin(), fresh.end());
    fresh.clear();
  } else if (unsent_->empty()) {
    unsent_.reset();
  }
  if (alive && unsent_ == nullptr && shut_down_) ::shutdown(socket_.get(), SHUT_WR);
  return alive;
}

void TlsTransport::shutdown_write() {
  if (shut_down_) return;
  shut_down_ = true;
  say_close_notify();
  if (unsent_ == nullptr) ::shutdown(socket_.get(), SHUT_WR);
}

void TlsTransport::say_close_notify() {
  go_to_work();
  if (ready_ && !broken_ && (SSL_get_shutdown(connection_.get()) & SSL_SENT_SHUTDOWN) == 0) {
    ERR_clear_error();
    SSL_shutdown(connection_.get());
  }
  (void)send_ciphertext();  // a dead stream shows at the next read
}

void TlsTransport::abort() {
  aborted_ = true;
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

}  // namespace wsd::worker
