// iperf3: TCP and UDP from a machine's own kernel.
//
// In virtual time it measures the simulated network; what the program and the kernel need of the processor counts for
// nothing.
#pragma once

#include "impl/base/address.h"
#include "impl/base/time.h"
#include "sim/peers/programs/program.h"

namespace gatelab::sim::peers::programs {

inline constexpr std::uint16_t kIperf3Port = 5201;

// Serves one client, then ends.
std::unique_ptr<Program> serve_iperf3(Machine&, std::function<void(Result<int>)> ended);

struct Iperf3Options {
    Ipv4Address server;
    Duration duration = std::chrono::seconds(2);  // whole seconds
    bool udp = false;
    std::uint64_t bits_per_second = 0;  // 0: as much as goes, with TCP; 1 Mbit/s with UDP
    bool reverse = false;               // the server sends
};
struct Iperf3Report {
    double sent_bps = 0, received_bps = 0;
    std::uint64_t retransmits = 0;  // TCP
    double lost_percent = 0;        // UDP
};
std::unique_ptr<Program> iperf3(Machine&, const Iperf3Options&, std::function<void(Result<Iperf3Report>)> done);
Result<Iperf3Report> iperf3_report_in(std::string_view json);

}  // namespace gatelab::sim::peers::programs
