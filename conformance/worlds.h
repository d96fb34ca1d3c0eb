// The small networks that cases start from.
//
//   remote_access:             alice --- isp --- gateway --- vnet --- app1
//   remote_access_behind_nat:  alice --+
//                                      home --- isp --- gateway --- vnet --- app1
//                              bob ----+
#pragma once

#include <functional>
#include <string>

#include "conformance/players.h"
#include "topologies/model/topology.h"

namespace gatelab::conformance {

// Certificates.
inline const std::string kServerRoot = "ServerRootCert", kClientRoot = "P2SRootCert",
                         kServerName = "vpn.gatelab.example";
inline const std::string kInternetLink = "isp-gateway";  // all outer traffic, on the public side of any NAT
inline const std::string kInsideLink = "gateway-vnet";   // all inner traffic, in clear
constexpr Ipv4Address kAliceAddress{203, 0, 113, 10};
constexpr Ipv4Address kHomeAddress{203, 0, 113, 1};  // of the NAT
constexpr Ipv4Address kGatewayAddress{198, 51, 100, 10};
constexpr Ipv4Address kAppAddress{10, 1, 0, 4};
constexpr Ipv4Address kDnsAddress{10, 1, 0, 53};
constexpr Ipv4Address kElsewhere{192, 0, 2, 77};  // neither in the virtual network nor in the pool
constexpr Prefix kNetwork{Ipv4Address{10, 1, 0, 0}, 16};
constexpr Prefix kPool{Ipv4Address{10, 60, 0, 0}, 24};

// Certificates of RSA 2048 as Azure's documentation makes them (P2S-CERT-09); nobody dials before a case says so.
topologies::Topology remote_access(const Pair&);
topologies::Topology remote_access_behind_nat(const Pair&);

// The same networks with OpenVPN: the gateway has no other tunnel, and both ends are as Azure's profile says, but over
// UDP port 1194; without tls-auth for players that lack it.
topologies::Topology openvpn_access(const Pair&);
topologies::Topology openvpn_access_behind_nat(const Pair&);
constexpr std::uint16_t kOpenVpnUdpPort = 1194, kOpenVpnTcpPort = 443;

// The same networks with SSTP: the gateway has no other tunnel and knows every client by its name and kSstpPassword;
// TCP 443, MS-CHAPv2, both hashes.
topologies::Topology sstp_access(const Pair&);
topologies::Topology sstp_access_behind_nat(const Pair&);
inline const std::string kSstpPassword = "correct horse battery staple";
constexpr std::uint16_t kSstpPort = 443;

// Changes to them.
// Changes what SSTP has at every client and at the gateway.
void at_every_end(topologies::Topology&, const std::function<void(topologies::Sstp&)>& change);
// All clients dial over it, and the gateway listens on nothing else.
void use_transport(topologies::Topology&, topologies::Transport);
// Changes what OpenVPN has at every client and at the gateway.
void at_every_end(topologies::Topology&, const std::function<void(topologies::OpenVpn&)>& change);
void use_protection(topologies::Topology&, topologies::OpenVpn::Protection);
// The user signs in with a password, that the gateway knows; beside a certificate, or instead of one.
void use_password(topologies::Topology&, const std::string& name, const std::string& password, bool certificate_too,
                  const std::string& client = "alice");
topologies::Client& client_of(topologies::Topology&, const std::string& name = "alice");
topologies::Gateway& gateway_of(topologies::Topology&);
topologies::CertificateSpec& certificate_of(topologies::Topology&, const std::string& name);
void use_pre_shared_key(topologies::Topology&, const std::string& clients_key, const std::string& gateways_key);

}  // namespace gatelab::conformance
