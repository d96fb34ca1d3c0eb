// Tunnels through networks that reject, cut, damage, delay and go dark.
#include <gmock/gmock.h>

#include <algorithm>
#include <stdexcept>

#include "sim/scenario.h"
#include "tests/sim/scenario/scratch.h"
#include "topologies/yaml/reader.h"

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::IsEmpty;

// What lies between alice and her gateway. alice ---- box ---- isp ---- gw ---- hub ---- app1
struct Between {
    std::string box = "firewalls: {box: {inside: alice}}\n";
    std::string inner = "";   // keys of the link alice-box
    std::string faults = "";  // a list
    std::string alice = "tunnels: ikev2";
};

std::unique_ptr<Scenario> begun(const Between& between, RunOptions options = {}) {
    const auto text =
        "name: between\n"
        "certificates:\n"
        "  P2SRootCert: {key: ecdsa-256}\n"
        "  gw.example.com: {issuer: P2SRootCert, key: ecdsa-256}\n"
        "  alice: {issuer: P2SRootCert, key: ecdsa-256}\n"
        "clients:\n"
        "  alice: {address: 192.168.1.2, connect_at: 0s, username: ann, password: secret, " +
        between.alice + "}\n" + between.box +
        "routers: [isp]\n"
        "gateways:\n"
        "  gw:\n"
        "    public_address: 203.0.113.10\n"
        "    server_name: gw.example.com\n"
        "    point_to_site: {address_pool: 10.60.0.0/24, tunnel_types: [ikev2, " +
        (between.alice.find("openvpn") == std::string::npos ? "sstp" : "openvpn") +
        "], users: {ann: secret}}\n"
        "virtual_networks:\n"
        "  hub: {address_space: [10.1.0.0/16], subnets: {GatewaySubnet: 10.1.255.0/27}}\n"
        "virtual_machines: {app1: {address: 10.1.0.4}}\n"
        "links: {alice-box: {" +
        between.inner + "}, box-isp: {delay: 5ms}, isp-gw: }\n" + "faults: [" + between.faults + "]\n";
    auto reading = topologies::parse(text, "between.yaml");
    if (!reading.topology) throw std::runtime_error(to_string(reading.problems.at(0)));
    auto scenario = Scenario::create(*reading.topology, std::move(options));
    if (!scenario) throw std::runtime_error(scenario.error().detail);
    return std::move(*scenario);
}

std::string wall(const std::string& rules, const std::string& otherwise = "allow") {
    return "firewalls: {box: {inside: alice, rules: [" + rules + "], otherwise: " + otherwise + "}}\n";
}

bool is_up(Scenario& scenario, Duration limit = 10s) {
    return scenario.run_until([&] { return scenario.client("alice").status().up; }, limit);
}

std::vector<std::string> told_by(const Scenario& scenario, std::string_view component) {
    std::vector<std::string> events;
    for (const auto& event : scenario.events())
        if (event.component == component) events.push_back(event.node + ": " + event.event);
    return events;
}

constexpr auto kTlsOnly = "{action: allow, direction: outbound, protocol: tcp, destination_ports: 443, tls_only: true}";

TEST(NetworkBetween, LetsSstpPassWhereOpenVpnDies) {
    {
        const auto scenario =
            begun({.box = wall(kTlsOnly, "drop"), .alice = "tunnels: sstp, authentication: password"});
        ASSERT_TRUE(is_up(*scenario)) << scenario->client("alice").status().failure;
        EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 3);
        EXPECT_THAT(told_by(*scenario, "filter"), IsEmpty());
    }
    const auto scenario = begun({.box = wall(kTlsOnly, "drop"), .alice = "tunnels: openvpn, give_up_after: 5s"});
    EXPECT_FALSE(is_up(*scenario));
    EXPECT_FALSE(scenario->client("alice").status().failure.empty());
    EXPECT_THAT(told_by(*scenario, "filter"), Contains("box: flow-cut"));
}

TEST(NetworkBetween, BlocksATunnelThatIsUpAndLetsItGoOn) {
    const auto scenario = begun({.box = wall("{action: drop, state: any, protocol: esp, from: 2s, until: 6s}")});
    ASSERT_TRUE(is_up(*scenario));
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 3);
    scenario->run_for(3s - scenario->now());
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 0);
    scenario->run_for(7s - scenario->now());
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 3);
    EXPECT_TRUE(scenario->client("alice").status().up) << "it never noticed";
}

