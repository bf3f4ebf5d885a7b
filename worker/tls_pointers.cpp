#include "worker/tls_pointers.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace wsd::worker {

void TlsDeleter::operator()(bio_st* bio) const {
  BIO_free(bio);
}
void TlsDeleter::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}
void TlsDeleter::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}
void TlsDeleter::operator()(ssl_st* connection) const {
  SSL_free(connection);
}
void TlsDeleter::operator()(x509_st* certificate) const {
  X509_free(certificate);
}
void TlsDeleter::operator()(x509_store_st* store) const {
  X509_STORE_free(store);
}

}  // namespace wsd::worker
