#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/impl/ikev2/pair.h"

namespace gatelab::ikev2::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

// Both ends carry the same keys, crosswise, and agree on everything else.
void expect_one_tunnel(const Pair& pair) {
    ASSERT_TRUE(pair.client.established()) << testing::PrintToString(pair.client.ladder());
    ASSERT_TRUE(pair.gateway.established());
    const auto ours = pair.client.last<Engine::SaEstablished>();
    const auto theirs = pair.gateway.last<Engine::SaEstablished>();
    EXPECT_EQ(ours.keys.spi_i, theirs.keys.spi_i);
    EXPECT_EQ(ours.keys.spi_r, theirs.keys.spi_r);
    EXPECT_EQ(ours.keys.sk_ei, theirs.keys.sk_ei);
    EXPECT_EQ(ours.keys.sk_er, theirs.keys.sk_er);
    EXPECT_EQ(ours.keys.sk_ai, theirs.keys.sk_ai);
    ASSERT_THAT(pair.client.open_children(), SizeIs(1));
    ASSERT_THAT(pair.gateway.open_children(), SizeIs(1));
    const auto ours_child = pair.client.open_children()[0];
    const auto their_child = pair.gateway.open_children()[0];
    EXPECT_EQ(ours_child.inbound.spi, their_child.outbound.spi);
    EXPECT_EQ(ours_child.outbound.spi, their_child.inbound.spi);
    EXPECT_EQ(ours_child.inbound.encryption_key, their_child.outbound.encryption_key);
    EXPECT_EQ(ours_child.outbound.encryption_key, their_child.inbound.encryption_key);
    EXPECT_EQ(ours_child.inbound.integrity_key, their_child.outbound.integrity_key);
    EXPECT_NE(ours_child.inbound.encryption_key, ours_child.outbound.encryption_key);
    EXPECT_EQ(ours_child.inbound.local, their_child.inbound.remote);
    EXPECT_EQ(ours_child.inbound.remote, their_child.inbound.local);
}

TEST(Establish, BringsUpATunnelInFourMessages) {
    Pair pair{client_connection(), {gateway_connection()}};
    pair.dial();
    pair.settle();
    expect_one_tunnel(pair);
    // --> IKE_SA_INIT {SA, KE, Ni}       <-- IKE_SA_INIT {SA, KE, Nr, CERTREQ}
    // --> IKE_AUTH {IDi, CERT, AUTH...}  <-- IKE_AUTH {IDr, CERT, AUTH...}
    EXPECT_THAT(pair.client.ladder(),
                ElementsAre("IKE_SA_INIT request SA KE No N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP) "
                            "N(SIGNATURE_HASH_ALGORITHMS)",
                            "IKE_AUTH request IDi CERT CERTREQ IDr AUTH CP(REQUEST) SA TSi TSr"));
    EXPECT_THAT(pair.gateway.ladder(),
                ElementsAre("IKE_SA_INIT response SA KE No N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP) "
                            "CERTREQ N(SIGNATURE_HASH_ALGORITHMS)",
                            "IKE_AUTH response IDr CERT AUTH CP(REPLY) SA TSi TSr"));
    const auto established = pair.client.last<Engine::SaEstablished>();
    EXPECT_EQ(established.configuration.address, (Ipv4Address{10, 60, 0, 1}));
    EXPECT_THAT(established.configuration.dns, ElementsAre(Ipv4Address{10, 50, 0, 53}));
    EXPECT_THAT(established.configuration.subnets, ElementsAre(Prefix{Ipv4Address{10, 50, 0, 0}, 16}));
    EXPECT_EQ(to_string(established.peer), "gw.gatelab.test");
    EXPECT_EQ(to_string(established.keys.suite), "AES_GCM_16-256/PRF_HMAC_SHA2_384/MODP_2048_256");
    EXPECT_FALSE(established.nat_here);
    EXPECT_FALSE(established.nat_there);
    EXPECT_FALSE(pair.client.last<Engine::ChildEstablished>().udp_encapsulation);
    EXPECT_EQ(esp::to_string(pair.client.last<Engine::ChildEstablished>().inbound.local), "10.60.0.1/32");
    EXPECT_EQ(esp::to_string(pair.client.last<Engine::ChildEstablished>().inbound.remote), "10.50.0.0/16");
    EXPECT_EQ(to_string(pair.gateway.last<Engine::PeerAuthenticated>().identification), "alice@gatelab.test");
    EXPECT_TRUE(pair.gateway.last<Engine::PeerAuthenticated>().certificate.has_value());
}

struct Signers {
    const char* name;
    const crypto::Identity Pki::*client;
    const crypto::Identity Pki::*gateway;
    bool digital;
};
class EstablishWith : public testing::TestWithParam<Signers> {};

TEST_P(EstablishWith, ProvesBothIdentities) {
    auto client = client_connection(pki().*GetParam().client);
    auto gateway = gateway_connection(pki().*GetParam().gateway);
    client.digital_signatures = GetParam().digital;
    Pair pair{client, {gateway}};
    pair.dial();
    pair.settle();
    expect_one_tunnel(pair);
}

