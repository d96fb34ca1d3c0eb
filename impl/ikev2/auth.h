// Who the two ends are, and how each proves it (RFC 7296 section 2.15, RFC 4754, RFC 7427).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "impl/ikev2/options.h"
#include "impl/ikev2/payloads.h"

namespace gatelab::ikev2 {

// IANA's "IKEv2 Authentication Method" numbers.
enum class AuthMethod : std::uint8_t {
    RsaSignature = 1,
    SharedKey = 2,
    EcdsaSha256 = 9,
    EcdsaSha384 = 10,
    DigitalSignature = 14,  // RFC 7427
};

// A set of IANA's "IKEv2 Hash Algorithms": what a peer verifies in RFC 7427 signatures.
class SignatureHashes {
public:
    static Bytes encode_ours();                          // the SIGNATURE_HASH_ALGORITHMS data that we send
    static SignatureHashes parse(ByteView notify_data);  // numbers that we do not know are left out
    bool empty() const { return known_.empty(); }
    bool has(crypto::Hash) const;

private:
    std::vector<crypto::Hash> known_;
};

// What one side signs: its first message as it was sent, the other side's nonce, and its identity under SK_p.
struct SignedOctets {
    ByteView first_message;
    ByteView peer_nonce;
    ByteView id_body;  // of the ID payload
    Prf prf;
    ByteView sk_p;  // SK_pi of the initiator, SK_pr of the responder
};

struct Proof {
    AuthMethod method;
    Bytes data;
};

// Our AUTH. `peer_hashes` says what the peer announced; empty makes us use the classic methods.
Proof make_proof(const Credential&, const SignedOctets&, const SignatureHashes& peer_hashes);

// What the peer showed in IKE_AUTH.
struct Claim {
    Identification identification;
    std::vector<crypto::Certificate> certificates;  // the first one signs
    Authentication authentication;
};

// Unauthentic, with a sentence why, unless the claim holds under `accepted`: the method is allowed, the signature or
// MAC fits, the certificate leads to a root at `now`, permits `purpose` and bears the identification, and the
// identification is among the accepted ones.
Result<void> check_claim(const Claim&, const PeerAuthentication& accepted, const SignedOctets&, crypto::Purpose,
                         Instant now);

// Whether a certificate names that identity: FQDN, mail address and IP address in subjectAltName, a distinguished name
// as the subject. A certificate without any DNS name bears its common name as an FQDN.
bool bears(const crypto::Certificate&, const Identification&);

// SHA-1 hashes of the roots' public keys, for CERTREQ (RFC 7296 section 3.7).
std::vector<Bytes> authority_hashes(const crypto::TrustStore&);

}  // namespace gatelab::ikev2
