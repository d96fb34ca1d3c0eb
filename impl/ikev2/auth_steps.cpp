#include "impl/ikev2/auth_steps.h"

namespace gatelab::ikev2::auth {
namespace {

constexpr std::size_t kMaxCertificates = 8;  // of a peer's chain; more are ignored

}  // namespace

SignedOctets octets_of_initiator(const Sa& sa, const InitRecord& init, ByteView id_body) {
    return {init.request, init.nonce_r, id_body, sa.suite.prf, sa.keys.sk_pi};
}
SignedOctets octets_of_responder(const Sa& sa, const InitRecord& init, ByteView id_body) {
    return {init.response, init.nonce_i, id_body, sa.suite.prf, sa.keys.sk_pr};
}

void add_certificates(OutgoingPayloads& payloads, const Credential& credential) {
    const auto* ours = std::get_if<CertificateCredential>(&credential);
    if (!ours) return;
    payloads.push_back(encode_certificate(ours->identity.certificate.der()));
    for (const auto& intermediate : ours->intermediates) payloads.push_back(encode_certificate(intermediate.der()));
}

OutgoingPayload encode_proof(const Proof& proof) {
    return encode_authentication(static_cast<std::uint8_t>(proof.method), proof.data);
}

Result<Claim> claim_of(const Message& message, ByteView id_body) {
    auto identification = parse_identification(id_body);
    if (!identification) return pass(identification);
    Claim claim{std::move(*identification), {}, *message.authentication};
    for (const auto der : message.certificates) {
        if (claim.certificates.size() == kMaxCertificates) break;
        auto certificate = crypto::Certificate::from_der(der);
        if (!certificate && claim.certificates.empty()) return pass(certificate);
        if (certificate) claim.certificates.push_back(std::move(*certificate));
    }
    return claim;
}

void establish(Core& core, Instant now, Sa& sa) {
    core.authenticated(sa);
    sa.told_closed = false;
    sa.last_heard = now;
    const auto& lifetimes = sa.connection->lifetimes;
    sa.rekey_at = core.rekey_time(now, lifetimes.ike);
    if (sa.nat_here && lifetimes.nat_keepalive > Duration::zero()) sa.keepalive_at = now + lifetimes.nat_keepalive;
    core.become(sa, Established{}, "authenticated");
    core.output(Engine::SaEstablished{
        sa.id, sa.connection->name, sa.initiator, sa.path, sa.peer,
        SaKeys{sa.spi_i, sa.spi_r, sa.suite, sa.keys.sk_ei, sa.keys.sk_er, sa.keys.sk_ai, sa.keys.sk_ar}, sa.nat_here,
        sa.nat_there, sa.configuration, std::nullopt});
}

}  // namespace gatelab::ikev2::auth
