// How a client reaches its gateway over TCP, with a proxy and without.
#include "impl/client/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_proxy.h"
#include "tests/support/p2s_lab.h"

namespace gatelab::client {
namespace {

using namespace std::chrono_literals;
using openvpn::Transport;
using ::testing::ElementsAre;
using testing::FakeHost;
using testing::FakeNetwork;
using testing::FakeProxy;
using testing::kGatewayAddress;
using testing::kServerAddress;
using testing::openvpn_user_config;
using testing::P2sLab;

constexpr Ipv4Address kAlice{198, 51, 100, 10}, kProxyAddress{198, 51, 100, 1};
constexpr Endpoint kProxy{kProxyAddress, 3128}, kGateway{kGatewayAddress, 443};
const http::Credentials kPassword{"alice", "open sesame"};
const profile::HttpProxy kOfProfile{to_string(kProxyAddress), kProxy.port, "alice", "open sesame"};

struct Lab {
    explicit Lab(ConnectLimits with = {}) : limits(with) {}
    // Begins, and waits.
    void connect(std::optional<HttpProxy> through, Duration wait = 5min) {
        began = network.now();
        connection.emplace(host, Connection::Gateway{name, kGateway}, std::move(through), limits,
                           Connection::Callbacks{.open =
                                                     [this](std::unique_ptr<TcpStream> stream, const Bytes& rest) {
                                                         told.push_back("open");
                                                         opened = std::move(stream);
                                                         greeting = rest;
                                                         connection.reset();
                                                     },
                                                 .failed =
                                                     [this](const std::string& reason, const std::string&) {
                                                         told.push_back(reason);
                                                         took = network.now() - began;
                                                         connection.reset();
                                                     }});
        EXPECT_TRUE(told.empty()) << "not from inside the constructor";
        network.run_for(wait);
    }

    FakeNetwork network;
    FakeHost host{network, "alice", kAlice}, proxy_host{network, "proxy", kProxyAddress},
        gateway_host{network, "gw", kGatewayAddress};
    FakeProxy proxy{proxy_host, kProxy};
    std::unique_ptr<TcpListener> gateway;
    std::list<std::unique_ptr<TcpStream>> accepted;
    void listen() {
        gateway = std::move(*gateway_host.listen_tcp(kGateway));
        gateway->on_accept([this](std::unique_ptr<TcpStream> stream) {
            stream->write(as_bytes("hello"));
            accepted.push_back(std::move(stream));
        });
    }

