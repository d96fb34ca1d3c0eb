// What a remote user decides about a VPN client.
#pragma once

#include <string>
#include <variant>

#include "impl/base/address.h"
#include "impl/base/time.h"
#include "impl/ikev2/options.h"
#include "impl/ipsec/tunnel.h"

namespace gatelab::client {

struct Ikev2 {
    Ipv4Address gateway;
    // Who we are, whom we trust, which policies. An inner address is always asked for.
    // `connection.remote` is what we want to reach; empty asks for everything.
    ikev2::Connection connection;
    std::uint16_t tunnel_mtu = ipsec::kTunnelMtu;
};

struct Config {
    std::variant<Ikev2> dials;
    Duration connect_timeout = std::chrono::seconds(30);  // from connect() until packets flow, at most
    std::string tunnel_interface = "vpn0";
};

}  // namespace gatelab::client