INSTANTIATE_TEST_SUITE_P(Signatures, EstablishWith,
                         testing::Values(Signers{"RsaDigital", &Pki::client_rsa, &Pki::gateway_rsa, true},
                                         Signers{"RsaClassic", &Pki::client_rsa, &Pki::gateway_rsa, false},
                                         Signers{"EcdsaDigital", &Pki::client_ecdsa, &Pki::gateway_ecdsa384, true},
                                         Signers{"EcdsaClassic", &Pki::client_ecdsa, &Pki::gateway_ecdsa384, false},
                                         Signers{"Mixed", &Pki::client_rsa, &Pki::gateway_ecdsa, true}),
                         [](const auto& signers) { return signers.param.name; });

TEST(Establish, ProvesBothIdentitiesByAPreSharedKey) {
    auto client = client_connection();
    auto gateway = gateway_connection();
    use_pre_shared_key(client, "a long secret");
    use_pre_shared_key(gateway, "a long secret");
    Pair pair{client, {gateway}};
    pair.dial();
    pair.settle();
    expect_one_tunnel(pair);
    EXPECT_FALSE(pair.gateway.last<Engine::PeerAuthenticated>().certificate.has_value());
}

TEST(Establish, TakesTheConnectionWhoseAuthenticationFits) {
    auto by_key = gateway_connection();
    by_key.name = "by key";
    use_pre_shared_key(by_key, "a long secret");
    Pair pair{client_connection(), {by_key, gateway_connection()}};
    pair.dial();
    pair.settle();
    expect_one_tunnel(pair);
    EXPECT_EQ(pair.gateway.last<Engine::SaEstablished>().connection, "p2s");
}

TEST(Establish, AcceptsADistinguishedNameAndAnAddressAsIdentity) {
    auto client = client_connection();
    client.local_identification = Identification::distinguished_name(pki().client_rsa.certificate.subject_der());
    client.peer.identifications = {Identification::address(kGateway.address)};
    auto gateway = gateway_connection();
    gateway.local_identification = Identification::address(kGateway.address);
    Pair pair{client, {gateway}};
    pair.dial();
    pair.settle();
    expect_one_tunnel(pair);
    EXPECT_EQ(to_string(pair.gateway.last<Engine::SaEstablished>().peer), "CN=alice");
    EXPECT_EQ(to_string(pair.client.last<Engine::SaEstablished>().peer), "10.2.0.2");
}

TEST(Establish, NarrowsSelectorsToWhatBothSidesWant) {
    auto client = client_connection();
    client.remote.clear();  // everything
    Pair pair{client, {gateway_connection()}};
    pair.dial();
    pair.settle();
    expect_one_tunnel(pair);
    EXPECT_EQ(esp::to_string(pair.client.open_children()[0].inbound.remote), "10.50.0.0/16");
}

TEST(Establish, RetriesWithTheGroupThatTheResponderWants) {
    auto client = client_connection();
    auto gateway = gateway_connection();
    gateway.ike_policy = {parse_ike_suite("AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_384").value()};
    Pair pair{client, {gateway}};
    pair.dial();
    pair.settle();
    expect_one_tunnel(pair);
    EXPECT_THAT(pair.gateway.ladder()[0], testing::Eq("IKE_SA_INIT response N(INVALID_KE_PAYLOAD)"));
    EXPECT_EQ(pair.client.last<Engine::SaEstablished>().keys.suite, gateway.ike_policy[0]);
}

TEST(Establish, CountsWithExtendedSequenceNumbersWhereBothWantThem) {
    auto client = client_connection();
    auto gateway = gateway_connection();
    client.child_policy = {parse_child_suite("AES_GCM_16-256/ESN").value(),
                           parse_child_suite("AES_GCM_16-256").value()};
    {
        Pair plain{client, {gateway}};
        plain.dial();
        plain.settle();
        EXPECT_FALSE(plain.client.last<Engine::ChildEstablished>().inbound.suite.extended_sequence_numbers);
    }
    gateway.child_policy = client.child_policy;
    Pair extended{client, {gateway}};
    extended.dial();
    extended.settle();
    expect_one_tunnel(extended);
    EXPECT_TRUE(extended.client.last<Engine::ChildEstablished>().inbound.suite.extended_sequence_numbers);
    EXPECT_TRUE(extended.gateway.last<Engine::ChildEstablished>().inbound.suite.extended_sequence_numbers);
}

TEST(Establish, SurvivesABadWire) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        Pair pair{client_connection(pki().client_ecdsa),
                  {gateway_connection(pki().gateway_ecdsa)},
                  seed,
                  {0.2, 0.3, std::chrono::milliseconds(20), std::chrono::milliseconds(700)}};
        pair.dial();
        pair.settle();
        expect_one_tunnel(pair);
    }
}

TEST(Establish, RepeatsByteForByteFromOneSeed) {
    const auto run = [](std::uint64_t seed) {
        Pair pair{client_connection(), {gateway_connection()}, seed, {0.1, 0.1, std::chrono::milliseconds(5), {}}};
        pair.dial();
        pair.settle();
        Bytes all;
        for (const auto& parcel : pair.sent) append(all, parcel.bytes);
        return all;
    };
    EXPECT_EQ(run(7), run(7));
    EXPECT_NE(run(7), run(8));
}

}  // namespace
}  // namespace gatelab::ikev2::test
