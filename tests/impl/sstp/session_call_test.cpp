// The call, message by message, with a peer that is played by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/impl/sstp/pair.h"

namespace gatelab::sstp {
namespace {

using namespace std::chrono_literals;
using namespace test;
using ::testing::HasSubstr;
using T = MessageType;

const Message kRequest{T::CallConnectRequest, {EncapsulatedProtocol{}}};
const Message kEcho{T::EchoRequest, {}};

Message ack(std::uint8_t hashes = kSha1 | kSha256) { return {T::CallConnectAck, {CryptoBindingRequest{hashes, {}}}}; }
Message nak() { return {T::CallConnectNak, {StatusInfo{1, StatusCode::ValueNotSupported, {0, 1}}}}; }

// SSTP-21, SSTP-22.
TEST(SstpServer, NaksWhatItCannotAcceptAndTakesTheNextRequest) {
    Hand hand{Role::Client, server_options()};
    hand.to_connect_request();
    hand.say_hex("1001 000e 0001 0001 0001 0006 0002");
    const auto refusal = hand.message();
    EXPECT_EQ(to_hex(encode(refusal)),
              "100100160003000100"
              "02000e000000010000000400"
              "02");
    EXPECT_EQ(hand.peer.state(), "server-connect-request-pending");
    hand.say_hex("1001 0008 0001 0000");
    EXPECT_EQ(find<StatusInfo>(hand.message())->status, StatusCode::RequiredAttributeMissing);
    hand.say_hex("1001 0022 0001 0003 0009 0006 abcd 0002 000c 00000001 00000004 0001 0008 00010000");
    EXPECT_EQ(hand.aborted(), StatusCode::InvalidAttributeValueLength);
}

TEST(SstpServer, ListsAllThatItCannotAccept) {
    Hand hand{Role::Client, server_options()};
    hand.to_connect_request();
    hand.say({T::CallConnectRequest, {UnknownAttribute{9, {1}}, CryptoBindingRequest{}, EncapsulatedProtocol{7}}});
    const auto refusal = hand.message();
    ASSERT_EQ(refusal.type, T::CallConnectNak);
    std::vector<std::pair<int, StatusCode>> told;
    for (const auto& attribute : refusal.attributes) {
        const auto& info = std::get<StatusInfo>(attribute);
        told.emplace_back(info.attribute, info.status);
    }
    EXPECT_EQ(told, (std::vector<std::pair<int, StatusCode>>{{9, StatusCode::UnrecognizedAttribute},
                                                             {4, StatusCode::AttributeNotSupportedInMessage},
                                                             {1, StatusCode::ValueNotSupported}}));
    hand.say(kRequest);
    EXPECT_EQ(hand.message().type, T::CallConnectAck);
}

TEST(SstpServer, AbortsWhoAsksForTheWrongThingAgainAndAgain) {
    Hand hand{Role::Client, server_options()};
    hand.to_connect_request();
    for (int i = 0; i < 10; ++i) {
        hand.say({T::CallConnectRequest, {}});
        EXPECT_EQ(hand.message().type, T::CallConnectNak);
    }
    hand.say({T::CallConnectRequest, {}});
    EXPECT_EQ(hand.aborted(), StatusCode::RetryCountExceeded);
    hand.run_for(3s);
    EXPECT_EQ(hand.peer.closed(), CloseReason::NoAgreement);
}

TEST(SstpPeer, ThatFloodsAnEndedCallIsNoFloodOfTraces) {
    Hand hand{Role::Client, server_options()};
    hand.to_connect_ack();
    hand.say({T::CallDisconnect, {}});
    const auto before = hand.peer.said.size();
    Bytes flood;
    for (int i = 0; i < 1000; ++i) append(flood, encode(kEcho));
    hand.say(flood);
    EXPECT_LE(hand.peer.said.size(), before + 10);
    EXPECT_TRUE(hand.peer.traced("dropped"));
}

TEST(SstpServer, ListsNoMoreThanAPacketHolds) {
    Hand hand{Role::Client, server_options()};
    hand.to_connect_request();
    Message many{T::CallConnectRequest, {}};
    for (int i = 0; i < 1000; ++i) many.attributes.emplace_back(UnknownAttribute{9, {}});
    hand.say(many);
    const auto refusal = hand.message();
    EXPECT_EQ(refusal.type, T::CallConnectNak);
    EXPECT_EQ(refusal.attributes.size(), 340u);  // of 12 octets each, in 4095 - 8
}

// SSTP-16.
TEST(SstpServer, OffersItsHashesWithANewNonce) {
    Nonce nonces[2];
    for (auto& nonce : nonces) {
        auto options = server_options();
        options.hashes = kSha256;
        Hand hand{Role::Client, options};
        static std::uint64_t seed = 100;
        *hand.peer.random = SeededRandom{seed++};
        hand.to_connect_request();
        hand.say(kRequest);
        const auto accepted = hand.message();
        EXPECT_EQ(encode(accepted).size(), 48u);
        EXPECT_EQ(find<CryptoBindingRequest>(accepted)->hashes, kSha256);
        nonce = find<CryptoBindingRequest>(accepted)->nonce;
    }
    EXPECT_NE(nonces[0], nonces[1]);
}

// SSTP-43.
TEST(SstpServer, AbortsWhereTheBindingDoesNotHold) {
    const auto ended = [](const std::function<Bytes(const Hand&)>& make, std::uint8_t hashes = kSha1 | kSha256) {
        auto options = server_options();
        options.hashes = hashes;
        Hand hand{Role::Client, options};
        hand.to_authenticated();
        hand.say(make(hand));
        EXPECT_TRUE(hand.aborted());
        EXPECT_EQ(hand.peer.last<Session::Opened>(), nullptr);
        hand.run_for(5s);
        EXPECT_EQ(hand.peer.closed(), CloseReason::CryptoBindingFailed);
        return hand.peer.why();
    };
    const auto changed = [](std::size_t at) {
        return [at](const Hand& hand) {
            auto packet = hand.binding();
            packet[at] ^= 1;
            return packet;
        };
    };
    EXPECT_EQ(ended(changed(20)), "nonce");
    EXPECT_EQ(ended(changed(50)), "certificate-hash");
    EXPECT_EQ(ended(changed(100)), "compound-mac");
    EXPECT_EQ(ended(changed(15)), "hash-protocol");  // both bits
    EXPECT_EQ(ended([](const Hand& hand) { return hand.binding(kSha1); }, kSha256), "hash-protocol");
    EXPECT_EQ(ended([](const Hand& hand) {
                  return call_connected(kSha256, hand.nonce, HigherLayerKey{}, server_identity().certificate.der());
              }),
              "compound-mac");
    EXPECT_EQ(ended([](const Hand& hand) {
                  const mschap::MasterKeys swapped{hand.keys->receive, hand.keys->send};
                  return call_connected(kSha256, hand.nonce, higher_layer_key(swapped),
                                        server_identity().certificate.der());
              }),
              "compound-mac");
}

TEST(SstpServer, TakesABindingWithEitherHash) {
    for (const auto hash : {kSha1, kSha256}) {
        Hand hand{Role::Client, server_options()};
        hand.to_authenticated();
        hand.say(hand.binding(hash));
        EXPECT_EQ(hand.peer.state(), "server-call-connected");
        EXPECT_EQ(hand.peer.session.status().binding_hash, hash);
    }
}

TEST(SstpServer, LetsNobodyInWhoHasNotAuthenticated) {
    Hand hand{Role::Client, server_options()};
    hand.to_connect_ack();
    hand.say(hand.binding());
    EXPECT_TRUE(hand.aborted());
    hand.run_for(5s);
    EXPECT_EQ(hand.peer.closed(), CloseReason::CryptoBindingFailed);
    EXPECT_EQ(hand.peer.why(), "inner-authentication");
}

// Sections 3.2.7.2 and 3.3.7.2.
TEST(SstpServer, DropsPacketsBeforeTheBindingHolds) {
    Hand hand{Role::Client, server_options()};
    hand.to_authenticated();
    EXPECT_TRUE(hand.ppp_open);  // IPCP may run before
    const auto packet = inner_packet(kInner, kTarget);
    ByteWriter writer;
    writer.u8(kVersion).u8(0).u16(static_cast<std::uint16_t>(6 + packet.size())).u16(0x21).bytes(packet);
    hand.say(writer.view());
    EXPECT_TRUE(hand.peer.delivered.empty());
    EXPECT_EQ(hand.peer.session.status().dropped, 1u);
    EXPECT_FALSE(hand.peer.session.seal(hand.now, inner_packet(kTarget, kInner), [](ByteView) { FAIL(); }));
    EXPECT_EQ(hand.peer.last<Session::Opened>(), nullptr);
    hand.say(hand.binding());
    EXPECT_NE(hand.peer.last<Session::Opened>(), nullptr);
    hand.say(writer.view());
    EXPECT_EQ(hand.peer.delivered.size(), 1u);
}

TEST(SstpServer, DropsPppBeforeTheCallBegins) {
    Hand hand{Role::Client, server_options()};
    hand.to_connect_request();
    hand.say_hex("1000 000a c021 0101 0004");
    EXPECT_EQ(hand.peer.session.status().dropped, 1u);
    EXPECT_EQ(hand.peer.state(), "server-connect-request-pending");
}

// SSTP-15, SSTP-24.
TEST(SstpClient, AsksAgainAfterANakAndThenGivesUp) {
    Hand hand{Role::Server, client_options()};
    hand.to_connect_request();
    EXPECT_EQ(to_hex(encode(hand.message())), "1001000e00010001000100060001");
    hand.say(nak());
    EXPECT_EQ(hand.message().type, T::CallConnectRequest);
    hand.say(nak());
    EXPECT_EQ(hand.message().type, T::CallConnectRequest);
    hand.say(nak());
    EXPECT_EQ(hand.aborted(), StatusCode::RetryCountExceeded);
    hand.say({T::CallAbort, {}});
    hand.run_for(2s);
    EXPECT_EQ(hand.peer.closed(), CloseReason::NoAgreement);
    EXPECT_THAT(hand.peer.why(), HasSubstr("refused 3 Call Connect Requests: value-not-supported of attribute 1"));
}

// SSTP-44.
TEST(SstpClient, BindsWithTheBestHashOfTheAck) {
    for (const auto& [offered, taken] :
         {std::pair{std::uint8_t{3}, kSha256}, {kSha1, kSha1}, {kSha256, kSha256}, {std::uint8_t{0xfd}, kSha1}}) {
        Hand hand{Role::Server, client_options()};
        hand.to_connect_request();
        hand.messages();
        hand.nonce.fill(5);
        hand.say({T::CallConnectAck, {CryptoBindingRequest{offered, hand.nonce}}});
        hand.ppp.start(hand.now);
        hand.pump_ppp();
        ASSERT_EQ(hand.heard_packets.size(), 1u);
        EXPECT_EQ(hand.heard_packets[0], hand.binding(taken));
        EXPECT_EQ(hand.peer.session.status().binding_hash, taken);
    }
}

TEST(SstpClient, AbortsAnAckWithoutAHashThatItKnows) {
    for (const std::uint8_t hashes : {0x00, 0x04, 0xfc}) {
        Hand hand{Role::Server, client_options()};
        hand.to_connect_request();
        hand.messages();
        hand.say(ack(hashes));
        EXPECT_EQ(hand.aborted(), StatusCode::ValueNotSupported);
    }
}

// SSTP-29.
TEST(SstpPeer, ThatSendsWhatCannotBeDelimitedIsDroppedWithoutAWord) {
    for (const auto* stream : {"11010008 00080000", "00010008 00080000", "10010003", "10000000", "ff"}) {
        for (const auto role : {Role::Client, Role::Server}) {
            Hand hand{role, role == Role::Client ? server_options() : client_options()};
            hand.to_call_connected();
            hand.say_hex(stream);
            if (std::string_view{stream} == "ff") hand.say_hex("ffffff");
            EXPECT_TRUE(hand.messages().empty()) << stream;
            EXPECT_EQ(hand.peer.closed(), CloseReason::ProtocolError) << stream;
            EXPECT_FALSE(hand.tls_closed);
        }
    }
}

TEST(SstpPeer, ThatSendsAnInvalidMessageIsAborted) {
    struct Case {
        const char* packet;
        StatusCode status;
    };
    for (const auto& [packet, status] :
         {Case{"1001 0008 000a 0000", StatusCode::InvalidFrameReceived},
          {"1001 0008 0008 0001", StatusCode::InvalidFrameReceived},
          {"1001 0006 0008", StatusCode::InvalidFrameReceived},
          {"1001 0004", StatusCode::InvalidFrameReceived},
          {"1001 000c 0008 0001 0009 0004", StatusCode::UnrecognizedAttribute},
          {"1001 0014 0008 0001 0002 000c 00000000 00000000", StatusCode::AttributeNotSupportedInMessage},
          {"1001 000c 0008 0001 0009 0003", StatusCode::InvalidAttributeValueLength},
          {"1001 0020 0006 0002 0002 000c 00000000 00000000 0002 000c 00000000 00000000",
           StatusCode::DuplicateAttribute}}) {
        Hand hand{Role::Client, server_options()};
        hand.to_call_connected();
        hand.say_hex(packet);
        EXPECT_EQ(hand.aborted(), status) << packet;
        EXPECT_EQ(hand.peer.state(), "call-abort-pending") << packet;
        EXPECT_FALSE(hand.peer.session.status().up);
    }
}

TEST(SstpPeer, ThatAbortsSaysWhy) {
    Hand hand{Role::Server, client_options()};
    hand.to_call_connected();
    hand.say({T::CallAbort, {StatusInfo{3, StatusCode::ValueNotSupported, {}}}});
    EXPECT_EQ(hand.message().type, T::CallAbort);
    EXPECT_FALSE(hand.peer.session.status().up);
    hand.run_for(1s);
    EXPECT_EQ(hand.peer.closed(), CloseReason::PeerAborted);
    EXPECT_EQ(hand.peer.why(), "value-not-supported of attribute 3");
}

// Whatever comes in whatever order: the session ends once, and soon after it has begun to.
RC_GTEST_PROP(SstpPeer, CannotKeepASessionFromItsEnd, ()) {
    const auto role = *rc::gen::element(Role::Client, Role::Server);
    Hand hand{role, role == Role::Client ? server_options() : client_options()};
    hand.to_connect_request();
    const auto said = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 12));
    for (const auto what : said) {
        if (what == 0) hand.say_hex("1000 0008 c021 0000");
        if (what == 10) hand.say(hand.binding());
        if (what == 11) hand.run_for(1500ms);
        if (what == static_cast<int>(T::CallConnectRequest)) hand.say(kRequest);
        if (what == static_cast<int>(T::CallConnectAck)) hand.say(ack());
        if (what == static_cast<int>(T::CallConnectNak)) hand.say(nak());
        if (what >= 4 && what <= 9) hand.say({static_cast<T>(what), {}});
    }
    hand.run_for(130s);
    RC_ASSERT(hand.peer.closed());
    RC_ASSERT(std::holds_alternative<Session::Closed>(hand.peer.said.back()));
    RC_ASSERT(hand.peer.out.empty());
}

