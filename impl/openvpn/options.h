// What an end of an OpenVPN tunnel is told to do, in the words of OpenVPN's own options.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/time.h"
#include "impl/openvpn/control_protection.h"
#include "impl/tls/engine.h"

namespace gatelab::openvpn {

enum class Transport { Udp, Tcp };
std::string_view name_of(Transport);  // "udp"

enum class DataCipher { Aes256Gcm, Aes128Gcm, Aes256Cbc };
std::string_view name_of(DataCipher);                             // "AES-256-GCM"
std::optional<DataCipher> data_cipher_of(std::string_view name);  // whatever the case
bool is_aead(DataCipher);

struct Credentials {
    std::string username, password;  // each at most 65535 octets with its final NUL; an Entra token has about 2300
    friend bool operator==(const Credentials&, const Credentials&) = default;
};

// The variables of "IV_VER=...\n" lines, in order.
using PeerInfo = std::vector<std::pair<std::string, std::string>>;
std::string text_of(const PeerInfo&, std::string_view name);  // "" when it is missing

struct Options {
    Role role = Role::Client;
    Transport transport = Transport::Udp;
    tls::Options tls;  // role is set from ours
    ControlProtection protection;

    std::vector<DataCipher> data_ciphers{DataCipher::Aes256Gcm, DataCipher::Aes128Gcm};  // --data-ciphers
    std::optional<DataCipher> fallback_cipher;  // --data-ciphers-fallback, for peers that do not negotiate
    std::optional<DataCipher> cipher;           // --cipher: told in the options string
    crypto::Hash auth = crypto::Hash::Sha1;     // --auth: of CBC data packets. Sha1 or Sha256

    std::optional<Credentials> credentials;  // client: --auth-user-pass
    bool credentials_required = false;       // server: a client without them is refused
    PeerInfo peer_info;                      // client: what it tells; empty: ours, made from the options
    std::string options_string;              // "" : made from the options ("V4,dev-type tun,...")
    bool strict_options_string = false;      // server: refuse a peer whose string does not match (P2S-AAD-25)

    std::uint16_t tun_mtu = 1500;
    std::optional<std::uint16_t> mssfix;    // largest outer packet that inner TCP may cause; none: 1492 in UDP
    std::optional<std::uint16_t> fragment;  // UDP: largest datagram; larger packets are cut (--fragment)

    // 0 of any of these switches it off.
    Duration ping{};                               // --ping: send when idle for so long
    Duration ping_restart{};                       // --ping-restart: give up when nothing came for so long
    Duration renegotiate = std::chrono::hours(1);  // --reneg-sec
    std::uint64_t renegotiate_bytes = 0, renegotiate_packets = 0;
    Duration handshake_window = std::chrono::seconds(60);  // --hand-window
    Duration transition_window = std::chrono::hours(1);    // --tran-window: how long an old key is kept
    Duration tls_timeout = std::chrono::seconds(2);        // first retransmission; doubles up to 60 s
    int explicit_exit_notify = 0;                          // UDP client: how often it says that it leaves

    std::size_t replay_window = 64;                   // packets; --replay-window n t
    Duration replay_time = std::chrono::seconds(15);  // UDP: how far back in time
    std::size_t control_payload = 1250;               // octets of a control packet on the wire, at most
};

}  // namespace gatelab::openvpn
