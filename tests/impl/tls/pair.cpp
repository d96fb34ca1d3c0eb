#include "tests/impl/tls/pair.h"

#include <algorithm>

namespace gatelab::tls {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};

crypto::Identity leaf(const crypto::Identity& root, std::string name, crypto::Purpose purpose, Key key) {
    return crypto::issue(
        root, request(std::move(name), purpose),
        key == Key::Rsa ? crypto::PrivateKey::generate_rsa(2048) : crypto::PrivateKey::generate_ecdsa(256));
}

Pki make_pki() {
    const auto authority = request("Root", crypto::Purpose::ServerAuth);
    auto root = crypto::make_root(authority, crypto::PrivateKey::generate_rsa(2048));
    auto other = crypto::make_root(authority, crypto::PrivateKey::generate_rsa(2048));
    using enum crypto::Purpose;
    Pki made{root,
             std::move(other),
             leaf(root, "gw.example", ServerAuth, Key::Rsa),
             leaf(root, "alice", ClientAuth, Key::Rsa),
             leaf(root, "gw.example", ServerAuth, Key::Ecdsa),
             leaf(root, "alice", ClientAuth, Key::Ecdsa),
             {}};
    made.trust.add(root.certificate);
    return made;
}

}  // namespace

crypto::CertificateRequest request(std::string name, crypto::Purpose purpose) {
    return {.common_name = std::move(name),
            .dns_names = {},
            .email_addresses = {},
            .ip_addresses = {},
            .purposes = {purpose},
            .not_before = kYearAgo,
            .not_after = kYearOn};
}

const Pki& pki() {
    static const Pki made = make_pki();
    return made;
}

void End::take() {
    for (auto& output : engine.drain())
        std::visit(Overloaded{[&](Engine::Send& send) {
                                  append(out, send.records);
                                  append(sent, send.records);
                              },
                              [&](Engine::Established& made) { established = made; },
                              [&](Engine::Received& data) { received += as_text(data.plaintext); },
                              [&](Engine::Secret& secret) { secrets.push_back(secret.line); },
                              [&](Engine::Closed& end) { closed = end; }},
                   output);
}

Options server_options(Key key) {
    Options options;
    options.role = Role::Server;
    options.policy = any_policy();
    options.identity = key == Key::Rsa ? pki().rsa_server : pki().ecdsa_server;
    return options;
}

Options client_options(std::optional<Key> key) {
    Options options;
    options.policy = any_policy();
    options.roots = pki().trust;
    if (key) options.identity = *key == Key::Rsa ? pki().rsa_client : pki().ecdsa_client;
    return options;
}

void Pair::run(std::size_t cut, Instant at) {
    client.engine.start(at);
    server.engine.start(at);
    const auto carry = [&](End& from, End& to) {
        const Bytes bytes = std::exchange(from.out, {});
        for (ByteView rest = bytes; !rest.empty();) {
            const auto piece = rest.first(cut ? std::min(cut, rest.size()) : rest.size());
            to.engine.handle_bytes(at, piece);
            to.take();
            rest = rest.subspan(piece.size());
        }
    };
    for (;;) {
        client.take();
        server.take();
        if (client.out.empty() && server.out.empty()) return;
        carry(client, server);
        carry(server, client);
    }
}

}  // namespace gatelab::tls
