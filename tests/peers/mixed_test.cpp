// gatelab and strongSwan face to face, in scenarios of the library's topologies.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <sstream>
#include <thread>

#include "sim/scenario.h"
#include "tests/peers/way.h"
#include "topologies/yaml/reader.h"

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;
using topologies::Implementation;
namespace fs = std::filesystem;

struct Pair {
    std::string name;
    Implementation client, gateway;
    RealPeers how;
};

std::string last_line_of(const std::string& command) {
    std::string text;
    std::array<char, 4096> part{};
    auto* pipe = ::popen(command.c_str(), "re");
    while (pipe && std::fgets(part.data(), static_cast<int>(part.size()), pipe)) text += part.data();
    if (pipe) ::pclose(pipe);
    return text;
}

class Mixed : public ::testing::TestWithParam<Pair> {
protected:
    void SetUp() override {
        const auto way = GetParam().how == RealPeers::Virtual ? peers::Way::Guests : peers::Way::Namespaces;
        if (const auto able = peers::can_run_strongswan(way); !able) GTEST_SKIP() << able.error().detail;
    }
    void TearDown() override {
        scenario.reset();
        if (!HasFailure()) fs::remove_all(folder);
    }

    topologies::Topology prepared(const std::string& name) {
        auto topology = topologies::load(name).value();
        topology.flows.clear();
        for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph))) {
            auto& kind = topology.graph[vertex].kind;
            if (auto* client = std::get_if<topologies::Client>(&kind)) {
                client->implementation = GetParam().client;
                client->connect_at.reset();
            }
            if (auto* gateway = std::get_if<topologies::Gateway>(&kind)) gateway->implementation = GetParam().gateway;
        }
        return topology;
    }

    void by_key(topologies::Topology& topology) {
        auto* alice = topologies::find_as<topologies::Client>(topology, "alice");
        alice->authentication = topologies::Authentication::PreSharedKey;
        alice->pre_shared_key = "correct horse";
        topologies::find_as<topologies::Gateway>(topology, "gateway")->pre_shared_key = "correct horse";
    }

    void run(const topologies::Topology& topology) {
        RunOptions options;
        options.out = folder;
        options.real_peers = GetParam().how;
        options.lateness_budget = 1s;
        auto created = Scenario::create(topology, options);
        ASSERT_TRUE(created) << created.error().detail;
        scenario = std::move(*created);
    }

    bool up(const std::string& name = "alice") {
        auto& client = scenario->client(name);
        client.connect();
        scenario->run_until([&] { return client.status().up; }, 5s);
        return client.status().up && scenario->run_until([&] { return session(name) != nullptr; }, 2s);
    }
    TunnelEnd* session(const std::string& name) {
        auto& gateway = scenario->gateway("gateway");
        for (const auto& user : gateway.sessions())
            if (user.find(name) != std::string::npos) return gateway.session(user);
        return nullptr;
    }
    std::string why(const std::string& name = "alice") { return scenario->client(name).status().failure; }
    void expect_pings(const std::string& from, const std::string& to) {
        EXPECT_EQ(scenario->ping(from, to, 3).received, 3) << from << " to " << to;
    }

    const fs::path folder = fs::path{::testing::TempDir()} / ("gatelab-mixed-" + std::to_string(::getpid()));
    std::unique_ptr<Scenario> scenario;
};

INSTANTIATE_TEST_SUITE_P(
    Pairs, Mixed,
    ::testing::Values(
        Pair{"StrongSwanAtOurs", Implementation::StrongSwan, Implementation::Gatelab, RealPeers::RealTime},
        Pair{"OursAtStrongSwan", Implementation::Gatelab, Implementation::StrongSwan, RealPeers::RealTime},
        Pair{"StrongSwanInAGuestAtOurs", Implementation::StrongSwan, Implementation::Gatelab, RealPeers::Virtual},
        Pair{"OursAtStrongSwanInAGuest", Implementation::Gatelab, Implementation::StrongSwan, RealPeers::Virtual}),
    [](const auto& each) { return each.param.name; });

TEST_P(Mixed, ConnectByCertificateAndPingBothWays) {
    run(prepared("remote-user"));
    ASSERT_TRUE(up()) << why();
    const auto near = scenario->client("alice").status(), far = session("alice")->status();
    EXPECT_EQ(near.ike_suite, far.ike_suite);
    EXPECT_EQ(near.child_suite, far.child_suite);
    EXPECT_EQ(near.inbound_spi, far.outbound_spi);
    EXPECT_EQ(near.inner_address, far.inner_address);
    expect_pings("alice", "web");
    expect_pings("web", "alice");
}

