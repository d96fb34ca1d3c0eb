#include "sim/real_peers.h"

#include <fmt/format.h>

#include "sim/peers/uml/kernel.h"

namespace gatelab::sim {

std::optional<RealPeers> real_peers_named(std::string_view name) {
    if (name == "virtual") return RealPeers::Virtual;
    if (name == "realtime") return RealPeers::RealTime;
    return std::nullopt;
}

Result<RealPeersChoice> choose_real_peers(std::optional<RealPeers> asked) {
    if (asked == RealPeers::RealTime) return RealPeersChoice{};
    const auto kernel = peers::uml::find_kernel();
    if (kernel) return RealPeersChoice{RealPeers::Virtual, {}};
    if (asked == RealPeers::Virtual)
        return fail(Fault::Unavailable, fmt::format("real programs in virtual time need a kernel of their own: {}; "
                                                    "building one takes about 4 minutes, once",
                                                    kernel.error().detail));
    return RealPeersChoice{RealPeers::RealTime,
                           "real programs run in real time; in virtual time a run repeats bit for bit, but that needs "
                           "a kernel for them: `gatelab peers kernel` builds it in about 4 minutes, once"};
}

}  // namespace gatelab::sim
