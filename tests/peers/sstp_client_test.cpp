// The real sstp-client at our gateway, in both ways: with pppd in a guest, and with our PPP in a namespace.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "sim/peers/capabilities.h"
#include "sim/scenario.h"
#include "tests/peers/way.h"
#include "topologies/yaml/reader.h"

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;
using peers::Way;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using topologies::Implementation;
namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::map<std::string, std::string> captures_in(const fs::path& run) {
    std::map<std::string, std::string> captures;
    for (const auto& entry : fs::directory_iterator{run / "pcap"})
        captures[entry.path().filename().string()] = content_of(entry.path());
    return captures;
}

class SstpClientAtGatelab : public ::testing::TestWithParam<Way> {
protected:
    void SetUp() override {
        const auto able = peers::can_run(Implementation::SstpClient, GetParam() == Way::Namespaces);
        if (!able) GTEST_SKIP() << able.error().detail;
        topology = topologies::load("remote-user-sstp-real").value();
        topology.flows.clear();
        alice().connect_at.reset();
    }
    void TearDown() override {
        scenario.reset();
        if (!HasFailure()) fs::remove_all(folder);
    }

    topologies::Client& alice() { return *topologies::find_as<topologies::Client>(topology, "alice"); }
    topologies::Gateway& door() { return *topologies::find_as<topologies::Gateway>(topology, "gateway"); }

    [[nodiscard]] ::testing::AssertionResult runs(const std::string& name = "run") {
        scenario.reset();
        RunOptions options;
        options.out = folder / name;
        options.real_peers = GetParam() == Way::Guests ? RealPeers::Virtual : RealPeers::RealTime;
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
    bool until(const std::function<bool()>& condition, Duration limit = 10s) {
        return scenario->run_until(condition, limit);
    }
    bool connects() {
        client().connect();
        return until([&] { return client().status().up || !client().status().failure.empty(); }) &&
               client().status().up && until([&] { return session() && session()->status().up; });
    }
    std::string failure() {
        client().connect();
        until([&] { return !client().status().failure.empty(); }, 30s);
        return client().status().failure;
    }
    void finish() {
        const auto done = scenario->finish();
        EXPECT_TRUE(done) << done.error().detail;
        // A line has the build's sanitizers in it.
        EXPECT_THAT(evidence("ppp.log"), Not(AnyOf(HasSubstr("Sanitizer"), HasSubstr("runtime error"))));
    }
    std::string evidence(const char* file) { return content_of(folder / "run/peers/alice" / file); }

    topologies::Topology topology;
    fs::path folder = fs::temp_directory_path() / ("gatelab-sstp-client-" + std::to_string(::getpid()));
    std::unique_ptr<Scenario> scenario;
};

TEST_P(SstpClientAtGatelab, ReachesTheInsideAndIsReachedThere) {
    ASSERT_TRUE(runs());
    ASSERT_TRUE(connects()) << client().status().failure;
    EXPECT_EQ(scenario->ping("alice", "web", 3).received, 3);
    EXPECT_EQ(scenario->ping("web", "alice", 3).received, 3);
    client().status();  // somebody looks
    until([] { return false; }, 2s);
    const auto status = client().status(), there = session()->status();
    EXPECT_EQ(status.protocol, "sstp");
    EXPECT_EQ(there.protocol, "sstp");
    EXPECT_EQ(status.inner_address, there.inner_address);
    EXPECT_TRUE((Prefix{Ipv4Address{172, 16, 201, 0}, 24}.contains(status.inner_address)));
    EXPECT_EQ(status.authentication, "mschapv2");
    EXPECT_EQ(there.authentication, "mschapv2");
    EXPECT_THAT(status.dns, ElementsAre(Ipv4Address{10, 1, 0, 53}));
    EXPECT_THAT(status.routes, Contains(Prefix{Ipv4Address{10, 1, 0, 0}, 16}));
    EXPECT_THAT(gateway().sessions(), ElementsAre("alice"));
    EXPECT_EQ(to_string(there.outer_peer.address), "198.51.100.10");
    EXPECT_THAT(there.tls_suite, HasSubstr("TLSv1.2/"));
    EXPECT_GE(status.packets_in, 6u);
    EXPECT_GE(status.packets_out, 6u);
    EXPECT_EQ(there.packets_in, 6u);
    ASSERT_EQ(status.attempts.size(), 1u);
    EXPECT_EQ(status.attempts.front().failure, "");
    finish();
    EXPECT_THAT(content_of(folder / "run/keys/tls_keys"), HasSubstr("CLIENT_RANDOM"));
    EXPECT_THAT(evidence("program.txt"), HasSubstr("sstp-client 1."));
}

TEST_P(SstpClientAtGatelab, BindsWithTheBestHashThatTheGatewayOffers) {
    for (const auto* hash : {"SHA256", "SHA1"}) {
        SCOPED_TRACE(hash);
        door().sstp.hashes = {hash};
        ASSERT_TRUE(runs());
        ASSERT_TRUE(connects()) << client().status().failure;
        EXPECT_EQ(session()->status().crypto_binding, hash);
        finish();
    }
    door().sstp.hashes = {"SHA1", "SHA256"};
    ASSERT_TRUE(runs());
    ASSERT_TRUE(connects()) << client().status().failure;
    EXPECT_EQ(session()->status().crypto_binding, "SHA256");
    finish();
}

TEST_P(SstpClientAtGatelab, SignsInByPapWhereTheGatewayWantsThat) {
    door().sstp.authentication = {"pap"};
    ASSERT_TRUE(runs());
    ASSERT_TRUE(connects()) << client().status().failure;
    EXPECT_EQ(client().status().authentication, "pap");
    EXPECT_EQ(session()->status().authentication, "pap");
    EXPECT_NE(session()->status().crypto_binding, "");
    EXPECT_EQ(scenario->ping("alice", "web", 1).received, 1);
    finish();
}

TEST_P(SstpClientAtGatelab, HangsUpAndDialsAgain) {
    ASSERT_TRUE(runs());
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(connects()) << client().status().failure;
        EXPECT_EQ(scenario->ping("alice", "web", 1).received, 1);
        client().disconnect();
        EXPECT_TRUE(until([&] { return !client().status().up && !session(); }));
        EXPECT_EQ(client().status().failure, "requested");
    }
    finish();
}

