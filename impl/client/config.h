// What a remote user decides about a VPN client.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/time.h"
#include "impl/client/personality.h"
#include "impl/http/connect.h"
#include "impl/ikev2/options.h"
#include "impl/ipsec/tunnel.h"
#include "impl/profile/ovpn.h"
#include "impl/sstp/session.h"

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

// A proxy that opens TCP connections by HTTP CONNECT.
struct HttpProxy {
    Endpoint address;
    std::optional<http::Credentials> credentials;  // sent when it asks for them
};

struct OpenVpn {
    profile::Ovpn profile;  // the first of its remotes is dialled, over TCP through its http-proxy
    Personality personality = Personality::OpenVpnClient;
    // In place of what the profile holds; an Entra token is one: {"AzureAD", token} (P2S-AAD-20).
    std::optional<openvpn::Credentials> credentials;
    tls::Policy policy = tls::any_policy();  // where the profile names no suites
    Resolver resolve;                        // for hosts that are names; none: they must be addresses
    ConnectLimits limits;                    // over TCP
};

struct Sstp {
    Endpoint gateway;
    sstp::Options session;  // whom we trust, who we are; the role is ours, `host` also what a proxy is asked for
    // What goes into the tunnel. PPP grants an address and no routes: a Windows profile brings them along (P2S-RT-16).
    // Empty: the class of the assigned address (10.0.0.0/8 for 10.60.0.2), as Windows does on its own.
    std::vector<Prefix> destinations;
    std::optional<HttpProxy> proxy;
    ConnectLimits limits;
};

// One way to a gateway, and how long it may take from its beginning until packets flow.
struct Dial {
    std::variant<Ikev2, OpenVpn, Sstp> tunnel;
    Duration give_up = std::chrono::seconds(30);
};

struct Config {
    // Tried in this order until one is up; empty is legal, and fails at once. At most one is IKEv2's, whose ports are
    // the host's only ones.
    std::vector<Dial> plan;
    std::optional<Redial> redial;  // when a tunnel is lost, or no dial of the plan has succeeded; none: not again
    // Failures after which no further dial of the plan is tried, and those after which it is not tried anew.
    std::vector<std::string> ends_round, ends_redial;
    std::string tunnel_interface = "vpn0";
};

// Gives the dials of a plan, and what comes after them, the habits of such a client.
void adopt(Personality, Config&);

}  // namespace gatelab::client
