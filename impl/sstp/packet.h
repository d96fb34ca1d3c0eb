// SSTP's packets ([MS-SSTP] section 2.2). Reserved fields are sent as zero and ignored (section 2.2).
//
//   +---------+-----------+-+------+--------+----------------------------------------------
//   | version | reserved  |C| res. | length | C = 1: type (2), number of attributes (2), attributes
//   |  0x10   |  7 bits   | |4 bits| 12 bits| C = 0: a frame of PPP
//   +---------+-----------+-+------+--------+----------------------------------------------
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "impl/base/bytes.h"
#include "impl/base/result.h"

namespace gatelab::sstp {

constexpr std::uint8_t kVersion = 0x10;
constexpr std::size_t kHeaderSize = 4;
constexpr std::size_t kLargestPacket = 4095;  // 12 bits of length, the header included

enum class MessageType : std::uint16_t {
    CallConnectRequest = 1,
    CallConnectAck = 2,
    CallConnectNak = 3,
    CallConnected = 4,
    CallAbort = 5,
    CallDisconnect = 6,
    CallDisconnectAck = 7,
    EchoRequest = 8,
    EchoResponse = 9,
};
std::string_view name_of(MessageType);  // "call-connect-request"

enum class AttributeId : std::uint8_t {
    NoError = 0,
    EncapsulatedProtocolId = 1,
    StatusInfo = 2,
    CryptoBinding = 3,
    CryptoBindingRequest = 4,
};

enum class StatusCode : std::uint32_t {  // [MS-SSTP] section 2.2.8
    NoError = 0,
    DuplicateAttribute = 1,
    UnrecognizedAttribute = 2,
    InvalidAttributeValueLength = 3,
    ValueNotSupported = 4,
    UnacceptedFrameReceived = 5,
    RetryCountExceeded = 6,
    InvalidFrameReceived = 7,
    NegotiationTimeout = 8,
    AttributeNotSupportedInMessage = 9,
    RequiredAttributeMissing = 10,
    StatusInfoNotSupportedInMessage = 11,
};
std::string_view name_of(StatusCode);  // "value-not-supported"

// Hash protocols as bits ([MS-SSTP] section 2.2.6).
constexpr std::uint8_t kSha1 = 0x01, kSha256 = 0x02;

using Nonce = std::array<std::uint8_t, 32>;
using Digest = std::array<std::uint8_t, 32>;  // of SHA-1: 20 octets, then zeros

constexpr std::uint16_t kPpp = 1;
constexpr std::size_t kMostQuoted = 64;

struct EncapsulatedProtocol {
    std::uint16_t protocol = kPpp;
};
struct StatusInfo {
    std::uint8_t attribute = 0;  // that the status is about; 0 for none
    StatusCode status = StatusCode::NoError;
    Bytes value;  // of the attribute, as far as it is quoted: at most kMostQuoted octets, and only in a Nak
};
struct CryptoBindingRequest {
    std::uint8_t hashes = kSha1 | kSha256;
    Nonce nonce{};
};
struct CryptoBinding {
    std::uint8_t hash = kSha256;
    Nonce nonce{};
    Digest certificate_hash{}, compound_mac{};
};
struct UnknownAttribute {
    std::uint8_t id = 0;
    Bytes value;
};
using Attribute = std::variant<EncapsulatedProtocol, StatusInfo, CryptoBindingRequest, CryptoBinding, UnknownAttribute>;

struct Message {
    MessageType type = MessageType::EchoRequest;
    std::vector<Attribute> attributes;
};

std::uint8_t id_of(const Attribute&);

// The attribute of that kind, or nullptr.
template <class T>
const T* find(const Message& message) {
    for (const auto& attribute : message.attributes)
        if (const auto* found = std::get_if<T>(&attribute)) return found;
    return nullptr;
}

Bytes encode(const Message&);

// What is delimitable but wrong, as a sentence and as the status that a Call Abort should give.
struct Wrong {
    StatusCode status = StatusCode::InvalidFrameReceived;
    std::uint8_t attribute = 0;
    std::string detail;
};
// A whole control packet: lengths hold, and every attribute has the length of its kind. Any id of an attribute passes;
// complaints() says what the message makes of it.
std::variant<Message, Wrong> parse_message(ByteView packet);

// What the message must not have, and what it lacks ([MS-SSTP] sections 2.2.9 to 2.2.15): a server's Nak says so of a
// Call Connect Request, any other message with complaints is invalid. Empty when all is well.
std::vector<StatusInfo> complaints(const Message&);

struct Head {
    bool control = false;
    std::uint16_t length = 0;  // of the whole packet
};
// Of the first four octets; Malformed when the version is another or the length is below 4: the stream cannot be cut
// into packets any more ([MS-SSTP] section 3.1.5.1).
Result<Head> parse_head(ByteView first_four);

}  // namespace gatelab::sstp
