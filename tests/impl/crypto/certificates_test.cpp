#include "impl/crypto/certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatelab::crypto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Instant kStart = instant_from_unix(1'767'225'600);  // 2026-01-01
constexpr Instant kEnd = instant_from_unix(1'798'761'600);    // 2027-01-01
constexpr Instant kMiddle = instant_from_unix(1'780'000'000);

CertificateRequest request(std::string common_name, std::vector<Purpose> purposes = {}) {
    CertificateRequest result;
    result.common_name = std::move(common_name);
    result.purposes = std::move(purposes);
    result.not_before = kStart;
    result.not_after = kEnd;
    result.serial = 42;
    return result;
}

const Identity& root() {
    static const Identity kRoot = make_root(request("gatelab root"), PrivateKey::generate_ecdsa(256));
    return kRoot;
}

TrustStore trusting(const Certificate& certificate) {
    TrustStore store;
    store.add(certificate);
    return store;
}

TEST(Certificate, TellsWhatWasAskedFor) {
    auto wanted = request("alice", {Purpose::ClientAuth});
    wanted.dns_names = {"alice.example", "with,comma.example"};
    wanted.email_addresses = {"alice@example.com"};
    wanted.ip_addresses = {Ipv4Address{10, 1, 0, 4}};
    const auto key = PrivateKey::generate_rsa(2048);
    const auto certificate = issue(root(), wanted, key).certificate;
    EXPECT_EQ(certificate.subject(), "CN=alice");
    EXPECT_THAT(certificate.dns_names(), ElementsAre("alice.example", "with,comma.example"));
    EXPECT_THAT(certificate.email_addresses(), ElementsAre("alice@example.com"));
    EXPECT_THAT(certificate.ip_addresses(), ElementsAre(Ipv4Address{10, 1, 0, 4}));
    EXPECT_EQ(certificate.not_before(), kStart);
    EXPECT_EQ(certificate.not_after(), kEnd);
    EXPECT_EQ(certificate.public_key().to_der(), key.public_key().to_der());
    EXPECT_EQ(certificate.public_key_info_der(), key.public_key().to_der());
    EXPECT_EQ(certificate.sha1_thumbprint(), digest(Hash::Sha1, certificate.der()));
}

// Made with OpenSSL's program: subject /C=DE/O=Example/CN=first/CN=gw, extendedKeyUsage codeSigning, no keyUsage.
constexpr const char* kCodeSigner =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIB4zCCAYigAwIBAgIUE1qGatGxUi77MYyidYWNyYiIovIwCgYIKoZIzj0EAwIw\n"
    "PDELMAkGA1UEBhMCREUxEDAOBgNVBAoMB0V4YW1wbGUxDjAMBgNVBAMMBWZpcnN0\n"
    "MQswCQYDVQQDDAJndzAeFw0yNjExMjEwODM3NDlaFw0zNjExMTgwODM3NDlaMDwx\n"
    "CzAJBgNVBAYTAkRFMRAwDgYDVQQKDAdFeGFtcGxlMQ4wDAYDVQQDDAVmaXJzdDEL\n"
    "MAkGA1UEAwwCZ3cwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQS9JpWkmRRuUUQ\n"
    "hWfK5u8o35FT1X6Bn1YnGGXFEPcIuO/S39upGbsVopuqtI9V/rJ/BnP36nYMZM7+\n"
    "oxeEFQ24o2gwZjAdBgNVHQ4EFgQUdQlMsg1/ZkXLaNvMejlRQmGjocEwHwYDVR0j\n"
    "BBgwFoAUdQlMsg1/ZkXLaNvMejlRQmGjocEwDwYDVR0TAQH/BAUwAwEB/zATBgNV\n"
    "HSUEDDAKBggrBgEFBQcDAzAKBggqhkjOPQQDAgNJADBGAiEAkIzFo9p/aQB1lXHJ\n"
    "JIQ+oiASbJ5i8GP4aACYvBPlJr0CIQCieZRJDkYmNlrXBk8YRuDJFljofQXEfgid\n"
    "yN0L2DLurQ==\n"
    "-----END CERTIFICATE-----\n";

TEST(Certificate, TellsItsSubjectInItsOrderAndItsLastCommonName) {
    const auto certificate = Certificate::from_pem(kCodeSigner);
    ASSERT_TRUE(certificate);
    EXPECT_EQ(certificate->subject_in_order(), "C=DE, O=Example, CN=first, CN=gw");
    EXPECT_EQ(certificate->common_name(), "gw");
}

TEST(Certificate, TellsWhatItMayBeUsedFor) {
    const auto server =
        issue(root(), request("gw", {Purpose::ServerAuth}), PrivateKey::generate_ecdsa(256)).certificate;
    EXPECT_TRUE(server.has_key_usage());
    EXPECT_TRUE(server.names_purpose(Purpose::ServerAuth));
    EXPECT_FALSE(server.names_purpose(Purpose::ClientAuth));
    const auto silent = issue(root(), request("gw"), PrivateKey::generate_ecdsa(256)).certificate;
    EXPECT_FALSE(silent.names_purpose(Purpose::ServerAuth));
    const auto other = Certificate::from_pem(kCodeSigner).value();
    EXPECT_FALSE(other.has_key_usage());
    EXPECT_FALSE(other.names_purpose(Purpose::ServerAuth));
    EXPECT_FALSE(other.names_purpose(Purpose::ClientAuth));
}

TEST(Certificate, ReadsEveryOneOfATextInOrder) {
    const auto all = Certificate::all_from_pem("bag attributes\n" + root().certificate.to_pem() + "\n" + kCodeSigner);
    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 2u);
    EXPECT_EQ((*all)[0].der(), root().certificate.der());
    EXPECT_EQ((*all)[1].common_name(), "gw");
    EXPECT_EQ(Certificate::all_from_pem("").error().fault, Fault::NotFound);
    EXPECT_EQ(Certificate::all_from_pem("no PEM").error().fault, Fault::NotFound);
    auto broken = root().certificate.to_pem() + kCodeSigner;
    broken[broken.size() - 60] = '!';
    const auto refused = Certificate::all_from_pem(broken);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::Malformed);
    EXPECT_THAT(refused.error().detail, HasSubstr("certificate 2"));
}

