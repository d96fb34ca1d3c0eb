// The keys of MS-CHAPv2, told to sstpc as its plugin for pppd tells them.
//
//   magic 0x73737470   4 octets, in the machine's order like all of it
//   length of what follows the header   2
//   type: 1, authenticated; 3, the answer   2
//   attributes: type (1: key to send, 2: key to receive), length, key, padded to 4
#pragma once

#include <optional>
#include <string>

#include "impl/base/bytes.h"
#include "impl/base/result.h"
#include "impl/mschap/mschapv2.h"

namespace gatelab::sim::peers::ppp_line {

// Without keys where the authentication yields none: sstpc then binds with zeros.
Bytes key_message(const std::optional<mschap::MasterKeys>&);

// Tells them at the socket, and waits for the answer. Io says what went wrong.
Result<void> tell_keys(const std::string& socket, const std::optional<mschap::MasterKeys>&);

}  // namespace gatelab::sim::peers::ppp_line
