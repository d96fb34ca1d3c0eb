#include "sim/peers/openvpn_machine.h"

#include <string_view>
#include <utility>

#include "sim/peers/openvpn_config.h"

namespace gatelab::sim::peers {

OpenVpnMachine::OpenVpnMachine(const Stage& stage, Place place)
    : ProgramMachine(stage, std::move(place), {"openvpn", kOpenVpnProgram, "openvpn"}) {}

Result<std::unique_ptr<OpenVpnMachine>> OpenVpnMachine::start(const Stage& stage, Place place) {
    std::unique_ptr<OpenVpnMachine> self{new OpenVpnMachine{stage, std::move(place)}};
    if (auto opened = self->open(); !opened) return pass(opened);
    return self;
}

std::unique_ptr<OpenVpnProcess> OpenVpnMachine::run(const std::string& name, std::vector<std::string> arguments,
                                                    std::function<void(OpenVpnManagement::Output)> told,
                                                    std::function<void(Result<int>)> ended) {
    note_start(name);
    OpenVpnProcess::Options options;
    options.program.arguments = std::move(arguments);
    options.program.environment = environment();
    options.program.output = "openvpn/" + name + ".out";
    options.management = management_of(name);
    options.told = std::move(told);
    options.ended = [this, name, ended = std::move(ended)](Result<int> how) {
        note_end(name, how);
        ended(std::move(how));
    };
    return std::make_unique<OpenVpnProcess>(network(), machine(), std::move(options));
}

Error OpenVpnMachine::wrong(const std::string& name, Fault fault, const std::string& what) const {
    return ProgramMachine::wrong({name}, fault, what);
}

// "2026-01-01 00:00:00 OpenVPN 2.6.14 x86_64-pc-linux-gnu ...".
std::string OpenVpnMachine::version() const {
    constexpr std::string_view kName = "OpenVPN 2.";
    for (const auto& name : programs()) {
        const auto log = read(name + ".log");
        const auto from = log.find(kName);
        if (from != log.npos) return log.substr(from, log.find(' ', from + kName.size()) - from);
    }
    return {};
}

}  // namespace gatelab::sim::peers
