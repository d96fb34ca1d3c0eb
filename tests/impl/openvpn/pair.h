// Two OpenVPN sessions, a client and a server, on one wire; and what a test needs to talk about them.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "impl/crypto/random_source.h"
#include "impl/openvpn/session.h"
#include "tests/support/engine_wire.h"

namespace gatelab::openvpn::test {

using gatelab::test::EngineWire;
using gatelab::test::Parcel;
using gatelab::test::WireQuality;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

inline constexpr Instant kStart = instant_from_unix(1'767'225'600);  // 2026-01-01
inline constexpr Endpoint kClient{Ipv4Address{10, 1, 0, 2}, 40000};
inline constexpr Endpoint kServer{Ipv4Address{10, 2, 0, 2}, 1194};

// Keys and certificates, made once for all tests.
struct Pki {
    crypto::Identity root, other_root, server, client, client_of_other_root, other_client;
};
const Pki& pki();

Options client_options(Transport = Transport::Udp);
Options server_options(Transport = Transport::Udp);
// The same without a client certificate, by user name and password.
void use_password(Options& client, Options& server);
PushReply usual_push();

// An inner IPv4 packet of UDP with this text, and of TCP with a SYN that asks for this MSS.
Bytes inner_packet(std::string_view text, std::size_t size = 0);
Bytes inner_syn(std::uint16_t mss);

struct End {
    End(Session, Endpoint own, Endpoint peer);

    template <class Event>
    std::vector<Event> all() const {
        std::vector<Event> found;
        for (const auto& output : said)
            if (const auto* event = std::get_if<Event>(&output)) found.push_back(*event);
        return found;
    }
    template <class Event>
    Event last() const {
        auto found = all<Event>();
        if (found.empty()) throw std::runtime_error("the session never said so");
        return found.back();
    }
    bool opened() const { return !all<Session::Opened>().empty(); }
    std::optional<CloseReason> closed() const;
    std::string why_closed() const;
    int traced(std::string_view event, std::string_view attribute = {}, std::string_view value = {}) const;

    Session session;
    Endpoint own, peer;
    std::vector<Session::Output> said;
    std::vector<Bytes> received;  // inner packets
};

class Pair {
public:
    Pair(Options client, Options server, std::uint64_t seed = 1, WireQuality quality = {});

    void dial();  // starts both ends
    // Runs until nothing is under way and no deadline falls before now + `span`; then it is that time.
    void run_for(Duration span);
    bool run_until(const std::function<bool()>& holds, Duration at_most = seconds(120));
    bool connect() {
        dial();
        return run_until([&] { return client.opened() && server.opened(); });
    }
    void call(const std::function<void()>& command);  // to a session, then what it said
    bool send(End& from, ByteView inner);             // through the tunnel
    void inject(const End& to, Bytes packet);         // as if from the other end, at once
    End& other(const End& end) { return &end == &client ? server : client; }

private:
    SeededRandom client_random_, server_random_, openssl_random_;
    crypto::ScopedRandomSource openssl_;

public:
    Instant now = kStart;
    EngineWire wire;
    End client, server;
    // What the server's owner answers; tests replace it.
    std::function<void(const Session::PeerAuthenticated&)> on_peer;
    std::vector<Parcel> sent;  // every packet that left, in order

private:
    void collect(End&);
    void leave(const End& from, ByteView packet);
    void deliver(const Parcel&);
    bool step(Instant end);
    int turns_ = 0;  // since time last moved
};

}  // namespace gatelab::openvpn::test
