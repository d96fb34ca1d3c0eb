// Through an HTTP proxy, which is the only way out.
//
//   alice --+
//           lan --- edge (drops all but the proxy's) --- isp --- gateway --- vnet --- app1
//   proxy --+
#include <fmt/format.h>

#include "conformance/suites/sstp/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace sstp_steps;
using namespace topologies;
using namespace std::chrono_literals;

constexpr Ipv4Address kProxyAddress{203, 0, 113, 20};
const std::string kProxyPassword = "open sesame";

void link(Topology& topology, const std::string& a, const std::string& b) {
    Link one;
    one.name = a + "-" + b;
    topologies::add_link(topology, *topologies::find(topology, a), *topologies::find(topology, b), std::move(one));
}

Topology in_an_office(const Pair& pair) {
    auto topology = sstp_access(pair);
    boost::remove_edge(*topologies::find(topology, "alice"), *topologies::find(topology, "isp"), topology.graph);
    HttpProxy proxy;
    proxy.address = kProxyAddress;
    Firewall edge;
    edge.inside = "lan";
    edge.otherwise = FilterRule::Action::Drop;
    FilterRule rule;
    rule.action = FilterRule::Action::Allow;
    rule.direction = FilterRule::Direction::Outbound;
    rule.protocol = 6;
    rule.source = Prefix{kProxyAddress, 32};
    edge.rules = {rule};
    topologies::add_node(topology, Node{"lan", Router{}, {}, {}});
    topologies::add_node(topology, Node{"proxy", proxy, {}, {}});
    topologies::add_node(topology, Node{"edge", edge, {}, {}});
    link(topology, "alice", "lan");
    link(topology, "proxy", "lan");
    link(topology, "lan", "edge");
    link(topology, "edge", "isp");
    client_of(topology).http_proxy = "proxy";
    return topology;
}

Topology with_a_doorkeeper(const Pair& pair, const std::string& name, const std::string& password) {
    auto topology = in_an_office(pair);
    find_as<HttpProxy>(topology, "proxy")->users = {{"clerk", kProxyPassword}};
    client_of(topology).http_proxy_username = name;
    client_of(topology).http_proxy_password = password;
    return topology;
}

void connects_through(Context& context) {
    if (!connects(context)) return;
    expect_agreed(context, "mschapv2", "SHA256");
    auto* session = context.only_session();
    if (session)
        context.expect_equal("where the gateway sees the client", to_string(kProxyAddress),
                             to_string(session->status().outer_peer.address));
    context.hang_up("alice", 15s);
}

// What a client may say of a proxy that does not let it through.
const std::vector<std::string> kNotThrough = {"proxy-authentication-required", "proxy-refused", "http-refused",
                                              "no-connection", "peer-silent"};

}  // namespace

std::vector<Case> sstp_proxies() {
    std::vector<Case> all;
    const auto add = [&](std::string id, std::string sentence, std::function<Topology(const Pair&)> topology,
                         std::function<void(Context&)> check) {
        all.push_back({.id = std::move(id),
                       .requirements = {"P2S-PROTO-02", "SSTP-PROXY"},
                       .sentence = std::move(sentence),
                       .topology = std::move(topology),
                       .check = std::move(check)});
    };
    add("connects-through-a-proxy", "A user whose only way out is an HTTP proxy connects through it.", in_an_office,
        connects_through);
    add(
        "signs-in-at-a-proxy", "A user whose proxy wants a name and a password signs in there, too.",
        [](const Pair& pair) { return with_a_doorkeeper(pair, "clerk", kProxyPassword); }, connects_through);
    add(
        "is-refused-by-a-proxy", "With a wrong password for the proxy nobody gets to the gateway.",
        [](const Pair& pair) { return with_a_doorkeeper(pair, "clerk", "guess"); },
        [](Context& context) { expect_nobody_in(context, kNotThrough); });
    all.back().needs.push_back({Side::Client, Feature::LeavesProxy});
    add(
        "finds-no-way-around-a-proxy", "Where the proxy is the only way out, a client that does not know it fails.",
        [](const Pair& pair) {
            auto topology = in_an_office(pair);
            client_of(topology).http_proxy.clear();
            return topology;
        },
        [](Context& context) {
            expect_nobody_in(context, {"no-connection", "peer-silent", "connect-timeout", "timed-out"}, 180s);
        });
    return all;
}

}  // namespace gatelab::conformance::families
