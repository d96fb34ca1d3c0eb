// One running openvpn, and what is said over its management socket.
//
// Nothing here waits: what the program tells is an event of the simulation.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/network/network.h"
#include "sim/peers/machine.h"
#include "sim/peers/openvpn_management.h"

namespace gatelab::sim::peers {

class OpenVpnProcess {
public:
    struct Options {
        ProgramSpec program;
        std::string management;  // the socket that it listens at
        std::function<void(OpenVpnManagement::Output)> told;
        std::function<void(Result<int>)> ended;  // once, as Machine::run() tells it; may destroy the process
    };
    // Starts it, and knocks until it answers. The network and the machine outlive it.
    OpenVpnProcess(Network&, Machine&, Options);
    ~OpenVpnProcess();  // kills the program; nothing is told any more
    OpenVpnProcess(const OpenVpnProcess&) = delete;
    OpenVpnProcess& operator=(const OpenVpnProcess&) = delete;

    void send(const std::string& command);  // once it answers
    void end();                             // asks it to; after a while it is killed
    void kill();

private:
    void knock();
    void flush();

    Network& network_;
    Machine& machine_;
    const Options options_;
    OpenVpnManagement management_;
    std::string unsent_;
    bool answers_ = false;
    std::unique_ptr<Program> program_;
    std::unique_ptr<TcpStream> stream_;
    Timer knocking_, killing_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace gatelab::sim::peers
