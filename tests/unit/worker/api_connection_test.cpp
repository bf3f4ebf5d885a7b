#include "worker/api_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/worker/support/api_bench.h"

namespace wsd::worker {
namespace {

using test::ApiBench;
using test::Peer;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using std::chrono_literals::operator""ms;

const std::string health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
const std::string healthy =
    "HTTP/1.1 200 OK\r\nContent-Length: 15\r\nContent-Type: application/json\r\n\r\n{\"status\":\"ok\"}";
const std::string delivered =
    "HTTP/1.1 200 OK\r\nContent-Length: 18\r\nContent-Type: application/json\r\n\r\n{\"delivered_to\":3}";

std::string post(const std::string& path, const std::string& body, const std::string& fields = {}) {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body;
}
std::string publish(const std::string& data, const std::string& fields = {}) {
  return post("/v1/publish", R"({"channel":"c","data":")" + data + R"("})", fields);
}

std::string statuses_of(std::string_view answers) {
  std::string statuses;
  for (std::size_t at = answers.find("HTTP/1.1 "); at != std::string_view::npos;
       at = answers.find("HTTP/1.1 ", at + 1)) {
    statuses += (statuses.empty() ? "" : " ") + std::string(answers.substr(at + 9, 3));
  }
  return statuses;
}

TEST(ApiConnection, AnswersAndStays) {
  ApiBench bench;
  Peer peer = bench.connect();
  for (int i = 0; i < 3; ++i) {
    peer.send(health);
    bench.turn();
    EXPECT_EQ(peer.receive(), healthy);
  }
  EXPECT_FALSE(peer.ended());
  peer.finish();
  bench.turn();
  EXPECT_EQ(peer.receive(), "");
  EXPECT_TRUE(peer.ended());
  EXPECT_TRUE(bench.is_empty());
}

// Whatever the pieces, the answers are the same.
TEST(ApiConnection, TakesRequestsCutAnywhere) {
  const std::string requests = publish("one") + health + post("/v1/nowhere", "") + publish("two") +
                               "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  std::string expected;
  for (std::size_t cut = 0; cut <= requests.size(); ++cut) {
    ApiBench bench;
    Peer peer = bench.connect();
    peer.send(requests.substr(0, cut));
    bench.turn();
    std::string answers = peer.receive();
    peer.send(requests.substr(cut));
    bench.turns(2);
    answers += peer.receive();
    if (cut == 0) expected = answers;
    ASSERT_EQ(answers, expected) << cut;
    EXPECT_TRUE(peer.ended());
    EXPECT_THAT(bench.backend.calls, ElementsAre("publish c text one", "publish c text two"));
  }
  EXPECT_EQ(statuses_of(expected), "200 200 404 200 200");
  EXPECT_THAT(expected, EndsWith("Connection: close\r\nContent-Type: application/json\r\n\r\n"));
}

TEST(ApiConnection, TakesARequestByteByByte) {
  ApiBench bench;
  Peer peer = bench.connect();
  for (const char character : publish("x")) {
    EXPECT_EQ(peer.receive(), "");
    peer.send(std::string_view(&character, 1));
    bench.turn();
  }
  EXPECT_EQ(peer.receive(), delivered);
}

TEST(ApiConnection, AnswersAThousandPipelinedRequestsInOrder) {
  ApiBench bench;
  Peer peer = bench.connect();
  std::string requests;
  std::vector<std::string> calls;
  for (int i = 0; i < 1000; ++i) {
    requests += publish(std::to_string(i));
    calls.push_back("publish c text " + std::to_string(i));
  }
  std::string answers;
  for (std::string_view rest = requests; !rest.empty() || bench.backend.calls.size() < 1000;) {
    const std::string_view part = rest.substr(0, 30'000);
    if (!part.empty()) peer.send(part);
    rest.remove_prefix(part.size());
    bench.turn();
    answers += peer.receive();
  }
  bench.turns(3);
  answers += peer.receive();
  EXPECT_EQ(answers.size(), 1000 * delivered.size());
  EXPECT_EQ(bench.backend.calls, calls);
}

TEST(ApiConnection, AsksOneQuestionAtATime) {
  ApiBench bench;
  bench.backend.answers_at_once = false;
  Peer peer = bench.connect();
  peer.send(publish("one") + publish("two") + health);
  bench.turns(3);
  EXPECT_THAT(bench.backend.calls, ElementsAre("publish c text one"));
  EXPECT_EQ(peer.receive(), "");
  bench.backend.answer_one();
  EXPECT_EQ(peer.receive(), delivered);
  EXPECT_THAT(bench.backend.calls, ElementsAre("publish c text one", "publish c text two"));
  bench.backend.answer_one();
  EXPECT_EQ(peer.receive(), delivered + healthy);
}

TEST(ApiConnection, ReadsNothingWhileItAsks) {
  ApiBench bench({}, {}, 1000);
  bench.backend.answers_at_once = false;
  Peer peer = bench.connect();
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += health;
  peer.send(publish("one") + requests);
  bench.turns(10);
  EXPECT_EQ(peer.receive(), "");
  bench.backend.answer_one();
  for (int i = 0; i < 20; ++i) bench.turn();
  const std::string answers = peer.receive();
  EXPECT_EQ(answers.size(), delivered.size() + 100 * healthy.size());
}

// The kernel holds the rest, and slows the client down.
TEST(ApiConnection, LooksAtNoRequestWhileAnswersWait) {
  ApiBench bench;
  bench.backend.channels.channels.assign(20'000, {"a channel with a name of some length", 1});
  auto [ours, theirs] = test::socket_pair();
  test::shrink_send_buffer(ours.get());
  bench.add(std::make_unique<ApiConnection>(bench.context, std::make_unique<TcpTransport>(std::move(ours)), ""));
  Peer peer(std::move(theirs));
  const std::string list = "GET /v1/channels HTTP/1.1\r\nHost: localhost\r\n\r\n";
  peer.send(list + list + list);
  bench.turns(20);
  EXPECT_EQ(bench.backend.calls.size(), 1U);
  std::string answers;
  bench.run_until([&] {
    answers += peer.receive();
    return statuses_of(answers) == "200 200 200" && answers.ends_with("]}");
  });
  EXPECT_EQ(bench.backend.calls.size(), 3U);
  EXPECT_GT(answers.size(), 3'000'000U);
}

TEST(ApiConnection, ClosesWhenItIsToldTo) {
  for (const auto* request :
       {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Close\r\n\r\n", "GET /healthz HTTP/1.0\r\n\r\n",
        "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"}) {
    ApiBench bench;
    Peer peer = bench.connect();
    peer.send(request + health);
    bench.turn();
    const std::string answer = peer.receive();
    EXPECT_EQ(statuses_of(answer), "200") << request;
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
    EXPECT_TRUE(peer.ended());
    EXPECT_FALSE(bench.is_empty());  // until the client has ended the stream too
    peer.finish();
    bench.turn();
    EXPECT_TRUE(bench.is_empty());
  }
}

TEST(ApiConnection, SaysContinueToWhoWaitsForIt) {
  ApiBench bench;
  Peer peer = bench.connect();
  const std::string request = publish("x", "Expect: 100-continue\r\n");
  const std::size_t body = request.find("\r\n\r\n") + 4;
  peer.send(request.substr(0, body));
  bench.turn();
  EXPECT_EQ(peer.receive(), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send(request.substr(body));
  bench.turn();
  EXPECT_EQ(peer.receive(), delivered);
}

TEST(ApiConnection, RefusesABodyUnseenAndCloses) {
  const std::string type = "Content-Type: application/json\r\n";
  const auto answer_to = [&](const std::string& head) {
    ApiBench bench({}, "s3cret");
    Peer peer = bench.connect();
    peer.send("POST /v1/publish HTTP/1.1\r\nHost: localhost\r\n" + head + "\r\n");
    bench.turn();
    const std::string answer = peer.receive();
    EXPECT_TRUE(peer.ended()) << head;
    EXPECT_THAT(bench.backend.calls, IsEmpty());
    return statuses_of(answer);
  };
  const std::string token = "Authorization: Bearer s3cret\r\n";
  EXPECT_EQ(answer_to(type + "Content-Length: 10\r\n"), "401");
  EXPECT_EQ(answer_to(type + "Content-Length: 10\r\nExpect: 100-continue\r\n"), "401");
  EXPECT_EQ(answer_to(token + "Content-Length: 10\r\n"), "415");
  EXPECT_EQ(answer_to(token + type + "Transfer-Encoding: chunked\r\n"), "411");
  EXPECT_EQ(answer_to(token + type + "Content-Length: 3149825\r\n"), "413");
  EXPECT_EQ(answer_to(token + type + "Content-Length: 9999999999999\r\n"), "413");
}

TEST(ApiConnection, TakesABodyOfTheLargestSize) {
  Limits limits;
  limits.max_message = 30'000;
  ApiBench bench(limits);
  Peer peer = bench.connect();
  peer.send(publish(std::string(30'000, 'x')));
  bench.turns(3);
  EXPECT_EQ(peer.receive(), delivered);
  peer.send(publish(std::string(30'001, 'x')));
  bench.turns(3);
  EXPECT_EQ(statuses_of(peer.receive()), "413");
  EXPECT_FALSE(peer.ended());
}

TEST(ApiConnection, StaysAfterARefusalWithoutABody) {
  ApiBench bench;
  Peer peer = bench.connect();
  peer.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n" + post("/v1/publish", "{]") + health);
  bench.turn();
  EXPECT_EQ(statuses_of(peer.receive()), "404 400 200");
  EXPECT_FALSE(peer.ended());
}

TEST(ApiConnection, AnswersWhatIsNoHttpInJson) {
  ApiBench bench;
  Peer peer = bench.connect();
  peer.send(health + "hello\r\n" + health);
  bench.turn();
  const std::string answers = peer.receive();
  EXPECT_EQ(statuses_of(answers), "200 400");
  EXPECT_THAT(answers, EndsWith(R"({"error":{"code":"bad_request","message":)"
                                R"("The request line has no method followed by one space."}})"));
  EXPECT_TRUE(peer.ended());
}

TEST(ApiConnection, AnswersAClientThatHasNothingMoreToSay) {
  ApiBench bench;
  bench.backend.answers_at_once = false;
  Peer peer = bench.connect();
  peer.send(publish("one") + publish("two"));
  peer.finish();
  bench.turns(2);
  bench.backend.answer_one();
  bench.turns(2);
  bench.backend.answer_one();
  bench.turns(2);
  EXPECT_EQ(peer.receive(), delivered + delivered);
  EXPECT_TRUE(peer.ended());
  EXPECT_TRUE(bench.is_empty());
}

TEST(ApiConnection, VanishesWithAClientThatLeavesInTheMiddle) {
  const std::string request = publish("x");
  for (std::size_t size = 0; size < request.size(); ++size) {
    ApiBench bench;
    Peer peer = bench.connect();
    peer.send(request.substr(0, size));
    bench.turn();
    peer.hang_up();
    bench.turns(2);
    EXPECT_TRUE(bench.is_empty()) << size;
    EXPECT_THAT(bench.backend.calls, IsEmpty());
  }
}

TEST(ApiConnection, ALateAnswerMeetsNobody) {
  ApiBench bench;
  bench.backend.answers_at_once = false;
  Peer peer = bench.connect();
  peer.send(publish("x"));
  bench.turn();
  peer.hang_up();
  bench.turns(2);
  EXPECT_TRUE(bench.is_empty());
  bench.backend.answer_one();
}

// ---- giving up, and other workers -----------------------------------------------------------------------------------

TEST(ApiConnection, GivesUpAQuestionAndHearsItsAnswerNoMore) {
  ApiBench bench;
  bench.backend.answers_at_once = false;
  Peer peer = bench.connect();
  peer.send(publish("one") + publish("two"));
  bench.turn();
  bench.last().give_up_question();
  EXPECT_THAT(peer.receive(), EndsWith(R"({"delivered_to":0,"partial":true})"));
  EXPECT_EQ(bench.backend.calls.size(), 1U);  // the next one is not begun in the same breath
  bench.backend.answer_one();
  EXPECT_EQ(peer.receive(), "");
  bench.turn();
  EXPECT_EQ(bench.backend.calls.size(), 2U);
  bench.backend.answer_one();
  EXPECT_EQ(peer.receive(), delivered);
}

TEST(ApiConnection, GoesOnInAnotherWorkerFromEveryByte) {
  const std::string requests = publish("one") + health + publish("two");
  for (std::size_t cut = 0; cut <= requests.size(); ++cut) {
    ApiBench old_worker;
    auto [ours, theirs] = test::socket_pair();
    const int descriptor = ::dup(ours.get());
    old_worker.add(
        std::make_unique<ApiConnection>(old_worker.context, std::make_unique<TcpTransport>(std::move(ours)), "a"));
    Peer peer(std::move(theirs));
    peer.send(requests.substr(0, cut));
    old_worker.turn();
    old_worker.last().give_up_question();
    const auto state = old_worker.last().save();
    EXPECT_EQ(state.remote_address, "a");
    old_worker.last().hand_over();

    ApiBench new_worker;
    peer.send(requests.substr(cut));
    new_worker.add(std::make_unique<ApiConnection>(new_worker.context, state,
                                                   std::make_unique<TcpTransport>(FileDescriptor(descriptor))));
    new_worker.turns(2);
    ASSERT_EQ(peer.receive(), delivered + healthy + delivered) << cut;
    EXPECT_EQ(old_worker.backend.calls.size() + new_worker.backend.calls.size(), 2U);
  }
}

TEST(ApiConnection, TakesWaitingRequestsAndAnswersAlong) {
  ApiBench old_worker;
  old_worker.backend.answers_at_once = false;
  auto [ours, theirs] = test::socket_pair();
  test::shrink_send_buffer(ours.get());
  const int descriptor = ::dup(ours.get());
  old_worker.add(
      std::make_unique<ApiConnection>(old_worker.context, std::make_unique<TcpTransport>(std::move(ours)), ""));
  Peer peer(std::move(theirs));
  old_worker.backend.channels.channels.assign(20'000, {"a channel", 1});
  peer.send("GET /v1/channels HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  old_worker.turn();
  old_worker.backend.answer_one();
  const auto state = old_worker.last().save();
  EXPECT_GT(state.output.size(), 100'000U);
  EXPECT_TRUE(state.ending);
  old_worker.last().hand_over();

  ApiBench new_worker;
  new_worker.add(std::make_unique<ApiConnection>(new_worker.context, state,
                                                 std::make_unique<TcpTransport>(FileDescriptor(descriptor))));
  std::string answer;
  new_worker.run_until([&] {
    answer += peer.receive();
    return peer.ended();
  });
  EXPECT_EQ(statuses_of(answer), "200");
  EXPECT_THAT(answer, EndsWith("]}"));
}

TEST(ApiConnection, SaysGoodbyeAtOnceWhenIdle) {
  ApiBench bench;
  Peer peer = bench.connect();
  peer.send(health);
  bench.turn();
  peer.receive();
  bench.last().say_goodbye();
  EXPECT_EQ(peer.receive(), "");
  EXPECT_TRUE(peer.ended());
}

TEST(ApiConnection, SaysGoodbyeBehindTheAnswerThatItOwes) {
  ApiBench bench;
  bench.backend.answers_at_once = false;
  Peer peer = bench.connect();
  peer.send(publish("one") + publish("two"));
  bench.turn();
  bench.last().say_goodbye();
  bench.backend.answer_one();
  const std::string answer = peer.receive();
  EXPECT_EQ(statuses_of(answer), "200");
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_TRUE(peer.ended());

  Peer half = bench.connect();
  half.send(health.substr(0, 10));
  bench.turn();
  bench.last().say_goodbye();
  half.send(health.substr(10));
  bench.turn();
  EXPECT_THAT(half.receive(), HasSubstr("Connection: close"));
}

// ---- deadlines ------------------------------------------------------------------------------------------------------

Limits hasty() {
  Limits limits;
  limits.handshake_timeout = 20ms;
  limits.close_timeout = 20ms;
  return limits;
}

TEST(ApiConnection, WaitsNotForeverForARequest) {
  for (const std::string& part : {health.substr(0, 5), publish("x").substr(0, publish("x").size() - 1)}) {
    ApiBench bench(hasty());
    Peer peer = bench.connect();
    peer.send(part);
    std::string answer;
    bench.run_until([&] {
      answer += peer.receive();
      return peer.ended();
    });
    EXPECT_EQ(statuses_of(answer), "408");
    bench.run_until([&] { return bench.is_empty(); });
  }
}

TEST(ApiConnection, TricklingBytesWinsNoTime) {
  ApiBench bench(hasty());
  Peer peer = bench.connect();
  std::string answer;
  const std::string request = "GET /" + std::string(10'000, 'x');
  std::size_t at = 0;
  bench.run_until([&] {
    if (at < request.size() && !peer.ended()) peer.send(request.substr(at++, 1));
    answer += peer.receive();
    return peer.ended();
  });
  EXPECT_EQ(statuses_of(answer), "408");
}

TEST(ApiConnection, ClosesSilentlyOnWhomItHeardNothing) {
  ApiBench bench(hasty());
  Peer peer = bench.connect();
  bench.run_until([&] {
    EXPECT_EQ(peer.receive(), "");
    return peer.ended();
  });
  bench.run_until([&] { return bench.is_empty(); });
}

TEST(ApiConnection, WaitsLongerForTheNextRequest) {
  ApiBench bench(hasty());
  Peer peer = bench.connect();
  peer.send(health);
  bench.turn();
  EXPECT_EQ(peer.receive(), healthy);
  EXPECT_GT(bench.last().due_ms(bench.context.now_ms()), bench.context.now_ms() + 50'000);
  peer.send(health.substr(0, 5));
  bench.turn();
  EXPECT_LE(bench.last().due_ms(bench.context.now_ms()), bench.context.now_ms() + 20);
  peer.send(health.substr(5));
  bench.turn();
  EXPECT_EQ(peer.receive(), healthy);
  EXPECT_GT(bench.last().due_ms(bench.context.now_ms()), bench.context.now_ms() + 50'000);
}

TEST(ApiConnection, GivesUpAQuestionThatNobodyAnswers) {
  ApiBench bench;
  bench.backend.answers_at_once = false;
  Peer peer = bench.connect();
  peer.send(post("/v1/close", R"({"id":"1"})"));
  bench.turn();
  bench.last().handle_deadline();
  EXPECT_EQ(statuses_of(peer.receive()), "503");
}

TEST(ApiConnection, LosesAReaderWhoDoesNotRead) {
  ApiBench bench;
  bench.backend.channels.channels.assign(20'000, {"a channel", 1});
  auto [ours, theirs] = test::socket_pair();
  test::shrink_send_buffer(ours.get());
  bench.add(std::make_unique<ApiConnection>(bench.context, std::make_unique<TcpTransport>(std::move(ours)), ""));
  Peer peer(std::move(theirs));
  peer.send("GET /v1/channels HTTP/1.1\r\nHost: localhost\r\n\r\n");
  bench.turn();
  bench.last().handle_deadline();
  bench.turn();
  EXPECT_TRUE(bench.is_empty());
}

TEST(ApiConnection, ForgetsWhatComesBehindTheLastAnswer) {
  ApiBench bench(hasty());
  Peer peer = bench.connect();
  peer.send("GET /healthz HTTP/1.0\r\n\r\n");
  bench.turn();
  EXPECT_EQ(statuses_of(peer.receive()), "200");
  peer.send(publish("x"));
  bench.turn();
  EXPECT_THAT(bench.backend.calls, IsEmpty());
  bench.run_until([&] { return bench.is_empty(); });
}

}  // namespace
}  // namespace wsd::worker
