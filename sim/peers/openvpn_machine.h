// A machine with OpenVPN's client, or the programs of its gateway.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/peers/openvpn_process.h"
#include "sim/peers/program_machine.h"

namespace gatelab::sim::peers {

class OpenVpnMachine final : public ProgramMachine {
public:
    // Unavailable when this computer gives no machine, or has no openvpn.
    static Result<std::unique_ptr<OpenVpnMachine>> start(const Stage&, Place);

    std::string management_of(const std::string& name) const { return machine().socket_path("openvpn-" + name); }
    std::unique_ptr<OpenVpnProcess> run(const std::string& name, std::vector<std::string> arguments,
                                        std::function<void(OpenVpnManagement::Output)> told,
                                        std::function<void(Result<int>)> ended);
    // An error that says what went wrong, and how the log ended.
    Error wrong(const std::string& name, Fault, const std::string& what) const;
    std::string version() const;  // "OpenVPN 2.6.14", once one has logged it

    // Hands over the keys and completes the evidence: once the programs have ended.
    Result<void> finish() { return ProgramMachine::finish(version()); }

private:
    OpenVpnMachine(const Stage&, Place);
};

}  // namespace gatelab::sim::peers
