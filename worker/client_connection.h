// One client from accept to the last byte: transport, handshake, session, output.
//
// Owned by the server's table, destroyed by the server alone and only at the end of a turn, so that callbacks and
// events of the same turn never meet a dangling one. Nothing here calls the application from within a call of the
// application: what must be told later is put on a list of the context.
//
// Its parts are written down in client_connection_*.cpp, in the order of its life: opening, messages and publications,
// closing; beside them the stream below, the deadlines, and the handover to another worker.

#pragma once

#include <wsd/channel.h>
#include <wsd/connection.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/close_code.h"
#include "protocol/http_error.h"
#include "protocol/session.h"
#include "worker/access_log.h"
#include "worker/address_tables.h"
#include "worker/client_output.h"
#include "worker/client_request.h"
#include "worker/client_transport.h"
#include "worker/connection_context.h"
#include "worker/connection_deflate.h"
#include "worker/connection_extras.h"
#include "worker/connection_row.h"
#include "worker/connection_state.h"
#include "worker/membership.h"
#include "worker/shared_message.h"
#include "worker/tls_protocol.h"
#include "worker/traffic.h"
#include "worker/transport.h"

namespace wsd::worker {

class ClientConnection final : public Connection, public Watched, public DeadlineHook {
 public:
  ClientConnection(ConnectionContext& context, ConnectionId id, ClientTransport transport,
                   std::string_view remote_address);
  ~ClientConnection();

  // One that another worker had. It does nothing until resume().
  ClientConnection(ConnectionContext& context, const ConnectionState& state, ClientTransport transport);

  // Watches the socket and waits for the request. False if the kernel refused to watch it.
  [[nodiscard]] bool start();
  // It counts for its client's address, as soon as that is known. False if that has too much already: the client is
  // refused.
  bool admit();
  // Another worker will count it. False if it did not count.
  bool stop_counting();
  void count_again();
  // Answers with this instead of reading anything, then closes.
  void refuse(const protocol::HttpError& error);

  // For a successor, once this turn's output was flushed. This connection stays as it is.
  [[nodiscard]] ConnectionState save();
  // Takes up what save() left in another worker. All connections are attached before the first is resumed, since its
  // on_resume may do anything to any of them. `due_ms`: of the state; connections are attached in the order of it.
  void attach(std::uint64_t due_ms);
  // The application hears on_resume, then input and output go on.
  void resume();
  // The socket is another worker's now: lets go of it without a trace on the wire, and without on_close. Gives back a
  // transport that stays behind and is relayed.
  std::unique_ptr<Transport> hand_over();
  // Its descriptor is all of the stream: another worker can go on with that.
  [[nodiscard]] bool is_movable() const { return movable_; }

  // ---- for applications
  [[nodiscard]] ConnectionId id() const override { return id_; }
  [[nodiscard]] const Request& request() const override { return request_; }
  [[nodiscard]] std::string_view remote_address() const override { return request_.remote_address(); }
  [[nodiscard]] Worker& worker() override { return context_.worker; }
  [[nodiscard]] std::string_view subprotocol() const override {
    return has_attributes() ? extras_->attributes.subprotocol() : std::string_view();
  }
  void set(std::string_view name, std::string_view value) override { extras().attributes.set(name, value); }
  [[nodiscard]] std::string_view get(std::string_view name) const override {
    return name.empty() || !has_attributes() ? std::string_view() : extras_->attributes.get(name);
  }
  SendResult send(std::string_view data, MessageType type) override { return send({data}, type); }
  SendResult send(std::initializer_list<std::string_view> pieces, MessageType type) override;
  void subscribe(std::string_view channel, std::string_view name) override;
  void unsubscribe(std::string_view channel) override;
  [[nodiscard]] bool is_subscribed(std::string_view channel) const override;
  SendResult publish(std::string_view channel, std::string_view data, MessageType type) override;
  void close(std::uint16_t code, std::string_view reason) override;
  void destroy() override;
  void ping() override;
  void pause_receive() override;
  void resume_receive() override;
  [[nodiscard]] std::size_t buffered_bytes() const override { return output_.size(); }

