// Tunnel type OpenVPN: an openvpn::Listener on a UDP or TCP port of the gateway's public address.
#pragma once

#include <memory>

#include "impl/gateway/tunnel_service.h"

namespace gatelab::gateway {

// Precondition: config.openvpn is set, with a port for the transport. Refused when the port is taken or the options
// contradict each other. Host, configuration and keeper must outlive the service.
Result<std::unique_ptr<TunnelService>> open_openvpn(Host&, const Config&, openvpn::Transport, SessionKeeper&);

// What every client of such a gateway meets.
openvpn::Options server_options(const Config&, openvpn::Transport);

// What a client with this address is told: networks, custom routes and the pool as routes, and the rest.
openvpn::PushReply push_for(const Config&, Ipv4Address);

}  // namespace gatelab::gateway
