// The configuration of a libreswan client or gateway, as files. Nothing here runs anything.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "impl/crypto/certificates.h"
#include "impl/ikev2/policy.h"
#include "sim/peers/strongswan_config.h"

namespace gatelab::sim::peers {

// What both roles decide.
struct LibreswanCommon {
    Ipv4Address address;                       // outside the tunnel
    std::optional<crypto::Identity> identity;  // how we prove ourselves, unless by key
    crypto::TrustStore roots;                  // whom certificates of the peer must come from
    std::string pre_shared_key;                // "" for none
    std::vector<ikev2::IkeSuite> ike_policy;
    std::vector<ikev2::ChildSuite> ipsec_policy;
    // Whole seconds, rounded up; the first two at most 24 h less a minute.
    Duration ike_lifetime{}, child_lifetime{}, liveness{};
};

struct LibreswanClientSettings {
    LibreswanCommon common;
    Ipv4Address gateway;
    std::string identification, server;
    Prefix remote;
};

// Somebody whom a gateway lets in. Each has a connection of its own: libreswan's commands go by a connection's name.
struct LibreswanUser {
    std::string identification;
    bool by_certificate = true;
};

struct LibreswanGatewaySettings {
    LibreswanCommon common;
    std::string identification;
    std::vector<LibreswanUser> users;
    Prefix pool;  // its first host address is left to the gateway, as in ours
    std::vector<Ipv4Address> dns;
    Prefix network;  // granted to clients
};

inline constexpr const char* kLibreswanConnection = "home";           // a client's
std::string libreswan_connection_of(std::size_t user);                // "user-0"
std::optional<std::size_t> libreswan_user_of(std::string_view name);  // the reverse

// Where things are inside the machine.
struct LibreswanPlaces {
    std::string folder;   // where the files of this configuration are
    std::string program;  // where libreswan was unpacked
};

// ipsec.conf, ipsec.secrets, certificates and keys, and the script "prepare" that sets up the machine for all of them:
// it puts libreswan's programs where it expects them and fills NSS's database. Unsupported when libreswan has no row
// of a policy.
Result<std::vector<ConfigFile>> libreswan_files(const LibreswanClientSettings&, const LibreswanPlaces&);
Result<std::vector<ConfigFile>> libreswan_files(const LibreswanGatewaySettings&, const LibreswanPlaces&);

}  // namespace gatelab::sim::peers