  // ---- for the channels
  // One message of a channel, unless it has no room for it: then what `policy` says. `stream`: the channel's, among
  // what waits. False if it was not taken.
  bool take_publication(SharedMessage& message, SlowConsumer policy, ClientOutput::Stream stream);
  // So many messages in uncompressed frames, by a write of their own, now. False, and nothing is done, where something
  // goes before them, and where they go by TLS or compressed.
  [[nodiscard]] bool take_at_once(const SharedFrame& frames, std::size_t count);
  [[nodiscard]] Memberships& memberships();
  [[nodiscard]] const Memberships* memberships_if_any() const { return memberships_.get(); }
  [[nodiscard]] std::uint64_t age_ms() const;
  [[nodiscard]] std::uint64_t idle_ms() const;
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }
  [[nodiscard]] bool has_deflate() const { return deflate_ != nullptr; }
  // Of the client's stream, also where another process keeps it.
  [[nodiscard]] TlsProtocol tls() const;
  // As `wsd connections` shows it; its worker is somebody else's to say. Not of one that is gone.
  [[nodiscard]] ConnectionRow describe() const;

  // ---- for the server
  void handle_ready(std::uint32_t events) override;
  // This turn's output leaves: one write if the kernel takes it. Calls no application.
  void flush();
  // Input that waits here: since pause_receive(), or behind what the last read gave.
  void take_waiting_input();
  // Its deadline is due.
  void handle_deadline();
  // Tells the client that we part: a Close with this code, or a 503 if it has not got through its handshake.
  void say_goodbye(std::uint16_t code);
  // The stream is dead, or given up: no further byte is read or written.
  void lose();
  // What the application is owed since the last turn: on_buffer_full, on_buffer_drain, on_close.
  void tell();

  [[nodiscard]] bool is_open() const { return phase_ == Phase::open; }
  // Nothing is left of it: to be destroyed.
  [[nodiscard]] bool is_gone() const { return phase_ == Phase::gone; }
  // Gone, and on none of the lists of this turn: may be destroyed.
  [[nodiscard]] bool is_forgotten() const { return is_gone() && !touched_ && !noticed_; }
  // Nothing half received and nothing waiting to be sent: a good moment to part.
  [[nodiscard]] bool is_idle() const { return !session_.in_message() && buffered_bytes() == 0; }
  [[nodiscard]] int descriptor() const { return transport_.descriptor(); }
  [[nodiscard]] std::uint64_t last_message_ms() const {
    return std::uint64_t{last_message_ms_high_} << 32U | last_message_ms_low_;
  }

 private:
  using Phase = ConnectionState::Phase;

  ConnectionExtras& extras();
  void forget_extras_if_empty();
  [[nodiscard]] bool has_attributes() const { return extras_ != nullptr; }
  [[nodiscard]] bool has_held_input() const { return extras_ != nullptr && !extras_->held_input.empty(); }
  [[nodiscard]] std::string_view close_reason() const;
  void log_access(std::uint16_t status);
  [[nodiscard]] std::uint64_t opened_ms() const { return std::uint64_t{opened_ms_high_} << 32U | opened_ms_low_; }
  void set_opened_ms(std::uint64_t ms);
  void set_last_message_ms(std::uint64_t ms) {
    last_message_ms_low_ = static_cast<std::uint32_t>(ms);
    last_message_ms_high_ = static_cast<std::uint8_t>(ms >> 32U) & high_of_last_message;
  }
  void touch();
  void notice();
  void note_full();
  void note_drained();

  // ---- the stream (client_connection_stream.cpp)
  void receive();
  void take_read(std::span<std::byte> room, std::span<std::byte> buffer, std::size_t size);
  void take_input(std::span<std::byte> input);
  void hold_input(std::span<const std::byte> input);
  void take_held_input();
  void send_bytes(std::span<const std::byte> bytes);
  [[nodiscard]] ClientOutput::Way way() { return {context_, transport_, traffic_}; }
  [[nodiscard]] std::uint32_t wanted_events() const;
  void unwatch();
  void watch();
  void watch_anew();

  // ---- opening (client_connection_opening.cpp)
  void take_opening(std::span<std::byte>& input);
  [[nodiscard]] bool take_head(std::span<std::byte>& input);
  void take_plain_request(std::span<std::byte>& input);
  void open();
  void answer(const protocol::HttpResponse& response);
  void end_opening();

  // ---- messages (client_connection_messages.cpp)
  void take_frames(std::span<std::byte>& input);
  void handle_message(const protocol::Session::Message& message);
  void handle_ping(std::span<const std::byte> payload);
  bool catch_up();
  [[nodiscard]] bool send_message(MessageType type, std::initializer_list<std::string_view> pieces, std::size_t size);
  [[nodiscard]] bool send_compressed(MessageType type, std::span<const std::byte> payload);
  void send_control(protocol::Opcode opcode, std::span<const std::byte> payload);

