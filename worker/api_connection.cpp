#include "worker/api_connection.h"

#include <sys/epoll.h>

#include <utility>

#include "protocol/assertion.h"
#include "worker/api_answers.h"

namespace wsd::worker {

using protocol::HttpRequestParser;
using protocol::HttpResponse;

namespace {

// While more waits for the client, no request of it is looked at.
constexpr std::size_t max_waiting_output = 64 * 1024;
// One client does not keep the others of its worker waiting, however many requests it pipelines.
constexpr unsigned requests_per_turn = 64;
// A buffer that grew beyond is not kept.
constexpr std::size_t kept_output = 16 * 1024;

HttpRequestParser new_parser() {
  return HttpRequestParser({}, protocol::HttpPurpose::api);
}

std::string_view code_of(std::uint16_t status) {
  switch (status) {
    case 408:
      return "timeout";
    case 411:
      return "length_required";
    case 413:
      return "request_too_large";
    default:
      return "bad_request";
  }
}

HttpResponse response_of(const protocol::HttpError& error) {
  return api::error(error.status, code_of(error.status), error.text);
}

}  // namespace

ApiConnection::ApiConnection(ApiContext& context, std::unique_ptr<Transport> transport, std::string remote_address)
    : context_(context),
      transport_(std::move(transport)),
      remote_address_(std::move(remote_address)),
      self_(std::make_shared<ApiConnection*>(this)),
      parser_(new_parser()) {}

ApiConnection::ApiConnection(ApiContext& context, const State& state, std::unique_ptr<Transport> transport)
    : ApiConnection(context, std::move(transport), state.remote_address) {
  input_ = state.input;
  output_.assign(reinterpret_cast<const char*>(state.output.data()), state.output.size());
  if (state.ending) phase_ = Phase::ending;
}

ApiConnection::~ApiConnection() {
  if (watched_) context_.poller.remove(transport_->descriptor());
}

bool ApiConnection::start() {
  if (!context_.poller.add(transport_->descriptor(), *this, EPOLLIN)) return false;
  watched_ = true;
  watched_events_ = EPOLLIN;
  patience_ = Patience::arrival;
  context_.arrivals.arm(*this, context_.now_ms());
  if (!input_.empty() || !output_.empty() || phase_ == Phase::ending) go_on();
  return true;
}

// ---- from one worker to another -------------------------------------------------------------------------------------

ApiConnection::State ApiConnection::save() const {
  WSD_ASSERT(phase_ != Phase::asking);
  State state{.remote_address = remote_address_, .input = {}, .output = {}, .ending = phase_ == Phase::ending};
  const auto append = [](std::vector<std::byte>& target, std::span<const std::byte> bytes) {
    target.insert(target.end(), bytes.begin(), bytes.end());
  };
  if (phase_ == Phase::head) append(state.input, parser_.unfinished_input());
  if (phase_ == Phase::body) {
    append(state.input, head_.raw());
    append(state.input, std::as_bytes(std::span(body_.text())));
  }
  append(state.input, input_);
  append(state.output, std::as_bytes(std::span(output_).subspan(written_)));
  return state;
}

void ApiConnection::hand_over() {
  if (std::exchange(watched_, false)) context_.poller.remove(transport_->descriptor());
  disarm();
  phase_ = Phase::gone;
  self_.reset();
  transport_.reset();
}

void ApiConnection::give_up_question() {
  if (phase_ != Phase::asking) return;
  answer(std::exchange(instead_, {}));
  settle();
}

void ApiConnection::say_goodbye() {
  leaving_ = true;
  if (!is_between_requests()) return;
  end();
  settle();
}

// ---- reading --------------------------------------------------------------------------------------------------------

void ApiConnection::handle_ready(std::uint32_t events) {
  if (is_gone()) return;
  if (reads() && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    receive();
    settle();
  } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    lose();  // nothing is read, so an error or a hang-up would wake us again and again
  } else {
    go_on();
  }
}

void ApiConnection::receive() {
  const Transfer transfer = transport_->read({}, context_.read_buffer);
  switch (transfer.status) {
    case Transfer::Status::done:
      return take_input(context_.read_buffer.first(transfer.bytes));
    case Transfer::Status::would_block:
      return;
    case Transfer::Status::ended:
      peer_closed_ = true;
      return end();
    case Transfer::Status::failed:
      return lose();
  }
}

// What comes behind the last answer is read to be forgotten: closing a socket with unread input would reset it.
void ApiConnection::take_input(std::span<const std::byte> input) {
  taken_ = 0;
  settling_ = true;
  take_requests(input);
  settling_ = false;
  if (phase_ != Phase::ending && phase_ != Phase::gone) input_.assign(input.begin(), input.end());
}

void ApiConnection::take_requests(std::span<const std::byte>& input) {
  while (takes_requests() && taken_ < requests_per_turn && !input.empty()) {
    if (phase_ == Phase::head) take_head(input);
    if (phase_ == Phase::body && body_.take(input)) ask();
  }
}

void ApiConnection::take_head(std::span<const std::byte>& input) {
  switch (parser_.next(input)) {
    case HttpRequestParser::Step::need_more:
      return;
    case HttpRequestParser::Step::failed:
      last_ = true;
      return answer(response_of(parser_.error()));
    case HttpRequestParser::Step::complete:
      head_ = parser_.take();
      parser_ = new_parser();
      ++taken_;
      return begin_request();
  }
}

