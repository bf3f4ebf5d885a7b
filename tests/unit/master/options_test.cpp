#include "master/options.h"

#include <gmock/gmock.h>

namespace wsd::master {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

Options given(std::initializer_list<std::pair<const char*, const char*>> texts) {
  Options options;
  for (const auto& [key, text] : texts) EXPECT_EQ(options.set_text(key, text), std::nullopt) << key;
  return options;
}

TEST(Options, StartFromTheDefaults) {
  const Options options;
  EXPECT_EQ(*options.app, "echo");
  EXPECT_THAT(*options.listen, ElementsAre(ListenUrl{Scheme::ws, "0.0.0.0", 8080}));
  EXPECT_EQ(*options.count, 4U);
  EXPECT_EQ(*options.name, "wsd");
  EXPECT_EQ(*options.stop_timeout, seconds(2));
  EXPECT_EQ(*options.drain_timeout, seconds(30));
  EXPECT_EQ(*options.max_message, 1024U * 1024);
  EXPECT_FALSE(options.count.given());
}

TEST(Options, TakeDecimalsOfSeconds) {
  EXPECT_EQ(*given({{"stop_timeout", "0.25"}}).stop_timeout, milliseconds(250));
  EXPECT_EQ(*given({{"stop_timeout", "0"}}).stop_timeout, milliseconds(0));
  EXPECT_EQ(*given({{"watchdog", "600"}}).watchdog, seconds(600));
}

TEST(Options, TakeSizesAndDurationsWithTheirUnits) {
  EXPECT_EQ(*given({{"stop_timeout", "500ms"}}).stop_timeout, milliseconds(500));
  EXPECT_EQ(*given({{"idle_timeout", "1h"}}).idle_timeout, seconds(3600));
  EXPECT_EQ(*given({{"max_message", "64K"}}).max_message, 65536U);
  EXPECT_EQ(to_json(given({{"max_message", "64K"}, {"stop_timeout", "500ms"}})),
            R"({"stop_timeout":0.5,"max_message":65536})");
  auto from_json = options_from_json(R"({"max_message":"1M","stop_timeout":"1m"})");
  ASSERT_TRUE(from_json);
  EXPECT_EQ(*from_json->max_message, 1024U * 1024);
  EXPECT_EQ(*from_json->stop_timeout, seconds(60));
}

TEST(Options, ReplaceTheDefaultAddressByThoseGiven) {
  const Options options = given({{"listen", "ws://[::1]:0"}, {"listen", "ws://[::1]:0"}, {"listen", "ws://a:1"}});
  EXPECT_THAT(*options.listen, ElementsAre(ListenUrl{Scheme::ws, "::1", 0}, ListenUrl{Scheme::ws, "::1", 0},
                                           ListenUrl{Scheme::ws, "a", 1}));
}

TEST(Options, RefuseOneAddressTwice) {
  Options options = given({{"listen", "ws://a:1"}, {"listen", "unix:/a"}});
  EXPECT_NE(options.set_text("listen", "websocket://a:1"), std::nullopt);
  EXPECT_NE(options.set_text("listen", "unix:/a"), std::nullopt);
}

TEST(Options, HaveNoApiUntilOneIsGiven) {
  EXPECT_TRUE(Options().api->empty());
  const Options options = given({{"api", "http://[::1]:8090"}, {"api", "unix:/run/api"}});
  EXPECT_THAT(*options.api, ElementsAre(ListenUrl{Scheme::http, "::1", 8090, "", SocketKind::api},
                                        ListenUrl{Scheme::unix_socket, "", 0, "/run/api", SocketKind::api}));
  EXPECT_THAT(addresses_of(options),
              ElementsAre(ListenUrl{Scheme::ws, "0.0.0.0", 8080}, options.api->at(0), options.api->at(1)));
}

TEST(Options, CollectTheOriginsThatAreAllowed) {
  const Options options = given({{"allow_origin", "https://a.org"}, {"allow_origin", "absent"}});
  EXPECT_THAT(*options.allow_origin, ElementsAre("https://a.org", "absent"));
  Options base = given({{"allow_origin", "https://b.org"}});
  base.merge(options);
  EXPECT_THAT(*base.allow_origin, ElementsAre("https://a.org", "absent")) << "as with addresses, newer ones replace";
  auto again = options_from_json(to_json(options));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again->allow_origin, *options.allow_origin);
}

