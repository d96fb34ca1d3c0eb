// Names of values as profiles spell them. Internal to this folder.
#pragma once

#include <string_view>

#include "impl/crypto/algorithms.h"

namespace gatelab::profile {

std::string_view auth_name(crypto::Hash);  // "SHA256"

}  // namespace gatelab::profile
