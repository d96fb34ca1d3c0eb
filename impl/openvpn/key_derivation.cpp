#include <algorithm>

#include "impl/crypto/tls1_prf.h"
#include "impl/openvpn/key_method.h"

namespace gatelab::openvpn {
namespace {

constexpr std::size_t kMasterSecret = 48;
constexpr std::string_view kMasterLabel = "OpenVPN master secret", kExpansionLabel = "OpenVPN key expansion";

Bytes join(std::string_view label, std::initializer_list<ByteView> parts) {
    Bytes seed = copy_of(as_bytes(label));
    for (const auto part : parts) append(seed, part);
    return seed;
}

}  // namespace

DataKeys derive_by_prf(const KeySource& client, const KeySource& server, const SessionId& client_session,
                       const SessionId& server_session) {
    const auto master =
        crypto::tls1_prf(client.pre_master, join(kMasterLabel, {client.random1, server.random1}), kMasterSecret);
    DataKeys keys;
    const auto expanded = crypto::tls1_prf(
        master, join(kExpansionLabel, {client.random2, server.random2, client_session, server_session}),
        keys.bytes.size());
    std::ranges::copy(expanded, keys.bytes.begin());
    return keys;
}

}  // namespace gatelab::openvpn
