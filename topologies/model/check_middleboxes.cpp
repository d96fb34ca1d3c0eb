// The rules of packet filters, and the settings of translators: such as can be, about addresses that somebody has.
#include <algorithm>

#include "topologies/model/checks.h"

namespace gatelab::topologies {
namespace {

constexpr std::uint8_t kTcp = 6, kUdp = 17;

// Every address that a node has; a gateway's clients may have any of its pool.
std::vector<Prefix> addresses_of(const Topology& topology) {
    std::vector<Prefix> all;
    const auto add = [&](Ipv4Address address) { all.push_back({address, 32}); };
    for_each<Client>(topology, [&](Vertex, const Node&, const Client& one) { add(one.address); });
    for_each<Gateway>(topology, [&](Vertex, const Node&, const Gateway& one) {
        add(one.public_address);
        add(one.inside_address);
        all.push_back(one.client_address_pool);
    });
    for_each<VirtualMachine>(topology, [&](Vertex, const Node&, const VirtualMachine& one) { add(one.address); });
    for_each<Nat>(topology, [&](Vertex, const Node&, const Nat& one) { add(one.outside_address); });
    for_each<HttpProxy>(topology, [&](Vertex, const Node&, const HttpProxy& one) { add(one.address); });
    return all;
}

class RuleCheck {
public:
    RuleCheck(const Topology& topology, Findings& findings)
        : topology_(topology), findings_(findings), addresses_(addresses_of(topology)) {}

    void run(const Node& node, const FilterRule& rule) {
        check_ports(node, rule);
        check_tls(node, rule);
        check_times(node, rule);
        check_prefix(node, rule, "source", rule.source);
        check_prefix(node, rule, "destination", rule.destination);
    }

private:
    void check_ports(const Node& node, const FilterRule& rule) {
        if (!rule.protocol || *rule.protocol == kTcp || *rule.protocol == kUdp) return;
        const auto complain = [&](std::string_view field, const std::vector<std::uint16_t>& ports) {
            if (!ports.empty())
                findings_.error(
                    mark_of(rule, field),
                    "{} in a rule of firewall \"{}\" for protocol {}, which has no ports; expected protocol "
                    "tcp or udp",
                    field, node.name, *rule.protocol);
        };
        complain("source_ports", rule.source_ports);
        complain("destination_ports", rule.destination_ports);
    }

    void check_tls(const Node& node, const FilterRule& rule) {
        if (!rule.tls_only) return;
        const auto& mark = mark_of(rule, "tls_only");
        if (rule.action != FilterRule::Action::Allow)
            findings_.error(mark, "tls_only in a rule of firewall \"{}\" that does not allow; expected action allow",
                            node.name);
        else if (rule.protocol != kTcp)
            findings_.error(mark, "tls_only in a rule of firewall \"{}\" that is not for TCP; expected protocol tcp",
                            node.name);
        else if (rule.state != FilterRule::State::New)
            findings_.error(mark,
                            "tls_only in a rule of firewall \"{}\" for flows that exist, whose beginning is past; "
                            "expected state new",
                            node.name);
    }

    void check_times(const Node& node, const FilterRule& rule) {
        if (rule.from < Duration::zero())
            findings_.error(mark_of(rule, "from"),
                            "a rule of firewall \"{}\" is from {} s, before the start of the run; expected 0s or later",
                            node.name, format_seconds(rule.from));
        if (rule.until && *rule.until <= rule.from)
            findings_.error(mark_of(rule, "until"),
                            "a rule of firewall \"{}\" ends at {} s, not after it comes into force at {} s; expected a "
                            "later time, or never",
                            node.name, format_seconds(*rule.until), format_seconds(rule.from));
        if (rule.from > topology_.duration)
            findings_.warning(mark_of(rule, "from"),
                              "this rule of firewall \"{}\" comes into force at {} s, after the end of the run at {} s",
                              node.name, format_seconds(rule.from), format_seconds(topology_.duration));
    }

    void check_prefix(const Node& node, const FilterRule& rule, std::string_view field,
                      const std::optional<Prefix>& prefix) {
        if (!prefix || prefix->length() == 0) return;
        if (std::any_of(addresses_.begin(), addresses_.end(),
                        [&](Prefix one) { return one.length() > 0 && prefix->overlaps(one); }))
            return;
        const auto& mark = mark_of(rule, field);
        if (prefix->length() == 32)
            findings_.error(mark,
                            "{} {} in a rule of firewall \"{}\" is the address of no node; expected one that a node of "
                            "the topology has",
                            field, to_string(prefix->network()), node.name);
        else
            findings_.warning(mark, "{} {} in a rule of firewall \"{}\" holds the address of no node", field,
                              to_string(*prefix), node.name);
    }

    const Topology& topology_;
    Findings& findings_;
    std::vector<Prefix> addresses_;
};

void check_nat(Findings& findings, const Node& node, const Nat& nat) {
    if (nat.udp_timeout <= Duration::zero())
        findings.error(mark_of(node, "udp_timeout"), "udp_timeout of nat \"{}\" is 0; expected more", node.name);
    if (nat.tcp_timeout <= Duration::zero())
        findings.error(mark_of(node, "tcp_timeout"), "tcp_timeout of nat \"{}\" is 0; expected more", node.name);
    if (nat.rebind_every && *nat.rebind_every < std::chrono::seconds(1))
        findings.error(mark_of(node, "rebind_every"),
                       "rebind_every of nat \"{}\" is below 1s; expected 1s or more, or never", node.name);
}

}  // namespace

void check_middleboxes(const Topology& topology, Findings& findings) {
    RuleCheck rules{topology, findings};
    for_each<Firewall>(topology, [&](Vertex, const Node& node, const Firewall& firewall) {
        for (const auto& rule : firewall.rules) rules.run(node, rule);
    });
    for_each<Nat>(topology, [&](Vertex, const Node& node, const Nat& nat) { check_nat(findings, node, nat); });
}

}  // namespace gatelab::topologies
