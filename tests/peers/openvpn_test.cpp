// The real openvpn as a client and as a gateway, in both ways, in scenarios of the library's topologies.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "sim/peers/capabilities.h"
#include "sim/peers/openvpn_config.h"
#include "sim/peers/uml/ground.h"
#include "sim/scenario.h"
#include "tests/peers/way.h"
#include "topologies/yaml/reader.h"

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;
using peers::Way;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using topologies::Implementation;
using topologies::Transport;
using Protection = topologies::OpenVpn::Protection;
namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

// Who plays the client and the gateway, and how the real one of them runs.
struct Cast {
    Way way;
    Implementation client, gateway;
};

std::string name_of(const ::testing::TestParamInfo<Cast>& info) {
    const auto& cast = info.param;
    const auto who = [](Implementation one) { return one == Implementation::OpenVpn ? "OpenVpn" : "Gatelab"; };
    return std::string{who(cast.client)} + "At" + who(cast.gateway) + peers::name_of(cast.way);
}

class OpenVpnPair : public ::testing::TestWithParam<Cast> {
protected:
    void SetUp() override {
        if (::access(peers::kOpenVpnProgram, X_OK) != 0) GTEST_SKIP() << "there is no openvpn";
        if (GetParam().way == Way::Guests) {
            if (const auto able = peers::uml::can_run_guests(); !able) GTEST_SKIP() << able.error().detail;
        } else if (const auto tun = peers::capability("/dev/net/tun"); !tun->available) {
            GTEST_SKIP() << tun->reason;
        }
        topology = topologies::load("remote-user").value();
        topology.flows.clear();
        alice().implementation = GetParam().client;
        alice().tunnels = {topologies::Tunnel::OpenVpn};
        alice().connect_at.reset();
        door().implementation = GetParam().gateway;
        door().tunnels = {topologies::Tunnel::OpenVpn};
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
    void use(Protection protection) { door().openvpn.protection = protection; }

    void use_password(const std::string& right, const std::string& said) {
        door().users = {{"bob", right}};
        door().openvpn.certificate_required = false;
        alice().authentication = topologies::Authentication::Password;
        alice().certificate.clear();
        alice().username = "bob";
        alice().password = said;
    }

    // Puts a proxy beside alice's router and has her machine use it.
    void use_proxy(const std::vector<topologies::User>& users) {
        topologies::HttpProxy proxy;
        proxy.address = {198, 51, 100, 50};
        proxy.users = users;
        if (!topologies::find(topology, "squid")) {
            topologies::Link link;
            link.name = "squid-isp";
            add_link(topology, add_node(topology, {"squid", proxy, {}}), *topologies::find(topology, "isp"), link);
        }
        *topologies::find_as<topologies::HttpProxy>(topology, "squid") = proxy;
        alice().http_proxy = "squid";
        if (users.empty()) return;
        alice().http_proxy_username = users.front().name;
        alice().http_proxy_password = users.front().password;
    }
    std::size_t count_events(std::string_view node, std::string_view event) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            scenario->events(), [&](const auto& one) { return one.node == node && one.event == event; }));
    }

    [[nodiscard]] ::testing::AssertionResult runs(const std::string& name = "run") {
        scenario.reset();
        RunOptions options;
        options.out = folder / name;
        options.real_peers = GetParam().way == Way::Guests ? RealPeers::Virtual : RealPeers::RealTime;
        auto created = Scenario::create(topology, options);
        if (!created) return ::testing::AssertionFailure() << created.error().detail;
        scenario = std::move(*created);
        return ::testing::AssertionSuccess();
    }
    RemoteUser& client() { return scenario->client("alice"); }
    VpnGateway& gateway() { return scenario->gateway("gateway"); }
    TunnelEnd* session() {
        const auto users = gateway().sessions();
        return users.empty() ? nullptr : gateway().session(users.front());
    }
    bool until(const std::function<bool()>& condition, Duration limit = 5s) {
        return scenario->run_until(condition, limit);
    }
    bool connects() {
        client().connect();
        return until([&] { return client().status().up && session(); });
    }
    void finish() {
        const auto done = scenario->finish();
        EXPECT_TRUE(done) << done.error().detail;
    }

    topologies::Topology topology;
    fs::path folder = fs::temp_directory_path() / ("gatelab-openvpn-" + std::to_string(::getpid()));
    std::unique_ptr<Scenario> scenario;
};

