// Two IKEv2 engines, a client and a gateway, on one wire; and what a test needs to talk about them.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "impl/crypto/random_source.h"
#include "impl/ikev2/engine.h"
#include "tests/support/engine_wire.h"

namespace gatelab::ikev2::test {

using gatelab::test::EngineWire;
using gatelab::test::Parcel;
using gatelab::test::WireQuality;

inline constexpr Instant kStart = instant_from_unix(1'767'225'600);  // 2026-01-01
inline constexpr Endpoint kClient{Ipv4Address{10, 1, 0, 2}, 500};
inline constexpr Endpoint kGateway{Ipv4Address{10, 2, 0, 2}, 500};

// Keys and certificates, made once for all tests.
struct Pki {
    crypto::Identity root, other_root;
    crypto::Identity gateway_rsa, gateway_ecdsa, client_rsa, client_ecdsa;
    crypto::Identity client_expired, client_of_other_root, client_for_servers, gateway_for_clients;
    crypto::Identity gateway_ecdsa384;
};
const Pki& pki();

// A client with an address request, and a gateway that grants one; certificates on both sides.
Connection client_connection(const crypto::Identity& identity = pki().client_rsa);
Connection gateway_connection(const crypto::Identity& identity = pki().gateway_rsa);
// The same with a pre-shared key.
void use_pre_shared_key(Connection&, std::string_view secret);

// One end: the engine and everything it ever said.
struct End {
    End(std::vector<Connection> responders, std::uint64_t seed, std::string_view label, Limits limits = {});

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
        if (found.empty()) throw std::runtime_error("the engine never said so");
        return found.back();
    }
    // How many traces of that name; with a payload text if one is given.
    int traced(std::string_view event, std::string_view payloads = {}) const;
    // "IKE_SA_INIT request SA KE No ...", one line a message sent.
    std::vector<std::string> ladder() const;
    // Children that were established and not closed.
    std::vector<Engine::ChildEstablished> open_children() const;
    bool established() const { return !all<Engine::SaEstablished>().empty(); }
    bool closed_with(CloseReason) const;

    SeededRandom random;
    Engine engine;
    std::vector<Engine::Output> said;
};

class Pair {
public:
    Pair(Connection client, std::vector<Connection> gateway, std::uint64_t seed = 1, WireQuality quality = {},
         Limits limits = {});

    SaId dial();  // starts the client's connection, from kClient to kGateway
    // Runs until nothing is under way and no deadline falls before now + `span`.
    void run_for(Duration span);
    void settle() { run_for(std::chrono::seconds(120)); }
    void call(const std::function<void()>& command);  // a call to an engine, then what it said

    Instant now = kStart;
    EngineWire wire;
    Connection client_connection;
    End client, gateway;
    // What the gateway's owner answers; tests replace it.
    std::function<void(const Engine::PeerAuthenticated&)> on_peer;
    std::vector<Parcel> sent;  // every datagram that an engine sent, in order

private:
    void collect(End&);
    void deliver(const Parcel&);
    SeededRandom openssl_random_;
    crypto::ScopedRandomSource openssl_;
};

}  // namespace gatelab::ikev2::test
