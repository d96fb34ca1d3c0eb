// The kinds of packets that faults can pick out: what can be told of one packet from outside, without keys, without
// what came before it, and without knowing who sent it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatelab::topologies {

enum class PacketKind {
    IkeSaInit,
    IkeAuth,
    IkeCreateChildSa,
    IkeInformational,
    Esp,
    NatKeepalive,
    OpenVpnControl,
    OpenVpnData,
    TcpSyn,
    TcpRst,
    TlsClientHello,
    TlsServerHello,
    TlsApplicationData,
    IcmpEcho,
    IcmpUnreachable,
};

struct PacketKindEntry {
    PacketKind kind;
    std::string_view name;                // in topology files
    std::vector<std::uint8_t> protocols;  // IP protocol numbers in which it is found
    std::string_view meaning;             // one line, for people
};

// In the order of PacketKind.
const std::vector<PacketKindEntry>& packet_kinds();

std::optional<PacketKind> packet_kind(std::string_view name);
std::vector<std::string> packet_kind_names();

}  // namespace gatelab::topologies
