// Azure's two lists of TLS suites, row by row. The rows come from the catalogue, so they are the document's, not the
// gateway's.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "conformance/catalogue/catalogue.h"
#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/worlds.h"
#include "impl/tls/policy.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

// What a client may say of a handshake that TLS ended: the alert, or that the gateway hung up, or that nothing came of
// it.
const std::vector<std::string> kTlsEnded = {"tls-failed", "handshake-timeout", "peer-exit", "peer-closed"};
constexpr Duration kHandshake = 90s;  // OpenVPN's own limit is 60 s

struct List {
    const char* profile;      // of the gateway
    const char* requirement;  // whose rows are the list
    const std::vector<std::string>& suites() const {
        const auto* entry = find(catalogue(), requirement);
        if (!entry) std::abort();  // our own file
        return entry->rows;
    }
    bool has(const std::string& suite) const { return std::ranges::find(suites(), suite) != suites().end(); }
};
constexpr List kLists[] = {{"p2s-2023", "P2S-TLS-02"}, {"p2s-2026", "P2S-TLS-01"}};

// "ecdhe-rsa-aes-128-gcm-sha256"
std::string slug_of(std::string suite) {
    suite.erase(0, std::string_view{"TLS_"}.size());
    if (const auto at = suite.find("_WITH"); at != suite.npos) suite.erase(at, 5);
    for (auto& c : suite) c = c == '_' ? '-' : static_cast<char>(std::tolower(c));
    return suite;
}

// A gateway with that list, whose certificate suits the suite, and a client that offers this suite alone.
topologies::Topology offering(const Pair& pair, const std::string& profile, const std::string& suite) {
    auto topology = openvpn_access(pair);
    use_transport(topology, topologies::Transport::Tcp);
    gateway_of(topology).openvpn.tls_policy = profile;
    client_of(topology).openvpn.tls_suites = {suite};
    if (suite.find("_ECDSA_") != suite.npos)
        certificate_of(topology, gateway_of(topology).certificate).key = {topologies::KeySpec::Kind::Ecdsa, 256};
    return topology;
}

Case connects_with(const List& list, const std::string& suite) {
    const auto version = tls::name_of(tls::is_tls13(suite) ? tls::Version::Tls13 : tls::Version::Tls12);
    return {.id = fmt::format("connects-{}-{}", list.profile, slug_of(suite)),
            .requirements = {list.requirement},
            .sentence = fmt::format("With {}, a client that offers {} alone connects with it.", list.profile, suite),
            .needs = {{Side::Gateway, Feature::TlsPolicy}},
            .topology = [list, suite](const Pair& pair) { return offering(pair, list.profile, suite); },
            .check =
                [expected = fmt::format("{}/{}", version, suite)](Context& context) {
                    if (!context.connect()) return;
                    context.expect_equal("TLS", expected, context.client().status().tls_suite);
                    context.expect_traffic("alice", "app1", 1);
                }};
}

Case refuses(const List& list, const std::string& suite) {
    return {.id = fmt::format("refuses-{}-{}", list.profile, slug_of(suite)),
            .requirements = {std::string{list.requirement} + "-REFUSED"},
            .sentence = fmt::format("With {}, a client that offers {} alone is refused.", list.profile, suite),
            .needs = {{Side::Gateway, Feature::TlsPolicy}},
            .topology = [list, suite](const Pair& pair) { return offering(pair, list.profile, suite); },
            .check =
                [](Context& context) {
                    if (context.expect_refusal(kTlsEnded, kHandshake)) context.expect_sessions(0);
                }};
}

}  // namespace

std::vector<Case> tls_suites() {
    std::vector<Case> all;
    for (const auto& list : kLists) {
        for (const auto& suite : list.suites()) all.push_back(connects_with(list, suite));
        for (const auto& suite : tls::any_policy().cipher_suites)
            if (!list.has(suite)) all.push_back(refuses(list, suite));
    }
    return all;
}

}  // namespace gatelab::conformance::families
