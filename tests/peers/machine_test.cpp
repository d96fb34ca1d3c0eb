// What every Machine must do, of whichever kind.
#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "sim/peers/files.h"
#include "sim/peers/namespace_machine.h"

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;

class MachineOf : public ::testing::Test {
protected:
    void SetUp() override {
        NetworkOptions options;
        options.real_time = true;
        network = std::make_unique<Network>(options);
        network->add_port("box");
        network->add_host("far", {Ipv4Address{192, 0, 2, 2}});
        topologies::Link link;
        link.name = "wire";
        network->connect("box", "far", link);
        network->add_route("far", Prefix{}, "box");
        auto made =
            make_namespace_machine(*network, {.node = "box", .port = "box", .machine = {{Ipv4Address{192, 0, 2, 1}}}});
        if (!made) GTEST_SKIP() << made.error().detail;
        machine = std::move(*made);
    }

    bool run_until(const std::function<bool()>& condition) {
        return network->run_until(condition, network->now() + 10s);
    }

    std::unique_ptr<Program> start(const std::string& script, std::optional<Result<int>>& ended) {
        return machine->run({{"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin"}, "output"},
                            [&](Result<int> how) { ended = std::move(how); });
    }

    std::unique_ptr<Network> network;
    std::unique_ptr<Machine> machine;
};

TEST_F(MachineOf, RunsAProgramAndTellsHowItEnded) {
    std::optional<Result<int>> ended;
    const auto program = start("echo $0 hello; exit 3", ended);
    EXPECT_FALSE(ended) << "never inside the call";
    ASSERT_TRUE(run_until([&] { return ended.has_value(); }));
    EXPECT_EQ(describe_exit(ended->value()), "exit status 3");
    EXPECT_EQ(read_file(machine->folder() / "output"), "/bin/sh hello\n");
}

TEST_F(MachineOf, ToldOfAMissingProgramSaysSo) {
    std::optional<Result<int>> ended;
    const auto program = machine->run({{"/no/such/program"}, {}, ""}, [&](Result<int> how) { ended = std::move(how); });
    EXPECT_FALSE(ended);
    ASSERT_TRUE(run_until([&] { return ended.has_value(); }));
    EXPECT_EQ(ended->error().fault, Fault::NotFound);
}

TEST_F(MachineOf, SharesItsFolder) {
    std::ofstream{machine->folder() / "question"} << "forty-two\n";
    std::optional<Result<int>> ended;
    const auto program = start("cat " + machine->inside("question") + " > " + machine->inside("answer"), ended);
    ASSERT_TRUE(run_until([&] { return ended.has_value(); }));
    EXPECT_EQ(read_file(machine->folder() / "answer"), "forty-two\n");
}

TEST_F(MachineOf, SignalsItsProgramsAndKillsThoseNobodyWants) {
    std::optional<Result<int>> ended, never;
    const auto program = start("sleep 60", ended);
    auto unwanted = start("trap '' TERM; echo $$ > " + machine->inside("pid") + "; sleep 60", never);
    run_until([&] { return size_of(machine->folder() / "pid") > 0; });
    program->signal(SIGTERM);
    ASSERT_TRUE(run_until([&] { return ended.has_value(); }));
    EXPECT_EQ(describe_exit(ended->value()), "killed by signal 15");
    unwanted.reset();
    std::optional<Result<int>> looked;
    const auto looking = start("kill -0 $(cat " + machine->inside("pid") + ")", looked);
    ASSERT_TRUE(run_until([&] { return looked.has_value(); }));
    EXPECT_NE(looked->value(), 0);
    EXPECT_FALSE(never) << "nothing is told of what nobody wants";
}

TEST_F(MachineOf, SaysWhyNobodyAnswersAtASocket) {
    const auto stream = machine->connect(machine->socket_path("nobody"));
    std::string why;
    TcpStream::Callbacks callbacks;
    callbacks.closed = [&](std::string reason) { why = std::move(reason); };
    stream->set_callbacks(std::move(callbacks));
    EXPECT_EQ(why, "");
    ASSERT_TRUE(run_until([&] { return !why.empty(); }));
}

TEST_F(MachineOf, JoinsTheNetwork) {
    const auto near = machine->stack().open_udp({{}, 7}).value();
    const auto far = network->host("far").open_udp({{}, 7}).value();
    std::string heard;
    near->on_datagram([&](Endpoint from, ByteView) { EXPECT_TRUE(near->send(from, as_bytes("back"))); });
    far->on_datagram([&](Endpoint, ByteView payload) { heard = as_text(payload); });
    ASSERT_TRUE(far->send({Ipv4Address{192, 0, 2, 1}, 7}, as_bytes("there")));
    EXPECT_TRUE(run_until([&] { return heard == "back"; }));
}

}  // namespace
}  // namespace gatelab::sim::peers
