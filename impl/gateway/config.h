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
#include "impl/openvpn/options.h"
#include "impl/sstp/session.h"

namespace gatelab::gateway {

enum class TunnelType { IkeV2, OpenVpn, Sstp };

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

// Tunnel type OpenVPN.
struct OpenVpn {
    std::optional<std::uint16_t> tcp_port = 443, udp_port;  // at least one
    openvpn::ControlProtection protection;
    tls::Policy tls_policy;

    // With any, every client must sign in with one of them, beside its certificate or instead of it.
    std::vector<openvpn::Credentials> users;
    bool certificate_required = true;
    bool pushes_auth_token = false;  // in the password's place at renegotiations
    bool strict_options_string = false;

    std::vector<openvpn::DataCipher> data_ciphers{openvpn::DataCipher::Aes256Gcm};
    std::optional<openvpn::DataCipher> fallback_cipher;
    crypto::Hash auth = crypto::Hash::Sha256;  // of tls-auth, and of CBC's data packets
    std::uint16_t tun_mtu = 1500;
    std::optional<std::uint16_t> mssfix, fragment;
    // Pushed to clients; we give a silent client up after twice its time. 0: never.
    Duration ping = std::chrono::seconds(10), ping_restart = std::chrono::seconds(60);
    Duration renegotiate = std::chrono::hours(1);  // 0: never
    Duration handshake_window = std::chrono::seconds(60);
    Duration transition_window = std::chrono::hours(1);

    // What strangers can make us hold: clients that have not proved who they are, and TCP connections in all. The
    // oldest stranger makes room; one that is none within the handshake window is dropped.
    std::size_t half_open = 1000;
    std::size_t connections = 20'000;
};

// Tunnel type SSTP: on TCP, for clients that prove who they are inside PPP. It excludes OpenVPN on the same TCP port.
struct Sstp {
    std::uint16_t port = 443;
    tls::Policy tls_policy;
    std::vector<ppp::Credentials> users;  // at least one
    std::vector<ppp::Authentication> authentication{ppp::Authentication::MsChapV2};
    std::uint8_t hashes = sstp::kSha1 | sstp::kSha256;  // of the crypto binding
    std::uint16_t mru = 1400;
    Duration negotiation = std::chrono::seconds(60);
    Duration hello = std::chrono::seconds(60);
    Duration http_within = std::chrono::seconds(60);

    // What strangers can make us hold: connections whose user has not proved who he is, and connections in all. The
    // oldest stranger makes room; one that is no tunnel after http_within and negotiation together is dropped.
    std::size_t half_open = 1000;
    std::size_t connections = 20'000;
};

// The point-to-site half of an Azure virtualNetworkGateway of type Vpn, RouteBased.
struct Config {
    Ipv4Address public_address;

    // How we and the clients prove who we are, whatever the tunnel type.
    std::optional<ikev2::CertificateCredential> certificate;
    std::optional<crypto::TrustStore> client_roots;  // vpnClientRootCertificates

    // The tunnel types offered (vpnClientProtocols); at least one.
    std::optional<Ikev2> ikev2;
    std::optional<OpenVpn> openvpn;
    std::optional<Sstp> sstp;

    // vpnClientAddressPool, /29 or larger (P2S-FAQ-09). Its network and broadcast addresses are never used and its
    // first host address is the gateway's own: 10.60.0.0/24 hands out 10.60.0.2 to 10.60.0.254. With SSTP beside
    // another tunnel type it is split (P2S-FAQ-01).
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

// The parts of the pool that a tunnel type's addresses are drawn from; the whole pool unless it is split.
std::vector<Prefix> pool_of(const Config&, TunnelType);

// What clients are granted on the gateway's side: networks, custom routes and the pool, in its parts where it is split
// (P2S-FAQ-03), so that clients of different tunnel types can talk all the same.
std::vector<Prefix> granted_prefixes(const Config&);

// Of the tunnel interface, which all tunnel types share: the smallest of theirs.
std::uint16_t tunnel_mtu(const Config&);

}  // namespace gatelab::gateway
