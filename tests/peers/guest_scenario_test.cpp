// What only scenarios in virtual time can show: they repeat, and a guest may die.
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "sim/peers/files.h"
#include "sim/scenario.h"
#include "tests/peers/way.h"
#include "topologies/yaml/reader.h"

namespace gatelab::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using topologies::Implementation;
namespace fs = std::filesystem;

class GuestScenario : public ::testing::Test {
protected:
    void SetUp() override {
        if (const auto able = peers::can_run_strongswan(peers::Way::Guests); !able) GTEST_SKIP() << able.error().detail;
    }
    void TearDown() override {
        if (!HasFailure()) fs::remove_all(folder);
    }

    static topologies::Topology remote_user(Implementation client, Implementation gateway) {
        auto topology = topologies::load("remote-user").value();
        topologies::find_as<topologies::Client>(topology, "alice")->implementation = client;
        topologies::find_as<topologies::Gateway>(topology, "gateway")->implementation = gateway;
        topology.duration = 4s;
        return topology;
    }

    // Everything that a run leaves but what depends on the machine, by relative path.
    std::map<std::string, std::string> run(const topologies::Topology& topology, const std::string& name,
                                           std::uint64_t seed) const {
        RunOptions options;
        options.seed = seed;
        options.real_peers = RealPeers::Virtual;
        options.out = folder / name;
        auto scenario = Scenario::create(topology, options);
        EXPECT_TRUE(scenario) << scenario.error().detail;
        const auto ended = run_to_end(**scenario, topology.duration);
        EXPECT_TRUE(ended) << ended.error().detail;
        scenario->reset();  // what is left is left for good
        std::map<std::string, std::string> files;
        for (const auto& entry : fs::recursive_directory_iterator(options.out))
            if (entry.is_regular_file())
                files[fs::relative(entry.path(), options.out).string()] = peers::read_file(entry.path());
        auto run = nlohmann::json::parse(files["run.json"]);
        run.erase("machine");
        files["run.json"] = run.dump(1);
        return files;
    }

    const fs::path folder = fs::path{::testing::TempDir()} / ("gatelab-guests-" + std::to_string(::getpid()));
};

TEST_F(GuestScenario, RepeatsToTheLastByteWhateverItsFolderIsCalled) {
    for (const auto& [client, gateway] : {std::pair{Implementation::StrongSwan, Implementation::Gatelab},
                                          std::pair{Implementation::Gatelab, Implementation::StrongSwan}}) {
        const auto topology = remote_user(client, gateway);
        const auto one = run(topology, "one", 7), again = run(topology, "another-name", 7),
                   other = run(topology, "other", 8);
        ASSERT_GT(one.count("pcap/isp-isp-gateway.pcap"), 0u);
        for (const auto& [name, text] : one) EXPECT_TRUE(again.at(name) == text) << name << " differs";
        EXPECT_EQ(one.size(), again.size());
        EXPECT_NE(one.at("pcap/isp-isp-gateway.pcap"), other.at("pcap/isp-isp-gateway.pcap"));
        EXPECT_NE(one.at("keys/esp_sa"), other.at("keys/esp_sa"));
    }
}

TEST_F(GuestScenario, TellsItsKernelAndProgramsInRunJson) {
    const auto files = run(remote_user(Implementation::StrongSwan, Implementation::Gatelab), "run", 1);
    const auto real = nlohmann::json::parse(files.at("run.json")).at("real_peers");
    EXPECT_EQ(real.at("mode"), "virtual");
    EXPECT_FALSE(real.at("kernel").at("hash").get<std::string>().empty());
    EXPECT_THAT(real.at("programs").at("alice").get<std::string>(), HasSubstr("charon-systemd 5."));
    EXPECT_THAT(files.at("events.ndjson"), HasSubstr("tunnel-up"));
    EXPECT_THAT(files.at("peers/alice/xfrm-state.txt"), HasSubstr("proto esp spi"));
    EXPECT_THAT(files.at("peers/alice/program.txt"), HasSubstr("exit status 0"));
}

// The processes of guests below us.
std::set<pid_t> guest_processes() {
    const auto kernel = fs::canonical(peers::uml::find_kernel()->path);
    std::set<pid_t> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        std::error_code error;
        const auto program = fs::read_symlink(entry.path() / "exe", error);
        if (error || program != kernel) continue;
        for (auto pid = entry.path().filename().string(); pid != "0" && pid != "1";) {
            if (pid == std::to_string(::getpid())) found.insert(std::stoi(entry.path().filename().string()));
            const auto status = peers::read_file("/proc/" + pid + "/stat");
            std::istringstream rest{status.substr(std::min(status.size(), status.rfind(')') + 1))};
            std::string state, parent;
            rest >> state >> parent;
            pid = parent.empty() ? "0" : parent;
        }
    }
    return found;
}

