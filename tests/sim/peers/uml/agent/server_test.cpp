// The agent and the harness's end of its channel, over a wire on this machine.
#include "sim/peers/uml/agent/server.h"

#include <gmock/gmock.h>
#include <netinet/in.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "impl/base/random.h"
#include "sim/peers/uml/guest_host.h"
#include "sim/peers/uml/guest_program.h"
#include "sim/peers/uml/guest_stream.h"
#include "tests/sim/peers/uml/agent/fake_card.h"

namespace gatelab::sim::peers::uml {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const Ipv4Address kLoopback{127, 0, 0, 1};

class AgentServer : public testing::Test {
protected:
    AgentServer() {
        auto pattern = (fs::temp_directory_path() / "agent-test-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
        control.send(agent::Configure{"here", {}, {}, 1500, 0});
    }
    ~AgentServer() override { fs::remove_all(folder); }

    std::string contents(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream{folder / name}.rdbuf();
        return text.str();
    }
    std::unique_ptr<Program> run(std::vector<std::string> arguments, std::optional<Result<int>>& how,
                                 std::vector<std::string> environment = {}) {
        return run_in_guest(control, {std::move(arguments), std::move(environment), "x"}, (folder / "out").string(),
                            [&how](Result<int> ended) { how.emplace(std::move(ended)); });
    }

    AgentWithoutGuest agent;
    std::string kernel;
    std::optional<Error> emergency;
    ControlChannel control{*agent.card, agent.clock, [this](const agent::Hello& hello) { kernel = hello.kernel; },
                           [this](const Error& why) { emergency = why; }};
    GuestHost host{agent.network, control, "guest", instant_from_unix(1767225600), 1};
    fs::path folder;
};

TEST_F(AgentServer, SaysHelloAndWhetherItsCardIsUp) {
    std::optional<std::string> problem;
    control.on_configured([&](const agent::Configured& done) { problem = done.problem; });
    EXPECT_TRUE(agent.wait_for([&] { return problem.has_value(); }));
    EXPECT_EQ(kernel, "a kernel");
    EXPECT_EQ(problem, "");
}

TEST_F(AgentServer, RunsAProgramAndTellsHowItEnded) {
    std::optional<Result<int>> how;
    const auto program = run({"/bin/sh", "-c", "echo $A; echo $OPENSSL_ia32cap >&2; pwd; exit 3"}, how, {"A=b"});
    EXPECT_FALSE(how) << "a callback ran inside the call that caused it";
    ASSERT_TRUE(agent.wait_for([&] { return how.has_value(); }));
    ASSERT_TRUE(*how);
    EXPECT_EQ(describe_exit(**how), "exit status 3");
    EXPECT_EQ(contents("out"), "b\n~0x4000000000000010:~0x40000\n/\n");
}

TEST_F(AgentServer, TellsWhenAProgramIsNotThere) {
    std::optional<Result<int>> how;
    const auto program = run({"/no/such/program"}, how);
    ASSERT_TRUE(agent.wait_for([&] { return how.has_value(); }));
    ASSERT_FALSE(*how);
    EXPECT_EQ(how->error().fault, Fault::NotFound);
    EXPECT_THAT(how->error().detail, HasSubstr("/no/such/program"));
}

TEST_F(AgentServer, SignalsAProgram) {
    std::optional<Result<int>> how;
    const auto program = run({"/bin/sleep", "1000"}, how);
    agent.wait(50ms);
    program->signal(SIGTERM);
    ASSERT_TRUE(agent.wait_for([&] { return how.has_value(); }));
    EXPECT_EQ(describe_exit(how->value()), "killed by signal 15");
}

TEST_F(AgentServer, KillsAProgramAndItsChildrenWhenItIsDropped) {
    std::optional<Result<int>> how;
    auto program = run({"/bin/sh", "-c", "sleep 1000 & echo $!; wait"}, how);
    ASSERT_TRUE(agent.wait_for([&] { return !contents("out").empty(); }));
    const pid_t child = std::stoi(contents("out"));
    EXPECT_EQ(::kill(child, 0), 0);
    program.reset();
    const auto gone = [&] {
        std::ifstream state{"/proc/" + std::to_string(child) + "/stat"};
        std::string number, name, letter;
        state >> number >> name >> letter;
        return letter.empty() || letter == "Z";
    };
    EXPECT_TRUE(agent.wait_for(gone));
    EXPECT_FALSE(how);
}

struct StreamLog {
    Bytes received;
    std::optional<std::string> closed;
    bool connected = false;
    TcpStream::Callbacks callbacks() {
        return {.connected = [this] { connected = true; },
                .received = [this](ByteView bytes) { append(received, bytes); },
                .writable = {},
                .closed = [this](std::string why) { closed = why; }};
    }
};

TEST_F(AgentServer, SaysWhyNobodyAnswersAtAUnixSocket) {
    StreamLog log;
    const auto stream = connect_in_guest(control, "/no/such/socket");
    stream->set_callbacks(log.callbacks());
    ASSERT_TRUE(agent.wait_for([&] { return log.closed.has_value(); }));
    EXPECT_EQ(*log.closed, "No such file or directory");
    EXPECT_FALSE(log.connected);
    EXPECT_EQ(stream->write(Bytes{1}), 0u);
}

// Writes all of `bytes`, as room comes.
void feed(TcpStream& stream, StreamLog& log, const Bytes& bytes) {
    auto callbacks = log.callbacks();
    auto next = [&stream, &bytes, done = std::make_shared<std::size_t>()] {
        *done += stream.write(ByteView{bytes}.subspan(*done));
    };
    callbacks.connected = next;
    callbacks.writable = next;
    stream.set_callbacks(callbacks);
}

TEST_F(AgentServer, CarriesAMegabyteThereAndBack) {
    // An echo server: the agent's own listener, at the other end of the same channel.
    StreamLog log, echo_log;
    auto listener = host.listen_tcp({kLoopback, 0}).value();
    std::unique_ptr<TcpStream> echo;
    auto waiting = std::make_shared<Bytes>();
    const auto answer = [&echo, waiting] {
        const auto taken = echo->write(*waiting);
        waiting->erase(waiting->begin(), waiting->begin() + static_cast<std::ptrdiff_t>(taken));
    };
    listener->on_accept([&](std::unique_ptr<TcpStream> stream) {
        echo = std::move(stream);
        echo->set_callbacks({.connected = {},
                             .received =
                                 [&, answer, waiting](ByteView bytes) {
                                     append(*waiting, bytes);
                                     answer();
                                 },
                             .writable = answer,
                             .closed = [&](std::string why) { echo_log.closed = why; }});
    });
    SeededRandom random{3};
    const auto bytes = random.bytes(1024 * 1024);
    const auto stream = host.connect_tcp({kLoopback, 49152}).value();
    feed(*stream, log, bytes);
    ASSERT_TRUE(agent.wait_for([&] { return log.received.size() == bytes.size(); })) << log.received.size();
    EXPECT_EQ(log.received, bytes);
    EXPECT_EQ(stream->remote(), (Endpoint{kLoopback, 49152}));
    EXPECT_EQ(stream->local(), echo->remote());
    stream->close();
    ASSERT_TRUE(agent.wait_for([&] { return echo_log.closed.has_value(); }));
    EXPECT_EQ(*echo_log.closed, "");
    echo->close();
    EXPECT_TRUE(agent.wait_for([&] { return log.closed.has_value(); }));
    EXPECT_EQ(log.closed.value_or("?"), "");
}

TEST_F(AgentServer, ResetsAStreamThatIsDropped) {
    StreamLog log, accepted_log;
    auto listener = host.listen_tcp({kLoopback, 0}).value();
    std::unique_ptr<TcpStream> accepted;
    listener->on_accept([&](std::unique_ptr<TcpStream> stream) {
        accepted = std::move(stream);
        accepted->set_callbacks(accepted_log.callbacks());
    });
    auto stream = host.connect_tcp({kLoopback, 49152}).value();
    stream->set_callbacks(log.callbacks());
    ASSERT_TRUE(agent.wait_for([&] { return log.connected && accepted; }));
    stream.reset();
    ASSERT_TRUE(agent.wait_for([&] { return accepted_log.closed.has_value(); }));
    EXPECT_EQ(*accepted_log.closed, "Connection reset by peer");
}

TEST_F(AgentServer, HoldsAWriterWhoseReaderDoesNotRead) {
    StreamLog log;
    std::optional<Result<int>> how;
    const auto path = (folder / "socket").string();
    const auto program = run({"/usr/bin/python3", "-c",
                              "import socket,sys,time\ns=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\n"
                              "s.listen()\nprint('up',flush=True)\nc=s.accept()[0]\ntime.sleep(1000)",
                              path},
                             how);
    ASSERT_TRUE(agent.wait_for([&] { return contents("out") == "up\n"; })) << contents("out");
    const auto stream = connect_in_guest(control, path);
    stream->set_callbacks(log.callbacks());
    ASSERT_TRUE(agent.wait_for([&] { return log.connected; }));
    const Bytes bytes(64 * 1024);
    std::size_t written = 0;
    for (int i = 0; i < 100; ++i) {
        written += stream->write(bytes);
        agent.wait(10ms);
    }
    EXPECT_GT(written, bytes.size());
    EXPECT_LT(written, 1024u * 1024u);
    EXPECT_FALSE(log.closed);
}

TEST_F(AgentServer, ExchangesDatagrams) {
    const auto a = host.open_udp({kLoopback, 0}).value(), b = host.open_udp({kLoopback, 0}).value();
    EXPECT_NE(a->local(), b->local());
    std::vector<std::pair<Endpoint, Bytes>> at_b;
    b->on_datagram([&](Endpoint from, ByteView payload) { at_b.emplace_back(from, copy_of(payload)); });
    const Bytes small{1, 2}, large(60000, 9);
    ASSERT_TRUE(a->send(b->local(), small));
    ASSERT_TRUE(a->send(b->local(), large));
    ASSERT_TRUE(a->send(b->local(), Bytes{}));
    ASSERT_TRUE(agent.wait_for([&] { return at_b.size() == 3; }));
    EXPECT_EQ(at_b[0].first, a->local());
    EXPECT_EQ(at_b[0].second, small);
    EXPECT_EQ(at_b[1].second, large);
    EXPECT_EQ(at_b[2].second, Bytes{});
}

TEST_F(AgentServer, RefusesAPortThatOneOfOursHasAndReportsOneThatAProgramHas) {
    const auto ours = host.open_udp({{}, 40000}).value();
    const auto second = host.open_udp({kLoopback, 40000});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().fault, Fault::Refused);

