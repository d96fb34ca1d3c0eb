#include "sim/peers/warden.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "impl/base/bytes.h"
#include "sim/network/ipv4_packet.h"

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr auto kPatience = 5s;

std::string text_of(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream{path}.rdbuf();
    return text.str();
}

template <class Condition>
bool comes_true(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

// Both ways in: as root where we are root, and through a user namespace as anyone else has to.
class WardenOf : public ::testing::TestWithParam<WardenOptions::UserNamespace> {
protected:
    void SetUp() override {
        auto started = Warden::start({GetParam()});
        if (!started) GTEST_SKIP() << started.error().detail;
        warden = std::move(*started);
    }
    MachineId machine(MachineSpec spec = {{Ipv4Address{10, 1, 0, 2}}}) {
        auto attached = warden->add_machine(spec);
        EXPECT_TRUE(attached) << attached.error().detail;
        cards.push_back(std::move(attached->card));
        return attached->id;
    }
    std::string output_of(MachineId id, const std::string& script) {
        const auto out = warden->scratch() / "out";
        const auto program = warden->run(id, {{"/bin/sh", "-c", script}, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, out});
        EXPECT_TRUE(program) << program.error().detail;
        EXPECT_TRUE(comes_true([&] { return warden->ended(*program).has_value(); }));
        return text_of(out);
    }
    std::unique_ptr<Warden> warden;
    std::vector<FileDescriptor> cards;
};

INSTANTIATE_TEST_SUITE_P(Either, WardenOf,
                         ::testing::Values(WardenOptions::UserNamespace::WhenNeeded,
                                           WardenOptions::UserNamespace::Always));

TEST_P(WardenOf, GivesAMachineItsAddressesAndADefaultRoute) {
    const auto id = machine({{Ipv4Address{10, 1, 0, 2}, Ipv4Address{10, 50, 255, 4}}, 1400, true});
    const auto told = output_of(id, "ip -4 addr show; ip route; cat /proc/sys/net/ipv4/ip_forward; id -u");
    EXPECT_THAT(told, HasSubstr("inet 10.1.0.2/32"));
    EXPECT_THAT(told, HasSubstr("inet 10.50.255.4/32"));
    EXPECT_THAT(told, HasSubstr("net0"));
    EXPECT_THAT(told, HasSubstr("mtu 1400"));
    EXPECT_THAT(told, HasSubstr("default dev net0"));
    EXPECT_THAT(told, HasSubstr("127.0.0.1"));
    EXPECT_THAT(told, HasSubstr("\n1\n0\n"));
}

TEST_P(WardenOf, KeepsMachinesApart) {
    const auto first = machine({{Ipv4Address{10, 1, 0, 2}}});
    machine({{Ipv4Address{10, 2, 0, 2}}});
    EXPECT_THAT(output_of(first, "ip -4 addr show"), Not(HasSubstr("10.2.0.2")));
}

TEST_P(WardenOf, CarriesPacketsOfItsMachinesToUs) {
    const auto id = machine();
    const auto socket = warden->open_socket(id, AF_INET, SOCK_DGRAM, 0);
    ASSERT_TRUE(socket) << socket.error().detail;
    output_of(id, "ping -c 1 -W 1 10.9.9.9");
    std::array<std::uint8_t, 2000> packet{};
    const auto size = ::read(cards[0].get(), packet.data(), packet.size());
    ASSERT_EQ(size, 84);  // RFC 791 header, RFC 792 echo with 56 octets of data
    EXPECT_EQ(packet[0], 0x45);
    EXPECT_EQ(packet[9], 1);
    EXPECT_EQ(to_hex(ByteView{packet}.subspan(12, 8)), "0a0100020a090909");
}

// An echo request as the network would bring it (RFC 791, RFC 792).
Bytes echo_request(Ipv4Address from, Ipv4Address to) {
    ByteWriter packet;
    packet.bytes(from_hex("4500001c000000004001"
                          "0000")
                     .value());
    packet.u32(from.number());
    packet.u32(to.number());
    packet.bytes(from_hex("0800"
                          "0000"
                          "12340001")
                     .value());
    auto bytes = packet.take();
    refresh_checksums(bytes);
    return bytes;
}

// The next packet that a machine puts on its card: time to live and protocol, ICMP type, addresses.
std::string next_from(const FileDescriptor& card) {
    pollfd wait{card.get(), POLLIN, 0};
    std::array<std::uint8_t, 2000> packet{};
    if (::poll(&wait, 1, 2000) != 1 || ::read(card.get(), packet.data(), packet.size()) < 28) return "nothing";
    return fmt::format("ttl {} type {} {}", packet[8], packet[20], to_hex(ByteView{packet}.subspan(12, 8)));
}

TEST_P(WardenOf, LetsAMachineBorrowAddressesWithoutTakingTheirPackets) {
    constexpr Ipv4Address kOwn{10, 1, 0, 2}, kBorrowed{10, 1, 0, 9}, kElsewhere{10, 9, 9, 9};
    const auto id = machine({{kOwn}, 1500, true, {kBorrowed}});
    EXPECT_THAT(output_of(id, "ip -4 addr show"), HasSubstr("inet 10.1.0.9/32"));
    const auto bring = [&](Ipv4Address from, Ipv4Address to) {
        const auto packet = echo_request(from, to);
        EXPECT_EQ(::write(cards[0].get(), packet.data(), packet.size()), static_cast<ssize_t>(packet.size()));
        return next_from(cards[0]);
    };
    EXPECT_EQ(bring(kElsewhere, kOwn), "ttl 64 type 0 0a0100020a090909") << "its own: answered";
    EXPECT_EQ(bring(kElsewhere, kBorrowed), "ttl 63 type 8 0a0909090a010009") << "to the owner: passed on";
    EXPECT_EQ(bring(kBorrowed, kElsewhere), "ttl 63 type 8 0a0100090a090909") << "from the owner: passed on";
}

TEST_P(WardenOf, TellsHowAProgramEnded) {
    const auto id = machine();
    const auto failing = warden->run(id, {{"/bin/sh", "-c", "exit 3"}, {}, {}});
    ASSERT_TRUE(failing);
    ASSERT_TRUE(comes_true([&] { return warden->ended(*failing).has_value(); }));
    EXPECT_EQ(describe_exit(*warden->ended(*failing)), "exit status 3");
    const auto sleeping = warden->run(id, {{"/bin/sleep", "100"}, {}, {}});
    ASSERT_TRUE(sleeping);
    EXPECT_FALSE(warden->ended(*sleeping));
    warden->signal(*sleeping, SIGTERM);
    ASSERT_TRUE(comes_true([&] { return warden->ended(*sleeping).has_value(); }));
    EXPECT_EQ(describe_exit(*warden->ended(*sleeping)), "killed by signal 15");
}

TEST_P(WardenOf, NamesAProgramThatIsNotThere) {
    const auto missing = warden->run(machine(), {{"/usr/sbin/no-such-daemon"}, {}, {}});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().fault, Fault::NotFound);
    EXPECT_THAT(missing.error().detail, HasSubstr("/usr/sbin/no-such-daemon"));
}

