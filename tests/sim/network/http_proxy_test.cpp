#include "sim/http_proxy.h"

#include <gmock/gmock.h>

#include "tests/sim/network/support.h"

namespace gatelab::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr Ipv4Address kSquid{10, 0, 0, 3};
constexpr auto kGateway = "gw.example.com";

// One end of a connection and what came to it.
struct Peer {
    std::unique_ptr<TcpStream> stream;
    std::string received, unsent;
    bool connected = false;
    std::optional<std::string> closed;

    void take(std::unique_ptr<TcpStream> taken) {
        stream = std::move(taken);
        stream->set_callbacks({.connected = [this] { connected = true; },
                               .received = [this](ByteView bytes) { received += as_text(bytes); },
                               .writable = [this] { flush(); },
                               .closed = [this](std::string why) { closed = std::move(why); }});
    }
    void say(const std::string& text) {
        unsent += text;
        flush();
    }
    void flush() {
        if (!unsent.empty()) unsent.erase(0, stream->write(as_bytes(unsent)));
    }
};

// alice and bob at a router each end of which has a proxy beside it: alice asks the proxy for bob's port 443.
struct Office {
    Line line;
    Host& squid;
    std::unique_ptr<HttpProxy> proxy;
    std::unique_ptr<TcpListener> listener;
    std::vector<std::unique_ptr<Peer>> targets;
    Peer alice;

    explicit Office(HttpProxyOptions options = {}, std::uint64_t alice_rate = 0)
        : squid(line.network.add_host("squid", {kSquid})) {
        line.network.connect("squid", "router", link_called("squid-router"));
        line.network.add_route("squid", kEverywhere, "router");
        line.network.add_route("router", Prefix{kSquid, 32}, "squid");
        if (alice_rate > 0) {
            auto& slow = line.network.add_host("slow", {{10, 0, 0, 9}});
            auto link = link_called("slow-router");
            link.bits_per_second = alice_rate;
            line.network.connect("slow", "router", link);
            line.network.add_route("slow", kEverywhere, "router");
            line.network.add_route("router", Prefix{{10, 0, 0, 9}, 32}, "slow");
            client = &slow;
        }
        options.local = {kSquid, 3128};
        options.resolve = [](const std::string& name) -> Result<Ipv4Address> {
            if (name == kGateway) return kBob;
            return fail(Fault::NotFound, "no gateway is named \"" + name + "\"");
        };
        proxy = HttpProxy::start(squid, std::move(options)).value();
        listener = line.bob.listen_tcp({{}, 443}).value();
        listener->on_accept([this](std::unique_ptr<TcpStream> stream) {
            targets.push_back(std::make_unique<Peer>());
            targets.back()->take(std::move(stream));
        });
        dial();
    }

    void dial() { alice.take(client->connect_tcp({kSquid, 3128}).value()); }
    void run_for(Duration time) { line.network.run_until(line.network.now() + time); }
    void ask(const std::string& head) {
        run_for(milliseconds(50));
        alice.say(head + "\r\n\r\n");
        run_for(milliseconds(200));
    }
    std::string connect() {
        ask(std::string("CONNECT ") + kGateway + ":443 HTTP/1.1\r\nHost: " + kGateway);
        return std::exchange(alice.received, {});
    }
    std::vector<const Event*> events(const std::string& name) const {
        std::vector<const Event*> found;
        for (const auto& event : line.events)
            if (event.component == "http-proxy" && event.event == name) found.push_back(&event);
        return found;
    }
    std::string why_refused() const {
        const auto found = events("refused");
        return found.empty() ? "" : text_of(found.back()->attributes, "why");
    }

    Host* client = &line.alice;
};

TEST(HttpProxyOnAHost, OpensATunnelAndRelaysBothWays) {
    Office office;
    EXPECT_EQ(office.connect(), "HTTP/1.1 200 Connection established\r\n\r\n");
    ASSERT_EQ(office.targets.size(), 1u);
    auto& bob = *office.targets[0];
    EXPECT_EQ(bob.stream->remote().address, kSquid);
    office.alice.say("question");
    bob.say("greeting");
    office.run_for(milliseconds(100));
    EXPECT_EQ(bob.received, "question");
    EXPECT_EQ(office.alice.received, "greeting");
    const auto opened = office.events("tunnel-opened");
    ASSERT_EQ(opened.size(), 1u);
    EXPECT_EQ(text_of(opened[0]->attributes, "target"), "gw.example.com:443");
    EXPECT_EQ(text_of(opened[0]->attributes, "address"), "10.0.0.2:443");
    EXPECT_EQ(office.proxy->counters().tunnels, 1u);
    EXPECT_EQ(office.proxy->counters().to_targets, 8u);
    EXPECT_EQ(office.proxy->counters().to_clients, 8u);
}

