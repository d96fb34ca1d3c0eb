#include "impl/gateway/sign_in.h"

#include "impl/crypto/algorithms.h"

namespace gatelab::gateway {
namespace {

constexpr std::size_t kTokenSize = 32;  // octets of it that are random

// Digests are all of one length, so that a comparison tells nothing of the texts' own.
Bytes digest_of(const openvpn::Credentials& credentials) {
    const auto digest = [](const std::string& text) { return crypto::digest(crypto::Hash::Sha256, as_bytes(text)); };
    auto both = digest(credentials.username);
    append(both, digest(credentials.password));
    return both;
}

}  // namespace

SignIn::SignIn(const std::vector<openvpn::Credentials>& users, Random& random) : random_(random) {
    for (const auto& user : users) users_.push_back(digest_of(user));
}

bool SignIn::accepts(const openvpn::Credentials& credentials) const {
    const auto shown = digest_of(credentials);
    bool known = false;
    for (const auto& user : users_) known |= equal_in_constant_time(user, shown);  // all of them, always
    return known;
}

std::string SignIn::issue_token(openvpn::ClientId client) {
    auto& token = tokens_[client.value()];
    token = "SESS_ID_AT_" + to_hex(random_.bytes(kTokenSize));  // the prefix that OpenVPN's own tokens have
    return token;
}

bool SignIn::accepts_token(openvpn::ClientId client, const std::string& password) const {
    const auto at = tokens_.find(client.value());
    return at != tokens_.end() && equal_in_constant_time(digest_of({{}, at->second}), digest_of({{}, password}));
}

void SignIn::forget(openvpn::ClientId client) { tokens_.erase(client.value()); }

}  // namespace gatelab::gateway
