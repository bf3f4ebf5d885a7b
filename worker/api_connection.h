// One client of the HTTP API: requests in, answers out, in order.
//
// Requests may be pipelined. One at a time is asked of the backend; what comes behind it waits in a buffer of bounded
// size, and the socket is not read meanwhile, nor while answers wait that the client does not read. Answers are put
// together in a buffer of its own, since they are few and may wait for other workers.
//
// Owned by the ApiService, which destroys it at the end of a turn, once it is gone.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http_body.h"
#include "protocol/http_request.h"
#include "protocol/http_request_parser.h"
#include "protocol/http_response.h"
#include "worker/api_connection_state.h"
#include "worker/api_context.h"
#include "worker/transport.h"

namespace wsd::worker {

class ApiConnection final : public Watched, public DeadlineHook {
 public:
  using State = ApiConnectionState;

  ApiConnection(ApiContext& context, std::unique_ptr<Transport> transport, std::string remote_address);
  // One that another worker had.
  ApiConnection(ApiContext& context, const State& state, std::unique_ptr<Transport> transport);
  ~ApiConnection();

  // Watches the socket, and goes on with what another worker had. False if the kernel refused to watch it.
  [[nodiscard]] bool start();

  // For a successor, when no question is with the backend: see give_up_question(). This connection stays as it is.
  [[nodiscard]] State save() const;
  // The socket is another worker's now: lets go of it without a trace on the wire.
  void hand_over();
  // If a question is with the backend, its answer is not waited for: the client is told so.
  void give_up_question();
  // Ends it behind the request that it is in, if it is in one.
  void say_goodbye();
  // The stream is dead, or given up: no further byte is read or written.
  void lose();

  void handle_ready(std::uint32_t events) override;
  // Its deadline is due.
  void handle_deadline();

  [[nodiscard]] bool is_gone() const { return phase_ == Phase::gone; }
  [[nodiscard]] int descriptor() const { return transport_->descriptor(); }

 private:
  enum class Phase : std::uint8_t {
    head,    // of the next request is awaited, or half here
    body,    // of a request whose head is here
    asking,  // the backend has a question
    ending,  // the last answer was given: it leaves, and then we wait for the client to end the stream
    gone,
  };
  // What its deadline is about.
  enum class Patience : std::uint8_t { none, arrival, silence, ending };

  void receive();
  void take_input(std::span<const std::byte> input);
  void take_requests(std::span<const std::byte>& input);
  void take_head(std::span<const std::byte>& input);
  void begin_request();
  void ask();
  void handle_answer(std::uint64_t question, const protocol::HttpResponse& response);
  void answer(const protocol::HttpResponse& response);
  void end();

  void go_on();
  void settle();
  void flush();
  void be_patient();
  void watch();
  [[nodiscard]] bool is_between_requests() const;
  [[nodiscard]] bool takes_requests() const;
  [[nodiscard]] bool reads() const;
  [[nodiscard]] Patience patience() const;
  [[nodiscard]] std::uint32_t wanted_events() const;
  [[nodiscard]] std::size_t waiting_output() const { return output_.size() - written_; }

  ApiContext& context_;
  std::unique_ptr<Transport> transport_;
  const std::string remote_address_;
  std::shared_ptr<ApiConnection*> self_;  // by which a late answer finds out whether we are still here

  Phase phase_ = Phase::head;
  protocol::HttpRequestParser parser_;
  protocol::HttpRequest head_;  // of the request that phase_ is about
  protocol::HttpBody body_;
  std::uint64_t question_ = 0;      // number of the latest
  protocol::HttpResponse instead_;  // the answer if the backend's is given up
  std::vector<std::byte> input_;    // read, and waiting for its turn
  std::string output_;
  std::size_t written_ = 0;  // bytes at the front of output_ that the kernel has
  unsigned taken_ = 0;       // requests of this turn

  std::uint32_t watched_events_ = 0;
  Patience patience_ = Patience::none;
  bool moved_ = false;        // something happened that patience begins anew for
  bool watched_ = false;      // the poller knows us
  bool last_ = false;         // the request that phase_ is about is the last
  bool leaving_ = false;      // by say_goodbye()
  bool settling_ = false;     // an answer that comes now is no news: whoever asked goes on
  bool peer_closed_ = false;  // nothing more comes
  bool shut_ = false;         // nothing more goes
};

}  // namespace wsd::worker
