// Dials over IKEv2: an ipsec::Stack on the host's address towards the gateway.
#pragma once

#include "impl/client/config.h"
#include "impl/client/tunnel.h"
#include "impl/host/host.h"

namespace gatelab::client {

// Failures: ikev2::name_of(CloseReason), "no-route", "no-socket". Host and user must outlive the tunnel.
std::unique_ptr<ClientTunnel> make_ikev2_tunnel(Host&, Ikev2, TunnelUser&);

}  // namespace gatelab::client
