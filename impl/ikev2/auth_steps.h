// What both sides of IKE_AUTH do alike.
#pragma once

#include "impl/ikev2/auth.h"
#include "impl/ikev2/core.h"

namespace gatelab::ikev2::auth {

// What each side signs; `id_body` is the body of its own ID payload.
SignedOctets octets_of_initiator(const Sa&, const InitRecord&, ByteView id_body);
SignedOctets octets_of_responder(const Sa&, const InitRecord&, ByteView id_body);

void add_certificates(OutgoingPayloads&, const Credential&);  // our chain, the signing certificate first
OutgoingPayload encode_proof(const Proof&);

// The peer's identity and proof as they stand in its message. Certificates that do not parse count as not sent, the
// signing one excepted.
Result<Claim> claim_of(const Message&, ByteView id_body);

// Both ends are authentic: the SA stands, and the owner hears of it.
void establish(Core&, Instant now, Sa&);

}  // namespace gatelab::ikev2::auth
