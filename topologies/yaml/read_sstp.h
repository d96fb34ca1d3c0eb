// SSTP's own keys. Internal to this folder.
#pragma once

#include "topologies/yaml/sections.h"

namespace gatelab::topologies {

// The map under `sstp`, of a client or of a gateway's point_to_site.
void read_sstp_client(Draft&, Form& client, Sstp&);
void read_sstp_gateway(Draft&, Form& point_to_site, Sstp&);

}  // namespace gatelab::topologies
