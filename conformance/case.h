// A conformance case: one sentence about what must hold, written once, run for every pair that has what it needs.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/players.h"
#include "topologies/model/topology.h"

namespace gatelab::conformance {

class Context;

struct Case {
    std::string id;  // "ikev2-basic.narrows-selectors": the suite, a dot, and what must hold
    std::string suite = {};
    topologies::Tunnel tunnel = topologies::Tunnel::IkeV2;  // the suite's, if it has one: who has it can take part
    std::vector<std::string> requirements;                  // ids of the catalogue
    std::string sentence = {};
    std::vector<Need> needs = {};
    std::function<topologies::Topology(const Pair&)> topology;
    std::function<void(Context&)> check;
    // The one side that is looked at, where a rogue plays against it: the other is always gatelab's then, so that each
    // player meets the rogue once.
    std::optional<Side> looks_at = {};
    // The programs that may play the client; empty: whoever has the tunnel. For cases about one client's habits.
    std::vector<topologies::Implementation> clients = {};
    // One of the few that players in real time take part in although nobody asked for them.
    bool in_real_time_too = false;
    bool real_by_name_only = false;             // real programs take part only where they are asked for
    bool captured = true;                       // false: what it sends is much and tells little
    Duration limit = std::chrono::minutes(10);  // wall time, after which the case counts as hung

    // Whether the two can meet in it at all; whether they have what it needs is told by Pair::lack_of.
    bool can_take(const Pair&) const;
};

// All cases, in the order of the suites and, within one, of their files.
const std::vector<Case>& cases();

struct Suite {
    std::string name;
    std::string summary;
    std::optional<topologies::Tunnel> tunnel = topologies::Tunnel::IkeV2;  // of all its cases; none: as each says
};
const std::vector<Suite>& suites();

}  // namespace gatelab::conformance
