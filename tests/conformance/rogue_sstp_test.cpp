// Two SSTP rogues that break no rule, joined by a wire that loses nothing: what they do must be SSTP and PPP before a
// case can break a rule of it.
#include "conformance/rogue_sstp.h"

#include <gtest/gtest.h>

#include <deque>

#include "conformance/wire.h"

namespace gatelab::conformance {
namespace {

using namespace ppp_number;
using sstp::MessageType;

constexpr Instant kNow = instant_from_unix(1'767'225'600);

crypto::CertificateRequest request(std::string name, std::vector<crypto::Purpose> purposes) {
    crypto::CertificateRequest made;
    made.common_name = std::move(name);
    made.purposes = std::move(purposes);
    made.not_before = kNow - std::chrono::hours{24};
    made.not_after = kNow + std::chrono::hours{24};
    return made;
}

SstpRogueOptions options_of(bool client) {
    static const auto kRoot = crypto::make_root(request("root", {}), crypto::PrivateKey::generate_ecdsa(256));
    static const auto kServer =
        crypto::issue(kRoot, request("server", {crypto::Purpose::ServerAuth}), crypto::PrivateKey::generate_ecdsa(256));
    SstpRogueOptions options;
    options.client = options.ppp.client = client;
    options.tls.policy = tls::any_policy();
    options.tls.policy.maximum = tls::Version::Tls12;
    if (!client) options.tls.identity = kServer;
    if (client) {
        options.tls.roots.emplace();
        options.tls.roots->add(kRoot.certificate);
    }
    options.ppp.name = "alice";
    options.ppp.password = "correct horse";
    options.ppp.own = Ipv4Address{10, 60, 0, 1};
    options.ppp.peers = Ipv4Address{10, 60, 0, 2};
    return options;
}

class SstpRogues : public testing::Test {
protected:
    void run() {
        while (!to_server_.empty() || !to_client_.empty()) {
            deliver(to_server_, server_);
            deliver(to_client_, client_);
        }
    }
    void dial() {
        server_.start(kNow);
        client_.start(kNow);
        run();
    }

    SeededRandom random_{3};
    std::deque<Bytes> to_server_, to_client_;
    RogueSstp client_{options_of(true), random_, [this](ByteView bytes) { to_server_.push_back(copy_of(bytes)); }};
    RogueSstp server_{options_of(false), random_, [this](ByteView bytes) { to_client_.push_back(copy_of(bytes)); }};

private:
    static void deliver(std::deque<Bytes>& queue, RogueSstp& to) {
        if (queue.empty()) return;
        const auto bytes = std::move(queue.front());
        queue.pop_front();
        to.handle_bytes(kNow, bytes);
    }
};

TEST_F(SstpRogues, ThatBreakNoRuleUnderstandEachOther) {
    dial();
    ASSERT_TRUE(client_.up() && server_.up());
    EXPECT_EQ(server_.broken_part(), "");
    EXPECT_EQ(server_.heard(MessageType::CallConnected), 1u);
    EXPECT_EQ(client_.http_status(), 200);
    EXPECT_EQ(client_.ppp().address(), (Ipv4Address{10, 60, 0, 2}));
    const auto ping = echo_request(client_.ppp().address(), Ipv4Address{10, 1, 0, 4}, 1);
    client_.write(RogueSstp::data_packet(RoguePpp::frame_of(ping)));
    run();
    ASSERT_EQ(server_.ppp().inner().size(), 1u);
    EXPECT_EQ(server_.ppp().inner().front(), ping);
}

TEST_F(SstpRogues, TakePapAndABindingWithoutKeys) {
    server_.ppp().options().pap = true;
    dial();
    ASSERT_TRUE(client_.up() && server_.up());
    EXPECT_EQ(server_.ppp().heard(kPap, kRequest), 1u);
    EXPECT_FALSE(server_.ppp().keys().has_value());
    EXPECT_EQ(server_.broken_part(), "");
}

TEST_F(SstpRogues, SeeABindingThatDoesNotHold) {
    client_.hooks.control = [](const sstp::Message& message, Bytes packet) {
        if (message.type == MessageType::CallConnected) packet.back() ^= 1;
        return std::vector<Bytes>{packet};
    };
    dial();
    EXPECT_EQ(server_.broken_part(), "compound-mac");
}

TEST_F(SstpRogues, RefuseAWrongPassword) {
    client_.ppp().options().password = "guess";
    dial();
    EXPECT_FALSE(client_.up() || server_.up());
    EXPECT_EQ(client_.ppp().heard(kChap, kFailure), 1u);
}

TEST_F(SstpRogues, AnswerEchoesDisconnectsAndAborts) {
    dial();
    for (const auto type : {MessageType::EchoRequest, MessageType::CallDisconnect, MessageType::CallAbort})
        server_.send({type, {}});
    run();
    EXPECT_EQ(server_.heard(MessageType::EchoResponse), 1u);
    EXPECT_EQ(server_.heard(MessageType::CallDisconnectAck), 1u);
    EXPECT_GE(server_.heard(MessageType::CallAbort), 1u);
}

TEST_F(SstpRogues, SendWhatTheirHooksMakeOfIt) {
    client_.ppp().hooks.send = [](PppPacket packet) {
        std::vector<PppPacket> all{packet};
        if (packet.protocol == kLcp && packet.code == kRequest) all.push_back({kLcp, kEcho, 77, Bytes(4, 0)});
        return all;
    };
    client_.hooks.http = [](Bytes head) { return head; };
    dial();
    EXPECT_EQ(server_.ppp().heard(kLcp, kEcho), 1u);
    EXPECT_TRUE(client_.up());
}

TEST(PppPackets, ComeOutAsTheyWentIn) {
    const PppPacket packet{kLcp, kRequest, 7, encode(std::vector<PppOption>{{kMru, {5, 0x78}}, {kMagic, Bytes(4, 9)}})};
    EXPECT_EQ(to_hex(encode(packet)), "ff03c0210107000e01040578050609090909");
    EXPECT_EQ(parse_ppp(encode(packet)), packet);
    EXPECT_EQ(option(packet, kMru), (Bytes{5, 0x78}));
    EXPECT_EQ(option(packet, kAuthentication), std::nullopt);
    for (std::size_t size = 0; size < encode(packet).size(); ++size)
        EXPECT_FALSE(parse_ppp(ByteView{encode(packet)}.first(size))) << size;
}

}  // namespace
}  // namespace gatelab::conformance
