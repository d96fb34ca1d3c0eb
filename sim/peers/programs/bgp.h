// BGP speakers: FRR's bgpd with zebra, and BIRD. Each takes the same settings, so that one can stand for the other.
#pragma once

#include <optional>

#include "impl/base/address.h"
#include "impl/base/time.h"
#include "sim/peers/programs/program.h"

namespace gatelab::sim::peers::programs {

struct BgpNeighbour {
    Ipv4Address address;
    std::uint32_t as = 0;
};
struct BgpSettings {
    Ipv4Address address;  // of the session, and the router's id
    std::uint32_t as = 0;
    std::vector<BgpNeighbour> neighbours;
    std::vector<Prefix> networks;                                                  // announced
    Duration hold = std::chrono::seconds(9), keepalive = std::chrono::seconds(3);  // whole seconds
};
struct BgpReport {
    std::vector<Ipv4Address> established;  // neighbours with a session, in the order of the settings
    std::vector<Prefix> learned;           // from any of them, in order
};

class BgpSpeaker {
public:
    virtual ~BgpSpeaker() = default;
    virtual void ask(std::function<void(Result<BgpReport>)> told) = 0;
    // How the program ended; nothing while it runs.
    virtual std::optional<Result<int>> ended() const = 0;
};

// Learned routes go into the machine's kernel. Neighbours may be several hops away.
std::unique_ptr<BgpSpeaker> start_frr(Machine&, const BgpSettings&);
std::unique_ptr<BgpSpeaker> start_bird(Machine&, const BgpSettings&);

}  // namespace gatelab::sim::peers::programs
