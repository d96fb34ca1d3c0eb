// Steps about packets that come twice or late, whatever protects them: the same for ESP and for OpenVPN's data packets.
#pragma once

#include <functional>
#include <string>

#include "conformance/context.h"
#include "conformance/wire.h"

namespace gatelab::conformance {

// Whether a packet carries an inner packet of some size, such as an echo request.
using Carries = bool (*)(const WirePacket&);

// Each opens the tunnel and notes what it expects. `side` is the one that must drop what is sent again.
void expect_replays_dropped(Context&, Side side, Carries);
void expect_replays_counted(Context&, Carries);  // one, at either side
// A packet is held back while `others` overtake it, and then it is delivered once, or not at all.
void expect_overtaken(Context&, int others, bool passes, Carries);

}  // namespace gatelab::conformance
