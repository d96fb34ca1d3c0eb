// Whatever arrives: no crash, no memory without bound, no flood of events; and what a peer that has proved who it is
// may not say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "impl/openvpn/key_state.h"
#include "tests/impl/openvpn/pair.h"

namespace gatelab::openvpn::test {
namespace {

using testing::HasSubstr;

// The other end of a session, to be led by hand: reliability and TLS as they should be, what is said in them as a test
// wants it.
class Rogue {
public:
    explicit Rogue(Options options) : options_(std::move(options)), channel_(options_.protection, options_.role) {
        random_.fill(own_);
        options_.tls.role = options_.role == Role::Client ? tls::Role::Client : tls::Role::Server;
    }

    // Carries packets to and fro until both are silent.
    void meet(Session& session, Instant now) {
        if (options_.role == Role::Client && !key_) begin(now, Opcode::ControlHardResetClientV2);
        for (bool more = true; more;) {
            more = false;
            for (auto& output : session.drain()) {
                if (const auto* send = std::get_if<Session::Send>(&output)) inbox_.push_back(send->packet);
                said.push_back(std::move(output));
            }
            for (const auto& packet : std::exchange(inbox_, {})) more = take(now, packet) || more;
            if (!key_) continue;
            key_->flush(now, [&](const ControlPacket& packet, bool) {
                more = true;
                session.handle_packet(now, channel_.protect(now, encode(packet)));
            });
        }
    }
    void say(Instant now, std::string_view text) { key_->write(now, as_bytes(text)); }
    void say_with_end(Instant now, std::string text) { say(now, text + '\0'); }

    KeyMethodMessage key_method() {
        KeyMethodMessage message;
        message.source = KeySource::generate(random_, options_.role);
        message.options = options_string(options_);
        if (options_.role == Role::Client) message.peer_info = encode(own_peer_info(options_));
        return message;
    }
    std::optional<CloseReason> closed() const {
        const auto* end = std::get_if<Session::Closed>(&said.back());
        return end ? std::optional{end->reason} : std::nullopt;
    }

    // What it does once TLS is up. As a server: once the client's key method has come.
    std::function<void(Instant)> on_turn = [this](Instant now) { key_->write_key_method(now, key_method()); };
    std::vector<Session::Output> said;  // by the session

private:
    void begin(Instant now, Opcode reset) {
        KeyState::Setup setup;
        setup.role = options_.role;
        setup.own = own_;
        setup.peer = peer_;
        setup.reset = reset;
        setup.tls_timeout = seconds(2);
        setup.started = now;
        key_.emplace(setup, tls::Engine::create(options_.tls).value());
    }
    bool take(Instant now, const Bytes& packet) {
        const auto plain = channel_.unprotect(now, packet);
        const auto parsed = plain ? parse_control(*plain) : Result<ControlPacket>{pass(plain)};
        if (!parsed) return false;
        peer_ = parsed->session;
        if (!key_) begin(now, Opcode::ControlHardResetServerV2);
        key_->set_peer(*peer_);
        key_->handle(now, *parsed);
        for (auto& output : key_->drain()) {
            const bool turn = options_.role == Role::Client ? std::holds_alternative<KeyState::TlsUp>(output)
                                                            : std::holds_alternative<KeyState::PeerKeyMethod>(output);
            if (turn) on_turn(now);
        }
        return true;
    }

