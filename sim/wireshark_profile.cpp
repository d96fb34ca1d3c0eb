#include "sim/wireshark_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace gatelab::sim {
namespace {

using topologies::Gateway;
using topologies::OpenVpn;

constexpr std::uint16_t kOpenVpnPort = 1194, kHttpsPort = 443;

bool offers_openvpn(const Gateway& gateway) {
    return std::find(gateway.tunnels.begin(), gateway.tunnels.end(), topologies::Tunnel::OpenVpn) !=
           gateway.tunnels.end();
}

std::string control_channel(const OpenVpn& openvpn) {
    const bool tls_auth = openvpn.protection == OpenVpn::Protection::TlsAuth;
    std::string text = "tls.keylog_file: keys/sslkeylog.txt\n";
    if (tls_auth)
        text += fmt::format(
            "openvpn.tls_auth_detection_override: TRUE\n"
            "openvpn.tls_auth: TRUE\n"
            "openvpn.tls_auth_hmac_size: {}\n",
            openvpn.auth == "SHA1" ? 20 : 32);
    else if (openvpn.protection != OpenVpn::Protection::None)
        text += "openvpn.tls_crypt: TRUE\n";
    return text;
}

}  // namespace

WiresharkProfile wireshark_profile_of(const topologies::Topology& topology) {
    WiresharkProfile profile;
    profile.preferences =
        "esp.enable_encryption_decode: TRUE\n"
        "esp.enable_authentication_check: TRUE\n";
    std::set<std::string> entries;
    bool first = true;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph))) {
        const auto* gateway = std::get_if<Gateway>(&topology.graph[vertex].kind);
        if (!gateway || !offers_openvpn(*gateway)) continue;
        const auto& openvpn = gateway->openvpn;
        if (std::exchange(first, false)) profile.preferences += control_channel(openvpn);
        const auto tcp = openvpn.tcp_port.value_or(kOpenVpnPort), udp = openvpn.udp_port.value_or(kOpenVpnPort);
        // The third field is what Wireshark takes the port for by itself.
        if (tcp != kOpenVpnPort)
            entries.insert(
                fmt::format("decode_as_entry: tcp.port,{},{},OpenVPN\n", tcp, tcp == kHttpsPort ? "TLS" : "(none)"));
        if (udp != kOpenVpnPort) entries.insert(fmt::format("decode_as_entry: udp.port,{},(none),OpenVPN\n", udp));
    }
    for (const auto& entry : entries) profile.decode_as_entries += entry;
    return profile;
}

}  // namespace gatelab::sim
