// Dials over SSTP: an sstp::Session on a TCP connection, which may lead through an HTTP proxy.
#pragma once

#include "impl/client/config.h"
#include "impl/client/tunnel.h"
#include "impl/host/host.h"

namespace gatelab::client {

// Failures: sstp::name_of(CloseReason), "bad-profile", "no-route", and those of connection.h. Nothing of SSTP can be
// rekeyed. Host and user must outlive the tunnel.
std::unique_ptr<ClientTunnel> make_sstp_tunnel(Host&, Sstp, TunnelUser&);

}  // namespace gatelab::client
