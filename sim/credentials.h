// Who the players of a topology say they are and whom they trust, in the words of IKEv2.
#pragma once

#include <string>
#include <vector>

#include "impl/base/result.h"
#include "impl/ikev2/options.h"
#include "sim/pki.h"
#include "topologies/model/topology.h"

namespace gatelab::sim {

// The identification that a text stands for: an address, an e-mail address, the subject of the certificate, or a name.
ikev2::Identification identification_from(const std::string& text, const crypto::Certificate* certificate);

// The name that a gateway goes by: its server name, else the first DNS name of its certificate, else the node's name.
std::string server_name_of(const topologies::Topology&, const Pki&, const std::string& gateway);

// What a client proves itself to be: as the topology says, else the first DNS name of its certificate, else its name.
std::string identification_of(const topologies::Topology&, const Pki&, const std::string& client);

// The certificate under which a gateway's own stands: what its clients have to trust.
Result<crypto::TrustStore> roots_of_gateway(const Pki&, const topologies::Gateway&);

// The rows of a policy in a topology; all P2S defaults for an empty one. Malformed names the row.
Result<std::vector<ikev2::IkeSuite>> ike_policy_from(const std::vector<std::string>& rows);
Result<std::vector<ikev2::ChildSuite>> ipsec_policy_from(const std::vector<std::string>& rows);

}  // namespace gatelab::sim
