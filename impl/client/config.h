// What a remote user decides about a VPN client.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "impl/base/address.h"
#include "impl/base/time.h"
#include "impl/client/personality.h"
#include "impl/ikev2/options.h"
#include "impl/ipsec/tunnel.h"
#include "impl/profile/ovpn.h"

namespace gatelab::client {

struct Ikev2 {
    Ipv4Address gateway;
    // Who we are, whom we trust, which policies. An inner address is always asked for.
    // `connection.remote` is what we want to reach; empty asks for everything.
    ikev2::Connection connection;
    std::uint16_t tunnel_mtu = ipsec::kTunnelMtu;
};

// Finds the address of a host name. NotFound when there is none.
using Resolver = std::function<Result<Ipv4Address>(const std::string& host)>;

struct OpenVpn {
    profile::Ovpn profile;  // the first of its remotes is dialled
    Personality personality = Personality::OpenVpnClient;
    // In place of what the profile holds; an Entra token is one: {"AzureAD", token} (P2S-AAD-20).
    std::optional<openvpn::Credentials> credentials;
    tls::Policy policy = tls::any_policy();  // where the profile names no suites
    Resolver resolve;                        // for remotes that are names; none: they must be addresses
};

struct Config {
    std::variant<Ikev2, OpenVpn> dials;
    Duration connect_timeout = std::chrono::seconds(30);  // from connect() until packets flow, at most
    std::string tunnel_interface = "vpn0";
};

}  // namespace gatelab::client
