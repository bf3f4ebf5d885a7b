// What all TLS connections of a worker share: certificates, rules, ticket keys, and how many handshakes a turn may
// spend its time on.
//
// Owned by the server, and by the relay after it; outlives every transport that it made.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/file_descriptor.h"
#include "worker/tls_certificate.h"
#include "worker/tls_material.h"
#include "worker/tls_pointers.h"
#include "worker/tls_ticket_keys.h"
#include "worker/transport.h"

namespace wsd::worker {

class TlsContext {
 public:
  // Of the expensive steps: a storm of new clients waits, so that those who are there do not.
  static constexpr unsigned handshakes_per_turn = 8;

  // `on_failure` hears of each handshake that failed. Throws TlsError.
  TlsContext(const TlsMaterial& material, TlsCertificate::Judgement judgement, std::function<void()> on_failure);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  // `socket`: connected and non-blocking. `client`: its address, as failures name it. Null if there is no memory for
  // it.
  [[nodiscard]] std::unique_ptr<Transport> accept(FileDescriptor socket, std::string client);
  // A batch of the poller's is done: the next one has a budget of its own.
  void end_turn() { handshakes_left_ = handshakes_per_turn; }

  // Bytes of memory that handshakes and connections have freed since the last call: about that many.
  [[nodiscard]] std::size_t take_freed() { return std::exchange(freed_, 0); }

  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

  // ---- for its transports
  // False if this turn has had its share: asked again in the next one, for which level-triggered polling sees.
  [[nodiscard]] bool take_handshake_turn();
  void handshake_failed(std::string_view kind, const std::string& client);
  // What OpenSSL produces on its way to the kernel: empty between any two calls of a transport.
  [[nodiscard]] std::vector<std::byte>& ciphertext() { return ciphertext_; }
  [[nodiscard]] bio_st* socket() { return socket_.get(); }
  void note_freed(std::size_t bytes) { freed_ += bytes; }

 private:
  struct Callbacks;  // that OpenSSL calls

  void make_context();
  void show_certificates(const TlsMaterial& material);
  void require_client_certificates(const TlsFile& authorities);
  // Of each kind of key the first that fits: the client has the choice among the kinds.
  template <class Fits>
  [[nodiscard]] std::vector<const TlsCertificate*> certificates_that(Fits fits) const;

  std::function<void()> on_failure_;
  TlsTicketKeys ticket_keys_;
  std::vector<TlsCertificate> certificates_;
  TlsPointer<ssl_ctx_st> context_;
  std::vector<std::string> warnings_;
  TlsPointer<bio_st> socket_;
  std::vector<std::byte> ciphertext_;
  std::size_t freed_ = 0;
  unsigned handshakes_left_ = handshakes_per_turn;
};

}  // namespace wsd::worker
