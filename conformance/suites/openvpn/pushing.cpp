// What a gateway tells its clients: address, routes, DNS servers.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "conformance/suites/openvpn/steps.h"
#include "conformance/suites/suites.h"

namespace gatelab::conformance::families {
namespace {

using namespace openvpn_steps;
using namespace topologies;

constexpr Prefix kCustom{Ipv4Address{203, 0, 200, 7}, 32}, kBranch{Ipv4Address{172, 20, 0, 0}, 14};
constexpr Prefix kLowerHalf{Ipv4Address{0, 0, 0, 0}, 1}, kUpperHalf{Ipv4Address{128, 0, 0, 0}, 1};
constexpr std::size_t kMostRoutes = 1000;

void pushes_address_and_dns(Context& context) {
    if (!context.connect()) return;
    const auto status = context.client().status();
    context.expect(kPool.contains(status.inner_address), fmt::format("the address is of the pool {}", to_string(kPool)),
                   to_string(status.inner_address));
    const bool told = status.dns.size() == 1 && status.dns.front() == kDnsAddress;
    context.expect(told, fmt::format("the DNS server is {}", to_string(kDnsAddress)),
                   status.dns.empty() ? "none" : to_string(status.dns.front()));
}

std::string listed(const std::set<Prefix>& prefixes) {
    std::vector<std::string> texts;
    for (const auto& prefix : prefixes) texts.push_back(to_string(prefix));
    return texts.empty() ? "none" : fmt::format("{}", fmt::join(texts, ", "));
}

// The way to the pool may be told by the mask of the client's own address instead.
std::set<Prefix> without_pool(std::set<Prefix> prefixes) {
    prefixes.erase(kPool);
    return prefixes;
}

void has_exactly(Context& context, std::set<Prefix> wanted) {
    if (!context.connect()) return;
    const auto routes = context.client().status().routes;
    std::set<Prefix> found{routes.begin(), routes.end()};
    if (context.pair().gateway->is_real()) {
        wanted = without_pool(wanted);
        found = without_pool(found);
    }
    context.expect(found == wanted, fmt::format("the client's routes are {}", listed(wanted)), listed(found));
    context.expect_traffic("alice", "app1");
}

Topology with_custom_routes(const Pair& pair, std::vector<Prefix> routes) {
    auto topology = openvpn_access(pair);
    gateway_of(topology).custom_routes = std::move(routes);
    return topology;
}

// As many as fit beside the virtual network and the pool.
std::vector<Prefix> many_routes() {
    std::vector<Prefix> routes;
    for (std::uint32_t i = 0; i < kMostRoutes - 2; ++i)
        routes.push_back(Prefix{Ipv4Address{Ipv4Address{172, 16, 0, 0}.number() + (i << 8)}, 24});
    return routes;
}

void takes_many(Context& context) {
    Wire wire{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    const auto routes = context.client().status().routes;
    std::set<Prefix> found{routes.begin(), routes.end()};
    found.insert(kPool);
    context.expect(found.size() == kMostRoutes, fmt::format("the client has all {} routes", kMostRoutes),
                   fmt::format("{}", found.size()));
    for (const auto& one : many_routes())
        if (!found.contains(one)) {
            context.expect(false, to_string(one) + " is among them", "it is not");
            return;
        }
    carries_both_ways(context);
}

// What is sent to where nothing is reaches the gateway, and ends there.
void drops_for_the_internet(Context& context) {
    Wire inside{context.scenario(), kInsideLink};
    Wire outside{context.scenario(), kInternetLink};
    if (!context.connect()) return;
    const auto routes = context.client().status().routes;
    for (const auto& half : {kLowerHalf, kUpperHalf})
        context.expect(std::find(routes.begin(), routes.end(), half) != routes.end(),
                       to_string(half) + " is routed into the tunnel",
                       routes.empty() ? "no route is" : fmt::format("{} others are", routes.size()));
    context.expect_traffic("alice", "app1");
    const auto through = data_from(outside, "isp").size();
    const auto answered = context.scenario().ping("alice", to_string(kElsewhere), 3).received;
    context.expect(data_from(outside, "isp").size() >= through + 3, "packets for the Internet go into the tunnel",
                   fmt::format("{} do", data_from(outside, "isp").size() - through));
    const auto leaked = [](const Wire& wire) {
        return wire.count([](const WirePacket& packet) {
            const auto header = inner_header(packet.bytes);
            return packet.from == "gateway" && header && header->destination == kElsewhere;
        });
    };
    context.expect(answered == 0 && leaked(inside) + leaked(outside) == 0, "and no further than to the gateway",
                   fmt::format("{} answered, {} leave it", answered, leaked(inside) + leaked(outside)));
}

}  // namespace

std::vector<Case> openvpn_pushing() {
    return {
        {.id = "pushes-address-and-dns",
         .requirements = {"OPENVPN-PUSH-IFCONFIG", "OPENVPN-PUSH-DNS", "P2S-AAD-27", "P2S-FAQ-12", "P2S-FAQ-13"},
         .sentence = "The client is pushed an address of the pool and the DNS servers of the virtual network.",
         .topology = openvpn_access,
         .check = pushes_address_and_dns,
         .in_real_time_too = true},
        {.id = "pushes-routes-to-network-and-pool",
         .requirements = {"OPENVPN-PUSH-ROUTE", "P2S-AAD-27", "P2S-RT-01", "P2S-CR-07"},
         .sentence = "The client is pushed routes to the virtual network and to the other clients, and no others.",
         .topology = openvpn_access,
         .check =
             [](Context& context) {
                 has_exactly(context, {kNetwork, kPool});
             }},
        {.id = "pushes-custom-routes",
         .requirements = {"OPENVPN-PUSH-ROUTE", "P2S-CR-01", "P2S-CR-04"},
         .sentence = "Custom routes of the gateway are pushed beside its own.",
         .topology =
             [](const Pair& pair) {
                 return with_custom_routes(pair, {kCustom, kBranch});
             },
         .check =
             [](Context& context) {
                 has_exactly(context, {kNetwork, kPool, kCustom, kBranch});
             }},
        {.id = "pushes-a-thousand-routes",
         .requirements = {"P2S-CR-11", "P2S-FAQ-07", "OPENVPN-PUSH-CONTINUATION"},
         .sentence = "A client can be pushed 1,000 routes, in as many messages as they take.",
         .needs = {{Side::Both, Feature::ThousandRoutes}},
         .topology = [](const Pair& pair) { return with_custom_routes(pair, many_routes()); },
         .check = takes_many},
        {.id = "drops-what-is-for-the-internet",
         .requirements = {"P2S-CR-05", "P2S-CR-06"},
         .sentence =
             "With both halves of all addresses as custom routes, packets for the Internet enter the tunnel and end at "
             "the gateway.",
         .needs = {{Side::Client, Feature::KeepsOuterRoute}, {Side::Gateway, Feature::NoInternet}},
         .topology =
             [](const Pair& pair) {
                 return with_custom_routes(pair, {kLowerHalf, kUpperHalf});
             },
         .check = drops_for_the_internet},
    };
}

}  // namespace gatelab::conformance::families
