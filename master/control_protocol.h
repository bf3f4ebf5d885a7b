// What CLI and master say to each other over NAME.sock: JSON lines. One request per connection, {"accepted":true} at
// once, then a stream of answers whose last object has "done":true, "exit":N and, where N is not 0, "error":"one
// sentence".
//
//   {"command":"status"}                      {"status":{…}}                    {"done":true,"exit":0}
//   {"command":"options"}                     {"options":{…},"environment":{…},"flags":{…}}  {"done":true,"exit":0}
//   {"command":"stop","graceful":true}        {"info":"2 clients left"} *       {"done":true,"exit":0}
//   {"command":"upgrade"}                     as reload
//   {"command":"reopen"}                      {"info":"…"}                      {"done":true,"exit":0}
//   {"command":"connections","filter":{…}}   {"connections":{"slot":0}} with a memfd *, {"connections":{"missing":[1]}}
//   {"command":"publish","channel":"…","data":"…"}   {"published":{…}}, {"info":"…"}  {"done":true,"exit":0}
//
// With "binary":true the data of `publish` is in hexadecimal digits, since JSON carries no bytes.
//   {"command":"reload","options":{…}}        {"progress":"…"} *, {"reload":{…}}, {"info":"…"}  {"done":true,"exit":0}

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "master/configuration.h"
#include "master/exit_status.h"
#include "master/options.h"
#include "master/result.h"
#include "worker/connection_filter.h"

namespace wsd::master {

inline constexpr std::size_t max_control_line = 64 * 1024;          // of a request
inline constexpr std::size_t max_control_answer = 4 * 1024 * 1024;  // of one line of an answer

enum class ControlCommand : std::uint8_t { status, options, stop, reload, upgrade, publish, reopen, connections };

// A message for a channel.
struct Publication {
  std::string channel;
  std::string data;
  bool binary = false;
};

struct ControlRequest {
  ControlCommand command = ControlCommand::status;
  bool graceful = false;                 // of stop
  Options options = {};                  // of reload
  Publication publication = {};          // of publish
  worker::ConnectionFilter filter = {};  // of connections
};

// One line without its newline.
[[nodiscard]] std::string to_json(const ControlRequest& request);
Result<ControlRequest> control_request_from_json(std::string_view line);

// An accepted_answer leaves all of it empty.
struct ControlAnswer {
  std::string status;       // JSON text of the member, or empty
  std::string options;      // likewise
  std::string environment;  // likewise, of the layers below
  std::string flags;        // likewise
  std::string reload;       // likewise
  std::string published;    // likewise
  std::string connections;  // likewise; the rows come along in a descriptor
  std::string info;         // a line for the user, or empty
  std::string progress;     // a line for a user who watches, or empty
  bool done = false;
  CommandStatus exit = CommandStatus::done;
  std::string error;
};

inline constexpr std::string_view accepted_answer = R"({"accepted":true})";
[[nodiscard]] std::string status_answer(std::string_view status_json);
[[nodiscard]] std::string options_answer(const Options& options, const OptionLayers& layers);
[[nodiscard]] std::string info_answer(std::string_view text);
[[nodiscard]] std::string progress_answer(std::string_view text);
[[nodiscard]] std::string reload_answer(std::string_view report_json);
[[nodiscard]] std::string published_answer(std::string_view published_json);
// Of one worker: its rows (worker/connection_row.h) are in the memfd that comes along.
[[nodiscard]] std::string connections_answer(unsigned slot);
// The workers that did not answer, and who they are. Nothing follows but the last answer.
[[nodiscard]] std::string missing_answer(const std::vector<std::uint16_t>& slots);
[[nodiscard]] std::string final_answer(CommandStatus status, std::string_view error);
Result<ControlAnswer> control_answer_from_json(std::string_view line);

}  // namespace wsd::master