TEST_P(OpenVpnPair, ReachesTheInsideOverTcp) {
    ASSERT_TRUE(runs());
    ASSERT_TRUE(connects()) << client().status().failure;
    EXPECT_EQ(scenario->ping("alice", "web", 3).received, 3);
    EXPECT_EQ(scenario->ping("web", "alice", 3).received, 3);
    session()->status();  // somebody looks
    until([] { return false; }, 2s);
    const auto status = client().status(), there = session()->status();
    EXPECT_EQ(status.protocol, "openvpn-tcp");
    EXPECT_EQ(there.protocol, "openvpn-tcp");
    EXPECT_EQ(to_string(status.inner_address), "172.16.201.2");
    EXPECT_EQ(to_string(there.inner_address), "172.16.201.2");
    EXPECT_EQ(status.data_cipher, "AES-256-GCM");
    EXPECT_EQ(there.data_cipher, "AES-256-GCM");
    EXPECT_THAT(status.tls_suite, HasSubstr("TLSv1.2/TLS_ECDHE_"));
    EXPECT_EQ(there.tls_suite, status.tls_suite);
    EXPECT_THAT(status.routes, Contains(Prefix{Ipv4Address{10, 1, 0, 0}, 16}));
    EXPECT_GE(status.packets_in, 6u);
    EXPECT_GE(there.packets_in, 6u);
    EXPECT_EQ(to_string(there.outer_peer.address), "198.51.100.10");
    finish();
    EXPECT_THAT(content_of(folder / "run/keys/tls_keys"), HasSubstr("CLIENT_RANDOM"));
}

TEST_P(OpenVpnPair, ReachesTheInsideOverUdp) {
    use(Transport::Udp);
    ASSERT_TRUE(runs());
    ASSERT_TRUE(connects()) << client().status().failure;
    EXPECT_EQ(scenario->ping("alice", "web", 3).received, 3);
    EXPECT_EQ(client().status().protocol, "openvpn-udp");
    finish();
}

TEST_P(OpenVpnPair, IsServedOverUdpWhereThereIsTcpToo) {
    door().openvpn.udp_port = 1194;
    alice().openvpn.transport = Transport::Udp;
    ASSERT_TRUE(runs());
    ASSERT_TRUE(connects()) << client().status().failure;
    EXPECT_EQ(session()->status().protocol, "openvpn-udp");
    EXPECT_EQ(scenario->ping("alice", "web", 3).received, 3);
    EXPECT_EQ(scenario->ping("web", "alice", 3).received, 3);
    finish();
}

TEST_P(OpenVpnPair, ProtectsTheControlChannelInAnyWay) {
    for (const auto protection : {Protection::TlsCrypt, Protection::TlsCryptV2, Protection::None})
        for (const auto transport : {Transport::Tcp, Transport::Udp}) {
            SCOPED_TRACE(std::string{name_of(protection)} + " " + std::string{topologies::name_of(transport)});
            door().openvpn.tcp_port = 443;
            use(protection);
            use(transport);
            ASSERT_TRUE(runs(std::string{name_of(protection)} + std::string{topologies::name_of(transport)}));
            ASSERT_TRUE(connects()) << client().status().failure;
            EXPECT_EQ(scenario->ping("alice", "web", 1).received, 1);
            finish();
        }
}

TEST_P(OpenVpnPair, GoesThroughAProxy) {
    for (const auto& users : {std::vector<topologies::User>{}, std::vector<topologies::User>{{"bo", "x y"}}}) {
        SCOPED_TRACE(users.empty() ? "open" : "with Basic authentication");
        use_proxy(users);
        ASSERT_TRUE(runs(users.empty() ? "open" : "basic"));
        ASSERT_TRUE(connects()) << client().status().failure;
        EXPECT_EQ(scenario->ping("alice", "web", 3).received, 3);
        EXPECT_EQ(scenario->ping("web", "alice", 3).received, 3);
        EXPECT_EQ(to_string(session()->status().outer_peer.address), "198.51.100.50");
        EXPECT_EQ(count_events("squid", "tunnel-opened"), 1u);
        EXPECT_EQ(count_events("squid", "refused"), users.size());  // it asks who we are, once
        client().disconnect();
        EXPECT_TRUE(until([&] { return count_events("squid", "tunnel-closed") == 1; }, 20s));
        finish();
    }
}

