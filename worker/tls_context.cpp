#include "worker/tls_context.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "protocol/out_of_memory.h"
#include "worker/log.h"
#include "worker/tls_transport.h"

namespace wsd::worker {

namespace {

// TLS 1.2: forward secrecy and authenticated encryption only. TLS 1.3 knows nothing else.
constexpr const char* tls12_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

// The cheapest first, of which none is weak; but a client that prefers ChaCha20 has no AES in its processor.
constexpr const char* tls13_ciphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr std::uint64_t we_choose = SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;

// RFC 7301, as on the wire.
constexpr std::array<unsigned char, 9> http_1_1{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

std::uint64_t now_s() {
  return static_cast<std::uint64_t>(std::time(nullptr));
}

[[noreturn]] void refuse(const std::string& path) {
  throw TlsError(fmt::format("the TLS certificate in {} cannot be used: {}", path, tls_library_error()));
}

}  // namespace

struct TlsContext::Callbacks {
  static TlsContext& context_of(SSL* connection) {
    return *static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection)));
  }

  static auto is_for(std::string_view host) {
    return [host](const TlsCertificate& certificate) { return certificate.is_for(host); };
  }

  // RFC 6066 §3: told to a client that we went by the name that it gave.
  static int acknowledge_host(SSL* connection, int*, void*) {
    const char* const host = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    const bool is_ours = host != nullptr && !context_of(connection).certificates_that(is_for(host)).empty();
    return is_ours ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
  }

  static int choose_certificates(SSL* connection, void*) {
    const char* const host = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    if (host == nullptr) return 1;
    const auto chosen = context_of(connection).certificates_that(is_for(host));
    if (chosen.empty()) return 1;  // those of the context: a client that minds says so
    SSL_certs_clear(connection);
    return std::ranges::all_of(chosen, [connection](const auto* certificate) { return show(connection, *certificate); })
               ? 1
               : 0;
  }

  static bool show(SSL* connection, const TlsCertificate& certificate) {
    bool good = SSL_use_certificate(connection, certificate.certificate()) == 1 &&
                SSL_use_PrivateKey(connection, certificate.key()) == 1;
    for (std::size_t i = 1; i < certificate.chain().size(); ++i) {
      good = good && SSL_add1_chain_cert(connection, certificate.chain()[i].get()) == 1;
    }
    return good;
  }

  static int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                             unsigned int offered_size, void*) {
    unsigned char* found = nullptr;
    const int outcome = SSL_select_next_proto(&found, size, http_1_1.data(), http_1_1.size(), offered, offered_size);
    *chosen = found;
    return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  // 1: done; 2: done, and the client gets a new ticket; 0: no ticket; -1: an error.
  static int seal_or_open_ticket(SSL* connection, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                                 EVP_MAC_CTX* mac, int seal) {
    TlsTicketKeys& keys = context_of(connection).ticket_keys_;
    const TlsTicketKey* key = seal != 0 ? &keys.current(now_s()) : keys.find(name, now_s());
    if (key == nullptr) return 0;
    if (seal != 0) {
      std::copy(key->name.begin(), key->name.end(), name);
      if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    }
    std::array<unsigned char, 32> authentication = key->authentication;
    std::string digest = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, authentication.data(), authentication.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end(),
    };
    const bool good = EVP_MAC_CTX_set_params(mac, parameters) == 1 &&
                      EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->encryption.data(), iv, seal) == 1;
    if (!good) return -1;
    return seal == 0 && key != &keys.current(now_s()) ? 2 : 1;
  }
};

TlsContext::TlsContext(const TlsMaterial& material, TlsCertificate::Judgement judgement,
                       std::function<void()> on_failure)
    : on_failure_(std::move(on_failure)), ticket_keys_(material.ticket_secret), socket_(TlsTransport::make_socket()) {
  if (material.pairs.empty()) throw TlsError("TLS needs a certificate");
  for (const TlsKeyPair& pair : material.pairs) {
    const TlsCertificate& certificate = certificates_.emplace_back(pair, judgement, std::time(nullptr));
    for (const std::string& warning : certificate.warnings()) warnings_.push_back(warning);
  }
  make_context();
  show_certificates(material);
  if (!material.client_ca.path.empty()) require_client_certificates(material.client_ca);
}

TlsContext::~TlsContext() = default;

