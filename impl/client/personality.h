// Which OpenVPN client a client is, as its gateway sees it.
#pragma once

#include <string>
#include <string_view>

#include "impl/openvpn/options.h"

namespace gatelab::client {

enum class Personality {
    OpenVpnClient,   // the openvpn program
    AzureVpnClient,  // Microsoft's, as others have observed it (P2S-AAD-20 to P2S-AAD-28)
};
std::string_view name_of(Personality);  // "azure-vpn-client"

// Changes the options of a profile to what such a client does; `host` is the gateway's name as the user dials it.
openvpn::Options as(Personality, openvpn::Options, const std::string& host);

}  // namespace gatelab::client
