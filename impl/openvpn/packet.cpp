#include "impl/openvpn/packet.h"

#include <algorithm>

namespace gatelab::openvpn {
namespace {

constexpr int kKeyIdBits = 3;
constexpr std::uint8_t kKeyIdMask = kKeyIds - 1;
constexpr std::size_t kLengthSize = 2;  // before each packet in TCP

SessionId session_id_from(ByteView bytes) {
    SessionId id{};
    std::copy_n(bytes.begin(), std::min(bytes.size(), id.size()), id.begin());
    return id;
}

}  // namespace

std::string_view name_of(Opcode opcode) {
    switch (opcode) {
        case Opcode::ControlHardResetClientV1: return "P_CONTROL_HARD_RESET_CLIENT_V1";
        case Opcode::ControlHardResetServerV1: return "P_CONTROL_HARD_RESET_SERVER_V1";
        case Opcode::ControlSoftResetV1: return "P_CONTROL_SOFT_RESET_V1";
        case Opcode::ControlV1: return "P_CONTROL_V1";
        case Opcode::AckV1: return "P_ACK_V1";
        case Opcode::DataV1: return "P_DATA_V1";
        case Opcode::ControlHardResetClientV2: return "P_CONTROL_HARD_RESET_CLIENT_V2";
        case Opcode::ControlHardResetServerV2: return "P_CONTROL_HARD_RESET_SERVER_V2";
        case Opcode::DataV2: return "P_DATA_V2";
        case Opcode::ControlHardResetClientV3: return "P_CONTROL_HARD_RESET_CLIENT_V3";
        case Opcode::ControlWkcV1: return "P_CONTROL_WKC_V1";
    }
    return "unknown opcode";
}

std::optional<Head> head_of(ByteView packet) {
    if (packet.empty()) return {};
    const auto opcode = packet[0] >> kKeyIdBits;
    if (opcode < static_cast<int>(Opcode::ControlHardResetClientV1) || opcode > static_cast<int>(Opcode::ControlWkcV1))
        return {};
    return Head{static_cast<Opcode>(opcode), static_cast<std::uint8_t>(packet[0] & kKeyIdMask)};
}

std::uint8_t encode(Head head) {
    return static_cast<std::uint8_t>(static_cast<int>(head.opcode) << kKeyIdBits | (head.key_id & kKeyIdMask));
}

bool is_data(Opcode opcode) { return opcode == Opcode::DataV1 || opcode == Opcode::DataV2; }

Result<ControlPacket> parse_control(ByteView plain) {
    const auto head = head_of(plain);
    if (!head || is_data(head->opcode)) return fail(Fault::Malformed, "not an OpenVPN control packet");
    ByteReader reader{plain};
    reader.skip(1);
    ControlPacket packet;
    packet.opcode = head->opcode;
    packet.key_id = head->key_id;
    packet.session = session_id_from(reader.bytes(packet.session.size()));
    const std::size_t acks = reader.u8();
    for (std::size_t i = 0; i < acks && reader.ok(); ++i) packet.acks.push_back(reader.u32());
    if (acks > 0) packet.peer_session = session_id_from(reader.bytes(packet.session.size()));
    if (packet.opcode != Opcode::AckV1) packet.packet_id = reader.u32();
    packet.payload = copy_of(reader.rest());
    if (!reader.ok()) return fail(Fault::Truncated, "OpenVPN control packet shorter than its header");
    return packet;
}

Bytes encode(const ControlPacket& packet) {
    ByteWriter writer;
    writer.u8(encode(Head{packet.opcode, packet.key_id})).bytes(packet.session);
    const auto acks = packet.peer_session ? std::min(packet.acks.size(), kMaxAcks) : 0;
    writer.u8(static_cast<std::uint8_t>(acks));
    for (std::size_t i = 0; i < acks; ++i) writer.u32(packet.acks[i]);
    if (acks > 0) writer.bytes(*packet.peer_session);
    if (packet.opcode != Opcode::AckV1) writer.u32(packet.packet_id);
    writer.bytes(packet.payload);
    return writer.take();
}

Result<void> Deframer::feed(ByteView bytes, const std::function<void(ByteSpan packet)>& each) {
    if (broken_) return fail(Fault::Malformed, "the stream broke before");
    append(pending_, bytes);
    std::size_t at = 0;
    while (pending_.size() - at >= kLengthSize) {
        const std::size_t length = ByteReader{ByteView{pending_}.subspan(at)}.u16();
        if (length == 0 || length > largest_) {
            broken_ = true;
            pending_.clear();
            return fail(Fault::Malformed, "an OpenVPN packet of " + std::to_string(length) + " octets in TCP");
        }
        if (pending_.size() - at < kLengthSize + length) break;
        each(ByteSpan{pending_}.subspan(at + kLengthSize, length));
        at += kLengthSize + length;
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(at));
    return {};
}

}  // namespace gatelab::openvpn