TEST_P(WardenOf, LeavesNothingBehindWhenDestroyed) {
    const auto id = machine();
    const auto scratch = warden->scratch();
    std::ofstream{scratch / "kept-by-nobody"} << "x";
    ASSERT_TRUE(warden->run(id, {{"/bin/sleep", "31.07"}, {}, {}}));
    warden.reset();
    EXPECT_FALSE(fs::exists(scratch));
}

// Whether a process with this command line runs anywhere.
bool runs(const std::string& command) {
    for (const auto& entry : fs::directory_iterator("/proc")) {
        auto line = text_of(entry.path() / "cmdline");
        for (auto& letter : line)
            if (letter == '\0') letter = ' ';
        if (line == command + " ") return true;
    }
    return false;
}

TEST_P(WardenOf, LeavesNothingBehindWhenTheHarnessIsKilled) {
    const std::string number = "3107." + std::to_string(::getpid());
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    const pid_t harness = ::fork();
    if (harness == 0) {
        // Two wardens, so that neither keeps the other alive by a descriptor it inherited.
        auto first = Warden::start({GetParam()});
        auto second = Warden::start({GetParam()});
        const auto machine_id = (*second)->add_machine({{Ipv4Address{10, 1, 0, 2}}});
        // A daemon that leaves its session and its parent.
        (void)(*second)->run(
            machine_id->id,
            {{"/bin/sh", "-c", "setsid /bin/sleep " + number + " & exit 0"}, {"PATH=/usr/bin:/bin"}, {}});
        const auto line = (*first)->scratch().string() + "\n" + (*second)->scratch().string() + "\n";
        (void)!::write(told[1], line.data(), line.size());
        ::pause();
        ::_exit(0);
    }
    ::close(told[1]);
    std::array<char, 500> text{};
    ASSERT_GT(::read(told[0], text.data(), text.size() - 1), 0);
    ::close(told[0]);
    std::istringstream lines{text.data()};
    std::string first, second;
    lines >> first >> second;
    EXPECT_TRUE(fs::exists(first) && fs::exists(second));
    EXPECT_TRUE(comes_true([&] { return runs("/bin/sleep " + number); }));
    ::kill(harness, SIGKILL);
    ::waitpid(harness, nullptr, 0);
    EXPECT_TRUE(comes_true([&] { return !runs("/bin/sleep " + number); }));
    EXPECT_TRUE(comes_true([&] { return !fs::exists(first) && !fs::exists(second); }));
}

TEST(Warden, ServesManyAtOnce) {
    std::vector<std::unique_ptr<Warden>> wardens;
    for (int i = 0; i < 3; ++i) {
        auto started = Warden::start();
        if (!started) GTEST_SKIP() << started.error().detail;
        ASSERT_TRUE((*started)->add_machine({{Ipv4Address{10, 1, 0, 2}}}));
        wardens.push_back(std::move(*started));
    }
}

TEST(Warden, StartsBesideThreads) {
    std::atomic<bool> done = false;
    std::thread busy{[&] {
        while (!done) std::this_thread::sleep_for(1ms);
    }};
    const auto started = Warden::start({WardenOptions::UserNamespace::Always});
    done = true;
    busy.join();
    if (!started) GTEST_SKIP() << started.error().detail;
    EXPECT_TRUE((*started)->add_machine({{Ipv4Address{10, 1, 0, 2}}}));
}

}  // namespace
}  // namespace gatelab::sim::peers
