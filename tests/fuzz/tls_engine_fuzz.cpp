// Any bytes to a TLS engine. The first byte picks who gets them: a server, a client behind its ClientHello, a server
// whose connection is established. Random numbers are the same each time, so that recorded flights stay valid.
#include <cstddef>
#include <cstdint>

#include "impl/base/random.h"
#include "impl/crypto/random_source.h"
#include "impl/tls/engine.h"

namespace {

using namespace gatelab;

constexpr Instant kNow = instant_from_unix(1'767'225'600);

struct Ends {
    tls::Options client, server;
};

crypto::CertificateRequest request(const char* name, std::vector<crypto::Purpose> purposes) {
    crypto::CertificateRequest made;
    made.common_name = name;
    made.purposes = std::move(purposes);
    made.not_before = kNow - std::chrono::hours{24};
    made.not_after = kNow + std::chrono::hours{24};
    return made;
}

Ends make_ends() {
    SeededRandom random{1, "identities"};
    const crypto::ScopedRandomSource source{random};
    const auto root = crypto::make_root(request("Root", {}), crypto::PrivateKey::generate_ecdsa(256));
    Ends made;
    made.server.role = tls::Role::Server;
    made.client.policy = made.server.policy = tls::any_policy();
    made.server.identity =
        crypto::issue(root, request("gw", {crypto::Purpose::ServerAuth}), crypto::PrivateKey::generate_ecdsa(256));
    made.client.identity =
        crypto::issue(root, request("alice", {crypto::Purpose::ClientAuth}), crypto::PrivateKey::generate_ecdsa(256));
    made.client.roots.emplace().add(root.certificate);
    made.server.roots = made.client.roots;
    return made;
}

Bytes sent_by(tls::Engine& engine) {
    Bytes records;
    for (const auto& output : engine.drain())
        if (const auto* send = std::get_if<tls::Engine::Send>(&output)) append(records, send->records);
    return records;
}

void shake_hands(tls::Engine& client, tls::Engine& server) {
    for (int flight = 0; flight < 4; ++flight) {
        server.handle_bytes(kNow, sent_by(client));
        client.handle_bytes(kNow, sent_by(server));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Ends ends = make_ends();
    if (size == 0) return 0;
    const ByteView bytes{data + 1, size - 1};
    SeededRandom random{1, "fuzz"};
    const crypto::ScopedRandomSource source{random};
    auto client = tls::Engine::create(ends.client).value();
    auto server = tls::Engine::create(ends.server).value();
    client.start(kNow);
    auto& target = data[0] % 3 == 1 ? client : server;
    if (data[0] % 3 == 1) client.drain();
    if (data[0] % 3 == 2) shake_hands(client, server);
    target.handle_bytes(kNow, bytes);
    target.write(kNow, bytes);
    target.close(kNow);
    target.drain();
    return 0;
}
