// TLS handshakes that failed, by kind, on their way to the log: the first of a kind at once, then one line per kind and
// interval that says how many there were. What strangers do must not fill a disk.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace wsd::worker {

class TlsFailures {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds interval{10};

  // One more, of a kind in OpenSSL's words. The line that is due for it, if any.
  [[nodiscard]] std::optional<std::string> note(std::string_view kind, std::string_view client, Clock::time_point now);

 private:
  struct Kind {
    std::optional<Clock::time_point> told;
    std::uint64_t untold = 0;
  };
  std::map<std::string, Kind, std::less<>> kinds_;
};

}  // namespace wsd::worker
