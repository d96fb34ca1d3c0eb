#include "impl/client/personality.h"

#include "impl/base/address.h"

namespace gatelab::client {
namespace {

// P2S-AAD-23, which is of a client with AES-256-GCM and tls-auth. The two sizes are as they were seen, the wrong way
// round.
constexpr std::string_view kAzureOptions =
    "V4,dev-type tun,link-mtu 1500,tun-mtu 1551,proto TCPv4_CLIENT,keydir 1,cipher AES-256-GCM,auth [null-digest],"
    "keysize 256,tls-auth,key-method 2,tls-client";

// P2S-AAD-24, P2S-AAD-26, P2S-AAD-28.
openvpn::Options as_azure_vpn_client(openvpn::Options options, const std::string& host) {
    options.options_string = kAzureOptions;
    // One line of what others send as five: it says nothing to a server.
    options.peer_info = {{"IV_VER", "AzMac IV_PLAT=0.1 IV_PROTO=1 IV_PLAT_VER= IV_PLAT_DEVICE_ID=x64"}};
    if (!parse_address(host)) options.tls.server_name = host;  // RFC 6066 section 3: no addresses
    options.tls.alpn = {"h2", "http/1.1"};
    options.renegotiate = Duration::zero();  // a token that lives for an hour cannot be shown again
    return options;
}

}  // namespace

std::string_view name_of(Personality personality) {
    return personality == Personality::OpenVpnClient ? "openvpn-client" : "azure-vpn-client";
}

openvpn::Options as(Personality personality, openvpn::Options options, const std::string& host) {
    return personality == Personality::AzureVpnClient ? as_azure_vpn_client(std::move(options), host) : options;
}

}  // namespace gatelab::client