TEST_F(GuestScenario, NamesAGuestThatIsKilledAndGoesOn) {
    const auto topology = remote_user(Implementation::StrongSwan, Implementation::Gatelab);
    RunOptions options;
    options.real_peers = RealPeers::Virtual;
    options.out = folder / "killed";
    auto created = Scenario::create(topology, options);
    ASSERT_TRUE(created) << created.error().detail;
    auto& scenario = **created;
    auto& alice = scenario.client("alice");
    alice.connect();
    ASSERT_TRUE(scenario.run_until([&] { return alice.status().up; }, 2s)) << alice.status().failure;
    scenario.run_for(2500ms - scenario.now());
    const auto processes = guest_processes();
    ASSERT_FALSE(processes.empty());
    ASSERT_EQ(::kill(*processes.begin(), SIGKILL), 0);
    const auto ended = run_to_end(scenario, topology.duration);
    ASSERT_FALSE(ended);
    EXPECT_THAT(ended.error().detail, HasSubstr("alice"));
    EXPECT_EQ(alice.status().failure, "program-died");
    EXPECT_FALSE(alice.status().up);
    const auto& events = scenario.events();
    EXPECT_TRUE(std::any_of(events.begin(), events.end(),
                            [](const Event& event) { return event.node == "alice" && event.event == "program-died"; }));
    EXPECT_LT(scenario.flows().at(0).packets_received, scenario.flows().at(0).packets_sent);
    const auto run = nlohmann::json::parse(peers::read_file(options.out / "run.json"));
    EXPECT_EQ(run.at("outcome"), "peer-died");
    EXPECT_EQ(run.at("failure"), ended.error().detail);
}

// Native ESP between our engine and the kernel's, where no NAT asks for UDP.
TEST_F(GuestScenario, CarriesNativeEspOfBothFamiliesToTheKernelAndBack) {
    struct Case {
        std::string row, in_the_kernel;
    };
    const std::vector<Case> cases = {{"AES_GCM_16-256", "rfc4106(gcm(aes))"},
                                     {"AES_CBC-256/HMAC_SHA1_96", "hmac(sha1)"}};
    for (const auto& one : cases)
        for (const bool dialling : {true, false}) {
            SCOPED_TRACE(one.row + (dialling ? ", strongSwan dials" : ", strongSwan answers"));
            const auto real = Implementation::StrongSwan, ours = Implementation::Gatelab;
            auto topology = dialling ? remote_user(real, ours) : remote_user(ours, real);
            topology.flows.clear();
            topologies::find_as<topologies::Client>(topology, "alice")->ipsec_policy = {one.row};
            RunOptions options;
            options.real_peers = RealPeers::Virtual;
            options.out = folder / "native";
            auto created = Scenario::create(topology, options);
            ASSERT_TRUE(created) << created.error().detail;
            auto& scenario = **created;
            std::map<int, int> protocols;
            scenario.intercept("isp-gateway", [&](const auto&, ByteView packet) {
                ++protocols[packet[9]];
                return Verdict{};
            });
            auto& alice = scenario.client("alice");
            alice.connect();
            ASSERT_TRUE(scenario.run_until([&] { return alice.status().up; }, 2s)) << alice.status().failure;
            EXPECT_EQ(alice.status().child_suite, one.row);
            EXPECT_FALSE(alice.status().udp_encapsulation);
            EXPECT_EQ(scenario.ping("alice", "web", 3).received, 3);
            EXPECT_EQ(scenario.ping("web", "alice", 3).received, 3);
            EXPECT_EQ(protocols[50], 12);
            ASSERT_TRUE(scenario.finish());
            EXPECT_THAT(peers::read_file(options.out / "peers" / (dialling ? "alice" : "gateway") / "xfrm-state.txt"),
                        HasSubstr(one.in_the_kernel));
        }
}

TEST_F(GuestScenario, KeepsStepWithTheWallClockWhenAsked) {
    auto topology = remote_user(Implementation::StrongSwan, Implementation::Gatelab);
    topology.flows.clear();
    RunOptions options;
    options.real_peers = RealPeers::Virtual;
    options.keep_real_time = true;
    auto created = Scenario::create(topology, options);
    ASSERT_TRUE(created) << created.error().detail;
    auto& scenario = **created;
    const auto began = std::chrono::steady_clock::now();
    scenario.client("alice").connect();
    scenario.run_for(1500ms);
    EXPECT_TRUE(scenario.client("alice").status().up);
    EXPECT_GE(std::chrono::steady_clock::now() - began, 1499ms);
    EXPECT_TRUE(scenario.lateness().real_time);
}

TEST_F(GuestScenario, CountsWhatTheKernelDropped) {
    auto topology = remote_user(Implementation::Gatelab, Implementation::StrongSwan);
    topology.flows.clear();
    RunOptions options;
    options.real_peers = RealPeers::Virtual;
    auto created = Scenario::create(topology, options);
    ASSERT_TRUE(created) << created.error().detail;
    auto& scenario = **created;
    Bytes last;
    scenario.intercept("isp-gateway", [&](const auto& from, ByteView packet) {
        if (from == "isp" && packet[9] == 50) last = copy_of(packet);
        return Verdict{};
    });
    auto& alice = scenario.client("alice");
    alice.connect();
    ASSERT_TRUE(scenario.run_until([&] { return alice.status().up; }, 2s)) << alice.status().failure;
    EXPECT_EQ(scenario.ping("alice", "web", 3).received, 3);
    ASSERT_FALSE(last.empty());
    auto& gateway = scenario.gateway("gateway");
    ASSERT_TRUE(scenario.run_until([&] { return gateway.session("alice") != nullptr; }, 1s));
    const auto status = [&] { return gateway.session("alice")->status(); };
    scenario.inject("isp-gateway", "isp", last);
    EXPECT_TRUE(scenario.run_until([&] { return status().replayed == 1; }, 2s));
    last[27] = static_cast<std::uint8_t>(last[27] + 9);  // the sequence number: new, but not what was sealed
    scenario.inject("isp-gateway", "isp", last);
    EXPECT_TRUE(scenario.run_until([&] { return status().unauthentic == 1; }, 2s));
    EXPECT_EQ(status().replayed, 1u);
    EXPECT_EQ(status().packets_in, 3u);
}

}  // namespace
}  // namespace gatelab::sim
