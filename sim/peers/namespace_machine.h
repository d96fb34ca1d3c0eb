// A Machine that is a network namespace of this computer, in real time.
//
// It has one network card, a TUN device, whose packets a thread carries into the simulated network. Everything else
// happens on the simulation's thread: a SocketWatch tells it when a program has ended or a stream has news.
#pragma once

#include <memory>
#include <string>

#include "sim/network/network.h"
#include "sim/peers/machine.h"

namespace gatelab::sim::peers {

struct NamespaceMachineSpec {
    std::string node;  // for messages, events and random numbers
    std::string port;  // of the network
    MachineSpec machine;
    std::uint64_t seed = 1;  // of the run
    Instant epoch{};         // what clocks show at the start
};

// The network must run in real time and outlive the machine. Unavailable, with the reason and what to do, when this
// computer does not permit namespaces.
Result<std::unique_ptr<Machine>> make_namespace_machine(Network&, NamespaceMachineSpec);

}  // namespace gatelab::sim::peers