TEST(Certificate, SurvivesDerAndPem) {
    const auto& certificate = root().certificate;
    const auto from_der = Certificate::from_der(certificate.der());
    const auto from_pem = Certificate::from_pem(certificate.to_pem());
    ASSERT_TRUE(from_der && from_pem);
    EXPECT_EQ(from_der->der(), certificate.der());
    EXPECT_EQ(from_pem->der(), certificate.der());
    EXPECT_EQ(from_der->subject_der(), certificate.subject_der());
}

TEST(Certificate, RefusesEveryTruncation) {
    const auto& der = root().certificate.der();
    for (std::size_t size = 0; size < der.size(); ++size) {
        const auto cut = Certificate::from_der(ByteView{der}.first(size));
        ASSERT_FALSE(cut) << size;
        EXPECT_EQ(cut.error().fault, Fault::Malformed);
    }
    auto longer = der;
    longer.push_back(0);
    EXPECT_FALSE(Certificate::from_der(longer));
}

TEST(Certificate, OutlivesTheYearsThatAnInstantSpans) {
    auto forever = request("forever");
    forever.not_after = Instant::max();
    EXPECT_EQ(make_root(forever, root().key).certificate.not_after(), instant_from_unix(unix_seconds(Instant::max())));
}

TEST(TrustStore, AcceptsALeafForThePurposesThatItNames) {
    const auto store = trusting(root().certificate);
    const auto alice = issue(root(), request("alice", {Purpose::ClientAuth}), PrivateKey::generate_rsa(2048));
    const auto any = issue(root(), request("any"), PrivateKey::generate_ecdsa(384));
    EXPECT_TRUE(store.verify(alice.certificate, {}, Purpose::ClientAuth, kMiddle));
    EXPECT_TRUE(store.verify(any.certificate, {}, Purpose::ClientAuth, kMiddle));
    EXPECT_TRUE(store.verify(any.certificate, {}, Purpose::ServerAuth, kMiddle));
    const auto result = store.verify(alice.certificate, {}, Purpose::ServerAuth, kMiddle);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().fault, Fault::Unauthentic);
    EXPECT_EQ(result.error().detail, "certificate of CN=alice: unsuitable certificate purpose (26)");
}

