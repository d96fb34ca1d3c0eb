// Groups that were guessed wrong.
#include <fmt/format.h>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

constexpr auto kGuessed = "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384";
constexpr auto kWanted = "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_256";

topologies::Topology with_wrong_guess(const Pair& pair) {
    auto topology = remote_access(pair);
    client_of(topology).ike_policy = {kGuessed, kWanted};
    gateway_of(topology).ike_policy = {kWanted};
    return topology;
}

void retries_with_named_group(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    context.expect_equal("the IKE SA's suite", kWanted, context.client().status().ike_suite);
    const auto requests = wire.count([](const WirePacket& packet) { return packet.is_ike(kIkeSaInit, false); });
    context.expect(requests == 2, "the client sends IKE_SA_INIT twice, with one group and then the other",
                   times(requests));
    context.expect_traffic("alice", "app1");
}

}  // namespace

std::vector<Case> negotiating() {
    return {
        {.id = "retries-with-the-group-that-the-gateway-wants",
         .requirements = {"RFC7296-1.2-INVALID-KE", "RFC7296-2.7-PROPOSALS"},
         .sentence = "A client that guessed a group which the gateway does not take tries again with one that it does.",
         .topology = with_wrong_guess,
         .check = retries_with_named_group}};
}

}  // namespace gatelab::conformance::families
