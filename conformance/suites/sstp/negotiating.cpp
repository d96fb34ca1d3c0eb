// TLS under SSTP: version 1.2 alone, and Azure's list of suites row by row.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "conformance/catalogue/catalogue.h"
#include "conformance/suites/sstp/steps.h"
#include "conformance/suites/suites.h"
#include "impl/tls/policy.h"

namespace gatelab::conformance::families {
namespace {

using namespace sstp_steps;
using namespace topologies;
using namespace std::chrono_literals;

const std::vector<std::string>& rows_of_2023() {
    const auto* entry = find(catalogue(), "P2S-TLS-02");
    if (!entry) std::abort();  // our own file
    return entry->rows;
}

// A gateway whose certificate suits the suite, and a client that offers this suite alone.
Topology offering(const Pair& pair, const std::string& suite) {
    auto topology = sstp_access(pair);
    client_of(topology).sstp.tls_suites = {suite};
    if (suite.find("_ECDSA_") != suite.npos)
        certificate_of(topology, gateway_of(topology).certificate).key = {KeySpec::Kind::Ecdsa, 256};
    return topology;
}

std::string slug_of(std::string suite) {
    suite.erase(0, std::string_view{"TLS_"}.size());
    for (auto& c : suite) c = c == '_' ? '-' : static_cast<char>(std::tolower(c));
    return suite;
}

Topology with_policy(const Pair& pair, const std::string& policy) {
    auto topology = sstp_access(pair);
    gateway_of(topology).sstp.tls_policy = policy;
    return topology;
}

Case takes_tls12(const std::string& policy, const std::string& requirement) {
    return {.id = "takes-tls-1.2-with-" + policy,
            .requirements = {"P2S-PROTO-02", requirement},
            .sentence = fmt::format("With the list {}, client and gateway speak TLS 1.2.", policy),
            .needs = {{Side::Gateway, Feature::TlsPolicy}},
            .topology = [=](const Pair& pair) { return with_policy(pair, policy); },
            .check =
                [](Context& context) {
                    if (!connects(context)) return;
                    auto* session = context.only_session();
                    if (!session) return;
                    const auto suite = session->status().tls_suite;
                    context.expect(suite.starts_with("TLSv1.2/"), "TLS has version 1.2", suite);
                }};
}

Case connects_with(const std::string& suite) {
    return {.id = "connects-with-" + slug_of(suite),
            .requirements = {"P2S-TLS-02", "P2S-PROTO-02", "SSTP-43"},
            .sentence = fmt::format("A client that offers {} alone connects with it.", suite),
            .needs = {{Side::Both, Feature::TlsPolicy}},
            .topology = [=](const Pair& pair) { return offering(pair, suite); },
            .check =
                [=](Context& context) {
                    if (!context.connect()) return;
                    context.expect_equal("TLS", "TLSv1.2/" + suite, context.client().status().tls_suite);
                    context.expect_traffic("alice", "app1", 1);
                }};
}

Case refuses(const std::string& suite) {
    return {.id = "refuses-" + slug_of(suite),
            .requirements = {"P2S-TLS-02-REFUSED", "P2S-PROTO-02"},
            .sentence = fmt::format("A client that offers {} alone is refused.", suite),
            .needs = {{Side::Both, Feature::TlsPolicy}},
            .topology = [=](const Pair& pair) { return offering(pair, suite); },
            .check = [](Context& context) { expect_nobody_in(context, {"tls-failed"}); }};
}

}  // namespace

std::vector<Case> sstp_negotiating() {
    std::vector<Case> all = {takes_tls12("p2s-2023", "P2S-TLS-02"), takes_tls12("p2s-2026", "P2S-TLS-01")};
    for (const auto& suite : rows_of_2023()) all.push_back(connects_with(suite));
    for (const auto& suite : tls::any_policy().cipher_suites)
        if (std::ranges::find(rows_of_2023(), suite) == rows_of_2023().end() && !tls::is_tls13(suite)) {
            all.push_back(refuses(suite));
            break;  // the others are a matter of the same list, which the suite tls-policy goes through
        }
    return all;
}

}  // namespace gatelab::conformance::families
