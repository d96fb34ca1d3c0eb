// Two engines joined by a wire that cuts their bytes as it likes, and the certificates that they show.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "impl/tls/engine.h"

namespace gatelab::tls {

inline constexpr Instant kNow = instant_from_unix(1'767'225'600);  // 2026-01-01
inline constexpr Instant kYearAgo = kNow - std::chrono::hours{365 * 24};
inline constexpr Instant kYearOn = kNow + std::chrono::hours{365 * 24};

enum class Key { Rsa, Ecdsa };

// Issued once for the process. The root is RSA for both kinds of leaves.
struct Pki {
    crypto::Identity root, other_root;
    crypto::Identity rsa_server, rsa_client, ecdsa_server, ecdsa_client;
    crypto::TrustStore trust;
};
const Pki& pki();
crypto::CertificateRequest request(std::string name, crypto::Purpose);

// One end with what it said so far.
struct End {
    explicit End(Options options) : engine(Engine::create(std::move(options)).value()) {}
    void take();  // sorts the engine's outputs into what stands below

    Engine engine;
    Bytes out;  // not delivered yet
    std::optional<Engine::Established> established;
    std::string received;
    std::vector<std::string> secrets;
    std::optional<Engine::Closed> closed;
    Bytes sent;  // everything, for comparing
};

Options server_options(Key = Key::Rsa);
Options client_options(std::optional<Key> = {});

struct Pair {
    explicit Pair(Options client_side = client_options(), Options server_side = server_options())
        : client(std::move(client_side)), server(std::move(server_side)) {}

    // Carries bytes in pieces of `cut` (0: as they come) until both are silent.
    void run(std::size_t cut = 0, Instant at = kNow);
    bool established() const { return client.established && server.established; }

    End client, server;
};

}  // namespace gatelab::tls
