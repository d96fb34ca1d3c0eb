// The configuration that OpenVPN is given: pure translation of a topology's words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "impl/base/address.h"
#include "impl/crypto/certificates.h"
#include "impl/tls/policy.h"
#include "sim/peers/files.h"
#include "topologies/model/topology.h"

namespace gatelab::sim::peers {

inline constexpr const char* kOpenVpnProgram = "/usr/sbin/openvpn";
inline constexpr const char* kOpenVpnProfile = "client.ovpn";

// One port that a gateway listens at. A program serves one, so a gateway with two runs two programs.
struct OpenVpnDoor {
    topologies::Transport transport = topologies::Transport::Tcp;
    std::uint16_t port = 443;
    Prefix share;  // of the pool: the clients that come in here get their addresses from it

    std::string name() const { return std::string{name_of(transport)}; }  // "tcp": of its files and its socket
};

struct OpenVpnGatewaySettings {
    Ipv4Address address;  // outside
    crypto::Identity identity;
    crypto::TrustStore roots;      // whom clients' certificates must come from
    std::string control_key;       // PEM, of what protects the control channel; "" when nothing does
    Prefix pool;                   // a /29 or larger when there is one door, else a /28
    std::vector<Prefix> networks;  // pushed
    std::vector<Ipv4Address> dns_servers;
    tls::Policy tls;
    topologies::OpenVpn openvpn;
    std::vector<topologies::User> users;
};

// The doors of a gateway, each with its share of the pool: all of it, or a half.
std::vector<OpenVpnDoor> doors_of(const topologies::OpenVpn&, Prefix pool);
// Addresses of the server's own end, and of its first and last client, within a share.
Ipv4Address own_address(Prefix share);

// "<door>.conf" for each, and the keys and certificates that they name in `folder`, as the program sees it.
std::vector<ConfigFile> openvpn_gateway_files(const OpenVpnGatewaySettings&, const std::vector<OpenVpnDoor>&,
                                              const std::string& folder);

// As the program sees them.
struct OpenVpnPlaces {
    std::string config;
    std::string management;  // UNIX socket
    std::string log;
};
// The whole command.
std::vector<std::string> openvpn_server_arguments(const OpenVpnPlaces&, const tls::Policy&);
// A client waits at the management socket before it dials, and asks there where the name that it dials leads.
std::vector<std::string> openvpn_client_arguments(const OpenVpnPlaces&);

// A profile without its keys: what may lie among a run's evidence.
std::string without_secrets(std::string_view profile);

}  // namespace gatelab::sim::peers
