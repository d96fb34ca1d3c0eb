// A profile as Azure's gateway would hand it out, with a user's certificate in it.
#pragma once

#include "impl/profile/ovpn.h"

namespace gatelab::profile {

struct Azure {
    crypto::Identity root, server, user;
    Ovpn profile;
};

// Made once for the process.
const Azure& azure();

}  // namespace gatelab::profile
