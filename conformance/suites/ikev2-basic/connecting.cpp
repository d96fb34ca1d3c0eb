// A remote user dials, is told an address and DNS servers, and reaches the virtual network.
#include <fmt/format.h>

#include <algorithm>

#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace topologies;

constexpr auto kKey = "correct horse battery staple";

void connects(Context& context) {
    if (!context.connect()) return;
    context.expect_traffic("alice", "app1");
    context.expect_traffic("app1", "alice");
}

// One exchange of each kind, no more: nothing was lost and nothing had to be guessed again.
void connects_with_two_exchanges(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    const auto requests = [&](std::uint8_t exchange) {
        return wire.count([&](const WirePacket& packet) { return packet.is_ike(exchange, false); });
    };
    context.expect(requests(kIkeSaInit) == 1 && requests(kIkeAuth) == 1,
                   "one IKE_SA_INIT and one IKE_AUTH request set the tunnel up",
                   fmt::format("{} IKE_SA_INIT, {} IKE_AUTH", requests(kIkeSaInit), requests(kIkeAuth)));
    context.expect_traffic("alice", "app1");
    context.expect_traffic("app1", "alice");
}

Topology with_ecdsa(const Pair& pair) {
    auto topology = remote_access(pair);
    for (auto& spec : topology.certificates) spec.key = {KeySpec::Kind::Ecdsa, spec.issuer.empty() ? 384 : 256};
    return topology;
}

Topology with_key(const Pair& pair) {
    auto topology = remote_access(pair);
    use_pre_shared_key(topology, kKey, kKey);
    return topology;
}

Topology with_key_behind_nat(const Pair& pair) {
    auto topology = remote_access_behind_nat(pair);
    use_pre_shared_key(topology, kKey, kKey);
    return topology;
}

void assigns_address_and_dns(Context& context) {
    if (!context.connect()) return;
    const auto status = context.client().status();
    context.expect(kPool.contains(status.inner_address), fmt::format("the address is of the pool {}", to_string(kPool)),
                   to_string(status.inner_address));
    const bool told = std::find(status.dns.begin(), status.dns.end(), kDnsAddress) != status.dns.end();
    context.expect(told && status.dns.size() == 1, fmt::format("the DNS server is {}", to_string(kDnsAddress)),
                   status.dns.empty() ? "none" : to_string(status.dns.front()));
}

void two_users(Context& context) {
    if (!context.connect("alice") || !context.connect("bob")) return;
    const auto alice = context.client("alice").status().inner_address;
    const auto bob = context.client("bob").status().inner_address;
    context.expect(alice != bob, "the two users have different addresses",
                   fmt::format("{} and {}", to_string(alice), to_string(bob)));
    context.expect_sessions(2);
    context.expect_traffic("alice", "app1");
    context.expect_traffic("bob", "app1");
    context.expect_traffic("app1", "alice");
    context.expect_traffic("app1", "bob");
}

void users_talk(Context& context) {
    if (!context.connect("alice") || !context.connect("bob")) return;
    context.expect_traffic("alice", "bob");
    context.expect_traffic("bob", "alice");
}

void frees_address(Context& context) {
    if (!context.connect()) return;
    const auto first = context.client().status().inner_address;
    context.client().disconnect();
    context.scenario().run_until([&] { return context.gateway().sessions().empty(); }, std::chrono::seconds(3));
    context.scenario().run_for(std::chrono::milliseconds(200));
    if (!context.connect()) return;
    const auto second = context.client().status().inner_address;
    context.expect(kPool.contains(first) && kPool.contains(second), "both connections get an address of the pool",
                   fmt::format("{}, then {}", to_string(first), to_string(second)));
    context.expect_sessions(1);
    context.expect_traffic("alice", "app1");
}

}  // namespace

std::vector<Case> connecting() {
    return {
        {.id = "connects-with-rsa-certificate",
         .requirements = {"RFC7296-1.2-INITIAL", "RFC7296-2.15-CERTIFICATE", "P2S-CERT-09", "P2S-RT-01"},
         .sentence = "A user with an RSA certificate connects in two exchanges and reaches the virtual network.",
         .needs = {{Side::Gateway, Feature::FirstGroup}},
         .topology = remote_access,
         .check = connects_with_two_exchanges,
         .in_real_time_too = true},
        {.id = "connects-with-rsa-certificate-behind-nat",
         .requirements = {"RFC7296-1.2-INITIAL", "RFC7296-2.15-CERTIFICATE", "RFC7296-2.23-NAT-DETECTION"},
         .sentence = "A user behind a NAT connects with an RSA certificate and reaches the virtual network.",
         .topology = remote_access_behind_nat,
         .check = connects},
        {.id = "connects-with-ecdsa-certificate",
         .requirements = {"RFC7296-2.15-CERTIFICATE", "RFC7427-3-SIGNATURE"},
         .sentence = "User and gateway prove who they are with ECDSA certificates.",
         .topology = with_ecdsa,
         .check = connects},
        {.id = "connects-with-pre-shared-key",
         .requirements = {"RFC7296-2.15-PSK"},
         .sentence = "User and gateway prove who they are with a key that they share.",
         .needs = {{Side::Gateway, Feature::FirstGroup}},
         .topology = with_key,
         .check = connects_with_two_exchanges},
        {.id = "connects-with-pre-shared-key-behind-nat",
         .requirements = {"RFC7296-2.15-PSK", "RFC7296-2.23-NAT-DETECTION"},
         .sentence = "A user behind a NAT connects with a shared key.",
         .topology = with_key_behind_nat,
         .check = connects},
        {.id = "assigns-address-and-dns",
         .requirements = {"RFC7296-2.19-ADDRESS", "P2S-FAQ-12", "P2S-FAQ-13"},
         .sentence = "The client gets an address of the pool and the DNS servers of the virtual network.",
         .topology = remote_access,
         .check = assigns_address_and_dns},
        {.id = "serves-two-users-behind-one-nat",
         .requirements = {"RFC3948-3-TWO-USERS", "RFC7296-2.19-ADDRESS", "P2S-FAQ-12"},
         .sentence = "Two users behind one NAT have a tunnel each, and neither disturbs the other.",
         .topology = remote_access_behind_nat,
         .check = two_users},
        {.id = "lets-two-users-talk",
         .requirements = {"P2S-RT-13"},
         .sentence = "Two users of one gateway reach each other through their tunnels.",
         .needs = {{Side::Both, Feature::ManySelectors}},
         .topology = remote_access_behind_nat,
         .check = users_talk},
        {.id = "connects-again-after-hanging-up",
         .requirements = {"RFC7296-1.2-INITIAL", "RFC7296-1.4.1-DELETE", "P2S-FAQ-12"},
         .sentence = "A user who hung up can connect again and is the gateway's only session.",
         .topology = remote_access,
         .check = frees_address},
    };
}

}  // namespace gatelab::conformance::families