    Options options_;
    SeededRandom random_{9, "rogue"};
    SessionId own_{};
    std::optional<SessionId> peer_;
    ControlChannel channel_;
    std::optional<KeyState> key_;
    std::vector<Bytes> inbox_;
};

struct Stage {
    explicit Stage(Options ours) : session(Session::create(std::move(ours), random).value()) { session.start(kStart); }
    SeededRandom random{1, "stage"};
    Session session;
};

TEST(AfterTls, AWellBehavedPeerIsServed) {
    Stage stage{server_options()};
    Rogue rogue{client_options()};
    rogue.meet(stage.session, kStart);
    stage.session.grant(kStart, usual_push());
    rogue.meet(stage.session, kStart);
    EXPECT_TRUE(stage.session.status().up);
}

TEST(AfterTls, BytesThatAreNoKeyMethodEndTheSession) {
    for (const std::string_view text : {"GET / HTTP/1.1\r\n\r\n", "\1\1\1\1\1\1\1\1\1\1"}) {
        Stage stage{server_options()};
        Rogue rogue{client_options()};
        rogue.on_turn = [&](Instant now) { rogue.say(now, text); };
        rogue.meet(stage.session, kStart);
        EXPECT_EQ(rogue.closed(), CloseReason::ProtocolError);
    }
}

TEST(AfterTls, AKeyMethodInSingleOctetsIsUnderstood) {
    Stage stage{server_options()};
    Rogue rogue{client_options()};
    Bytes message;
    rogue.on_turn = [&](Instant now) {
        message = encode(rogue.key_method(), Role::Client);
        for (const auto octet : message) rogue.say(now, as_text({&octet, 1}));
    };
    rogue.meet(stage.session, kStart);
    EXPECT_TRUE(std::any_of(rogue.said.begin(), rogue.said.end(), [](const Session::Output& output) {
        return std::holds_alternative<Session::PeerAuthenticated>(output);
    }));
}

TEST(AfterTls, HalfAKeyMethodIsWaitedForUntilTheWindowEnds) {
    Stage stage{server_options()};
    Rogue rogue{client_options()};
    rogue.on_turn = [&](Instant now) {
        const auto message = encode(rogue.key_method(), Role::Client);
        rogue.say(now, as_text(ByteView{message}.first(message.size() / 2)));
    };
    rogue.meet(stage.session, kStart);
    EXPECT_FALSE(rogue.closed());
    stage.session.handle_timeout(kStart + seconds(61));
    rogue.meet(stage.session, kStart + seconds(61));
    EXPECT_EQ(rogue.closed(), CloseReason::HandshakeTimeout);
}

TEST(AfterTls, AMessageWithoutEndEndsTheSession) {
    Stage stage{server_options()};
    Rogue rogue{client_options()};
    rogue.meet(stage.session, kStart);
    for (int i = 0; i < 20; ++i) {
        rogue.say(kStart, std::string(1000, 'x'));
        rogue.meet(stage.session, kStart);
    }
    EXPECT_EQ(rogue.closed(), CloseReason::ProtocolError);
}

TEST(AfterTls, UnknownMessagesAreIgnored) {
    for (const auto role : {Role::Client, Role::Server}) {
        Stage stage{role == Role::Server ? server_options() : client_options()};
        Rogue rogue{role == Role::Server ? client_options() : server_options()};
        rogue.meet(stage.session, kStart);
        for (const auto* text : {"INFO,hello", "AUTH_PENDING,timeout 60", "CR_RESPONSE,x", "ECHO,forget", ""})
            rogue.say_with_end(kStart, text);
        rogue.meet(stage.session, kStart);
        EXPECT_FALSE(rogue.closed());
    }
}

TEST(AfterTls, AClientMayNotBeToldNonsense) {
    const auto told = [](const std::string& text) {
        Stage stage{client_options()};
        Rogue rogue{server_options()};
        rogue.meet(stage.session, kStart);
        rogue.say_with_end(kStart, text);
        rogue.meet(stage.session, kStart);
        return rogue.closed();
    };
    EXPECT_EQ(told("PUSH_REPLY,ifconfig 10.60.0.2 255.255.255.0,topology subnet,cipher AES-256-GCM"), std::nullopt);
    EXPECT_EQ(told("PUSH_REPLY,ifconfig 10.60.0.999 255.255.255.0"), CloseReason::ProtocolError);
    EXPECT_EQ(told("PUSH_REPLY,compress lz4,ifconfig 10.60.0.2 255.255.255.0"), CloseReason::OptionsMismatch);
    EXPECT_EQ(told("PUSH_REPLY,comp-lzo no,ifconfig 10.60.0.2 255.255.255.0"), CloseReason::OptionsMismatch);
    EXPECT_EQ(told("PUSH_REPLY,cipher AES-256-CBC,ifconfig 10.60.0.2 255.255.255.0"), CloseReason::OptionsMismatch);
    EXPECT_EQ(told("AUTH_FAILED,no"), CloseReason::AuthenticationFailed);
    EXPECT_EQ(told("RESTART,[N]"), CloseReason::PeerExit);
    EXPECT_EQ(told("HALT,maintenance"), CloseReason::PeerExit);
    EXPECT_EQ(told("EXIT"), CloseReason::PeerExit);
    std::string routes = "PUSH_REPLY";
    for (int i = 0; i < 1001; ++i) routes += ",route 10.0.0.0 255.255.255.0";
    EXPECT_TRUE(told(routes).has_value());
}

TEST(AfterTls, AClientDoesNotGetItsPushAgainAndAgain) {
    Stage stage{server_options()};
    Rogue rogue{client_options()};
    rogue.meet(stage.session, kStart);
    stage.session.grant(kStart, usual_push());
    const auto pushes = [&] {
        rogue.meet(stage.session, kStart);
        return std::count_if(rogue.said.begin(), rogue.said.end(), [](const Session::Output& output) {
            const auto* trace = std::get_if<Trace>(&output);
            return trace && trace->event == "control-message-sent";
        });
    };
    EXPECT_EQ(pushes(), 1);
    for (int i = 0; i < 20; ++i) rogue.say_with_end(kStart, "PUSH_REQUEST");
    EXPECT_EQ(pushes(), 1);
    rogue.say_with_end(kStart + seconds(31), "PUSH_REQUEST");
    rogue.meet(stage.session, kStart + seconds(31));
    EXPECT_EQ(pushes(), 2);
}

TEST(BeforeTls, PacketsOfOtherSessionsAndKeysAreDropped) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    pair.run_for(seconds(1));
    const auto real = parse_control(pair.sent.at(2).bytes).value();
    const auto tried = [&](auto change) {
        auto packet = real;
        change(packet);
        const auto said = pair.server.session.status();
        pair.inject(pair.server, encode(packet));
        pair.run_for(seconds(2));
        return pair.server.traced("dropped");
    };
    EXPECT_EQ(tried([](ControlPacket& packet) { packet.session = {1, 2, 3}; }), 1);
    EXPECT_EQ(tried([](ControlPacket& packet) { packet.session = {}; }), 2);
    EXPECT_EQ(tried([](ControlPacket& packet) { packet.key_id = 5; }), 3);
    EXPECT_EQ(tried([](ControlPacket& packet) {
                  packet.acks = {1};
                  packet.peer_session = SessionId{7};
              }),
              4);
    EXPECT_EQ(tried([](ControlPacket& packet) { packet.opcode = Opcode::ControlHardResetServerV2; }), 5);
    EXPECT_EQ(tried([](ControlPacket& packet) { packet.packet_id = 1000; }), 6);
    EXPECT_EQ(tried([](ControlPacket& packet) { packet.payload.assign(5000, 0); }), 7);
    EXPECT_EQ(tried([](ControlPacket& packet) {  // a soft reset, but not with the key id that is next
                  packet.opcode = Opcode::ControlSoftResetV1;
                  packet.key_id = 2;
              }),
              8);
    EXPECT_TRUE(pair.server.session.status().up);
}

TEST(BeforeTls, AHardResetOfSomebodyElseDoesNotDisturb) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    ControlPacket reset;
    reset.opcode = Opcode::ControlHardResetClientV2;
    reset.session = {9, 9, 9};
    pair.inject(pair.server, encode(reset));
    pair.run_for(seconds(5));
    EXPECT_TRUE(pair.send(pair.client, inner_packet("still here")));
    pair.run_for(seconds(1));
    EXPECT_EQ(pair.server.received.size(), 1u);
}

