// A real program's machine in a simulated network: its network card joined to a port.
#pragma once

#include <memory>
#include <thread>

#include "sim/network/network.h"
#include "sim/peers/warden.h"

namespace gatelab::sim::peers {

class NamespaceMachine {
public:
    // From here on, what the machine sends enters the network at the port, and the other way round. The network must
    // run in real time and outlive the machine.
    static Result<std::unique_ptr<NamespaceMachine>> attach(Warden&, Port&, const MachineSpec&);
    ~NamespaceMachine();

    MachineId id() const { return card_.id; }
    Warden& warden() const { return warden_; }

private:
    NamespaceMachine(Warden& warden, Port& port, AttachedMachine card, FileDescriptor ending);
    void carry();  // the reading thread

    Warden& warden_;
    Port& port_;
    AttachedMachine card_;
    FileDescriptor ending_;
    std::thread reader_;
};

}  // namespace gatelab::sim::peers