// Section 3.2.4.2: PPP's end is the call's.
TEST(SstpPpp, ThatEndsEndsTheCallWithADisconnect) {
    for (const auto role : {Role::Client, Role::Server}) {
        Hand hand{role, role == Role::Client ? server_options() : client_options()};
        hand.to_call_connected();
        hand.ppp.close(hand.now);
        hand.pump_ppp();
        hand.run_for(4s);
        const auto heard = hand.message();
        EXPECT_EQ(heard.type, T::CallDisconnect);
        EXPECT_EQ(find<StatusInfo>(heard)->status, StatusCode::NoError);
        hand.say({T::CallDisconnectAck, {}});
        EXPECT_EQ(hand.peer.closed(), CloseReason::PeerDisconnected);
    }
}

TEST(SstpPpp, IsTakenDownFirstWhenAnOpenCallIsClosed) {
    Hand hand{Role::Client, server_options()};
    hand.to_call_connected();
    hand.answers_ppp = false;
    const auto before = hand.data_heard;
    hand.peer.session.close(hand.now);
    EXPECT_TRUE(hand.messages().empty());
    EXPECT_EQ(hand.data_heard, before + 1);  // Terminate-Request
    hand.run_for(30s);
    EXPECT_EQ(hand.peer.closed(), CloseReason::Requested);
}

TEST(SstpPpp, ThatRefusesAPasswordEndsTheCall) {
    Hand hand{Role::Client, server_options()};
    hand.peer.password = "another";
    hand.to_connect_ack();
    hand.pump_ppp();
    hand.run_for(10s);
    EXPECT_FALSE(hand.authenticated);
    EXPECT_EQ(hand.peer.closed(), CloseReason::AuthenticationFailed);
}

}  // namespace
}  // namespace gatelab::sstp
