#include "cli/describe_network.h"

#include <fmt/format.h>

#include <vector>

namespace gatelab::cli {
namespace {

using namespace topologies;

std::string protocol_name(std::uint8_t protocol) {
    switch (protocol) {
        case 1: return "icmp";
        case 6: return "tcp";
        case 17: return "udp";
        case 50: return "esp";
        default: return fmt::format("protocol {}", protocol);
    }
}

std::string as_time(Duration duration) {
    return fmt::format("{:g} s", std::chrono::duration<double>(duration).count());
}

std::string when(Duration from, const std::optional<Duration>& until) {
    if (until) return fmt::format("from {} to {}", as_time(from), as_time(*until));
    return from > Duration::zero() ? fmt::format("from {} on", as_time(from)) : "";
}

std::string end_of_rule(std::string_view word, const std::optional<Prefix>& prefix,
                        const std::vector<std::uint16_t>& ports) {
    std::string text;
    if (prefix) text += fmt::format(" {} {}", word, to_string(*prefix));
    if (!ports.empty())
        text += fmt::format("{} port {}", prefix ? "" : fmt::format(" {}", word), fmt::join(ports, ", "));
    return text;
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const auto& part : parts)
        if (!part.empty()) text += fmt::format("{}{}", text.empty() ? "" : ", ", part);
    return text;
}

}  // namespace

std::string describe(const FilterRule& rule) {
    std::string what{name_of(rule.action)};
    if (rule.direction != FilterRule::Direction::Any)
        what += rule.direction == FilterRule::Direction::Outbound ? " outbound" : " inbound";
    what += fmt::format(" {}", rule.protocol ? protocol_name(*rule.protocol) : "any protocol");
    what += end_of_rule("from", rule.source, rule.source_ports);
    what += end_of_rule("to", rule.destination, rule.destination_ports);
    const std::string state = rule.state == FilterRule::State::New   ? ""
                              : rule.state == FilterRule::State::Any ? "also of flows that exist"
                                                                     : "of flows that exist";
    return joined({what, rule.tls_only ? "TLS only" : "", state, when(rule.from, rule.until)});
}

std::string describe(const LinkFault& fault) {
    std::string what{name_of(fault.kind)};
    if (fault.kind == LinkFault::Kind::Delay)
        what += fmt::format(" by {:g} ms", std::chrono::duration<double, std::milli>(fault.delay).count());
    if (!fault.packet.empty()) what += fmt::format(" {}", fault.packet);
    if (fault.protocol) what += fmt::format(" {}", protocol_name(*fault.protocol));
    if (fault.packet.empty() && !fault.protocol) what += " every packet";
    if (!fault.ports.empty()) what += fmt::format(" with port {}", fmt::join(fault.ports, ", "));
    if (!fault.from.empty()) what += fmt::format(" from {}", fault.from);
    return joined({what, fault.numbers.empty() ? "" : fmt::format("number {}", fmt::join(fault.numbers, ", ")),
                   fault.share < 1 ? fmt::format("{:g} % of them", fault.share * 100) : "",
                   when(fault.at, fault.until)});
}

std::string impairments(const Link& link) {
    const auto share = [](std::string_view what, double probability) {
        return probability > 0 ? fmt::format("{} {:g} %", what, probability * 100) : "";
    };
    auto reorder = share("reorder", link.reorder);
    if (!reorder.empty())
        reorder += fmt::format(" by up to {:g} ms", std::chrono::duration<double, std::milli>(link.reorder_by).count());
    return joined({share("duplicate", link.duplicate), share("corrupt", link.corrupt), reorder,
                   link.black_hole_above ? fmt::format("black hole above {}", *link.black_hole_above) : ""});
}

}  // namespace gatelab::cli
