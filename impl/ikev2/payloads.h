// What stands inside IKEv2 payloads (RFC 7296 sections 3.3 to 3.15).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "impl/base/bytes.h"
#include "impl/base/result.h"
#include "impl/esp/traffic_selector.h"
#include "impl/ikev2/options.h"
#include "impl/ikev2/packet.h"

namespace gatelab::ikev2 {

enum class Protocol : std::uint8_t { None = 0, Ike = 1, Ah = 2, Esp = 3 };

enum class TransformType : std::uint8_t { Encryption = 1, Prf = 2, Integrity = 3, Group = 4, SequenceNumbers = 5 };

struct Transform {
    TransformType type = TransformType::Encryption;
    std::uint16_t id = 0;
    int key_bits = 0;        // 0: no Key Length attribute
    bool understood = true;  // false: carries an attribute that we do not know, so it must not be chosen (3.3.6)
    friend bool operator==(const Transform&, const Transform&) = default;
};

struct Proposal {
    std::uint8_t number = 1;
    Protocol protocol = Protocol::Ike;
    Bytes spi;
    std::vector<Transform> transforms;
    friend bool operator==(const Proposal&, const Proposal&) = default;
};

struct KeyExchange {
    std::uint16_t group = 0;
    ByteView value;
};

struct Authentication {
    std::uint8_t method = 0;
    ByteView data;
};

struct Notification {
    Protocol protocol = Protocol::None;
    NotifyType type{};
    ByteView spi;
    ByteView data;
};

struct Deletion {
    Protocol protocol = Protocol::None;
    std::vector<std::uint32_t> spis;  // of ESP SAs; none for the IKE SA
};

// A Configuration payload: which attributes a request names, or what a reply grants.
struct ConfigurationPayload {
    enum class Kind : std::uint8_t { Request = 1, Reply = 2, Set = 3, Ack = 4 };
    Kind kind = Kind::Request;
    bool names_address = false;  // INTERNAL_IP4_ADDRESS is there, empty or not
    Configuration configuration;
};

// A parsed message. Views reach into the bytes that it was parsed from.
struct Message {
    std::optional<std::vector<Proposal>> proposals;
    std::optional<KeyExchange> key_exchange;
    std::optional<ByteView> nonce;
    std::optional<ByteView> id_initiator, id_responder;  // bodies, as the AUTH payload signs them
    std::vector<ByteView> certificates;                  // DER, in order
    std::vector<ByteView> certificate_authorities;       // 20-byte hashes
    std::optional<Authentication> authentication;
    std::vector<Notification> notifications;
    std::vector<Deletion> deletions;
    std::optional<esp::TrafficSelectors> ts_initiator, ts_responder;  // IPv4 ones; others are skipped
    std::optional<ConfigurationPayload> configuration;
    std::optional<PayloadType> unsupported_critical;  // an unknown payload with the critical bit

    const Notification* find(NotifyType) const;  // the first of that type, or nullptr
    const Notification* first_error() const;     // the first error notification, or nullptr
};

// Malformed when a payload breaks its format or stands twice where only one may.
Result<Message> parse_message(const std::vector<Payload>&);

Result<std::vector<Proposal>> parse_proposals(ByteView body);
Result<Identification> parse_identification(ByteView body);
Result<esp::TrafficSelectors> parse_traffic_selectors(ByteView body);
Result<ConfigurationPayload> parse_configuration(ByteView body);

OutgoingPayload encode_proposals(const std::vector<Proposal>&);
OutgoingPayload encode_key_exchange(std::uint16_t group, ByteView value);
OutgoingPayload encode_nonce(ByteView);
OutgoingPayload encode_identification(bool initiator, const Identification&);
OutgoingPayload encode_certificate(ByteView der);
OutgoingPayload encode_certificate_request(const std::vector<Bytes>& authority_hashes);
OutgoingPayload encode_authentication(std::uint8_t method, ByteView data);
OutgoingPayload encode_notify(NotifyType, ByteView data = {}, Protocol = Protocol::None, ByteView spi = {});
OutgoingPayload encode_delete_ike();
OutgoingPayload encode_delete_esp(const std::vector<std::uint32_t>& spis);
// The first 255 selectors, which is what the payload can count (RFC 7296 section 3.13).
OutgoingPayload encode_traffic_selectors(bool initiator, const esp::TrafficSelectors&);
OutgoingPayload encode_configuration_request();
OutgoingPayload encode_configuration_reply(const Configuration&);

}  // namespace gatelab::ikev2
