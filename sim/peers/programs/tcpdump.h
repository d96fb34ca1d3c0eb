// tcpdump on a machine: what its own kernel sees on an interface, so also packets inside a tunnel that ends there.
#pragma once

#include <filesystem>
#include <optional>

#include "sim/peers/programs/program.h"

namespace gatelab::sim::peers::programs {

class Tcpdump {
public:
    struct Options {
        std::string interface = "net0";
        std::string filter = {};
        // Where the capture goes once it has ended: pcap, nanoseconds, by the machine's clock.
        std::filesystem::path file;
    };
    Tcpdump(Machine&, Options);

    bool ready() const;  // it captures what comes from now on
    // Begins to end it; done() while the network runs.
    void stop();
    bool done() const { return outcome_.has_value(); }
    const Result<void>& outcome() const { return *outcome_; }

private:
    void finish(Result<int> how);

    Machine& machine_;
    const Options options_;
    std::optional<Result<void>> outcome_;
    std::unique_ptr<Program> program_;
};

}  // namespace gatelab::sim::peers::programs
