// A gateway's SSTP: who is let in, what they are given, and what strangers can do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>

#include "impl/gateway/sstp_service.h"
#include "tests/support/fake_tcp.h"
#include "tests/support/p2s_lab.h"
#include "tests/support/sstp_dialler.h"

namespace gatelab::gateway {
namespace {

using namespace std::chrono_literals;
using client::State;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kGatewayAddress;
using testing::kServerAddress;
using testing::P2sLab;
using testing::sstp_client_options;
using testing::SstpDialler;

constexpr Endpoint kPort{kGatewayAddress, 443};

Config sstp_config() {
    auto config = testing::gateway_config();
    config.ikev2.reset();
    auto& sstp = config.sstp.emplace();
    sstp.tls_policy = tls::p2s_policy(tls::Profile::P2s2023, tls::Carrier::Sstp);
    sstp.users = {{"alice", "right"}, {"bob", "better"}};
    return config;
}

SstpDialler dial(P2sLab& lab, std::uint8_t last, const std::string& name = "alice",
                 const std::string& password = "right") {
    return {lab.network, {{198, 51, 100, last}, 50000}, kPort, sstp_client_options(name, password)};
}

tunnel::SstpStatus sstp_of(const Session& session) { return std::get<tunnel::SstpStatus>(session.tunnel); }

std::string why_refused(const P2sLab& lab) {
    const auto refused = lab.gateway_host.events_named("session-refused");
    return refused.size() == 1 ? std::string(text_of(refused[0].attributes, "why")) : "not told once";
}

TEST(SstpGateway, GivesAddressAndDnsAndCarriesPackets) {
    P2sLab lab{sstp_config()};
    auto alice = dial(lab, 10);
    ASSERT_TRUE(alice.connect());
    EXPECT_EQ(alice.opened->address, (Ipv4Address{10, 60, 0, 2}));
    EXPECT_EQ(alice.opened->peer, (Ipv4Address{10, 60, 0, 1}));
    EXPECT_THAT(alice.opened->dns, ElementsAre(Ipv4Address{10, 1, 0, 53}));
    alice.send(testing::echo_packet({10, 60, 0, 2}, kServerAddress, {}));
    EXPECT_EQ(lab.ping(lab.server, {10, 60, 0, 2}, 1), 0);  // nobody answers there
    ASSERT_EQ(alice.received.size(), 2u);                   // the reply, and the request
    EXPECT_EQ(testing::ip_header(alice.received[0])->source, kServerAddress);
    const auto session = lab.gateway->session_of("alice");
    ASSERT_TRUE(session);
    const auto tunnel = sstp_of(*session);
    EXPECT_EQ(tunnel.peer, (Endpoint{{198, 51, 100, 10}, 50000}));
    EXPECT_EQ(tunnel.session.binding_hash, sstp::kSha256);
    EXPECT_EQ(tunnel.session.tls_version, "TLSv1.2");
    EXPECT_EQ(tunnel.session.ppp.authentication, ppp::Authentication::MsChapV2);
    EXPECT_EQ(tunnel.session.ppp.counters.packets_in, 1u);
    EXPECT_EQ(tunnel.session.ppp.counters.packets_out, 2u);
}

TEST(SstpGateway, KnowsAUserWithADomainBeforeTheName) {  // RFC 2759 section 8.2
    P2sLab lab{sstp_config()};
    auto alice = dial(lab, 10, "CORP\\alice");
    ASSERT_TRUE(alice.connect());
    EXPECT_TRUE(lab.gateway->session_of("alice"));
}

TEST(SstpGateway, RefusesAWrongPasswordAndAStranger) {
    for (const auto& [name, password] : {std::pair{"alice", "better"}, {"mallory", "right"}}) {
        P2sLab lab{sstp_config()};
        auto mallory = dial(lab, 10, name, password);
        EXPECT_FALSE(mallory.connect());
        ASSERT_TRUE(mallory.closed);
        EXPECT_EQ(mallory.closed->reason, sstp::CloseReason::AuthenticationFailed) << name;
        EXPECT_EQ(why_refused(lab), "wrong user name or password");
        EXPECT_TRUE(lab.gateway->sessions().empty());
        EXPECT_EQ(lab.gateway->free_addresses(), 253u);
    }
}

TEST(SstpGateway, TakesAPasswordInTheClearOnlyWhereItIsAskedFor) {
    auto config = sstp_config();
    auto options = sstp_client_options("alice", "right");
    options.ppp.authentication = {ppp::Authentication::Pap};
    {
        P2sLab lab{config};
        SstpDialler alice{lab.network, {{198, 51, 100, 10}, 50000}, kPort, options};
        EXPECT_FALSE(alice.connect());
        EXPECT_TRUE(lab.gateway->sessions().empty());
    }
    config.sstp->authentication = {ppp::Authentication::MsChapV2, ppp::Authentication::Pap};
    P2sLab lab{config};
    SstpDialler alice{lab.network, {{198, 51, 100, 10}, 50000}, kPort, options};
    ASSERT_TRUE(alice.connect());
    EXPECT_EQ(sstp_of(lab.gateway->sessions().at(0)).session.ppp.authentication, ppp::Authentication::Pap);
}

TEST(SstpGateway, RefusesWhomNoAddressIsLeftForAndTakesTheFirstFreeOne) {
    auto config = sstp_config();
    config.client_address_pool = Prefix{{10, 60, 0, 0}, 29};
    P2sLab lab{config};
    std::list<SstpDialler> users;
    for (std::uint8_t i = 0; i < 5; ++i) {
        users.emplace_back(lab.network, Endpoint{{198, 51, 100, static_cast<std::uint8_t>(20 + i)}, 50000}, kPort,
                           sstp_client_options("alice", "right"));
        ASSERT_TRUE(users.back().connect());  // the same user, each with an address of its own
    }
    EXPECT_FALSE(dial(lab, 40, "bob", "better").connect());
    EXPECT_EQ(why_refused(lab), "address pool exhausted");
    lab.gateway->disconnect(lab.gateway->sessions().at(1).id);
    lab.network.run_for(10s);
    auto bob = dial(lab, 41, "bob", "better");
    ASSERT_TRUE(bob.connect());
    EXPECT_EQ(bob.opened->address, (Ipv4Address{10, 60, 0, 3}));  // P2S-FAQ-12
}

TEST(SstpGateway, DrawsFromItsOwnPartOfThePoolBesideIkev2) {  // P2S-FAQ-01, -02, -03
    auto config = sstp_config();
    config.ikev2 = testing::gateway_config().ikev2;
    config.client_address_pool = Prefix{{10, 60, 0, 0}, 28};
    P2sLab lab{config};
    auto& alice = lab.add_user("alice", {198, 51, 100, 10});
    ASSERT_TRUE(lab.connect(alice));
    EXPECT_EQ(alice.client.status().inner_address, (Ipv4Address{10, 60, 0, 2}));
    auto bob = dial(lab, 11, "bob", "better");
    ASSERT_TRUE(bob.connect());
    EXPECT_EQ(bob.opened->address, (Ipv4Address{10, 60, 0, 8}));
    EXPECT_EQ(to_string(testing::tunnel_of(alice.client).remote), "10.1.0.0/16, 10.60.0.0/29, 10.60.0.8/29");
    EXPECT_EQ(lab.gateway->free_addresses(), 13u - 2);
    bob.send(testing::echo_packet({10, 60, 0, 8}, {10, 60, 0, 2}, {}));  // P2S-RT-13
    lab.network.run_for(1s);
    ASSERT_EQ(bob.received.size(), 1u);
    EXPECT_EQ(testing::ip_header(bob.received[0])->source, (Ipv4Address{10, 60, 0, 2}));
}

TEST(SstpGateway, PassesOnNothingFromAnAddressThatIsNotTheClients) {
    P2sLab lab{sstp_config()};
    auto alice = dial(lab, 10);
    ASSERT_TRUE(alice.connect());
    int arrived = 0;
    lab.network.filter = [&](Bytes& packet) {
        const auto header = testing::ip_header(packet);
        arrived += header && header->destination == kServerAddress ? 1 : 0;
        return true;
    };
    alice.send(testing::echo_packet({10, 60, 0, 99}, kServerAddress, {}));
    lab.network.run_for(1s);
    EXPECT_EQ(arrived, 0);
    EXPECT_EQ(sstp_of(lab.gateway->sessions().at(0)).session.ppp.counters.foreign_source, 1u);
    alice.send(testing::echo_packet({10, 60, 0, 2}, kServerAddress, {}));
    lab.network.run_for(1s);
    EXPECT_EQ(arrived, 1);
}

TEST(SstpGateway, EndsBothEndsWhicheverLeaves) {
    for (const bool from_gateway : {true, false}) {
        P2sLab lab{sstp_config()};
        auto alice = dial(lab, 10);
        ASSERT_TRUE(alice.connect());
        from_gateway ? lab.gateway->disconnect_all() : alice.close();
        lab.network.run_for(10s);
        EXPECT_TRUE(lab.gateway->sessions().empty());
        EXPECT_EQ(lab.gateway->free_addresses(), 253u);
        ASSERT_TRUE(alice.closed);
        EXPECT_EQ(lab.gateway_host.events_named("session-closed").size(), 1u);
    }
}

TEST(SstpGateway, AsksWhetherAClientIsThere) {  // SSTP-26
    P2sLab lab{sstp_config()};
    auto alice = dial(lab, 10);
    ASSERT_TRUE(alice.connect());
    lab.gateway->check_liveness(lab.gateway->sessions().at(0).id);
    lab.network.run_for(1s);
    EXPECT_EQ(sstp_of(lab.gateway->sessions().at(0)).session.hellos, 1u);
    lab.network.run_for(10min);
    EXPECT_EQ(lab.gateway->sessions().size(), 1u);
}

TEST(SstpGateway, ForgetsAClientThatHasGoneSilent) {
    P2sLab lab{sstp_config()};
    auto alice = dial(lab, 10);
    ASSERT_TRUE(alice.connect());
    alice.mute = true;
    lab.network.run_for(3min);  // PPP's echoes, or twice the hello time
    EXPECT_TRUE(lab.gateway->sessions().empty());
    EXPECT_EQ(text_of(lab.gateway_host.events_named("session-closed").at(0).attributes, "reason"), "peer-silent");
}

TEST(SstpGateway, TellsTheKeysOfTls) {
    P2sLab lab{sstp_config()};
    std::vector<std::string> lines;
    lab.gateway->on_keys({.ipsec = {}, .tls = [&](const std::string& line) { lines.push_back(line); }});
    ASSERT_TRUE(dial(lab, 10).connect());
    ASSERT_FALSE(lines.empty());
    EXPECT_THAT(lines[0], ::testing::StartsWith("CLIENT_RANDOM "));
}

TEST(SstpGateway, ServesClientsAfterARestart) {
    P2sLab lab{sstp_config()};
    auto alice = dial(lab, 10);
    ASSERT_TRUE(alice.connect());
    const auto config = lab.gateway->config();
    lab.gateway.reset();
    lab.gateway = std::move(*Gateway::start(lab.gateway_host, config));
    lab.network.run_for(1s);
    EXPECT_TRUE(alice.closed);
    EXPECT_TRUE(dial(lab, 11).connect());
}

TEST(SstpGateway, DropsInnerPacketsWhileAClientDoesNotRead) {
    P2sLab lab{sstp_config()};
    auto alice = dial(lab, 10);
    ASSERT_TRUE(alice.connect());
    lab.network.tcp().stalled = true;
    for (std::uint16_t i = 0; i < 1000; ++i) {
        lab.server.ping({10, 60, 0, 2}, i, 1200);
        if (i % 100 == 0) lab.network.run_for(100ms);
    }
    lab.network.run_for(1s);
    const auto dropped = sstp_of(lab.gateway->sessions().at(0)).dropped;
    EXPECT_GT(dropped, 800u);
    lab.network.tcp().stalled = false;
    lab.network.run_for(5s);
    EXPECT_EQ(alice.received.size(), 1000 - dropped);  // what was taken comes through, and the tunnel stands
    EXPECT_FALSE(alice.closed);
}

// --- strangers ------------------------------------------------------------------------------------------------------

struct Stranger {
    Stranger(P2sLab& lab, std::uint8_t last) : network(lab.network), stream(network.tcp().connect(from(last), kPort)) {
        stream->set_callbacks({.connected = {},
                               .received = [this](ByteView bytes) { append(received, bytes); },
                               .writable = {},
                               .closed = [this](const std::string&) { closed = true; }});
        network.run_for(20ms);
    }
    static Endpoint from(std::uint8_t last) { return {{192, 0, 2, last}, 5000}; }
    // Octets that were taken, of as many as are wanted, until the gateway hangs up.
    std::size_t pour(ByteView piece, std::size_t octets) {
        std::size_t taken = 0;
        while (taken < octets && !closed) {
            taken += stream->write(piece);
            network.run_for(10ms);
        }
        return taken;
    }
    testing::FakeNetwork& network;
    bool closed = false;
    Bytes received;
    std::unique_ptr<TcpStream> stream;
};

// A stranger who speaks TLS, and then what a test has it say.
struct TlsStranger : Stranger {
    TlsStranger(P2sLab& lab, std::uint8_t last) : Stranger(lab, last), engine(client()) {
        stream->set_callbacks({.connected = {},
                               .received = [this](ByteView bytes) { handle(bytes); },
                               .writable = {},
                               .closed = [this](const std::string&) { closed = true; }});
        engine.start(network.now());
        pump();
        network.run_for(100ms);
    }
    static tls::Engine client() {
        tls::Options options;
        options.policy = tls::any_policy();
        options.roots = testing::roots();
        options.server_name = "gw.example.com";
        return std::move(*tls::Engine::create(options));
    }
    void say(ByteView bytes) {
        engine.write(network.now(), bytes);
        pump();
        network.run_for(20ms);
    }
    void handle(ByteView bytes) {
        engine.handle_bytes(network.now(), bytes);
        pump();
    }
    void pump() {
        for (auto& output : engine.drain()) {
            if (const auto* send = std::get_if<tls::Engine::Send>(&output)) sent += stream->write(send->records);
            if (const auto* heard = std::get_if<tls::Engine::Received>(&output)) append(received, heard->plaintext);
        }
    }
    std::string text() const { return {received.begin(), received.end()}; }
    std::size_t sent = 0;
    tls::Engine engine;
};

constexpr std::string_view kPost =
    "SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n"
    "Host: gw.example.com\r\n"
    "Content-Length: 18446744073709551615\r\n"
    "SSTPCORRELATIONID: {8c2a4c5e-0f3d-4c49-9a8b-6d6e33c0ffee}\r\n\r\n";

Config hasty() {
    auto config = sstp_config();
    config.sstp->http_within = 20s;
    config.sstp->negotiation = 30s;
    return config;
}

TEST(SstpStrangers, AreDroppedWhenTheySayNothing) {
    P2sLab lab{hasty()};
    Stranger silent{lab, 1};
    lab.network.run_for(19s);
    EXPECT_FALSE(silent.closed);
    lab.network.run_for(2s);
    EXPECT_TRUE(silent.closed);
}

TEST(SstpStrangers, AreDroppedWhenTheyDrip) {
    P2sLab lab{hasty()};
    Stranger dripping{lab, 1};  // the head of a TLS record of 16 KiB, and an octet a second of it
    const Bytes head{0x16, 0x03, 0x01, 0x40, 0x00};
    dripping.stream->write(head);
    int seconds = 0;
    for (; seconds < 60 && !dripping.closed; ++seconds) {
        dripping.stream->write(Bytes(1, 0x01));
        lab.network.run_for(1s);
    }
    EXPECT_GE(seconds, 19);
    EXPECT_LE(seconds, 21);
}

TEST(SstpStrangers, AreDroppedWhenTheyDripTheirRequestThroughTls) {
    P2sLab lab{hasty()};
    TlsStranger dripping{lab, 1};
    std::size_t seconds = 0;
    for (; seconds < 60 && !dripping.closed; ++seconds) {
        dripping.say(as_bytes(kPost.substr(seconds, 1)));
        lab.network.run_for(980ms);
    }
    EXPECT_GE(seconds, 18u);
    EXPECT_LE(seconds, 21u);
}

TEST(SstpStrangers, AreDroppedWithAGigabyteOfHeaders) {
    P2sLab lab{hasty()};
    TlsStranger pouring{lab, 1};
    const std::string line = "X-Filler: " + std::string(1000, 'x') + "\r\n";
    pouring.say(as_bytes(kPost.substr(0, kPost.find("\r\n") + 2)));
    std::size_t said = 0;
    for (; said < (1u << 30) && !pouring.closed; said += line.size()) pouring.say(as_bytes(line));
    EXPECT_LT(said, 24u * 1024);  // the head's bound, and what was under way
    lab.network.run_for(1s);
    EXPECT_TRUE(lab.gateway->sessions().empty());
}

TEST(SstpStrangers, AreDroppedWithAGigabyteOfHeadersWithoutTls) {
    P2sLab lab{hasty()};
    Stranger pouring{lab, 1};
    pouring.stream->write(as_bytes("GET / HTTP/1.1\r\n"));
    const std::string line = "X-Filler: " + std::string(1000, 'x') + "\r\n";
    EXPECT_LT(pouring.pour(as_bytes(line), 1u << 30), 40u * 1024);
}

TEST(SstpStrangers, AreDroppedWithAnythingThatIsNoTls) {
    P2sLab lab{hasty()};
    Stranger noise{lab, 1};
    noise.stream->write(Bytes(500, 0xa5));
    lab.network.run_for(5s);
    EXPECT_TRUE(noise.closed);
    Stranger later{lab, 2};  // in the middle of a handshake
    later.stream->write(Bytes{0x16, 0x03, 0x01, 0x00, 0x04, 0x01, 0xff, 0xff, 0xff});
    later.stream->write(Bytes(70'000, 0x5a));
    lab.network.run_for(5s);
    EXPECT_TRUE(later.closed);
}

TEST(SstpStrangers, GetAPlainAnswerToAPlainRequest) {
    P2sLab lab{hasty()};
    Stranger browser{lab, 1};
    browser.stream->write(as_bytes("GET / HTTP/1.1\r\nHost: gw.example.com\r\n\r\n"));
    lab.network.run_for(1s);
    EXPECT_THAT(std::string(browser.received.begin(), browser.received.end()), ::testing::StartsWith("HTTP/1.1 4"));
    EXPECT_TRUE(browser.closed);
    TlsStranger tls_browser{lab, 2};
    tls_browser.say(as_bytes("GET / HTTP/1.1\r\nHost: gw.example.com\r\n\r\n"));
    lab.network.run_for(1s);
    EXPECT_THAT(tls_browser.text(), ::testing::StartsWith("HTTP/1.1 4"));
    EXPECT_TRUE(tls_browser.closed);
}

TEST(SstpStrangers, AreDroppedWithoutARequestAndWithoutACallConnected) {
    for (const bool asks : {false, true}) {
        P2sLab lab{hasty()};
        TlsStranger idle{lab, 1};
        idle.say(as_bytes(kPost));
        EXPECT_THAT(idle.text(), ::testing::StartsWith("HTTP/1.1 200"));
        if (asks) idle.say(sstp::encode({sstp::MessageType::CallConnectRequest, {sstp::EncapsulatedProtocol{}}}));
        lab.network.run_for(28s);
        EXPECT_FALSE(idle.closed);
        lab.network.run_for(15s);  // the negotiation time, what a Call Abort waits for, and PPP's patience before them
        EXPECT_TRUE(idle.closed) << asks;
    }
}

TEST(SstpStrangers, AreDroppedWhateverHappensWhenNothingComesOfThem) {
    auto config = hasty();
    config.sstp->http_within = config.sstp->negotiation = 5s;
    P2sLab lab{config};
    TlsStranger asking{lab, 1};
    asking.say(as_bytes(kPost));
    const auto began = lab.network.now();
    while (!asking.closed && lab.network.now() < began + 60s) {  // keeps the call busy
        asking.say(sstp::encode({sstp::MessageType::CallConnectRequest, {sstp::EncapsulatedProtocol{7}}}));
        lab.network.run_for(500ms);
    }
    EXPECT_LE(lab.network.now() - began, 11s);
}

TEST(SstpStrangers, MakeRoomForNewcomersAndUsersStay) {
    auto config = sstp_config();
    config.sstp->half_open = 3;
    P2sLab lab{config};
    auto alice = dial(lab, 10);
    ASSERT_TRUE(alice.connect());
    std::list<Stranger> strangers;
    for (std::uint8_t i = 1; i <= 5; ++i) strangers.emplace_back(lab, i);
    lab.network.run_for(1s);
    std::vector<bool> closed;
    for (const auto& stranger : strangers) closed.push_back(stranger.closed);
    EXPECT_THAT(closed, ElementsAre(true, true, false, false, false));
    EXPECT_FALSE(alice.closed);
    EXPECT_TRUE(dial(lab, 11, "bob", "better").connect());
}

TEST(SstpStrangers, AreTurnedAwayAboveTheLimit) {
    auto config = sstp_config();
    config.sstp->connections = 2;
    P2sLab lab{config};
    Stranger one{lab, 1}, two{lab, 2}, three{lab, 3};
    lab.network.run_for(1s);
    EXPECT_TRUE(!one.closed && !two.closed && three.closed);
}

TEST(SstpStrangers, AreHeldToLittleWhenTheyReadNothing) {
    P2sLab lab{sstp_config()};
    TlsStranger deaf{lab, 1};
    deaf.say(as_bytes(kPost));
    deaf.say(sstp::encode({sstp::MessageType::CallConnectRequest, {sstp::EncapsulatedProtocol{}}}));
    lab.network.run_for(1s);
    lab.network.tcp().deaf = Stranger::from(1);
    const Bytes asked_again{0x10, 0x00, 0x00, 0x0a, 0xc0, 0x21, 0x01, 0x01, 0x00, 0x04};  // LCP Configure-Request
    std::size_t times = 0;
    for (; times < 5000 && !deaf.closed; ++times) deaf.say(asked_again);
    EXPECT_LT(times, 1500u);  // 32 KiB and TCP's window of answers, each above 30 octets
    EXPECT_TRUE(deaf.closed);
}

}  // namespace
}  // namespace gatelab::gateway
