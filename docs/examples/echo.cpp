// The tutorial's first program: answers each message with "hello " and the message.
//
//   wsd start echo.cpp

#include <wsd/app.h>

#include <string>

WSD_APP(app) {
  app.on_message = [](wsd::Connection& connection, wsd::Message message) {
    connection.send("hello " + std::string(message.data));
  };
}
