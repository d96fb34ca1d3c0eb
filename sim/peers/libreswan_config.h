// The configuration of a libreswan client or gateway, as files. Nothing here runs anything.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "impl/crypto/certificates.h"
#include "impl/ikev2/policy.h"
#include "sim/peers/files.h"
#include "sim/peers/ike_end.h"

namespace gatelab::sim::peers {

// Lifetimes and liveness of an end are taken in whole seconds, rounded up; lifetimes are at most 24 h less a minute.
struct LibreswanClientSettings {
    IkeEnd common;
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
    IkeEnd common;
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
