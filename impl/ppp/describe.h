// Control packets in words, for traces.
#pragma once

#include <string>

#include "impl/ppp/packet.h"

namespace gatelab::ppp {

// "configure-request", "challenge", "authenticate-nak".
std::string message_name(Protocol, std::uint8_t code);

// Options of a Configure packet: "mru 1400, authentication c22381, magic-number 1badcafe"; "" for other packets.
std::string describe_options(Protocol, const Packet&);

}  // namespace gatelab::ppp
