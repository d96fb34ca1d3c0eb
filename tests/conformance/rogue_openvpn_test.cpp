// Two rogues that break no rule, joined by a wire that loses nothing: what they do must be OpenVPN before a case can
// break a rule of it.
#include "conformance/rogue_openvpn.h"

#include <gtest/gtest.h>

#include <deque>

#include "conformance/wire.h"
#include "impl/openvpn/session.h"

namespace gatelab::conformance {
namespace {

using namespace openvpn;

constexpr Instant kNow = instant_from_unix(1'767'225'600);

struct Identities {
    crypto::Identity root, client, server;
};

const Identities& identities() {
    static const Identities kAll = [] {
        const auto request = [](std::string name, std::vector<crypto::Purpose> purposes) {
            crypto::CertificateRequest made;
            made.common_name = std::move(name);
            made.purposes = std::move(purposes);
            made.not_before = kNow - std::chrono::hours{24};
            made.not_after = kNow + std::chrono::hours{24};
            return made;
        };
        auto root = crypto::make_root(request("root", {}), crypto::PrivateKey::generate_ecdsa(256));
        auto client = crypto::issue(root, request("alice", {crypto::Purpose::ClientAuth}),
                                    crypto::PrivateKey::generate_ecdsa(256));
        auto server = crypto::issue(root, request("server", {crypto::Purpose::ServerAuth}),
                                    crypto::PrivateKey::generate_ecdsa(256));
        return Identities{root, client, server};
    }();
    return kAll;
}

Options options_of(Role role) {
    Options options;
    options.role = role;
    SeededRandom random{5};
    options.protection =
        TlsAuth{StaticKey::generate(random), role == Role::Client ? KeyDirection::Inverse : KeyDirection::Normal,
                crypto::Hash::Sha256};
    options.tls.policy = tls::any_policy();
    options.tls.identity = role == Role::Client ? identities().client : identities().server;
    crypto::TrustStore roots;
    roots.add(identities().root.certificate);
    options.tls.roots = roots;
    return options;
}

class Rogues : public testing::Test {
protected:
    void run() {
        while (!to_server_.empty() || !to_client_.empty()) {
            if (!to_server_.empty()) {
                const Bytes packet = std::move(to_server_.front());
                to_server_.pop_front();
                server_.handle_packet(kNow, packet);
            }
            if (!to_client_.empty()) {
                const Bytes packet = std::move(to_client_.front());
                to_client_.pop_front();
                client_.handle_packet(kNow, packet);
            }
        }
    }
    static PushReply grant() {
        PushReply reply;
        reply.address = Ipv4Address{10, 60, 0, 2};
        reply.subnet = Prefix{Ipv4Address{10, 60, 0, 0}, 24};
        reply.cipher = DataCipher::Aes256Gcm;
        reply.peer_id = 0;
        return reply;
    }

    SeededRandom random_{3};
    std::deque<Bytes> to_server_, to_client_;
    RogueOpenVpn client_{
        options_of(Role::Client), {}, random_, [this](ByteView packet) { to_server_.push_back(copy_of(packet)); }};
    RogueOpenVpn server_{options_of(Role::Server), grant(), random_,
                         [this](ByteView packet) { to_client_.push_back(copy_of(packet)); }};
};

TEST_F(Rogues, ThatBreakNoRuleUnderstandEachOther) {
    client_.dial(kNow);
    run();
    ASSERT_TRUE(client_.up() && server_.up());
    EXPECT_EQ(client_.pushed()->address, (Ipv4Address{10, 60, 0, 2}));
    const auto ping = echo_request(Ipv4Address{10, 60, 0, 2}, Ipv4Address{10, 1, 0, 4}, 1);
    EXPECT_TRUE(client_.send_inner(kNow, ping));
    run();
    ASSERT_EQ(server_.inner().size(), 1u);
    EXPECT_EQ(server_.inner().front(), ping);
}

TEST_F(Rogues, RenegotiateEitherWay) {
    client_.dial(kNow);
    run();
    client_.soft_reset(kNow);
    run();
    EXPECT_EQ(server_.key_id(), 1);
    server_.soft_reset(kNow);
    run();
    EXPECT_EQ(client_.key_id(), 2);
    EXPECT_TRUE(server_.send_inner(kNow, Bytes(20, 1)));
    EXPECT_FALSE(client_.seal(Bytes(20, 2), std::uint8_t{0}).empty()) << "the old key is still there";
    run();
    EXPECT_EQ(client_.inner().back(), Bytes(20, 1));
}

TEST_F(Rogues, SendWhatTheirHooksMakeOfIt) {
    client_.hooks.control = [](ControlPacket& packet) {
        packet.key_id = 5;
        return packet.opcode == Opcode::ControlHardResetClientV2;
    };
    client_.hooks.wire = [](const ControlPacket&, Bytes wire) { return std::vector<Bytes>{wire, Bytes{1, 2, 3}}; };
    client_.dial(kNow);
    EXPECT_EQ(to_server_.size(), 2u);
    run();
    ASSERT_EQ(server_.heard().size(), 1u) << "the acknowledgement was held back";
    EXPECT_EQ(server_.heard().front().key_id, 5);
    EXPECT_EQ(server_.packets(), 2u);
}

// The same with our own sessions.
class RogueAndSession : public testing::Test {
protected:
    // Carries what waits both ways; grants whatever the rogue asks for.
    void run(RogueOpenVpn& rogue, Session& session) {
        for (bool moved = true; moved;) {
            moved = false;
            while (!to_session_.empty()) {
                moved = true;
                const Bytes packet = std::move(to_session_.front());
                to_session_.pop_front();
                if (is_data(head_of(packet)->opcode))
                    inner_.push_back(copy_of(session.open(kNow, packet)));
                else
                    session.handle_packet(kNow, packet);
            }
            for (auto& output : session.drain()) {
                moved = true;
                if (const auto* send = std::get_if<Session::Send>(&output)) rogue.handle_packet(kNow, send->packet);
                if (std::get_if<Session::PeerAuthenticated>(&output)) session.grant(kNow, granted());
                if (const auto* closed = std::get_if<Session::Closed>(&output)) closed_ = closed->detail;
            }
        }
    }
    static PushReply granted() {
        PushReply reply;
        reply.address = Ipv4Address{10, 60, 0, 2};
        reply.subnet = Prefix{Ipv4Address{10, 60, 0, 0}, 24};
        reply.cipher = DataCipher::Aes256Gcm;
        reply.peer_id = 3;
        return reply;
    }
    RogueOpenVpn::Sender to_session() {
        return [this](ByteView packet) { to_session_.push_back(copy_of(packet)); };
    }

    SeededRandom random_{3}, session_random_{4};
    std::deque<Bytes> to_session_;
    std::vector<Bytes> inner_;
    std::string closed_;
};

TEST_F(RogueAndSession, UnderstandEachOtherWhenTheRogueDials) {
    auto session = Session::create(options_of(Role::Server), session_random_).value();
    RogueOpenVpn rogue{options_of(Role::Client), {}, random_, to_session()};
    session.start(kNow);
    rogue.dial(kNow);
    run(rogue, session);
    ASSERT_TRUE(rogue.up()) << closed_;
    EXPECT_TRUE(session.status().up);
    rogue.send_inner(kNow, Bytes(30, 1));
    rogue.soft_reset(kNow);
    run(rogue, session);
    rogue.send_inner(kNow, Bytes(30, 2));
    run(rogue, session);
    EXPECT_EQ(inner_, (std::vector{Bytes(30, 1), Bytes(30, 2)}));
    EXPECT_EQ(session.status().renegotiations, 1);
    EXPECT_TRUE(session.seal(kNow, Bytes(30, 3), [&](ByteView packet) { rogue.handle_packet(kNow, packet); }));
    EXPECT_EQ(rogue.inner().back(), Bytes(30, 3));
}

TEST_F(RogueAndSession, UnderstandEachOtherWhenTheRogueIsDialled) {
    auto session = Session::create(options_of(Role::Client), session_random_).value();
    RogueOpenVpn rogue{options_of(Role::Server), granted(), random_, to_session()};
    session.start(kNow);
    run(rogue, session);
    ASSERT_TRUE(rogue.up()) << closed_;
    EXPECT_TRUE(session.status().up) << closed_;
    rogue.send_inner(kNow, Bytes(30, 1));
    session.renegotiate(kNow);
    run(rogue, session);
    rogue.send_inner(kNow, Bytes(30, 2));
    rogue.soft_reset(kNow);
    run(rogue, session);
    rogue.send_inner(kNow, Bytes(30, 3));
    run(rogue, session);
    EXPECT_EQ(inner_, (std::vector{Bytes(30, 1), Bytes(30, 2), Bytes(30, 3)}));
    EXPECT_EQ(session.status().renegotiations, 2);
}

}  // namespace
}  // namespace gatelab::conformance
