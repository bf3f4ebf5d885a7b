#include "worker/tls_certificate.h"

#include <gmock/gmock.h>

#include "tests/unit/worker/support/certificates.h"

namespace wsd::worker {
namespace {

using test::CertificateMaker;
using test::day_s;
using test::MadeCertificate;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Judgement = TlsCertificate::Judgement;

std::string refusal_of(const TlsKeyPair& pair, Judgement judgement = Judgement::strict) {
  try {
    const TlsCertificate certificate(pair, judgement, std::time(nullptr));
    return "none";
  } catch (const TlsError& error) {
    return error.what();
  }
}

std::vector<std::string> warnings_of(const TlsKeyPair& pair, Judgement judgement = Judgement::strict) {
  return TlsCertificate(pair, judgement, std::time(nullptr)).warnings();
}

TEST(TlsCertificate, ThatIsGoodIsTakenInSilence) {
  EXPECT_THAT(warnings_of(MadeCertificate({}).pair()), IsEmpty());
}

TEST(TlsCertificate, ThatIsNoPemIsRefusedByTheNameOfItsFile) {
  TlsKeyPair pair = MadeCertificate({}).pair();
  pair.certificate.content = "not a certificate";
  EXPECT_EQ(refusal_of(pair), "there is no PEM certificate in cert.pem");
  pair = MadeCertificate({}).pair();
  pair.key.content = pair.certificate.content;
  EXPECT_EQ(refusal_of(pair), "there is no PEM private key in key.pem");
  pair.key.content.clear();
  EXPECT_EQ(refusal_of(pair), "there is no PEM private key in key.pem");
}

TEST(TlsCertificate, WhoseKeyIsEncryptedIsRefusedAndNobodyIsAsked) {
  const MadeCertificate made({});
  TlsKeyPair pair = made.pair();
  pair.key.content = made.key_pem("secret");
  EXPECT_THAT(refusal_of(pair), HasSubstr("the TLS key in key.pem is encrypted"));
}

TEST(TlsCertificate, WithTheKeyOfAnotherIsRefused) {
  TlsKeyPair pair = MadeCertificate({}).pair();
  pair.key.content = MadeCertificate({}).key_pem();
  EXPECT_EQ(refusal_of(pair), "the TLS key in key.pem does not belong to the certificate in cert.pem");
}

TEST(TlsCertificate, OutOfItsTimeIsRefusedWhereThereIsSomethingBetter) {
  CertificateMaker past{.ends_s = -60};
  EXPECT_THAT(refusal_of(MadeCertificate(past).pair()), HasSubstr("the TLS certificate in cert.pem expired on 20"));
  EXPECT_THAT(warnings_of(MadeCertificate(past).pair(), Judgement::lenient), ElementsAre(HasSubstr("expired on 20")));
  CertificateMaker future{.begins_s = 60};
  EXPECT_THAT(refusal_of(MadeCertificate(future).pair()), HasSubstr("is not valid before 20"));
}

TEST(TlsCertificate, ThatExpiresWithinTwoWeeksIsWarnedOf) {
  EXPECT_THAT(warnings_of(MadeCertificate({.ends_s = 13 * day_s}).pair()),
              ElementsAre(HasSubstr("expires soon, on 20")));
  EXPECT_THAT(warnings_of(MadeCertificate({.ends_s = 15 * day_s}).pair()), IsEmpty());
}

TEST(TlsCertificate, WhoseChainLacksTheIntermediateIsWarnedOf) {
  const MadeCertificate root({.name = "Test Root", .is_authority = true});
  const MadeCertificate middle({.name = "Test Middle", .is_authority = true}, &root);
  const MadeCertificate leaf({}, &middle);
  EXPECT_THAT(warnings_of(leaf.pair()), ElementsAre(HasSubstr("the certificate of CN=Test Middle is appended")));
  EXPECT_THAT(warnings_of(leaf.pair(middle.pem())), ElementsAre(HasSubstr("CN=Test Root is appended")));
  EXPECT_THAT(warnings_of(leaf.pair(middle.pem() + root.pem())), IsEmpty());
  EXPECT_THAT(warnings_of(leaf.pair(root.pem() + middle.pem())), IsEmpty()) << "in whatever order";
}

TEST(TlsCertificate, OfAnIssuerThatHasExpiredIsWarnedOf) {
  const MadeCertificate root({.name = "Old Root", .ends_s = -60, .is_authority = true});
  EXPECT_THAT(warnings_of(MadeCertificate({}, &root).pair(root.pem())),
              ElementsAre("cert.pem holds an issuer's certificate that has expired: CN=Old Root"));
}

TEST(TlsCertificate, IsForItsNames) {
  const TlsCertificate certificate(MadeCertificate({.name = "chat.example.org", .hosts = {"*.example.net"}}).pair(),
                                   Judgement::strict, std::time(nullptr));
  EXPECT_TRUE(certificate.is_for("chat.example.org"));
  EXPECT_TRUE(certificate.is_for("CHAT.example.org"));
  EXPECT_TRUE(certificate.is_for("a.example.net"));
  EXPECT_FALSE(certificate.is_for("a.b.example.net"));
  EXPECT_FALSE(certificate.is_for("example.org"));
}

TEST(TlsCertificate, HasTheNamesOfAnotherOrHasNot) {
  const auto made = [](const CertificateMaker& maker) {
    return TlsCertificate(MadeCertificate(maker).pair(), Judgement::strict, std::time(nullptr));
  };
  const TlsCertificate two = made({.name = "a.example", .hosts = {"*.b.example"}});
  const TlsCertificate three = made({.name = "*.B.example", .hosts = {"c.example", "A.example"}, .has_rsa_key = true});
  const TlsCertificate none = made({.name = "a.example", .is_authority = true});
  EXPECT_TRUE(three.has_names_of(two));
  EXPECT_FALSE(two.has_names_of(three));
  EXPECT_FALSE(two.has_names_of(none)) << "without names there is nothing to have";
  EXPECT_FALSE(none.has_names_of(two));
  EXPECT_EQ(two.kind_of_key(), none.kind_of_key());
  EXPECT_NE(two.kind_of_key(), three.kind_of_key());
}

}  // namespace
}  // namespace wsd::worker
