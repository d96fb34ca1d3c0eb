// What stands in PPP frames: the protocol field, the packets of control protocols and their options (RFC 1661 sections
// 2, 5 and 6; RFC 1332; RFC 1877; RFC 1570).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/bytes.h"
#include "impl/base/result.h"

namespace gatelab::ppp {

enum class Protocol : std::uint16_t {
    Ipv4 = 0x0021,
    Ipcp = 0x8021,
    Ipv6cp = 0x8057,
    Ccp = 0x80fd,
    Lcp = 0xc021,
    Pap = 0xc023,
    Chap = 0xc223,
    Eap = 0xc227,
};
std::string name_of(Protocol);  // "lcp"; "0x1234" for one that we have no name for

// A frame's protocol and what it carries. FF 03 before it and a protocol field of one octet are accepted.
struct Frame {
    Protocol protocol = Protocol::Lcp;
    ByteView information;
};
Result<Frame> parse_frame(ByteView frame);  // Truncated when there is no whole protocol field

// Codes of LCP; those up to CodeReject are the same in every control protocol. CHAP and PAP have their own.
enum class Code : std::uint8_t {
    ConfigureRequest = 1,
    ConfigureAck = 2,
    ConfigureNak = 3,
    ConfigureReject = 4,
    TerminateRequest = 5,
    TerminateAck = 6,
    CodeReject = 7,
    ProtocolReject = 8,
    EchoRequest = 9,
    EchoReply = 10,
    DiscardRequest = 11,
    Identification = 12,  // RFC 1570
    TimeRemaining = 13,   // RFC 1570
};
std::string name_of(Code);  // "configure-request"; "code 77"

// Code, identifier, length and data: the shape of every packet of LCP, IPCP, PAP and CHAP.
struct Packet {
    std::uint8_t code = 0;
    std::uint8_t identifier = 0;
    ByteView data;
};
constexpr std::size_t kPacketHeader = 4;
// Octets after Length are padding. Truncated when it is longer than what there is, Malformed when below 4.
Result<Packet> parse_packet(ByteView information);
Bytes encode(const Packet&);

struct Option {
    std::uint8_t type = 0;
    ByteView value;
    friend bool operator==(const Option& a, const Option& b) {
        return a.type == b.type && std::equal(a.value.begin(), a.value.end(), b.value.begin(), b.value.end());
    }
};
// Malformed when a length is below 2 or goes beyond the end.
Result<std::vector<Option>> parse_options(ByteView data);
void append_option(Bytes& options, std::uint8_t type, ByteView value);

// The value of an option of two or four octets; nothing when it has another size.
std::optional<std::uint16_t> u16_of(const Option&);
std::optional<std::uint32_t> u32_of(const Option&);
Bytes u16_value(std::uint16_t);
Bytes u32_value(std::uint32_t);

}  // namespace gatelab::ppp
