// gatelab's algorithm rows in strongSwan's words, and back from what charon reports.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "impl/ikev2/policy.h"
#include "sim/peers/strongswan_config.h"

namespace gatelab::sim::peers {

// "aes256gcm16-prfsha384-ecp384", "aes256-sha256-modp2048": one proposal of swanctl.conf.
std::string to_proposal(const ikev2::IkeSuite&);
std::string to_proposal(const ikev2::ChildSuite&);

// A whole policy, best row first: proposals joined by commas.
std::string to_proposals(const std::vector<ikev2::IkeSuite>&);
std::string to_proposals(const std::vector<ikev2::ChildSuite>&);

// Whether strongSwan, as we run it, can be held to exactly this pair of rows.
struct Expressible {
    bool yes = true;
    std::string why_not;
};
Expressible expressible(const ikev2::IkeSuite&, const ikev2::ChildSuite&, EspBy = EspBy::Libipsec);

}  // namespace gatelab::sim::peers
