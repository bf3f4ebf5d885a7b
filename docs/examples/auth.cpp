// Lets in only who brings the token, and knows from then on who it is.
//
//   wsd start auth.cpp --set token=secret        ws://127.0.0.1:8080/?alice with "Authorization: Bearer secret"

#include <wsd/app.h>

#include <string>

WSD_APP(app) {
  app.on_handshake = [expected = "Bearer " + std::string(app.setting("token", "secret"))](const wsd::Request& request,
                                                                                          wsd::Handshake& handshake) {
    if (request.header("Authorization") != expected) {
      handshake.add_header("WWW-Authenticate", "Bearer");
      return handshake.refuse(401, "Bring a token.\n");
    }
    handshake.set("user", request.query());
  };

  app.on_open = [](wsd::Connection& connection) { connection.send({"welcome, ", connection.get("user")}); };
}
