// SSTP's packets ([MS-SSTP] section 2.2).
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

struct EncapsulatedProtocol {
    std::uint16_t protocol = 1;  // PPP
};
struct StatusInfo {
    std::uint8_t attribute = 0;  // that the status is about; 0 for none
    StatusCode status = StatusCode::NoError;
    Bytes value;  // of the attribute, as far as it is quoted
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

Bytes encode(const Message&);
// A whole control packet. What is delimitable but wrong: Malformed with a sentence, and the status that a Call Abort
// should give.
struct Wrong {
    StatusCode status = StatusCode::InvalidFrameReceived;
    std::uint8_t attribute = 0;
    std::string detail;
};
std::variant<Message, Wrong> parse_message(ByteView packet);

struct Head {
    bool control = false;
    std::uint16_t length = 0;  // of the whole packet
};
// Of the first four octets; Malformed when the version is another or the length is below 4: the stream cannot be cut
// into packets any more (SSTP-29).
Result<Head> parse_head(ByteView first_four);

}  // namespace gatelab::sstp
