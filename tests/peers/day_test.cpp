// strongSwan and our product for a day: rekeyings, liveness, a little traffic; and nothing piles up.
//
// Two simulated hours unless GATELAB_DAY_HOURS says otherwise; tells wall time and packets.
//
//   GATELAB_DAY_HOURS=24 peers_day_test
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "sim/peers/files.h"
#include "sim/scenario.h"
#include "tests/peers/way.h"
#include "topologies/yaml/reader.h"

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;
using topologies::Implementation;
namespace fs = std::filesystem;

int hours() {
    const auto* wanted = std::getenv("GATELAB_DAY_HOURS");
    return wanted ? std::max(1, std::atoi(wanted)) : 2;
}

int count(const std::string& text, const std::string& what) {
    int times = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++times;
    return times;
}

struct Roles {
    std::string name;
    Implementation client, gateway;
    std::string real, ours;
};

class Day : public ::testing::TestWithParam<Roles> {};
INSTANTIATE_TEST_SUITE_P(BothRoles, Day,
                         ::testing::Values(Roles{"StrongSwanAtOurs", Implementation::StrongSwan,
                                                 Implementation::Gatelab, "alice", "gateway"},
                                           Roles{"OursAtStrongSwan", Implementation::Gatelab,
                                                 Implementation::StrongSwan, "gateway", "alice"}),
                         [](const auto& each) { return each.param.name; });

TEST_P(Day, PassesWithRekeyingsAndLivenessAndLeaksNothing) {
    if (const auto able = peers::can_run_strongswan(peers::Way::Guests); !able) GTEST_SKIP() << able.error().detail;
    const auto folder = fs::path{::testing::TempDir()} / ("gatelab-day-" + std::to_string(::getpid()));
    auto topology = topologies::load("remote-user").value();
    auto* alice = topologies::find_as<topologies::Client>(topology, "alice");
    auto* gateway = topologies::find_as<topologies::Gateway>(topology, "gateway");
    alice->implementation = GetParam().client;
    gateway->implementation = GetParam().gateway;
    // Either side begins some of the rekeyings.
    alice->child_lifetime = gateway->ike_lifetime = 50min;
    gateway->child_lifetime = 70min;
    alice->ike_lifetime = 2h;
    alice->liveness = gateway->liveness = 30s;
    topology.duration = hours() * 1h;
    for (auto& flow : topology.flows) flow.interval = 10min;
    std::erase_if(topology.flows, [](const auto& flow) { return flow.kind != topologies::Flow::Kind::Ping; });
    RunOptions options;
    options.real_peers = RealPeers::Virtual;
    options.out = folder;
    auto created = Scenario::create(topology, options);
    ASSERT_TRUE(created) << created.error().detail;
    auto& scenario = **created;
    std::uint64_t packets = 0, live = 0;
    scenario.intercept("isp-gateway", [&](const auto&, ByteView packet) {
        ++packets;
        live += packet[9] == 17;
        return Verdict{};
    });
    const auto began = std::chrono::steady_clock::now();
    scenario.client("alice").connect();
    scenario.run_for(topology.duration);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began;
    // Brings what strongSwan says up to date.
    scenario.client("alice").status();
    scenario.gateway("gateway").sessions();
    scenario.run_for(1s);
    const auto status = scenario.client("alice").status();
    ASSERT_TRUE(status.up) << status.failure;
    EXPECT_EQ(scenario.gateway("gateway").sessions().size(), 1u);
    EXPECT_EQ(scenario.ping("alice", "web", 3).received, 3);
    std::int64_t installed = 0;
    for (const auto& event : scenario.events()) {
        if (event.node != GetParam().ours || event.component != "ipsec") continue;
        installed += event.event == "child-installed";
        installed -= event.event == "child-removed";
    }
    ASSERT_TRUE(scenario.finish());
    const auto evidence = peers::read_file(folder / "peers" / GetParam().real / "xfrm-state.txt");
    std::cout << fmt::format(
        "{} simulated hours in {:.1f} s of wall time; {} packets, {} of them IKE; {} IKE and {} child rekeyings\n",
        hours(), wall.count(), packets, live, status.ike_rekeys, status.child_rekeys);
    EXPECT_GE(status.ike_rekeys, hours() * 60 / 50 - 1);
    EXPECT_GE(status.child_rekeys, hours() * 60 / 50 - 1);
    const auto associations = evidence.substr(0, evidence.find("$ ip xfrm policy"));
    EXPECT_EQ(count(associations, "proto esp spi 0x"), 2) << "one association each way in the kernel\n" << evidence;
    EXPECT_EQ(installed, 1) << "one child at our end";
    EXPECT_GE(live, static_cast<std::uint64_t>(hours()) * 3600 / 30) << "liveness";
    EXPECT_GE(scenario.flows().at(0).packets_received + 1, scenario.flows().at(0).packets_sent);
    if (!HasFailure()) fs::remove_all(folder);
}

}  // namespace
}  // namespace gatelab::sim
