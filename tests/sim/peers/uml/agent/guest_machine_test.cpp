// Machines that are guests, with a real kernel in each.
#include "sim/peers/uml/guest_machine.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "impl/base/random.h"
#include "sim/traffic/echo_socket.h"
#include "sim/traffic/flow.h"
#include "tests/sim/peers/uml/agent/guest_world.h"

namespace gatelab::sim::peers::uml {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(GuestMachine, RunsProgramsAndTellsHowTheyEnd) {
    GATELAB_NEEDS_GUESTS();
    GuestWorld world;
    EXPECT_EQ(world.run(world.alice(), {"/bin/sh", "-c", "echo $A; hostname; exit 3"}, {"A=b", "PATH=/usr/bin:/bin"}),
              "b\nalice\nexit status 3");
    EXPECT_THAT(world.run(world.alice(), {"/no/such/program"}), HasSubstr("No such file or directory"));
    EXPECT_THAT(world.run(world.bob(), {"/bin/uname", "-sm"}), HasSubstr("Linux x86_64\nexit status 0"));
    EXPECT_TRUE(world.alice().health());
}

TEST(GuestMachine, GivesProgramsACleanMachine) {
    GATELAB_NEEDS_GUESTS();
    GuestWorld world;
    const std::vector<std::string> path{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    EXPECT_EQ(world.run(world.alice(), {"/usr/bin/env"}),
              "OPENSSL_ia32cap=~0x4000000000000010:~0x40000\nexit status 0");
    EXPECT_EQ(world.run(world.alice(),
                        {"/bin/sh", "-c",
                         "id -u; cat /etc/resolv.conf /etc/hosts; echo x > /etc/resolv.conf && cat /etc/resolv.conf"},
                        path),
              "0\n127.0.0.1 localhost\n127.0.1.1 alice\nx\nexit status 0");
    EXPECT_EQ(world.run(world.alice(), {"/bin/sh", "-c", "touch /var/lib/x /tmp/x /run/x && ls /var/lib/x"}, path),
              "/var/lib/x\nexit status 0");
    EXPECT_THAT(world.run(world.alice(), {"/bin/sh", "-c", "touch /usr/x"}, path), HasSubstr("Read-only file system"));
    EXPECT_THAT(world.run(world.alice(), {"/sbin/ip", "-4", "-o", "addr", "show", "net0"}), HasSubstr("10.0.1.1/32"));
    EXPECT_FALSE(fs::exists("/var/lib/x"));
}

TEST(GuestMachine, ShowsTheClockOfTheRun) {
    GATELAB_NEEDS_GUESTS();
    GuestWorld world;
    world.wait(20s);
    const auto text = world.run(world.alice(), {"/bin/date", "+%s"});
    EXPECT_EQ(text, std::to_string(unix_seconds(world.epoch + world.network.now())) + "\nexit status 0");
}

TEST(GuestMachine, SharesItsFolder) {
    GATELAB_NEEDS_GUESTS();
    GuestWorld world;
    std::ofstream{world.alice().folder() / "in"} << "hello\n";
    EXPECT_EQ(world.run(world.alice(), {"/bin/cat", world.alice().inside("in")}), "hello\nexit status 0");
    // Each line is there as soon as it has been written.
    std::optional<Result<int>> how;
    const auto program = world.alice().run({{"/bin/sh", "-c", "echo one; /bin/sleep 100; echo two"}, {}, "log"},
                                           [&](const Result<int>& ended) { how = ended; });
    world.wait(1s);
    EXPECT_EQ(contents(world.alice().folder() / "log"), "one\n");
    EXPECT_FALSE(how);
    world.wait(100s);
    EXPECT_EQ(contents(world.alice().folder() / "log"), "one\ntwo\n");
    EXPECT_TRUE(how);
}

TEST(GuestMachine, SignalsAndKillsPrograms) {
    GATELAB_NEEDS_GUESTS();
    GuestWorld world;
    std::optional<Result<int>> how;
    auto program = world.alice().run({{"/bin/sleep", "1000"}, {}, ""}, [&](const Result<int>& ended) { how = ended; });
    world.wait(1s);
    program->signal(SIGTERM);
    ASSERT_TRUE(world.wait_for([&] { return how.has_value(); }));
    EXPECT_EQ(describe_exit(how->value()), "killed by signal 15");
    auto other = world.alice().run({{"/bin/sleep", "1000"}, {}, ""}, {});
    world.wait(1s);
    EXPECT_THAT(world.run(world.alice(), {"/bin/ps", "ax"}), HasSubstr("sleep 1000"));
    other.reset();
    EXPECT_THAT(world.run(world.alice(), {"/bin/ps", "ax"}), testing::Not(HasSubstr("sleep 1000")));
}

TEST(GuestMachine, ReachesAProgramsUnixSocket) {
    GATELAB_NEEDS_GUESTS();
    GuestWorld world;
    auto& alice = world.alice();
    const auto path = alice.socket_path("echo");
    const auto server =
        alice.run({{"/usr/bin/python3", "-c",
                    "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen()\n"
                    "print('up',flush=True)\nc=s.accept()[0]\n"
                    "while b:=c.recv(65536): c.sendall(b)\n",
                    path},
                   {},
                   "server"},
                  {});
    ASSERT_TRUE(world.wait_for([&] { return contents(alice.folder() / "server") == "up\n"; }))
        << contents(alice.folder() / "server");
    const auto bytes = SeededRandom{1}.bytes(1024 * 1024);
    Bytes received;
    std::size_t sent = 0;
    const auto stream = alice.connect(path);
    const auto fill = [&] { sent += stream->write(ByteView{bytes}.subspan(sent)); };
    stream->set_callbacks({.connected = fill,
                           .received = [&](ByteView more) { append(received, more); },
                           .writable = fill,
                           .closed = [&](const std::string& why) { ADD_FAILURE() << why; }});
    ASSERT_TRUE(world.wait_for([&] { return received.size() == bytes.size(); })) << received.size();
    EXPECT_EQ(received, bytes);
}

TEST(GuestMachine, PingsWithItsOwnProgramThroughTheSimulatedNetwork) {
    GATELAB_NEEDS_GUESTS();
    GuestWorld world;
    const auto text = world.run(world.alice(), {"/bin/ping", "-n", "-c", "3", "10.0.2.1"});
    EXPECT_THAT(text, HasSubstr("3 packets transmitted, 3 received, 0% packet loss, time 2"));
    EXPECT_THAT(text, HasSubstr("time=40.1 ms"));
    EXPECT_THAT(world.run(world.bob(), {"/bin/ping", "-n", "-c", "1", "10.0.3.1"}), HasSubstr("time=22.1 ms"));
}

TEST(GuestMachine, CarriesFlowsBetweenGuestsAndSimulatedHosts) {
    GATELAB_NEEDS_GUESTS();
    GuestWorld world;
    const auto end = [&](Host& host, Ipv4Address address) {
        return FlowEnd{&host, [address] { return std::optional{address}; }, nullptr};
    };
    auto alice = end(world.alice().stack(), kAlice), bob = end(world.bob().stack(), kBob);
    auto host = end(world.network.host("host"), kHost);
    EchoSocket alice_echo{world.alice().stack()}, host_echo{world.network.host("host")};
    alice.echo = &alice_echo;
    host.echo = &host_echo;
    std::uint16_t number = 0;
    const auto options = [&](const FlowEnd& from, const FlowEnd& to) {
        return FlowOptions{from, to, world.epoch, world.epoch, world.epoch + 2s, ++number};
    };
    std::vector<std::unique_ptr<Flow>> flows;
    flows.push_back(start_ping(options(alice, bob), {.interval = 100ms}));
    flows.push_back(start_ping(options(host, alice), {.interval = 100ms}));
    flows.push_back(start_udp(options(alice, host), {}));
    flows.push_back(start_udp(options(host, bob), {}));
    flows.push_back(start_udp(options(bob, alice), {}));
    ASSERT_TRUE(world.wait_for([&] { return world.network.now() > 4s; }));
    for (const auto& flow : flows) {
        const auto& seen = flow->counters();
        EXPECT_GE(seen.packets_sent, 20u) << &flow - flows.data();
        // The first datagrams may be there before the far end's socket has been opened.
        EXPECT_GE(seen.packets_received + 3, seen.packets_sent) << &flow - flows.data();
    }
    flows.clear();
    auto later = options(alice, bob), back = options(host, alice);
    later.start = back.start = world.epoch + 5s;
    later.stop = back.stop = world.epoch + 6s;
    flows.push_back(start_tcp(later));
    flows.push_back(start_tcp(back));
    ASSERT_TRUE(world.wait_for([&] { return flows[0]->settled() && flows[1]->settled(); }));
    for (const auto& flow : flows) {
        EXPECT_GT(flow->counters().bytes_sent, 1'000'000u);
        EXPECT_EQ(flow->counters().bytes_received, flow->counters().bytes_sent);
    }
}

TEST(GuestMachine, SleepsWhileNothingHappens) {
    GATELAB_NEEDS_GUESTS();
    if (::getenv("GATELAB_KERNEL")) GTEST_SKIP() << "another kernel than ours may wake more often";
    GuestWorld world;
    world.wait(60s);
    const auto before = world.guests->counters().runs;
    world.wait(3600s);
    EXPECT_LT(world.guests->counters().runs - before, 600u);  // two guests, one hour
}

TEST(GuestMachine, KeepsEvidence) {
    GATELAB_NEEDS_GUESTS();
    auto pattern = (fs::temp_directory_path() / "guest-test-XXXXXX").string();
    const fs::path folder = ::mkdtemp(pattern.data());
    {
        GuestWorld world{1, folder};
        world.run(world.alice(), {"/bin/echo", "hello"});
    }
    const auto log = contents(folder / "alice" / "guest.log");
    EXPECT_THAT(log, HasSubstr("kernel: 6."));
    EXPECT_THAT(log, HasSubstr("card: addresses 10.0.1.1, mtu 1500"));
    EXPECT_THAT(log, HasSubstr("run: /bin/echo hello"));
    EXPECT_THAT(log, HasSubstr("exit status 0: /bin/echo hello"));
    EXPECT_TRUE(fs::exists(folder / "alice" / "console.log"));
    fs::remove_all(folder);
}

TEST(GuestMachine, TellsWhenTheGuestIsNoMore) {
    GATELAB_NEEDS_GUESTS();
    GuestWorld world;
    std::optional<Result<int>> how;
    std::optional<std::string> closed;
    const auto program =
        world.alice().run({{"/bin/sleep", "1000"}, {}, ""}, [&](const Result<int>& end) { how = end; });
    const auto stream = world.alice().stack().connect_tcp({{10, 0, 9, 9}, 1}).value();
    stream->set_callbacks(
        {.connected = {}, .received = {}, .writable = {}, .closed = [&](std::string why) { closed = why; }});
    world.wait(3s);
    const auto crash = world.alice().run({{"/bin/sh", "-c", "echo c > /proc/sysrq-trigger"}, {}, ""}, {});
    ASSERT_TRUE(world.wait_for([&] { return how && closed; }));
    EXPECT_EQ(how->error().fault, Fault::Io);
    EXPECT_FALSE(world.alice().health());
    EXPECT_THAT(world.alice().health().error().detail, HasSubstr("alice"));
    EXPECT_TRUE(world.bob().health());
    EXPECT_THAT(world.run(world.bob(), {"/bin/echo", "still here"}), HasSubstr("still here"));
}

// What two guests with real TCP, ICMP and random numbers send in a few seconds.
std::string trace_of(std::uint64_t seed) {
    GuestWorld world{seed};
    const auto server = world.bob().run({{"/usr/bin/python3", "-c",
                                          "import socket,os\ns=socket.create_server(('',80))\nc=s.accept()[0]\n"
                                          "c.sendall(os.urandom(20000))\nc.close()"},
                                         {},
                                         "server"},
                                        {});
    world.wait(5s);
    auto told = world.run(world.alice(), {"/usr/bin/python3", "-c",
                                          "import socket\nc=socket.create_connection(('10.0.2.1',80))\nn=0\n"
                                          "while b:=c.recv(4096): n+=len(b)\nprint(n)"});
    told += world.run(world.alice(), {"/bin/ping", "-n", "-c", "3", "10.0.3.1"});
    return world.trace + told;
}

TEST(GuestMachine, RepeatsEveryOctetWithTheSameSeed) {
    GATELAB_NEEDS_GUESTS();
    const auto first = trace_of(1), second = trace_of(1), other = trace_of(2);
    EXPECT_THAT(first, HasSubstr("20000\nexit status 0"));
    EXPECT_THAT(first, HasSubstr("3 packets transmitted, 3 received"));
    EXPECT_EQ(first, second);
    EXPECT_NE(first, other);
}

TEST(GuestMachine, RepeatsEveryOctetAsAnotherUserInAnotherFolder) {
    GATELAB_NEEDS_GUESTS();
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    auto pattern = (fs::temp_directory_path() / "guest-test-of-another-user-XXXXXX").string();
    const fs::path folder = ::mkdtemp(pattern.data());
    fs::copy_file(find_kernel()->path, folder / "kernel");
    fs::permissions(folder / "kernel", fs::perms{0755});
    fs::permissions(folder, fs::perms{0777});
    const auto child = ::fork();
    if (child == 0) {
        ::setenv("GATELAB_KERNEL", (folder / "kernel").c_str(), 1);
        ::setenv("TMPDIR", folder.c_str(), 1);
        ::setenv("HOME", "/nonexistent", 1);
        ::umask(077);
        fs::current_path(folder);
        if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
        try {
            std::ofstream{folder / "trace"} << trace_of(1);
        } catch (const std::exception& error) {
            std::ofstream{folder / "trace"} << error.what();
            ::_exit(1);
        }
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    const auto theirs = contents(folder / "trace");
    ASSERT_EQ(status, 0) << theirs.substr(0, 500);
    EXPECT_EQ(theirs, trace_of(1));
    fs::remove_all(folder);
}

}  // namespace
}  // namespace gatelab::sim::peers::uml
