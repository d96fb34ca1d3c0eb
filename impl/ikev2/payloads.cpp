#include "impl/ikev2/payloads.h"

#include <algorithm>
#include <bit>

#include "impl/ikev2/payload_numbers.h"

namespace gatelab::ikev2 {
namespace {

constexpr std::size_t kAuthorityHashSize = 20;

// RFC 7296 section 3.3.2 and 3.3.5.
Result<Transform> parse_transform(ByteReader& reader, bool& last) {
    const auto more = reader.u8();
    reader.skip(1);
    const std::size_t length = reader.u16();
    if (length < 8) return fail(Fault::Malformed, "transform length below 8");
    if (more != 0 && more != 3) return fail(Fault::Malformed, "transform is neither last nor followed by one");
    last = more == 0;
    Transform transform;
    transform.type = static_cast<TransformType>(reader.u8());
    reader.skip(1);
    transform.id = reader.u16();
    auto attributes = reader.nested(length - 8);
    while (attributes.ok() && attributes.remaining() > 0) {
        const auto type = attributes.u16();
        const auto value = attributes.u16();
        if ((type & kShortAttribute) == 0) attributes.skip(value);
        if (type == (kKeyLengthAttribute | kShortAttribute))
            transform.key_bits = value;
        else
            transform.understood = false;
    }
    if (!reader.ok() || !attributes.ok()) return fail(Fault::Truncated, "transform cut short");
    return transform;
}

Result<Proposal> parse_proposal(ByteReader& reader, bool& last) {
    const auto more = reader.u8();
    reader.skip(1);
    const std::size_t length = reader.u16();
    if (length < 8) return fail(Fault::Malformed, "proposal length below 8");
    if (more != 0 && more != 2) return fail(Fault::Malformed, "proposal is neither last nor followed by one");
    last = more == 0;
    auto inner = reader.nested(length - 4);
    Proposal proposal;
    proposal.number = inner.u8();
    proposal.protocol = static_cast<Protocol>(inner.u8());
    const std::size_t spi_size = inner.u8();
    const int transforms = inner.u8();
    proposal.spi = copy_of(inner.bytes(spi_size));
    bool last_transform = transforms == 0;
    for (int i = 0; i < transforms; ++i) {
        const auto transform = parse_transform(inner, last_transform);
        if (!transform) return pass(transform);
        if (last_transform != (i + 1 == transforms)) return fail(Fault::Malformed, "transform count does not fit");
        proposal.transforms.push_back(*transform);
    }
    if (!reader.ok() || !inner.finished()) return fail(Fault::Malformed, "proposal length does not fit");
    return proposal;
}

// Puts a payload's body where a message keeps it; a second one is an error.
template <class Slot, class Value>
Result<void> put(Slot& slot, Result<Value> value, std::string_view what) {
    if (!value) return pass(value);
    if (slot) return fail(Fault::Malformed, "two " + std::string{what} + " payloads");
    slot = std::move(*value);
    return {};
}

Result<KeyExchange> parse_key_exchange(ByteView body) {
    ByteReader reader{body};
    KeyExchange key_exchange;
    key_exchange.group = reader.u16();
    reader.skip(2);
    key_exchange.value = reader.rest();
    if (!reader.ok()) return fail(Fault::Truncated, "KE payload cut short");
    return key_exchange;
}

Result<ByteView> parse_nonce(ByteView body) {
    // RFC 7296 section 3.9.
    if (body.size() < 16 || body.size() > 256) return fail(Fault::Malformed, "nonce outside 16 to 256 bytes");
    return body;
}

Result<ByteView> check_identification(ByteView body) {
    if (body.size() < 4) return fail(Fault::Truncated, "ID payload cut short");
    return body;
}

Result<Authentication> parse_authentication(ByteView body) {
    ByteReader reader{body};
    Authentication authentication;
    authentication.method = reader.u8();
    reader.skip(3);
    authentication.data = reader.rest();
    if (!reader.ok()) return fail(Fault::Truncated, "AUTH payload cut short");
    return authentication;
}

Result<Notification> parse_notify(ByteView body) {
    ByteReader reader{body};
    Notification notification;
    notification.protocol = static_cast<Protocol>(reader.u8());
    const std::size_t spi_size = reader.u8();
    notification.type = static_cast<NotifyType>(reader.u16());
    notification.spi = reader.bytes(spi_size);
    notification.data = reader.rest();
    if (!reader.ok()) return fail(Fault::Truncated, "Notify payload cut short");
    return notification;
}

Result<Deletion> parse_delete(ByteView body) {
    ByteReader reader{body};
    Deletion deletion;
    deletion.protocol = static_cast<Protocol>(reader.u8());
    const int spi_size = reader.u8();
    const std::size_t count = reader.u16();
    if (deletion.protocol == Protocol::Ike) {
        if (spi_size != 0 || count != 0) return fail(Fault::Malformed, "Delete of the IKE SA names SPIs");
    } else {
        if (spi_size != 4) return fail(Fault::Malformed, "Delete with SPIs of other than 4 bytes");
        for (std::size_t i = 0; i < count && reader.ok(); ++i) deletion.spis.push_back(reader.u32());
    }
    if (!reader.finished()) return fail(Fault::Malformed, "Delete payload's length does not fit");
    return deletion;
}

Result<void> parse_certificate(ByteView body, Message& message) {
    if (body.empty()) return fail(Fault::Truncated, "empty CERT payload");
    if (body[0] == kX509Signature) message.certificates.push_back(body.subspan(1));
    return {};  // other encodings are of no use to us, but no fault
}

Result<void> parse_certificate_request(ByteView body, Message& message) {
    if (body.empty()) return fail(Fault::Truncated, "empty CERTREQ payload");
    if (body[0] != kX509Signature) return {};
    const auto hashes = body.subspan(1);
    if (hashes.size() % kAuthorityHashSize != 0) return fail(Fault::Malformed, "CERTREQ holds a partial hash");
    for (std::size_t at = 0; at < hashes.size(); at += kAuthorityHashSize)
        message.certificate_authorities.push_back(hashes.subspan(at, kAuthorityHashSize));
    return {};
}

template <class Value>
Result<void> push(std::vector<Value>& list, Result<Value> value) {
    if (!value) return pass(value);
    list.push_back(std::move(*value));
    return {};
}

Result<void> parse_into(Message& message, const Payload& payload) {
    switch (payload.type) {
        case PayloadType::SecurityAssociation: return put(message.proposals, parse_proposals(payload.body), "SA");
        case PayloadType::KeyExchange: return put(message.key_exchange, parse_key_exchange(payload.body), "KE");
        case PayloadType::Nonce: return put(message.nonce, parse_nonce(payload.body), "nonce");
        case PayloadType::IdentificationInitiator:
            return put(message.id_initiator, check_identification(payload.body), "IDi");
        case PayloadType::IdentificationResponder:
            return put(message.id_responder, check_identification(payload.body), "IDr");
        case PayloadType::Certificate: return parse_certificate(payload.body, message);
        case PayloadType::CertificateRequest: return parse_certificate_request(payload.body, message);
        case PayloadType::Authentication:
            return put(message.authentication, parse_authentication(payload.body), "AUTH");
        case PayloadType::Notify: return push(message.notifications, parse_notify(payload.body));
        case PayloadType::Delete: return push(message.deletions, parse_delete(payload.body));
        case PayloadType::TrafficSelectorInitiator:
            return put(message.ts_initiator, parse_traffic_selectors(payload.body), "TSi");
        case PayloadType::TrafficSelectorResponder:
            return put(message.ts_responder, parse_traffic_selectors(payload.body), "TSr");
        case PayloadType::Configuration:
            return put(message.configuration, parse_configuration(payload.body), "configuration");
        case PayloadType::None:
        case PayloadType::VendorId:
        case PayloadType::Encrypted:
        case PayloadType::Eap: return {};
    }
    // RFC 7296 section 2.5: an unknown payload is skipped unless it is marked critical.
    if (payload.critical && !message.unsupported_critical) message.unsupported_critical = payload.type;
    return {};
}

}  // namespace

const Notification* Message::find(NotifyType type) const {
    const auto found = std::find_if(notifications.begin(), notifications.end(),
                                    [type](const Notification& notification) { return notification.type == type; });
    return found == notifications.end() ? nullptr : &*found;
}

const Notification* Message::first_error() const {
    const auto found = std::find_if(notifications.begin(), notifications.end(),
                                    [](const Notification& notification) { return is_error(notification.type); });
    return found == notifications.end() ? nullptr : &*found;
}

Result<Message> parse_message(const std::vector<Payload>& payloads) {
    Message message;
    for (const auto& payload : payloads) {
        if (const auto parsed = parse_into(message, payload); !parsed) return pass(parsed);
    }
    return message;
}

Result<std::vector<Proposal>> parse_proposals(ByteView body) {
    ByteReader reader{body};
    std::vector<Proposal> proposals;
    for (bool last = false; !last;) {
        auto proposal = parse_proposal(reader, last);
        if (!proposal) return pass(proposal);
        proposals.push_back(std::move(*proposal));
    }
    if (!reader.finished()) return fail(Fault::Malformed, "bytes after the last proposal");
    return proposals;
}

Result<Identification> parse_identification(ByteView body) {
    ByteReader reader{body};
    Identification identification;
    identification.type = static_cast<Identification::Type>(reader.u8());
    reader.skip(3);
    identification.data = copy_of(reader.rest());
    if (!reader.ok()) return fail(Fault::Truncated, "ID payload cut short");
    if (identification.type == Identification::Type::Ipv4Address && identification.data.size() != 4)
        return fail(Fault::Malformed, "ID_IPV4_ADDR of other than 4 bytes");
    return identification;
}

Result<esp::TrafficSelectors> parse_traffic_selectors(ByteView body) {
    ByteReader reader{body};
    const int count = reader.u8();
    reader.skip(3);
    esp::TrafficSelectors selectors;
    for (int i = 0; i < count && reader.ok(); ++i) {
        const auto type = reader.u8();
        const auto protocol = reader.u8();
        const std::size_t length = reader.u16();
        if (length < 8) return fail(Fault::Malformed, "traffic selector length below 8");
        auto inner = reader.nested(length - 4);
        if (type != kTsIpv4AddressRange) continue;  // RFC 7296 section 2.9: the rest narrows to what we know
        esp::TrafficSelector selector;
        selector.protocol = protocol;
        selector.first_port = inner.u16();
        selector.last_port = inner.u16();
        selector.first = Ipv4Address{inner.u32()};
        selector.last = Ipv4Address{inner.u32()};
        if (!inner.finished()) return fail(Fault::Malformed, "IPv4 traffic selector's length is not 16");
        if (selector.first > selector.last) return fail(Fault::Malformed, "traffic selector ends before it starts");
        // OPAQUE ports (65535 to 0) are outside what we carry; such a selector matches nothing.
        if (selector.first_port > selector.last_port) continue;
        selectors.push_back(selector);
    }
    if (!reader.finished()) return fail(Fault::Malformed, "TS payload's length does not fit its count");
    return selectors;
}

Result<ConfigurationPayload> parse_configuration(ByteView body) {
    ByteReader reader{body};
    ConfigurationPayload payload;
    payload.kind = static_cast<ConfigurationPayload::Kind>(reader.u8());
    reader.skip(3);
    auto& configuration = payload.configuration;
    while (reader.ok() && reader.remaining() > 0) {
        const auto type = static_cast<std::uint16_t>(reader.u16() & 0x7fff);
        const std::size_t length = reader.u16();
        auto value = reader.nested(length);
        if (type == kInternalAddress) payload.names_address = true;
        if (length == 0) continue;
        if (type == kInternalAddress && length == 4) configuration.address = Ipv4Address{value.u32()};
        if (type == kInternalDns && length == 4) configuration.dns.push_back(Ipv4Address{value.u32()});
        if (type == kInternalSubnet && length == 8) {
            const Ipv4Address network{value.u32()};
            const auto mask = value.u32();
            const auto prefix_length = static_cast<std::uint8_t>(std::countl_one(mask));
            if (Prefix{network, prefix_length}.mask() != mask) return fail(Fault::Malformed, "subnet mask with holes");
            configuration.subnets.push_back(Prefix{network, prefix_length});
        }
    }
    if (!reader.ok()) return fail(Fault::Truncated, "configuration payload cut short");
    return payload;
}

}  // namespace gatelab::ikev2
