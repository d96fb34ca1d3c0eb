// Two sites, each a strongSwan in a guest with a virtual machine behind it, joined by a tunnel of their kernels.
//
//   near-vm --- near === its machine      far's machine === far --- far-vm
//   10.1.0.4      |                                          |      10.2.0.4
//                 +------------------- isp ------------------+
#include <gmock/gmock.h>
#include <unistd.h>

#include <map>

#include "sim/peers/files.h"
#include "sim/peers/strongswan_players.h"
#include "sim/pki.h"
#include "sim/traffic/echo_socket.h"
#include "sim/traffic/flow.h"
#include "tests/peers/stage.h"

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

struct Family {
    std::string name, ipsec_row, in_the_kernel;
    bool by_certificate;
};

struct Site {
    std::string name;
    Ipv4Address outside, inside, vm;
    Prefix network;
};

const Site kNear{"near", {192, 0, 2, 1}, {10, 1, 0, 1}, {10, 1, 0, 4}, {Ipv4Address{10, 1, 0, 0}, 16}};
const Site kFar{"far", {203, 0, 113, 1}, {10, 2, 0, 1}, {10, 2, 0, 4}, {Ipv4Address{10, 2, 0, 0}, 16}};

class Sites : public ::testing::TestWithParam<Family> {
protected:
    void SetUp() override {
        if (const auto able = can_run_strongswan(Way::Guests); !able) GTEST_SKIP() << able.error().detail;
        topology.certificates = {certificate_spec("root", ""), certificate_spec("near", "root"),
                                 certificate_spec("far", "root")};
        pki = std::make_unique<Pki>(prepare_pki(topology, 1).value());
        NetworkOptions options;
        options.lead = kTestLead;
        network = std::make_unique<Network>(options);
        network->add_router("isp");
        for (const auto* site : {&kNear, &kFar}) add(*site);
        network->intercept("near-isp", [this](const auto&, ByteView packet) {
            ++protocols[packet[9]];
            return Verdict{};
        });
        auto made = guests_for(*network);
        ASSERT_TRUE(made) << made.error().detail;
        guests = std::move(*made);
        near = start(kNear, kFar);
        far = start(kFar, kNear);
        const auto wrong = [&] { return !near->ready() || !far->ready(); };
        network->run_until(wrong, Duration{});
        for (const auto& ready : {near->ready(), far->ready()}) ASSERT_TRUE(ready) << ready.error().detail;
        ASSERT_TRUE(*near->ready() && *far->ready());
        network->begin();
    }

    void add(const Site& site) {
        const auto vm = site.name + "-vm";
        network->add_router(site.name);
        network->add_port(port_of(site.name));
        network->add_host(vm, {site.vm});
        for (const auto& [a, b] : {std::pair{site.name, port_of(site.name)}, {site.name, vm}, {site.name, "isp"}}) {
            topologies::Link link;
            link.name = a + "-" + b;
            network->connect(a, b, link);
        }
        const auto& other = site.name == "near" ? kFar : kNear;
        network->add_route("isp", Prefix{site.outside, 32}, site.name);
        network->add_route(site.name, Prefix{}, "isp");
        network->add_route(site.name, Prefix{site.vm, 32}, vm);
        for (const auto& behind : {Prefix{site.outside, 32}, Prefix{site.inside, 32}, other.network})
            network->add_route(site.name, behind, port_of(site.name));
        network->add_route(vm, Prefix{}, site.name);
    }

    std::unique_ptr<ClientPlayer> start(const Site& site, const Site& other) {
        StrongSwanSiteNode node;
        node.node = site.name;
        node.port = port_of(site.name);
        node.addresses = {site.inside};
        auto& settings = node.settings;
        settings.common.address = site.outside;
        if (GetParam().by_certificate) {
            settings.common.identity = pki->identity(site.name).value();
            settings.common.roots = pki->trust({"root"}).value();
        } else {
            settings.common.pre_shared_key = "between us";
        }
        settings.common.ike_policy = ikev2::p2s_ike_policy();
        settings.common.ipsec_policy = {ikev2::parse_child_suite(GetParam().ipsec_row).value()};
        settings.common.ike_lifetime = 8h;
        settings.common.child_lifetime = 1h;
        settings.common.liveness = 30s;
        settings.peer = other.outside;
        settings.identification = site.name;
        settings.peer_identification = other.name;
        settings.local = {site.network};
        settings.remote = {other.network};
        const Stage stage{*network, topology, *pki, keys, 1, folder, guests.get()};
        auto made = make_strongswan_site(stage, node);
        EXPECT_TRUE(made) << made.error().detail;
        return std::move(*made);
    }

