// The configuration of a strongSwan client or gateway, as files. Nothing here runs anything.
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

// Lifetimes and liveness of an end are taken in whole seconds, rounded up.
struct StrongSwanClientSettings {
    IkeEnd common;
    Ipv4Address gateway;
    std::string identification, server;
    std::vector<Prefix> remote;  // empty: everything
};

struct StrongSwanGatewaySettings {
    IkeEnd common;
    std::string identification;
    Prefix pool;  // its first host address is left to the gateway, as in ours
    std::vector<Ipv4Address> dns;
    std::vector<Prefix> networks;  // granted to clients beside the pool
};

// A site-to-site tunnel between two gateways, without a pool: either may dial.
struct StrongSwanSiteSettings {
    IkeEnd common;
    Ipv4Address peer;
    std::string identification, peer_identification;
    std::vector<Prefix> local, remote;  // the networks behind either
};

inline constexpr const char* kChildName = "net";
inline constexpr const char* kClientConnection = "home";
inline constexpr const char* kSiteConnection = "site";

// swanctl.conf and what it names. A client or a site proves itself by its certificate when it has one, else by the key.
// A gateway with both takes either, in one connection each.
std::vector<ConfigFile> client_files(const StrongSwanClientSettings&);
std::vector<ConfigFile> gateway_files(const StrongSwanGatewaySettings&);
std::vector<ConfigFile> site_files(const StrongSwanSiteSettings&);

// Who does ESP for charon.
enum class EspBy {
    Libipsec,  // charon itself, in user space and always inside UDP: where the kernel is shared and may have none
    Kernel,    // the machine's own kernel, natively (protocol 50) unless there is a NAT
};

struct DaemonSettings {
    std::filesystem::path folder;  // of the peer, as its programs see it: logs go there
    std::string vici_socket;
    bool log_keys = false;  // into private.log, for reading captures
    EspBy esp = EspBy::Libipsec;
    bool patient = false;  // with charon's own retransmission, which gives up after 165 s
};

inline constexpr const char* kLog = "charon.log";
inline constexpr const char* kPrivateLog = "private.log";
inline constexpr const char* kViciSocket = "vici.sock";
inline constexpr const char* kResolvConf = "resolv.conf";

// strongswan.conf: plugins, logs, and retransmission that gives up after about four seconds unless it is patient.
ConfigFile daemon_file(const DaemonSettings&);
// What charon and swanctl find in their environment.
std::vector<std::string> daemon_environment(const std::filesystem::path& folder, EspBy);

}  // namespace gatelab::sim::peers
