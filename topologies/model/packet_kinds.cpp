#include "topologies/model/packet_kinds.h"

namespace gatelab::topologies {

const std::vector<PacketKindEntry>& packet_kinds() {
    using enum PacketKind;
    static const std::vector<PacketKindEntry> kAll{
        {IkeSaInit, "ike-sa-init", {17}, "IKEv2 exchange 34, UDP port 500 or 4500"},
        {IkeAuth, "ike-auth", {17}, "IKEv2 exchange 35"},
        {IkeCreateChildSa, "ike-create-child-sa", {17}, "IKEv2 exchange 36"},
        {IkeInformational, "ike-informational", {17}, "IKEv2 exchange 37"},
        {Esp, "esp", {17, 50}, "ESP, also in UDP port 4500 (RFC 3948)"},
        {NatKeepalive, "nat-keepalive", {17}, "the octet 0xff in UDP port 4500"},
        {OpenVpnControl, "openvpn-control", {6, 17}, "OpenVPN's control packets and acknowledgments"},
        {OpenVpnData, "openvpn-data", {6, 17}, "OpenVPN's data packets"},
        {TcpSyn, "tcp-syn", {6}, "a segment that opens a connection: SYN without ACK"},
        {TcpRst, "tcp-rst", {6}, "a segment with RST"},
        {TlsClientHello, "tls-client-hello", {6}, "a segment that begins with a ClientHello's record"},
        {TlsServerHello, "tls-server-hello", {6}, "a segment that begins with a ServerHello's record"},
        {TlsApplicationData, "tls-application-data", {6}, "a segment that begins with a record of application data"},
        {IcmpEcho, "icmp-echo", {1}, "a ping and its reply, outside tunnels"},
        {IcmpUnreachable, "icmp-unreachable", {1}, "destination unreachable, of any code"},
    };
    return kAll;
}

std::optional<PacketKind> packet_kind(std::string_view name) {
    for (const auto& one : packet_kinds())
        if (one.name == name) return one.kind;
    return std::nullopt;
}

std::vector<std::string> packet_kind_names() {
    std::vector<std::string> names;
    for (const auto& one : packet_kinds()) names.emplace_back(one.name);
    return names;
}

}  // namespace gatelab::topologies
