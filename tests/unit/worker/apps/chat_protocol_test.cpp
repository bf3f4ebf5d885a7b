#include "worker/apps/chat_protocol.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::chat {
namespace {

constexpr Rules chat{};
constexpr Rules danmaku{.has_looks = true};

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// The code of the fault, or "" if there is none.
std::string problem_of(const ClientMessage& message) {
  const Fault* fault = std::get_if<Fault>(&message);
  if (fault == nullptr) return "";
  EXPECT_TRUE(fault->sentence.size() > 1) << "somebody has to read it";
  return std::string(to_string(fault->problem));
}

Subscription subscription(std::span<const Member> members, std::span<const PastMessage> history, bool lost = false) {
  Subscription subscription;
  subscription.members = members;
  subscription.member_count = members.size();
  subscription.history = history;
  subscription.history_lost = lost;
  return subscription;
}

std::string saying(std::string_view text) {
  return R"({"type":"say","text":")" + std::string(text) + R"("})";
}

TEST(ChatProtocol, ReadsWhatClientsSay) {
  EXPECT_EQ(std::get<Join>(parse(R"({"type":"join","name":"  Alice "})", chat)).name, "Alice");
  EXPECT_EQ(std::get<Say>(parse(R"({"type":"say","text":" hi\n"})", chat)).text, " hi\n");
  const Tell tell = std::get<Tell>(parse(R"({"type":"tell","to":"18446744073709551615","text":"psst"})", chat));
  EXPECT_EQ(tell.to, std::numeric_limits<ConnectionId>::max());
  EXPECT_EQ(tell.text, "psst");
  EXPECT_TRUE(std::holds_alternative<AskMembers>(parse(R"({"type":"members"})", chat)));
  EXPECT_TRUE(std::holds_alternative<Leave>(parse(R"({"type":"leave","why":"later versions may say more"})", chat)));
}

TEST(ChatProtocol, ReadsLooksWhereTheyMeanSomething) {
  const std::string text = R"({"type":"say","text":"x","color":"#Ff8000","position":"top"})";
  const Say comment = std::get<Say>(parse(text, danmaku));
  EXPECT_EQ(comment.look.color, "#Ff8000");
  EXPECT_EQ(comment.look.position, "top");
  const Say plain = std::get<Say>(parse(saying("x"), danmaku));
  EXPECT_EQ(plain.look.color, "#ffffff");
  EXPECT_EQ(plain.look.position, "scroll");
  EXPECT_EQ(problem_of(parse(R"({"type":"say","text":"x","color":"red"})", chat)), "") << "no business of chat's";
}

TEST(ChatProtocol, RefusesOtherLooks) {
  for (const std::string_view look : {R"("color":"red")", R"("color":"#fff")", R"("color":"#gggggg")", R"("color":7)",
                                      R"("color":"#ffffff;x:y")", R"("position":"left")", R"("position":null)"}) {
    EXPECT_EQ(problem_of(parse(R"({"type":"say","text":"x",)" + std::string(look) + "}", danmaku)), "bad_message")
        << look;
  }
}

TEST(ChatProtocol, RefusesWhatIsNoMessage) {
  for (const std::string_view bad :
       {"", "hello", "[]", "7", "null", "{", "{}", R"({"type":7})", R"({"type":"shout"})", R"({"type":"join"})",
        R"({"type":"join","name":7})", R"({"type":"say"})", R"({"type":"say","text":null})",
        R"({"type":"tell","text":"x"})", R"({"type":"tell","to":7,"text":"x"})", R"({"type":"tell","to":"7"})",
        R"({"type":"leave"} x)", R"({"type":"leave","type":"leave"})"}) {
    EXPECT_EQ(problem_of(parse(bad, danmaku)), "bad_message") << bad;
  }
}

TEST(ChatProtocol, RefusesAMessageCutAnywhere) {
  const std::string whole = R"({"type":"say","text":"中😀 \u00e9","color":"#ffffff"})";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(problem_of(parse(whole.substr(0, size), danmaku)), "bad_message") << size;
  }
  EXPECT_EQ(problem_of(parse(whole, danmaku)), "");
}

TEST(ChatProtocol, SaysWhereTheJsonIsWrong) {
  const Fault fault = std::get<Fault>(parse(R"({"type":"say","text":7})", chat));
  EXPECT_TRUE(fault.sentence.starts_with("Byte 21: ")) << fault.sentence;
}

TEST(ChatProtocol, CountsTheCharactersOfATextNotItsBytes) {
  EXPECT_EQ(problem_of(parse(saying(repeated("😀", 1000)), chat)), "");
  EXPECT_EQ(problem_of(parse(saying(repeated("a", 1001)), chat)), "text_too_long");
  EXPECT_EQ(problem_of(parse(saying(repeated("😀", 1001)), chat)), "text_too_long");
  EXPECT_EQ(problem_of(parse(saying("四个字了"), {.max_text = 3})), "text_too_long");
  EXPECT_EQ(problem_of(parse(saying("三个字"), {.max_text = 3})), "");
}

TEST(ChatProtocol, RefusesTextsAndNamesThatAreNone) {
  EXPECT_EQ(problem_of(parse(saying("  "), chat)), "text_invalid");
  EXPECT_EQ(problem_of(parse(saying("\\u0000"), chat)), "text_invalid");
  EXPECT_EQ(problem_of(parse(R"({"type":"tell","to":"7","text":""})", chat)), "text_invalid");
  EXPECT_EQ(problem_of(parse(R"({"type":"join","name":" "})", chat)), "name_invalid");
  EXPECT_EQ(problem_of(join_as("a\nb")), "name_invalid");
  EXPECT_EQ(problem_of(join_as("\xFF")), "name_invalid");
}

TEST(ChatProtocol, WhatIsNoIdIsNobodys) {
  for (const std::string_view to : {"", "x", "-1", "+1", "1 ", "0x1", "18446744073709551616", "0"}) {
    const auto message = parse(R"({"type":"tell","text":"x","to":")" + std::string(to) + "\"}", chat);
    EXPECT_EQ(std::get<Tell>(message).to, 0U) << to;
  }
}

