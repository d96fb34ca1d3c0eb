// The keys of a real program's TLS: a library of ours in the program (tls_keys/) writes them down.
#pragma once

#include <string>
#include <vector>

#include "impl/base/result.h"
#include "sim/keys.h"
#include "sim/peers/machine.h"

namespace gatelab::sim::peers {

// Puts the library into the machine's folder.
Result<void> put_tls_keys_library(Machine&);
// What makes a program load it and OpenSSL tell: for its environment. Only after the library was put there.
std::vector<std::string> tls_keys_environment(const Machine&);
// Hands over what was told so far.
void collect_tls_keys(const Machine&, KeyLog&);

}  // namespace gatelab::sim::peers
