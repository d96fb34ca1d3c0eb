// Ordinary programs on two guests with a simulated network between.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "sim/network/network.h"
#include "sim/peers/files.h"
#include "sim/peers/programs/bgp.h"
#include "sim/peers/programs/curl.h"
#include "sim/peers/programs/iperf3.h"
#include "sim/peers/programs/ping.h"
#include "sim/peers/programs/pppd.h"
#include "sim/peers/programs/tcpdump.h"
#include "sim/peers/uml/ground.h"
#include "sim/peers/uml/guest_machine.h"

namespace gatelab::sim::peers::programs {
namespace {

using namespace std::chrono_literals;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

const Ipv4Address kLeft{10, 0, 0, 1}, kRight{10, 0, 0, 2};

void require(const char* program) {
    if (const auto able = uml::can_run_guests(); !able) GTEST_SKIP() << able.error().detail;
    if (!fs::exists(program)) GTEST_SKIP() << "there is no " << program;
}

// left --- middle --- right, 5 ms and 100 Mbit/s each.
class TwoGuests {
public:
    explicit TwoGuests(std::uint64_t seed = 1)
        : network({.seed = seed, .lead = kLead}),
          guests(uml::Guests::create({[this] { return network.now() + kLead; },
                                      [this](Duration when, std::function<void()> call) {
                                          return network.call_at(when - kLead, std::move(call));
                                      }})
                     .value()) {
        network.add_port("left");
        network.add_router("middle");
        network.add_port("right");
        for (const auto* end : {"left", "right"}) {
            topologies::Link link;
            link.name = std::string{end} + "-middle";
            link.bits_per_second = 100'000'000;
            link.delay = 5ms;
            network.connect(end, "middle", link);
        }
        network.add_route("middle", Prefix{kLeft, 32}, "left");
        network.add_route("middle", Prefix{kRight, 32}, "right");
        fs::create_directories(folder);
        (void)network.capture("middle", "left-middle", folder / "middle.pcap");
        left = machine("left", kLeft, seed);
        right = machine("right", kRight, seed);
        network.run_until(0s);
    }
    ~TwoGuests() {
        std::error_code ignored;
        fs::remove_all(folder, ignored);
    }

    bool run_until(const std::function<bool()>& condition, Duration limit = 10s) {
        return network.run_until(condition, network.now() + limit);
    }
    void run_for(Duration duration) { network.run_until(network.now() + duration); }
    std::string captured() {
        EXPECT_TRUE(network.finish_captures());
        return read_file(folder / "middle.pcap");
    }

