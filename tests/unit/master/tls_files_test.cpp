#include "master/tls_files.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "master/exit_status.h"
#include "tests/unit/support/temporary_directory.h"

namespace wsd::master {
namespace {

using testing::HasSubstr;

class TlsFiles : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& content) {
    const std::string path = directory_.file(name);
    std::ofstream(path) << content;
    ::chmod(path.c_str(), 0600);
    return path;
  }
  static Options options(const std::vector<std::pair<std::string, std::string>>& texts) {
    Options options;
    for (const auto& [key, text] : texts) EXPECT_EQ(options.set_text(key, text), std::nullopt);
    return options;
  }
  static std::string refusal_of(const Options& options) {
    try {
      (void)read_tls_files(options);
      return "none";
    } catch (const CommandError& error) {
      EXPECT_EQ(error.status(), CommandStatus::usage);
      return error.what();
    }
  }

  testing_support::TemporaryDirectory directory_;
};

TEST_F(TlsFiles, AreReadAsTheyAre) {
  const std::string cert = file("a.pem", "certificate\n");
  const std::string key = file("a.key", "key");
  const std::string ca = file("ca.pem", "authority");
  const auto material = read_tls_files(
      options({{"listen", "wss://localhost:1"}, {"tls_cert", cert}, {"tls_key", key}, {"tls_client_ca", ca}}));
  ASSERT_EQ(material.pairs.size(), 1U);
  EXPECT_EQ(material.pairs[0].certificate, (worker::TlsFile{cert, "certificate\n"}));
  EXPECT_EQ(material.pairs[0].key, (worker::TlsFile{key, "key"}));
  EXPECT_EQ(material.client_ca, (worker::TlsFile{ca, "authority"}));
}

TEST_F(TlsFiles, AreNotNeededWithoutTls) {
  EXPECT_TRUE(read_tls_files(Options()).pairs.empty());
}

TEST_F(TlsFiles, ThatCannotBeReadAreNamed) {
  const std::string key = file("a.key", "key");
  const std::string missing = directory_.file("missing.pem");
  EXPECT_EQ(refusal_of(options({{"listen", "wss://localhost:1"}, {"tls_cert", missing}, {"tls_key", key}})),
            "cannot read the TLS certificate in " + missing + ": No such file or directory");
  EXPECT_EQ(refusal_of(options({{"listen", "wss://localhost:1"}, {"tls_cert", key}, {"tls_key", "/dev/null"}})),
            "cannot read the TLS key in /dev/null: it is not a file");
  const std::string huge = file("huge.pem", std::string(1024 * 1024 + 1, 'x'));
  EXPECT_THAT(refusal_of(options({{"listen", "wss://localhost:1"}, {"tls_cert", huge}, {"tls_key", key}})),
              HasSubstr("it has more than 1048576 bytes"));
}

TEST_F(TlsFiles, ComeInPairsAndWithAnAddress) {
  EXPECT_EQ(refusal_of(options({{"listen", "wss://localhost:1"}})),
            "a wss:// address needs a certificate: give --tls-cert FILE and --tls-key FILE");
  EXPECT_EQ(
      refusal_of(options({{"listen", "wss://localhost:1"}, {"tls_cert", "/a"}, {"tls_cert", "/b"}, {"tls_key", "/c"}})),
      "there are 2 of --tls-cert and 1 of --tls-key: each certificate needs its key");
}

}  // namespace
}  // namespace wsd::master
