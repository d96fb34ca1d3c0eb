// What SoftEther VPN Server is told, and what it tells: pure translation.
//
// A virtual hub is an Ethernet switch. It stands on a TAP card of the machine, through which its clients' packets are
// routed with their own addresses; its SecureNAT gives them addresses and translates nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/address.h"
#include "impl/crypto/certificates.h"
#include "sim/peers/files.h"

namespace gatelab::sim::peers {

struct SoftEtherSettings {
    crypto::Identity identity;
    crypto::TrustStore roots;
    std::optional<std::uint16_t> tcp_port, udp_port;
    Prefix pool;  // a /29 or larger
    std::vector<Prefix> networks;
    std::vector<Ipv4Address> dns_servers;  // the first two
    struct User {
        std::string name;      // of a certificate: its common name
        std::string password;  // "" signs in with the certificate
    };
    std::vector<User> users;
};

inline constexpr const char* kSoftEtherCard = "tap_p2s";

struct SoftEtherPlaces {
    std::string package;  // folder of the unpacked package; "" when it is installed
    std::string folder;   // of these files
};

// "start" and "configure", scripts for /bin/sh; "query", for vpncmd; and what they read. "start" becomes the server,
// with its fixed places in memory of its own; it must run in a mount namespace of its own. "configure" waits for it and
// ends well once it serves.
std::vector<ConfigFile> softether_files(const SoftEtherSettings&, const SoftEtherPlaces&);
// The command that runs an order of vpncmd's in the hub.
std::string softether_order(const SoftEtherPlaces&, const std::string& order);

struct SoftEtherSession {
    std::string name;  // "SID-ALICE-[OPENVPN_L3]-3"
    std::string user;
    Ipv4Address source, inner_address;  // unspecified while it has none
};
// Out of the answer to "query".
std::vector<SoftEtherSession> softether_sessions_in(std::string_view answer);

}  // namespace gatelab::sim::peers