    static constexpr Duration kLead = 4s;
    const fs::path folder = fs::path{::testing::TempDir()} / ("gatelab-programs-" + std::to_string(::getpid()));
    Network network;
    std::unique_ptr<uml::Guests> guests;
    std::unique_ptr<Machine> left, right;

private:
    std::unique_ptr<Machine> machine(const std::string& name, Ipv4Address address, std::uint64_t seed) {
        uml::GuestMachineSpec spec;
        spec.node = spec.port = name;
        spec.machine.addresses = {address};
        spec.seed = seed;
        spec.epoch = instant_from_unix(1767225600);
        return uml::make_guest_machine(*guests, network, std::move(spec)).value();
    }
};

template <class Report>
struct Waiting {
    std::optional<Result<Report>> told;
    std::function<void(Result<Report>)> slot() {
        return [this](Result<Report> report) { told = std::move(report); };
    }
};

TEST(PingProgram, ReadsItsSummary) {
    const auto report = ping_report_in(
        "64 bytes from 10.0.0.2: icmp_seq=1 ttl=63 time=20.1 ms\n\n--- 10.0.0.2 ping statistics ---\n"
        "3 packets transmitted, 1 received, 66.6667% packet loss, time 402ms\n");
    ASSERT_TRUE(report);
    EXPECT_EQ(report->sent, 3);
    EXPECT_EQ(report->received, 1);
    EXPECT_THAT(report->round_trips, ElementsAre(20.1));
    EXPECT_FALSE(ping_report_in("ping: bad number"));
}

TEST(Iperf3Program, ReadsItsReport) {
    const auto report = iperf3_report_in(
        R"({"end": {"sum_sent": {"bits_per_second": 9.5e7, "retransmits": 3}, "sum_received": {"bits_per_second": 9.4e7}}})");
    ASSERT_TRUE(report);
    EXPECT_EQ(report->retransmits, 3u);
    EXPECT_DOUBLE_EQ(report->received_bps, 9.4e7);
    EXPECT_FALSE(iperf3_report_in("iperf3: error"));
    EXPECT_EQ(iperf3_report_in(R"({"error": "unable to connect"})").error().fault, Fault::Refused);
}

TEST(PingProgram, MeasuresTheSimulatedNetworkAndRepeats) {
    require("/usr/bin/ping");
    if (::testing::Test::IsSkipped()) return;
    std::string captures[2];
    for (auto& capture : captures) {
        TwoGuests world;
        Waiting<PingReport> pinged;
        const auto program = ping(*world.left, {.to = kRight, .from = std::nullopt}, pinged.slot());
        ASSERT_TRUE(world.run_until([&] { return pinged.told.has_value(); }));
        ASSERT_TRUE(*pinged.told) << pinged.told->error().detail;
        EXPECT_EQ((*pinged.told)->received, 3);
        ASSERT_EQ((*pinged.told)->round_trips.size(), 3u);
        for (const auto trip : (*pinged.told)->round_trips) EXPECT_NEAR(trip, 20.0, 0.2);
        capture = world.captured();
    }
    EXPECT_GT(captures[0].size(), 500u);
    EXPECT_TRUE(captures[0] == captures[1]);
}

TEST(CurlProgram, FetchesFromAServerInAGuest) {
    require("/usr/bin/curl");
    if (::testing::Test::IsSkipped()) return;
    TwoGuests world;
    const std::string page(100'000, 'x');
    ASSERT_TRUE(write_file(world.right->folder() / "www" / "page.txt", page));
    std::optional<Result<int>> ended;
    const auto server = serve_http(*world.right, 8000, [&](Result<int> how) { ended = std::move(how); });
    world.run_for(1s);
    ASSERT_FALSE(ended);
    Waiting<CurlReport> fetched;
    const auto client = curl(*world.left, "http://10.0.0.2:8000/page.txt", fetched.slot());
    ASSERT_TRUE(world.run_until([&] { return fetched.told.has_value(); }))
        << read_file(world.left->folder() / "curl.txt") << read_file(world.right->folder() / "http.txt");
    ASSERT_TRUE(*fetched.told) << fetched.told->error().detail;
    EXPECT_EQ((*fetched.told)->status, 200);
    EXPECT_TRUE((*fetched.told)->body == page);
    EXPECT_EQ((*fetched.told)->remote, "10.0.0.2");
    EXPECT_GT((*fetched.told)->seconds, 0.04);
}

TEST(Iperf3Program, FillsTheSimulatedLink) {
    require("/usr/bin/iperf3");
    if (::testing::Test::IsSkipped()) return;
    TwoGuests world;
    const auto server = serve_iperf3(*world.right, [](auto) {});
    world.run_for(200ms);
    Waiting<Iperf3Report> measured;
    const auto client = iperf3(
        *world.left, {.server = kRight, .duration = 1s, .udp = true, .bits_per_second = 5'000'000}, measured.slot());
    ASSERT_TRUE(world.run_until([&] { return measured.told.has_value(); }));
    ASSERT_TRUE(*measured.told) << measured.told->error().detail;
    EXPECT_NEAR((*measured.told)->sent_bps, 5e6, 2e5);
    EXPECT_EQ((*measured.told)->lost_percent, 0);
}

TEST(TcpdumpProgram, CapturesInSimulatedTime) {
    require("/usr/bin/tcpdump");
    if (::testing::Test::IsSkipped()) return;
    TwoGuests world;
    const auto file = world.folder / "peers" / "left" / "net0.pcap";
    Tcpdump capture{*world.left, {.interface = "net0", .filter = "icmp", .file = file}};
    ASSERT_TRUE(world.run_until([&] { return capture.ready() || capture.done(); }));
    world.run_for(10ms);
    Waiting<PingReport> pinged;
    const auto program = ping(*world.left, {.to = kRight, .from = std::nullopt}, pinged.slot());
    ASSERT_TRUE(world.run_until([&] { return pinged.told.has_value(); }));
    capture.stop();
    ASSERT_TRUE(world.run_until([&] { return capture.done(); }));
    ASSERT_TRUE(capture.outcome()) << capture.outcome().error().detail;
    const auto text = read_file(file);
    // pcap with nanoseconds, and six packets of 84 octets, with 16 octets of Linux's or 14 of Ethernet's header.
    ASSERT_GE(text.size(), 40u);
    std::uint32_t magic = 0, second = 0;
    text.copy(reinterpret_cast<char*>(&magic), 4);
    text.copy(reinterpret_cast<char*>(&second), 4, 24);
    EXPECT_EQ(magic, 0xa1b23c4du);
    EXPECT_EQ(second, 1767225600u);
    EXPECT_EQ(text.size(), 24u + 6 * (16 + 14 + 84));
}

void exchange_routes(std::unique_ptr<BgpSpeaker> (*left)(Machine&, const BgpSettings&)) {
    TwoGuests world;
    const Prefix here{Ipv4Address{10, 50, 0, 0}, 16}, there{Ipv4Address{10, 60, 0, 0}, 16};
    const auto one =
        left(*world.left, {.address = kLeft, .as = 65010, .neighbours = {{kRight, 65020}}, .networks = {here}});
    const auto other =
        start_bird(*world.right, {.address = kRight, .as = 65020, .neighbours = {{kLeft, 65010}}, .networks = {there}});
    world.run_for(6s);
    ASSERT_FALSE(one->ended());
    ASSERT_FALSE(other->ended());
    Waiting<BgpReport> near, far;
    one->ask(near.slot());
    other->ask(far.slot());
    ASSERT_TRUE(world.run_until([&] { return near.told && far.told; }));
    ASSERT_TRUE(*near.told) << near.told->error().detail;
    ASSERT_TRUE(*far.told) << far.told->error().detail;
    EXPECT_THAT((*near.told)->established, ElementsAre(kRight));
    EXPECT_THAT((*near.told)->learned, ElementsAre(there)) << read_file(world.left->folder() / "vtysh.txt");
    EXPECT_THAT((*far.told)->established, ElementsAre(kLeft));
    EXPECT_THAT((*far.told)->learned, ElementsAre(here));
    std::optional<Result<std::string>> routes;
    const auto program = run_and_read(*world.left, {"/bin/ip", "route"}, "routes.txt",
                                      [&](Result<std::string> text) { routes = std::move(text); });
    ASSERT_TRUE(world.run_until([&] { return routes.has_value(); }));
    ASSERT_TRUE(*routes);
    EXPECT_THAT(**routes, HasSubstr("10.60.0.0/16 "));
}

TEST(Bgp, FrrAndBirdExchangeRoutes) {
    require("/usr/lib/frr/bgpd");
    require("/usr/sbin/bird");
    if (::testing::Test::IsSkipped()) return;
    exchange_routes(start_frr);
}

TEST(Bgp, TwoBirdsExchangeRoutes) {
    require("/usr/sbin/bird");
    if (::testing::Test::IsSkipped()) return;
    exchange_routes(start_bird);
}

TEST(PppdProgram, AuthenticatesAndCarriesPackets) {
    require("/usr/sbin/pppd");
    if (::testing::Test::IsSkipped()) return;
    std::string logs[2];
    for (auto& log : logs) {
        TwoGuests world;
        const Ipv4Address own{10, 9, 0, 1}, given{10, 9, 0, 2};
        PppdSettings settings{.user = "bob", .password = "s3cret", .dial = std::nullopt, .own = own, .given = given};
        Pppd server{*world.right, settings};
        world.run_for(500ms);
        settings.dial = kRight;
        Pppd client{*world.left, settings};
        ASSERT_TRUE(world.run_until([&] { return client.report().up() && server.report().up(); }))
            << client.log() << read_file(world.left->folder() / "pppd.txt")
            << read_file(world.right->folder() / "pppd.txt");
        EXPECT_TRUE(client.report().authenticated);
        EXPECT_TRUE(server.report().authenticated);
        EXPECT_EQ(client.report().local, given);
        EXPECT_EQ(client.report().remote, own);
        Waiting<PingReport> pinged;
        const auto program = ping(*world.left, {.to = own, .from = std::nullopt}, pinged.slot());
        ASSERT_TRUE(world.run_until([&] { return pinged.told.has_value(); }));
        ASSERT_TRUE(*pinged.told) << pinged.told->error().detail;
        EXPECT_EQ((*pinged.told)->received, 3);
        log = client.log();
    }
    EXPECT_EQ(logs[0], logs[1]);  // magic numbers and challenges, too
}

TEST(PppdProgram, IsRefusedWithTheWrongPassword) {
    require("/usr/sbin/pppd");
    if (::testing::Test::IsSkipped()) return;
    TwoGuests world;
    PppdSettings settings{.user = "bob",
                          .password = "s3cret",
                          .dial = std::nullopt,
                          .own = Ipv4Address{10, 9, 0, 1},
                          .given = Ipv4Address{10, 9, 0, 2}};
    Pppd server{*world.right, settings};
    world.run_for(500ms);
    settings.dial = kRight;
    settings.password = "guess";
    Pppd client{*world.left, settings};
    ASSERT_TRUE(world.run_until([&] { return client.ended().has_value(); }));
    EXPECT_FALSE(client.report().up());
    EXPECT_FALSE(client.report().authenticated);
}

}  // namespace
}  // namespace gatelab::sim::peers::programs
