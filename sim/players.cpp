#include "sim/players.h"

#include "sim/credentials.h"
#include "sim/gatelab_client.h"
#include "sim/gatelab_gateway.h"
#include "sim/peers/libreswan_players.h"
#include "sim/peers/strongswan_players.h"

namespace gatelab::sim {

std::string port_of(const std::string& gateway) { return gateway + "-machine"; }

Result<std::unique_ptr<ClientPlayer>> make_client(const Stage& stage, const std::string& name) {
    const auto* node = topologies::find_as<topologies::Client>(stage.topology, name);
    switch (node->implementation) {
        case topologies::Implementation::Gatelab: return make_gatelab_client(stage, name);
        case topologies::Implementation::StrongSwan: return peers::make_strongswan_client(stage, name);
        case topologies::Implementation::Libreswan: return peers::make_libreswan_client(stage, name);
    }
    return fail(Fault::Unsupported, name + ": nothing plays such a client");
}

Result<std::unique_ptr<GatewayPlayer>> make_gateway(const Stage& stage, const std::string& name) {
    const auto* node = topologies::find_as<topologies::Gateway>(stage.topology, name);
    switch (node->implementation) {
        case topologies::Implementation::Gatelab: return make_gatelab_gateway(stage, name);
        case topologies::Implementation::StrongSwan: return peers::make_strongswan_gateway(stage, name);
        case topologies::Implementation::Libreswan: return peers::make_libreswan_gateway(stage, name);
    }
    return fail(Fault::Unsupported, name + ": nothing plays such a gateway");
}

}  // namespace gatelab::sim