TEST(Flood, OfBadPacketsBecomesAFewEvents) {
    Pair pair{client_options(), server_options()};
    ASSERT_TRUE(pair.connect());
    SeededRandom random{1};
    for (int i = 0; i < 10'000; ++i) {
        auto junk = random.bytes(100);
        junk[0] = i % 2 == 0 ? 0x48 : 0x20;  // P_DATA_V2, P_CONTROL_V1
        pair.inject(pair.server, junk);
    }
    EXPECT_EQ(pair.server.traced("dropped"), 10);
    pair.run_for(seconds(2));
    pair.inject(pair.server, Bytes(100, 0x20));
    const auto last = pair.server.all<Trace>().back();
    EXPECT_EQ(last.event, "dropped");
    EXPECT_GT(std::get<std::int64_t>(*find(last.attributes, "untold_before")), 4000);
}

TEST(AnyBytes, AtAnyTimeCrashNeitherRole) {
    EXPECT_TRUE(rc::check([] {
        const auto seed = *rc::gen::inRange<std::uint64_t>(1, 1'000'000);
        SeededRandom random{seed, "mutations"};
        auto client = client_options(), server = server_options();
        if (seed % 3 == 1) client.protection = server.protection = TlsCrypt{StaticKey{}};
        if (seed % 3 == 2) client.protection = server.protection = TlsAuth{StaticKey{}};
        Pair pair{client, server, seed, {.loss = 0.1, .repetition = 0.1, .jitter = milliseconds(30)}};
        // Of every packet, now and then a mutilated copy goes before it.
        std::vector<std::pair<const End*, Bytes>> mutilated;
        pair.wire.on_send = [&](Instant, Parcel& parcel) {
            if (random.below(3) != 0) return true;
            Bytes bytes = parcel.bytes;
            for (auto n = random.below(4); n > 0; --n)
                bytes[random.below(bytes.size())] = static_cast<std::uint8_t>(random.u32());
            if (random.below(3) == 0) bytes.resize(random.below(bytes.size() + 1));
            if (random.below(5) == 0) append(bytes, random.bytes(random.below(50)));
            mutilated.emplace_back(parcel.from == kClient ? &pair.server : &pair.client, std::move(bytes));
            return true;
        };
        pair.dial();
        for (int i = 0; i < 40; ++i) {
            pair.run_for(milliseconds(static_cast<int>(random.below(1000))));
            for (auto& [to, bytes] : std::exchange(mutilated, {})) pair.inject(*to, std::move(bytes));
            pair.inject(random.below(2) == 0 ? pair.client : pair.server, random.bytes(random.below(100)));
            pair.send(pair.client, inner_packet("x", random.below(1400)));
            if (random.below(8) == 0) pair.call([&] { pair.client.session.renegotiate(pair.now); });
            if (random.below(40) == 0) pair.call([&] { pair.server.session.close(pair.now); });
        }
        pair.run_for(minutes(3));
    }));
}

}  // namespace
}  // namespace gatelab::openvpn::test
