#include "impl/ikev2/payloads.h"

#include <algorithm>
#include <bit>

namespace gatelab::ikev2 {
namespace {

constexpr std::uint16_t kKeyLengthAttribute = 14;
constexpr std::uint16_t kShortAttribute = 0x8000;
constexpr std::uint8_t kX509Signature = 4;
constexpr std::size_t kAuthorityHashSize = 20;
constexpr std::uint8_t kTsIpv4AddressRange = 7;
constexpr std::uint16_t kTsIpv4Size = 16;
constexpr std::size_t kMaxSelectors = 255;
enum Attribute : std::uint16_t { kInternalAddress = 1, kInternalDns = 3, kInternalSubnet = 13 };

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

OutgoingPayload encode_proposals(const std::vector<Proposal>& proposals) {
    ByteWriter writer;
    for (std::size_t i = 0; i < proposals.size(); ++i) {
        const auto& proposal = proposals[i];
        const auto start = writer.size();
        writer.u8(i + 1 < proposals.size() ? 2 : 0).u8(0);
        const auto length_at = writer.reserve_u16();
        writer.u8(proposal.number).u8(static_cast<std::uint8_t>(proposal.protocol));
        writer.u8(static_cast<std::uint8_t>(proposal.spi.size()));
        writer.u8(static_cast<std::uint8_t>(proposal.transforms.size())).bytes(proposal.spi);
        for (std::size_t j = 0; j < proposal.transforms.size(); ++j) {
            const auto& transform = proposal.transforms[j];
            writer.u8(j + 1 < proposal.transforms.size() ? 3 : 0).u8(0);
            writer.u16(transform.key_bits ? 12 : 8);
            writer.u8(static_cast<std::uint8_t>(transform.type)).u8(0).u16(transform.id);
            if (transform.key_bits)
                writer.u16(kShortAttribute | kKeyLengthAttribute).u16(static_cast<std::uint16_t>(transform.key_bits));
        }
        writer.patch_u16(length_at, static_cast<std::uint16_t>(writer.size() - start));
    }
    return {PayloadType::SecurityAssociation, writer.take()};
}

OutgoingPayload encode_key_exchange(std::uint16_t group, ByteView value) {
    ByteWriter writer;
    writer.u16(group).u16(0).bytes(value);
    return {PayloadType::KeyExchange, writer.take()};
}

OutgoingPayload encode_nonce(ByteView nonce) { return {PayloadType::Nonce, copy_of(nonce)}; }

OutgoingPayload encode_identification(bool initiator, const Identification& identification) {
    ByteWriter writer;
    writer.u8(static_cast<std::uint8_t>(identification.type)).zeros(3).bytes(identification.data);
    return {initiator ? PayloadType::IdentificationInitiator : PayloadType::IdentificationResponder, writer.take()};
}

OutgoingPayload encode_certificate(ByteView der) {
    ByteWriter writer;
    writer.u8(kX509Signature).bytes(der);
    return {PayloadType::Certificate, writer.take()};
}

OutgoingPayload encode_certificate_request(const std::vector<Bytes>& authority_hashes) {
    ByteWriter writer;
    writer.u8(kX509Signature);
    for (const auto& hash : authority_hashes) writer.bytes(hash);
    return {PayloadType::CertificateRequest, writer.take()};
}

OutgoingPayload encode_authentication(std::uint8_t method, ByteView data) {
    ByteWriter writer;
    writer.u8(method).zeros(3).bytes(data);
    return {PayloadType::Authentication, writer.take()};
}

OutgoingPayload encode_notify(NotifyType type, ByteView data, Protocol protocol, ByteView spi) {
    ByteWriter writer;
    writer.u8(static_cast<std::uint8_t>(protocol)).u8(static_cast<std::uint8_t>(spi.size()));
    writer.u16(static_cast<std::uint16_t>(type)).bytes(spi).bytes(data);
    return {PayloadType::Notify, writer.take()};
}

OutgoingPayload encode_delete_ike() {
    return {PayloadType::Delete, ByteWriter{}.u8(static_cast<std::uint8_t>(Protocol::Ike)).zeros(3).take()};
}

OutgoingPayload encode_delete_esp(const std::vector<std::uint32_t>& spis) {
    ByteWriter writer;
    writer.u8(static_cast<std::uint8_t>(Protocol::Esp)).u8(4).u16(static_cast<std::uint16_t>(spis.size()));
    for (const auto spi : spis) writer.u32(spi);
    return {PayloadType::Delete, writer.take()};
}

OutgoingPayload encode_traffic_selectors(bool initiator, const esp::TrafficSelectors& selectors) {
    const auto count = std::min(selectors.size(), kMaxSelectors);
    ByteWriter writer;
    writer.u8(static_cast<std::uint8_t>(count)).zeros(3);
    for (std::size_t i = 0; i < count; ++i) {
        const auto& selector = selectors[i];
        writer.u8(kTsIpv4AddressRange).u8(selector.protocol).u16(kTsIpv4Size);
        writer.u16(selector.first_port).u16(selector.last_port);
        writer.u32(selector.first.number()).u32(selector.last.number());
    }
    return {initiator ? PayloadType::TrafficSelectorInitiator : PayloadType::TrafficSelectorResponder, writer.take()};
}

OutgoingPayload encode_configuration_request() {
    ByteWriter writer;
    writer.u8(static_cast<std::uint8_t>(ConfigurationPayload::Kind::Request)).zeros(3);
    for (const auto attribute : {kInternalAddress, kInternalDns, kInternalSubnet}) writer.u16(attribute).u16(0);
    return {PayloadType::Configuration, writer.take()};
}

OutgoingPayload encode_configuration_reply(const Configuration& configuration) {
    ByteWriter writer;
    writer.u8(static_cast<std::uint8_t>(ConfigurationPayload::Kind::Reply)).zeros(3);
    if (configuration.address) writer.u16(kInternalAddress).u16(4).u32(configuration.address->number());
    for (const auto server : configuration.dns) writer.u16(kInternalDns).u16(4).u32(server.number());
    for (const auto subnet : configuration.subnets)
        writer.u16(kInternalSubnet).u16(8).u32(subnet.network().number()).u32(subnet.mask());
    return {PayloadType::Configuration, writer.take()};
}

}  // namespace gatelab::ikev2
