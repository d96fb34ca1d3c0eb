#include "sim/peers/programs/tcpdump.h"

#include <fmt/format.h>
#include <signal.h>

#include "sim/peers/files.h"

namespace gatelab::sim::peers::programs {
namespace {

std::string file_of(const std::string& interface, const char* kind) { return "tcpdump-" + interface + kind; }

}  // namespace

// Packet by packet, so that the file is whole whenever the machine goes.
Tcpdump::Tcpdump(Machine& machine, Options options) : machine_(machine), options_(std::move(options)) {
    std::vector<std::string> arguments = {"/usr/bin/tcpdump",
                                          "--interface",
                                          options_.interface,
                                          "--time-stamp-precision=nano",
                                          "--packet-buffered",
                                          "--immediate-mode",
                                          "--no-promiscuous-mode",
                                          "-n",
                                          "-Z",
                                          "root",
                                          "-w",
                                          machine.inside(file_of(options_.interface, ".pcap"))};
    if (!options_.filter.empty()) arguments.push_back(options_.filter);
    program_ = machine.run({std::move(arguments), kEnvironment, file_of(options_.interface, ".txt")},
                           [this](Result<int> how) { finish(std::move(how)); });
}

bool Tcpdump::ready() const {
    return read_file(machine_.folder() / file_of(options_.interface, ".txt")).find("listening on") != std::string::npos;
}

void Tcpdump::stop() {
    if (!done()) program_->signal(SIGINT);
}

void Tcpdump::finish(Result<int> how) {
    if (!how) {
        outcome_ = fail(how.error().fault, how.error().detail);
    } else if (*how != 0) {
        outcome_ =
            fail(Fault::Refused, fmt::format("tcpdump: {}: {}", describe_exit(*how),
                                             read_file(machine_.folder() / file_of(options_.interface, ".txt"))));
    } else {
        outcome_ = write_file(options_.file, read_file(machine_.folder() / file_of(options_.interface, ".pcap")));
    }
}

}  // namespace gatelab::sim::peers::programs
