#include "worker/tls_certificate.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/http_syntax.h"

namespace wsd::worker {

namespace {

constexpr int days_of_warning = 14;

TlsPointer<BIO> view_of(std::string_view bytes) {
  return TlsPointer<BIO>(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// In the place of OpenSSL's own, which would ask on the terminal: there is none at a reload.
int no_passphrase(char*, int, int, void* was_asked) {
  *static_cast<bool*>(was_asked) = true;
  return 0;
}

TlsPointer<EVP_PKEY> read_key(const TlsFile& file) {
  bool is_encrypted = false;
  TlsPointer<EVP_PKEY> key(PEM_read_bio_PrivateKey(view_of(file.content).get(), nullptr, no_passphrase, &is_encrypted));
  ERR_clear_error();
  if (is_encrypted) {
    throw TlsError(
        fmt::format("the TLS key in {} is encrypted, and nobody types its passphrase at a reload; `openssl "
                    "pkey -in {} -out NEW` decrypts it",
                    file.path, file.path));
  }
  if (key == nullptr) throw TlsError(fmt::format("there is no PEM private key in {}", file.path));
  return key;
}

// "2026-11-25 16:20 UTC"
std::string text_of(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts)};
}

std::string text_of(const X509_NAME* name) {
  const TlsPointer<BIO> text(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_RFC2253);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.get(), &bytes);
  return {bytes, static_cast<std::size_t>(std::max(0L, size))};
}

bool is_issued_by(X509* certificate, X509* issuer) {
  return X509_check_issued(issuer, certificate) == X509_V_OK;
}

// Whether this machine trusts who issued the certificate: clients most likely do too.
bool issuer_is_known(X509* certificate) {
  const TlsPointer<X509_STORE> store(X509_STORE_new());
  X509_STORE_set_default_paths(store.get());
  X509_STORE_CTX* const look_up = X509_STORE_CTX_new();
  X509* issuer = nullptr;
  const bool known = X509_STORE_CTX_init(look_up, store.get(), certificate, nullptr) == 1 &&
                     X509_STORE_CTX_get1_issuer(&issuer, look_up, certificate) == 1;
  X509_free(issuer);
  X509_STORE_CTX_free(look_up);
  ERR_clear_error();
  return known;
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* const list = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    int type = 0;
    const auto* const value =
        static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(list, i), &type));
    if (type != GEN_DNS) continue;
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                       static_cast<std::size_t>(ASN1_STRING_length(value)));
  }
  GENERAL_NAMES_free(list);
  ERR_clear_error();  // if there are none
  return names;
}

}  // namespace

std::vector<TlsPointer<X509>> read_certificates(std::string_view pem) {
  std::vector<TlsPointer<X509>> certificates;
  const TlsPointer<BIO> text = view_of(pem);
  while (X509* certificate = PEM_read_bio_X509_AUX(text.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  ERR_clear_error();  // of the end of the text
  return certificates;
}

std::string tls_library_error() {
  const unsigned long error = ERR_peek_last_error();
  const char* const reason = ERR_reason_error_string(error);
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown error";
}

TlsCertificate::TlsCertificate(const TlsKeyPair& pair, Judgement judgement, std::time_t now)
    : chain_(read_certificates(pair.certificate.content)) {
  if (chain_.empty()) throw TlsError(fmt::format("there is no PEM certificate in {}", pair.certificate.path));
  key_ = read_key(pair.key);
  if (X509_check_private_key(certificate(), key()) != 1) {
    ERR_clear_error();
    throw TlsError(fmt::format("the TLS key in {} does not belong to the certificate in {}", pair.key.path,
                               pair.certificate.path));
  }
  names_ = names_of(certificate());
  judge_dates(pair.certificate.path, judgement, now);
  judge_chain(pair.certificate.path);
}

void TlsCertificate::judge_dates(const std::string& path, Judgement judgement, std::time_t now) {
  const ASN1_TIME* const begin = X509_get0_notBefore(certificate());
  const ASN1_TIME* const end = X509_get0_notAfter(certificate());
  std::string problem;
  if (ASN1_TIME_cmp_time_t(end, now) <= 0) {
    problem = fmt::format("the TLS certificate in {} expired on {}", path, text_of(end));
  } else if (ASN1_TIME_cmp_time_t(begin, now) > 0) {
    problem = fmt::format("the TLS certificate in {} is not valid before {}", path, text_of(begin));
  }
  if (!problem.empty() && judgement == Judgement::strict) throw TlsError(problem);
  if (problem.empty() && ASN1_TIME_cmp_time_t(end, now + days_of_warning * 24 * 3600) <= 0) {
    problem = fmt::format("the TLS certificate in {} expires soon, on {}", path, text_of(end));
  }
  if (!problem.empty()) warnings_.push_back(problem);
  for (std::size_t i = 1; i < chain_.size(); ++i) {
    if (ASN1_TIME_cmp_time_t(X509_get0_notAfter(chain_[i].get()), now) > 0) continue;
    warnings_.push_back(fmt::format("{} holds an issuer's certificate that has expired: {}", path,
                                    text_of(X509_get_subject_name(chain_[i].get()))));
  }
}

// From the server's own certificate upward, as far as the file goes.
void TlsCertificate::judge_chain(const std::string& path) {
  X509* last = certificate();
  for (std::size_t steps = 0; steps < chain_.size() && !is_issued_by(last, last); ++steps) {
    const auto issuer =
        std::ranges::find_if(chain_, [last](const auto& candidate) { return is_issued_by(last, candidate.get()); });
    if (issuer == chain_.end()) break;
    last = issuer->get();
  }
  if (is_issued_by(last, last) || issuer_is_known(last)) return;
  warnings_.push_back(fmt::format(
      "the chain in {} ends before an authority that this machine knows: most clients will refuse it unless "
      "the certificate of {} is appended",
      path, text_of(X509_get_issuer_name(last))));
}

bool TlsCertificate::is_for(std::string_view host) const {
  return X509_check_host(certificate(), host.data(), host.size(), 0, nullptr) == 1;
}

bool TlsCertificate::has_names_of(const TlsCertificate& other) const {
  const auto is_ours = [this](const std::string& name) {
    return std::ranges::any_of(names_, [&name](const auto& ours) { return protocol::equal_ignoring_case(ours, name); });
  };
  return !other.names_.empty() && std::ranges::all_of(other.names_, is_ours);
}

int TlsCertificate::kind_of_key() const {
  return EVP_PKEY_get_base_id(key());
}

}  // namespace wsd::worker