    std::string name;  // of the gateway
    ConnectLimits limits;
    Instant began{};
    Duration took{};
    std::optional<Connection> connection;
    std::vector<std::string> told;
    std::unique_ptr<TcpStream> opened;
    Bytes greeting;
};

TEST(Connection, IsOpenOnceTheGatewayIsThere) {
    Lab lab;
    lab.listen();
    lab.connect({});
    ASSERT_THAT(lab.told, ElementsAre("open"));
    EXPECT_EQ(lab.opened->remote(), kGateway);
}

TEST(Connection, FailsWhenTheGatewayRefuses) {
    Lab lab;
    lab.connect({});
    EXPECT_THAT(lab.told, ElementsAre("no-connection"));
}

TEST(Connection, WaitsForASilentGatewayOnlySoLong) {
    Lab lab{{.tcp = 21s}};
    lab.network.delay = 1h;
    lab.connect({});
    EXPECT_THAT(lab.told, ElementsAre("no-connection"));
    EXPECT_EQ(lab.took, 21s);
}

TEST(Connection, LeadsThroughAProxy) {
    Lab lab;
    lab.listen();
    lab.connect(HttpProxy{kProxy, {}});
    ASSERT_THAT(lab.told, ElementsAre("open"));
    EXPECT_EQ(lab.opened->remote(), kProxy);
    EXPECT_THAT(lab.proxy.asked, ElementsAre("203.0.113.1:443"));
    EXPECT_EQ(lab.greeting, copy_of(as_bytes("hello")));  // on the heels of the proxy's answer
}

TEST(Connection, AsksTheProxyForTheNameThatTheUserDials) {  // [MS-SSTP] section 4.5
    Lab lab;
    lab.name = "gw.example.com";
    lab.proxy.refusal = 403;
    lab.connect(HttpProxy{kProxy, {}});
    EXPECT_THAT(lab.proxy.asked, ElementsAre("gw.example.com:443"));
}

TEST(Connection, SignsInAtAProxyThatAsksForIt) {
    for (const bool keeps_open : {false, true}) {
        Lab lab;
        lab.listen();
        lab.proxy.wanted = kPassword;
        lab.proxy.keeps_open = keeps_open;
        lab.connect(HttpProxy{kProxy, kPassword});
        EXPECT_THAT(lab.told, ElementsAre("open")) << keeps_open;
        EXPECT_EQ(lab.proxy.asked.size(), 2u);
    }
}

TEST(Connection, SaysWhenTheProxyWantsAPassword) {
    Lab lab;
    lab.listen();
    lab.proxy.wanted = kPassword;
    lab.connect(HttpProxy{kProxy, {}});
    EXPECT_THAT(lab.told, ElementsAre("proxy-authentication-required"));
}

TEST(Connection, SaysWhenTheProxyWantsAnotherPassword) {
    Lab lab;
    lab.listen();
    lab.proxy.wanted = kPassword;
    lab.connect(HttpProxy{kProxy, http::Credentials{"alice", "wrong"}});
    EXPECT_THAT(lab.told, ElementsAre("proxy-authentication-required"));
}

TEST(Connection, SaysWhenTheProxyRefuses) {
    Lab lab;
    lab.listen();
    lab.proxy.refusal = 403;
    lab.connect(HttpProxy{kProxy, {}});
    EXPECT_THAT(lab.told, ElementsAre("proxy-refused"));
}

TEST(Connection, SaysWhenTheProxyDoesNotReachTheGateway) {
    Lab lab;
    lab.connect(HttpProxy{kProxy, {}});
    EXPECT_THAT(lab.told, ElementsAre("proxy-refused"));  // its 502
}

TEST(Connection, SaysWhenThereIsNoProxy) {
    Lab lab;
    lab.listen();
    lab.connect(HttpProxy{{kProxyAddress, 8080}, {}});
    EXPECT_THAT(lab.told, ElementsAre("no-connection"));
}

TEST(Connection, WaitsForAMuteProxyOnlySoLong) {
    Lab lab{{.tcp = 21s, .proxy = 60s}};
    lab.listen();
    lab.proxy.mute = true;
    lab.connect(HttpProxy{kProxy, {}});
    EXPECT_THAT(lab.told, ElementsAre("timed-out"));
    EXPECT_EQ(lab.took, 60s);
}

TEST(Connection, CanBeDroppedAtAnyTime) {
    for (auto after = 0ms; after < 60ms; after += 1ms) {
        Lab lab;
        lab.listen();
        lab.proxy.wanted = kPassword;
        lab.connect(HttpProxy{kProxy, kPassword}, after);
        lab.connection.reset();
        lab.network.run_for(5min);
        EXPECT_LE(lab.told.size(), 1u);
    }
}

// --- OpenVPN over it ------------------------------------------------------------------------------------------------

TEST(OpenVpnOverAProxy, CarriesPackets) {
    P2sLab lab{testing::openvpn_gateway_config()};
    FakeHost proxy_host{lab.network, "proxy", kProxyAddress};
    FakeProxy proxy{proxy_host, kProxy};
    proxy.wanted = kPassword;
    auto config = openvpn_user_config("alice", Transport::Tcp);
    testing::profile_of(config).http_proxy = kOfProfile;
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    ASSERT_TRUE(lab.connect(alice)) << alice.client.status().detail;
    EXPECT_EQ(lab.ping(alice.host, kServerAddress, 3), 3);
    // What a granted route to everything must not swallow is the way to the proxy.
    EXPECT_EQ(alice.host.routes().lookup(kProxyAddress)->destination.length(), 32);
    EXPECT_EQ(testing::openvpn_of(alice.client).peer, kProxy);
    EXPECT_EQ(alice.host.events_named("proxy-opened").size(), 1u);
}

TEST(OpenVpnOverAProxy, FailsWithTheProxysReason) {
    P2sLab lab{testing::openvpn_gateway_config()};
    FakeHost proxy_host{lab.network, "proxy", kProxyAddress};
    FakeProxy proxy{proxy_host, kProxy};
    proxy.wanted = kPassword;
    auto config = openvpn_user_config("alice", Transport::Tcp);
    testing::profile_of(config).http_proxy = {to_string(kProxyAddress), kProxy.port};
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    EXPECT_FALSE(lab.connect(alice));
    EXPECT_EQ(alice.client.status().failure, "proxy-authentication-required");
}

TEST(OpenVpnOverAProxy, IsLeftAloneOverUdp) {
    P2sLab lab{testing::openvpn_gateway_config()};
    auto config = openvpn_user_config("alice");
    testing::profile_of(config).http_proxy = kOfProfile;  // there is none
    auto& alice = lab.add_user("alice", kAlice, {}, config);
    EXPECT_TRUE(lab.connect(alice));
}

TEST(OpenVpnOverAProxy, IsAMatterOfThePersonality) {
    const auto proxy_of = [](Personality personality) {
        auto config = openvpn_user_config("alice", Transport::Tcp);
        testing::profile_of(config).http_proxy = kOfProfile;
        adopt(personality, config);
        return testing::profile_of(config).http_proxy;
    };
    EXPECT_EQ(proxy_of(Personality::OpenVpnClient), kOfProfile);
    EXPECT_EQ(proxy_of(Personality::Gatelab), kOfProfile);
    EXPECT_FALSE(proxy_of(Personality::AzureVpnClient));
}

}  // namespace
}  // namespace gatelab::client