void TlsContext::make_context() {
  context_.reset(SSL_CTX_new(TLS_server_method()));
  if (context_ == nullptr) protocol::out_of_memory();
  SSL_CTX_set_app_data(context_.get(), this);
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context_.get(), tls12_ciphers);
  SSL_CTX_set_ciphersuites(context_.get(), tls13_ciphers);
  // An end of the stream without close_notify is an end: WebSocket's own Close tells whether it was meant.
  SSL_CTX_set_options(context_.get(),
                      SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF | we_choose);
  SSL_CTX_set_mode(context_.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_max_early_data(context_.get(), 0);

  // Sessions live in their tickets alone: that is what works across workers.
  SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context_.get(), static_cast<long>(TlsTicketKeys::period_s));
  SSL_CTX_set_num_tickets(context_.get(), 1);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context_.get(), Callbacks::seal_or_open_ticket);

  SSL_CTX_callback_ctrl(context_.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(Callbacks::acknowledge_host));
  SSL_CTX_set_alpn_select_cb(context_.get(), Callbacks::choose_protocol, nullptr);
}

// The first one's, and what has its names and another kind of key; choose_certificates() where the host has others.
void TlsContext::show_certificates(const TlsMaterial& material) {
  const auto shown = certificates_that([this](const TlsCertificate& certificate) {
    return &certificate == &certificates_.front() || certificate.has_names_of(certificates_.front());
  });
  for (const TlsCertificate* certificate : shown) {
    bool good = SSL_CTX_use_certificate(context_.get(), certificate->certificate()) == 1 &&
                SSL_CTX_use_PrivateKey(context_.get(), certificate->key()) == 1;
    for (std::size_t i = 1; i < certificate->chain().size(); ++i) {
      good = good && SSL_CTX_add1_chain_cert(context_.get(), certificate->chain()[i].get()) == 1;
    }
    const auto number = static_cast<std::size_t>(certificate - certificates_.data());
    if (!good) refuse(material.pairs[number].certificate.path);
  }
  if (certificates_.size() > 1) SSL_CTX_set_cert_cb(context_.get(), Callbacks::choose_certificates, nullptr);
}

template <class Fits>
std::vector<const TlsCertificate*> TlsContext::certificates_that(Fits fits) const {
  std::vector<const TlsCertificate*> chosen;
  for (const TlsCertificate& certificate : certificates_) {
    const auto has_its_kind = [&](const auto* other) { return other->kind_of_key() == certificate.kind_of_key(); };
    if (std::ranges::none_of(chosen, has_its_kind) && fits(certificate)) chosen.push_back(&certificate);
  }
  return chosen;
}

void TlsContext::require_client_certificates(const TlsFile& authorities) {
  const auto certificates = read_certificates(authorities.content);
  if (certificates.empty()) throw TlsError(fmt::format("there is no PEM certificate in {}", authorities.path));
  const TlsPointer<X509_STORE> store(X509_STORE_new());
  for (const auto& certificate : certificates) X509_STORE_add_cert(store.get(), certificate.get());
  SSL_CTX_set1_cert_store(context_.get(), store.get());
  for (const auto& certificate : certificates) SSL_CTX_add_client_CA(context_.get(), certificate.get());
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Who came in by other authorities' word does not come back by a ticket.
  std::array<unsigned char, SHA256_DIGEST_LENGTH> id{};
  SHA256(reinterpret_cast<const unsigned char*>(authorities.content.data()), authorities.content.size(), id.data());
  SSL_CTX_set_session_id_context(context_.get(), id.data(), id.size());
}

std::unique_ptr<Transport> TlsContext::accept(FileDescriptor socket, std::string client) {
  TlsPointer<SSL> connection(SSL_new(context_.get()));
  if (connection == nullptr) return nullptr;
  return std::make_unique<TlsTransport>(*this, std::move(connection), std::move(socket), std::move(client));
}

bool TlsContext::take_handshake_turn() {
  if (handshakes_left_ == 0) return false;
  --handshakes_left_;
  return true;
}

void TlsContext::handshake_failed(std::string_view kind, const std::string& client) {
  on_failure_();
  log::stranger(log::Level::info, fmt::format("TLS handshakes that failed ({})", kind),
                "TLS handshake with {} failed: {}", client, kind);
}

}  // namespace wsd::worker