TEST(HttpProxyOnAHost, ClosesTheOtherEndWhenOneHasClosed) {
    for (const bool client_closes : {true, false}) {
        Office office;
        office.connect();
        auto& bob = *office.targets.at(0);
        (client_closes ? office.alice : bob).say("last words");
        (client_closes ? office.alice : bob).stream->close();
        office.run_for(seconds(1));
        EXPECT_EQ((client_closes ? bob : office.alice).received, "last words");
        EXPECT_EQ((client_closes ? bob : office.alice).closed, "");
        office.run_for(seconds(20));
        ASSERT_EQ(office.events("tunnel-closed").size(), 1u);
        EXPECT_EQ(office.proxy->counters().tunnels, 0u);
    }
}

TEST(HttpProxyOnAHost, CutsTheOtherEndWhenOneIsReset) {
    Office office;
    office.connect();
    office.alice.stream.reset();
    office.run_for(seconds(1));
    EXPECT_THAT(office.targets.at(0)->closed.value_or("open"), HasSubstr("reset"));
    EXPECT_EQ(office.proxy->counters().tunnels, 0u);
}

TEST(HttpProxyOnAHost, PassesOnWhatCameBehindTheHead) {
    Office office;
    office.ask(std::string("CONNECT ") + kGateway + ":443 HTTP/1.1\r\n\r\nearly words");
    ASSERT_EQ(office.targets.size(), 1u);
    EXPECT_EQ(office.targets[0]->received, "early words\r\n\r\n");
}

TEST(HttpProxyOnAHost, AsksForBasicAuthenticationAndLetsTheClientTryAgain) {
    HttpProxyOptions options;
    options.users = {{"bo", "x y"}};
    Office office{options};
    EXPECT_THAT(office.connect(), StartsWith("HTTP/1.1 407 Proxy Authentication Required\r\n"
                                             "Proxy-Authenticate: Basic realm=\"gatelab\"\r\nContent-Length: 0\r\n"));
    EXPECT_EQ(office.why_refused(), "no credentials");
    const auto with = [&](const http::Credentials& credentials) {
        office.ask("CONNECT gw.example.com:443 HTTP/1.1\r\nProxy-Authorization: " +
                   http::basic_authorization(credentials));
        return std::exchange(office.alice.received, {});
    };
    EXPECT_THAT(with({"bo", "guess"}), StartsWith("HTTP/1.1 407 "));
    EXPECT_EQ(office.why_refused(), "wrong credentials");
    EXPECT_EQ(with({"bo", "x y"}), "HTTP/1.1 200 Connection established\r\n\r\n");
    EXPECT_EQ(text_of(office.events("tunnel-opened").at(0)->attributes, "user"), "bo");
    EXPECT_EQ(office.proxy->counters().refused, 2u);
}

TEST(HttpProxyOnAHost, ClosesAfterAChallengeWhereTheClientWillNotStay) {
    HttpProxyOptions options;
    options.users = {{"bo", "x"}};
    for (const auto* head :
         {"CONNECT gw.example.com:443 HTTP/1.0", "CONNECT gw.example.com:443 HTTP/1.1\r\nConnection: close"}) {
        Office office{options};
        office.ask(head);
        EXPECT_THAT(office.alice.received, StartsWith("HTTP/1.1 407 "));
        EXPECT_THAT(office.alice.received, HasSubstr("Proxy-Authenticate: Basic"));
        EXPECT_EQ(office.alice.closed, "");
    }
}

TEST(HttpProxyOnAHost, IsWhatOurOwnClientAsks) {
    HttpProxyOptions options;
    options.users = {{"bo", "x"}};
    Office office{options};
    http::Connect connect{"gw.example.com:443", http::Credentials{"bo", "x"}};
    office.run_for(milliseconds(50));
    connect.start(office.line.alice.now());
    bool open = false;
    for (int i = 0; i < 10 && !open; ++i) {
        for (const auto& output : connect.drain()) {
            if (const auto* send = std::get_if<http::Connect::Send>(&output)) office.alice.say(as_text(send->bytes));
            open = open || std::holds_alternative<http::Connect::Open>(output);
        }
        office.run_for(milliseconds(50));
        const auto answer = std::exchange(office.alice.received, {});
        if (!answer.empty()) connect.handle_bytes(office.line.alice.now(), as_bytes(answer));
    }
    EXPECT_TRUE(open);
    EXPECT_EQ(office.targets.size(), 1u);
}

