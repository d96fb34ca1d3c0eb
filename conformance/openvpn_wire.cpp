#include "conformance/openvpn_wire.h"

#include <fmt/format.h>

#include "impl/openvpn/packet.h"

namespace gatelab::conformance {

constexpr std::size_t kMostEarly = 4096;  // segments kept of one direction

std::string OpenVpnHeader::describe() const {
    const auto name = openvpn::name_of(static_cast<openvpn::Opcode>(opcode));
    return peer_id ? fmt::format("{} key {} peer {}", name, key_id, *peer_id) : fmt::format("{} key {}", name, key_id);
}

std::optional<OpenVpnHeader> parse_openvpn(ByteView packet) {
    const auto head = openvpn::head_of(packet);
    if (!head) return std::nullopt;
    ByteReader reader{packet};
    reader.skip(1);
    OpenVpnHeader header;
    header.opcode = static_cast<std::uint8_t>(head->opcode);
    header.key_id = head->key_id;
    header.size = packet.size();
    if (header.opcode == OpenVpnHeader::kDataV2) {
        const auto high = reader.u8();
        header.peer_id = std::uint32_t{high} << 16 | reader.u16();
    } else if (!header.is_data()) {
        header.session = reader.u64();
    }
    if (!reader.ok()) return std::nullopt;
    return header;
}

std::vector<OpenVpnHeader> OpenVpnStreams::follow(Endpoint source, Endpoint destination, const TcpHeader& tcp,
                                                  ByteView payload) {
    auto& direction = directions_[{source, destination}];
    if (tcp.syn) {
        direction = {};
        direction.next = tcp.sequence + 1;
        return {};
    }
    if (!payload.empty() && direction.early.size() < kMostEarly)
        direction.early.emplace(tcp.sequence, copy_of(payload));
    direction.take_early();
    return direction.whole_packets();
}

void OpenVpnStreams::Direction::take_early() {
    for (auto at = early.begin(); at != early.end();) {
        const auto known = next - at->first;  // octets of it; sequence numbers wrap, so a huge one means "ahead"
        if (known > 0x7fffffff) {
            ++at;
            continue;
        }
        const bool brings_more = known < at->second.size();
        if (brings_more) {
            append(pending, ByteView{at->second}.subspan(known));
            next += static_cast<std::uint32_t>(at->second.size() - known);
        }
        early.erase(at);
        at = early.begin();  // one that was ahead may be next now
    }
}

std::vector<OpenVpnHeader> OpenVpnStreams::Direction::whole_packets() {
    std::vector<OpenVpnHeader> found;
    std::size_t used = 0;
    while (pending.size() - used >= 2) {
        const std::size_t size = pending[used] << 8 | pending[used + 1];
        if (pending.size() - used - 2 < size) break;
        if (const auto header = parse_openvpn(ByteView{pending}.subspan(used + 2, size))) found.push_back(*header);
        used += 2 + size;
    }
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(used));
    return found;
}

}  // namespace gatelab::conformance
