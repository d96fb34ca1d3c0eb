// The `openvpn` keys of clients and gateways. Internal to this folder.
#pragma once

#include "topologies/yaml/sections.h"

namespace gatelab::topologies {

// Reads the map under `openvpn` of a client, or of a gateway's point_to_site. Marks are remembered as
// "openvpn.transport".
void read_openvpn_client(Draft&, Form& client, OpenVpn&);
void read_openvpn_gateway(Draft&, Form& point_to_site, OpenVpn&);

}  // namespace gatelab::topologies
