// iputils' ping: echo requests from a machine's own kernel.
#pragma once

#include <optional>

#include "impl/base/address.h"
#include "impl/base/time.h"
#include "sim/peers/programs/program.h"

namespace gatelab::sim::peers::programs {

struct PingOptions {
    Ipv4Address to;
    std::optional<Ipv4Address> from;
    int count = 3;
    Duration interval = std::chrono::milliseconds(200);
    std::uint16_t payload = 56;
};
struct PingReport {
    int sent = 0, received = 0;
    std::vector<double> round_trips;  // milliseconds, in the order of the replies
};

// No reply at all is a report, too.
std::unique_ptr<Program> ping(Machine&, const PingOptions&, std::function<void(Result<PingReport>)> done);
Result<PingReport> ping_report_in(std::string_view output);

}  // namespace gatelab::sim::peers::programs
