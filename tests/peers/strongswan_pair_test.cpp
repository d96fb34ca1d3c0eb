// strongSwan at both ends, with the simulated network between: what the machinery carries and reports.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>

#include "sim/peers/capabilities.h"
#include "tests/peers/stage.h"

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

// A folder of its own for each test, kept when it fails.
std::filesystem::path scratch() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    const auto path =
        std::filesystem::path{::testing::TempDir()} / ("gatelab-peers-" + std::to_string(::getpid())) / test->name();
    std::filesystem::create_directories(path);
    return path;
}

class StrongSwanPair : public ::testing::TestWithParam<Way> {
protected:
    void SetUp() override {
        if (const auto able = can_run_strongswan(GetParam()); !able) GTEST_SKIP() << able.error().detail;
    }
    PairStage::Options with(PairStage::Options options) const {
        options.way = GetParam();
        return options;
    }
};
INSTANTIATE_TEST_SUITE_P(BothWays, StrongSwanPair, kWays, name_of_parameter);

long lines_of(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

TEST_P(StrongSwanPair, ConnectsByCertificateAndCarriesPingsBothWays) {
    PairStage stage{with({})};
    ASSERT_EQ(stage.start(), "");
    ASSERT_TRUE(stage.connect()) << stage.client->status().failure;
    const auto status = stage.client->status();
    EXPECT_EQ(to_string(status.inner_address), "10.60.0.2");
    EXPECT_THAT(status.dns, ElementsAre(Ipv4Address{10, 50, 0, 53}));
    EXPECT_EQ(status.ike_suite, "AES_GCM_16-256/PRF_HMAC_SHA2_384/MODP_2048_256");
    EXPECT_EQ(status.child_suite, "AES_GCM_16-256");
    EXPECT_EQ(status.peer, "gw.example.com");
    EXPECT_EQ(stage.ping_in(), 3u);
    EXPECT_EQ(stage.ping_out(), 3u);
    EXPECT_THAT(stage.gateway->sessions(), ElementsAre("alice.example.com"));
    EXPECT_EQ(stage.session()->status().inbound_spi, status.outbound_spi);
}

TEST_P(StrongSwanPair, ConnectsByKeyFromBehindNat) {
    PairStage stage{with({.nat = true, .change = [](auto& client, auto& gateway) {
                              client.authentication = topologies::Authentication::PreSharedKey;
                              client.identification = "alice.example.com";
                              client.pre_shared_key = gateway.pre_shared_key = "a \"quoted\" secret";
                              client.certificate = gateway.certificate = "";
                          }})};
    ASSERT_EQ(stage.start(), "");
    ASSERT_TRUE(stage.connect()) << stage.client->status().failure;
    EXPECT_EQ(stage.ping_in(), 3u);
    EXPECT_EQ(stage.ping_out(), 3u);
    EXPECT_TRUE(stage.client->status().udp_encapsulation);
}

TEST_P(StrongSwanPair, RekeysBothFromEitherSide) {
    PairStage stage{with({.folder = scratch()})};
    ASSERT_EQ(stage.start(), "");
    ASSERT_TRUE(stage.connect()) << stage.client->status().failure;
    const auto first = stage.client->status();
    const auto rekeyed = [&](int ike, int child) {
        return stage.run_until([&] {
            const auto near = stage.client->status(),
                       far = stage.session() ? stage.session()->status() : TunnelStatus{};
            return near.ike_rekeys == ike && near.child_rekeys == child && far.ike_rekeys == ike &&
                   far.child_rekeys == child && near.inbound_spi == far.outbound_spi;
        });
    };
    stage.client->rekey_child();
    EXPECT_TRUE(rekeyed(0, 1));
    EXPECT_NE(stage.client->status().inbound_spi, first.inbound_spi);
    EXPECT_EQ(stage.ping_in(), 3u);
    ASSERT_TRUE(stage.session());
    stage.session()->rekey_child();
    EXPECT_TRUE(rekeyed(0, 2));
    EXPECT_EQ(stage.ping_out(), 3u);
    stage.client->rekey_ike();
    EXPECT_TRUE(rekeyed(1, 2));
    EXPECT_EQ(stage.ping_in(), 3u);
    ASSERT_TRUE(stage.session());
    stage.session()->rekey_ike();
    EXPECT_TRUE(rekeyed(2, 2));
    EXPECT_EQ(stage.ping_out(), 3u);
    // Former children count, too.
    EXPECT_TRUE(stage.run_until([&] { return stage.client->status().packets_out == 12; }));
    ASSERT_TRUE(stage.client->finish());
    ASSERT_TRUE(stage.gateway->finish());
    // Both ends report each key, and it is kept once: three IKE SAs, three children with two directions.
    EXPECT_EQ(lines_of(stage.keys.ikev2_table()), 3) << stage.keys.ikev2_table();
    EXPECT_EQ(lines_of(stage.keys.esp_table()), 6) << stage.keys.esp_table();
    if (!::testing::Test::HasFailure()) std::filesystem::remove_all(scratch().parent_path());
}

TEST_P(StrongSwanPair, TellsAGatewayThatTheUserLeft) {
    PairStage stage{with({})};
    ASSERT_EQ(stage.start(), "");
    ASSERT_TRUE(stage.connect()) << stage.client->status().failure;
    stage.client->disconnect();
    EXPECT_TRUE(stage.run_until([&] { return stage.gateway->sessions().empty() && !stage.client->status().up; }));
    EXPECT_EQ(stage.client->status().failure, "requested");
    EXPECT_FALSE(stage.client->inner_address());
}

TEST_P(StrongSwanPair, NoticesAGatewayThatHangsUp) {
    PairStage stage{with({})};
    ASSERT_EQ(stage.start(), "");
    ASSERT_TRUE(stage.connect()) << stage.client->status().failure;
    ASSERT_TRUE(stage.session());
    stage.session()->disconnect();
    EXPECT_TRUE(stage.run_until([&] { return stage.gateway->sessions().empty() && !stage.client->status().up; }));
    EXPECT_EQ(stage.client->status().failure, "peer-deleted");
}

TEST_P(StrongSwanPair, FindsOutThatThePeerIsGone) {
    PairStage stage{with({.change = [](auto& client, auto&) { client.liveness = 1s; }})};
    ASSERT_EQ(stage.start(), "");
    ASSERT_TRUE(stage.connect()) << stage.client->status().failure;
    stage.network->intercept("isp-gateway", [](const auto&, auto) { return Verdict{Verdict::Kind::Drop, {}}; });
    EXPECT_TRUE(stage.run_until([&] { return !stage.client->status().up; }, 10s));
    EXPECT_EQ(stage.client->status().failure, "peer-silent");
}

TEST_P(StrongSwanPair, FailsInBoundedTimeWhenNobodyAnswers) {
    PairStage stage{with({})};
    ASSERT_EQ(stage.start(), "");
    stage.network->intercept("isp-gateway", [](const auto&, auto) { return Verdict{Verdict::Kind::Drop, {}}; });
    stage.client->connect();
    EXPECT_TRUE(stage.run_until([&] { return !stage.client->status().failure.empty(); }, 8s));
    EXPECT_EQ(stage.client->status().failure, "peer-silent");
    stage.network->intercept("isp-gateway", nullptr);
    EXPECT_TRUE(stage.connect()) << stage.client->status().failure;
}

TEST_P(StrongSwanPair, NamesARefusal) {
    struct Case {
        std::string failure;
        std::function<void(topologies::Client&, topologies::Gateway&)> change;
    };
    const std::vector<Case> cases = {
        {"authentication-failed",
         [](auto& client, auto& gateway) {
             client.authentication = topologies::Authentication::PreSharedKey;
             client.identification = "alice.example.com";
             client.pre_shared_key = "one";
             gateway.pre_shared_key = "another";
         }},
        {"no-proposal-chosen",
         [](auto& client, auto& gateway) {
             client.ike_policy = {"AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384"};
             gateway.ike_policy = {"AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048"};
         }},
        {"traffic-selectors-unacceptable",
         [](auto& client, auto&) {
             client.remote_selectors = {Prefix{Ipv4Address{172, 20, 0, 0}, 16}};
         }},
    };
    for (const auto& one : cases) {
        PairStage stage{with({.change = one.change})};
        ASSERT_EQ(stage.start(), "");
        EXPECT_FALSE(stage.connect());
        EXPECT_EQ(stage.client->status().failure, one.failure);
    }
}

// All 17 rows and all 11, each once; a rekeying shows the group of a row with perfect forward secrecy.
TEST_P(StrongSwanPair, NegotiatesEveryRowOfThePolicies) {
    const auto& ike = ikev2::p2s_ike_policy();
    const auto& ipsec = ikev2::p2s_ipsec_policy();
    for (std::size_t i = 0; i < ike.size(); ++i) {
        const auto ike_row = to_string(ike[i]), ipsec_row = to_string(ipsec[i % ipsec.size()]);
        PairStage stage{with({.change = [&](auto& client, auto&) {
            client.ike_policy = {ike_row};
            client.ipsec_policy = {ipsec_row};
        }})};
        ASSERT_EQ(stage.start(), "");
        ASSERT_TRUE(stage.connect()) << ike_row << " " << ipsec_row << ": " << stage.client->status().failure;
        EXPECT_EQ(stage.client->status().ike_suite, ike_row);
        stage.client->rekey_child();
        EXPECT_TRUE(stage.run_until([&] { return stage.client->status().child_rekeys == 1; })) << ipsec_row;
        EXPECT_EQ(stage.client->status().child_suite, ipsec_row);
    }
}

}  // namespace
}  // namespace gatelab::sim::peers
