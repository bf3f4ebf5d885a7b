#include "master/control_protocol.h"

#include <gmock/gmock.h>

namespace wsd::master {
namespace {

TEST(ControlProtocol, ReadsTheRequestsItWrites) {
  ControlRequest stop;
  stop.command = ControlCommand::stop;
  stop.graceful = true;
  EXPECT_EQ(to_json(stop), R"({"command":"stop","graceful":true})");
  auto read = control_request_from_json(to_json(stop));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->command, ControlCommand::stop);
  EXPECT_TRUE(read->graceful);

  ControlRequest reload;
  reload.command = ControlCommand::reload;
  ASSERT_EQ(reload.options.set_text("count", "8"), std::nullopt);
  EXPECT_EQ(to_json(reload), R"({"command":"reload","options":{"count":8}})");
  auto read_reload = control_request_from_json(to_json(reload));
  ASSERT_TRUE(read_reload);
  EXPECT_EQ(*read_reload->options.count, 8U);
  EXPECT_FALSE(read_reload->options.app.given());

  EXPECT_EQ(control_request_from_json(R"({"command":"status"})")->command, ControlCommand::status);
  EXPECT_EQ(control_request_from_json(R"({"command":"options","later":1})")->command, ControlCommand::options);
}

TEST(ControlProtocol, CarriesWhatIsToBePublished) {
  ControlRequest text;
  text.command = ControlCommand::publish;
  text.publication = {"room/1", "你好 \"x\"\n", false};
  EXPECT_EQ(to_json(text), R"({"command":"publish","channel":"room/1","data":"你好 \"x\"\n"})");
  auto read = control_request_from_json(to_json(text));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->command, ControlCommand::publish);
  EXPECT_EQ(read->publication.channel, "room/1");
  EXPECT_EQ(read->publication.data, text.publication.data);
  EXPECT_FALSE(read->publication.binary);

  ControlRequest binary = text;
  binary.publication = {"b", {}, true};
  for (int byte = 0; byte < 256; ++byte) binary.publication.data += static_cast<char>(byte);
  auto read_binary = control_request_from_json(to_json(binary));
  ASSERT_TRUE(read_binary);
  EXPECT_TRUE(read_binary->publication.binary);
  EXPECT_EQ(read_binary->publication.data, binary.publication.data);
  EXPECT_EQ(control_request_from_json(R"({"command":"publish","channel":"b","data":""})")->publication.data, "");
}

TEST(ControlProtocol, RefusesAPublicationThatIsNotWhole) {
  for (const char* line :
       {R"({"command":"publish"})", R"({"command":"publish","channel":"c"})", R"({"command":"publish","data":"d"})",
        R"({"command":"publish","channel":1,"data":"d"})", R"({"command":"publish","channel":"c","data":1})",
        R"({"command":"publish","channel":"c","data":"d","binary":1})",
        R"({"command":"publish","channel":"c","data":"0","binary":true})",
        R"({"command":"publish","channel":"c","data":"0g","binary":true})",
        R"({"command":"publish","channel":"c","data":"+1","binary":true})",
        R"({"command":"publish","channel":"c","data":"-1","binary":true})"}) {
    EXPECT_FALSE(control_request_from_json(line)) << line;
  }
}

TEST(ControlProtocol, RefusesWhatIsNoRequest) {
  for (const char* line : {"", " ", "x", "[]", "{}", "{", R"({"command":1})", R"({"command":"dance"})",
                           R"({"command":"stop","graceful":1})", R"({"command":"reload","options":1})",
                           R"({"command":"reload","options":{"count":0}})", "{\"command\":\"\xFF\"}",
                           R"({"command":"status"} {"command":"stop"})"}) {
    EXPECT_FALSE(control_request_from_json(line)) << line;
  }
  EXPECT_FALSE(control_request_from_json(std::string(60'000, '[')));
}

TEST(ControlProtocol, ReadsTheAnswersItWrites) {
  EXPECT_EQ(control_answer_from_json(status_answer(R"({"pid":1})"))->status, R"({"pid":1})");
  OptionLayers layers;
  layers.environment.count.give(2);
  layers.flags.count.give(3);
  auto options = control_answer_from_json(options_answer(layers.flags, layers));
  ASSERT_TRUE(options);
  EXPECT_EQ(options->options, R"({"count":3})");
  EXPECT_EQ(options->environment, R"({"count":2})");
  EXPECT_EQ(options->flags, R"({"count":3})");
  EXPECT_EQ(control_answer_from_json(published_answer(R"({"delivered_to":3})"))->published, R"({"delivered_to":3})");
  EXPECT_EQ(control_answer_from_json(info_answer("2 left"))->info, "2 left");
  EXPECT_FALSE(control_answer_from_json(info_answer("2 left"))->done);
  EXPECT_FALSE(control_answer_from_json(accepted_answer)->done);

  auto last = control_answer_from_json(final_answer(CommandStatus::failed, "no \"app\""));
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->done);
  EXPECT_EQ(last->exit, CommandStatus::failed);
  EXPECT_EQ(last->error, "no \"app\"");
  EXPECT_EQ(final_answer(CommandStatus::done, ""), R"({"done":true,"exit":0})");
}

TEST(ControlProtocol, RefusesWhatIsNoAnswer) {
  for (const char* line : {"", "1", R"({"done":1})", R"({"exit":6})", R"({"exit":-1})", R"({"status":1})"}) {
    EXPECT_FALSE(control_answer_from_json(line)) << line;
  }
}

}  // namespace
}  // namespace wsd::master
