#include "sim/peers/strongswan_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace gatelab::sim::peers {
namespace {

template <class Number>
Number number_of(std::string_view text, int base = 10) {
    Number number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number, base);
    return number;
}

std::string joined(const std::vector<std::string>* texts) {
    std::string all;
    if (!texts) return all;
    for (const auto& text : *texts) {
        if (!all.empty()) all += ", ";
        all += text;
    }
    return all;
}

Ipv4Address first_address(const std::vector<std::string>* texts) {
    if (!texts || texts->empty()) return {};
    return parse_address(texts->front()).value_or(Ipv4Address{});
}

void append_word(std::string& text, const std::string& word) {
    if (word.empty()) return;
    if (!text.empty()) text += '/';
    text += word;
}

// charon spells algorithms as IANA does, like us; the key length stands apart.
std::string suite_of(const ViciSection& sa, bool ike) {
    std::string suite = sa.text("encr-alg");
    if (suite.empty()) return suite;
    if (const auto bits = sa.text("encr-keysize"); !bits.empty()) suite += "-" + bits;
    append_word(suite, sa.text("integ-alg"));
    if (ike) append_word(suite, sa.text("prf-alg"));
    append_word(suite, sa.text("dh-group"));
    if (!ike && sa.text("esn") == "1") suite += "/ESN";
    return suite;
}

void read_child(ReportedSa& sa, const ViciSection& child) {
    const auto id = number_of<std::uint32_t>(child.text("uniqueid"));
    if (child.text("state") != "INSTALLED" || id < sa.child_id) return;
    auto& tunnel = sa.tunnel;
    sa.child_id = id;
    tunnel.up = sa.established;
    tunnel.child_suite = suite_of(child, false);
    tunnel.local_selectors = joined(child.list("local-ts"));
    tunnel.remote_selectors = joined(child.list("remote-ts"));
    tunnel.udp_encapsulation = child.text("encap") == "yes";
    tunnel.inbound_spi = number_of<std::uint32_t>(child.text("spi-in"), 16);
    tunnel.outbound_spi = number_of<std::uint32_t>(child.text("spi-out"), 16);
    tunnel.packets_in = number_of<std::uint64_t>(child.text("packets-in"));
    tunnel.packets_out = number_of<std::uint64_t>(child.text("packets-out"));
}

ReportedSa read_sa(const std::string& connection, const ViciSection& section) {
    ReportedSa sa;
    sa.connection = connection;
    sa.id = number_of<std::uint32_t>(section.text("uniqueid"));
    sa.spi_i = number_of<std::uint64_t>(section.text("initiator-spi"), 16);
    sa.spi_r = number_of<std::uint64_t>(section.text("responder-spi"), 16);
    sa.established = section.text("state") == "ESTABLISHED";
    sa.tunnel.peer = section.text("remote-id");
    sa.tunnel.ike_suite = suite_of(section, true);
    sa.tunnel.nat_here = section.text("nat-local") == "yes";
    sa.tunnel.nat_there = section.text("nat-remote") == "yes";
    sa.tunnel.inner_address = first_address(section.list("local-vips"));
    if (sa.tunnel.inner_address.is_unspecified()) sa.tunnel.inner_address = first_address(section.list("remote-vips"));
    if (const auto* children = section.section("child-sas"))
        for (const auto& entry : children->entries)
            if (const auto* child = std::get_if<ViciSection>(&entry.value)) read_child(sa, *child);
    return sa;
}

// The sections of a message that describe an IKE SA, by its connection's name.
template <class Visitor>
void for_each_sa(const ViciSection& message, Visitor visit) {
    for (const auto& entry : message.entries)
        if (const auto* section = std::get_if<ViciSection>(&entry.value)) visit(entry.name, *section);
}

void note_child_rekey(TunnelHistory& history, const ViciSection& children) {
    for (const auto& entry : children.entries) {
        const auto* child = std::get_if<ViciSection>(&entry.value);
        const auto* old = child ? child->section("old") : nullptr;
        if (!old) continue;
        ++history.child_rekeys;
        history.packets_in += number_of<std::uint64_t>(old->text("packets-in"));
        history.packets_out += number_of<std::uint64_t>(old->text("packets-out"));
    }
}

