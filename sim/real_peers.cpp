#include "sim/real_peers.h"

#include "sim/peers/uml/ground.h"
#include "sim/peers/uml/kernel.h"

namespace gatelab::sim {

std::optional<RealPeers> real_peers_named(std::string_view name) {
    if (name == "virtual") return RealPeers::Virtual;
    if (name == "realtime") return RealPeers::RealTime;
    return std::nullopt;
}

Result<RealPeersChoice> choose_real_peers(std::optional<RealPeers> asked) {
    if (asked == RealPeers::RealTime) return RealPeersChoice{};
    const auto able = peers::uml::can_run_guests();
    if (able) return RealPeersChoice{RealPeers::Virtual, {}};
    const auto why = able.error().detail + (peers::uml::find_kernel() ? "" : " (about 4 minutes, once)");
    if (asked == RealPeers::Virtual)
        return fail(Fault::Unavailable, "real programs in virtual time need kernels of their own: " + why);
    return RealPeersChoice{RealPeers::RealTime,
                           "real programs run in real time; in virtual time a run repeats bit for bit, but " + why};
}

}  // namespace gatelab::sim