    const int theirs = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(theirs, reinterpret_cast<sockaddr*>(&address), size), 0);
    ::getsockname(theirs, reinterpret_cast<sockaddr*>(&address), &size);
    const auto late = host.open_udp({{}, ntohs(address.sin_port)}).value();
    agent.wait(200ms);
    const auto sent = late->send({kLoopback, 9}, Bytes{1});
    ASSERT_FALSE(sent);
    EXPECT_THAT(sent.error().detail, HasSubstr("Address already in use"));
    ::close(theirs);
}

TEST_F(AgentServer, AsksTheKernelForASourceAddress) {
    const auto first = host.routes().source_for({127, 1, 2, 3});
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().fault, Fault::Unavailable);
    EXPECT_TRUE(agent.wait_for([&] { return host.routes().source_for({127, 1, 2, 3}).has_value(); }));
    EXPECT_EQ(host.routes().source_for({127, 1, 2, 3}).value(), (kLoopback));
}

TEST_F(AgentServer, IsSilentWhenThereIsNothingToTell) {
    agent.wait(100ms);
    const auto before = agent.card->frames_out;
    agent.wait(500ms);
    EXPECT_EQ(agent.card->frames_out, before);
}

TEST_F(AgentServer, TellsEveryLineWhenTheGuestIsNoMore) {
    std::optional<Result<int>> how, late;
    StreamLog log;
    const auto program = run({"/bin/sleep", "10"}, how);
    const auto stream = connect_in_guest(control, "/no/such/socket");
    stream->set_callbacks(log.callbacks());
    const auto socket = host.open_udp({}).value();
    control.break_off({Fault::Io, "the guest panicked"});
    EXPECT_FALSE(how);
    ASSERT_TRUE(agent.wait_for([&] { return how && log.closed; }));
    EXPECT_EQ(how->error().detail, "the guest panicked");
    EXPECT_EQ(*log.closed, "the guest panicked");
    EXPECT_FALSE(socket->send({kLoopback, 9}, Bytes{1}));
    const auto another = run({"/bin/true"}, late);
    ASSERT_TRUE(agent.wait_for([&] { return late.has_value(); }));
    EXPECT_EQ(late->error().fault, Fault::Io);
    EXPECT_FALSE(emergency);
}

TEST_F(AgentServer, RaisesAnAlarmWhenTheAgentIsNotToBeUnderstood) {
    agent.wait(50ms);
    std::optional<Result<int>> how;
    const auto program = run({"/bin/sleep", "10"}, how);
    agent.wait(50ms);
    agent::FrameLink liar{agent::kControlMac, agent::kHarnessMac};
    liar.queue(Bytes{250});
    agent.card->inject(copy_of(*liar.next_frame()));
    ASSERT_TRUE(agent.wait_for([&] { return emergency && how; }));
    EXPECT_EQ(emergency->fault, Fault::Malformed);
    EXPECT_EQ(how->error().fault, Fault::Io);
}

}  // namespace
}  // namespace gatelab::sim::peers::uml
