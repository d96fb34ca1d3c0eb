// Tunnel type SSTP: an sstp::Session on each connection to a TCP port of the gateway's public address.
#pragma once

#include <memory>

#include "impl/gateway/tunnel_service.h"

namespace gatelab::gateway {

// Precondition: config.sstp is set. Refused when the port is taken or the options contradict each other. Host,
// configuration and keeper must outlive the service.
Result<std::unique_ptr<TunnelService>> open_sstp(Host&, const Config&, SessionKeeper&);

// What every client of such a gateway meets.
sstp::Options sstp_server_options(const Config&);

}  // namespace gatelab::gateway
