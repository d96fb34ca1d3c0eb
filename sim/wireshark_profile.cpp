#include "sim/wireshark_profile.h"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <utility>

namespace gatelab::sim {
namespace {

using topologies::Gateway;
using topologies::OpenVpn;

using topologies::Tunnel;

constexpr std::uint16_t kOpenVpnPort = 1194, kHttpsPort = 443;

std::string control_channel(const OpenVpn& openvpn) {
    const bool tls_auth = openvpn.protection == OpenVpn::Protection::TlsAuth;
    std::string text;
    if (tls_auth)
        text = fmt::format(
            "openvpn.tls_auth_detection_override: TRUE\n"
            "openvpn.tls_auth: TRUE\n"
            "openvpn.tls_auth_hmac_size: {}\n",
            openvpn.auth == "SHA1" ? 20 : 32);
    else if (openvpn.protection != OpenVpn::Protection::None)
        text = "openvpn.tls_crypt: TRUE\n";
    return text;
}

// The third field of an entry is what Wireshark takes the port for by itself.

void decode_openvpn(std::set<std::string>& entries, const OpenVpn& openvpn) {
    const auto tcp = openvpn.tcp_port.value_or(kOpenVpnPort), udp = openvpn.udp_port.value_or(kOpenVpnPort);
    if (tcp != kOpenVpnPort)
        entries.insert(
            fmt::format("decode_as_entry: tcp.port,{},{},OpenVPN\n", tcp, tcp == kHttpsPort ? "TLS" : "(none)"));
    if (udp != kOpenVpnPort) entries.insert(fmt::format("decode_as_entry: udp.port,{},(none),OpenVPN\n", udp));
}

// Inside of TLS it finds HTTP, and behind that SSTP, by itself.
void decode_sstp(std::set<std::string>& entries, const topologies::Sstp& sstp) {
    if (sstp.port != kHttpsPort) entries.insert(fmt::format("decode_as_entry: tcp.port,{},(none),TLS\n", sstp.port));
}

}  // namespace

WiresharkProfile wireshark_profile_of(const topologies::Topology& topology) {
    WiresharkProfile profile;
    std::set<std::string> entries;
    bool with_tls = false;
    std::optional<std::string> of_openvpn;
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph))) {
        const auto* gateway = std::get_if<Gateway>(&topology.graph[vertex].kind);
        if (!gateway) continue;
        with_tls |= gateway->offers(Tunnel::OpenVpn) || gateway->offers(Tunnel::Sstp);
        if (gateway->offers(Tunnel::OpenVpn)) {
            if (!of_openvpn) of_openvpn = control_channel(gateway->openvpn);
            decode_openvpn(entries, gateway->openvpn);
        }
        if (gateway->offers(Tunnel::Sstp)) decode_sstp(entries, gateway->sstp);
    }
    profile.preferences =
        "esp.enable_encryption_decode: TRUE\n"
        "esp.enable_authentication_check: TRUE\n";
    if (with_tls) profile.preferences += "tls.keylog_file: keys/sslkeylog.txt\n";
    profile.preferences += of_openvpn.value_or("");
    for (const auto& entry : entries) profile.decode_as_entries += entry;
    return profile;
}

}  // namespace gatelab::sim
