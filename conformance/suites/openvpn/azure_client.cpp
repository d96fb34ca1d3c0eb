// Microsoft's own client, as others have observed it, and how strict a gateway is about what a client says of itself.
#include <fmt/format.h>

#include "conformance/suites/openvpn/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace openvpn_steps;
using namespace topologies;

constexpr auto kOptionsString =
    "V4,dev-type tun,link-mtu 1500,tun-mtu 1551,proto TCPv4_CLIENT,keydir 1,cipher AES-256-GCM,auth "
    "[null-digest],keysize 256,tls-auth,key-method 2,tls-client";

Topology with_azure_client(const Pair& pair, Transport transport) {
    auto topology = over(openvpn_access(pair), transport);
    client_of(topology).personality = topologies::Personality::AzureVpnClient;
    return topology;
}

// What the gateway heard of the client inside TLS.
std::string heard(Context& context, std::string_view what) {
    for (const auto& event : context.scenario().events())
        if (event.node == "gateway" && event.event == "peer-introduced") return text_of(event.attributes, what);
    return {};
}

void introduces_itself(Context& context) {
    if (!connects(context)) return;
    context.expect_equal("the options string", kOptionsString, heard(context, "options"));
    context.expect_equal("the peer info", "IV_VER=AzMac IV_PLAT=0.1 IV_PROTO=1 IV_PLAT_VER= IV_PLAT_DEVICE_ID=x64\n",
                         heard(context, "peer_info"));
}

void connects_as_azures(Context& context) {
    if (!connects(context)) return;
    context.expect_equal("the data cipher", "AES-256-GCM", context.client().status().data_cipher);
    context.expect_sessions(1);
}

// --- strictness ---

Topology with_other_mtu(const Pair& pair, bool strict) {
    auto topology = openvpn_access(pair);
    gateway_of(topology).openvpn.strict_options_string = strict;
    client_of(topology).openvpn.tun_mtu = 1400;
    return topology;
}

}  // namespace

std::vector<Case> openvpn_azure_client() {
    return {
        {.id = "azure-client-introduces-itself",
         .requirements = {"P2S-AAD-23", "P2S-AAD-24"},
         .sentence = "The Azure VPN Client's options string and peer info are those that were observed.",
         .needs = {{Side::Client, Feature::Personalities}, {Side::Gateway, Feature::TellPeer}},
         .topology = [](const Pair& pair) { return with_azure_client(pair, Transport::Tcp); },
         .check = introduces_itself},
        {.id = "azure-client-connects-over-tcp",
         .requirements = {"P2S-AAD-22", "P2S-AAD-23", "OPENVPN-NCP-FALLBACK"},
         .sentence = "The Azure VPN Client, which does not negotiate ciphers, connects over TCP with AES-256-GCM.",
         .needs = {{Side::Client, Feature::Personalities}},
         .topology = [](const Pair& pair) { return with_azure_client(pair, Transport::Tcp); },
         .check = connects_as_azures},
        {.id = "azure-client-connects-over-udp",
         .requirements = {"P2S-AAD-23", "OPENVPN-NCP-FALLBACK"},
         .sentence = "The same client connects over UDP, where a gateway offers it.",
         .needs = {{Side::Client, Feature::Personalities}},
         .topology = [](const Pair& pair) { return with_azure_client(pair, Transport::Udp); },
         .check = connects_as_azures},
        {.id = "passes-over-another-options-string",
         .requirements = {"OPENVPN-OPTIONS-STRING"},
         .sentence = "A gateway lets a client in whose options string says another tun-mtu.",
         .topology = [](const Pair& pair) { return with_other_mtu(pair, false); },
         .check = [](Context& context) { (void)connects(context); }},
        {.id = "strict-gateway-refuses-another-options-string",
         .requirements = {"P2S-AAD-25"},
         .sentence = "A gateway that is told to be strict refuses a client whose options string does not match.",
         .needs = {{Side::Gateway, Feature::StrictOptions}},
         .topology = [](const Pair& pair) { return with_other_mtu(pair, true); },
         .check =
             [](Context& context) {
                 context.expect_refusal({"options-mismatch", "handshake-timeout", "authentication-failed",
                                         "peer-silent", "tls-failed", "peer-exit", "failed"},
                                        kHandshake);
                 context.expect_sessions(0);
             }},
    };
}

}  // namespace gatelab::conformance::families