TEST(ChatProtocol, WelcomesWithMembersAndHistory) {
  const std::array<Member, 2> members{Member{1, "Alice"}, Member{2, "\"Bob\""}};
  const std::array<PastMessage, 1> history{PastMessage{.data = R"({"type":"said"})"}};
  EXPECT_EQ(welcome(members[0], "猫", subscription(members, history)),
            R"({"type":"welcome","id":"1","room":"猫","name":"Alice","count":2,)"
            R"("members":[{"id":"1","name":"Alice"},{"id":"2","name":"\"Bob\""}],"history":[{"type":"said"}]})");
  EXPECT_EQ(
      welcome(members[0], "x", subscription({}, {}, true)),
      R"({"type":"welcome","id":"1","room":"x","name":"Alice","count":0,"members":[],"history":[],"history_lost":true})");
}

TEST(ChatProtocol, WelcomesIntoACrowdWithoutAList) {
  const std::vector<Member> some(max_listed, Member{7, "x"});
  Subscription crowd = subscription(some, {});
  crowd.member_count = 5000;
  EXPECT_EQ(welcome({1, "A"}, "x", crowd),
            R"({"type":"welcome","id":"1","room":"x","name":"A","count":5000,"history":[]})");
}

// Other programs publish to the channel what they like.
TEST(ChatProtocol, LeavesOutHistoryThatIsNoMessage) {
  const std::array<PastMessage, 5> history{
      PastMessage{.data = "hello"}, PastMessage{.data = R"({"n":1})"}, PastMessage{.data = R"({"n":2)"},
      PastMessage{.data = R"({"n":3})", .type = MessageType::binary}, PastMessage{.data = R"({"n":4} )"}};
  const std::string text = welcome({1, "A"}, "x", subscription({}, history));
  EXPECT_TRUE(text.ends_with(R"("history":[{"n":1},{"n":4} ]})")) << text;
}

TEST(ChatProtocol, ListsMembersOfARoomButNotOfACrowd) {
  std::vector<Member> present(max_listed, Member{7, "x"});
  EXPECT_NE(members(present).find("\"members\":["), std::string::npos);
  present.push_back({8, "y"});
  EXPECT_EQ(members(present), R"({"type":"members","count":201})");
  EXPECT_EQ(members({}), R"({"type":"members","count":0,"members":[]})");
  EXPECT_EQ(count(5012), R"({"type":"count","count":5012})");
}

TEST(ChatProtocol, WritesWhatHappens) {
  const Member alice{std::numeric_limits<ConnectionId>::max(), "Alice"};
  EXPECT_EQ(joined(alice, 3), R"({"type":"joined","id":"18446744073709551615","name":"Alice","count":3})");
  EXPECT_EQ(left(alice, 2), R"({"type":"left","id":"18446744073709551615","name":"Alice","count":2})");
  EXPECT_EQ(left(Member{1, "A"}), R"({"type":"left","id":"1","name":"A"})");
  EXPECT_EQ(said({1, "A"}, "a \"b\"\n", nullptr, 1764084000000),
            R"({"type":"said","id":"1","name":"A","text":"a \"b\"\n","time":1764084000000})");
  const Look look{.color = "#ff0000", .position = "top"};
  EXPECT_EQ(said({1, "A"}, "x", &look, 7),
            R"({"type":"said","id":"1","name":"A","text":"x","time":7,"color":"#ff0000","position":"top"})");
  EXPECT_EQ(told({1, "A"}, "x", 7), R"({"type":"told","id":"1","name":"A","text":"x","time":7})");
  EXPECT_EQ(told_receipt({1, "A"}, "x", 7, 2), R"({"type":"told","id":"1","name":"A","text":"x","time":7,"to":"2"})");
  EXPECT_EQ(error({Problem::name_taken, "It is taken."}),
            R"({"type":"error","code":"name_taken","message":"It is taken."})");
}

}  // namespace
}  // namespace wsd::chat
