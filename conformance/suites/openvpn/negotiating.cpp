// Which cipher the data channel gets, and where its keys come from.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "conformance/suites/openvpn/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace openvpn_steps;
using namespace topologies;
using namespace std::chrono_literals;
using Ciphers = std::vector<std::string>;

Topology with_ciphers(const Pair& pair, Transport transport, const Ciphers& clients, const Ciphers& gateways) {
    auto topology = over(openvpn_access(pair), transport);
    client_of(topology).openvpn.data_ciphers = clients;
    gateway_of(topology).openvpn.data_ciphers = gateways;
    return topology;
}

void uses(Context& context, const std::string& cipher) {
    if (!context.connect()) return;
    context.expect_equal("the client's data cipher", cipher, context.client().status().data_cipher);
    auto* session = context.only_session();
    if (!session) return;
    context.expect_equal("the gateway's data cipher", cipher, session->status().data_cipher);
    carries_both_ways(context, "alice", 4);
}

Case carries(Transport transport, const std::string& cipher, const std::string& digest) {
    const bool cbc = cipher == "AES-256-CBC";
    const auto name = cbc ? cipher + "-" + digest : cipher;
    Case one;
    one.id = fmt::format("carries-{}-over-{}", name, name_of(transport));
    std::transform(one.id.begin(), one.id.end(), one.id.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    one.requirements = {cbc ? "OPENVPN-DATA-CBC" : "OPENVPN-DATA-AEAD", "OPENVPN-NCP"};
    one.sentence = fmt::format("A tunnel whose data channel has {} carries packets both ways over {}.",
                               cbc ? fmt::format("{} with {}", cipher, digest) : cipher,
                               transport == Transport::Udp ? "UDP" : "TCP");
    one.topology = [=](const Pair& pair) {
        auto topology = with_ciphers(pair, transport, {cipher}, {cipher});
        at_every_end(topology, [&](OpenVpn& end) { end.auth = digest; });
        return topology;
    };
    one.check = [=](Context& context) { uses(context, cipher); };
    return one;
}

Case chooses(std::string id, std::string sentence, Ciphers clients, Ciphers gateways, std::string chosen) {
    return {.id = std::move(id),
            .requirements = {"OPENVPN-NCP"},
            .sentence = std::move(sentence),
            .topology = [=](const Pair& pair) { return with_ciphers(pair, Transport::Udp, clients, gateways); },
            .check = [=](Context& context) { uses(context, chosen); }};
}

void refuses_without_common_cipher(Context& context) {
    context.expect_refusal({"authentication-failed", "options-mismatch"}, kHandshake);
    context.expect_sessions(0, kForgets);
}

// --- what the data packets look like ---

void has_peer_ids(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect("alice") || !context.connect("bob")) return;
    carries_both_ways(context, "alice");
    carries_both_ways(context, "bob");
    std::map<Endpoint, std::set<std::uint32_t>> ids;  // by client
    std::size_t without = 0;
    for (const auto& packet : wire.packets()) {
        if (!packet.has_openvpn_data() || packet.from != "isp") continue;
        const auto id = packet.openvpn.front().peer_id;
        id ? (void)ids[packet.source].insert(*id) : (void)++without;
    }
    context.expect(without == 0, "all data packets of the clients are P_DATA_V2 with a peer id",
                   fmt::format("{} without", without));
    std::set<std::uint32_t> all;
    bool one_each = ids.size() == 2;
    for (const auto& [who, own] : ids) {
        one_each = one_each && own.size() == 1;
        all.insert(own.begin(), own.end());
    }
    context.expect(one_each && all.size() == 2, "each of two clients has one peer id, and it is not the other's",
                   fmt::format("{} clients, {} peer ids", ids.size(), all.size()));
}

Case from_library(std::string id, std::string sentence, std::string requirement, topologies::Personality personality,
                  std::string wanted) {
    return {.id = std::move(id),
            .requirements = {std::move(requirement)},
            .sentence = std::move(sentence),
            .needs = {{Side::Client, Feature::Personalities}},
            .topology =
                [=](const Pair& pair) {
                    auto topology = openvpn_access(pair);
                    client_of(topology).personality = personality;
                    return topology;
                },
            .check =
                [=](Context& context) {
                    if (!connects(context)) return;
                    std::string found;
                    for (const auto& event : context.scenario().events())
                        if (event.node == "alice" && event.event == "key-installed")
                            found = text_of(event.attributes, "derivation");
                    context.expect_equal("what the client's keys are derived by", wanted, found);
                }};
}

}  // namespace

std::vector<Case> openvpn_negotiating() {
    std::vector<Case> all;
    for (const auto transport : {Transport::Udp, Transport::Tcp}) {
        for (const auto* cipher : {"AES-256-GCM", "AES-128-GCM"}) all.push_back(carries(transport, cipher, "SHA256"));
        for (const auto* digest : {"SHA256", "SHA1"}) all.push_back(carries(transport, "AES-256-CBC", digest));
    }
    all.push_back(chooses(
        "takes-the-gateways-first-choice", "Of the ciphers that both have, the first of the gateway's list is taken.",
        {"AES-256-GCM", "AES-128-GCM", "AES-256-CBC"}, {"AES-128-GCM", "AES-256-GCM"}, "AES-128-GCM"));
    all.push_back(chooses("takes-what-the-client-has",
                          "A cipher that the client does not have is passed over, however much the gateway likes it.",
                          {"AES-256-CBC", "AES-128-GCM"}, {"AES-256-GCM", "AES-128-GCM", "AES-256-CBC"},
                          "AES-128-GCM"));
    all.push_back(
        {.id = "refuses-without-common-cipher",
         .requirements = {"OPENVPN-NCP-NONE"},
         .sentence = "A client that has none of the gateway's ciphers is not let in.",
         .topology =
             [](const Pair& pair) { return with_ciphers(pair, Transport::Udp, {"AES-128-GCM"}, {"AES-256-GCM"}); },
         .check = refuses_without_common_cipher});
    all.push_back({.id = "marks-data-packets-with-peer-ids",
                   .requirements = {"OPENVPN-WIRE-DATA-V2"},
                   .sentence = "Each client marks its data packets with the peer id that it was given.",
                   .topology = openvpn_access_behind_nat,
                   .check = has_peer_ids});
    all.push_back(from_library("derives-keys-by-exporter", "Two ends that can take their keys from TLS itself do so.",
                               "OPENVPN-KEYS-EXPORTER", topologies::Personality::OpenVpnClient, "exporter"));
    all.push_back(from_library("derives-keys-by-prf",
                               "With a client that does not say that it can take keys from TLS, the older way is used.",
                               "OPENVPN-KEYS-PRF", topologies::Personality::AzureVpnClient, "prf"));
    return all;
}

}  // namespace gatelab::conformance::families
