// The profile that Azure hands out, as it is.
#include "conformance/context.h"
#include "conformance/suites/suites.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::families {
namespace {

using namespace std::chrono_literals;

// Azure's port and its default list; nothing is set that its profile does not have.
topologies::Topology as_shipped(const Pair& pair) {
    auto topology = openvpn_access(pair);
    use_transport(topology, topologies::Transport::Tcp);
    return topology;
}

void connects_as_shipped(Context& context) {
    if (!context.connect()) return;
    const auto status = context.client().status();
    context.expect_equal("the protocol", "openvpn-tcp", status.protocol);
    context.expect_equal("the data cipher", "AES-256-GCM", status.data_cipher);
    context.expect(status.tls_suite.starts_with("TLSv1.2/"), "TLS 1.2, as the older list has it", status.tls_suite);
    context.expect_traffic("alice", "app1", 2);
}

// The profile says nothing of pings: what the gateway pushes keeps an idle tunnel up, and finds a dead one.
void stays_up_idle(Context& context) {
    if (!context.connect()) return;
    context.scenario().run_for(5min);
    context.expect_up();
    context.expect_traffic("alice", "app1", 1);
}

}  // namespace

std::vector<Case> tls_profile() {
    return {
        {.id = "connects-as-shipped",
         .requirements = {"P2S-PKG-30", "P2S-PKG-31", "P2S-PKG-33"},
         .sentence = "A client with Azure's profile, only certificate and key filled in, connects over TCP 443.",
         .needs = {{Side::Gateway, Feature::TlsPolicy}},
         .topology = as_shipped,
         .check = connects_as_shipped},
        {.id = "leaves-keepalive-to-the-gateway",
         .requirements = {"P2S-PKG-32"},
         .sentence = "A client whose profile says nothing of pings keeps an idle tunnel by what the gateway pushes.",
         .needs = {{Side::Both, Feature::VirtualTime}},
         .topology = as_shipped,
         .check = stays_up_idle}};
}

}  // namespace gatelab::conformance::families
