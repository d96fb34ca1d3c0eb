// A fresh network namespace made into a machine with one network card.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/peers/file_descriptor.h"

namespace gatelab::sim::peers {

struct MachineSetup {
    std::vector<std::string> addresses;  // dotted; of the card
    std::vector<std::string> borrowed;   // also of the card, but nothing answers there
    int mtu = 1500;
    bool forwards = false;
};

inline constexpr const char* kCardName = "net0";

// Works on the network namespace of the calling process: loopback up, the card with its addresses, a default route over
// it. Returns "", or the step that failed, with errno set. `make_card` is called once the settings hold that a new card
// inherits: it makes the card kCardName, or fails with false.
std::string set_up_machine(const MachineSetup&, const std::function<bool()>& make_card);

// The same with a card of our own; returns the card, too.
//
// The card is a TUN device: whole IP packets, so no Ethernet and no ARP stand between the machine and the network.
std::string set_up_machine(const MachineSetup&, FileDescriptor& card);

}  // namespace gatelab::sim::peers
