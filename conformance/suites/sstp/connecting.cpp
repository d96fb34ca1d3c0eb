// A remote user's SSTP tunnel comes up: what is said, in which order, and what is agreed on.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "conformance/suites/sstp/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace sstp_steps;
using namespace topologies;
using namespace std::chrono_literals;

Topology with_authentication(const Pair& pair, std::vector<std::string> methods) {
    auto topology = sstp_access(pair);
    gateway_of(topology).sstp.authentication = std::move(methods);
    return topology;
}

Topology with_hashes(const Pair& pair, std::vector<std::string> hashes) {
    auto topology = sstp_access(pair);
    gateway_of(topology).sstp.hashes = std::move(hashes);
    return topology;
}

Case agrees(std::string id, std::vector<std::string> requirements, std::string sentence,
            std::function<Topology(const Pair&)> topology, std::string authentication, std::string hash) {
    return {.id = std::move(id),
            .requirements = std::move(requirements),
            .sentence = std::move(sentence),
            .topology = std::move(topology),
            .check = [=](Context& context) {
                if (!connects(context)) return;
                expect_agreed(context, authentication, hash);
                context.expect_equal("the tunnel's protocol", "sstp", context.client().status().protocol);
            }};
}

// --- what is said ---

void asks_by_https(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!connects(context)) return;
    const auto other = wire.count([](const WirePacket& packet) { return packet.kind != PacketKind::Stream; });
    context.expect(other == 0, "nothing leaves or reaches the client but TCP of port 443",
                   fmt::format("{} other packets", other));
    const auto tls = events_of_gateway(context, "sstp", "tls-established");
    context.expect(tls.size() == 1 && text_of(tls[0].attributes, "version") == "TLSv1.2",
                   "there is one connection of TLS 1.2",
                   tls.empty() ? "none" : text_of(tls.back().attributes, "version"));
    const auto asked = events_of_gateway(context, "sstp", "http-request-received");
    const auto said = asked.empty()
                          ? std::string{"nothing"}
                          : text_of(asked[0].attributes, "method") + " " + text_of(asked[0].attributes, "target");
    context.expect_equal("the request", "SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/", said);
    const auto answered = events_of_gateway(context, "sstp", "http-answer-sent");
    const auto* status = answered.empty() ? nullptr : find(answered[0].attributes, "status");
    context.expect(status && std::get<std::int64_t>(*status) == 200, "it is answered by 200",
                   status ? std::to_string(std::get<std::int64_t>(*status)) : "nothing");
}

// "received call-connect-request/14": the gateway's view of what was said, without PPP's own messages.
std::vector<std::string> said_at_gateway(Context& context) {
    std::vector<std::string> all;
    for (const auto& one : context.scenario().events()) {
        const auto type = text_of(one.attributes, "type");
        if (one.node != "gateway" || type.empty() || (one.event != kSent && one.event != kReceived)) continue;
        const auto* size = find(one.attributes, "size");
        all.push_back(fmt::format("{} {}/{}", one.event == kSent ? "sent" : "received", type,
                                  size ? std::get<std::int64_t>(*size) : 0));
    }
    return all;
}

void keeps_to_messages(Context& context) {
    if (!connects(context)) return;
    context.expect_equal("what the gateway heard and said",
                         "received call-connect-request/14, sent call-connect-ack/48, received call-connected/112",
                         fmt::format("{}", fmt::join(said_at_gateway(context), ", ")));
}

void walks_through_states(Context& context) {
    if (!connects(context)) return;
    std::vector<std::string> states;
    for (const auto& one : events_of_gateway(context, "sstp", "state-changed"))
        if (const auto to = text_of(one.attributes, "to");
            to.starts_with("server-call") || to.starts_with("server-con"))
            states.push_back(to);
    context.expect_equal("the gateway's states",
                         "server-connect-request-pending, server-call-connected-pending, server-call-connected",
                         fmt::format("{}", fmt::join(states, ", ")));
}

// The client's authentication is through before it may bind it to TLS, and no packet is routed before it has.
void binds_before_it_routes(Context& context) {
    if (!connects(context)) return;
    std::optional<Duration> granted, bound, opened;
    for (const auto& one : context.scenario().events()) {
        if (one.node != "gateway") continue;
        if (one.event == kSent && text_of(one.attributes, "message") == "success" && !granted) granted = one.t;
        if (one.event == "crypto-binding-verified" && !bound) bound = one.t;
        if (one.event == "session-opened" && !opened) opened = one.t;
    }
    const auto text = [](const std::optional<Duration>& at) {
        return at ? fmt::format("{:.4f} s", seconds(*at)) : std::string{"never"};
    };
    context.expect(granted && bound && opened && *granted <= *bound && *bound <= *opened,
                   "the password is right before the crypto binding is verified, and the session opens after it",
                   fmt::format("{}, {}, {}", text(granted), text(bound), text(opened)));
}