TEST(TrustStore, JudgesValidityAtTheInstantGiven) {
    auto year = request("gatelab root");
    year.not_before = kStart - std::chrono::hours{1};
    year.not_after = kEnd + std::chrono::hours{1};
    const auto long_lived = make_root(year, PrivateKey::generate_ecdsa(256));
    const auto store = trusting(long_lived.certificate);
    const auto alice = issue(long_lived, request("alice"), PrivateKey::generate_ecdsa(256)).certificate;
    const auto at = [&](Instant when) { return store.verify(alice, {}, Purpose::ClientAuth, when); };
    EXPECT_TRUE(at(kStart + std::chrono::seconds{1}));
    EXPECT_TRUE(at(kEnd - std::chrono::seconds{1}));
    EXPECT_EQ(at(kStart - std::chrono::seconds{1}).error().detail,
              "certificate of CN=alice: certificate is not yet valid (9)");
    EXPECT_EQ(at(kEnd + std::chrono::seconds{1}).error().detail,
              "certificate of CN=alice: certificate has expired (10)");
}

TEST(TrustStore, RefusesAnIssuerThatItDoesNotKnow) {
    const auto stranger = make_root(request("stranger"), PrivateKey::generate_ecdsa(256));
    const auto mallory = issue(stranger, request("mallory"), PrivateKey::generate_ecdsa(256)).certificate;
    const auto store = trusting(root().certificate);
    EXPECT_THAT(store.verify(mallory, {}, Purpose::ClientAuth, kMiddle).error().detail,
                HasSubstr("certificate of CN=mallory: unable to get local issuer certificate"));
    EXPECT_FALSE(store.verify(mallory, {stranger.certificate}, Purpose::ClientAuth, kMiddle));
    EXPECT_FALSE(store.verify(stranger.certificate, {}, Purpose::ClientAuth, kMiddle));
    EXPECT_FALSE(TrustStore{}.verify(mallory, {}, Purpose::ClientAuth, kMiddle));
}

TEST(TrustStore, RefusesAnotherKeyUnderTheNameOfARoot) {
    const auto impostor = make_root(request("gatelab root"), PrivateKey::generate_ecdsa(256));
    const auto mallory = issue(impostor, request("alice"), PrivateKey::generate_ecdsa(256)).certificate;
    EXPECT_FALSE(trusting(root().certificate).verify(mallory, {}, Purpose::ClientAuth, kMiddle));
}

TEST(TrustStore, RefusesEveryFlippedOctetOfALeaf) {
    const auto store = trusting(root().certificate);
    const auto der = issue(root(), request("alice"), PrivateKey::generate_ecdsa(256)).certificate.der();
    for (std::size_t at = 0; at < der.size(); ++at) {
        auto forged = der;
        forged[at] ^= 0x04;
        const auto certificate = Certificate::from_der(forged);
        EXPECT_FALSE(certificate && store.verify(*certificate, {}, Purpose::ClientAuth, kMiddle)) << at;
    }
}

TEST(TrustStore, DoesNotLetALeafIssue) {
    const auto alice = issue(root(), request("alice"), PrivateKey::generate_ecdsa(256));
    const auto forged = issue(alice, request("gateway", {Purpose::ServerAuth}), PrivateKey::generate_ecdsa(256));
    const auto result =
        trusting(root().certificate).verify(forged.certificate, {alice.certificate}, Purpose::ServerAuth, kMiddle);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().detail, HasSubstr("certificate of CN=alice: invalid CA certificate"));
}

}  // namespace
}  // namespace gatelab::crypto
