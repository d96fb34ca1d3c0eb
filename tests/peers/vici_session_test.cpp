#include "sim/peers/vici_session.h"

#include <gmock/gmock.h>

namespace gatelab::sim::peers {
namespace {

using Type = ViciPacket::Type;

ViciPacket sent_by(ViciSession& session) {
    const auto bytes = session.take_bytes();
    return bytes.empty() ? ViciPacket{} : parse_vici(ByteView{bytes}.subspan(4)).value();
}

ViciSection said(const std::string& name, const std::string& value) {
    ViciSection section;
    section.set(name, value);
    return section;
}

TEST(ViciSession, SendsOneRequestAtATime) {
    ViciSession session;
    session.request("version");
    session.subscribe("list-sa");
    // --> CMD_REQUEST "version"
    EXPECT_EQ(sent_by(session).name, "version");
    EXPECT_TRUE(session.take_bytes().empty()) << "the second waits";
    // <-- CMD_RESPONSE
    ASSERT_TRUE(session.handle_bytes(encode_vici({Type::Response, "", said("version", "5.9.8")})));
    // --> EVENT_REGISTER "list-sa"
    const auto registered = sent_by(session);
    EXPECT_EQ(registered.type, Type::EventRegister);
    EXPECT_TRUE(session.busy());
    // <-- EVENT_CONFIRM
    ASSERT_TRUE(session.handle_bytes(encode_vici({Type::EventConfirm, "", {}})));
    EXPECT_FALSE(session.busy());
    const auto answer = std::get<ViciSession::Answer>(*session.next_output());
    EXPECT_EQ(answer.command, "version");
    EXPECT_EQ(answer.message.text("version"), "5.9.8");
    EXPECT_FALSE(session.next_output());
}

TEST(ViciSession, TellsStreamedPartsFromNewsHoweverTheBytesAreCut) {
    ViciSession session;
    session.request("list-sas", {}, "list-sa");
    Bytes stream;
    append(stream, encode_vici({Type::Event, "list-sa", said("one", "1")}));
    append(stream, encode_vici({Type::Event, "ike-updown", said("up", "yes")}));
    append(stream, encode_vici({Type::Event, "list-sa", said("two", "2")}));
    append(stream, encode_vici({Type::Response, "", {}}));
    for (const auto& octet : stream) ASSERT_TRUE(session.handle_bytes({&octet, 1}));
    EXPECT_EQ(std::get<ViciSession::News>(*session.next_output()).event, "ike-updown");
    const auto answer = std::get<ViciSession::Answer>(*session.next_output());
    ASSERT_EQ(answer.parts.size(), 2u);
    EXPECT_EQ(answer.parts[1].text("two"), "2");
}

TEST(ViciSession, RefusesWhatBreaksTheProtocol) {
    EXPECT_EQ(ViciSession{}.handle_bytes(encode_vici({Type::Response, "", {}})).error().fault, Fault::Malformed);
    EXPECT_EQ(ViciSession{}.handle_bytes(Bytes{0xff, 0, 0, 0}).error().fault, Fault::Malformed);
    ViciSession session;
    session.subscribe("no-such-event");
    EXPECT_EQ(session.handle_bytes(encode_vici({Type::EventUnknown, "", {}})).error().fault, Fault::Unsupported);
}

}  // namespace
}  // namespace gatelab::sim::peers
