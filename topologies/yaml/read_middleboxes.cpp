// Firewalls with their rules, and NATs.
#include "topologies/yaml/sections.h"

namespace gatelab::topologies {
namespace {

const Choices<FilterRule::Action> kFilterActions{
    {"allow", FilterRule::Action::Allow}, {"drop", FilterRule::Action::Drop}, {"reject", FilterRule::Action::Reject}};

FilterRule read_rule(Draft& draft, const Value& value, const std::string& what) {
    FilterRule rule;
    Form form{value, what, draft.problems};
    form.require("action", "drop");
    form.choice("action", rule.action, kFilterActions);
    form.choice("state", rule.state,
                {{"new", FilterRule::State::New},
                 {"established", FilterRule::State::Established},
                 {"any", FilterRule::State::Any}});
    form.choice("direction", rule.direction,
                {{"any", FilterRule::Direction::Any},
                 {"outbound", FilterRule::Direction::Outbound},
                 {"inbound", FilterRule::Direction::Inbound}});
    read_protocol(form, rule.protocol);
    form.ports("source_ports", rule.source_ports);
    form.ports("destination_ports", rule.destination_ports);
    form.address_or_prefix("source", rule.source);
    form.address_or_prefix("destination", rule.destination);
    form.flag("tls_only", rule.tls_only);
    form.since_start("from", rule.from);
    form.since_start("until", rule.until, "never");
    form.finish();
    rule.mark = value.mark;
    rule.field_marks = form.field_marks();
    return rule;
}

}  // namespace

void read_protocol(Form& form, std::optional<std::uint8_t>& target) {
    const auto* value = form.take("protocol");
    if (!value) return;
    constexpr auto kExpected = "any, icmp, tcp, udp, esp or a protocol number from 0 to 255";
    const auto text = form.text_of(*value, "protocol", kExpected);
    if (!text || *text == "any") return;
    const Choices<std::uint8_t> names{{"icmp", 1}, {"tcp", 6}, {"udp", 17}, {"esp", 50}};
    for (const auto& [word, number] : names)
        if (*text == word) return void(target = number);
    const auto number = parse_number(*text);
    if (number && *number <= 255)
        target = static_cast<std::uint8_t>(*number);
    else
        form.problem(value->mark,
                     fmt::format("protocol of {} is {}; expected {}", form.what(), describe(*value), kExpected));
}

void read_firewall(Draft& draft, Form& form, const std::string& name) {
    Firewall firewall;
    form.require("inside", "the name of the neighbour that it protects");
    form.text("inside", firewall.inside);
    form.choice("otherwise", firewall.otherwise, kFilterActions);
    if (const auto* rules = form.take("rules")) {
        if (rules->kind != Value::Kind::List)
            form.problem(rules->mark, fmt::format("rules of {} is {}; expected a list", form.what(), describe(*rules)));
        for (const auto& rule : rules->items)
            firewall.rules.push_back(
                read_rule(draft, rule, fmt::format("rule {} of {}", firewall.rules.size(), form.what())));
    }
    add_read_node(draft, form, name, std::move(firewall));
}

void read_nat(Draft& draft, Form& form, const std::string& name) {
    Nat nat;
    form.require("outside", "the name of the neighbour on the public side");
    form.text("outside", nat.outside);
    form.require("outside_address", "198.51.100.1");
    form.address("outside_address", nat.outside_address);
    form.choice("mapping", nat.endpoint_dependent, {{"endpoint-independent", false}, {"endpoint-dependent", true}});
    form.duration("udp_timeout", nat.udp_timeout);
    form.duration("tcp_timeout", nat.tcp_timeout);
    form.flag("hairpin", nat.hairpin);
    form.duration("rebind_every", nat.rebind_every, "never");
    add_read_node(draft, form, name, nat);
}

}  // namespace gatelab::topologies
