// What an administrator decides about a point-to-site gateway.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/result.h"
#include "impl/ikev2/options.h"
#include "impl/ipsec/tunnel.h"

namespace gatelab::gateway {

// Tunnel type IKEv2.
struct Ikev2 {
    ikev2::Identification identification;  // what we say we are; the certificate must bear it
    std::optional<ikev2::PreSharedKey> pre_shared_key;
    std::vector<ikev2::IkeSuite> ike_policy = ikev2::p2s_ike_policy();
    std::vector<ikev2::ChildSuite> ipsec_policy = ikev2::p2s_ipsec_policy();
    ikev2::Retransmission retransmission;
    ikev2::Lifetimes lifetimes;
    std::uint16_t tunnel_mtu = ipsec::kTunnelMtu;
};

// The point-to-site half of an Azure virtualNetworkGateway of type Vpn, RouteBased.
struct Config {
    Ipv4Address public_address;

    // How we and the clients prove who we are, whatever the tunnel type.
    std::optional<ikev2::CertificateCredential> certificate;
    std::optional<crypto::TrustStore> client_roots;  // vpnClientRootCertificates

    // The tunnel types offered (vpnClientProtocols); at least one.
    std::optional<Ikev2> ikev2;

    // vpnClientAddressPool, /29 or larger (P2S-FAQ-09). Its network and broadcast addresses are never used and its
    // first host address is the gateway's own: 10.60.0.0/24 hands out 10.60.0.2 to 10.60.0.254.
    Prefix client_address_pool;
    std::vector<Ipv4Address> dns_servers;
    // Clients are granted the virtual network's address space, the custom routes (which may hold anything, also all of
    // IPv4 as 0.0.0.0/1 and 128.0.0.0/1), and the pool itself, so that two of them can talk (P2S-RT-13).
    std::vector<Prefix> networks;
    std::vector<Prefix> custom_routes;
    std::optional<std::size_t> session_limit;  // of the SKU; none: as many as the pool holds

    std::string tunnel_interface = "p2s0";
};

// Refused, naming the setting, when the configuration contradicts itself.
Result<void> check(const Config&);

// What clients are granted on the gateway's side: networks, custom routes and the pool.
std::vector<Prefix> granted_prefixes(const Config&);

// Of the tunnel interface, which all tunnel types share: the smallest of theirs.
std::uint16_t tunnel_mtu(const Config&);

}  // namespace gatelab::gateway
