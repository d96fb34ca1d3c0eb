// The OpenVPN client profile (.ovpn) that a gateway's administrator hands out, and what real files contain.
//
// Written: exactly the directives of Azure's vpnconfig.ovpn in its order (P2S-PKG-30 to -33), with the user's
// certificate and key in the place of the placeholders; further directives only for what a topology asks beyond that.
// Read: the client directives of OpenVPN 2.6. What is relevant to security and not supported is an error; what is
// harmless is a warning; what does not exist is an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/result.h"
#include "impl/openvpn/options.h"

namespace gatelab::profile {

struct Remote {
    std::string host;  // a name, or a dotted address
    std::uint16_t port = 1194;
    std::optional<openvpn::Transport> transport;
    friend bool operator==(const Remote&, const Remote&) = default;
};

// The HTTP proxy through which to dial, over TCP alone.
struct HttpProxy {
    std::string host;  // a name, or a dotted address
    std::uint16_t port = 0;
    // Basic authentication (RFC 7617), when the proxy asks for it; the name is "" when there is none.
    std::string username = {}, password = {};
    friend bool operator==(const HttpProxy&, const HttpProxy&) = default;
};

// Inline blocks are PEM texts; "" when there is none. A field that is not set was not in the file.
struct Ovpn {
    std::vector<Remote> remotes;                  // the first that answers is taken
    std::optional<openvpn::Transport> transport;  // proto
    std::optional<HttpProxy> http_proxy;
    std::optional<std::string> verify_x509_name;  // compared with the common name (type "name")
    std::string verify_x509_type = "name";        // name, name-prefix or subject
    bool remote_cert_tls_server = false;          // remote-cert-tls server
    std::optional<crypto::Hash> auth;
    std::optional<openvpn::DataCipher> cipher;
    std::vector<openvpn::DataCipher> data_ciphers;
    std::optional<openvpn::DataCipher> fallback_cipher;
    std::optional<Duration> tls_timeout, renegotiate, ping, ping_restart, handshake_window, transition_window;
    std::optional<std::uint64_t> renegotiate_bytes, renegotiate_packets;
    std::optional<tls::Version> tls_version_min, tls_version_max;
    std::vector<std::string> tls_ciphers;  // tls-cipher, tls-ciphersuites: IANA names
    std::optional<openvpn::KeyDirection> key_direction;
    std::optional<std::uint16_t> tun_mtu;
    std::optional<std::uint16_t> mssfix;    // of the outer packet ("mssfix N mtu"); 0: off
    std::optional<std::uint16_t> fragment;  // of the UDP payload; 0: off
    std::optional<int> explicit_exit_notify;
    bool auth_user_pass = false;
    std::string username, password;  // of an inline <auth-user-pass>
    std::string ca, certificate, key, tls_auth, tls_crypt, tls_crypt_v2;
    std::string extra_certificates;  // sent behind those of `certificate`
    std::string log;                 // "openvpn.log"
    int verb = 3;
    friend bool operator==(const Ovpn&, const Ovpn&) = default;
};

struct Warning {
    int line = 0;
    std::string text;
};
struct ParsedOvpn {
    Ovpn profile;
    std::vector<Warning> warnings;
};

// Malformed, with "file:line: what was found, what was expected". `file` is a name for messages; files that a directive
// names (ca FILE) are read from the folder of `file`.
Result<ParsedOvpn> parse_ovpn(std::string_view text, const std::string& file);
std::string encode(const Ovpn&);

// What an OpenVPN client does with the profile, of whose remotes it takes the first. Refused, naming the directive, for
// what it lacks (ca, a certificate with its key or auth-user-pass, a user's name and password) and for what contradicts
// itself; Malformed, naming the block, for keys and certificates that cannot be read. `policy` is the TLS policy of a
// client whose profile names no suites.
Result<openvpn::Options> to_options(const Ovpn&, const tls::Policy& policy);

}  // namespace gatelab::profile
