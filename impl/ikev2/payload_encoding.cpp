#include <algorithm>

#include "impl/ikev2/payload_numbers.h"
#include "impl/ikev2/payloads.h"

namespace gatelab::ikev2 {
namespace {

constexpr std::uint16_t kTsIpv4Size = 16;
constexpr std::size_t kMaxSelectors = 255;

}  // namespace

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
