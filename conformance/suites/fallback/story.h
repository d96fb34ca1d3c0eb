// What the fallback suite varies: whose client it is, what lies between it and its gateway, and what the gateway
// offers.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/case.h"
#include "sim/scenario.h"
#include "topologies/model/topology.h"

namespace gatelab::conformance::fallback {

constexpr Duration kCloses = std::chrono::seconds(40);  // when a network that closes later does so
constexpr Duration kOpens = std::chrono::seconds(600);  // when one that opens later does: after everybody has given up
inline const std::string kProxyUser = "office", kProxyPassword = "coffee";

struct Caller {
    const char* name;   // "windows-always-on"
    const char* title;  // "Windows, Always On"
    topologies::Personality personality;
    bool always_on;
    std::vector<topologies::Implementation> played_by;  // beside gatelab
    std::vector<std::string> requirements;
};
const std::vector<Caller>& callers();

// What becomes of a tunnel in a network.
enum class Way {
    Through,
    ByProxy,   // through, for a client that uses the machine's proxy
    BySignIn,  // and for one that signs in there
    Blocked,
    Mute,   // the tunnel comes up, and nothing passes
    Lost,   // through, until the network closes
    Later,  // blocked, until the network opens
};

struct Network {
    const char* name;   // "udp-dropped"
    const char* title;  // "UDP 500 and 4500 dropped"
    Way ikev2, sstp, openvpn;
    Way way_of(topologies::Tunnel) const;
};
const std::vector<Network>& networks();

struct Offer {
    const char* name;   // "ikev2-sstp"
    const char* title;  // "IKEv2 and SSTP"
    std::vector<topologies::Tunnel> tunnels;
};
const std::vector<Offer>& offers();  // what an Azure gateway can offer (P2S-AUTH-01)

//   alice --- lan --- office --- isp --- gateway --- vnet --- app1
//               |
//             proxy
//
// `office` is the packet filter of the network; `lan` is a NAT where the network has one.
topologies::Topology topology_of(const Pair&, const Caller&, const Network&, const Offer&);

// Loses what the gateway answers, where the network is about that.
void silence(sim::Scenario&, const Network&);

// The tunnels that the caller knows and the gateway offers, in the order in which he tries them.
std::vector<topologies::Tunnel> common(const Caller&, const Offer&);

}  // namespace gatelab::conformance::fallback
