// IKEv2 messages as bytes: the header and the chain of payloads (RFC 7296 sections 3.1 and 3.2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/bytes.h"
#include "impl/base/result.h"

namespace gatelab::ikev2 {

enum class ExchangeType : std::uint8_t { IkeSaInit = 34, IkeAuth = 35, CreateChildSa = 36, Informational = 37 };

enum class PayloadType : std::uint8_t {
    None = 0,
    SecurityAssociation = 33,
    KeyExchange = 34,
    IdentificationInitiator = 35,
    IdentificationResponder = 36,
    Certificate = 37,
    CertificateRequest = 38,
    Authentication = 39,
    Nonce = 40,
    Notify = 41,
    Delete = 42,
    VendorId = 43,
    TrafficSelectorInitiator = 44,
    TrafficSelectorResponder = 45,
    Encrypted = 46,
    Configuration = 47,
    Eap = 48,
};

enum class NotifyType : std::uint16_t {
    UnsupportedCriticalPayload = 1,
    InvalidIkeSpi = 4,
    InvalidMajorVersion = 5,
    InvalidSyntax = 7,
    InvalidMessageId = 9,
    InvalidSpi = 11,
    NoProposalChosen = 14,
    InvalidKePayload = 17,
    AuthenticationFailed = 24,
    SinglePairRequired = 34,
    NoAdditionalSas = 35,
    InternalAddressFailure = 36,
    FailedCpRequired = 37,
    TsUnacceptable = 38,
    InvalidSelectors = 39,
    TemporaryFailure = 43,
    ChildSaNotFound = 44,
    InitialContact = 16384,
    SetWindowSize = 16385,
    AdditionalTsPossible = 16386,
    IpcompSupported = 16387,
    NatDetectionSourceIp = 16388,
    NatDetectionDestinationIp = 16389,
    Cookie = 16390,
    UseTransportMode = 16391,
    HttpCertLookupSupported = 16392,
    RekeySa = 16393,
    EspTfcPaddingNotSupported = 16394,
    NonFirstFragmentsAlso = 16395,
    MobikeSupported = 16396,
    SignatureHashAlgorithms = 16431,
};

constexpr bool is_error(NotifyType type) { return static_cast<std::uint16_t>(type) < 16384; }

std::string name_of(ExchangeType);  // "IKE_SA_INIT"; "exchange 99" for one that RFC 7296 does not know
std::string name_of(NotifyType);    // "NO_PROPOSAL_CHOSEN"; "40000" for one that we do not know

// The fixed header (RFC 7296 section 3.1).
//
//    0               1               2               3
//   |              IKE SA initiator's SPI (8)                       |
//   |              IKE SA responder's SPI (8)                       |
//   | next payload  | major | minor | exchange type | x x R V I x x x |
//   |                          message id                           |
//   |                            length                             |
struct Header {
    static constexpr std::size_t kSize = 28;
    static constexpr std::uint8_t kVersion = 0x20;

    std::uint64_t spi_i = 0, spi_r = 0;
    PayloadType next = PayloadType::None;
    std::uint8_t version = kVersion;
    ExchangeType exchange = ExchangeType::IkeSaInit;
    bool from_initiator = false;  // of the IKE SA, not of the exchange
    bool response = false;
    std::uint32_t message_id = 0;
    std::uint32_t length = 0;

    int major_version() const { return version >> 4; }
};

// Malformed or Truncated unless the Length field is the datagram's size. Judges neither version nor exchange type, so
// that the caller can answer a wrong one; reserved flags are ignored (RFC 7296 section 3.1).
Result<Header> parse_header(ByteView datagram);

// One payload, as a view into the message.
struct Payload {
    PayloadType type = PayloadType::None;
    bool critical = false;
    PayloadType next = PayloadType::None;  // of an Encrypted payload: the type of the first payload inside
    ByteView body;                         // without the generic header
};

// The chain of payloads that starts with one of type `first`. An Encrypted payload ends the chain and must end the
// bytes.
Result<std::vector<Payload>> parse_payloads(PayloadType first, ByteView bytes);

// One payload to send.
struct OutgoingPayload {
    PayloadType type;
    Bytes body;
};
using OutgoingPayloads = std::vector<OutgoingPayload>;

Bytes encode_payloads(const OutgoingPayloads&);         // the chain alone
Bytes encode_message(Header, const OutgoingPayloads&);  // in clear; fills in `next` and `length`
void encode_header(ByteWriter&, const Header&);

// "SA KE No N(NAT_DETECTION_SOURCE_IP)": how a message reads in a trace.
std::string describe(const std::vector<Payload>&);
std::string describe(const OutgoingPayloads&);

}  // namespace gatelab::ikev2
