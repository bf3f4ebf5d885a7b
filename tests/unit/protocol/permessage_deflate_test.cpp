#include "protocol/permessage_deflate.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::protocol {
namespace {

constexpr DeflatePolicy takes_over{.server_takeover = ContextTakeover::yes, .client_takeover = ContextTakeover::yes};

std::optional<DeflateAgreement> agree(std::string_view header, const DeflatePolicy& policy = {}) {
  const auto offers = parse_extensions(header);
  if (offers) return negotiate_deflate(*offers, policy);
  ADD_FAILURE() << "malformed: " << header;
  return std::nullopt;
}

// What stands in the answer behind the extension's name.
std::string answer(std::string_view header, const DeflatePolicy& policy = {}) {
  const auto agreement = agree(header, policy);
  if (!agreement) return "declined";
  EXPECT_TRUE(agreement->answer.starts_with("permessage-deflate"));
  return agreement->answer.substr(std::string_view("permessage-deflate").size());
}

constexpr const char* nobody_takes_over = "; server_no_context_takeover; client_no_context_takeover";

TEST(PermessageDeflate, IsNotAnsweredWhereItIsNotOffered) {
  EXPECT_EQ(answer(""), "declined");
  EXPECT_EQ(answer("x-webkit-deflate-frame, permessage-bzip2; client_max_window_bits"), "declined");
  EXPECT_EQ(answer("Permessage-Deflate"), "declined");
}

TEST(PermessageDeflate, TakesNoContextOverByDefault) {
  const auto agreement = agree("permessage-deflate");
  ASSERT_TRUE(agreement);
  EXPECT_EQ(agreement->answer, std::string("permessage-deflate") + nobody_takes_over);
  EXPECT_EQ(agreement->parameters, DeflateParameters{});
}

TEST(PermessageDeflate, AnswersWhatBrowsersOffer) {
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits"), nobody_takes_over);
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits", takes_over), "");
}

TEST(PermessageDeflate, EachSideMayTakeOverByItself) {
  const DeflatePolicy server{.server_takeover = ContextTakeover::yes};
  const DeflatePolicy client{.client_takeover = ContextTakeover::yes};
  EXPECT_EQ(answer("permessage-deflate", server), "; client_no_context_takeover");
  EXPECT_EQ(answer("permessage-deflate", client), "; server_no_context_takeover");
  EXPECT_EQ(agree("permessage-deflate", server)->parameters,
            (DeflateParameters{.server_takeover = ContextTakeover::yes}));
  EXPECT_EQ(agree("permessage-deflate", client)->parameters,
            (DeflateParameters{.client_takeover = ContextTakeover::yes}));
}

TEST(PermessageDeflate, AnOfferWithoutTakeoverBindsAServerThatWouldTakeOver) {
  EXPECT_EQ(answer("permessage-deflate; server_no_context_takeover", takes_over), "; server_no_context_takeover");
  EXPECT_EQ(answer("permessage-deflate; client_no_context_takeover", takes_over), "; client_no_context_takeover");
  const auto agreement = agree("permessage-deflate; server_no_context_takeover", takes_over);
  EXPECT_EQ(agreement->parameters.server_takeover, ContextTakeover::no);
  EXPECT_EQ(agreement->parameters.client_takeover, ContextTakeover::yes);
}

// CVE-2026-2229: every value there may be, and some there may not.
TEST(PermessageDeflate, KeepsToTheWindowTheClientCanRead) {
  for (int bits = 9; bits <= 15; ++bits) {
    const std::string text = std::to_string(bits);
    for (const std::string& value : {text, '"' + text + '"'}) {
      const auto agreement = agree("permessage-deflate; server_max_window_bits=" + value, takes_over);
      ASSERT_TRUE(agreement) << value;
      EXPECT_EQ(agreement->answer, "permessage-deflate; server_max_window_bits=" + text);
      EXPECT_EQ(agreement->parameters.server_window_bits, bits);
      EXPECT_EQ(agreement->parameters.client_window_bits, 15);
    }
  }
}

TEST(PermessageDeflate, DeclinesAWindowThatZlibWouldNotKeepTo) {
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=8"), "declined");
}

TEST(PermessageDeflate, LetsTheClientUseTheWindowItAsksFor) {
  for (int bits = 8; bits <= 14; ++bits) {
    const std::string parameter = "; client_max_window_bits=" + std::to_string(bits);
    EXPECT_EQ(answer("permessage-deflate" + parameter, takes_over), parameter);
    EXPECT_EQ(agree("permessage-deflate" + parameter)->parameters.client_window_bits, bits);
  }
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=15", takes_over), "");
}

TEST(PermessageDeflate, ASmallerWindowOfOursGoesForBothSidesIfTheClientCanBeAsked) {
  const DeflatePolicy small{
      .window_bits = 10, .server_takeover = ContextTakeover::yes, .client_takeover = ContextTakeover::yes};
  EXPECT_EQ(answer("permessage-deflate", small), "; server_max_window_bits=10");
  EXPECT_EQ(agree("permessage-deflate", small)->parameters.client_window_bits, 15);
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits", small),
            "; server_max_window_bits=10; client_max_window_bits=10");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=9; server_max_window_bits=12", small),
            "; server_max_window_bits=10; client_max_window_bits=9");
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=12; server_max_window_bits=9", small),
            "; server_max_window_bits=9; client_max_window_bits=10");
}

TEST(PermessageDeflate, DeclinesAnOfferWithAParameterThatIsUnknownOrWrongOrComesTwice) {
  for (const char* parameters :
       {"unknown", "unknown=1", "x_server_no_context_takeover", "Server_no_context_takeover",
        "server_no_context_takeover=1", "server_no_context_takeover=true", "client_no_context_takeover=0",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover", "server_max_window_bits",
        "server_max_window_bits=10; server_max_window_bits=10", "client_max_window_bits; client_max_window_bits",
        "client_max_window_bits=10; client_max_window_bits", "client_max_window_bits; client_max_window_bits=10",
        "client_max_window_bits; unknown"}) {
    EXPECT_EQ(answer(std::string("permessage-deflate; ") + parameters), "declined") << parameters;
  }
  for (const char* value : {"0", "1", "7", "16", "17", "010", "09", "08", "1e1", "+10", "-10", "ten", "1000000000000",
                            "10.0", "0x0A", "\"16\"", "\"010\""}) {
    EXPECT_EQ(answer(std::string("permessage-deflate; server_max_window_bits=") + value), "declined") << value;
    EXPECT_EQ(answer(std::string("permessage-deflate; client_max_window_bits=") + value), "declined") << value;
  }
}

TEST(PermessageDeflate, FallsBackToTheFirstOfferThatCanBeKept) {
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=8, permessage-deflate; unknown, mux; a=b,"
                   "permessage-deflate; server_max_window_bits=11, permessage-deflate",
                   takes_over),
            "; server_max_window_bits=11");
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=10, permessage-deflate", takes_over),
            "; server_max_window_bits=10");
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=8, permessage-deflate; client_max_window_bits=99"),
            "declined");
}

TEST(PermessageDeflate, IsFoundBehindOtherExtensions) {
  EXPECT_EQ(answer("permessage-bzip2, permessage-deflate", takes_over), "");
}

}  // namespace
}  // namespace wsd::protocol
