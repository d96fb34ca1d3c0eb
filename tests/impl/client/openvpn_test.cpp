// How a client dials over OpenVPN, and who it says it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/client/openvpn_tunnel.h"
#include "tests/support/fake_tcp.h"
#include "tests/support/p2s_lab.h"

namespace gatelab::client {
namespace {

using namespace std::chrono_literals;
using openvpn::Transport;
using ::testing::ElementsAre;
using testing::FakeHost;
using testing::FakeNetwork;
using ::testing::HasSubstr;
using testing::kServerAddress;
using testing::openvpn_gateway_config;
using testing::openvpn_user_config;
using testing::P2sLab;
using testing::profile_of;

constexpr Ipv4Address kAlice{198, 51, 100, 10};

// What comes of dialling where no gateway is.
Status dialled(const Config& config, Duration wait) {
    FakeNetwork network;
    FakeHost host{network, "alice", kAlice};
    Client client{host, config};
    client.connect();
    network.run_for(wait);
    return client.status();
}

TEST(OpenVpnClient, PassesThroughItsStates) {
    for (const auto transport : {Transport::Udp, Transport::Tcp}) {
        P2sLab lab{openvpn_gateway_config()};
        auto& alice = lab.add_user("alice", kAlice, {}, openvpn_user_config("alice", transport));
        std::vector<State> states;
        alice.client.on_change([&](State state) { states.push_back(state); });
        ASSERT_TRUE(lab.connect(alice));
        alice.client.disconnect();
        lab.network.run_for(1s);
        EXPECT_THAT(states, ElementsAre(State::Connecting, State::Connected, State::Disconnecting, State::Idle));
        EXPECT_EQ(alice.client.status().failure, "requested");
        EXPECT_FALSE(testing::openvpn_of(alice.client).session.tls_suite.empty());  // stays to be read
        ASSERT_TRUE(lab.connect(alice));
        EXPECT_EQ(lab.ping(alice.host, kServerAddress, 2), 2);
    }
}

TEST(OpenVpnClient, TellsTheGatewayThatItLeaves) {
    P2sLab lab{openvpn_gateway_config()};
    auto config = openvpn_user_config("alice");
    profile_of(config).explicit_exit_notify = 1;
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    ASSERT_TRUE(lab.connect(alice));
    alice.client.disconnect();
    lab.network.run_for(2s);
    EXPECT_TRUE(lab.gateway->sessions().empty());
    EXPECT_EQ(text_of(lab.gateway_host.events_named("session-closed").at(0).attributes, "reason"), "peer-exit");
}

TEST(OpenVpnClient, GivesUpASilentGatewayAtTheEndOfTheHandshakeWindow) {
    auto config = openvpn_user_config("alice");
    profile_of(config).handshake_window = 10s;
    const auto status = dialled(config, 11s);
    EXPECT_EQ(status.state, State::Failed);
    EXPECT_EQ(status.failure, "handshake-timeout");
}

TEST(OpenVpnClient, GivesUpAtItsOwnTimeoutWhenThatComesFirst) {
    auto config = openvpn_user_config("alice");
    config.plan[0].give_up = 3s;
    EXPECT_EQ(dialled(config, 4s).failure, "timed-out");
}

TEST(OpenVpnClient, SaysWhyItCannotEvenDial) {
    EXPECT_EQ(dialled(openvpn_user_config("alice", Transport::Tcp), 1s).failure, "no-connection");
    auto config = openvpn_user_config("alice");
    profile_of(config).remotes[0].host = "gw.example.com";
    EXPECT_EQ(dialled(config, 1s).failure, "no-such-host");
    profile_of(config).ca.clear();
    EXPECT_EQ(dialled(config, 1s).failure, "bad-profile");
    profile_of(config).remotes.clear();
    EXPECT_EQ(dialled(config, 1s).failure, "bad-profile");
}

TEST(OpenVpnClient, ResolvesTheNameOfItsGateway) {
    P2sLab lab{openvpn_gateway_config()};
    auto config = openvpn_user_config("alice");
    profile_of(config).remotes[0].host = "vpn.example.com";
    testing::openvpn_of(config).resolve = [](const std::string& host) -> Result<Ipv4Address> {
        if (host == "vpn.example.com") return testing::kGatewayAddress;
        return fail(Fault::NotFound, host);
    };
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    EXPECT_TRUE(lab.connect(alice)) << alice.client.status().detail;
}

TEST(OpenVpnClient, TrustsNoGatewayOfAnotherName) {
    P2sLab lab{openvpn_gateway_config()};
    auto config = openvpn_user_config("alice");
    profile_of(config).verify_x509_name = "other.example.com";
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    EXPECT_FALSE(lab.connect(alice));
    EXPECT_EQ(alice.client.status().failure, "tls-failed");
}

TEST(OpenVpnClient, NoticesAGatewayThatHasDied) {
    P2sLab lab{openvpn_gateway_config()};
    auto& alice = lab.add_user("alice", kAlice, {}, openvpn_user_config("alice"));
    ASSERT_TRUE(lab.connect(alice));
    lab.gateway.reset();
    lab.network.run_for(65s);
    EXPECT_EQ(alice.client.status().failure, "peer-silent");
    EXPECT_EQ(alice.host.routes().lookup(kServerAddress)->interface, "eth0");
}

TEST(OpenVpnClient, TakesTheMtuThatIsPushed) {
    auto gateway = openvpn_gateway_config();
    gateway.openvpn->tun_mtu = 1300;
    P2sLab lab{gateway};
    auto& alice = lab.add_user("alice", kAlice, {}, openvpn_user_config("alice"));
    ASSERT_TRUE(lab.connect(alice));
    alice.host.ping(kServerAddress, 1, 1300 - 28);
    alice.host.ping(kServerAddress, 2, 1300 - 27);  // does not fit into the interface
    lab.network.run_for(1s);
    EXPECT_THAT(alice.host.replies(), ElementsAre(1));
}

TEST(OpenVpnClient, RoutesWhatIsPushed) {
    openvpn::PushReply push;
    push.subnet = Prefix{{10, 60, 0, 0}, 24};
    push.routes = {{Prefix{{10, 1, 0, 0}, 16}, {}}, {Prefix{{10, 1, 4, 0}, 24}, {}}, {Prefix{{10, 60, 0, 0}, 24}, {}}};
    EXPECT_THAT(destinations(push), ElementsAre(Prefix{{10, 1, 0, 0}, 16}, Prefix{{10, 60, 0, 0}, 24}));
    push.redirect_gateway = true;
    EXPECT_THAT(destinations(push), ElementsAre(Prefix{{0, 0, 0, 0}, 1}, Prefix{{128, 0, 0, 0}, 1}));
}

// --- personalities --------------------------------------------------------------------------------------------------

TEST(Personality, OfTheOpenVpnClientChangesNothing) {
    openvpn::Options options;
    options.renegotiate = 7s;
    const auto same = as(Personality::OpenVpnClient, options, "gw.example.com");
    EXPECT_EQ(same.options_string, "");
    EXPECT_EQ(same.tls.server_name, "");
    EXPECT_EQ(same.renegotiate, 7s);
}

// P2S-AAD-24: one line, its parts apart by blanks, so that to OpenVPN it is a single variable.
constexpr auto kAzurePeerInfo = "AzMac IV_PLAT=0.1 IV_PROTO=1 IV_PLAT_VER= IV_PLAT_DEVICE_ID=x64";

TEST(Personality, OfTheAzureVpnClientIsAsOthersSawIt) {
    const auto azure = as(Personality::AzureVpnClient, {}, "azuregateway.vpn.azure.com");
    // P2S-AAD-23
    EXPECT_EQ(azure.options_string,
              "V4,dev-type tun,link-mtu 1500,tun-mtu 1551,proto TCPv4_CLIENT,keydir 1,cipher AES-256-GCM,auth "
              "[null-digest],keysize 256,tls-auth,key-method 2,tls-client");
    EXPECT_EQ(openvpn::text_of(azure.peer_info, "IV_VER"), kAzurePeerInfo);
    EXPECT_EQ(azure.tls.server_name, "azuregateway.vpn.azure.com");  // P2S-AAD-26
    EXPECT_THAT(azure.tls.alpn, ElementsAre("h2", "http/1.1"));
    EXPECT_EQ(azure.renegotiate, Duration::zero());  // P2S-AAD-28
    EXPECT_EQ(as(Personality::AzureVpnClient, {}, "203.0.113.1").tls.server_name, "");
}

TEST(Personality, OfTheAzureVpnClientSignsInWithATokenWhenItHasOne) {
    auto gateway = openvpn_gateway_config();
    const std::string token(2300, 't');  // P2S-AAD-20
    gateway.openvpn->users = {{"AzureAD", token}};
    P2sLab lab{gateway};
    auto config = openvpn_user_config("alice", Transport::Tcp);
    testing::openvpn_of(config).personality = Personality::AzureVpnClient;
    testing::openvpn_of(config).credentials = openvpn::Credentials{"AzureAD", token};
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    ASSERT_TRUE(lab.connect(alice)) << alice.client.status().detail;
    EXPECT_EQ(openvpn::text_of(testing::openvpn_of(lab.gateway->sessions().at(0)).session.peer_info, "IV_VER"),
              kAzurePeerInfo);
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 2), 2);
}

}  // namespace
}  // namespace gatelab::client
