#include "protocol/accept_key.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "protocol/base64.h"
#include "protocol/out_of_memory.h"

namespace wsd::protocol {
namespace {

// §1.3. Appended to the key before hashing.
constexpr std::string_view websocket_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

using Digest = std::array<unsigned char, SHA_DIGEST_LENGTH>;

Digest sha1(std::string_view text) {
  Digest digest;
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1) out_of_memory();
  return digest;
}

}  // namespace

AcceptKey accept_key(std::string_view key) {
  const Digest digest = sha1(std::string(key).append(websocket_guid));
  // EVP_EncodeBlock adds a terminating zero.
  std::array<unsigned char, std::tuple_size_v<AcceptKey> + 1> encoded;
  EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest.size()));
  AcceptKey result;
  std::copy_n(encoded.begin(), result.size(), result.begin());
  return result;
}

// 16 bytes are 22 characters and padding. The last character has four bits to spare; RFC 4648 §3.5 lets us not look.
bool is_valid_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") && std::ranges::all_of(key.substr(0, 22), is_base64_digit);
}

}  // namespace wsd::protocol
