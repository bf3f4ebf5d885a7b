#include "worker/apps/chat_room.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>
#include <variant>

#include "worker/apps/chat_text.h"

namespace wsd::chat {

namespace {

constexpr std::string_view room_attribute = "room";
constexpr std::string_view name_attribute = "name";

// A crowd hears of its size when that has changed by one in so many.
constexpr std::size_t noticeable_part = 100;

std::int64_t now_ms() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
}

bool is_member(const Connection& connection) {
  return !connection.get(name_attribute).empty();
}

Member self(const Connection& connection) {
  return {connection.id(), connection.get(name_attribute)};
}

Fault not_joined() {
  return {Problem::not_joined, "You are not in the room: \"join\" comes first, and its \"welcome\"."};
}

std::size_t whole_number(const App& app, std::string_view key, std::string_view fallback, std::size_t most) {
  const std::string_view text = app.setting(key, fallback);
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > most) {
    throw std::invalid_argument(std::string(key) + " must be a number from 1 to " + std::to_string(most) +
                                ", for example --set " + std::string(key) + "=" + std::string(fallback));
  }
  return value;
}

}  // namespace

void serve_rooms(App& app, const RoomKind& kind) {
  const Rules rules{.max_text = whole_number(app, "max_text", "1000", 100'000), .has_looks = kind.has_looks};
  const auto per_second = static_cast<double>(whole_number(app, "rate", "5", 100'000));
  const auto rooms = std::make_shared<Rooms>(kind.name, rules, Rate{.per_second = per_second, .burst = 2 * per_second});

  ChannelOptions& room = app.channels[std::string(kind.name) + "/"] = kind.channel;
  room.listed_members = max_listed;
  app.channels[std::string(kind.name) + "-member/"] = {.slow_consumer = kind.channel.slow_consumer};

  app.on_handshake = [rooms](const Request& request, Handshake& handshake) {
    rooms->handle_handshake(request, handshake);
  };
  app.on_open = [rooms](Connection& connection) { rooms->handle_open(connection); };
  app.on_message = [rooms](Connection& connection, Message message) { rooms->handle_message(connection, message); };
  app.on_close = [rooms](Connection& connection, CloseInfo) { rooms->handle_close(connection); };
  app.on_subscribed = [rooms](Connection& connection, const Subscription& subscription) {
    rooms->handle_subscribed(connection, subscription);
  };
  app.on_join = [rooms](Worker& worker, std::string_view channel, const Member& member, std::size_t count) {
    rooms->handle_join(worker, channel, member, count);
  };
  app.on_leave = [rooms](Worker& worker, std::string_view channel, const Member& member, std::size_t count) {
    rooms->handle_leave(worker, channel, member, count);
  };
  app.on_members = [rooms](Worker& worker, std::string_view channel, std::span<const Member> members) {
    rooms->handle_members(worker, channel, members);
  };
}

// ---- what a client does ---------------------------------------------------------------------------------------------

void Rooms::handle_handshake(const Request& request, Handshake& handshake) {
  const auto room = room_of(request.path());
  if (!room) {
    return handshake.refuse(404, "No room has this path. A room is /chat/NAME: letters, digits, '-', '_' and '.'.\n");
  }
  handshake.set(room_attribute, *room);
}

void Rooms::handle_open(Connection& connection) {
  const auto name = query_parameter(connection.request().query(), "name");
  if (!name) return;
  std::visit([&](const auto& message) { obey(connection, message); }, join_as(*name));
}

void Rooms::handle_message(Connection& connection, Message message) {
  if (is_too_fast(connection.id())) {
    return obey(connection, Fault{Problem::too_fast, "This is too fast: wait a moment and say it again."});
  }
  if (message.type == MessageType::binary) {
    return obey(connection, Fault{Problem::bad_message, "A message is JSON in a text message."});
  }
  std::visit([&](const auto& said) { obey(connection, said); }, parse(message.data, rules_));
}

// The member's own channel comes first: whoever hears of the member may already tell it something.
void Rooms::obey(Connection& connection, const Join& join) {
  connection.subscribe(member_channel(connection, connection.id()));
  connection.subscribe(room_channel(connection), join.name);
}

void Rooms::obey(Connection& connection, const Say& say) {
  if (!is_member(connection)) return obey(connection, not_joined());
  const Look* look = rules_.has_looks ? &say.look : nullptr;
  // By the worker, so that the one who says it hears it too, in its place among what the others say.
  connection.worker().publish(room_channel(connection), said(self(connection), say.text, look, now_ms()));
}

void Rooms::obey(Connection& connection, const Tell& tell) {
  if (!is_member(connection)) return obey(connection, not_joined());
  const std::int64_t time_ms = now_ms();
  const std::string receipt = told_receipt(self(connection), tell.text, time_ms, tell.to);
  Worker& worker = connection.worker();
  const auto answer = [this, &worker, id = connection.id(), receipt](const Delivery& delivery) {
    Connection* const sender = worker.find(id);
    if (sender == nullptr) return;
    if (delivery.subscribers > 0) {
      sender->send(receipt);
    } else {
      obey(*sender, Fault{Problem::no_such_member, "Nobody in this room has this id."});
    }
  };
  worker.publish(member_channel(connection, tell.to), told(self(connection), tell.text, time_ms), MessageType::text,
                 answer);
}

void Rooms::obey(Connection& connection, const AskMembers& /*ask*/) {
  if (!is_member(connection)) return obey(connection, not_joined());
  Worker& worker = connection.worker();
  worker.ask_channel(room_channel(connection), [&worker, id = connection.id()](const ChannelInfo& info) {
    if (Connection* const asker = worker.find(id)) asker->send(members(info.members));
  });
}

void Rooms::obey(Connection& connection, const Leave& /*leave*/) {
  if (!is_member(connection)) return obey(connection, not_joined());
  connection.unsubscribe(room_channel(connection));
  connection.send(left(self(connection)));
  forget(connection);
}

void Rooms::forget(Connection& connection) {
  connection.unsubscribe(member_channel(connection, connection.id()));
  connection.set(name_attribute, {});
}

bool Rooms::is_too_fast(ConnectionId id) {
  const auto now = std::chrono::steady_clock::now();
  return !buckets_.try_emplace(id, rate_, now).first->second.take(now);
}

// ---- what becomes of it ---------------------------------------------------------------------------------------------

void Rooms::handle_subscribed(Connection& connection, const Subscription& subscription) {
  if (subscription.channel != room_channel(connection)) return;
  if (subscription.accepted) {
    connection.set(name_attribute, subscription.name);
    connection.send(welcome(self(connection), connection.get(room_attribute), subscription));
    return;
  }
  // One that was in the room under another name stays so.
  if (!connection.is_subscribed(subscription.channel)) forget(connection);
  obey(connection, Fault{Problem::name_taken, "Somebody else in the room has this name."});
}

void Rooms::handle_join(Worker& worker, std::string_view channel, const Member& member, std::size_t count) {
  if (!channel.starts_with(room_prefix_)) return;
  if (count > max_listed) return tell_count(worker, channel, count);
  worker.deliver(channel, joined(member, count));
}

void Rooms::handle_leave(Worker& worker, std::string_view channel, const Member& member, std::size_t count) {
  if (!channel.starts_with(room_prefix_)) return;
  if (count > max_listed) return tell_count(worker, channel, count);
  crowds_.erase(std::string(channel));
  if (count < max_listed) {
    worker.deliver(channel, left(member, count));
    return;
  }
  // It was a crowd until now, whose members do not know one another.
  worker.ask_channel(channel, [&worker, channel = std::string(channel)](const ChannelInfo& info) {
    worker.deliver(channel, members(info.members));
  });
}

void Rooms::handle_members(Worker& worker, std::string_view channel, std::span<const Member> present) {
  if (channel.starts_with(room_prefix_)) worker.deliver(channel, members(present));
}

void Rooms::tell_count(Worker& worker, std::string_view channel, std::size_t count) {
  std::size_t& told = crowds_[std::string(channel)];
  const std::size_t change = count > told ? count - told : told - count;
  if (change * noticeable_part < count) return;
  told = count;
  worker.deliver(channel, chat::count(count));
}

// ---- names ----------------------------------------------------------------------------------------------------------

std::string Rooms::room_channel(const Connection& connection) const {
  return room_prefix_ + std::string(connection.get(room_attribute));
}

std::string Rooms::member_channel(const Connection& connection, ConnectionId member) const {
  return member_prefix_ + std::string(connection.get(room_attribute)) + "/" + std::to_string(member);
}

}  // namespace wsd::chat