TEST(Options, CollectTheProxiesThatAreTrusted) {
  const Options options = given({{"trusted_proxy", "10.0.0.0/8"}, {"trusted_proxy", "unix:"}});
  EXPECT_TRUE(trusted_proxies_of(options).trust("10.1.2.3"));
  EXPECT_TRUE(trusted_proxies_of(options).trust("unix:"));
  EXPECT_FALSE(trusted_proxies_of(Options()).trust("127.0.0.1"));
  auto again = options_from_json(to_json(options));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again->trusted_proxy, *options.trusted_proxy);
}

TEST(Options, KeepTheLastValueOfASetting) {
  const Options options = given({{"set", "prefix=hi"}, {"set", "empty="}, {"set", "prefix=a=b"}});
  EXPECT_THAT(*options.set, ElementsAre(Pair("empty", ""), Pair("prefix", "a=b")));
}

TEST(Options, RefuseValuesOutOfRangeInOneSentence) {
  const std::pair<const char*, const char*> bad[] = {
      {"count", "0"},
      {"count", "257"},
      {"count", "10000"},
      {"count", "-1"},
      {"count", "4x"},
      {"count", ""},
      {"count", " 4"},
      {"count", "99999999999999999999"},
      {"stop_timeout", "-1"},
      {"stop_timeout", "nan"},
      {"stop_timeout", "inf"},
      {"stop_timeout", "1e400"},
      {"stop_timeout", "2 s"},
      {"stop_timeout", "2y"},
      {"stop_timeout", ""},
      {"watchdog", "0"},
      {"deflate", "yes"},
      {"deflate_window_bits", "8"},
      {"deflate_window_bits", "16"},
      {"deflate_mem_level", "0"},
      {"deflate_level", "10"},
      {"deflate_threshold", "-1"},
      {"max_message", "0"},
      {"max_message", "1.5"},
      {"max_message", "2G"},
      {"log_level", "loud"},
      {"name", ""},
      {"name", "../x"},
      {"name", ".hidden"},
      {"name", "-d"},
      {"name", "a/b"},
      {"name", "a b"},
      {"set", "prefix"},
      {"set", "=x"},
      {"set", "a=\xFF"},
      {"listen", "8080"},
      {"listen", "http://127.0.0.1:1"},
      {"api", "ws://127.0.0.1:1"},
      {"api", ""},
      {"api_token_file", ""},
      {"page", "no"},
      {"subprotocol", ""},
      {"subprotocol", "a b"},
      {"subprotocol", "a,b"},
      {"subprotocol", "ü"},
      {"allow_origin", ""},
      {"trusted_proxy", ""},
      {"trusted_proxy", "10.0.0.1/8"},
      {"trusted_proxy", "localhost"},
      {"allow_origin", "*"},
      {"allow_origin", "https://a.org/\n"},
      {"app", ""},
      {"daemon", "yes"},
      {"no_such_option", "1"},
      {"run_dir", ""},
  };
  for (const auto& [key, text] : bad) {
    Options options;
    const auto problem = options.set_text(key, text);
    ASSERT_NE(problem, std::nullopt) << key << " = " << text;
    EXPECT_EQ(problem->find('\n'), std::string::npos);
    EXPECT_EQ(to_json(options), "{}");
  }
}

TEST(Options, NameTheOptionAsUsersSpellIt) {
  Options options;
  EXPECT_EQ(options.set_text("count", "0"), "--count: must be a whole number from 1 to 256, not '0'");
  EXPECT_THAT(options.set_text("stop_timeout", "x").value_or(""), HasSubstr("--stop-timeout"));
}