void ApiConnection::begin_request() {
  last_ = leaving_ || head_.minor_version() == 0 || head_.has_token("Connection", "close");
  body_ = protocol::HttpBody(head_, context_.requests.max_body());
  auto refusal = context_.requests.refuse(head_);
  if (!refusal && body_.error()) refusal = response_of(*body_.error());
  if (refusal) {
    // Whoever is refused has us read no body; so it ends the connection.
    std::span<const std::byte> nothing;
    last_ = last_ || body_.error() || !body_.take(nothing);
    return answer(*refusal);
  }
  phase_ = Phase::body;
  if (body_.wants_continue()) output_ += "HTTP/1.1 100 Continue\r\n\r\n";
}

// ---- asking and answering -------------------------------------------------------------------------------------------

void ApiConnection::ask() {
  phase_ = Phase::asking;
  const std::uint64_t question = ++question_;
  instead_ =
      context_.requests.ask(head_, body_.text(), [self = std::weak_ptr(self_), question](const HttpResponse& response) {
        if (const auto here = self.lock()) (*here)->handle_answer(question, response);
      });
  body_ = protocol::HttpBody();
}

void ApiConnection::handle_answer(std::uint64_t question, const HttpResponse& response) {
  if (phase_ != Phase::asking || question != question_) return;  // given up
  answer(response);
  if (!settling_) go_on();
}

void ApiConnection::answer(const HttpResponse& response) {
  using protocol::Afterwards;
  const bool last = last_ || leaving_;
  output_ += serialize_head(response, last ? Afterwards::close : Afterwards::keep_alive);
  if (head_.empty() || head_.method() != "HEAD") output_ += response.body;
  head_ = protocol::HttpRequest();
  phase_ = Phase::head;
  moved_ = true;
  if (last) end();
}

// ---- ending ---------------------------------------------------------------------------------------------------------

void ApiConnection::end() {
  if (phase_ == Phase::gone) return;
  phase_ = Phase::ending;
  input_ = std::vector<std::byte>();
}

void ApiConnection::lose() {
  if (is_gone()) return;
  phase_ = Phase::gone;
  disarm();
  if (std::exchange(watched_, false)) context_.poller.remove(transport_->descriptor());
  transport_.reset();
  self_.reset();
  context_.gone.push_back(this);
}

void ApiConnection::handle_deadline() {
  const Patience ended = std::exchange(patience_, Patience::none);
  if (ended == Patience::ending) return lose();
  if (phase_ == Phase::asking) {
    give_up_question();  // which the backend has promised not to let happen
  } else if (waiting_output() > 0) {
    lose();
  } else if (is_between_requests()) {
    end();
    settle();
  } else {
    last_ = true;
    answer(response_of({408, "The request did not arrive in time.", {}}));
    settle();
  }
}

// ---- the end of each event ------------------------------------------------------------------------------------------

void ApiConnection::go_on() {
  if (takes_requests() && !input_.empty()) {
    const auto held = std::exchange(input_, {});
    take_input(held);
  }
  settle();
}

void ApiConnection::settle() {
  if (is_gone()) return;
  flush();
  if (is_gone()) return;
  be_patient();
  watch();
}

void ApiConnection::flush() {
  if (waiting_output() > 0) {
    const iovec piece{.iov_base = output_.data() + written_, .iov_len = waiting_output()};
    const Transfer transfer = transport_->write({&piece, 1});
    if (transfer.status == Transfer::Status::failed) return lose();
    if (transfer.status == Transfer::Status::done) {
      written_ += transfer.bytes;
      moved_ = true;
    }
  }
  if (waiting_output() > 0) return;
  output_.clear();
  written_ = 0;
  if (output_.capacity() > kept_output) output_ = std::string();
  if (phase_ != Phase::ending) return;
  if (peer_closed_) return lose();
  if (!std::exchange(shut_, true)) transport_->shutdown_write();
}

ApiConnection::Patience ApiConnection::patience() const {
  if (phase_ == Phase::ending) return Patience::ending;
  const bool is_arriving = phase_ == Phase::body || (phase_ == Phase::head && parser_.started());
  return is_arriving && waiting_output() == 0 ? Patience::arrival : Patience::silence;
}

// A deadline stands until what it is about is another thing, or something has moved: bytes of a request do not count.
void ApiConnection::be_patient() {
  const bool is_first = patience_ == Patience::arrival && is_between_requests() && !moved_;
  const bool moved = std::exchange(moved_, false);
  const Patience wanted = is_first ? Patience::arrival : patience();
  if (wanted == patience_ && !moved) return;
  patience_ = wanted;
  DeadlineList& list = wanted == Patience::arrival  ? context_.arrivals
                       : wanted == Patience::ending ? context_.endings
                                                    : context_.silences;
  list.arm(*this, context_.now_ms());
}

bool ApiConnection::is_between_requests() const {
  return phase_ == Phase::head && !parser_.started() && input_.empty();
}

bool ApiConnection::takes_requests() const {
  return (phase_ == Phase::head || phase_ == Phase::body) && waiting_output() <= max_waiting_output;
}

bool ApiConnection::reads() const {
  return !peer_closed_ && (phase_ == Phase::ending || (takes_requests() && input_.empty()));
}

std::uint32_t ApiConnection::wanted_events() const {
  // With input that waits for no answer it is the turn's end that is waited for: a socket is writable then too.
  const bool goes_on = waiting_output() > 0 || (takes_requests() && !input_.empty());
  return (reads() ? std::uint32_t{EPOLLIN} : 0) | (goes_on ? std::uint32_t{EPOLLOUT} : 0);
}

void ApiConnection::watch() {
  if (wanted_events() == watched_events_) return;
  watched_events_ = wanted_events();
  context_.poller.change(transport_->descriptor(), *this, watched_events_);
}

}  // namespace wsd::worker
