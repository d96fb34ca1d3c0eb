// Who must not get in, and what must be told about it.
#include <fmt/format.h>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;
using namespace topologies;

constexpr Instant kLastYear = instant_from_unix(1764547200);     // 2025-12-01: before the epoch of every topology here
constexpr Instant kNextCentury = instant_from_unix(4102444800);  // 2100-01-01
const std::string kServer = "vpn.gatelab.example";

Topology with_wrong_key(const Pair& pair) {
    auto topology = remote_access(pair);
    use_pre_shared_key(topology, "what alice was told", "what the gateway knows");
    return topology;
}

Topology with_expired_client(const Pair& pair) {
    auto topology = remote_access(pair);
    certificate_of(topology, "alice").not_after = kLastYear;
    return topology;
}

Topology with_early_client(const Pair& pair) {
    auto topology = remote_access(pair);
    auto& spec = certificate_of(topology, "alice");
    spec.not_before = kNextCentury;
    spec.not_after = kNextCentury + 24h;
    return topology;
}

Topology with_stranger(const Pair& pair) {
    auto topology = remote_access(pair);
    CertificateSpec other;
    other.name = "OtherRootCert";
    topology.certificates.push_back(other);
    certificate_of(topology, "alice").issuer = other.name;
    return topology;
}

Topology with_expired_gateway(const Pair& pair) {
    auto topology = remote_access(pair);
    certificate_of(topology, kServer).not_after = kLastYear;
    return topology;
}

void is_refused(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.expect_refusal({"authentication-failed"}, 10s)) return;
    context.scenario().run_for(500ms);
    context.expect_sessions(0);
    const auto carried = wire.count([](const WirePacket& packet) { return packet.is_esp(); });
    context.expect(carried == 0, "no ESP packet is sent", fmt::format("{}", carried));
}

Case refusal(std::string id, std::vector<std::string> requirements, std::string sentence,
             Topology (*topology)(const Pair&), std::vector<Need> needs = {}) {
    return {.id = std::move(id),
            .requirements = std::move(requirements),
            .sentence = std::move(sentence),
            .needs = std::move(needs),
            .topology = topology,
            .check = is_refused};
}

}  // namespace

std::vector<Case> refusing() {
    const std::string failed = "RFC7296-2.21.2-AUTHENTICATION-FAILED";
    return {
        refusal("refuses-wrong-pre-shared-key", {failed, "RFC7296-2.15-PSK"},
                "A user with the wrong key is refused with AUTHENTICATION_FAILED.", with_wrong_key),
        refusal("refuses-expired-client-certificate", {failed, "RFC7296-2.15-CERTIFICATE", "P2S-CERT-06"},
                "A user whose certificate has expired is refused with AUTHENTICATION_FAILED.", with_expired_client,
                {{Side::Client, Feature::AnyCertificate}}),
        refusal("refuses-client-certificate-that-is-not-yet-valid", {failed, "P2S-CERT-06"},
                "A user whose certificate is not valid yet is refused with AUTHENTICATION_FAILED.", with_early_client,
                {{Side::Client, Feature::AnyCertificate}}),
        refusal("refuses-client-of-another-root", {failed, "P2S-CERT-03", "P2S-CERT-06"},
                "A user whose certificate comes from a root that was not uploaded is refused.", with_stranger),
        refusal("refuses-expired-gateway-certificate", {failed, "RFC7296-2.15-CERTIFICATE", "P2S-CERT-17"},
                "A client hangs up on a gateway whose certificate has expired.", with_expired_gateway,
                {{Side::Gateway, Feature::AnyCertificate}}),
    };
}

}  // namespace gatelab::conformance::families