TEST(Options, MergeWhatANewerOneWasGiven) {
  Options remembered = given({{"app", "push"}, {"count", "2"}, {"set", "a=1"}, {"set", "b=1"}, {"listen", "ws://a:1"}});
  remembered.merge(given({{"count", "8"}, {"set", "b=2"}, {"set", "c=3"}}));
  EXPECT_EQ(*remembered.app, "push");
  EXPECT_EQ(*remembered.count, 8U);
  EXPECT_THAT(*remembered.set, ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3")));
  EXPECT_THAT(*remembered.listen, ElementsAre(ListenUrl{Scheme::ws, "a", 1}));
}

TEST(Options, CertificatesOfANewerOneReplaceAllOfTheOlderOnes) {
  Options remembered = given({{"tls_cert", "/a"}, {"tls_cert", "/b"}, {"tls_key", "/c"}, {"tls_key", "/d"}});
  EXPECT_THAT(*remembered.tls_cert, ElementsAre("/a", "/b"));
  remembered.merge(given({{"tls_cert", "/e"}, {"tls_key", "/f"}}));
  EXPECT_THAT(*remembered.tls_cert, ElementsAre("/e"));
  EXPECT_THAT(*remembered.tls_key, ElementsAre("/f"));
}

TEST(Options, TellWhatAReloadMayDoToTls) {
  EXPECT_EQ(*Options().tls_reload, TlsReload::relay);
  EXPECT_EQ(*given({{"tls_reload", "drain"}}).tls_reload, TlsReload::drain);
  EXPECT_EQ(Options().set_text("tls_reload", "cut"), "--tls-reload: must be relay or drain, not 'cut'");
}

TEST(Options, AreTheSameAfterTheirWayThroughJson) {
  const Options before = given({{"app", "push"},
                                {"listen", "ws://[::1]:0"},
                                {"listen", "ws://0.0.0.0:81"},
                                {"listen", "unix:/run/chat.ws"},
                                {"api", "http://127.0.0.1:8090"},
                                {"api", "unix:/run/api"},
                                {"api_token_file", "/etc/wsd/token"},
                                {"tls_cert", "/etc/a.pem"},
                                {"tls_cert", "/etc/b.pem"},
                                {"tls_key", "/etc/a.key"},
                                {"tls_key", "/etc/b.key"},
                                {"tls_client_ca", "/etc/ca.pem"},
                                {"tls_reload", "drain"},
                                {"relay_timeout", "3600"},
                                {"page", "false"},
                                {"subprotocol", "protocol1"},
                                {"count", "7"},
                                {"name", "chat-1"},
                                {"run_dir", "/tmp/\"x\""},
                                {"log_file", "/tmp/ü.log"},
                                {"log_level", "debug"},
                                {"stdout_file", "/o"},
                                {"set", "prefix=你好\n\"\\"},
                                {"daemon", "true"},
                                {"stop_timeout", "0.1"},
                                {"drain_timeout", "1"},
                                {"handshake_timeout", "2"},
                                {"ping_interval", "0"},
                                {"idle_timeout", "3"},
                                {"close_timeout", "4.5"},
                                {"watchdog", "5"},
                                {"max_message", "1073741824"},
                                {"send_queue", "65536"},
                                {"deflate", "true"},
                                {"deflate_threshold", "0"},
                                {"deflate_window_bits", "9"},
                                {"deflate_mem_level", "1"},
                                {"deflate_level", "9"},
                                {"deflate_server_takeover", "true"},
                                {"deflate_client_takeover", "false"}});
  const std::string json = to_json(before);
  auto after = options_from_json(json);
  ASSERT_TRUE(after) << after.error();
  EXPECT_EQ(to_json(*after), json);
  EXPECT_EQ((*after->set).at("prefix"), "你好\n\"\\");
  EXPECT_EQ(*after->stop_timeout, milliseconds(100));
  EXPECT_TRUE(*after->daemon);
}

TEST(Options, LeaveOutOfJsonWhatWasNotGiven) {
  EXPECT_EQ(to_json(given({{"count", "3"}})), R"({"count":3})");
}

TEST(Options, RefuseJsonThatIsNoneOfTheirs) {
  for (const char* json :
       {"", "[]", "{", "1", R"({"count":0})", R"({"count":1.5})", R"({"count":null})", R"({"count":[1]})",
        R"({"count":{"a":"b"}})", R"({"listen":[1]})", R"({"listen":[["ws://a:1"]]})", R"({"set":{"a":1}})",
        R"({"set":["a"]})", R"({"unknown":1})", R"({"daemon":1})", R"({"stop_timeout":1e300})", "{\"app\":\"\xFF\"}",
        R"({"app":"a\u0000b"})"}) {
    EXPECT_FALSE(options_from_json(json)) << json;
  }
}

TEST(SafeName, IsAFileNameThatHarmsNobody) {
  for (const char* name : {"wsd", "a", "chat-1", "A.b_c", "0"}) EXPECT_TRUE(is_safe_name(name)) << name;
  EXPECT_TRUE(is_safe_name(std::string(64, 'a')));
  EXPECT_FALSE(is_safe_name(std::string(65, 'a')));
  for (const char* name : {"", ".", "..", "-a", "a/b", "a b", "a\n", "ä"}) EXPECT_FALSE(is_safe_name(name)) << name;
}

}  // namespace
}  // namespace wsd::master