  // ---- publications (client_connection_publications.cpp)
  [[nodiscard]] SlowConsumer policy_for(SlowConsumer channels) const;
  [[nodiscard]] const SharedFrame& shared_frame(SharedMessage& message);
  [[nodiscard]] bool make_room(std::size_t size, SlowConsumer policy, ClientOutput::Stream stream);

  // ---- closing (client_connection_closing.cpp)
  void handle_peer_close(const protocol::Session::PeerClose& peer_close);
  void fail(protocol::ProtocolError error);
  void end_of_stream();
  // Closes in the name of `who`.
  void close_as(ClosedBy who, std::uint16_t code, std::string_view reason);
  void close_slow();
  void closed_by(ClosedBy who) {
    if (closed_by_ == ClosedBy::nobody) closed_by_ = who;
  }
  void begin_close(std::optional<std::uint16_t> code, std::string_view reason);
  void finish_close(std::uint16_t code, std::string_view reason, bool clean);
  void leave_open(Phase phase);
  void linger();
  void part();
  void vanish();

  // ---- deadlines (client_connection_deadlines.cpp)
  DeadlineList& deadlines();
  void tick();

  static constexpr std::uint8_t high_of_last_message = 7;

  // In an order that leaves no gaps, and with what a flush needs together: there are ten thousands of these
  // (tests/unit/worker/client_connection_size_test.cpp).
  std::uint32_t watched_events_ = 0;  // what the poller watches for
  ConnectionContext& context_;
  ClientTransport transport_;
  [[no_unique_address]] ClientOutput output_;
  std::uint8_t missed_pings_ = 0;
  std::uint16_t close_code_ = protocol::close_code::abnormal;
  Phase phase_ : 4 = Phase::opening;
  ClosedBy closed_by_ : 4 = ClosedBy::nobody;
  bool watched_ : 1 = false;      // the poller knows us
  bool visible_ : 1 = false;      // on_open was called and on_close was not
  bool clean_ : 1 = false;        // both sides sent a Close frame
  bool peer_closed_ : 1 = false;  // nothing more comes from the peer: its Close or its FIN is here
  bool paused_ : 1 = false;       // by pause_receive()
  bool full_ : 1 = false;         // on_buffer_full was told, or will be, and nothing has drained since
  bool tell_full_ : 1 = false;
  bool tell_drained_ : 1 = false;
  bool touched_ : 1 = false;                         // on the context's list of that name
  bool noticed_ : 1 = false;                         // on the context's list of notices
  const bool movable_ : 1;                           // as its transport
  TlsProtocol relayed_tls_ : 2 = TlsProtocol::none;  // that another process keeps for us
  std::uint8_t last_message_ms_high_ : 3 = 0;        // 35 bits of the loop's clock are thirteen months...
  std::uint8_t opened_ms_high_ = 0;                  // ...40 are 34 years...
  std::uint32_t opened_ms_low_ = 0;
  std::uint32_t last_message_ms_low_ = 0;
  std::uint32_t last_ping_ms_ = 0;  // ...and 32 are 49 days, which do for this and what follows
  std::uint32_t message_begun_ms_ = 0;
  Traffic traffic_;
  const ConnectionId id_;
  std::unique_ptr<Memberships> memberships_;    // of channels, if there are any
  std::unique_ptr<ConnectionDeflate> deflate_;  // if it was agreed on
  std::unique_ptr<ConnectionExtras> extras_;
  AddressKey address_key_ = 0;  // for which it counts; 0: it does not
  ClientRequest request_;
  protocol::Session session_;
};

// Always after the output it announces: a full arena is flushed in between, and that empties the list.
inline void ClientConnection::touch() {
  if (touched_) return;
  touched_ = true;
  context_.touched.push_back(this);
}

inline void ClientConnection::notice() {
  if (noticed_) return;
  noticed_ = true;
  context_.notices.push_back(this);
}

inline void ClientConnection::note_full() {
  if (full_) return;
  full_ = tell_full_ = true;
  notice();
}

inline void ClientConnection::note_drained() {
  if (!full_) return;
  full_ = false;
  tell_drained_ = true;
  notice();
}

}  // namespace wsd::worker
