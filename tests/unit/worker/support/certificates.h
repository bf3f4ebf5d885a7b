// Certificates made on the spot, so that none of a test's ever expires: each with a key of its own.

#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <string>
#include <vector>

#include "worker/tls_material.h"
#include "worker/tls_pointers.h"

namespace wsd::worker::test {

constexpr long day_s = 24 * 3600;

inline std::string take_text(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

struct CertificateMaker {
  std::string name = "localhost";       // common name
  std::vector<std::string> hosts = {};  // further names; none: the common name
  long begins_s = -day_s;               // from now
  long ends_s = 365 * day_s;
  bool is_authority = false;
  bool has_rsa_key = false;  // else P-256
};

class MadeCertificate {
 public:
  // By itself, or by `issuer`.
  explicit MadeCertificate(const CertificateMaker& maker, const MadeCertificate* issuer = nullptr)
      : key_(maker.has_rsa_key ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256")), certificate_(X509_new()) {
    static long serial = 1;
    X509* const x = certificate_.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), maker.begins_s);
    X509_gmtime_adj(X509_getm_notAfter(x), maker.ends_s);
    X509_set_pubkey(x, key_.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(maker.name.c_str()), -1, -1, 0);
    const MadeCertificate& by = issuer == nullptr ? *this : *issuer;
    X509_set_issuer_name(x, X509_get_subject_name(by.certificate_.get()));
    std::string names = "DNS:" + maker.name;
    for (const std::string& host : maker.hosts) names += ",DNS:" + host;
    if (!maker.is_authority) add_extension(NID_subject_alt_name, names);
    if (maker.is_authority) add_extension(NID_basic_constraints, "critical,CA:TRUE");
    EXPECT_GT(X509_sign(x, by.key_.get(), EVP_sha256()), 0);
  }

  [[nodiscard]] std::string pem() const {
    const TlsPointer<BIO> text(BIO_new(BIO_s_mem()));
    EXPECT_EQ(PEM_write_bio_X509(text.get(), certificate_.get()), 1);
    return take_text(text.get());
  }
  [[nodiscard]] std::string key_pem(const char* passphrase = nullptr) const {
    const TlsPointer<BIO> text(BIO_new(BIO_s_mem()));
    const EVP_CIPHER* const cipher = passphrase == nullptr ? nullptr : EVP_aes_128_cbc();
    EXPECT_EQ(
        PEM_write_bio_PrivateKey(text.get(), key_.get(), cipher, nullptr, 0, nullptr, const_cast<char*>(passphrase)),
        1);
    return take_text(text.get());
  }
  [[nodiscard]] TlsKeyPair pair(const std::string& chain = {}) const {
    return {.certificate = {"cert.pem", pem() + chain}, .key = {"key.pem", key_pem()}};
  }
  [[nodiscard]] X509* certificate() const { return certificate_.get(); }
  [[nodiscard]] EVP_PKEY* key() const { return key_.get(); }

 private:
  void add_extension(int nid, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    ASSERT_NE(extension, nullptr);
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }

  TlsPointer<EVP_PKEY> key_;
  TlsPointer<X509> certificate_;
};

}  // namespace wsd::worker::test
