#include "protocol/proxy_header.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/protocol/wire.h"

namespace wsd::protocol {
namespace {

using test::Bytes;
using test::bytes;
using test::for_each_cutting;
using test::text;

using Step = ProxyHeaderParser::Step;
using namespace std::string_literals;

const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);
const std::string ipv4_block = "\xC0\x00\x02\x01"s + "\x0A\x00\x00\x01"s + "\xC7\x38\x01\xBB"s;
const std::string ipv6_block =
    "\x20\x01\x0D\xB8"s + std::string(11, '\0') + "\x07" + std::string(15, '\0') + "\x01\xC7\x38\x01\xBB"s;

std::string version_2(int command, int family, const std::string& rest) {
  return signature + static_cast<char>(command) + static_cast<char>(family) + static_cast<char>(rest.size() >> 8U) +
         static_cast<char>(rest.size() & 0xFFU) + rest;
}

// "192.0.2.1, left: rest", "nobody, left: ", "failed" or "more".
std::string outcome_of(const std::vector<Bytes>& pieces) {
  ProxyHeaderParser parser;
  Step step = Step::need_more;
  std::string left;
  for (const Bytes& piece : pieces) {
    std::span<const std::byte> input(piece);
    if (step == Step::need_more) {
      step = parser.next(input);
      EXPECT_TRUE(step == Step::complete || input.empty());
      if (step == Step::failed) return "failed";
    }
    left += text(input);
  }
  if (step == Step::need_more) return "more";
  return (parser.source() ? parser.source()->to_string() : "nobody") + ", left: " + left;
}

void expect_outcome(const std::string& wire, const std::string& outcome) {
  for_each_cutting(bytes(wire),
                   [&](const std::vector<Bytes>& pieces) { ASSERT_EQ(outcome_of(pieces), outcome) << wire; });
}

TEST(ProxyHeader, Version1NamesTheClient) {
  expect_outcome("PROXY TCP4 192.0.2.1 10.0.0.1 51000 443\r\nGET / HTTP/1.1\r\n",
                 "192.0.2.1, left: GET / HTTP/1.1\r\n");
  expect_outcome("PROXY TCP6 2001:DB8::7 ::1 0 65535\r\n", "2001:db8::7, left: ");
  expect_outcome("PROXY TCP6 ::ffff:192.0.2.1 ::1 51000 443\r\n", "192.0.2.1, left: ");
  expect_outcome("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255, left: ");
}

TEST(ProxyHeader, Version1MayNotKnowTheClient) {
  expect_outcome("PROXY UNKNOWN\r\nrest", "nobody, left: rest");
  expect_outcome("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\nrest", "nobody, left: rest");
}

TEST(ProxyHeader, Version1EndsAfter107Bytes) {
  const std::string longest = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";
  ASSERT_EQ(longest.size(), ProxyHeaderParser::max_size_v1);
  expect_outcome(longest + "rest", "nobody, left: rest");
  expect_outcome("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n", "failed");
  expect_outcome("PROXY UNKNOWN " + std::string(1000, 'x'), "failed");
}

TEST(ProxyHeader, WhatIsNotVersion1AsItIsWrittenFails) {
  for (const char* wire : {"PROXY TCP4 192.0.2.1 10.0.0.1 51000 443\n",
                           "PROXY TCP4 192.0.2.1 10.0.0.1 51000 443\rX",
                           "PROXY\r\n",
                           "PROXY \r\n",
                           "PROXY TCP4\r\n",
                           "PROXY TCP4 192.0.2.1\r\n",
                           "PROXY TCP4 192.0.2.1 10.0.0.1\r\n",
                           "PROXY TCP4 192.0.2.1 10.0.0.1 51000\r\n",
                           "PROXY TCP4 192.0.2.1 10.0.0.1 51000 443 \r\n",
                           "PROXY TCP4 192.0.2.1 10.0.0.1 51000 443 1\r\n",
                           "PROXY TCP4  192.0.2.1 10.0.0.1 51000 443\r\n",
                           "PROXY  TCP4 192.0.2.1 10.0.0.1 51000 443\r\n",
                           "PROXY TCP4 192.0.2.1 10.0.0.1 65536 443\r\n",
                           "PROXY TCP4 192.0.2.1 10.0.0.1 -1 443\r\n",
                           "PROXY TCP4 192.0.2.1 10.0.0.1 01 443\r\n",
                           "PROXY TCP4 192.0.2.1 10.0.0.1 x 443\r\n",
                           "PROXY TCP4 192.0.2.256 10.0.0.1 51000 443\r\n",
                           "PROXY TCP4 192.0.2.01 10.0.0.1 51000 443\r\n",
                           "PROXY TCP4 ::1 ::1 51000 443\r\n",
                           "PROXY TCP6 192.0.2.1 10.0.0.1 51000 443\r\n",
                           "PROXY TCP6 [::1] ::1 51000 443\r\n",
                           "PROXY TCP6 ::1%lo ::1 51000 443\r\n",
                           "PROXY TCP4 localhost 10.0.0.1 51000 443\r\n",
                           "PROXY UDP4 192.0.2.1 10.0.0.1 51000 443\r\n",
                           "PROXY tcp4 192.0.2.1 10.0.0.1 51000 443\r\n",
                           "PROXY UNKNOWNX\r\n",
                           "proxy UNKNOWN\r\n",
                           "PROXY\tUNKNOWN\r\n",
                           "POST / HTTP/1.1\r\n",
                           "GET / HTTP/1.1\r\n\r\n",
                           " PROXY UNKNOWN\r\n",
                           "\x16\x03\x01"}) {
    expect_outcome(wire, "failed");
  }
  EXPECT_EQ(outcome_of({bytes("PROXY TCP4 192.0.2.1 10.0.0.1 51000 443"s + '\0' + "\r\n")}), "failed");
}

TEST(ProxyHeader, Version2NamesTheClient) {
  expect_outcome(version_2(0x21, 0x11, ipv4_block) + "GET /", "192.0.2.1, left: GET /");
  expect_outcome(version_2(0x21, 0x21, ipv6_block) + "GET /", "2001:db8::7, left: GET /");
}

TEST(ProxyHeader, Version2PassesOverWhatFollowsTheAddresses) {
  const std::string tlvs = "\x04\x00\x03"s + "abc" + "\x20\x00\x05\x01\x00\x00\x00\x00"s;
  expect_outcome(version_2(0x21, 0x11, ipv4_block + tlvs) + "rest", "192.0.2.1, left: rest");
  expect_outcome(version_2(0x21, 0x11, ipv4_block + "\x04\xFF\xFF"s) + "rest", "192.0.2.1, left: rest");
}

TEST(ProxyHeader, Version2MaySpeakForNobody) {
  expect_outcome(version_2(0x20, 0x00, "") + "rest", "nobody, left: rest");                     // LOCAL
  expect_outcome(version_2(0x20, 0x11, ipv4_block) + "rest", "nobody, left: rest");             // LOCAL, with addresses
  expect_outcome(version_2(0x20, 0x11, "xyz") + "rest", "nobody, left: rest");                  // LOCAL, with nonsense
  expect_outcome(version_2(0x21, 0x00, "") + "rest", "nobody, left: rest");                     // UNSPEC
  expect_outcome(version_2(0x21, 0x00, "opaque") + "rest", "nobody, left: rest");               // UNSPEC
  expect_outcome(version_2(0x21, 0x12, ipv4_block) + "rest", "nobody, left: rest");             // datagrams
  expect_outcome(version_2(0x21, 0x31, std::string(216, 'u')) + "rest", "nobody, left: rest");  // unix sockets
}

TEST(ProxyHeader, Version2EndsAfter536Bytes) {
  const std::string largest = version_2(0x21, 0x11, ipv4_block + std::string(508, 't'));
  ASSERT_EQ(largest.size(), ProxyHeaderParser::max_size_v2);
  expect_outcome(largest + "rest", "192.0.2.1, left: rest");
  expect_outcome(version_2(0x21, 0x11, ipv4_block + std::string(509, 't')), "failed");
  expect_outcome(signature + "\x20\x00\xFF\xFF"s, "failed");
}

TEST(ProxyHeader, WhatIsNotVersion2AsItIsWrittenFails) {
  expect_outcome(version_2(0x11, 0x11, ipv4_block), "failed");  // version 1
  expect_outcome(version_2(0x31, 0x11, ipv4_block), "failed");  // version 3
  expect_outcome(version_2(0x22, 0x11, ipv4_block), "failed");  // a command that is none
  expect_outcome(version_2(0x21, 0x41, ipv4_block), "failed");  // a family that is none
  expect_outcome(version_2(0x21, 0x13, ipv4_block), "failed");  // a transport that is none
  expect_outcome(version_2(0x21, 0x11, ipv4_block.substr(1)), "failed");
  expect_outcome(version_2(0x21, 0x21, ipv6_block.substr(1)), "failed");
  expect_outcome(version_2(0x21, 0x31, std::string(215, 'u')), "failed");
  for (std::size_t i = 0; i < signature.size(); ++i) {
    std::string wire = version_2(0x21, 0x11, ipv4_block);
    wire[i] = 'x';
    expect_outcome(wire, "failed");
  }
}

TEST(ProxyHeader, FailsAtTheFirstByteThatCannotBelong) {
  ProxyHeaderParser parser;
  const Bytes wire = bytes("PROXZ");
  std::span<const std::byte> input(wire);
  EXPECT_EQ(parser.next(input), Step::failed);
  const Bytes good = bytes("PROXY UNKNOWN\r\n");
  input = good;
  EXPECT_EQ(parser.next(input), Step::failed) << "and stays so";
}

TEST(ProxyHeader, ARestGoesOnInAnotherParser) {
  for (const std::string& wire : {"PROXY TCP4 192.0.2.1 10.0.0.1 51000 443\r\n"s, version_2(0x21, 0x11, ipv4_block)}) {
    for (std::size_t cut = 0; cut < wire.size(); ++cut) {
      ProxyHeaderParser first;
      const Bytes begun = bytes(wire.substr(0, cut));
      std::span<const std::byte> input(begun);
      ASSERT_EQ(first.next(input), Step::need_more);
      const auto carried = first.unfinished_input();
      ASSERT_EQ(text(carried), wire.substr(0, cut));
      ASSERT_EQ(outcome_of({Bytes(carried.begin(), carried.end()), bytes(wire.substr(cut))}), "192.0.2.1, left: ");
    }
  }
}

}  // namespace
}  // namespace wsd::protocol