TEST_P(Mixed, ConnectByKey) {
    auto topology = prepared("remote-user");
    by_key(topology);
    run(topology);
    ASSERT_TRUE(up()) << why();
    expect_pings("alice", "web");
    expect_pings("web", "alice");
}

TEST_P(Mixed, ConnectTwoFromBehindOneNat) {
    run(prepared("remote-user-nat"));
    ASSERT_TRUE(up("alice")) << why("alice");
    ASSERT_TRUE(up("bob")) << why("bob");
    expect_pings("alice", "web");
    expect_pings("web", "bob");
    expect_pings("alice", "bob");
}

// The VM itself is a selector here: the gateway must not take its packets for its own.
TEST_P(Mixed, KeepToTheSelectorsThatTheClientAskedFor) {
    for (const auto& wanted : {Prefix{Ipv4Address{10, 1, 0, 0}, 24}, Prefix{Ipv4Address{10, 1, 0, 4}, 32}}) {
        SCOPED_TRACE(to_string(wanted));
        auto topology = prepared("remote-user");
        topologies::find_as<topologies::Client>(topology, "alice")->remote_selectors = {wanted};
        run(topology);
        ASSERT_TRUE(up()) << why();
        EXPECT_EQ(scenario->client("alice").status().remote_selectors, to_string(wanted));
        expect_pings("alice", "web");
        expect_pings("web", "alice");
        EXPECT_EQ(scenario->ping("alice", "10.1.0.254", 1).received, 0) << "nobody is there";
        scenario.reset();
    }
}

TEST_P(Mixed, CarryUdpAndTcpBothWays) {
    auto topology = prepared("remote-user");
    const auto add = [&](const std::string& name, topologies::Flow::Kind kind, Duration start, bool inward) {
        topologies::Flow flow;
        flow.kind = kind;
        flow.name = name;
        flow.from = inward ? "alice" : "web";
        flow.to = inward ? "web" : "alice";
        flow.start = start;
        flow.stop = start + 500ms;
        flow.bits_per_second = 400'000;
        flow.packet_size = 500;
        topology.flows.push_back(flow);
    };
    // One after the other: TCP fills the queues, and a full queue drops.
    add("udp-in", topologies::Flow::Kind::Udp, 1500ms, true);
    add("udp-out", topologies::Flow::Kind::Udp, 1500ms, false);
    add("tcp-in", topologies::Flow::Kind::Tcp, 2500ms, true);
    add("tcp-out", topologies::Flow::Kind::Tcp, 3500ms, false);
    for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph)))
        topology.graph[edge].bits_per_second = 10'000'000;
    run(topology);
    ASSERT_TRUE(up()) << why();
    ASSERT_LT(scenario->now(), 1500ms);
    scenario->run_for(4500ms - scenario->now());
    ASSERT_TRUE(scenario->finish());
    ASSERT_EQ(scenario->flows().size(), 4u);
    for (const auto& flow : scenario->flows()) {
        SCOPED_TRACE(flow.name);
        EXPECT_EQ(flow.tunnel, "alice");
        EXPECT_GT(flow.bytes_received, 0u);
        if (flow.kind != "udp") continue;
        EXPECT_EQ(flow.packets_sent, 50u);
        EXPECT_EQ(flow.packets_received, flow.packets_sent);
        EXPECT_EQ(flow.bytes_received, 25'000u);
    }
}

TEST_P(Mixed, RekeyFromEitherSide) {
    run(prepared("remote-user"));
    ASSERT_TRUE(up()) << why();
    const auto settled = [&](int ike, int child) {
        return scenario->run_until(
            [&] {
                auto* far_end = session("alice");
                if (!far_end) return false;
                const auto near = scenario->client("alice").status(), far = far_end->status();
                return near.ike_rekeys == ike && far.ike_rekeys == ike && near.child_rekeys == child &&
                       far.child_rekeys == child && near.inbound_spi == far.outbound_spi;
            },
            5s);
    };
    scenario->client("alice").rekey_child();
    EXPECT_TRUE(settled(0, 1));
    expect_pings("alice", "web");
    ASSERT_TRUE(session("alice"));
    session("alice")->rekey_child();
    EXPECT_TRUE(settled(0, 2));
    expect_pings("web", "alice");
    scenario->client("alice").rekey_ike();
    EXPECT_TRUE(settled(1, 2));
    expect_pings("alice", "web");
    ASSERT_TRUE(session("alice"));
    session("alice")->rekey_ike();
    EXPECT_TRUE(settled(2, 2));
    expect_pings("web", "alice");
}

