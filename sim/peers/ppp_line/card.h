// The line's network card: a TUN device with the addresses that were agreed.
#pragma once

#include <string>

#include "impl/base/result.h"
#include "impl/ppp/session.h"
#include "sim/peers/file_descriptor.h"

namespace gatelab::sim::peers::ppp_line {

// Makes it, brings it up, and runs the script as pppd runs ip-up. Non-blocking; whole IPv4 packets. Io says what went
// wrong.
Result<FileDescriptor> open_card(const std::string& name, const ppp::Agreed&, const std::string& up_script);

}  // namespace gatelab::sim::peers::ppp_line
