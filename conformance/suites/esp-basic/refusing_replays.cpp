// Packets that come twice, or late.
#include "conformance/replays.h"
#include "conformance/suites/suites.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

bool carries(const WirePacket& packet) { return packet.is_esp(); }

}  // namespace

std::vector<Case> refusing_replays() {
    return {
        {.id = "gateway-drops-replayed-packet",
         .requirements = {"RFC4303-3.4.3-REPLAY"},
         .sentence = "The gateway drops packets that it received before.",
         .topology = remote_access,
         .check = [](Context& context) { expect_replays_dropped(context, Side::Gateway, carries); }},
        {.id = "client-drops-replayed-packet",
         .requirements = {"RFC4303-3.4.3-REPLAY"},
         .sentence = "The client drops packets that it received before.",
         .topology = remote_access,
         .check = [](Context& context) { expect_replays_dropped(context, Side::Client, carries); }},
        {.id = "counts-replayed-packets",
         .requirements = {"RFC4303-3.4.3-REPLAY"},
         .sentence = "Both sides count the packets that they dropped as replayed.",
         .needs = {{Side::Both, Feature::CountDrops}},
         .topology = remote_access,
         .check = [](Context& context) { expect_replays_counted(context, carries); }},
        {.id = "accepts-late-packet-within-window",
         .requirements = {"RFC4303-3.4.3-WINDOW", "RFC4303-3.4.3-REPLAY"},
         .sentence = "A packet that others overtook is delivered once, and not twice.",
         .topology = remote_access,
         .check = [](Context& context) { expect_overtaken(context, 7, true, carries); }},
    };
}

}  // namespace gatelab::conformance::families
