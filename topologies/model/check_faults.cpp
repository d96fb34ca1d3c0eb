// Faults: on links that exist, at times that make sense, about packets that there can be.
#include <algorithm>

#include "topologies/model/checks.h"
#include "topologies/model/packet_kinds.h"

namespace gatelab::topologies {
namespace {

std::optional<Graph::edge_descriptor> find_link(const Topology& topology, std::string_view name) {
    for (const auto edge : boost::make_iterator_range(boost::edges(topology.graph)))
        if (topology.graph[edge].name == name) return edge;
    return std::nullopt;
}

void check_place(const Topology& topology, Findings& findings, const LinkFault& fault) {
    const auto edge = find_link(topology, fault.link);
    if (!edge) {
        std::vector<std::string> names;
        for (const auto one : boost::make_iterator_range(boost::edges(topology.graph)))
            names.push_back(topology.graph[one].name);
        return findings.error(mark_of(fault, "link"), "there is no link \"{}\"{}", fault.link,
                              suggestion(fault.link, names));
    }
    const std::vector<std::string> ends{topology.graph[boost::source(*edge, topology.graph)].name,
                                        topology.graph[boost::target(*edge, topology.graph)].name};
    if (!fault.from.empty() && std::find(ends.begin(), ends.end(), fault.from) == ends.end())
        findings.error(mark_of(fault, "from"), "link \"{}\" has no end at \"{}\"{}", fault.link, fault.from,
                       suggestion(fault.from, ends));
}

void check_times(const Topology& topology, Findings& findings, const LinkFault& fault) {
    if (fault.at < Duration::zero())
        findings.error(mark_of(fault, "at"),
                       "this fault begins at {} s, before the start of the run; expected 0s or later",
                       format_seconds(fault.at));
    if (fault.until && *fault.until <= fault.at)
        findings.error(mark_of(fault, "until"),
                       "this fault ends at {} s, not after it begins at {} s; expected a later time",
                       format_seconds(*fault.until), format_seconds(fault.at));
    if (fault.at > topology.duration)
        findings.warning(mark_of(fault, "at"), "this fault at {} s comes after the end of the run at {} s",
                         format_seconds(fault.at), format_seconds(topology.duration));
}

void check_packets(Findings& findings, const LinkFault& fault) {
    constexpr std::uint8_t kTcp = 6, kUdp = 17;
    const bool has_ports = !fault.protocol || *fault.protocol == kTcp || *fault.protocol == kUdp;
    if (!fault.ports.empty() && !has_ports)
        findings.error(mark_of(fault, "ports"),
                       "this fault has ports for protocol {}, which has none; expected protocol "
                       "tcp or udp",
                       *fault.protocol);
    if (!fault.packet.empty()) {
        const auto& kinds = packet_kinds();
        const auto kind =
            std::find_if(kinds.begin(), kinds.end(), [&](const auto& one) { return one.name == fault.packet; });
        if (kind == kinds.end())
            findings.error(mark_of(fault, "packet"), "there is no kind of packet \"{}\"{}", fault.packet,
                           suggestion(fault.packet, packet_kind_names()));
        else if (fault.protocol &&
                 std::find(kind->protocols.begin(), kind->protocols.end(), *fault.protocol) == kind->protocols.end())
            findings.error(mark_of(fault, "packet"), "no packet of protocol {} is of the kind {}; expected protocol {}",
                           *fault.protocol, fault.packet, fmt::join(kind->protocols, " or "));
    }
    if (std::find(fault.numbers.begin(), fault.numbers.end(), 0u) != fault.numbers.end())
        findings.error(mark_of(fault, "numbers"),
                       "packets of a fault are counted from 1; expected no 0 among its numbers");
    if (!(fault.share >= 0 && fault.share <= 1))
        findings.error(mark_of(fault, "share"), "share {} of this fault is no probability; expected 0 to 1",
                       fault.share);
    if (fault.kind == LinkFault::Kind::Delay && fault.delay <= Duration::zero())
        findings.error(mark_of(fault, "delay"), "this fault delays by 0; expected more");
}

}  // namespace

void check_faults(const Topology& topology, Findings& findings) {
    for (const auto& fault : topology.faults) {
        check_place(topology, findings, fault);
        check_times(topology, findings, fault);
        check_packets(findings, fault);
    }
}

}  // namespace gatelab::topologies