// What IKE is told by ICMP is not authenticated, and it goes on asking (RFC 7296 section 2.4).
TEST(NetworkBetween, RejectsIkeWhichDoesNotBelieveIt) {
    const auto scenario =
        begun({.box = wall("{action: reject, protocol: udp, destination_ports: [500, 4500], until: 2s}")});
    EXPECT_FALSE(is_up(*scenario, 1s));
    EXPECT_THAT(told_by(*scenario, "filter"), Contains("box: packet-rejected"));
    EXPECT_TRUE(is_up(*scenario, 20s)) << scenario->client("alice").status().failure;
}

TEST(NetworkBetween, LosesTheMessageThatAFaultNames) {
    const auto up_after = [](const std::string& faults) {
        const auto scenario = begun({.faults = faults});
        EXPECT_TRUE(is_up(*scenario, 30s)) << faults << ": " << scenario->client("alice").status().failure;
        if (!faults.empty()) {
            EXPECT_THAT(told_by(*scenario, "link"), testing::ElementsAre("isp: packet-dropped")) << faults;
        }
        return scenario->now();
    };
    const auto undisturbed = up_after("");
    EXPECT_LT(undisturbed, 200ms);
    for (const auto* packet : {"ike-sa-init", "ike-auth"})
        EXPECT_GT(up_after(std::string{"{link: isp-gw, from: isp, do: drop, numbers: 1, packet: "} + packet + "}"),
                  undisturbed + 400ms)
            << "it had to ask again";
}

TEST(NetworkBetween, GoesDarkAndComesBack) {
    const auto scenario = begun({.faults = "{link: isp-gw, do: drop, at: 2s, for: 3s}"});
    ASSERT_TRUE(is_up(*scenario));
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 3);
    scenario->run_for(3s - scenario->now());
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 0);
    scenario->run_for(6s - scenario->now());
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 3);
}

constexpr auto kPoor = "loss: 2%, duplicate: 5%, corrupt: 5%, reorder: 5%";

TEST(NetworkBetween, MayBeAsPoorAsItLikes) {
    for (const auto* tunnel : {"ikev2", "sstp, authentication: password", "openvpn"}) {
        const auto scenario = begun({.inner = kPoor, .alice = std::string{"tunnels: "} + tunnel});
        ASSERT_TRUE(is_up(*scenario, 60s)) << tunnel << ": " << scenario->client("alice").status().failure;
        const auto answered = scenario->ping("alice", "app1", 100).received;
        EXPECT_GT(answered, 60) << tunnel;
        EXPECT_LE(answered, 100) << tunnel;
    }
}

// UDP mappings that last for less than what lies between two keepalives (20 s): who is inside is still heard, who is
// outside finds nobody until then.
TEST(NetworkBetween, ForgetsMappingsBetweenKeepalives) {
    const auto scenario = begun({.box = "nats: {box: {outside: isp, outside_address: 198.51.100.1, mapping: "
                                        "endpoint-dependent, udp_timeout: 5s}}\n"});
    ASSERT_TRUE(is_up(*scenario));
    EXPECT_EQ(scenario->ping("app1", "alice", 3).received, 3);
    scenario->run_for(12s - scenario->now());
    EXPECT_EQ(scenario->ping("app1", "alice", 3).received, 0) << "the mapping has died";
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 3) << "and what comes from the inside makes another";
    EXPECT_EQ(scenario->ping("app1", "alice", 3).received, 3);
}

TEST(NetworkBetween, LeavesTheSameCapturesTwice) {
    const auto run = [](const std::filesystem::path& out, std::uint64_t seed) {
        const auto scenario = begun({.box = wall("{action: reject, state: any, protocol: tcp, from: 3s}"),
                                     .inner = kPoor,
                                     .faults = "{link: isp-gw, do: corrupt, share: 10%}, {link: box-isp, do: delay, "
                                               "packet: esp, share: 30%}"},
                                    {.seed = seed, .out = out});
        scenario->run_for(5s);
        EXPECT_TRUE(scenario->finish());
        std::string all;
        std::vector<std::filesystem::path> files{out / "events.ndjson"};
        for (const auto& file : std::filesystem::directory_iterator{out / "pcap"}) files.push_back(file.path());
        std::sort(files.begin(), files.end());
        for (const auto& file : files) {
            all += file.filename().string() + contents_of(file);
        }
        return all;
    };
    const Scratch one, two, other;
    const auto first = run(one / "run", 5);
    EXPECT_GT(first.size(), 10'000u);
    EXPECT_TRUE(first == run(two / "run", 5));
    EXPECT_FALSE(first == run(other / "run", 6));
}

}  // namespace
}  // namespace gatelab::sim
