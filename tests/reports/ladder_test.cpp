#include "reports/ladder.h"

#include <gmock/gmock.h>

#include <sstream>

#include "tests/reports/sample.h"

namespace gatelab::reports {
namespace {

std::string message(double t, const std::string& node, const std::string& event, bool response, int id,
                    const std::string& remote) {
    std::ostringstream line;
    line << R"({"t":)" << t << R"(,"node":")" << node << R"(","component":"ikev2","event":")" << event
         << R"(","attributes":{"exchange":"IKE_AUTH","message_id":)" << id << R"(,"initiator":)"
         << (response ? "false" : "true") << R"(,"response":)" << (response ? "true" : "false")
         << R"(,"payloads":"SK","remote":")" << remote << R"(","size":100,"retransmission":false}})" << '\n';
    return line.str();
}

TEST(Ladder, JoinsWhatSenderAndReceiverTold) {
    std::istringstream log{message(1, "alice", "message-sent", false, 1, "198.51.100.10:500") +
                           message(2, "gateway", "message-received", false, 1, "203.0.113.10:500")};
    const auto ladder = read_ladder(log);
    ASSERT_EQ(ladder.messages.size(), 1u);
    EXPECT_EQ(ladder.messages[0].from, "alice");
    EXPECT_EQ(ladder.messages[0].to, "gateway");
    EXPECT_EQ(ladder.messages[0].sent, 1.0);
    EXPECT_EQ(ladder.messages[0].arrived, 2.0);
}

TEST(Ladder, TellsALostMessageAndWhereItWasGoing) {
    std::istringstream log{message(1, "alice", "message-sent", false, 1, "198.51.100.10:500") +
                           message(2, "gateway", "message-received", false, 1, "203.0.113.10:500") +
                           message(3, "alice", "message-sent", false, 2, "198.51.100.10:500")};
    const auto ladder = read_ladder(log);
    ASSERT_EQ(ladder.messages.size(), 2u);
    EXPECT_LT(ladder.messages[1].arrived, 0);
    EXPECT_EQ(ladder.messages[1].to, "gateway");
}

TEST(Ladder, ShowsMessagesOfAPeerThatKeepsNoLog) {
    std::istringstream log{message(1, "alice", "message-sent", false, 1, "198.51.100.10:500") +
                           message(2, "alice", "message-received", true, 1, "198.51.100.10:500")};
    const auto ladder = read_ladder(log);
    ASSERT_EQ(ladder.messages.size(), 2u);
    EXPECT_EQ(ladder.messages[0].to, "198.51.100.10");
    EXPECT_GE(ladder.messages[0].arrived, 0);  // nobody knows, and nothing says that it was lost
    EXPECT_EQ(ladder.messages[1].from, "198.51.100.10");
    EXPECT_EQ(ladder.messages[1].to, "alice");
}

TEST(Ladder, NamesTheOnlyRealProgram) {
    std::istringstream log{message(1, "alice", "message-sent", false, 1, "198.51.100.10:500") +
                           R"({"t":2,"node":"gateway","component":"strongswan","event":"started","attributes":{}})"
                           "\n"};
    const auto ladder = read_ladder(log);
    ASSERT_EQ(ladder.messages.size(), 1u);
    EXPECT_EQ(ladder.messages[0].to, "gateway");
}

TEST(Ladder, JoinsAcrossTheMarkerOfPort4500) {
    auto sent = message(1, "alice", "message-sent", false, 1, "198.51.100.10:4500");
    sent.replace(sent.find("\"size\":100"), 10, "\"size\":104");
    std::istringstream log{sent + message(2, "gateway", "message-received", false, 1, "203.0.113.10:4500")};
    EXPECT_EQ(read_ladder(log).messages.size(), 1u);
}

TEST(Ladder, PassesOverLinesThatAreNone) {
    std::istringstream log{"not json\n{}\n[1]\n{\"t\":1}\n"};
    const auto ladder = read_ladder(log);
    EXPECT_TRUE(ladder.messages.empty());
    EXPECT_TRUE(ladder.notes.empty());
}

TEST(Ladder, StaysSmallForALongRun) {
    std::string log;
    for (int i = 0; i < 2000; ++i) log += message(i, "alice", "message-sent", false, i, "198.51.100.10:500");
    std::istringstream in{log};
    const auto ladder = read_ladder(in);
    EXPECT_LE(ladder.messages.size(), 300u);
    EXPECT_TRUE(ladder.cut);
}

}  // namespace
}  // namespace gatelab::reports
