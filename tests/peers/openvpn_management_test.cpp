#include "sim/peers/openvpn_management.h"

#include <gmock/gmock.h>

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;
using Management = OpenVpnManagement;

std::vector<Management::Output> read(std::string_view text) {
    Management management;
    return management.handle_bytes(as_bytes(text));
}

TEST(OpenVpnManagement, TellsThatTheProgramWaitsAndForHowLong) {
    const auto outputs = read(">INFO:OpenVPN Management Interface Version 5\r\n>HOLD:Waiting for hold release:16\r\n");
    ASSERT_EQ(outputs.size(), 1u);
    EXPECT_EQ(std::get<Management::Hold>(outputs[0]).before_retry, 16s);
}

TEST(OpenVpnManagement, ReadsStatesThatAreToldAndThoseThatAreAsked) {
    const auto outputs = read(
        "SUCCESS: real-time state notification set to ON\n"
        "1795248402,CONNECTED,SUCCESS,10.60.0.2,10.1.0.1,1194,,\nEND\n"
        ">STATE:1795248409,EXITING,exit-with-notification,,,,,\n");
    ASSERT_EQ(outputs.size(), 2u);
    EXPECT_EQ(std::get<Management::State>(outputs[0]).name, "CONNECTED");
    EXPECT_EQ(std::get<Management::State>(outputs[0]).reason, "SUCCESS");
    EXPECT_EQ(std::get<Management::State>(outputs[1]).reason, "exit-with-notification");
}

TEST(OpenVpnManagement, PutsLinesTogetherThatComeInPieces) {
    const std::string text =
        ">CLIENT:CONNECT,3,1\n>CLIENT:ENV,common_name=alice\n>CLIENT:ENV,password=a=b,c\n>CLIENT:ENV,END\n"
        ">CLIENT:ADDRESS,3,10.60.0.2,1\n>CLIENT:ESTABLISHED,3\n>CLIENT:ENV,END\n";
    Management management;
    std::vector<Management::Output> outputs;
    for (const char one : text)
        for (auto& output : management.handle_bytes(as_bytes({&one, 1}))) outputs.push_back(std::move(output));
    ASSERT_EQ(outputs.size(), 3u);
    const auto& client = std::get<Management::Client>(outputs[0]);
    EXPECT_EQ(client.kind, Management::Client::Kind::Connect);
    EXPECT_EQ(client.client, "3");
    EXPECT_EQ(client.key, "1");
    EXPECT_EQ(client.environment.at("common_name"), "alice");
    EXPECT_EQ(client.environment.at("password"), "a=b,c");
    EXPECT_EQ(std::get<Management::Address>(outputs[1]).address, "10.60.0.2");
    EXPECT_EQ(std::get<Management::Client>(outputs[2]).kind, Management::Client::Kind::Established);
}

TEST(OpenVpnManagement, KeepsLogLinesWhole) {
    const auto outputs = read(">LOG:1795248402,I,PUSH: a,b,c\n>REMOTE:gw.example.com,443,tcp-client\n");
    ASSERT_EQ(outputs.size(), 2u);
    EXPECT_EQ(std::get<Management::Log>(outputs[0]).text, "PUSH: a,b,c");
    EXPECT_EQ(std::get<Management::Remote>(outputs[1]).host, "gw.example.com");
    EXPECT_EQ(std::get<Management::Remote>(outputs[1]).port, "443");
}

TEST(OpenVpnManagement, EndsOneCommandWithOneLine) {
    const Management::Client client{Management::Client::Kind::Connect, "3", "1", {}};
    EXPECT_EQ(accept(client), "client-auth-nt 3 1\n");
    EXPECT_EQ(deny(client, "say \"no\"\nkill all"),
              "client-deny 3 1 \"say \\\"no\\\"kill all\" \"say \\\"no\\\"kill all\"\n");
    EXPECT_EQ(accept_remote("203.0.113.10", "443"), "remote MOD 203.0.113.10 443\n");
}

}  // namespace
}  // namespace gatelab::sim::peers