TEST(HttpProxyOnAHost, RefusesWhatItDoesNotDo) {
    const struct {
        std::string head;
        int status;
        std::string why;
    } all[] = {
        {"GET http://gw.example.com/ HTTP/1.1", 405, "method GET"},
        {"CONNECT gw.example.com:25 HTTP/1.1", 403, "port 25 is not allowed"},
        {"CONNECT gw.example.com HTTP/1.1", 400, "CONNECT wants host:port, not gw.example.com"},
        {"CONNECT :443 HTTP/1.1", 400, "CONNECT wants host:port"},
        {"CONNECT gw.example.com:70000 HTTP/1.1", 400, "CONNECT wants host:port"},
        {"CONNECT other.example.com:443 HTTP/1.1", 502, "no gateway is named \"other.example.com\""},
        {"CONNECT 10.9.9.9:443 HTTP/1.1", 504, "the target does not answer"},
        {"nonsense", 400, ""},
    };
    for (const auto& one : all) {
        HttpProxyOptions options;
        options.dial_within = milliseconds(100);
        Office office{options};
        office.ask(one.head);
        EXPECT_THAT(office.alice.received, StartsWith("HTTP/1.1 " + std::to_string(one.status) + " ")) << one.head;
        EXPECT_THAT(office.why_refused(), HasSubstr(one.why)) << one.head;
        EXPECT_EQ(office.alice.closed, "") << one.head;
        EXPECT_THAT(office.targets, IsEmpty()) << one.head;
    }
}

TEST(HttpProxyOnAHost, SaysThatTheTargetRefused) {
    Office office;
    office.listener.reset();
    EXPECT_THAT(office.connect(), StartsWith("HTTP/1.1 502 Bad Gateway\r\n"));
}

TEST(HttpProxyOnAHost, GivesNobodyMoreThanItsTimeForAHead) {
    HttpProxyOptions options;
    options.head_within = seconds(5);
    Office office{options};
    for (int i = 0; i < 60 && !office.alice.closed; ++i) {  // an octet now and then
        office.run_for(milliseconds(100));
        office.alice.say("C");
    }
    EXPECT_TRUE(office.alice.closed);
    EXPECT_LE(office.line.network.now(), seconds(6));
    ASSERT_EQ(office.events("dropped").size(), 1u);
}

TEST(HttpProxyOnAHost, HoldsNoHeadAboveItsSize) {
    Office office;
    office.run_for(milliseconds(50));
    office.alice.say("CONNECT gw.example.com:443 HTTP/1.1\r\nX: " + std::string(100'000, 'x'));
    office.run_for(seconds(1));
    EXPECT_THAT(office.alice.received, StartsWith("HTTP/1.1 431 "));
}

TEST(HttpProxyOnAHost, TurnsAwayWhoIsTooMany) {
    HttpProxyOptions options;
    options.connections = 4;
    Office office{options};
    std::vector<std::unique_ptr<Peer>> crowd;
    for (int i = 0; i < 20; ++i) {
        crowd.push_back(std::make_unique<Peer>());
        crowd.back()->take(office.line.alice.connect_tcp({kSquid, 3128}).value());
        office.run_for(milliseconds(20));
    }
    const auto open = std::ranges::count_if(crowd, [](const auto& one) { return !one->closed; });
    EXPECT_LE(open, 4);
    EXPECT_GE(open, 1);
    EXPECT_EQ(office.connect(), "");  // alice was among the oldest
}

// A target sends far faster than the client can take it: it waits, nothing is lost, and the proxy holds little.
TEST(HttpProxyOnAHost, LetsAFastEndWaitForASlowOne) {
    HttpProxyOptions options;
    options.queue = 64 * 1024;
    Office office{options, 2'000'000};
    ASSERT_EQ(office.connect(), "HTTP/1.1 200 Connection established\r\n\r\n");
    std::string text;
    for (int i = 0; text.size() < 3'000'000; ++i) text += std::to_string(i) + ' ';
    office.targets.at(0)->say(text);
    std::uint64_t most = 0;
    for (int i = 0; i < 300 && office.alice.received.size() < text.size(); ++i) {
        office.run_for(milliseconds(100));
        most = std::max(most, office.proxy->counters().to_clients - office.alice.received.size());
    }
    EXPECT_EQ(office.alice.received.size(), text.size());
    EXPECT_TRUE(office.alice.received == text);
    // A socket's buffers are 512 KiB each way, and one reading may bring as much. All of the text would be 3 MB.
    EXPECT_LT(most, 1'300'000u);
    EXPECT_FALSE(office.alice.closed);
}

}  // namespace
}  // namespace gatelab::sim
