#include "conformance/suites/fallback/story.h"

#include <algorithm>

#include "conformance/wire.h"
#include "conformance/worlds.h"

namespace gatelab::conformance::fallback {
namespace {

using namespace topologies;

constexpr Ipv4Address kProxyAddress{203, 0, 113, 20}, kNatAddress{203, 0, 113, 1};
constexpr std::uint8_t kTcp = 6, kUdp = 17, kEsp = 50;
const std::string kUser = "alice", kPassword = "only for her";

FilterRule rule(FilterRule::Action action, std::optional<std::uint8_t> protocol = {},
                std::vector<std::uint16_t> ports = {}) {
    FilterRule made;
    made.action = action;
    made.protocol = protocol;
    made.destination_ports = std::move(ports);
    return made;
}

using Action = FilterRule::Action;

// All that IPsec needs (P2S-PROTO-03).
std::vector<FilterRule> against_ipsec(Action action) { return {rule(action, kUdp, {500, 4500}), rule(action, kEsp)}; }

// Only what is allowed gets out.
void allow_only(Firewall& firewall, FilterRule allowed) {
    firewall.rules = {std::move(allowed)};
    firewall.otherwise = Action::Drop;
}

// Nobody but the proxy gets out.
void allow_proxy(Firewall& firewall) {
    auto allowed = rule(Action::Allow, kTcp);
    allowed.source = Prefix{kProxyAddress, 32};
    allow_only(firewall, std::move(allowed));
}

void fill(Firewall& firewall, std::string_view network) {
    if (network == "udp-dropped") firewall.rules = against_ipsec(Action::Drop);
    if (network == "udp-rejected") firewall.rules = against_ipsec(Action::Reject);
    if (network == "esp-blocked" || network == "esp-blocked-nat") firewall.rules = {rule(Action::Drop, kEsp)};
    if (network == "only-tcp-443") allow_only(firewall, rule(Action::Allow, kTcp, {443}));
    if (network == "only-tls-443") {
        auto allowed = rule(Action::Allow, kTcp, {443});
        allowed.tls_only = true;
        allow_only(firewall, std::move(allowed));
    }
    if (network == "only-proxy" || network == "only-proxy-sign-in") allow_proxy(firewall);
    if (network == "blocked") firewall.otherwise = Action::Drop;
    if (network == "udp-blocked-later" || network == "udp-opened-later") {
        firewall.rules = against_ipsec(Action::Drop);
        for (auto& one : firewall.rules) {
            one.state = FilterRule::State::Any;
            if (network == "udp-blocked-later")
                one.from = kCloses;
            else
                one.until = kOpens;
        }
    }
}

void link(Topology& topology, Vertex a, Vertex b) {
    Link made;
    made.name = topology.graph[a].name + "-" + topology.graph[b].name;
    made.delay = std::chrono::milliseconds(10);
    add_link(topology, a, b, std::move(made));
}

void put_between(Topology& topology, const Network& network) {
    const auto alice = *find(topology, "alice"), isp = *find(topology, "isp");
    boost::remove_edge(alice, isp, topology.graph);
    const bool behind_nat = std::string_view{network.name} == "esp-blocked-nat";
    NodeKind lan = Router{};
    if (behind_nat) {
        Nat nat;
        nat.outside = "office";
        nat.outside_address = kNatAddress;
        lan = nat;
        client_of(topology).address = Ipv4Address{192, 168, 1, 10};
    }
    const auto near = add_node(topology, {"lan", std::move(lan), {}, {}});
    Firewall firewall;
    firewall.inside = "lan";
    fill(firewall, network.name);
    const auto office = add_node(topology, {"office", std::move(firewall), {}, {}});
    link(topology, alice, near);
    link(topology, near, office);
    link(topology, office, isp);
}

bool has_proxy(const Network& network) { return std::string_view{network.name}.starts_with("only-proxy"); }

void put_proxy(Topology& topology, const Network& network) {
    HttpProxy proxy;
    proxy.address = kProxyAddress;
    auto& alice = client_of(topology);
    alice.http_proxy = "proxy";
    if (std::string_view{network.name} == "only-proxy-sign-in") {
        proxy.users = {{kProxyUser, kProxyPassword}};
        alice.http_proxy_username = kProxyUser;
        alice.http_proxy_password = kProxyPassword;
    }
    link(topology, add_node(topology, {"proxy", std::move(proxy), {}, {}}), *find(topology, "lan"));
}

}  // namespace

const std::vector<Caller>& callers() {
    static const std::vector<Caller> kCallers = {
        {"windows", "Windows", Personality::Windows, false, {}, {"P2S-OS-01", "P2S-PROTO-04"}},
        {"windows-always-on", "Windows, Always On", Personality::Windows, true, {}, {"P2S-OS-01", "P2S-PROTO-04"}},
        {"macos", "macOS", Personality::MacOs, false, {}, {"P2S-OS-04", "P2S-PROTO-04"}},
        {"ios", "iOS", Personality::Ios, false, {}, {"P2S-OS-10"}},
        {"strongswan", "strongSwan", Personality::StrongSwan, false, {Implementation::StrongSwan}, {"P2S-OS-07"}},
        {"openvpn-client",
         "OpenVPN client",
         Personality::OpenVpnClient,
         false,
         {Implementation::OpenVpn},
         {"P2S-OS-08"}},
        {"azure-vpn-client", "Azure VPN Client", Personality::AzureVpnClient, false, {}, {"P2S-OS-02"}},
    };
    return kCallers;
}

const std::vector<Network>& networks() {
    using enum Way;
    static const std::vector<Network> kNetworks = {
        {"open", "Nothing in the way", Through, Through, Through},
        {"udp-dropped", "UDP 500, 4500 and ESP dropped", Blocked, Through, Through},
        {"udp-rejected", "UDP 500, 4500 and ESP rejected", Blocked, Through, Through},
        {"esp-blocked", "ESP blocked, no NAT", Mute, Through, Through},
        {"esp-blocked-nat", "ESP blocked, behind a NAT", Through, Through, Through},
        {"only-tcp-443", "Only TCP 443 out", Blocked, Through, Through},
        {"only-tls-443", "Only TLS on TCP 443 out", Blocked, Through, Blocked},
        {"only-proxy", "Only an HTTP proxy", Blocked, ByProxy, ByProxy},
        {"only-proxy-sign-in", "Only an HTTP proxy with sign-in", Blocked, BySignIn, BySignIn},
        {"blocked", "Everything blocked", Blocked, Blocked, Blocked},
        {"udp-blocked-later", "UDP 500, 4500 and ESP blocked once it is up", Lost, Through, Through},
        {"udp-opened-later", "UDP 500, 4500 and ESP opened later", Later, Through, Through},
        {"ikev2-unanswered", "The gateway does not answer IKEv2", Blocked, Through, Through},
        {"443-unanswered", "The gateway does not answer TCP 443", Through, Blocked, Blocked},
    };
    return kNetworks;
}

const std::vector<Offer>& offers() {
    using enum Tunnel;
    static const std::vector<Offer> kOffers = {
        {"ikev2", "IKEv2", {IkeV2}},
        {"sstp", "SSTP", {Sstp}},
        {"openvpn", "OpenVPN", {OpenVpn}},
        {"ikev2-sstp", "IKEv2 and SSTP", {IkeV2, Sstp}},
        {"ikev2-openvpn", "IKEv2 and OpenVPN", {IkeV2, OpenVpn}},
    };
    return kOffers;
}

Way Network::way_of(Tunnel tunnel) const {
    switch (tunnel) {
        case Tunnel::IkeV2: return ikev2;
        case Tunnel::Sstp: return sstp;
        case Tunnel::OpenVpn: return openvpn;
    }
    return Way::Blocked;
}

void silence(sim::Scenario& scenario, const Network& network) {
    const std::string_view name{network.name};
    if (!name.ends_with("-unanswered")) return;
    const bool ike = name == "ikev2-unanswered";
    scenario.intercept(kInternetLink, [=](const std::string& from, ByteView packet) -> sim::Verdict {
        const auto seen = parse_wire(Duration{}, from, packet);
        const bool asked = ike ? seen.source.port == 500 || seen.source.port == 4500 : seen.source.port == 443;
        const bool answers = from == "gateway" && seen.protocol == (ike ? kUdp : kTcp) && asked;
        return {answers ? sim::Verdict::Kind::Drop : sim::Verdict::Kind::Pass, {}};
    });
}

std::vector<Tunnel> common(const Caller& caller, const Offer& offer) {
    auto tunnels = tunnels_of(caller.personality);
    std::erase_if(tunnels,
                  [&](Tunnel tunnel) { return std::ranges::find(offer.tunnels, tunnel) == offer.tunnels.end(); });
    return tunnels;
}

Topology topology_of(const Pair& pair, const Caller& caller, const Network& network, const Offer& offer) {
    auto topology = remote_access(pair);
    topology.name = "fallback";
    topology.summary = network.title;
    auto& alice = client_of(topology);
    alice.personality = caller.personality;
    // Who has nothing in common with the gateway dials in vain.
    alice.tunnels = common(caller, offer);
    if (alice.tunnels.empty()) alice.tunnels = tunnels_of(caller.personality);
    if (caller.always_on) alice.reconnects = true;
    auto& gateway = gateway_of(topology);
    gateway.tunnels = offer.tunnels;
    if (gateway.offers(Tunnel::Sstp)) gateway.users = {{kUser, kPassword}};
    if (alice.dials(Tunnel::Sstp)) {
        alice.username = kUser;
        alice.password = kPassword;
    }
    put_between(topology, network);
    if (has_proxy(network)) put_proxy(topology, network);
    return topology;
}

}  // namespace gatelab::conformance::fallback
