// The settings with which Wireshark opens a run's captures decrypted. Beside the key tables they make a run's keys/
// folder a Wireshark profile.
#pragma once

#include <string>

#include "topologies/model/topology.h"

namespace gatelab::sim {

struct WiresharkProfile {
    // Uses the tables and checks what it decrypts. With OpenVPN: how its control channel is protected, as the first of
    // the topology's gateways has it (Wireshark knows one setting for all), and where TLS's keys are, as seen from the
    // run directory: Wireshark takes no path relative to the profile.
    std::string preferences;
    std::string decode_as_entries;  // OpenVPN on ports that Wireshark does not know it on
};

WiresharkProfile wireshark_profile_of(const topologies::Topology&);

}  // namespace gatelab::sim
