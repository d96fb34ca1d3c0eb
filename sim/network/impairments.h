// What a link does to packets beside carrying them: duplicates, changed bits, late arrivals, a path MTU black hole, and
// the faults of the topology's schedule.
//
// Each draws from a stream of its own, and draws for every packet, so that one of them changes nothing of another:
// "link/<name>/<sender>/corrupt" and so on, "fault/<number>/<link>" for faults, which are counted from 1 over the whole
// topology. What a link does not do draws nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "impl/base/events.h"
#include "impl/base/random.h"
#include "sim/network/network.h"
#include "topologies/model/packet_kinds.h"

namespace gatelab::sim {

// What becomes of a packet.
struct Fate {
    bool dropped = false;
    bool twice = false;
    bool changed = false;         // a bit of the packet is another now
    bool header_changed = false;  // of its IP header: the next node drops it, for its checksum is wrong
    Duration later{};             // beyond the link's delay
};

class Impairments {
public:
    // `ends`: the nodes of the link's two sides.
    Impairments(std::uint64_t seed, const topologies::Link& link, std::array<std::string, 2> ends);
    static bool needed(const topologies::Link& link);

    // `number` counts the topology's faults from 1.
    void add(const topologies::LinkFault& fault, std::size_t number);

    // Decides about a packet that `side` sends, changes it if that is its fate, and counts. `now` counts from the
    // start.
    Fate judge(Duration now, int side, ByteSpan packet, LinkCounters& counters);
    // What faults did since the last call: "packet-dropped", "packet-duplicated", "packet-corrupted" and
    // "packet-delayed", for a fault's first, second, fourth, eighth ... packet. The sender's side, and what to tell.
    std::vector<std::pair<int, Trace>> drain();

private:
    struct Direction {
        std::optional<SeededRandom> duplicates, corruptions, reorderings;
    };
    struct Fault {
        topologies::LinkFault fault;
        std::size_t number;
        std::optional<int> side;
        std::optional<topologies::PacketKind> kind;
        SeededRandom random;
        std::uint64_t matched = 0, applied = 0;
    };

    static bool matches(const Fault&, int side, ByteView packet);
    static bool chosen(Fault&);
    void apply(Fault&, int side, ByteSpan packet, Fate&, LinkCounters&);
    static void flip(ByteSpan packet, Random&, Fate&);
    static bool happens(std::optional<SeededRandom>&, double probability);

    std::uint64_t seed_;
    topologies::Link link_;
    std::array<std::string, 2> ends_;
    std::array<Direction, 2> directions_;
    std::vector<Fault> faults_;
    std::vector<std::pair<int, Trace>> traces_;
};

}  // namespace gatelab::sim
