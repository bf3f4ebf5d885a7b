#include "tests/wsbench/echo_client.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/frame_parser.h"
#include "protocol/mask.h"

namespace wsd::bench {
namespace {

using Verdict = EchoClient::Verdict;
using protocol::Opcode;

constexpr std::uint64_t first = 0xFFFF'FFFE;  // the digits of its third message begin anew

class EchoClientTest : public testing::Test {
 protected:
  std::string answer_to(std::uint64_t number) const {
    std::string answer(sizes_.largest(), ' ');
    const char* const end = messages_.write_message(answer.data(), number);
    answer.resize(static_cast<std::size_t>(end - answer.data()));
    return prefix_ + answer;
  }

  void send(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      client_.queue(Time(std::chrono::seconds(client_.sent_count++)));
      client_.take_unsent();
    }
  }

  Verdict receive(std::string_view answer, Opcode opcode = Opcode::text) {
    return client_.judge(messages_, {opcode, 0, std::as_bytes(std::span(answer)), true}).verdict;
  }

  // In two pieces; the verdict on the whole.
  Verdict receive_cut(std::string_view answer, std::size_t at) {
    const auto bytes = std::as_bytes(std::span(answer));
    const auto begun = client_.judge(messages_, {Opcode::text, 0, bytes.first(at), false}).verdict;
    if (begun != Verdict::incomplete) return begun;
    return client_.judge(messages_, {Opcode::text, at, bytes.subspan(at), true}).verdict;
  }

  std::string prefix_ = "hi ";
  SizeDistribution sizes_ = SizeDistribution::parse("20-40");
  EchoMessages messages_{sizes_, false, prefix_};
  struct Client : EchoClient {
    using EchoClient::EchoClient;
    int sent_count = 0;
  } client_{first, 4};
};

TEST_F(EchoClientTest, TakesAnswersInOrder) {
  send(5);
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(client_.outstanding(), 5 - i);
    const std::string answer = answer_to(first + i);
    const auto judgement = client_.judge(messages_, {Opcode::text, 0, std::as_bytes(std::span(answer)), true});
    EXPECT_EQ(judgement.verdict, Verdict::answer);
    EXPECT_EQ(judgement.due, Time(std::chrono::seconds(i)));
  }
  EXPECT_EQ(client_.outstanding(), 0U);
}

TEST_F(EchoClientTest, TakesAnswersInPieces) {
  const std::string answer = answer_to(first);
  send(1);
  for (std::size_t at = 0; at < answer.size(); ++at) {
    client_ = Client(first, 4);
    send(1);
    EXPECT_EQ(receive_cut(answer, at), Verdict::answer) << at;
  }
}

TEST_F(EchoClientTest, SeesWhatIsSkippedLateAndDoubled) {
  send(4);
  EXPECT_EQ(receive(answer_to(first + 2)), Verdict::skipping);
  EXPECT_EQ(client_.outstanding(), 3U);
  EXPECT_EQ(receive(answer_to(first + 2)), Verdict::doubled);
  EXPECT_EQ(receive(answer_to(first + 1)), Verdict::late);
  EXPECT_EQ(receive(answer_to(first + 1)), Verdict::doubled);
  EXPECT_EQ(receive(answer_to(first + 3)), Verdict::answer);
  EXPECT_EQ(client_.outstanding(), 1U);  // the first of all
}

TEST_F(EchoClientTest, SeesWhatIsNoAnswer) {
  send(2);
  const std::string right = answer_to(first);
  EXPECT_EQ(receive(right, Opcode::binary), Verdict::wrong);
  EXPECT_EQ(receive(answer_to(first + 2)), Verdict::wrong);  // not sent yet
  EXPECT_EQ(receive(answer_to(first - 1)), Verdict::wrong);  // another connection's
  EXPECT_EQ(receive(right.substr(3)), Verdict::wrong);       // without its prefix
  EXPECT_EQ(receive(right.substr(0, right.size() - 1)), Verdict::wrong);
  EXPECT_EQ(receive(right + "x"), Verdict::wrong);
  EXPECT_EQ(receive(""), Verdict::wrong);
  for (std::size_t at = 0; at < right.size(); ++at) {
    std::string altered = right;
    altered[at] = static_cast<char>(altered[at] ^ 0x80);
    EXPECT_EQ(receive(altered), Verdict::wrong) << at;
    EXPECT_EQ(receive_cut(altered, right.size() / 2), Verdict::wrong) << at;
  }
  EXPECT_EQ(receive(right), Verdict::answer);
}

TEST_F(EchoClientTest, KnowsMessagesTooShortForTheirNumber) {
  messages_ = EchoMessages(SizeDistribution::parse("1"), false, "");
  client_ = Client(0, 4);
  send(3);
  EXPECT_EQ(receive("0"), Verdict::answer);
  EXPECT_EQ(receive("0"), Verdict::wrong);  // doubled, but that cannot be known
  EXPECT_EQ(receive("1"), Verdict::answer);
}

TEST(EchoMessagesTest, AreWhatAServerReads) {
  const EchoMessages messages(SizeDistribution::parse("0-300"), true, "");
  MaskingKeys keys;
  std::vector<char> frame(messages.largest_frame());
  for (std::uint64_t number = 0; number < 2000; ++number) {
    char* const end = messages.write_frame(frame.data(), number, keys);
    std::span<std::byte> input =
        std::as_writable_bytes(std::span(frame).first(static_cast<std::size_t>(end - frame.data())));
    protocol::FrameParser parser;
    ASSERT_EQ(parser.next(input), protocol::FrameParser::Step::header);
    ASSERT_EQ(parser.header().payload_length, input.size());
    protocol::unmask(input, parser.header().masking_key, 0);
    ASSERT_TRUE(messages.is_answer(number, 0, input));
    ASSERT_EQ(messages.answer_size(number), input.size());
    if (input.size() >= 8) {
      ASSERT_EQ(messages.number_in(input), number);
    }
  }
}

}  // namespace
}  // namespace wsd::bench
