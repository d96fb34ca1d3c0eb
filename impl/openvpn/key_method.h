// Key method 2: what the ends tell each other first inside TLS, and the data channel's keys that come of it.
//
//   0, 4 octets | key method, 1 octet: 2 | pre-master secret, 48 octets, client only | random, 2 x 32 octets |
//   options string | username | password | peer info        (each: length with NUL, 2 octets; text; NUL)
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "impl/base/bytes.h"
#include "impl/openvpn/options.h"
#include "impl/openvpn/packet.h"
#include "impl/tls/engine.h"

namespace gatelab::openvpn {

struct KeySource {
    std::array<std::uint8_t, 48> pre_master{};  // the client's alone
    std::array<std::uint8_t, 32> random1{}, random2{};
    static KeySource generate(Random&, Role);
};

struct KeyMethodMessage {
    KeySource source;
    std::string options;
    std::string username, password;  // "" when not sent
    std::string peer_info;           // "IV_VER=2.6.14\nIV_PROTO=990\n..."
};
Bytes encode(const KeyMethodMessage&, Role sender);
// Reads one message from the front of `bytes`. The second is how many octets it took. nothing: more must come.
// Malformed for anything that cannot become one, and for more than `limit` octets.
struct ParsedKeyMethod {
    KeyMethodMessage message;
    std::size_t size;
};
Result<std::optional<ParsedKeyMethod>> parse_key_method(ByteView bytes, Role sender, std::size_t limit = 3 * 65535);

// "V4,dev-type tun,link-mtu 1541,tun-mtu 1500,proto UDPv4,cipher AES-256-GCM,auth [null-digest],keysize 256,key-method
// 2,tls-client": as OpenVPN 2.6 writes it for these options.
std::string options_string(const Options&);
// What the peer's string says otherwise than ours expects, as one sentence each; link-mtu never counts.
std::vector<std::string> differences(std::string_view ours, std::string_view peers);

// "IV_VER=...\nIV_PLAT=linux\n..." and back. Lines without '=', or with control characters, are left out; at most 64.
std::string encode(const PeerInfo&);
PeerInfo parse_peer_info(std::string_view);
PeerInfo own_peer_info(const Options&);
// The bits of IV_PROTO.
inline constexpr std::uint32_t kIvProtoDataV2 = 1u << 1, kIvProtoRequestPush = 1u << 2, kIvProtoTlsKeyExport = 1u << 3,
                               kIvProtoAuthPendingKw = 1u << 4, kIvProtoNcpP2p = 1u << 5,
                               kIvProtoCcExitNotify = 1u << 7, kIvProtoAuthFailTemp = 1u << 8,
                               kIvProtoDynTlsCrypt = 1u << 9;

// The 256 octets of key material: client's cipher and HMAC key, server's cipher and HMAC key, 64 octets each.
struct DataKeys {
    std::array<std::uint8_t, 256> bytes{};
};
// From both ends' sources by the TLS 1.0 pseudo-random function (RFC 2246 section 5), "OpenVPN master secret" and
// "OpenVPN key expansion".
DataKeys derive_by_prf(const KeySource& client, const KeySource& server, const SessionId& client_session,
                       const SessionId& server_session);
// From TLS itself: exporter label "EXPORTER-OpenVPN-datakeys".
DataKeys derive_by_exporter(const tls::Engine&);

}  // namespace gatelab::openvpn
