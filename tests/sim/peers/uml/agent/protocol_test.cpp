#include "sim/peers/uml/agent/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "impl/base/random.h"

namespace gatelab::sim::peers::uml::agent {
namespace {

using testing::ElementsAre;

const Endpoint kHere{{10, 0, 0, 1}, 500}, kThere{{10, 0, 0, 2}, 4500};

std::vector<Message> one_of_each() {
    static const Bytes bytes{1, 2, 3};
    return {Configure{"alice", {"10.0.0.1", "10.0.0.2"}, {"10.9.0.1"}, 1400, 1},
            RunProgram{2, {"/bin/true", ""}, {"A=b"}, "/run/share/log"},
            SignalProgram{2, 15},
            ConnectUnix{4, "/run/x"},
            ConnectTcp{6, kThere},
            ListenTcp{8, kHere},
            OpenUdp{10, kHere},
            OpenRaw{12, 50},
            Finish{6},
            Close{6},
            AskSource{14, kThere.address},
            Hello{1, "6.1"},
            Configured{"why"},
            ProgramEnded{2, 256},
            ProgramFailed{2, 2},
            Connected{6, kHere, kThere},
            Accepted{8, 1, kHere, kThere},
            Credit{6, 1000, 3},
            Closed{6, "reset", 4},
            Source{14, kHere.address},
            Data{6, bytes},
            Datagram{10, kThere, bytes}};
}

TEST(AgentProtocol, CarriesEveryMessageUnchanged) {
    const auto all = one_of_each();
    ASSERT_EQ(all.size(), std::variant_size_v<Message>);
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i].index(), i);
        const auto bytes = encode(all[i]);
        const auto parsed = parse(bytes);
        ASSERT_TRUE(parsed) << i << ": " << parsed.error().detail;
        EXPECT_EQ(encode(*parsed), bytes) << i;
    }
}

TEST(AgentProtocol, KeepsTheFieldsApart) {
    const auto bytes = encode(one_of_each()[1]);
    const auto parsed = parse(bytes);
    ASSERT_TRUE(parsed);
    const auto& run = std::get<RunProgram>(*parsed);
    EXPECT_EQ(run.channel, 2u);
    EXPECT_THAT(run.arguments, ElementsAre("/bin/true", ""));
    EXPECT_THAT(run.environment, ElementsAre("A=b"));
    EXPECT_EQ(run.output, "/run/share/log");
}

TEST(AgentProtocol, RefusesEveryTruncation) {
    for (const auto& message : one_of_each()) {
        const auto bytes = encode(message);
        for (std::size_t length = 0; length < bytes.size(); ++length)
            EXPECT_FALSE(parse(ByteView{bytes}.first(length))) << message.index() << " cut to " << length;
    }
}

TEST(AgentProtocol, RefusesTrailingOctetsAndUnknownKinds) {
    for (const auto& message : one_of_each()) {
        auto bytes = encode(message);
        bytes.push_back(0);
        EXPECT_FALSE(parse(bytes)) << message.index();
    }
    EXPECT_FALSE(parse(Bytes{std::variant_size_v<Message>}));
    EXPECT_FALSE(parse(Bytes{255, 0, 0, 0, 0}));
}

TEST(AgentProtocol, SurvivesNoise) {
    SeededRandom random{7};
    for (int i = 0; i < 20000; ++i) {
        auto bytes = random.bytes(random.below(40));
        if (!bytes.empty()) bytes[0] = static_cast<std::uint8_t>(bytes[0] % (std::variant_size_v<Message> + 1));
        (void)parse(bytes);
    }
}

}  // namespace
}  // namespace gatelab::sim::peers::uml::agent
