// Tunnel type IKEv2: an ipsec::Stack on the gateway's public address.
#pragma once

#include <memory>
#include <vector>

#include "impl/gateway/tunnel_service.h"

namespace gatelab::gateway {

// Binds UDP ports 500 and 4500 and IP protocol 50 of the public address; precondition: config.ikev2 is set. Refused or
// Io when a socket cannot be had. Host, configuration and keeper must outlive the service.
Result<std::unique_ptr<TunnelService>> open_ikev2(Host&, const Config&, SessionKeeper&);

// The connections that peers may open at such a gateway: one for each way to prove who one is.
std::vector<ikev2::Connection> connections_of(const Config&);

// What clients are granted on the gateway's side, as traffic selectors.
esp::TrafficSelectors granted_selectors(const Config&);

}  // namespace gatelab::gateway
