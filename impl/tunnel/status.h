// What a tunnel looks like at one moment, whichever protocol carries it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>

#include "impl/ipsec/tunnel.h"
#include "impl/openvpn/session.h"
#include "impl/sstp/session.h"

namespace gatelab::tunnel {

struct OpenVpnStatus {
    openvpn::SessionStatus session;
    openvpn::Transport transport = openvpn::Transport::Udp;
    Endpoint peer;              // where the other side is, as we see it
    std::uint64_t moved = 0;    // gateway: how often that has changed
    std::uint64_t dropped = 0;  // inner packets for which TCP had no room
};

struct SstpStatus {
    sstp::SessionStatus session;
    Endpoint peer;              // of the connection: with a proxy, the proxy
    std::uint64_t dropped = 0;  // inner packets for which TCP had no room
};

using Status =
    std::variant<std::monostate, ipsec::TunnelStatus, OpenVpnStatus, SstpStatus>;  // monostate: not dialled yet

// Told of every key when it comes into use, so that captures can be read. Any may be empty.
struct KeyObserver {
    ipsec::KeyObserver ipsec;
    std::function<void(const std::string& line)> tls;  // of an SSLKEYLOGFILE, without newline
};

}  // namespace gatelab::tunnel