    bool run_until(const std::function<bool()>& condition) {
        return network->run_until(condition, network->now() + 5s);
    }

    std::uint64_t ping(Host& from, Ipv4Address to) {
        EchoSocket echoes{from};
        FlowOptions flow;
        flow.from = {&from, [=] { return std::optional{Ipv4Address{}}; }, &echoes};
        flow.to = {nullptr, [=] { return std::optional{to}; }};
        flow.epoch = topology.epoch;
        flow.start = topology.epoch + network->now();
        flow.number = ++flows;
        const auto pings = start_ping(std::move(flow), {50ms, 56, 3});
        run_until([&] { return pings->settled(); });
        return pings->counters().packets_received;
    }

    const std::filesystem::path folder =
        std::filesystem::path{::testing::TempDir()} / ("gatelab-sites-" + std::to_string(::getpid()));
    topologies::Topology topology;
    std::unique_ptr<Pki> pki;
    KeyLog keys;
    std::unique_ptr<Network> network;
    std::unique_ptr<uml::Guests> guests;
    std::unique_ptr<ClientPlayer> near, far;
    std::map<int, int> protocols;  // packets by IP protocol on the way between the sites
    std::uint16_t flows = 0;
};

INSTANTIATE_TEST_SUITE_P(BothFamilies, Sites,
                         ::testing::Values(Family{"Gcm", "AES_GCM_16-256", "rfc4106(gcm(aes))", true},
                                           Family{"CbcAndHmac", "AES_CBC-256/HMAC_SHA1_96", "hmac(sha1)", false}),
                         [](const auto& each) { return each.param.name; });

TEST_P(Sites, CarryTrafficBothWaysOverNativeEsp) {
    near->connect();
    ASSERT_TRUE(run_until([&] { return near->status().up && far->status().up; })) << near->status().failure;
    EXPECT_EQ(near->status().local_selectors, "10.1.0.0/16");
    EXPECT_EQ(near->status().remote_selectors, "10.2.0.0/16");
    EXPECT_EQ(near->status().child_suite, GetParam().ipsec_row);
    EXPECT_FALSE(near->status().udp_encapsulation);
    EXPECT_EQ(ping(network->host("near-vm"), kFar.vm), 3u);
    EXPECT_EQ(ping(network->host("far-vm"), kNear.vm), 3u);
    EXPECT_EQ(ping(*near->stack(), kFar.inside), 3u) << "the sites' own addresses";
    EXPECT_EQ(protocols[50], 18);
    EXPECT_EQ(protocols[1], 0) << "nothing in the clear";

    far->rekey_child();
    EXPECT_TRUE(run_until([&] { return near->status().child_rekeys == 1 && far->status().child_rekeys == 1; }));
    EXPECT_EQ(ping(network->host("near-vm"), kFar.vm), 3u);

    near->leave();
    ASSERT_TRUE(near->finish());
    const auto evidence = read_file(folder / "near" / "xfrm-state.txt");
    EXPECT_THAT(evidence, HasSubstr(GetParam().in_the_kernel));
    EXPECT_THAT(evidence, HasSubstr("proto esp spi 0x"));
    EXPECT_THAT(evidence, HasSubstr("src 10.1.0.0/16 dst 10.2.0.0/16")) << "the policies, too";
    EXPECT_THAT(evidence, HasSubstr("<<Keys hidden>>"));
    EXPECT_THAT(evidence, Not(::testing::ContainsRegex("0x[0-9a-f]{32}")));
    if (!HasFailure()) std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace gatelab::sim::peers
