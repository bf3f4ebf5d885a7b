// What the master orders (master_protocol.h), done.

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "protocol/close_code.h"
#include "worker/log.h"
#include "worker/log_outputs.h"
#include "worker/server.h"
#include "worker/uv_timer.h"

namespace wsd::worker {

namespace {

std::set<std::uint16_t> slots_in(const protocol::RecordReader& order) {
  std::set<std::uint16_t> slots;
  for (const std::string_view slot : order.find_all(tag(MasterField::slot))) {
    if (const auto number = protocol::number_of(slot)) slots.insert(static_cast<std::uint16_t>(*number));
  }
  return slots;
}

std::vector<SocketRole> roles_of(const protocol::RecordReader& order) {
  const std::string_view kinds = order.find(tag(MasterField::kinds)).value_or("");
  const std::string_view proxied = order.find(tag(MasterField::proxied)).value_or("");
  std::vector<SocketRole> roles(std::max(kinds.size(), proxied.size()));
  for (std::size_t i = 0; i < kinds.size(); ++i) roles[i].kind = static_cast<SocketKind>(kinds[i]);
  for (std::size_t i = 0; i < proxied.size(); ++i) roles[i].proxied = proxied[i] == '1';
  return roles;
}

}  // namespace

void Server::obey(const protocol::RecordReader& order, std::vector<FileDescriptor> descriptors) {
  const auto number = [&order](MasterField field) { return order.number(tag(field)).value_or(0); };
  const auto slot = static_cast<std::uint16_t>(number(MasterField::slot));
  switch (static_cast<MasterOrder>(order.type())) {
    case MasterOrder::serve:
      return reception_.serve({slot, std::move(descriptors), roles_of(order)});
    case MasterOrder::release:
      return reception_.release(slot);
    case MasterOrder::drain:
      if (number(MasterField::retire) != 0) reception_.accept_rest();
      return drain(static_cast<std::uint16_t>(number(MasterField::close_code)), number(MasterField::window_ms));
    case MasterOrder::leave:
      return leave();
    case MasterOrder::hand_over:
      if (descriptors.empty()) return master_.report_handoff_failed("it is out of descriptors");
      return hand_over(std::move(descriptors.front()), order.number(tag(MasterField::relay_time_ms)));
    case MasterOrder::take_over:
      return descriptors.empty() ? void() : inheritance_.take_over(std::move(descriptors.front()));
    case MasterOrder::begin_to_serve:
      return serves_its_slot_ ? void() : inheritance_.handle_death();
    case MasterOrder::end_relay:
      return departures_.end_relay(static_cast<std::uint32_t>(number(MasterField::relay)), context_.now_ms(),
                                   number(MasterField::window_ms));
    case MasterOrder::refuse:
      return reception_.room().refuse();
    case MasterOrder::stop_refusing:
      return reception_.room().stop_refusing();
    case MasterOrder::bus_link:
      return descriptors.empty() ? void() : bus_.add_link(slot, std::move(descriptors.front()));
    case MasterOrder::bus_complete:
      return bus_.complete(static_cast<std::uint32_t>(number(MasterField::homes)), slots_in(order));
    case MasterOrder::publish:
      return publish_for_master(order);
    case MasterOrder::reopen:
      obey_reopen(order, descriptors, heritage_.access_log.get(), master_);
      return context_.access_log.reopened();
    case MasterOrder::list_connections:
      return list_connections(order);
  }
  log::warning("the master gave an order that this version does not know ({}); it is ignored", order.type());
}

void Server::drain(std::uint16_t close_code, std::uint64_t window_ms) {
  if (mode_ != Mode::serving) return;
  mode_ = Mode::draining;
  reception_.close(close_code);
  api_.say_goodbye();
  departures_.drain(close_code, context_.now_ms(), window_ms);
}

void Server::leave() {
  if (mode_ == Mode::leaving) return;
  mode_ = Mode::leaving;
  departures_.stop_draining();
  reception_.close(protocol::close_code::going_away);
  say_goodbye(protocol::close_code::going_away);
  reception_.greetings().lose();
  leave_deadline_ = make_timer(loop_, this);
  uv_timer_start(
      leave_deadline_.get(),
      [](uv_timer_t* timer) {
        auto* server = static_cast<Server*>(timer->data);
        if (!server->connections_.empty()) {
          log::info("leaving {} connections that did not answer the Close in time", server->connections_.size());
        }
        server->loop_.stop();
      },
      static_cast<std::uint64_t>(heritage_.limits.stop_timeout.count()), 0);
}

// `wsd connections`.
void Server::list_connections(const protocol::RecordReader& order) {
  const std::uint64_t question = order.number(tag(MasterField::question)).value_or(0);
  listings_[question] = std::make_unique<ConnectionListing>(
      loop_, connections_, heritage_.slot, decode_filter(order.find(tag(MasterField::filter)).value_or("")),
      [this, question](const FileDescriptor& rows) {
        master_.report_connections(question, rows);
        listings_.erase(question);
      });
}

// `wsd publish`.
void Server::publish_for_master(const protocol::RecordReader& order) {
  const auto text = [&order](MasterField field) { return order.find(tag(field)).value_or(""); };
  const auto type = order.number(tag(MasterField::binary)).value_or(0) != 0 ? MessageType::binary : MessageType::text;
  channels_.publish(text(MasterField::channel), text(MasterField::data), type,
                    [this, question = order.number(tag(MasterField::question)).value_or(0)](const Delivery& delivery) {
                      master_.report_published(question, delivery.subscribers, delivery.partial);
                    });
}

}  // namespace wsd::worker
