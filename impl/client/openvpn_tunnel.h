// Dials over OpenVPN: an openvpn::Session on a UDP socket or a TCP connection, which may lead through an HTTP proxy.
#pragma once

#include "impl/client/config.h"
#include "impl/client/tunnel.h"
#include "impl/host/host.h"

namespace gatelab::client {

// Failures: openvpn::name_of(CloseReason), "bad-profile", "no-such-host", "no-route", "no-socket"; over TCP those of
// connection.h, and "peer-exit" when the gateway closes it. Host and user must outlive the tunnel.
std::unique_ptr<ClientTunnel> make_openvpn_tunnel(Host&, OpenVpn, TunnelUser&);

// What a push says about the host's routes: its own routes, the tunnel's network, and with redirect-gateway all of
// IPv4 as two halves; merged.
std::vector<Prefix> destinations(const openvpn::PushReply&);

}  // namespace gatelab::client
