// A guest's card in the simulated network, joined to a port: IP packets there, Ethernet frames here.
#pragma once

#include <deque>

#include "sim/network/network.h"
#include "sim/peers/uml/guests.h"

namespace gatelab::sim::peers::uml {

inline constexpr MacAddress kNetworkMac{0x02, 0x67, 0x6c, 0, 0, 3}, kNeighbourMac{0x02, 0x67, 0x6c, 0, 0, 4};

struct GuestCardCounters {
    std::uint64_t in = 0, out = 0;  // packets into the guest, out of it
    std::uint64_t oversized = 0;    // into the guest, larger than 1500 octets: dropped
    std::uint64_t overflowed = 0;   // into the guest, which had no room for it in time: dropped
    std::uint64_t foreign = 0;      // out of the guest, no IPv4: dropped
};

class GuestCard {
public:
    // Port, card and clock outlive it.
    GuestCard(Port&, Card&, GuestClock);
    ~GuestCard();
    // The guest's card is up: until it is, packets for it are lost as on a cable without a machine.
    void open() { open_ = true; }
    const GuestCardCounters& counters() const { return counters_; }

private:
    void deliver(ByteView packet);
    void retry();
    void handle(ByteView frame);

    Port& port_;
    Card& card_;
    const GuestClock clock_;
    Bytes frame_;
    std::deque<Bytes> waiting_;  // frames that the card had no room for
    Timer retry_;
    GuestCardCounters counters_;
    bool open_ = false;
};

}  // namespace gatelab::sim::peers::uml
