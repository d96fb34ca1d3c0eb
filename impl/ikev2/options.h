// What the owner of an IKEv2 engine decides.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/bytes.h"
#include "impl/base/time.h"
#include "impl/crypto/certificates.h"
#include "impl/esp/traffic_selector.h"
#include "impl/ikev2/policy.h"

namespace gatelab::ikev2 {

// An ID payload (RFC 7296 section 3.5).
struct Identification {
    enum class Type : std::uint8_t { Ipv4Address = 1, Fqdn = 2, Rfc822Address = 3, DerAsn1Dn = 9, KeyId = 11 };
    Type type = Type::Fqdn;
    Bytes data;
    static Identification fqdn(std::string_view);
    static Identification email(std::string_view);
    static Identification address(Ipv4Address);
    static Identification distinguished_name(ByteView encoded_name);  // a DER Name, such as Certificate::subject_der()
    friend auto operator<=>(const Identification&, const Identification&) = default;
};
std::string to_string(const Identification&);  // "gw.example.com", "CN=alice"

struct PreSharedKey {
    Bytes secret;
};
struct CertificateCredential {
    crypto::Identity identity;
    std::vector<crypto::Certificate> intermediates;
};
// How we prove who we are.
using Credential = std::variant<PreSharedKey, CertificateCredential>;

// How the peer proves who it is.
struct PeerAuthentication {
    std::optional<PreSharedKey> pre_shared_key;   // accepted when set
    std::optional<crypto::TrustStore> roots;      // certificates accepted when set
    std::vector<Identification> identifications;  // accepted ones; empty: any that the certificate bears
};

// When a request is repeated, and when we give up (RFC 7296 section 2.1): first after `first`, then `first` * base^n.
struct Retransmission {
    Duration first = std::chrono::milliseconds(500);
    double base = 1.8;
    int attempts = 5;  // repetitions before giving up
};

// Rekeys come up to a tenth sooner, at random, so that two ends seldom start at once (RFC 7296 section 2.8).
struct Lifetimes {
    Duration ike = std::chrono::hours(8);               // rekey the IKE SA at this age; zero: never
    Duration child = std::chrono::hours(1);             // rekey a child SA at this age; zero: never
    Duration liveness = std::chrono::seconds(30);       // check a peer that was silent for so long; zero: never
    Duration nat_keepalive = std::chrono::seconds(20);  // RFC 3948 section 4; zero: never
};

// Everything about one kind of peer.
struct Connection {
    std::string name;
    Identification local_identification;
    Credential credential;
    PeerAuthentication peer;
    std::vector<IkeSuite> ike_policy = p2s_ike_policy();
    std::vector<ChildSuite> child_policy = p2s_ipsec_policy();
    esp::TrafficSelectors local;     // offered or accepted on our side; as initiator replaced by an assigned address
    esp::TrafficSelectors remote;    // on the peer's side; as responder replaced by the address that the owner grants
    bool request_address = false;    // initiator: ask for an inner address by CFG_REQUEST (RFC 7296 section 2.19)
    bool digital_signatures = true;  // offer RFC 7427 signatures; without, the classic methods of RFC 7296 and RFC 4754
    // Initiator: say that this SA is the only one between these two identities (RFC 7296 section 2.4), so that the peer
    // drops older ones. Off, because one certificate may be in use on several machines.
    bool initial_contact = false;
    Retransmission retransmission;
    Lifetimes lifetimes;
};

// What a whole engine will bear, against floods (RFC 7296 section 2.6).
struct Limits {
    std::size_t half_open_before_cookies = 32;  // so many unauthenticated peers, and further ones must return a cookie
    std::size_t half_open = 1024;               // never more than so many; further IKE_SA_INIT requests are dropped
    Duration half_open_life = std::chrono::seconds(30);  // how long an unauthenticated peer is remembered
};

// What a CFG_REPLY grants (RFC 7296 section 3.15).
struct Configuration {
    std::optional<Ipv4Address> address;
    std::vector<Ipv4Address> dns;
    std::vector<Prefix> subnets;
};

}  // namespace gatelab::ikev2
