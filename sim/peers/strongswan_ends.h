// The players that a strongSwan machine makes: one that dials a connection, and one that others dial.
#pragma once

#include <memory>

#include "sim/peers/strongswan_machine.h"
#include "sim/players.h"

namespace gatelab::sim::peers {

// `connection` is a name of strongswan_config.h. At most one of its tunnels is up.
std::unique_ptr<ClientPlayer> make_dialling_end(std::unique_ptr<StrongSwanMachine>, const char* connection);
// Its sessions are the tunnels that are up, by the peers' identifications.
std::unique_ptr<GatewayPlayer> make_answering_end(std::unique_ptr<StrongSwanMachine>);

}  // namespace gatelab::sim::peers