// --- what is handed out ---

void hands_out_settings(Context& context) {
    if (!connects(context)) return;
    const auto status = context.client().status();
    context.expect_equal("the client's address", "10.60.0.2", to_string(status.inner_address));
    const auto dns = status.dns.empty() ? std::string{} : to_string(status.dns.front());
    context.expect_equal("the client's DNS server", to_string(kDnsAddress), dns);
    auto* session = context.only_session();
    if (session)
        context.expect_equal("the address that the gateway has for it", to_string(status.inner_address),
                             to_string(session->status().inner_address));
}

// --- many users ---

void two_users(Context& context) {
    if (!context.connect("alice") || !context.connect("bob")) return;
    const auto alice = context.client("alice").status().inner_address;
    const auto bob = context.client("bob").status().inner_address;
    context.expect(alice != bob && kPool.contains(alice) && kPool.contains(bob),
                   "the two users have different addresses of the pool",
                   fmt::format("{} and {}", to_string(alice), to_string(bob)));
    context.expect_sessions(2);
    carries_both_ways(context, "alice");
    carries_both_ways(context, "bob");
}

void users_talk(Context& context) {
    if (!context.connect("alice") || !context.connect("bob")) return;
    context.expect_traffic("alice", "bob");
    context.expect_traffic("bob", "alice");
}

void connects_again(Context& context) {
    for (int attempt = 0; attempt < 3; ++attempt) {
        if (!connects(context) || !context.expect_sessions(1) || !context.hang_up("alice", 15s)) return;
        context.scenario().run_for(2s);
    }
}

// --- beside IKEv2 ---

Topology beside_ikev2(const Pair& pair) {
    auto topology = sstp_access_behind_nat(pair);
    gateway_of(topology).tunnels = {Tunnel::IkeV2, Tunnel::Sstp};
    auto& bob = client_of(topology, "bob");
    bob.implementation = Implementation::Gatelab;
    bob.tunnels = {Tunnel::IkeV2};
    bob.authentication = Authentication::Certificate;
    bob.username.clear();
    bob.password.clear();
    return topology;
}

void splits_the_pool(Context& context) {
    constexpr Prefix kLower{Ipv4Address{10, 60, 0, 0}, 25}, kUpper{Ipv4Address{10, 60, 0, 128}, 25};
    if (!context.connect("alice") || !context.connect("bob")) return;
    const auto sstp = context.client("alice").status().inner_address;
    const auto ike = context.client("bob").status().inner_address;
    context.expect(kUpper.contains(sstp) != kUpper.contains(ike) && kPool.contains(sstp) && kPool.contains(ike),
                   "the users of SSTP and of IKEv2 have addresses of different halves of the pool",
                   fmt::format("{} and {}", to_string(sstp), to_string(ike)));
    context.expect(kLower.contains(ike), "IKEv2 has the half where the pool begins", to_string(ike));
    context.expect_traffic("alice", "bob");
    context.expect_traffic("bob", "alice");
    carries_both_ways(context, "alice");
}

// SSTP has 128 addresses of a pool of 512, the last of it.
Topology with_a_large_pool(const Pair& pair) {
    auto topology = beside_ikev2(pair);
    gateway_of(topology).client_address_pool = Prefix{Ipv4Address{10, 60, 0, 0}, 23};
    return topology;
}

void takes_128_at_most(Context& context) {
    constexpr Prefix kOfSstp{Ipv4Address{10, 60, 1, 128}, 25};
    if (!context.connect("alice") || !context.connect("bob")) return;
    const auto sstp = context.client("alice").status().inner_address;
    const auto ike = context.client("bob").status().inner_address;
    context.expect(kOfSstp.contains(sstp) && !kOfSstp.contains(ike),
                   "SSTP's user has one of the pool's last 128 addresses, IKEv2's user one of the others",
                   fmt::format("{} and {}", to_string(sstp), to_string(ike)));
    carries_both_ways(context, "alice");
    carries_both_ways(context, "bob");
}

Topology on_another_port(const Pair& pair) {
    auto topology = sstp_access(pair);
    at_every_end(topology, [](Sstp& end) { end.port = 4443; });
    return topology;
}

}  // namespace

