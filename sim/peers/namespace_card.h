// The network card of a namespace, joined to a port of the simulated network.
#pragma once

#include <thread>

#include "sim/network/network.h"
#include "sim/peers/file_descriptor.h"

namespace gatelab::sim::peers {

// From its making on, what the namespace sends enters the network at the port, and the other way round.
class NamespaceCard {
public:
    NamespaceCard(Port&, FileDescriptor card);
    ~NamespaceCard();
    NamespaceCard(const NamespaceCard&) = delete;
    NamespaceCard& operator=(const NamespaceCard&) = delete;

private:
    void carry();  // the reading thread

    Port& port_;
    FileDescriptor card_, ending_;
    std::thread reader_;
};

}  // namespace gatelab::sim::peers
