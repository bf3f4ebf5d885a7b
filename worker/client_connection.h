// One client from accept to the last byte: transport, handshake, session, output.
//
// Owned by the server's table, destroyed by the server alone and only at the end of a turn, so that callbacks and
// events of the same turn never meet a dangling one. Nothing here calls the application from within a call of the
// application: what must be told later is put on a list of the context.

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
#include "protocol/http_request_parser.h"
#include "protocol/session.h"
#include "worker/access_log.h"
#include "worker/address_tables.h"
#include "worker/attributes.h"
#include "worker/client_output.h"
#include "worker/client_request.h"
#include "worker/connection_context.h"
#include "worker/connection_deflate.h"
#include "worker/connection_row.h"
#include "worker/connection_state.h"
#include "worker/http_exchange.h"
#include "worker/membership.h"
#include "worker/shared_message.h"
#include "worker/tls_protocol.h"
#include "worker/traffic.h"
#include "worker/transport.h"

namespace wsd::worker {

class ClientConnection final : public Connection, public Watched, public DeadlineHook {
 public:
  ClientConnection(ConnectionContext& context, ConnectionId id, std::unique_ptr<Transport> transport,
                   std::string remote_address);
  ~ClientConnection();

  // One that another worker had. It does nothing until resume().
  ClientConnection(ConnectionContext& context, const ConnectionState& state, std::unique_ptr<Transport> transport);

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
  // The socket is another worker's now: lets go of it without a trace on the wire, and without on_close. Gives back the
  // transport, for one that stays behind and is relayed.
  std::unique_ptr<Transport> hand_over();
  // Its descriptor is all of the stream: another worker can go on with that.
  [[nodiscard]] bool is_movable() const { return movable_; }

  // ---- for applications
  [[nodiscard]] ConnectionId id() const override { return id_; }
  [[nodiscard]] const Request& request() const override { return request_; }
  [[nodiscard]] std::string_view remote_address() const override { return request_.remote_address(); }
  [[nodiscard]] Worker& worker() override { return context_.worker; }
  [[nodiscard]] std::string_view subprotocol() const override { return attributes_.subprotocol(); }
  void set(std::string_view name, std::string_view value) override { attributes_.set(name, value); }
  [[nodiscard]] std::string_view get(std::string_view name) const override {
    return name.empty() ? std::string_view() : attributes_.get(name);
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
  [[nodiscard]] Memberships& memberships();
  [[nodiscard]] const Memberships* memberships_if_any() const { return memberships_.get(); }
  [[nodiscard]] std::uint64_t age_ms() const;
  [[nodiscard]] std::uint64_t idle_ms() const;
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }
  [[nodiscard]] bool has_deflate() const { return deflate_.parameters().has_value(); }
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
  [[nodiscard]] int descriptor() const { return transport_->descriptor(); }
  [[nodiscard]] std::uint64_t last_message_ms() const { return last_message_ms_; }

 private:
  using Phase = ConnectionState::Phase;

  void receive();
  void take_read(std::span<std::byte> room, std::span<std::byte> buffer, std::size_t size);
  void take_input(std::span<std::byte> input);
  void take_opening(std::span<std::byte>& input);
  void take_frames(std::span<std::byte>& input);
  void hold_input(std::span<const std::byte> input);
  void take_held_input();
  [[nodiscard]] bool take_head(std::span<std::byte>& input);
  void take_plain_request(std::span<std::byte>& input);
  void answer(const protocol::HttpResponse& response);
  void open();
  DeadlineList& deadlines();

  void handle_message(const protocol::Session::Message& message);
  void handle_ping(std::span<const std::byte> payload);
  void handle_peer_close(const protocol::Session::PeerClose& peer_close);
  void fail(protocol::ProtocolError error);
  void end_of_stream();

  [[nodiscard]] bool send_message(protocol::Opcode opcode, std::initializer_list<std::string_view> pieces,
                                  std::size_t size);
  [[nodiscard]] bool send_compressed(protocol::Opcode opcode, std::span<const std::byte> payload);
  [[nodiscard]] const SharedFrame& shared_frame(SharedMessage& message);
  // A descriptor that is all of the stream keeps nothing back: not asked, since this is looked at several times a turn.
  [[nodiscard]] bool has_unsent() const { return !movable_ && transport_->has_unsent(); }
  void send_bytes(std::span<const std::byte> bytes);
  void send_control(protocol::Opcode opcode, std::span<const std::byte> payload);
  [[nodiscard]] ClientOutput::Way way() { return {context_, *transport_, traffic_}; }

  bool catch_up();
  // Closes in the name of `who`.
  void close_as(ClosedBy who, std::uint16_t code, std::string_view reason);
  void closed_by(ClosedBy who) {
    if (closed_by_ == ClosedBy::nobody) closed_by_ = who;
  }
  void leave_open(Phase phase);
  void begin_close(std::optional<std::uint16_t> code, std::string_view reason);
  void finish_close(std::uint16_t code, std::string_view reason, bool clean);
  void close_slow();
  void log_access(std::uint16_t status);
  void linger();
  void part();
  void vanish();

  void tick();
  void touch();
  void notice();
  [[nodiscard]] SlowConsumer policy_for(SlowConsumer channels) const;
  [[nodiscard]] bool make_room(std::size_t size, SlowConsumer policy, ClientOutput::Stream stream);
  void note_full();
  void note_drained();
  void watch();
  void watch_anew();
  [[nodiscard]] std::uint32_t wanted_events() const;

  ConnectionContext& context_;
  const ConnectionId id_;
  std::unique_ptr<Transport> transport_;
  ClientRequest request_;
  std::unique_ptr<protocol::HttpRequestParser> parser_;  // while opening
  std::unique_ptr<HttpExchange> exchange_;               // while opening, of a request that is no upgrade
  protocol::Session session_;
  ConnectionDeflate deflate_;

  ClientOutput output_;
  Traffic traffic_;
  std::unique_ptr<std::vector<std::byte>> held_input_;  // read, and waiting for resume_receive() or resume()

  Attributes attributes_;
  std::unique_ptr<Memberships> memberships_;   // of channels, if there are any
  std::unique_ptr<std::string> close_reason_;  // for on_close, if there is one
  AddressKey address_key_ = 0;                 // for which it counts; 0: it does not
  std::uint32_t watched_events_ = 0;           // what the poller watches for
  std::uint32_t opened_ms_ = 0;                // low 32 bits of the loop's clock
  std::uint32_t last_message_ms_ = 0;
  std::uint32_t last_ping_ms_ = 0;
  std::uint32_t message_begun_ms_ = 0;
  std::uint16_t close_code_ = protocol::close_code::abnormal;
  std::uint8_t missed_pings_ = 0;
  ClosedBy closed_by_ = ClosedBy::nobody;
  Phase phase_ = Phase::opening;
  TlsProtocol relayed_tls_ = TlsProtocol::none;  // that another process keeps for us
  const bool movable_;                           // as its transport
  bool watched_ = false;                         // the poller knows us
  bool visible_ = false;                         // on_open was called and on_close was not
  bool clean_ = false;                           // both sides sent a Close frame
  bool peer_closed_ = false;                     // nothing more comes from the peer: its Close or its FIN is here
  bool paused_ = false;                          // by pause_receive()
  bool full_ = false;                            // on_buffer_full was told, or will be, and nothing has drained since
  bool tell_full_ = false;
  bool tell_drained_ = false;
  bool touched_ = false;  // on the context's list of that name
  bool noticed_ = false;  // on the context's list of notices
};

}  // namespace wsd::worker
