// What anybody on the way can read of OpenVPN: the fronts of its packets, in UDP or in a TCP stream.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/bytes.h"

namespace gatelab::conformance {

// The front of an OpenVPN packet, which is never encrypted.
struct OpenVpnHeader {
    std::uint8_t opcode = 0, key_id = 0;
    std::optional<std::uint32_t> peer_id;  // of P_DATA_V2, 24 bits
    std::uint64_t session = 0;             // the sender's, of control packets
    std::size_t size = 0;                  // of the whole packet; over TCP without its length
    bool is_data() const { return opcode == kDataV1 || opcode == kDataV2; }
    std::string describe() const;  // "P_CONTROL_V1 key 0", "P_DATA_V2 key 1 peer 5"

    static constexpr std::uint8_t kSoftResetV1 = 3, kControlV1 = 4, kAckV1 = 5, kDataV1 = 6, kHardResetClientV2 = 7,
                                  kHardResetServerV2 = 8, kDataV2 = 9, kHardResetClientV3 = 10, kControlWkcV1 = 11;
};
// Nothing for an opcode that does not exist, or a packet that ends too early.
std::optional<OpenVpnHeader> parse_openvpn(ByteView packet);

// Of TCP.
struct TcpHeader {
    std::uint32_t sequence = 0;
    bool syn = false, fin = false, rst = false;
};

// Puts the directions of TCP connections together again, and tells which OpenVPN packets have become whole.
class OpenVpnStreams {
public:
    // A segment, and the packets whose last octet came with it. Segments may come twice and out of order.
    std::vector<OpenVpnHeader> follow(Endpoint source, Endpoint destination, const TcpHeader&, ByteView payload);

private:
    struct Direction {
        std::uint32_t next = 0;                // sequence number
        std::map<std::uint32_t, Bytes> early;  // segments whose turn has not come
        Bytes pending;                         // the beginning of a packet
        void take_early();
        std::vector<OpenVpnHeader> whole_packets();
    };
    std::map<std::pair<Endpoint, Endpoint>, Direction> directions_;
};

}  // namespace gatelab::conformance
