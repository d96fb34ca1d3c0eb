// A stream whose other half is a socket of a guest.
#pragma once

#include "impl/host/host.h"
#include "sim/peers/uml/control_channel.h"

namespace gatelab::sim::peers::uml {

// To a UNIX socket of the guest.
std::unique_ptr<TcpStream> connect_in_guest(ControlChannel&, const std::string& path);
// By TCP, through the guest's kernel.
std::unique_ptr<TcpStream> connect_from_guest(ControlChannel&, Endpoint remote);
// One that a listener of the guest has accepted.
std::unique_ptr<TcpStream> take_accepted(ControlChannel&, const agent::Accepted&);

}  // namespace gatelab::sim::peers::uml
