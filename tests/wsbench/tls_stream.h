// TLS as a client has it, on a non-blocking socket that somebody else owns.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace wsd::bench {

// What all TLS connections of a process have in common.
class TlsContext {
 public:
  struct Options {
    std::string host;      // as in the URL: the certificate's name or address, and SNI for a name
    std::string ca_file;   // PEM; whom to believe. Empty: those that the system believes
    bool verifies = true;  // whether the certificate matters at all
  };

  // Throws std::runtime_error where a file cannot be used.
  explicit TlsContext(const Options& options);

 private:
  friend class TlsStream;
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };

  Options options_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

class TlsStream {
 public:
  enum class State : std::uint8_t { wants_read, wants_write, done, ended, failed };

  // `context` and `socket` outlive it.
  TlsStream(const TlsContext& context, int socket);

  // One step: done when both sides agree. Between steps the socket is to be waited for.
  [[nodiscard]] State shake_hands();

  struct Moved {
    std::size_t size = 0;
    State state = State::done;  // why no more: what to wait for, or that it is over; done: nothing stopped it
  };
  // As many of the bytes as the socket takes. A call that wants_write is to be repeated with the same bytes in front.
  [[nodiscard]] Moved send(std::span<const std::byte> bytes);
  // Whole records, while there is room for another one: what stays behind, the socket is readable for. So `into` has
  // room for one at least.
  [[nodiscard]] Moved receive(std::span<std::byte> into);
  static constexpr std::size_t max_record = 16 * 1024;
  // Says goodbye, as far as the socket takes it.
  void shut_down();

  // Why it failed, for people. Empty where the socket did.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  // errno of the socket's failure; 0: it ended.
  [[nodiscard]] int error() const { return error_; }
  // "TLSv1.3 TLS_AES_256_GCM_SHA384", after the handshake.
  [[nodiscard]] std::string version_and_cipher() const;

 private:
  struct Free {
    void operator()(ssl_st* connection) const;
  };

  [[nodiscard]] State state_after(int result);

  std::unique_ptr<ssl_st, Free> connection_;
  std::string problem_;
  int error_ = 0;
  bool has_failed_ = false;
};

}  // namespace wsd::bench
