// Who can play a client or a gateway in a case, and what each claims to do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "topologies/model/topology.h"

namespace gatelab::conformance {

// What a case may need of a player.
enum class Feature {
    NativeEsp,      // carries ESP as IP protocol 50 when there is no NAT
    VirtualTime,    // takes part in simulated time, so that minutes cost nothing
    StaySilent,     // does not answer an IKE_SA_INIT request that it cannot read
    CountDrops,     // tells how many packets it dropped, and why
};
std::string_view name_of(Feature);  // "native-esp"

enum class Side { Client, Gateway, Both };

struct Need {
    Side side = Side::Both;
    Feature feature;
};

// A feature that a player does not claim.
struct Lack {
    Feature feature;
    std::string why;
};

struct Player {
    std::string name;  // "strongswan"
    topologies::Implementation implementation;
    std::vector<Lack> lacks;
};

// All of them: each can be client and gateway.
const std::vector<Player>& players();
const Player* find_player(std::string_view name);

struct Pair {
    const Player* client = nullptr;
    const Player* gateway = nullptr;
    bool virtual_time() const;
    // Why the pair does not have all of it, one sentence; "" when it does.
    std::string lack_of(const std::vector<Need>&) const;
};
// "gatelab-strongswan": client, then gateway.
std::string to_string(const Pair&);

}  // namespace gatelab::conformance
