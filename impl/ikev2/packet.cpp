#include "impl/ikev2/packet.h"

namespace gatelab::ikev2 {
namespace {

constexpr std::size_t kGenericHeaderSize = 4;
constexpr std::uint8_t kCriticalBit = 0x80;
constexpr std::uint8_t kInitiatorFlag = 0x08;
constexpr std::uint8_t kResponseFlag = 0x20;

std::string describe_payload(PayloadType type, ByteView body) {
    switch (type) {
        case PayloadType::None: return "None";
        case PayloadType::SecurityAssociation: return "SA";
        case PayloadType::KeyExchange: return "KE";
        case PayloadType::IdentificationInitiator: return "IDi";
        case PayloadType::IdentificationResponder: return "IDr";
        case PayloadType::Certificate: return "CERT";
        case PayloadType::CertificateRequest: return "CERTREQ";
        case PayloadType::Authentication: return "AUTH";
        case PayloadType::Nonce: return "No";
        case PayloadType::Notify: {
            ByteReader reader{body};
            reader.skip(2);
            return "N(" + name_of(static_cast<NotifyType>(reader.u16())) + ")";
        }
        case PayloadType::Delete: return "D";
        case PayloadType::VendorId: return "V";
        case PayloadType::TrafficSelectorInitiator: return "TSi";
        case PayloadType::TrafficSelectorResponder: return "TSr";
        case PayloadType::Encrypted: return "SK";
        case PayloadType::Configuration: {
            constexpr std::string_view kKinds[] = {"CP", "CP(REQUEST)", "CP(REPLY)", "CP(SET)", "CP(ACK)"};
            return std::string{kKinds[!body.empty() && body[0] <= 4 ? body[0] : 0]};
        }
        case PayloadType::Eap: return "EAP";
    }
    return "payload " + std::to_string(static_cast<int>(type));
}

template <class List>
std::string describe_all(const List& payloads) {
    std::string text;
    for (const auto& payload : payloads) {
        if (!text.empty()) text += ' ';
        text += describe_payload(payload.type, payload.body);
    }
    return text;
}

}  // namespace

std::string name_of(ExchangeType exchange) {
    switch (exchange) {
        case ExchangeType::IkeSaInit: return "IKE_SA_INIT";
        case ExchangeType::IkeAuth: return "IKE_AUTH";
        case ExchangeType::CreateChildSa: return "CREATE_CHILD_SA";
        case ExchangeType::Informational: return "INFORMATIONAL";
    }
    return "exchange " + std::to_string(static_cast<int>(exchange));
}

std::string name_of(NotifyType type) {
    switch (type) {
        case NotifyType::UnsupportedCriticalPayload: return "UNSUPPORTED_CRITICAL_PAYLOAD";
        case NotifyType::InvalidIkeSpi: return "INVALID_IKE_SPI";
        case NotifyType::InvalidMajorVersion: return "INVALID_MAJOR_VERSION";
        case NotifyType::InvalidSyntax: return "INVALID_SYNTAX";
        case NotifyType::InvalidMessageId: return "INVALID_MESSAGE_ID";
        case NotifyType::InvalidSpi: return "INVALID_SPI";
        case NotifyType::NoProposalChosen: return "NO_PROPOSAL_CHOSEN";
        case NotifyType::InvalidKePayload: return "INVALID_KE_PAYLOAD";
        case NotifyType::AuthenticationFailed: return "AUTHENTICATION_FAILED";
        case NotifyType::SinglePairRequired: return "SINGLE_PAIR_REQUIRED";
        case NotifyType::NoAdditionalSas: return "NO_ADDITIONAL_SAS";
        case NotifyType::InternalAddressFailure: return "INTERNAL_ADDRESS_FAILURE";
        case NotifyType::FailedCpRequired: return "FAILED_CP_REQUIRED";
        case NotifyType::TsUnacceptable: return "TS_UNACCEPTABLE";
        case NotifyType::InvalidSelectors: return "INVALID_SELECTORS";
        case NotifyType::TemporaryFailure: return "TEMPORARY_FAILURE";
        case NotifyType::ChildSaNotFound: return "CHILD_SA_NOT_FOUND";
        case NotifyType::InitialContact: return "INITIAL_CONTACT";
        case NotifyType::SetWindowSize: return "SET_WINDOW_SIZE";
        case NotifyType::AdditionalTsPossible: return "ADDITIONAL_TS_POSSIBLE";
        case NotifyType::IpcompSupported: return "IPCOMP_SUPPORTED";
        case NotifyType::NatDetectionSourceIp: return "NAT_DETECTION_SOURCE_IP";
        case NotifyType::NatDetectionDestinationIp: return "NAT_DETECTION_DESTINATION_IP";
        case NotifyType::Cookie: return "COOKIE";
        case NotifyType::UseTransportMode: return "USE_TRANSPORT_MODE";
        case NotifyType::HttpCertLookupSupported: return "HTTP_CERT_LOOKUP_SUPPORTED";
        case NotifyType::RekeySa: return "REKEY_SA";
        case NotifyType::EspTfcPaddingNotSupported: return "ESP_TFC_PADDING_NOT_SUPPORTED";
        case NotifyType::NonFirstFragmentsAlso: return "NON_FIRST_FRAGMENTS_ALSO";
        case NotifyType::MobikeSupported: return "MOBIKE_SUPPORTED";
        case NotifyType::SignatureHashAlgorithms: return "SIGNATURE_HASH_ALGORITHMS";
    }
    return std::to_string(static_cast<int>(type));
}

Result<Header> parse_header(ByteView datagram) {
    ByteReader reader{datagram};
    Header header;
    header.spi_i = reader.u64();
    header.spi_r = reader.u64();
    header.next = static_cast<PayloadType>(reader.u8());
    header.version = reader.u8();
    header.exchange = static_cast<ExchangeType>(reader.u8());
    const auto flags = reader.u8();
    header.from_initiator = (flags & kInitiatorFlag) != 0;
    header.response = (flags & kResponseFlag) != 0;
    header.message_id = reader.u32();
    header.length = reader.u32();
    if (!reader.ok()) return fail(Fault::Truncated, "IKE header shorter than 28 bytes");
    if (header.length != datagram.size())
        return fail(Fault::Malformed, "IKE Length " + std::to_string(header.length) + " in a datagram of " +
                                          std::to_string(datagram.size()) + " bytes");
    if (header.spi_i == 0) return fail(Fault::Malformed, "IKE initiator's SPI is zero");
    return header;
}

Result<std::vector<Payload>> parse_payloads(PayloadType first, ByteView bytes) {
    ByteReader reader{bytes};
    std::vector<Payload> payloads;
    for (auto type = first; type != PayloadType::None;) {
        Payload payload;
        payload.type = type;
        payload.next = static_cast<PayloadType>(reader.u8());
        payload.critical = (reader.u8() & kCriticalBit) != 0;
        const std::size_t length = reader.u16();
        if (!reader.ok()) return fail(Fault::Truncated, "payload header cut short");
        if (length < kGenericHeaderSize) return fail(Fault::Malformed, "payload length below 4");
        payload.body = reader.bytes(length - kGenericHeaderSize);
        if (!reader.ok()) return fail(Fault::Truncated, "payload longer than its message");
        payloads.push_back(payload);
        if (type == PayloadType::Encrypted) break;  // its next payload is inside it (RFC 7296 section 3.14)
        type = payload.next;
    }
    if (!reader.finished()) return fail(Fault::Malformed, "bytes after the last payload");
    return payloads;
}

Bytes encode_payloads(const OutgoingPayloads& payloads) {
    ByteWriter writer;
    for (std::size_t i = 0; i < payloads.size(); ++i) {
        const auto next = i + 1 < payloads.size() ? payloads[i + 1].type : PayloadType::None;
        writer.u8(static_cast<std::uint8_t>(next)).u8(0);
        writer.u16(static_cast<std::uint16_t>(payloads[i].body.size() + kGenericHeaderSize));
        writer.bytes(payloads[i].body);
    }
    return writer.take();
}

void encode_header(ByteWriter& writer, const Header& header) {
    writer.u64(header.spi_i).u64(header.spi_r);
    writer.u8(static_cast<std::uint8_t>(header.next)).u8(header.version);
    writer.u8(static_cast<std::uint8_t>(header.exchange));
    writer.u8((header.from_initiator ? kInitiatorFlag : 0) | (header.response ? kResponseFlag : 0));
    writer.u32(header.message_id).u32(header.length);
}

Bytes encode_message(Header header, const OutgoingPayloads& payloads) {
    const Bytes chain = encode_payloads(payloads);
    header.next = payloads.empty() ? PayloadType::None : payloads.front().type;
    header.length = static_cast<std::uint32_t>(Header::kSize + chain.size());
    ByteWriter writer;
    encode_header(writer, header);
    writer.bytes(chain);
    return writer.take();
}

std::string describe(const std::vector<Payload>& payloads) { return describe_all(payloads); }
std::string describe(const OutgoingPayloads& payloads) { return describe_all(payloads); }

}  // namespace gatelab::ikev2
