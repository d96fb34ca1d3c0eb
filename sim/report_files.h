// run.json and flows.json.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/roles.h"
#include "sim/scenario.h"

namespace gatelab::sim {

// What run.json tells. All but `machine` repeats with the topology and the seed.
struct RunSummary {
    std::string topology;
    std::vector<std::string> overrides;
    std::uint64_t seed = 1;
    Instant epoch;
    Duration simulated{};
    std::size_t events = 0;
    struct Client {
        std::string name;
        TunnelStatus tunnel;
    };
    std::vector<Client> clients;
    struct Gateway {
        std::string name;
        std::vector<std::string> sessions;
    };
    std::vector<Gateway> gateways;
    std::size_t flows = 0;
    struct RealPeers {
        std::string mode;                                           // "virtual", "realtime"
        std::string kernel_version, kernel_hash;                    // of virtual ones
        std::vector<std::pair<std::string, std::string>> programs;  // by node
        std::uint64_t runs = 0, frames = 0;  // of virtual ones: times that a guest was let run; into and out of guests
    };
    std::optional<RealPeers> real_peers;  // when there are any
    std::optional<Error> failure;         // of a real program, during the run
    Lateness lateness;
    Instant started;  // by the wall clock
    Duration wall{};
};

std::string to_run_json(const RunSummary&);  // schema "gatelab.run/1"
std::string to_flows_json(const std::vector<FlowResult>&);

}  // namespace gatelab::sim
