// Rooms: who connects to /tea is in the room "/tea", and what one says there all the others get, on whichever worker
// they are. Who comes into a room whose name begins with /club/ gets the last twenty messages first.
//
//   wsd start room.cpp --count 4        and in two terminals: websocat ws://127.0.0.1:8080/tea

#include <wsd/app.h>

#include <chrono>

WSD_APP(app) {
  app.channels["/club/"] = {.history = 20};
  app.channels["/wall/"] = {.slow_consumer = wsd::SlowConsumer::drop_oldest, .batch = std::chrono::milliseconds(50)};

  app.on_open = [](wsd::Connection& connection) { connection.subscribe(connection.request().path()); };

  app.on_subscribed = [](wsd::Connection& connection, const wsd::Subscription& subscription) {
    for (const wsd::PastMessage& past : subscription.history) connection.send(past.data, past.type);
  };

  app.on_message = [](wsd::Connection& connection, wsd::Message message) {
    connection.publish(connection.request().path(), message.data, message.type);
  };
}