TEST_P(OpenVpnPair, HangsUpAndDialsAgain) {
    ASSERT_TRUE(runs());
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(connects()) << client().status().failure;
        client().disconnect();
        EXPECT_TRUE(until([&] { return !client().status().up && !session(); }));
        EXPECT_EQ(client().status().failure, "requested");
        until([] { return false; }, 2s);
    }
    finish();
}

TEST_P(OpenVpnPair, RenegotiatesWithoutLosingPackets) {
    door().openvpn.renegotiate = 3s;
    use(Transport::Udp);
    ASSERT_TRUE(runs());
    ASSERT_TRUE(connects()) << client().status().failure;
    EXPECT_EQ(scenario->ping("alice", "web", 80).received, 80);
    EXPECT_GE(client().status().child_rekeys, 2);
    EXPECT_GE(session()->status().child_rekeys, 2);
    finish();
}

TEST_P(OpenVpnPair, SignsInWithPassword) {
    use_password("s3cret \"quoted\"", "s3cret \"quoted\"");
    ASSERT_TRUE(runs());
    ASSERT_TRUE(connects()) << client().status().failure;
    EXPECT_THAT(gateway().sessions(), ElementsAre("bob"));
    EXPECT_EQ(scenario->ping("alice", "web", 1).received, 1);
    finish();
}

TEST_P(OpenVpnPair, IsRefusedWithAWrongPassword) {
    use_password("s3cret", "guessed");
    ASSERT_TRUE(runs());
    client().connect();
    EXPECT_TRUE(until([&] { return !client().status().failure.empty(); }));
    EXPECT_EQ(client().status().failure, "authentication-failed");
    EXPECT_THAT(gateway().sessions(), ElementsAre());
    finish();
}

TEST_P(OpenVpnPair, IsSentAwayByTheGateway) {
    ASSERT_TRUE(runs());
    ASSERT_TRUE(connects());
    session()->disconnect();
    EXPECT_TRUE(until([&] { return !client().status().up && !session(); }));
    EXPECT_EQ(client().status().failure, "peer-exit");
    finish();
}

TEST_P(OpenVpnPair, FindsTheGatewayAgainAfterARestart) {
    use(Transport::Udp);
    door().openvpn.ping = 1s;
    door().openvpn.ping_restart = 4s;
    ASSERT_TRUE(runs());
    ASSERT_TRUE(connects());
    if (!gateway().restart()) GTEST_SKIP() << "it cannot be started anew";
    EXPECT_TRUE(until([&] { return !client().status().up; }, 10s));
    EXPECT_EQ(client().status().failure, "peer-silent");
    client().connect();  // the real one would by itself
    EXPECT_TRUE(until([&] { return client().status().up && session(); }, 30s));
    EXPECT_EQ(scenario->ping("alice", "web", 1).received, 1);
    finish();
}

// Every capture of a run, by name.
std::map<std::string, std::string> captures_in(const fs::path& run) {
    std::map<std::string, std::string> captures;
    for (const auto& entry : fs::directory_iterator{run / "pcap"})
        captures[entry.path().filename().string()] = content_of(entry.path());
    return captures;
}

TEST_P(OpenVpnPair, RepeatsItselfInVirtualTime) {
    if (GetParam().way == Way::Namespaces) GTEST_SKIP() << "real time does not repeat";
    door().openvpn.renegotiate = 2s;
    for (const auto* name : {"one", "two"}) {
        ASSERT_TRUE(runs(name));
        ASSERT_TRUE(connects());
        EXPECT_EQ(scenario->ping("alice", "web", 40).received, 40);
        finish();
    }
    EXPECT_GT(captures_in(folder / "one").size(), 3u);
    EXPECT_EQ(captures_in(folder / "one"), captures_in(folder / "two"));
    for (const auto* file : {"events.ndjson", "keys/tls_keys"})
        EXPECT_EQ(content_of(folder / "one" / file), content_of(folder / "two" / file)) << file;
}

// Both ways, every pair with a real program.
std::vector<Cast> casts() {
    std::vector<Cast> all;
    for (const auto way : {Way::Guests, Way::Namespaces})
        for (const auto& [client, gateway] : {std::pair{Implementation::OpenVpn, Implementation::OpenVpn},
                                              std::pair{Implementation::OpenVpn, Implementation::Gatelab},
                                              std::pair{Implementation::Gatelab, Implementation::OpenVpn}})
            all.push_back({way, client, gateway});
    return all;
}
INSTANTIATE_TEST_SUITE_P(Real, OpenVpnPair, ::testing::ValuesIn(casts()), name_of);

}  // namespace
}  // namespace gatelab::sim