std::vector<Case> sstp_connecting() {
    std::vector<Case> all = {
        agrees("connects-with-mschapv2", {"P2S-PROTO-02", "SSTP-40", "SSTP-44", "PPP-MSCHAPV2"},
               "A user signs in by MS-CHAPv2, binds it to TLS with SHA-256, and packets pass both ways.", sstp_access,
               "mschapv2", "SHA256"),
        agrees(
            "connects-with-pap", {"SSTP-40", "PPP-PAP"},
            "Where the gateway asks for PAP, the user signs in by it, and the crypto binding holds without keys.",
            [](const Pair& pair) { return with_authentication(pair, {"pap"}); }, "pap", "SHA256"),
        agrees(
            "prefers-mschapv2-to-pap", {"PPP-MSCHAPV2", "PPP-LCP-OPTIONS"},
            "A gateway that knows MS-CHAPv2 and PAP asks for MS-CHAPv2.",
            [](const Pair& pair) {
                return with_authentication(pair, {"mschapv2", "pap"});
            },
            "mschapv2", "SHA256"),
        agrees(
            "binds-with-sha1-where-nothing-else-is-offered", {"SSTP-42", "SSTP-44"},
            "Where the gateway offers SHA-1 alone, the crypto binding is made with it.",
            [](const Pair& pair) { return with_hashes(pair, {"SHA1"}); }, "mschapv2", "SHA1"),
        agrees(
            "binds-with-sha256-where-nothing-else-is-offered", {"SSTP-42", "SSTP-44"},
            "Where the gateway offers SHA-256 alone, the crypto binding is made with it.",
            [](const Pair& pair) { return with_hashes(pair, {"SHA256"}); }, "mschapv2", "SHA256"),
        agrees(
            "binds-pap-with-sha1", {"SSTP-40", "SSTP-42", "SSTP-44", "PPP-PAP"},
            "PAP, which has no keys, is bound with SHA-1 where that alone is offered.",
            [](const Pair& pair) {
                auto topology = with_authentication(pair, {"pap"});
                gateway_of(topology).sstp.hashes = {"SHA1"};
                return topology;
            },
            "pap", "SHA1"),
    };
    all.front().in_real_time_too = true;
    const auto add = [&](std::string id, std::vector<std::string> requirements, std::string sentence,
                         std::function<Topology(const Pair&)> topology, std::function<void(Context&)> check) {
        all.push_back({.id = std::move(id),
                       .requirements = std::move(requirements),
                       .sentence = std::move(sentence),
                       .topology = std::move(topology),
                       .check = std::move(check)});
    };
    add("asks-by-a-post-without-end", {"P2S-PROTO-02", "SSTP-01", "SSTP-02"},
        "A tunnel is one TLS connection with a duplex POST to SSTP's URI, answered by 200, and nothing else.",
        sstp_access, asks_by_https);
    add("says-three-messages-of-fixed-size", {"SSTP-10", "SSTP-11", "SSTP-12", "SSTP-15", "SSTP-16", "SSTP-17"},
        "A call is set up by a request of 14 octets, an acknowledgement of 48 and a crypto binding of 112.",
        sstp_access, keeps_to_messages);
    add("walks-through-the-states", {"SSTP-20", "SSTP-21"},
        "The gateway waits for the request, then for the crypto binding, and then the call is there.", sstp_access,
        walks_through_states);
    add("binds-before-it-routes", {"SSTP-20", "SSTP-21", "SSTP-43"},
        "The crypto binding follows the password and goes before the session.", sstp_access, binds_before_it_routes);
    add("hands-out-address-and-dns", {"P2S-FAQ-12", "P2S-FAQ-13", "PPP-IPCP-ADDRESS", "PPP-IPCP-DNS"},
        "A user gets an address of the pool and the virtual network's DNS server by IPCP.", sstp_access,
        hands_out_settings);
    add("serves-two-users-behind-one-nat", {"P2S-FAQ-12", "P2S-PROTO-02"},
        "Two users behind one NAT have a tunnel each, and neither disturbs the other.", sstp_access_behind_nat,
        two_users);
    add("lets-two-users-talk", {"P2S-RT-13"}, "Two users of one gateway reach each other through their tunnels.",
        sstp_access_behind_nat, users_talk);
    add("connects-again-after-hanging-up", {"SSTP-28", "P2S-FAQ-12"},
        "A user who hung up can connect again, and again, and is the gateway's only session.", sstp_access,
        connects_again);
    add("connects-on-another-port", {"SSTP-01"}, "A gateway may listen on another port than 443.", on_another_port,
        [](Context& context) {
            if (!connects(context)) return;
            context.expect_sessions(1);
        });
    add("splits-the-pool-with-ikev2", {"P2S-FAQ-01", "P2S-FAQ-10"},
        "Beside IKEv2, SSTP draws addresses from one half of the pool and IKEv2 from the other.", beside_ikev2,
        splits_the_pool);
    add("takes-128-addresses-of-a-large-pool", {"P2S-FAQ-01", "P2S-FAQ-02"},
        "Of a pool of 512 addresses SSTP has 128, and IKEv2 the others.", with_a_large_pool, takes_128_at_most);
    return all;
}

}  // namespace gatelab::conformance::families
