// What many cases of SSTP look at, and do.
#pragma once

#include <string>
#include <vector>

#include "conformance/context.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::sstp_steps {

inline const std::string kSent = "message-sent", kReceived = "message-received";  // events

// Events of a component ("sstp", "ppp") of the gateway, of that name, from `since` on.
std::vector<Event> events_of_gateway(Context&, const std::string& component, const std::string& event,
                                     Duration since = {});
// How many SSTP messages of that type ("call-abort") the gateway sent or received.
std::size_t messages(Context&, const std::string& event, const std::string& type, Duration since = {});
// How many messages of PPP ("pap", "authenticate-nak").
std::size_t ppp_messages(Context&, const std::string& event, const std::string& protocol, const std::string& message,
                         Duration since = {});

bool carries_both_ways(Context&, const std::string& user = "alice", int count = 2);
// Opens the tunnel and sees packets pass both ways.
bool connects(Context&, const std::string& user = "alice", Duration limit = std::chrono::seconds(20));
// The only session's end at the gateway says what the client's says.
bool expect_agreed(Context&, const std::string& authentication, const std::string& hash);
// Dials in vain, and the gateway keeps nothing of it.
void expect_nobody_in(Context&, const std::vector<std::string>& reasons, Duration limit = std::chrono::seconds(90));

topologies::Flow pings(Duration interval, Duration start, Duration stop, std::uint16_t size = 56);
void lose_on_the_way(topologies::Topology&, double share);

}  // namespace gatelab::conformance::sstp_steps
