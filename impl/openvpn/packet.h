// OpenVPN's packets, as they are before the control channel's protection is put on.
//
//   opcode (5 bits), key id (3 bits) | own session id, 8 octets | count of acknowledgements, 1 octet |
//   packet ids acknowledged, 4 octets each | peer's session id, 8 octets, only when there are any |
//   packet id, 4 octets, not in P_ACK_V1 | payload
//
// The format is described in OpenVPN's "network protocol" pages and in draft-openvpn-wire-protocol. Over TCP each
// packet is behind a length of two octets.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "impl/base/bytes.h"
#include "impl/base/result.h"

namespace gatelab::openvpn {

enum class Opcode : std::uint8_t {
    ControlHardResetClientV1 = 1,  // key method 1: never accepted
    ControlHardResetServerV1 = 2,
    ControlSoftResetV1 = 3,
    ControlV1 = 4,
    AckV1 = 5,
    DataV1 = 6,
    ControlHardResetClientV2 = 7,
    ControlHardResetServerV2 = 8,
    DataV2 = 9,
    ControlHardResetClientV3 = 10,  // tls-crypt-v2: the wrapped client key follows
    ControlWkcV1 = 11,              // tls-crypt-v2 after a cookie: the wrapped client key again
};
std::string_view name_of(Opcode);  // "P_CONTROL_V1"

using SessionId = std::array<std::uint8_t, 8>;
inline constexpr std::size_t kMaxAcks = 8;
inline constexpr std::uint8_t kKeyIds = 8;  // 0 only for the first key of a session; then 1 to 7 in turn

struct Head {
    Opcode opcode{};
    std::uint8_t key_id = 0;
};
// Nothing for an empty packet or an opcode that does not exist.
std::optional<Head> head_of(ByteView packet);
std::uint8_t encode(Head);
bool is_data(Opcode);

struct ControlPacket {
    Opcode opcode = Opcode::ControlV1;
    std::uint8_t key_id = 0;
    SessionId session{};                    // of who sends it
    std::vector<std::uint32_t> acks;        // at most kMaxAcks are written; up to 255 are read
    std::optional<SessionId> peer_session;  // there exactly when acks is not empty
    std::uint32_t packet_id = 0;            // not in AckV1
    Bytes payload;                          // of TLS
};
Result<ControlPacket> parse_control(ByteView plain);
Bytes encode(const ControlPacket&);

// Cuts a TCP stream into packets. A length of 0, or above `largest`, breaks it for good.
class Deframer {
public:
    explicit Deframer(std::size_t largest = 65535) : largest_(largest) {}
    // Bytes as they arrived; `each` is told every whole packet, in order. Malformed once the stream is broken.
    Result<void> feed(ByteView, const std::function<void(ByteSpan packet)>& each);

private:
    std::size_t largest_;
    Bytes pending_;
    bool broken_ = false;
};

}  // namespace gatelab::openvpn
