// What Azure's default tables do not list.
#include <fmt/format.h>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

const std::string kNoProposal = "no-proposal-chosen";

void refuses(Context& context) {
    if (!context.expect_refusal({kNoProposal}, 10s)) return;
    context.scenario().run_for(300ms);
    context.expect_sessions(0);
}

// What the last CREATE_CHILD_SA response holds, as whichever side is ours told it.
std::string payloads_of_answer(Context& context) {
    std::string payloads;
    for (const auto& event : context.scenario().events()) {
        const auto* response = find(event.attributes, "response");
        if (text_of(event.attributes, "exchange") == "CREATE_CHILD_SA" && response && *response == AttributeValue{true})
            payloads = text_of(event.attributes, "payloads");
    }
    return payloads;
}

// The first child names no group, so a group that the table does not pair with the rest shows when the child is
// rekeyed.
void refuses_rekeying(Context& context) {
    if (!context.connect()) return;
    context.expect_traffic("alice", "app1", 1);
    context.client().rekey_child();
    context.scenario().run_for(2s);
    context.expect(context.client().status().child_rekeys == 0, "the child SA is not rekeyed",
                   fmt::format("{}, now {}", times(context.client().status().child_rekeys),
                               context.client().status().child_suite));
    const auto answer = payloads_of_answer(context);
    context.expect(answer.find("NO_PROPOSAL_CHOSEN") != std::string::npos, "the answer is NO_PROPOSAL_CHOSEN",
                   answer.empty() ? "there is none" : answer);
    // RFC 7296 section 2.21.3: a CREATE_CHILD_SA that fails leaves everything else as it was.
    context.expect_up();
    context.expect_traffic("alice", "app1", 1);
}

Case ike_refusal(std::string id, std::string what, std::string row) {
    return {.id = "refuses-ike-" + std::move(id),
            .requirements = {"P2S-IKE-01-REFUSED", "RFC7296-2.7-PROPOSALS"},
            .sentence = fmt::format("For the IKE SA, {} is refused with NO_PROPOSAL_CHOSEN.", what),
            .topology =
                [row](const Pair& pair) {
                    auto topology = remote_access(pair);
                    client_of(topology).ike_policy = {row};
                    return topology;
                },
            .check = refuses};
}

Case ipsec_refusal(std::string id, std::string what, std::string row, void (*check)(Context&)) {
    return {.id = "refuses-ipsec-" + std::move(id),
            .requirements = {"P2S-IKE-02-REFUSED", "RFC7296-2.7-PROPOSALS"},
            .sentence = fmt::format("For the child SA, {} is refused with NO_PROPOSAL_CHOSEN.", what),
            .topology =
                [row](const Pair& pair) {
                    auto topology = remote_access(pair);
                    client_of(topology).ipsec_policy = {row};
                    return topology;
                },
            .check = check};
}

}  // namespace

std::vector<Case> policy_refusals() {
    return {
        ike_refusal("group-2-with-gcm-sha384", "group 2 with AES-GCM and SHA-384",
                    "AES_GCM_16-256/PRF_HMAC_SHA2_384/MODP_1024"),
        ike_refusal("group-2-with-gcm-sha256", "group 2 with AES-GCM and SHA-256",
                    "AES_GCM_16-256/PRF_HMAC_SHA2_256/MODP_1024"),
        ike_refusal("group-2-with-cbc-sha384", "group 2 with AES-CBC and SHA-384",
                    "AES_CBC-256/HMAC_SHA2_384_192/PRF_HMAC_SHA2_384/MODP_1024"),
        ike_refusal("aes-128-gcm", "AES-128 in GCM", "AES_GCM_16-128/PRF_HMAC_SHA2_256/ECP_256"),
        ike_refusal("aes-128-cbc", "AES-128 in CBC", "AES_CBC-128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256"),
        ike_refusal("3des", "3DES", "3DES_CBC/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048"),
        ike_refusal("sha1", "SHA-1", "AES_CBC-256/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_2048"),
        ike_refusal("sha512", "SHA-512", "AES_CBC-256/HMAC_SHA2_512_256/PRF_HMAC_SHA2_512/ECP_384"),
        ike_refusal("mixed-hashes", "an integrity of SHA-384 with a PRF of SHA-256",
                    "AES_CBC-256/HMAC_SHA2_384_192/PRF_HMAC_SHA2_256/ECP_384"),
        ipsec_refusal("aes-128-gcm", "AES-128 in GCM", "AES_GCM_16-128", refuses),
        ipsec_refusal("aes-128-cbc", "AES-128 in CBC", "AES_CBC-128/HMAC_SHA2_256_128", refuses),
        ipsec_refusal("sha384", "SHA-384", "AES_CBC-256/HMAC_SHA2_384_192", refuses),
        ipsec_refusal("sha1-with-pfs", "SHA-1 with a PFS group", "AES_CBC-256/HMAC_SHA1_96/ECP_384", refuses_rekeying),
        ipsec_refusal("group-2-for-pfs", "group 2 for PFS", "AES_GCM_16-256/MODP_1024", refuses_rekeying),
    };
}

}  // namespace gatelab::conformance::families
