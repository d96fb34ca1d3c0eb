// What every Machine must do, of whichever kind.
#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "sim/peers/files.h"
#include "sim/peers/programs/pppd.h"
#include "tests/peers/machine_stage.h"

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;

class MachineOf : public MachineStage {};
INSTANTIATE_TEST_SUITE_P(BothWays, MachineOf, kWays, name_of_parameter);

TEST_P(MachineOf, RunsAProgramAndTellsHowItEnded) {
    std::optional<Result<int>> ended;
    const auto program = start("echo $0 hello; exit 3", ended);
    EXPECT_FALSE(ended) << "never inside the call";
    ASSERT_TRUE(run_until([&] { return ended.has_value(); }));
    EXPECT_EQ(describe_exit(ended->value()), "exit status 3");
    EXPECT_EQ(read_file(machine->folder() / "output"), "/bin/sh hello\n");
}

TEST_P(MachineOf, ToldOfAMissingProgramSaysSo) {
    std::optional<Result<int>> ended;
    const auto program = machine->run({{"/no/such/program"}, {}, ""}, [&](Result<int> how) { ended = std::move(how); });
    EXPECT_FALSE(ended);
    ASSERT_TRUE(run_until([&] { return ended.has_value(); }));
    EXPECT_EQ(ended->error().fault, Fault::NotFound);
}

TEST_P(MachineOf, LetsPppdWriteIntoAnEtcOfItsOwnOnly) {
    const programs::Pppd pppd{*machine, {"user", "password", 5000, {}, {10, 9, 0, 1}, {10, 9, 0, 2}}};
    EXPECT_EQ(pppd.ended().has_value(), !machine->has_own_files());
    if (pppd.ended()) {
        EXPECT_EQ(pppd.ended()->error().fault, Fault::Unsupported);
    }
}

TEST_P(MachineOf, SharesItsFolder) {
    std::ofstream{machine->folder() / "question"} << "forty-two\n";
    std::optional<Result<int>> ended;
    const auto program = start("cat " + machine->inside("question") + " > " + machine->inside("answer"), ended);
    ASSERT_TRUE(run_until([&] { return ended.has_value(); }));
    EXPECT_EQ(read_file(machine->folder() / "answer"), "forty-two\n");
}

TEST_P(MachineOf, SignalsItsProgramsAndKillsThoseNobodyWants) {
    std::optional<Result<int>> ended, never;
    const auto program = start("sleep 60", ended);
    auto unwanted = start("trap '' TERM; echo $$ > " + machine->inside("pid") + "; sleep 60", never);
    run_until([&] { return size_of(machine->folder() / "pid") > 0; });
    program->signal(SIGTERM);
    ASSERT_TRUE(run_until([&] { return ended.has_value(); }));
    EXPECT_EQ(describe_exit(ended->value()), "killed by signal 15");
    unwanted.reset();
    std::optional<Result<int>> looked;
    const auto looking = start(
        "for i in 1 2 3 4 5; do kill -0 $(cat " + machine->inside("pid") + ") || exit 7; sleep 0.2; done", looked);
    ASSERT_TRUE(run_until([&] { return looked.has_value(); }));
    EXPECT_EQ(describe_exit(looked->value()), "exit status 7") << "it is gone";
    EXPECT_FALSE(never) << "nothing is told of what nobody wants";
}

TEST_P(MachineOf, SaysWhyNobodyAnswersAtASocket) {
    const auto stream = machine->connect(machine->socket_path("nobody"));
    std::string why;
    TcpStream::Callbacks callbacks;
    callbacks.closed = [&](std::string reason) { why = std::move(reason); };
    stream->set_callbacks(std::move(callbacks));
    EXPECT_EQ(why, "");
    ASSERT_TRUE(run_until([&] { return !why.empty(); }));
}

TEST_P(MachineOf, JoinsTheNetwork) {
    const auto near = machine->stack().open_udp({{}, 7}).value();
    if (guests) network->run_until(network->now() + 3s);  // it boots
    const auto far = network->host("far").open_udp({{}, 7}).value();
    std::string heard;
    near->on_datagram([&](Endpoint from, ByteView) { EXPECT_TRUE(near->send(from, as_bytes("back"))); });
    far->on_datagram([&](Endpoint, ByteView payload) { heard = as_text(payload); });
    ASSERT_TRUE(far->send({Ipv4Address{192, 0, 2, 1}, 7}, as_bytes("there")));
    EXPECT_TRUE(run_until([&] { return heard == "back"; }));
}

}  // namespace
}  // namespace gatelab::sim::peers