TEST_P(Mixed, HangUpFromEitherSide) {
    run(prepared("remote-user"));
    ASSERT_TRUE(up()) << why();
    auto& gateway = scenario->gateway("gateway");
    scenario->client("alice").disconnect();
    EXPECT_TRUE(scenario->run_until([&] { return gateway.sessions().empty(); }, 5s));
    scenario->run_for(300ms);  // the answer has to get back, or there is nothing to dial from
    ASSERT_TRUE(up()) << why();
    ASSERT_TRUE(session("alice"));
    session("alice")->disconnect();
    EXPECT_TRUE(scenario->run_until([&] { return !scenario->client("alice").status().up; }, 5s));
    EXPECT_EQ(why(), "peer-deleted");
}

TEST_P(Mixed, NoticeAPeerThatFellSilent) {
    auto topology = prepared("remote-user");
    topologies::find_as<topologies::Client>(topology, "alice")->liveness = 1s;
    run(topology);
    ASSERT_TRUE(up()) << why();
    scenario->intercept("isp-gateway", [](const auto&, auto) { return Verdict{Verdict::Kind::Drop, {}}; });
    EXPECT_TRUE(scenario->run_until([&] { return !scenario->client("alice").status().up; }, 40s));
    EXPECT_EQ(why(), "peer-silent");
}

TEST_P(Mixed, LeaveCapturesThatTsharkDecrypts) {
    if (::access("/usr/bin/tshark", X_OK) != 0) GTEST_SKIP() << "there is no tshark: install tshark";
    run(prepared("remote-user"));
    ASSERT_TRUE(up()) << why();
    scenario->client("alice").rekey_ike();
    scenario->run_until([&] { return scenario->client("alice").status().ike_rekeys == 1; }, 5s);
    scenario->client("alice").rekey_child();
    scenario->run_until([&] { return scenario->client("alice").status().child_rekeys == 1; }, 5s);
    expect_pings("alice", "web");
    scenario->client("alice").disconnect();
    scenario->run_until([&] { return scenario->gateway("gateway").sessions().empty(); }, 5s);
    ASSERT_TRUE(scenario->finish());
    const auto see = [&](const std::string& filter) {
        const auto captured = last_line_of("ls " + (folder / "pcap").string() + "/*alice-isp.pcap");
        std::istringstream files{captured};
        std::string file;
        files >> file;
        return last_line_of("WIRESHARK_CONFIG_DIR=" + (folder / "keys").string() + " tshark -r " + file + " -Y '" +
                            filter + "' 2>/dev/null | wc -l");
    };
    EXPECT_EQ(see("isakmp.exchangetype == 35 && isakmp.auth.method"), "2\n");
    EXPECT_EQ(see("icmp"), "6\n");
    EXPECT_EQ(see("isakmp.exchangetype == 36 && isakmp.nonce"), "4\n") << "both rekeyings";
    EXPECT_EQ(see("_ws.malformed || _ws.expert.severity == error"), "0\n");
}

TEST_P(Mixed, KeepNoSecretsAmongTheEvidence) {
    auto topology = prepared("remote-user");
    by_key(topology);
    run(topology);
    ASSERT_TRUE(up()) << why();
    ASSERT_TRUE(scenario->finish());
    const auto found =
        last_line_of("grep -rlE 'PRIVATE KEY|Sk_ei|correct horse|636f727265637420' " + (folder / "peers").string());
    EXPECT_EQ(found, "");
    const auto names = last_line_of("cat " + (folder / "peers").string() + "/*/program.txt");
    EXPECT_THAT(names, ::testing::HasSubstr("exit status 0"));
}

TEST_P(Mixed, BecomeInvalidRatherThanFailedWhenTheSimulatorFallsBehind) {
    if (GetParam().how == RealPeers::Virtual) GTEST_SKIP() << "virtual time falls behind nothing";
    RunOptions options;
    options.lateness_budget = 300ms;
    auto created = Scenario::create(prepared("remote-user"), options);
    ASSERT_TRUE(created) << created.error().detail;
    scenario = std::move(*created);
    scenario->run_for(200ms);
    EXPECT_TRUE(scenario->lateness().real_time);
    EXPECT_TRUE(scenario->lateness().kept());
    int checks = 0;  // the first comes before the run begins
    scenario->run_until(
        [&] {
            if (++checks == 5) std::this_thread::sleep_for(500ms);
            return false;
        },
        200ms);
    EXPECT_FALSE(scenario->lateness().kept());
    EXPECT_GE(scenario->lateness().worst, 400ms);
}

}  // namespace
}  // namespace gatelab::sim
