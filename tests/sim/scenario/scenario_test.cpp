#include "sim/scenario.h"

#include <gmock/gmock.h>

#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "impl/crypto/algorithms.h"
#include "tests/sim/scenario/full_disk.h"
#include "tests/sim/scenario/sample.h"
#include "tests/sim/scenario/scratch.h"
#include "topologies/library/library.h"
#include "topologies/yaml/reader.h"

namespace gatelab::sim {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::AllOf;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using topologies::Action;
using topologies::Topology;

topologies::Flow flow(topologies::Flow::Kind kind, const std::string& from, const std::string& to) {
    topologies::Flow flow;
    flow.kind = kind;
    flow.name = std::string(topologies::name_of(kind)) + "-" + from + "-" + to;
    flow.from = from;
    flow.to = to;
    return flow;
}

std::unique_ptr<Scenario> start(const Topology& topology, RunOptions options = {}) {
    auto created = Scenario::create(topology, std::move(options));
    EXPECT_TRUE(created) << created.error().detail;
    return created ? std::move(*created) : nullptr;
}

// The same office, with certificates instead of a pre-shared key.
Topology certified_office() {
    auto topology = office().topology();
    auto* alice = topologies::find_as<topologies::Client>(topology, "alice");
    alice->authentication = topologies::Authentication::Certificate;
    alice->certificate = "alice.example.com";
    alice->pre_shared_key.clear();
    topologies::find_as<topologies::Gateway>(topology, "gw")->pre_shared_key.clear();
    return topology;
}

bool is_up(Scenario& scenario, const std::string& client) {
    return scenario.run_until([&] { return scenario.client(client).status().up; }, 5s);
}

// --- tunnels ------------------------------------------------------------------------------------------------------

TEST(Scenario, BringsUpATunnelWithAPreSharedKey) {
    const auto scenario = start(office().topology());
    ASSERT_TRUE(is_up(*scenario, "alice"));
    const auto status = scenario->client("alice").status();
    EXPECT_EQ(status.peer, "gw.example.com");
    EXPECT_TRUE((Prefix{Ipv4Address{10, 60, 0, 0}, 24}.contains(status.inner_address)));
    EXPECT_THAT(scenario->gateway("gw").sessions(), ElementsAre("alice.example.com"));
    EXPECT_EQ(scenario->gateway("gw").session("alice.example.com")->status().ike_suite, status.ike_suite);
    EXPECT_EQ(scenario->gateway("gw").session("mallory"), nullptr);
}

TEST(Scenario, BringsUpATunnelWithCertificates) {
    const auto scenario = start(certified_office());
    EXPECT_TRUE(is_up(*scenario, "alice"));
}

TEST(Scenario, PingsBothWaysThroughATunnel) {
    const auto scenario = start(office().topology());
    ASSERT_TRUE(is_up(*scenario, "alice"));
    EXPECT_EQ(scenario->ping("alice", "app1", 3).received, 3);
    EXPECT_EQ(scenario->ping("app1", "alice", 3).received, 3);
    EXPECT_EQ(scenario->ping("alice", "10.1.0.4", 2).received, 2);
    EXPECT_EQ(scenario->ping("alice", "10.1.0.99", 2).received, 0);
    EXPECT_EQ(scenario->client("alice").status().packets_out, 10) << "3 requests, 3 replies, 2 and 2 requests";
}

TEST(Scenario, SendsNothingInTheClearBeforeTheTunnelIsUp) {
    auto topology = office().topology();
    topologies::find_as<topologies::Client>(topology, "alice")->connect_at.reset();
    const auto scenario = start(topology);
    int seen = 0;
    scenario->intercept("alice-isp", [&](const std::string&, ByteView) {
        ++seen;
        return Verdict{};
    });
    const auto result = scenario->ping("alice", "app1", 2);
    EXPECT_EQ(result.sent, 2);
    EXPECT_EQ(result.received, 0);
    EXPECT_EQ(seen, 0);
}

TEST(Scenario, TakesATunnelDownAndUpAgain) {
    const auto scenario = start(office().topology());
    ASSERT_TRUE(is_up(*scenario, "alice"));
    scenario->client("alice").disconnect();
    scenario->run_for(1s);
    EXPECT_FALSE(scenario->client("alice").status().up);
    EXPECT_TRUE(scenario->gateway("gw").sessions().empty());
    EXPECT_EQ(scenario->ping("alice", "app1", 1).received, 0);
    scenario->client("alice").connect();
    ASSERT_TRUE(is_up(*scenario, "alice"));
    EXPECT_EQ(scenario->ping("alice", "app1", 1).received, 1);
}

TEST(Scenario, PerformsTheActionsOfATopology) {
    auto topology = office().topology();
    topology.actions = {{Action::Kind::RekeyChild, 1s, "alice", {}, {}}, {Action::Kind::RekeyIke, 2s, "gw", {}, {}}};
    const auto scenario = start(topology);
    scenario->run_for(4s);
    const auto status = scenario->client("alice").status();
    EXPECT_EQ(status.child_rekeys, 1);
    EXPECT_EQ(status.ike_rekeys, 1);
    EXPECT_EQ(scenario->ping("alice", "app1", 2).received, 2);
}

TEST(Scenario, DropsReplacesAndInjectsPackets) {
    const auto scenario = start(office().topology());
    ASSERT_TRUE(is_up(*scenario, "alice"));
    Bytes last;
    scenario->intercept("alice-isp", [&](const std::string& from, ByteView packet) {
        if (from != "alice") return Verdict{};
        last = copy_of(packet);
        return Verdict{Verdict::Kind::Drop, {}};
    });
    EXPECT_EQ(scenario->ping("alice", "app1", 1).received, 0);
    scenario->intercept("alice-isp", nullptr);
    EXPECT_EQ(scenario->ping("alice", "app1", 1).received, 1);
    const auto before = scenario->gateway("gw").session("alice.example.com")->status();
    for (int i = 0; i < 2; ++i) scenario->inject("alice-isp", "alice", last);
    scenario->run_for(1s);
    const auto after = scenario->gateway("gw").session("alice.example.com")->status();
    EXPECT_EQ(after.packets_in, before.packets_in + 1) << "late, but within the replay window";
    EXPECT_EQ(after.replayed, before.replayed + 1);
}

TEST(Scenario, GivesUpOnASilentGatewayInBoundedTime) {
    const auto scenario = start(office().topology());
    scenario->intercept("alice-isp", [](const std::string&, ByteView) { return Verdict{Verdict::Kind::Drop, {}}; });
    ASSERT_TRUE(scenario->run_until([&] { return !scenario->client("alice").status().failure.empty(); }, 2min));
    EXPECT_THAT(scenario->client("alice").status().failure, testing::AnyOf("peer-silent", "timed-out"));
}

TEST(Scenario, RefusesATopologyThatDoesNotHold) {
    auto topology = office().topology();
    topology.flows = {flow(topologies::Flow::Kind::Ping, "alice", "nowhere")};
    const auto scenario = Scenario::create(topology, {});
    ASSERT_FALSE(scenario);
    EXPECT_EQ(scenario.error().fault, Fault::Malformed);
    EXPECT_THAT(scenario.error().detail, HasSubstr("nowhere"));
}

TEST(Scenario, IsAloneInItsProcess) {
    auto first = start(office().topology());
    const auto second = Scenario::create(office().topology(), {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().fault, Fault::Refused);
    first.reset();
    EXPECT_TRUE(Scenario::create(office().topology(), {}));
}

// --- the library ------------------------------------------------------------------------------------------------

Topology library(const std::string& name) {
    auto topology = topologies::load(name);
    EXPECT_TRUE(topology) << topology.error().detail;
    return *topology;
}

TEST(LibraryScenario, RunsARemoteUser) {
    const auto scenario = start(library("remote-user"));
    ASSERT_TRUE(run_to_end(*scenario, 10s));
    EXPECT_TRUE(scenario->client("alice").status().up);
    for (const auto& flow : scenario->flows()) EXPECT_EQ(flow.loss, 0) << flow.name;
}

TEST(LibraryScenario, RunsTwoUsersBehindOneNat) {
    const auto scenario = start(library("remote-user-nat"));
    ASSERT_TRUE(run_to_end(*scenario, 10s));
    for (const auto& name : {"alice", "bob"}) {
        const auto status = scenario->client(name).status();
        EXPECT_TRUE(status.up) << name << ": " << status.failure;
        EXPECT_TRUE(status.nat_here) << name;
        EXPECT_TRUE(status.udp_encapsulation) << name;
    }
    for (const auto& flow : scenario->flows()) EXPECT_EQ(flow.loss, 0) << flow.name;
}

TEST(LibraryScenario, FallsBackOrNamesTheFailureWhenUdpIsBlocked) {
    const auto scenario = start(library("udp-blocked"));
    scenario->run_for(40s);
    const auto alice = scenario->client("alice").status();
    EXPECT_TRUE(alice.up) << alice.failure;
    EXPECT_EQ(alice.protocol, "sstp");
    EXPECT_EQ(scenario->ping("alice", "web", 1).received, 1);
    const auto bob = scenario->client("bob").status();
    EXPECT_FALSE(bob.up);
    EXPECT_EQ(bob.failure, "peer-silent");
    EXPECT_EQ(scenario->ping("bob", "web", 1).received, 0);
}

// --- flows --------------------------------------------------------------------------------------------------------

TEST(Scenario, MeasuresTheFlowsOfATopology) {
    auto topology = office().topology();
    using Kind = topologies::Flow::Kind;
    topology.flows = {flow(Kind::Ping, "alice", "app1"), flow(Kind::Udp, "app1", "alice"),
                      flow(Kind::Tcp, "alice", "app1")};
    topology.flows[2].stop = 3s;
    const auto scenario = start(topology);
    scenario->run_for(6s);
    ASSERT_TRUE(scenario->finish());
    const auto flows = scenario->flows();
    ASSERT_EQ(flows.size(), 3);

    EXPECT_EQ(flows[0].path, "alice > isp > gw > hub > app1");
    EXPECT_EQ(flows[0].tunnel, "alice");
    EXPECT_EQ(flows[0].packets_sent, 4);
    EXPECT_EQ(flows[0].loss, 0) << "what is under way at the end still arrives";
    ASSERT_TRUE(flows[0].rtt_p50_ms);

    EXPECT_EQ(flows[1].path, "app1 > hub > gw > isp > alice");
    EXPECT_EQ(flows[1].loss, 0);
    EXPECT_THAT(flows[1].goodput_bps, DoubleNear(1e6, 1e4));

    EXPECT_EQ(flows[2].kind, "tcp");
    EXPECT_GT(flows[2].goodput_bps, 10e6);
    EXPECT_FALSE(flows[2].rtt_p50_ms);
}

TEST(Scenario, AddsTheProcessingDelayOfEveryNodeToTheRoundTrip) {
    const auto round_trip_ms = [](const std::map<std::string, Duration>& delays) {
        auto topology = office().topology();
        topology.flows = {flow(topologies::Flow::Kind::Ping, "alice", "app1")};
        for (const auto& [node, delay] : delays)
            topology.graph[*topologies::find(topology, node)].processing_delay = delay;
        const auto scenario = start(topology);
        scenario->run_for(4s);
        return scenario->flows().at(0).rtt_p50_ms.value_or(0);
    };
    const auto before = round_trip_ms({});
    const auto after = round_trip_ms({{"alice", 4ms}, {"isp", 1ms}, {"gw", 2ms}, {"hub", 500us}, {"app1", 3ms}});
    EXPECT_NEAR(after - before, 4 + 2 * (1 + 2 + 0.5) + 3, 1e-6) << "each is passed twice but the ends";
}

// --- evidence -----------------------------------------------------------------------------------------------------

// Every file of a run by its path, without what depends on the machine.
std::map<std::string, std::string> evidence(std::uint64_t seed) {
    const Scratch scratch;
    auto topology = certified_office();
    topology.flows = {flow(topologies::Flow::Kind::Ping, "alice", "app1"),
                      flow(topologies::Flow::Kind::Tcp, "alice", "app1")};
    topology.flows[1].stop = 2s + 50ms;
    const auto scenario = start(topology, {.seed = seed, .out = scratch / "run"});
    const auto ended = run_to_end(*scenario, 4s);
    EXPECT_TRUE(ended) << ended.error().detail;
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(scratch / "run"))
        if (entry.is_regular_file())
            files[fs::relative(entry.path(), scratch / "run").string()] = contents_of(entry.path());
    auto run = json::parse(files.at("run.json"));
    EXPECT_TRUE(run.contains("machine"));
    run.erase("machine");
    files["run.json"] = run.dump();
    return files;
}

TEST(ScenarioEvidence, RepeatsByteForByteWithTheSeed) {
    const auto first = evidence(7), second = evidence(7);
    ASSERT_GT(first.size(), 10);
    ASSERT_EQ(first.size(), second.size());
    for (const auto& [name, content] : first) EXPECT_TRUE(second.at(name) == content) << name;
}

// Builds can be compared by hand: the same number must come out of the release and the dev build.
TEST(ScenarioEvidence, HasAFingerprint) {
    Bytes all;
    for (const auto& [name, content] : evidence(7)) append(all, as_bytes(name + '\n' + content));
    std::cout << "evidence of seed 7: " << to_hex(crypto::digest(crypto::Hash::Sha256, all)) << "\n";
}

TEST(ScenarioEvidence, DiffersWithAnotherSeed) {
    const auto first = evidence(7), second = evidence(8);
    EXPECT_NE(first.at("events.ndjson"), second.at("events.ndjson"));
    EXPECT_NE(first.at("pcap/alice-alice-isp.pcap"), second.at("pcap/alice-alice-isp.pcap"));
    EXPECT_NE(first.at("keys/esp_sa"), second.at("keys/esp_sa"));
}

TEST(ScenarioEvidence, CoversTheRun) {
    const auto files = evidence(7);
    for (const auto* name : {"run.json", "events.ndjson", "flows.json", "keys/ikev2_decryption_table", "keys/esp_sa",
                             "pcap/alice-alice-isp.pcap", "pcap/gw-isp-gw.pcap", "pcap/app1-hub-app1.pcap"})
        EXPECT_FALSE(files.at(name).empty()) << name;
    const auto run = json::parse(files.at("run.json"));
    EXPECT_EQ(run.at("schema"), "gatelab.run/1");
    EXPECT_EQ(run.at("topology"), "office");
    EXPECT_EQ(run.at("seed"), 7);
    EXPECT_EQ(run.at("outcome"), "complete");
    EXPECT_EQ(run.at("summary").at("clients").at(0).at("up"), true);
    const auto flows = json::parse(files.at("flows.json"));
    EXPECT_EQ(flows.at(0).at("tunnel"), "alice");
}

TEST(ScenarioEvidence, KeepsWhatItTakesToRepeatTheRun) {
    const Scratch scratch;
    const auto* entry = topologies::find_in_library("remote-user");
    RunOptions options;
    options.out = scratch / "run";
    options.topology_text = entry->text;
    options.overrides = {"links.alice-isp.delay=50ms"};
    const auto scenario = start(library("remote-user"), options);
    ASSERT_TRUE(scenario->finish());
    EXPECT_EQ(contents_of(scratch / "run" / "topology.yaml"), entry->text);
    EXPECT_EQ(json::parse(contents_of(scratch / "run" / "run.json")).at("overrides").at(0), options.overrides[0]);
    EXPECT_TRUE(topologies::load(scratch / "run" / "topology.yaml"));
}

TEST(ScenarioEvidence, FailsByNameOnAFullDisk) {
    const Scratch scratch;
    auto topology = office().topology();
    topology.flows = {flow(topologies::Flow::Kind::Udp, "alice", "app1")};
    const auto scenario = start(topology, {.seed = 7, .out = scratch / "run"});
    scenario->run_for(3s);
    const FullDisk full{20'000};
    const auto ended = scenario->finish();
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().fault, Fault::Io);
    EXPECT_THAT(ended.error().detail, AllOf(HasSubstr("run/pcap/"), HasSubstr(".pcap")));
    EXPECT_FALSE(fs::exists(scratch / "run" / "run.json"));
}

TEST(ScenarioEvidence, FailsBeforeTheRunWhenTheDirectoryCannotBeMade) {
    const Scratch scratch;
    write_text(scratch / "file", "");
    const auto scenario = Scenario::create(office().topology(), {.seed = 7, .out = scratch / "file"});
    ASSERT_FALSE(scenario);
    EXPECT_EQ(scenario.error().fault, Fault::Io);
    EXPECT_THAT(scenario.error().detail, HasSubstr("file"));
}

TEST(ScenarioEvidence, IsNotWrittenWithoutADirectory) {
    const auto scenario = start(office().topology());
    scenario->run_for(1s);
    EXPECT_TRUE(scenario->finish());
    EXPECT_TRUE(scenario->finish()) << "idempotent";
    EXPECT_FALSE(scenario->events().empty());
}

}  // namespace
}  // namespace gatelab::sim
