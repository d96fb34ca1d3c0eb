#include "sim/pki.h"

#include <gmock/gmock.h>

#include "tests/sim/scenario/scratch.h"

namespace gatelab::sim {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using topologies::KeySpec;

constexpr KeySpec kEcdsa{KeySpec::Kind::Ecdsa, 256};

topologies::CertificateSpec spec(const std::string& name, const std::string& issuer) {
    topologies::CertificateSpec result;
    result.name = name;
    result.issuer = issuer;
    result.key = kEcdsa;
    result.mark = {"office.yaml", 7, 5};
    return result;
}

topologies::Topology office() {
    topologies::Topology topology;
    topology.certificates = {spec("alice", "users"), spec("users", "")};
    return topology;
}

std::string der_of(const Pki& pki, const std::string& name) { return to_hex(pki.find(name)->certificate.der()); }

TEST(Pki, IssuesTheSameForTheSameSeedAndName) {
    const auto first = prepare_pki(office(), 7);
    ASSERT_TRUE(first);
    auto topology = office();
    topology.certificates.insert(topology.certificates.begin(), spec("bob", "users"));
    const auto second = prepare_pki(topology, 7);
    ASSERT_TRUE(second);
    EXPECT_EQ(der_of(*first, "alice"), der_of(*second, "alice")) << "others make no difference";
    EXPECT_NE(der_of(*second, "alice"), der_of(*second, "bob"));
}

TEST(Pki, IssuesOthersForAnotherSeed) {
    EXPECT_NE(der_of(*prepare_pki(office(), 7), "alice"), der_of(*prepare_pki(office(), 8), "alice"));
}

// The bytes themselves, so that a build, a machine or an order of calls that changes them shows.
TEST(Pki, IssuesWhatItAlwaysDid) {
    const auto pki = prepare_pki(office(), 20260101);
    ASSERT_TRUE(pki);
    EXPECT_EQ(to_hex(pki->find("alice")->certificate.sha1_thumbprint()), "db963158abd9194bd022567c0b0fe2e13f923407");
}

TEST(Pki, IssuesLeavesThatTheirRootVouchesFor) {
    const auto topology = office();
    const auto pki = prepare_pki(topology, 7);
    ASSERT_TRUE(pki);
    const auto trust = pki->trust({"users"});
    ASSERT_TRUE(trust);
    const auto& alice = pki->find("alice")->certificate;
    EXPECT_TRUE(trust->verify(alice, {}, crypto::Purpose::ClientAuth, topology.epoch));
    EXPECT_THAT(alice.dns_names(), ElementsAre("alice")) << "its name when nothing else is said";
    EXPECT_EQ(alice.subject(), "CN=alice");
}

TEST(Pki, LimitsACertificateToWhatItsHolderDoesWithIt) {
    auto topology = office();
    topologies::Client user;
    user.certificate = "alice";
    topologies::add_node(topology, {"laptop", user, {}, {}});
    const auto pki = prepare_pki(topology, 7);
    ASSERT_TRUE(pki);
    const auto trust = pki->trust({"users"});
    const auto& alice = pki->find("alice")->certificate;
    EXPECT_TRUE(trust->verify(alice, {}, crypto::Purpose::ClientAuth, topology.epoch));
    EXPECT_FALSE(trust->verify(alice, {}, crypto::Purpose::ServerAuth, topology.epoch));
}

TEST(Pki, SaysWhereAnIssuerIsMissing) {
    topologies::Topology topology;
    topology.certificates = {spec("alice", "nobody")};
    const auto pki = prepare_pki(topology, 1);
    ASSERT_FALSE(pki);
    EXPECT_EQ(pki.error().detail, "office.yaml:7:5: certificate 'alice': its issuer 'nobody' is not a root");
}

class PkiFiles : public testing::Test {
protected:
    PkiFiles() {
        const auto issued = *prepare_pki(office(), 7);
        write_text(scratch_ / "users.pem", issued.find("users")->certificate.to_pem());
        write_text(scratch_ / "users.key", issued.find("users")->key->to_pem());
        write_text(scratch_ / "alice.key", issued.find("alice")->key->to_pem());
        write_text(scratch_ / "empty.pem", "");
    }

    Result<Pki> read(const std::string& certificate, const std::string& key, bool with_leaf = false) {
        auto root = spec("users", "");
        root.certificate_file = scratch_ / certificate;
        if (!key.empty()) root.key_file = scratch_ / key;
        topologies::Topology topology;
        topology.certificates = {root};
        if (with_leaf) topology.certificates.push_back(spec("alice", "users"));
        return prepare_pki(topology, 7);
    }

    const Scratch scratch_;
};

TEST_F(PkiFiles, IssueFromARootWithItsKey) {
    const auto pki = read("users.pem", "users.key", true);
    ASSERT_TRUE(pki) << pki.error().detail;
    EXPECT_EQ(der_of(*pki, "users"), der_of(*prepare_pki(office(), 7), "users"));
    EXPECT_TRUE(pki->trust({"users"})->verify(pki->find("alice")->certificate, {}, crypto::Purpose::ClientAuth,
                                              topologies::Topology{}.epoch));
}

TEST_F(PkiFiles, AreTrustedWithoutAKey) {
    const auto pki = read("users.pem", "");
    ASSERT_TRUE(pki);
    EXPECT_EQ(pki->identity("users").error().detail, "certificate 'users' has no private key; name its key_file");
}

TEST_F(PkiFiles, CannotIssueWithoutAKey) {
    const auto pki = read("users.pem", "", true);
    ASSERT_FALSE(pki);
    EXPECT_THAT(pki.error().detail,
                AllOf(StartsWith("office.yaml:7:5: certificate 'alice'"), HasSubstr("without a key")));
}

TEST_F(PkiFiles, NameAFileThatIsMissing) {
    const auto pki = read("nowhere.pem", "");
    ASSERT_FALSE(pki);
    EXPECT_EQ(pki.error().fault, Fault::NotFound);
    EXPECT_THAT(pki.error().detail, AllOf(StartsWith("office.yaml:7:5: certificate 'users': cannot read '"),
                                          HasSubstr("nowhere.pem"), HasSubstr("No such file")));
}

TEST_F(PkiFiles, NameAFileWithoutACertificate) {
    for (const auto* file : {"users.key", "empty.pem"}) {
        const auto pki = read(file, "");
        ASSERT_FALSE(pki) << file;
        EXPECT_THAT(pki.error().detail, HasSubstr(file));
    }
}

TEST_F(PkiFiles, NameAKeyOfAnotherCertificate) {
    const auto pki = read("users.pem", "alice.key");
    ASSERT_FALSE(pki);
    EXPECT_THAT(pki.error().detail, AllOf(HasSubstr("alice.key"), HasSubstr("does not belong to the certificate")));
}

}  // namespace
}  // namespace gatelab::sim
