// Azure's two default tables, cell by cell. The rows come from the catalogue, so they are the document's, not the
// gateway's.
#include <fmt/format.h>

#include <cstdlib>

#include "conformance/catalogue/catalogue.h"
#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

struct Cell {
    std::string ike, ipsec;
};

const std::vector<std::string>& rows_of(std::string_view id) {
    const auto* entry = find(catalogue(), id);
    if (!entry) std::abort();  // our own file
    return entry->rows;
}

// "AES_GCM_16-256/ECP_384" without its group: the first child SA is keyed by the IKE SA's exchange and names none.
std::string without_group(const std::string& row) {
    const auto at = std::min(row.find("/MODP_"), row.find("/ECP_"));
    return row.substr(0, at);
}

topologies::Topology offering(const Pair& pair, const Cell& cell) {
    auto topology = remote_access(pair);
    client_of(topology).ike_policy = {cell.ike};
    client_of(topology).ipsec_policy = {cell.ipsec};
    return topology;
}

void negotiates(Context& context, const Cell& cell) {
    if (!context.connect()) return;
    context.expect_equal("the IKE SA's suite", cell.ike, context.client().status().ike_suite);
    context.expect_equal("the first child SA's suite", without_group(cell.ipsec),
                         context.client().status().child_suite);
    context.expect_traffic("alice", "app1", 1);
    context.client().rekey_child();
    context.scenario().run_until([&] { return context.client().status().child_rekeys > 0; }, 5s);
    context.expect(context.client().status().child_rekeys == 1, "the child SA is rekeyed",
                   times(context.client().status().child_rekeys));
    context.expect_equal("the rekeyed child SA's suite", cell.ipsec, context.client().status().child_suite);
    context.expect_traffic("alice", "app1", 1);
}

Case cell_case(std::size_t ike, std::size_t ipsec) {
    const Cell cell{rows_of("P2S-IKE-01")[ike], rows_of("P2S-IKE-02")[ipsec]};
    Case one{.id = fmt::format("ike-{:02}-ipsec-{:02}", ike + 1, ipsec + 1),
             .requirements = {"P2S-IKE-01", "P2S-IKE-02", "RFC7296-2.7-PROPOSALS"},
             .sentence = fmt::format("A client that offers {} and {} alone gets just that, and rekeys with it.",
                                     cell.ike, cell.ipsec),
             .topology = [cell](const Pair& pair) { return offering(pair, cell); },
             .check = [cell](Context& context) { negotiates(context, cell); }};
    if (without_group(cell.ipsec) != cell.ipsec) one.requirements.push_back("RFC7296-2.17-PFS");
    if (cell.ike.find("GCM") != std::string::npos) one.requirements.push_back("RFC5282-3-COMBINED");
    return one;
}

}  // namespace

std::vector<Case> policy_cells() {
    std::vector<Case> all;
    for (std::size_t ike = 0; ike < rows_of("P2S-IKE-01").size(); ++ike)
        for (std::size_t ipsec = 0; ipsec < rows_of("P2S-IKE-02").size(); ++ipsec) all.push_back(cell_case(ike, ipsec));
    return all;
}

}  // namespace gatelab::conformance::families
