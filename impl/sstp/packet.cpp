#include "impl/sstp/packet.h"

#include <algorithm>

namespace gatelab::sstp {
namespace {

constexpr std::size_t kAttributeHeader = 4;
constexpr std::uint16_t kLengthMask = 0x0fff;  // the other four bits are reserved

Bytes value_of(const Attribute& attribute) {
    ByteWriter writer;
    struct {
        ByteWriter& to;
        void operator()(const EncapsulatedProtocol& it) const { to.u16(it.protocol); }
        void operator()(const StatusInfo& it) const {
            to.zeros(3).u8(it.attribute).u32(static_cast<std::uint32_t>(it.status)).bytes(it.value);
        }
        void operator()(const CryptoBindingRequest& it) const { to.zeros(3).u8(it.hashes).bytes(it.nonce); }
        void operator()(const CryptoBinding& it) const {
            to.zeros(3).u8(it.hash).bytes(it.nonce).bytes(it.certificate_hash).bytes(it.compound_mac);
        }
        void operator()(const UnknownAttribute& it) const { to.bytes(it.value); }
    } write{writer};
    std::visit(write, attribute);
    return writer.take();
}

template <std::size_t size>
void take(ByteReader& reader, std::array<std::uint8_t, size>& into) {
    const auto bytes = reader.bytes(size);
    std::copy(bytes.begin(), bytes.end(), into.begin());
}

// Nothing when the value has not the length of its kind.
std::optional<Attribute> parse_attribute(std::uint8_t id, ByteView value) {
    ByteReader reader{value};
    Attribute attribute;
    switch (static_cast<AttributeId>(id)) {
        case AttributeId::EncapsulatedProtocolId: attribute = EncapsulatedProtocol{reader.u16()}; break;
        case AttributeId::StatusInfo: {
            reader.skip(3);
            StatusInfo info{.attribute = reader.u8(), .status = static_cast<StatusCode>(reader.u32()), .value = {}};
            info.value = copy_of(reader.rest());
            attribute = std::move(info);
            break;
        }
        case AttributeId::CryptoBindingRequest: {
            reader.skip(3);
            CryptoBindingRequest request{.hashes = reader.u8(), .nonce = {}};
            take(reader, request.nonce);
            attribute = request;
            break;
        }
        case AttributeId::CryptoBinding: {
            reader.skip(3);
            CryptoBinding binding{.hash = reader.u8(), .nonce = {}, .certificate_hash = {}, .compound_mac = {}};
            take(reader, binding.nonce);
            take(reader, binding.certificate_hash);
            take(reader, binding.compound_mac);
            attribute = binding;
            break;
        }
        default: return UnknownAttribute{id, copy_of(value)};
    }
    if (!reader.finished()) return std::nullopt;
    return attribute;
}

bool is_known(std::uint16_t type) {
    return type >= static_cast<std::uint16_t>(MessageType::CallConnectRequest) &&
           type <= static_cast<std::uint16_t>(MessageType::EchoResponse);
}

// The one kind of attribute that a message has, and whether it must ([MS-SSTP] sections 2.2.9 to 2.2.15).
struct Contents {
    std::optional<AttributeId> attribute;
    bool required = false;
};
Contents contents_of(MessageType type) {
    switch (type) {
        case MessageType::CallConnectRequest: return {AttributeId::EncapsulatedProtocolId, true};
        case MessageType::CallConnectAck: return {AttributeId::CryptoBindingRequest, true};
        case MessageType::CallConnectNak: return {AttributeId::StatusInfo, true};
        case MessageType::CallConnected: return {AttributeId::CryptoBinding, true};
        case MessageType::CallAbort:
        case MessageType::CallDisconnect: return {AttributeId::StatusInfo, false};
        case MessageType::CallDisconnectAck:
        case MessageType::EchoRequest:
        case MessageType::EchoResponse: break;
    }
    return {};
}

// What is wrong with one attribute in this message; `first` of its kind or not.
StatusCode judge(MessageType type, const Attribute& attribute, bool first) {
    if (std::holds_alternative<UnknownAttribute>(attribute)) return StatusCode::UnrecognizedAttribute;
    const auto* status = std::get_if<StatusInfo>(&attribute);
    // [MS-SSTP] section 3.3.5.2.2: a Request may bring a status as long as it says that nothing is wrong.
    if (type == MessageType::CallConnectRequest && status)
        return status->status == StatusCode::NoError ? StatusCode::NoError
                                                     : StatusCode::StatusInfoNotSupportedInMessage;
    const auto contents = contents_of(type);
    if (!contents.attribute || id_of(attribute) != static_cast<std::uint8_t>(*contents.attribute))
        return StatusCode::AttributeNotSupportedInMessage;
    if (!first && type != MessageType::CallConnectNak) return StatusCode::DuplicateAttribute;
    const auto* protocol = std::get_if<EncapsulatedProtocol>(&attribute);
    if (protocol && protocol->protocol != kPpp) return StatusCode::ValueNotSupported;
    return StatusCode::NoError;
}

}  // namespace

std::string_view name_of(MessageType type) {
    switch (type) {
        case MessageType::CallConnectRequest: return "call-connect-request";
        case MessageType::CallConnectAck: return "call-connect-ack";
        case MessageType::CallConnectNak: return "call-connect-nak";
        case MessageType::CallConnected: return "call-connected";
        case MessageType::CallAbort: return "call-abort";
        case MessageType::CallDisconnect: return "call-disconnect";
        case MessageType::CallDisconnectAck: return "call-disconnect-ack";
        case MessageType::EchoRequest: return "echo-request";
        case MessageType::EchoResponse: return "echo-response";
    }
    return "unknown";
}

std::string_view name_of(StatusCode status) {
    switch (status) {
        case StatusCode::NoError: return "no-error";
        case StatusCode::DuplicateAttribute: return "duplicate-attribute";
        case StatusCode::UnrecognizedAttribute: return "unrecognized-attribute";
        case StatusCode::InvalidAttributeValueLength: return "invalid-attribute-value-length";
        case StatusCode::ValueNotSupported: return "value-not-supported";
        case StatusCode::UnacceptedFrameReceived: return "unaccepted-frame-received";
        case StatusCode::RetryCountExceeded: return "retry-count-exceeded";
        case StatusCode::InvalidFrameReceived: return "invalid-frame-received";
        case StatusCode::NegotiationTimeout: return "negotiation-timeout";
        case StatusCode::AttributeNotSupportedInMessage: return "attribute-not-supported-in-message";
        case StatusCode::RequiredAttributeMissing: return "required-attribute-missing";
        case StatusCode::StatusInfoNotSupportedInMessage: return "status-info-not-supported-in-message";
    }
    return "unknown";
}

std::uint8_t id_of(const Attribute& attribute) {
    struct {
        AttributeId operator()(const EncapsulatedProtocol&) const { return AttributeId::EncapsulatedProtocolId; }
        AttributeId operator()(const StatusInfo&) const { return AttributeId::StatusInfo; }
        AttributeId operator()(const CryptoBindingRequest&) const { return AttributeId::CryptoBindingRequest; }
        AttributeId operator()(const CryptoBinding&) const { return AttributeId::CryptoBinding; }
        AttributeId operator()(const UnknownAttribute& it) const { return static_cast<AttributeId>(it.id); }
    } id;
    return static_cast<std::uint8_t>(std::visit(id, attribute));
}

Bytes encode(const Message& message) {
    ByteWriter writer;
    writer.u8(kVersion).u8(1);
    const auto length = writer.reserve_u16();
    writer.u16(static_cast<std::uint16_t>(message.type)).u16(static_cast<std::uint16_t>(message.attributes.size()));
    for (const auto& attribute : message.attributes) {
        const auto value = value_of(attribute);
        writer.u8(0).u8(id_of(attribute)).u16(static_cast<std::uint16_t>(kAttributeHeader + value.size())).bytes(value);
    }
    writer.patch_u16(length, static_cast<std::uint16_t>(writer.size()));
    return writer.take();
}

std::variant<Message, Wrong> parse_message(ByteView packet) {
    ByteReader reader{packet};
    reader.u8();  // the version: parse_head() has judged it
    const bool control = (reader.u8() & 1) != 0;
    const std::size_t length = reader.u16() & kLengthMask;
    const auto type = reader.u16();
    const auto count = reader.u16();
    if (!reader.ok() || !control || length != packet.size())
        return Wrong{.detail =
                         "a control packet of " + std::to_string(packet.size()) + " octets that has no whole head"};
    if (!is_known(type)) return Wrong{.detail = "message of an unknown type, " + std::to_string(type)};

    Message message{.type = static_cast<MessageType>(type), .attributes = {}};
    const auto named = std::string{name_of(message.type)};
    while (reader.remaining() > 0) {
        reader.u8();
        const auto id = reader.u8();
        const std::size_t size = reader.u16() & kLengthMask;
        const bool fits = reader.ok() && size >= kAttributeHeader && size - kAttributeHeader <= reader.remaining();
        auto attribute = fits ? parse_attribute(id, reader.bytes(size - kAttributeHeader)) : std::nullopt;
        if (!attribute)
            return Wrong{StatusCode::InvalidAttributeValueLength, id,
                         named + ": attribute " + std::to_string(id) + " has length " + std::to_string(size)};
        message.attributes.push_back(std::move(*attribute));
    }
    if (message.attributes.size() != count)
        return Wrong{.detail = named + ": " + std::to_string(message.attributes.size()) + " attributes, and " +
                               std::to_string(count) + " announced"};
    return message;
}

std::vector<StatusInfo> complaints(const Message& message) {
    std::vector<StatusInfo> all;
    std::array<bool, 256> seen{};
    for (const auto& attribute : message.attributes) {
        const auto id = id_of(attribute);
        const auto status = judge(message.type, attribute, !std::exchange(seen[id], true));
        if (status == StatusCode::NoError) continue;
        auto value = value_of(attribute);
        value.resize(std::min(value.size(), kMostQuoted));
        all.push_back({.attribute = id, .status = status, .value = std::move(value)});
    }
    const auto contents = contents_of(message.type);
    if (contents.required && !seen[static_cast<std::uint8_t>(*contents.attribute)])
        all.push_back({.attribute = static_cast<std::uint8_t>(*contents.attribute),
                       .status = StatusCode::RequiredAttributeMissing,
                       .value = {}});
    return all;
}

Result<Head> parse_head(ByteView first_four) {
    ByteReader reader{first_four};
    const auto version = reader.u8();
    const bool control = (reader.u8() & 1) != 0;
    const auto length = static_cast<std::uint16_t>(reader.u16() & kLengthMask);
    if (!reader.ok()) return fail(Fault::Truncated, "SSTP packet of less than 4 octets");
    if (version != kVersion)
        return fail(Fault::Malformed, "SSTP packet of version " + std::to_string(version >> 4) + "." +
                                          std::to_string(version & 0xf) + " (expected 1.0)");
    if (length < kHeaderSize)
        return fail(Fault::Malformed, "SSTP packet with length " + std::to_string(length) + " (expected at least 4)");
    return Head{control, length};
}

}  // namespace gatelab::sstp