TEST_P(SstpClientAtGatelab, IsSentAwayByTheGateway) {
    ASSERT_TRUE(runs());
    ASSERT_TRUE(connects()) << client().status().failure;
    session()->disconnect();
    EXPECT_TRUE(until([&] { return !client().status().up && !session(); }));
    EXPECT_EQ(client().status().failure, "peer-disconnected");
    finish();
}

TEST_P(SstpClientAtGatelab, DialsAgainAfterTheGatewayHasCrashed) {
    alice().reconnects = true;
    ASSERT_TRUE(runs());
    ASSERT_TRUE(connects()) << client().status().failure;
    ASSERT_TRUE(gateway().restart());
    EXPECT_EQ(session(), nullptr);
    // The gateway's kernel says so at the next packet.
    scenario->ping("alice", "web", 1);
    EXPECT_TRUE(until([&] { return !client().status().up; }, 40s));
    EXPECT_TRUE(until([&] { return client().status().up && session(); }, 20s)) << client().status().failure;
    EXPECT_EQ(scenario->ping("alice", "web", 1).received, 1);
    EXPECT_EQ(scenario->ping("web", "alice", 1).received, 1);
    finish();
}

TEST_P(SstpClientAtGatelab, IsRefusedWithAWrongPassword) {
    alice().password = "guessed";
    ASSERT_TRUE(runs());
    EXPECT_EQ(failure(), "authentication-failed");
    EXPECT_THAT(gateway().sessions(), IsEmpty());
    finish();
    EXPECT_THAT(evidence("guest.log") + evidence("options") + evidence("sstpc.log"), Not(HasSubstr("guessed")));
}

TEST_P(SstpClientAtGatelab, RefusesAGatewayWithAnOldCertificate) {
    for (auto& certificate : topology.certificates)
        if (certificate.name == door().certificate) certificate.not_after = instant_from_unix(1580000000);
    ASSERT_TRUE(runs());
    EXPECT_EQ(failure(), "tls-failed");
    EXPECT_THAT(gateway().sessions(), IsEmpty());
    finish();
    EXPECT_THAT(evidence("sstpc.log"), HasSubstr("certificate has expired"));
}

TEST_P(SstpClientAtGatelab, SaysThatNobodyListens) {
    door().implementation = Implementation::Absent;
    ASSERT_TRUE(runs());
    EXPECT_EQ(failure(), "no-connection");
    finish();
}

TEST_P(SstpClientAtGatelab, GoesThroughAProxyThatAsksWhoItIs) {
    const auto proxy = boost::add_vertex(topology.graph);
    topology.graph[proxy].name = "squid";
    topologies::HttpProxy squid;
    squid.address = Ipv4Address{198, 51, 100, 20};
    squid.users = {{"bob", "pr0xy"}};
    topology.graph[proxy].kind = squid;
    topologies::Link link;
    link.name = "squid-isp";
    boost::add_edge(proxy, *topologies::find(topology, "isp"), link, topology.graph);
    alice().http_proxy = "squid";
    alice().http_proxy_username = "bob";
    alice().http_proxy_password = "pr0xy";
    ASSERT_TRUE(runs());
    ASSERT_TRUE(connects()) << client().status().failure;
    EXPECT_EQ(scenario->ping("alice", "web", 1).received, 1);
    EXPECT_EQ(to_string(session()->status().outer_peer.address), "198.51.100.20");
    client().disconnect();
    EXPECT_TRUE(until([&] { return !session(); }));
    finish();
    EXPECT_THAT(evidence("guest.log"), Not(HasSubstr("pr0xy")));
    // Refused, sstpc asks again with the same password, for ever.
    alice().http_proxy_password = "guessed";
    alice().give_up_after = 3s;
    ASSERT_TRUE(runs());
    EXPECT_EQ(failure(), "timed-out");
    EXPECT_THAT(gateway().sessions(), IsEmpty());
    finish();
}

TEST_P(SstpClientAtGatelab, RepeatsBitForBit) {
    if (GetParam() == Way::Namespaces) GTEST_SKIP() << "real time does not repeat";
    for (const auto* name : {"one", "two"}) {
        ASSERT_TRUE(runs(name));
        ASSERT_TRUE(connects()) << client().status().failure;
        EXPECT_EQ(scenario->ping("alice", "web", 3).received, 3);
        client().disconnect();
        EXPECT_TRUE(until([&] { return !session(); }));
        finish();
    }
    EXPECT_GT(captures_in(folder / "one").size(), 3u);
    EXPECT_EQ(captures_in(folder / "one"), captures_in(folder / "two"));
    EXPECT_EQ(content_of(folder / "one/events.ndjson"), content_of(folder / "two/events.ndjson"));
}

INSTANTIATE_TEST_SUITE_P(Sstp, SstpClientAtGatelab, peers::kWays, peers::name_of_parameter);

}  // namespace
}  // namespace gatelab::sim
