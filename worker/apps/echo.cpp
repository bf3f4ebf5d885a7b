// The default app: answers each message with a greeting and the message. `--set prefix=TEXT` changes the greeting.

#include <wsd/app.h>

WSD_APP(app) {
  app.on_message = [prefix = app.setting("prefix", "hello ")](wsd::Connection& connection, wsd::Message message) {
    connection.send({prefix, message.data}, message.type);
  };
}
