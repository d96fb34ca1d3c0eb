// Our client, and the real openvpn, at SoftEther VPN Server: an OpenVPN server that shares no code with either.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "sim/peers/capabilities.h"
#include "sim/peers/openvpn_config.h"
#include "sim/peers/softether_package.h"
#include "sim/scenario.h"
#include "topologies/yaml/reader.h"

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using topologies::Implementation;
using topologies::Transport;
namespace fs = std::filesystem;

class SoftEther : public ::testing::TestWithParam<Implementation> {
protected:
    void SetUp() override {
        if (const auto found = peers::find_softether(); !found) GTEST_SKIP() << found.error().detail;
        if (const auto tun = peers::capability("/dev/net/tun"); !tun->available) GTEST_SKIP() << tun->reason;
        if (GetParam() == Implementation::OpenVpn && ::access(peers::kOpenVpnProgram, X_OK) != 0)
            GTEST_SKIP() << "there is no openvpn";
        topology = topologies::load("remote-user").value();
        topology.flows.clear();
        alice().implementation = GetParam();
        alice().tunnels = {topologies::Tunnel::OpenVpn};
        alice().connect_at.reset();
        alice().openvpn.fallback_cipher = "AES-256-GCM";  // this server does not negotiate
        door().implementation = Implementation::SoftEther;
        door().tunnels = {topologies::Tunnel::OpenVpn};
        door().openvpn.protection = topologies::OpenVpn::Protection::None;
        door().dns_servers = {Ipv4Address{10, 1, 0, 53}};
    }
    void TearDown() override {
        scenario.reset();
        if (!HasFailure()) fs::remove_all(folder);
    }

    topologies::Client& alice() { return *topologies::find_as<topologies::Client>(topology, "alice"); }
    topologies::Gateway& door() { return *topologies::find_as<topologies::Gateway>(topology, "gateway"); }
    void use(Transport transport) {
        alice().openvpn.transport = transport;
        if (transport == Transport::Udp) door().openvpn.udp_port = 1194, door().openvpn.tcp_port.reset();
    }
    void use_password(const std::string& said) {
        door().users = {{"bob", "s3cret"}};
        door().openvpn.certificate_required = false;
        alice().authentication = topologies::Authentication::Password;
        alice().certificate.clear();
        alice().username = "bob";
        alice().password = said;
    }
    [[nodiscard]] ::testing::AssertionResult runs() {
        RunOptions options;
        options.out = folder;
        options.real_peers = RealPeers::RealTime;
        auto created = Scenario::create(topology, options);
        if (!created) return ::testing::AssertionFailure() << created.error().detail;
        scenario = std::move(*created);
        return ::testing::AssertionSuccess();
    }
    RemoteUser& client() { return scenario->client("alice"); }
    VpnGateway& gateway() { return scenario->gateway("gateway"); }
    bool until(const std::function<bool()>& condition, Duration limit = 15s) {
        return scenario->run_until(condition, limit);
    }
    bool connects() {
        client().connect();
        return until([&] { return client().status().up && !gateway().sessions().empty(); });
    }
    void works(const std::string& user) {
        ASSERT_TRUE(runs());
        ASSERT_TRUE(connects()) << client().status().failure;
        EXPECT_THAT(gateway().sessions(), ElementsAre(user));
        EXPECT_EQ(gateway().session(user)->status().inner_address, client().status().inner_address);
        EXPECT_EQ(client().status().data_cipher, "AES-256-GCM");
        EXPECT_THAT(client().status().routes, Contains(Prefix{Ipv4Address{10, 1, 0, 0}, 16}));
        EXPECT_THAT(client().status().dns, Contains(Ipv4Address{10, 1, 0, 53}));
        EXPECT_GE(scenario->ping("alice", "web", 3).received, 2);
        EXPECT_GE(scenario->ping("web", "alice", 3).received, 2) << "the inside finds the client by its own address";
        const auto done = scenario->finish();
        EXPECT_TRUE(done) << done.error().detail;
    }
    const std::string& certificate() { return alice().certificate; }

    topologies::Topology topology;
    fs::path folder = fs::temp_directory_path() / ("gatelab-softether-" + std::to_string(::getpid()));
    std::unique_ptr<Scenario> scenario;
};

TEST_P(SoftEther, TakesACertificateOverTcp) { works(certificate()); }

TEST_P(SoftEther, TakesACertificateOverUdp) {
    use(Transport::Udp);
    works(certificate());
}

TEST_P(SoftEther, TakesAPasswordOverTcp) {
    use_password("s3cret");
    works("bob");
}

TEST_P(SoftEther, TakesAPasswordOverUdp) {
    use(Transport::Udp);
    use_password("s3cret");
    works("bob");
}

TEST_P(SoftEther, RefusesAWrongPassword) {
    use_password("guessed");
    ASSERT_TRUE(runs());
    client().connect();
    EXPECT_TRUE(until([&] { return !client().status().failure.empty(); }));
    EXPECT_EQ(client().status().failure, "authentication-failed");
}

TEST_P(SoftEther, NoticesThatAClientHangsUp) {
    use(Transport::Udp);
    alice().openvpn.explicit_exit_notify = 1;
    ASSERT_TRUE(runs());
    ASSERT_TRUE(connects()) << client().status().failure;
    client().disconnect();
    EXPECT_TRUE(until([&] { return gateway().sessions().empty(); }));
}

std::string name_of_pair(const ::testing::TestParamInfo<Implementation>& info) {
    return info.param == Implementation::OpenVpn ? "OpenVpnAtSoftEther" : "GatelabAtSoftEther";
}
INSTANTIATE_TEST_SUITE_P(Real, SoftEther, ::testing::Values(Implementation::Gatelab, Implementation::OpenVpn),
                         name_of_pair);

}  // namespace
}  // namespace gatelab::sim
