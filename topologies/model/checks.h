// The parts of check(), one file each. Internal to this folder.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "topologies/model/check.h"

namespace gatelab::topologies {

// Collects what is wrong.
class Findings {
public:
    template <class... Args>
    void error(const Mark& mark, fmt::format_string<Args...> format, Args&&... args) {
        add(Problem::Severity::Error, mark, fmt::format(format, std::forward<Args>(args)...));
    }
    template <class... Args>
    void warning(const Mark& mark, fmt::format_string<Args...> format, Args&&... args) {
        add(Problem::Severity::Warning, mark, fmt::format(format, std::forward<Args>(args)...));
    }
    std::vector<Problem> in_file_order() &&;

private:
    void add(Problem::Severity, const Mark&, std::string message);
    std::vector<Problem> all_;
};

// Calls `act(vertex, node, kind)` for each node of a kind, in order.
template <class Kind, class Act>
void for_each(const Topology& topology, Act act) {
    for (const auto vertex : boost::make_iterator_range(boost::vertices(topology.graph))) {
        const auto& node = topology.graph[vertex];
        if (const auto* kind = std::get_if<Kind>(&node.kind)) act(vertex, node, *kind);
    }
}

// ", did you mean \"isp\"?" when a name like `name` is among `known`, else "; there is: ..." or "".
std::string suggestion(std::string_view name, const std::vector<std::string>& known);

// The words of `tls_policy`.
inline constexpr std::array<std::string_view, 2> kPolicies{"p2s-2023", "p2s-2026"};

template <class Container, class T>
bool holds(const Container& all, const T& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

// `field` is that of a section: "openvpn.auth".
template <std::size_t count>
void expect_word(Findings& findings, const Node& node, std::string_view field, std::string_view word,
                 const std::array<std::string_view, count>& words) {
    if (!holds(words, word))
        findings.error(mark_of(node, field), "{} of \"{}\" is \"{}\"; expected one of {}",
                       field.substr(field.find('.') + 1), node.name, word, fmt::join(words, ", "));
}

// Whether a client's `username` and `password` are those of one of the users.
bool knows(const std::vector<User>&, const std::string& username, const std::string& password);

// Whom a gateway or a proxy knows: each with a name of his own and a password.
void check_users(Findings&, const Node&, const std::vector<User>&);

void check_names(const Topology&, Findings&);         // what refers to what
void check_certificates(const Topology&, Findings&);  // chains, counts, kinds
void check_prefixes(const Topology&, Findings&);      // pools, virtual networks and subnets
void check_addresses(const Topology&, Findings&);     // inside their network, and unique
void check_links(const Topology&, Findings&);         // neighbours and paths
void check_middleboxes(const Topology&, Findings&);   // the rules of firewalls, the settings of NATs
void check_faults(const Topology&, Findings&);        // on links that exist, about packets that exist
void check_tunnels(const Topology&, Findings&);       // what clients dial and gateways offer
void check_proxies(const Topology&, Findings&);       // proxies, and what clients want of them
void check_traffic(const Topology&, Findings&);       // flows and actions

// Parts of check_tunnels(), for a gateway that offers the tunnel and a client that dials it there.
void check_openvpn_offer(const Topology&, Findings&, const Node&, const Gateway&);
void check_openvpn_dial(Findings&, const Node&, const Client&, const Gateway&);
void check_sstp_offer(Findings&, const Node&, const Gateway&);
void check_sstp_dial(Findings&, const Node&, const Client&, const Gateway&);

}  // namespace gatelab::topologies
