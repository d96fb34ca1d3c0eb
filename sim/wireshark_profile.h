// The settings with which Wireshark opens a run's captures decrypted. Beside the key tables they make a run's keys/
// folder a Wireshark profile.
#pragma once

#include <string>

#include "topologies/model/topology.h"

namespace gatelab::sim {

struct WiresharkProfile {
    // Uses the tables and checks what it decrypts. With OpenVPN or SSTP: where TLS's keys are, as seen from the run
    // directory, since Wireshark takes no path relative to the profile. With OpenVPN: how its control channel is
    // protected, as the first of the topology's gateways has it (Wireshark knows one setting for all).
    std::string preferences;
    // OpenVPN and TLS on ports that Wireshark does not know them on. Where one gateway has SSTP on a port and another
    // OpenVPN, the port is taken for OpenVPN's.
    std::string decode_as_entries;
};

WiresharkProfile wireshark_profile_of(const topologies::Topology&);

}  // namespace gatelab::sim