struct Phrase {
    std::string_view text, name;
};

// From strongSwan's own messages.
constexpr std::array kReasons = {
    Phrase{"giving up after", "peer-silent"},
    Phrase{"peer not responding", "peer-silent"},
    Phrase{"AUTHENTICATION_FAILED notify", "authentication-failed"},
    Phrase{"MAC mismatched", "authentication-failed"},
    Phrase{"signature validation failed", "authentication-failed"},
    Phrase{"public key found for", "authentication-failed"},
    Phrase{"constraint check failed", "authentication-failed"},
    Phrase{"no shared key found", "authentication-failed"},
    Phrase{"no private key found", "authentication-failed"},
    Phrase{"NO_PROPOSAL_CHOSEN", "no-proposal-chosen"},
    Phrase{"no acceptable proposal found", "no-proposal-chosen"},
    Phrase{"TS_UNACCEPTABLE", "traffic-selectors-unacceptable"},
    Phrase{"no acceptable traffic selectors found", "traffic-selectors-unacceptable"},
    Phrase{"INTERNAL_ADDRESS_FAILURE", "address-unavailable"},
    Phrase{"received DELETE for IKE_SA", "peer-deleted"},
};

bool is_of(std::string_view line, std::uint32_t sa) {
    return sa == 0 || line.find(fmt::format("|{}>", sa)) != std::string_view::npos;
}

}  // namespace

std::vector<ReportedSa> reported_sas(const ViciSection& message) {
    std::vector<ReportedSa> sas;
    for_each_sa(message, [&](const auto& name, const auto& section) { sas.push_back(read_sa(name, section)); });
    return sas;
}

void TunnelHistories::note(std::string_view event, const ViciSection& message) {
    for_each_sa(message, [&](const std::string&, const ViciSection& section) {
        if (event == "ike-updown") {
            by_peer_.erase(section.text("remote-id"));
        } else if (event == "ike-rekey") {
            if (const auto* old = section.section("old")) ++by_peer_[old->text("remote-id")].ike_rekeys;
        } else if (event == "child-rekey") {
            if (const auto* children = section.section("child-sas"))
                note_child_rekey(by_peer_[section.text("remote-id")], *children);
        }
    });
}

void TunnelHistories::add_to(ReportedSa& sa) const {
    const auto found = by_peer_.find(sa.tunnel.peer);
    if (found == by_peer_.end()) return;
    sa.tunnel.ike_rekeys += found->second.ike_rekeys;
    sa.tunnel.child_rekeys += found->second.child_rekeys;
    sa.tunnel.packets_in += found->second.packets_in;
    sa.tunnel.packets_out += found->second.packets_out;
}

std::optional<LoggedReason> reason_in(std::string_view log, std::uint32_t sa) {
    std::optional<LoggedReason> last;
    while (!log.empty()) {
        const auto end = log.find('\n');
        const auto line = log.substr(0, end);
        log.remove_prefix(end == std::string_view::npos ? log.size() : end + 1);
        if (!is_of(line, sa)) continue;
        const auto found = std::find_if(kReasons.begin(), kReasons.end(), [&](const Phrase& phrase) {
            return line.find(phrase.text) != std::string_view::npos;
        });
        if (found != kReasons.end()) last = LoggedReason{std::string{found->name}, std::string{line}};
    }
    return last;
}

std::vector<Ipv4Address> nameservers_in(std::string_view text) {
    constexpr std::string_view kWord = "nameserver ";
    std::vector<Ipv4Address> servers;
    while (!text.empty()) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (!line.starts_with(kWord)) continue;
        line.remove_prefix(kWord.size());
        if (const auto address = parse_address(line.substr(0, line.find_first_of(" \t#")))) servers.push_back(*address);
    }
    return servers;
}

}  // namespace gatelab::sim::peers
