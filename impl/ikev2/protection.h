// The Encrypted payload: what protects every message after IKE_SA_INIT (RFC 7296 section 3.14, RFC 5282).
#pragma once

#include <cstdint>
#include <optional>

#include "impl/base/random.h"
#include "impl/ikev2/keys.h"
#include "impl/ikev2/packet.h"
#include "impl/ikev2/policy.h"

namespace gatelab::ikev2 {

// The keys of one IKE SA at one of its ends.
class Protection {
public:
    // `initiator`: whether we initiated this IKE SA, and so send under SK_ei and SK_ai.
    Protection(const IkeSuite&, const IkeKeys&, bool initiator);

    // A whole message with one Encrypted payload. Takes fresh IVs from `random` for AES-CBC, from a counter for AES-GCM
    // (RFC 5282 section 3.1: an IV must never repeat under one key).
    Bytes seal(Header, const OutgoingPayloads&, Random& random);

    struct Opened {
        PayloadType first = PayloadType::None;
        Bytes payloads;  // the chain inside
    };
    // Opens a message whose header is `header`. Unauthentic when the integrity check fails; Malformed when what stands
    // around the encrypted bytes cannot be right.
    Result<Opened> open(const Header& header, ByteView message) const;

private:
    void encrypt(ByteView head, ByteView plaintext, ByteWriter& writer, Random& random);
    Result<Bytes> decrypt(ByteView head, ByteView body) const;
    std::size_t iv_size() const;
    std::size_t icv_size() const;

    IkeSuite suite_;
    Bytes encryption_out_, integrity_out_, encryption_in_, integrity_in_;
    std::uint64_t sealed_ = 0;
};

}  // namespace gatelab::ikev2
