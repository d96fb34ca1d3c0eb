// The options inside a PUSH_REPLY, apart from the message that carries them.
#pragma once

#include "impl/openvpn/push.h"

namespace gatelab::openvpn {

// At commas; empty ones are left out. OpenVPN knows no way to write a comma inside an option.
std::vector<std::string_view> split_options(std::string_view);

// See parse_control_message() for what is refused.
Result<PushReply> parse_push_options(std::string_view options);

// Each option of the reply as text, in the order in which OpenVPN's server writes them.
std::vector<std::string> push_options(const PushReply&);

}  // namespace gatelab::openvpn
