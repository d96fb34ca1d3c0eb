// The OpenVPN profile that a topology's gateway hands to one of its clients: what `gatelab profile` writes, and what
// every OpenVPN client of a simulation, ours or the real program, is started from.
#pragma once

#include <cstdint>
#include <string_view>

#include "impl/base/result.h"
#include "impl/openvpn/static_key.h"
#include "impl/profile/ovpn.h"
#include "sim/pki.h"
#include "topologies/model/topology.h"

namespace gatelab::sim {

// The keys around a gateway's control channel; which of them is in use is the gateway's OpenVpn::protection.
struct StaticKeys {
    openvpn::StaticKey key;                   // tls-auth, tls-crypt
    openvpn::TlsCryptV2ServerKey server_key;  // tls-crypt-v2
};

// They depend on the seed and the gateway's name alone.
StaticKeys keys_of(std::string_view gateway, std::uint64_t seed);

// The client's own key of tls-crypt-v2, wrapped for its gateway; depends on both names and the seed.
openvpn::TlsCryptV2ClientKey client_key_of(std::string_view gateway, std::string_view client, std::uint64_t seed);

// The gateway's side of it: addresses, names, roots, keys; and from the client's settings what is not Azure's default
// (P2S-PKG-30): transport, ciphers, timers, sizes. Where both ends must agree (auth, data ciphers, tun-mtu, fragment),
// the gateway's setting stands unless the client has one of its own.
// NotFound when there is no such client; Refused when it does not dial with OpenVPN, or its gateway does not offer the
// transport. Errors begin with the file, line and column of the client where there is a file.
Result<profile::Ovpn> profile_of(const topologies::Topology&, const Pki&, std::uint64_t seed, std::string_view client);

}  // namespace gatelab::sim
