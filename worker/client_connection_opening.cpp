// From the first byte to the answer: a WebSocket, a response of the application or a refusal.

#include <fmt/format.h>

#include <utility>

#include "protocol/close_code.h"
#include "protocol/opening_handshake.h"
#include "protocol/printable_text.h"
#include "worker/client_connection.h"
#include "worker/handshake_answer.h"
#include "worker/log.h"

namespace wsd::worker {

namespace {

// Bytes of a response that are given to the output at once.
constexpr std::size_t largest_part = 16 * 1024;

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// RFC 6585 §4: this client's own doing, unlike 503.
protocol::HttpError too_many(std::string_view what) {
  return {.status = 429,
          .text = fmt::format("Too many {} from your address. Try again in a few seconds.", what),
          .headers = {{"Retry-After", "5"}}};
}

protocol::HttpError server_error() {
  return {.status = 500, .text = "The application failed.", .headers = {}};
}

protocol::HttpError malformed_extensions() {
  return {.status = 400, .text = "The Sec-WebSocket-Extensions header is malformed.", .headers = {}};
}

}  // namespace

bool ClientConnection::admit() {
  using Verdict = AddressQuotas::Verdict;
  const AddressQuotas::Admission admission = context_.quotas.admit(remote_address(), context_.now_ms());
  address_key_ = admission.key;
  if (admission.verdict == Verdict::admitted) return true;
  context_.counters.refused.add(1);
  refuse(too_many(admission.verdict == Verdict::too_many_connections ? "connections" : "connections per second"));
  return false;
}

bool ClientConnection::stop_counting() {
  const AddressKey key = std::exchange(address_key_, 0);
  context_.quotas.remove(key);
  return key != 0;
}

void ClientConnection::count_again() {
  address_key_ = context_.quotas.add(remote_address());
}

void ClientConnection::take_opening(std::span<std::byte>& input) {
  if (extras_->exchange == nullptr && !take_head(input)) return;
  if (extras_->exchange != nullptr) return take_plain_request(input);
  if (const auto error = protocol::check_opening_handshake(request_.head())) return refuse(*error);
  if (const auto error = context_.origins.check(request_.head())) {
    log::stranger(log::Level::debug, "origins that were refused", "the origin '{}' may not open a WebSocket here",
                  protocol::printable(request_.header("Origin")));
    return refuse(*error);
  }
  open();
}

// True once the request's head is whole.
bool ClientConnection::take_head(std::span<std::byte>& input) {
  std::span<const std::byte> head = input;
  protocol::HttpRequestParser& parser = *extras_->parser;
  const auto step = parser.next(head);
  input = input.last(head.size());
  if (step == protocol::HttpRequestParser::Step::failed) refuse(parser.error());
  if (step != protocol::HttpRequestParser::Step::complete) return false;
  request_.set_head(parser.take());
  request_.set_remote_address(context_.proxies.client_of(remote_address(), request_.head()));
  if (address_key_ == 0 && !admit()) return false;
  if (protocol::is_upgrade(request_.head()) || !context_.app.answers(request_)) return true;
  extras_->exchange = std::make_unique<HttpExchange>(request_);
  const HttpExchange& exchange = *extras_->exchange;
  if (!exchange.error() && exchange.wants_continue()) send_bytes(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
  return true;
}

void ClientConnection::take_plain_request(std::span<std::byte>& input) {
  const auto end_exchange = [this] { return std::exchange(extras_->exchange, nullptr); };
  if (extras_->exchange->error()) return refuse(*end_exchange()->error());
  if (!extras_->exchange->take_body(input)) return;
  const auto exchange = end_exchange();
  ResponseDraft response;
  if (context_.app.request(*exchange, response) == AppHost::Outcome::threw) return refuse(server_error());
  answer(response.take());
}

void ClientConnection::open() {
  std::optional<protocol::DeflateAgreement> deflate;
  if (context_.limits.deflate.enabled) {
    const auto offers = protocol::offered_extensions(request_.head());
    if (!offers) return refuse(malformed_extensions());
    deflate = protocol::negotiate_deflate(*offers, context_.compression.policy());
  }
  HandshakeAnswer said(request_.head());
  if (context_.app.handshake(request_, said) == AppHost::Outcome::threw) return refuse(server_error());
  if (const auto refusal = said.refusal()) return answer(*refusal);
  said.select_by_default(context_.subprotocol);
  send_bytes(as_bytes(said.switching_protocols(deflate ? deflate->answer : std::string())));
  if (is_gone()) return;
  if (deflate) deflate_ = std::make_unique<ConnectionDeflate>(deflate->parameters, context_.compression, session_);
  extras_->attributes = said.take_attributes();
  end_opening();
  phase_ = Phase::open;
  set_opened_ms(context_.now_ms());
  set_last_message_ms(context_.now_ms());
  last_ping_ms_ = opened_ms_low_;
  context_.ticks.arm(*this, context_.now_ms());
  context_.counters.opened.add(1);
  context_.counters.connections.add(1);
  visible_ = true;
  if (context_.app.open(*this) == AppHost::Outcome::threw) {
    close_as(ClosedBy::error, protocol::close_code::internal_error, {});
  }
}

// What the application says instead of opening a WebSocket. A body is larger than what one turn's buffer may hold.
void ClientConnection::answer(const protocol::HttpResponse& response) {
  if (is_gone()) return;
  log_access(response.status);
  send_bytes(as_bytes(protocol::serialize_head(response)));
  const bool wanted = protocol::may_have_body(response.status) && request_.method() != "HEAD";
  for (std::string_view rest = wanted ? response.body : std::string_view(); !rest.empty() && !is_gone();) {
    const std::string_view part = rest.substr(0, largest_part);
    send_bytes(as_bytes(part));
    rest.remove_prefix(part.size());
  }
  end_opening();
  if (!is_gone()) linger();
}

void ClientConnection::refuse(const protocol::HttpError& error) {
  if (is_gone()) return;
  constexpr std::uint16_t too_many_requests = 429;
  if (error.status < 500 && error.status != too_many_requests) context_.counters.protocol_errors.add(1);
  log_access(error.status);
  log::stranger(log::Level::debug, "requests that were refused", "request from {} refused with {}: {}",
                remote_address(), error.status, error.text);
  send_bytes(as_bytes(protocol::serialize(error)));
  end_opening();
  if (!is_gone()) linger();
}

// The request is whole, or will not be.
void ClientConnection::end_opening() {
  if (extras_ == nullptr) return;
  extras_->parser.reset();
  forget_extras_if_empty();
}

}  // namespace wsd::worker
