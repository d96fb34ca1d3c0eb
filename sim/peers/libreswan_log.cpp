#include "sim/peers/libreswan_log.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "sim/peers/libreswan_proposal.h"

namespace gatelab::sim::peers {
namespace {

constexpr auto kNowhere = std::string_view::npos;

std::uint32_t number_of(std::string_view text, int base = 10) {
    std::uint32_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number, base);
    return number;
}

std::optional<std::string_view> after(std::string_view text, std::string_view phrase) {
    const auto at = text.find(phrase);
    if (at == kNowhere) return std::nullopt;
    return text.substr(at + phrase.size());
}

std::string_view between(std::string_view text, std::string_view begin, std::string_view end) {
    const auto rest = after(text, begin);
    return rest ? rest->substr(0, rest->find(end)) : std::string_view{};
}

// "10.60.0.0-10.60.0.255:0-65535 0": a range of addresses, of ports, and the protocol. As a prefix when it is one.
std::string selector_from(std::string_view text) {
    const auto dash = text.find('-'), colon = text.find(':');
    if (dash == kNowhere || colon == kNowhere || dash > colon) return std::string{text};
    const auto first = parse_address(text.substr(0, dash));
    const auto last = parse_address(text.substr(dash + 1, colon - dash - 1));
    if (!first || !last || last->number() < first->number()) return std::string{text};
    const std::uint64_t size = std::uint64_t{last->number()} - first->number() + 1;
    std::uint8_t length = 32;
    for (std::uint64_t covered = 1; covered < size; covered *= 2) --length;
    const Prefix prefix{*first, length};
    if (prefix.first() == *first && prefix.last() == *last) return to_string(prefix);
    return std::string{text.substr(0, colon)};
}

struct Phrase {
    std::string_view text, name;
};

// From libreswan's own messages; a later one in the log counts, unless it is the silence that came of it.
constexpr std::array kReasons = {
    Phrase{"AUTHENTICATION_FAILED", "authentication-failed"},
    Phrase{"authentication failed", "authentication-failed"},
    Phrase{"certificate payload rejected", "authentication-failed"},
    Phrase{"certificate invalid", "authentication-failed"},
    Phrase{"NO_PROPOSAL_CHOSEN", "no-proposal-chosen"},
    Phrase{"no local proposal matches", "no-proposal-chosen"},
    Phrase{"TS_UNACCEPTABLE", "traffic-selectors-unacceptable"},
    Phrase{"INTERNAL_ADDRESS_FAILURE", "address-unavailable"},
    Phrase{"No response (or no acceptable response)", "peer-silent"},
};

constexpr std::string_view kRefused = "failed to add connection: ";

}  // namespace

void LibreswanLog::read(std::string_view text) {
    rest_ += text;
    std::string_view left = rest_;
    for (;;) {
        const auto end = left.find('\n');
        if (end == kNowhere) break;
        read_line(left.substr(0, end));
        left.remove_prefix(end + 1);
    }
    rest_.erase(0, rest_.size() - left.size());
}

const LibreswanLog::Outcome* LibreswanLog::outcome(const std::string& connection) const {
    const auto found = outcomes_.find(connection);
    return found == outcomes_.end() ? nullptr : &found->second;
}

// The time ends at the third colon and a blank; the connection is in quotes, its instance and peer follow.
bool LibreswanLog::parse(std::string_view line, Line& parsed) {
    const auto quote = line.find('"');
    if (quote == kNowhere) return false;
    const auto end = line.find('"', quote + 1);
    if (end == kNowhere) return false;
    parsed.connection = line.substr(quote + 1, end - quote - 1);
    const auto colon = line.find(": ", end);
    if (colon == kNowhere) return false;
    const auto hash = line.find('#', end);
    parsed.number = hash < colon ? number_of(line.substr(hash + 1)) : 0;
    parsed.text = line.substr(colon + 2);
    return true;
}

void LibreswanLog::read_line(std::string_view text) {
    if (text.starts_with('|')) return;  // of debugging
    if (text.find("loading secrets from") != kNowhere) ready_ = true;
    Line line;
    if (!parse(text, line)) return;
    if (const auto why = after(line.text, kRefused)) return refused_.push_back(std::string{*why});
    if (line.number == 0) return;
    const auto has = [&](std::string_view phrase) { return line.text.find(phrase) != kNowhere; };
    const std::string connection{line.connection};
    if (has(" rekeyed Child SA #")) return note_child(line, true);
    if (has(" established Child SA using #")) return note_child(line, false);
    if (has(" rekeyed IKE SA #")) return note_ike_rekeyed(line);
    if (has("sent IKE_SA_INIT reply {") || has("sent IKE_AUTH request {")) {
        ikes_[line.number] = {connection, ike_row_from_libreswan(line.text)};
    } else if (const auto address = after(line.text, "received INTERNAL_IP4_ADDRESS ")) {
        grants_[connection].address = parse_address(*address).value_or(Ipv4Address{});
    } else if (const auto server = after(line.text, "received INTERNAL_IP4_DNS ")) {
        if (const auto parsed = parse_address(*server)) grants_[connection].dns.push_back(*parsed);
    } else if (has("initiating IKEv2 connection")) {
        grants_.erase(connection);
        reasons_.erase(connection);
        outcomes_.erase(connection);
    } else {
        note_reason(line);
        note_end(line);
    }
}

// "...; IPsec tunnel [10.70.0.2-10.70.0.2:0-65535 0] -> [10.60.0.0-10.60.0.255:0-65535 0] {ESPinUDP/ESN=>0x11a06ccb
// <0x72cd88f1 xfrm=AES_GCM_16_256-NONE-DH20 NATD=192.0.2.1:4500 DPD=passive}"
void LibreswanLog::note_child(const Line& line, bool rekeyed) {
    const std::string connection{line.connection};
    auto& tunnel = tunnels_[connection];
    const bool new_tunnel = tunnel.ike == 0;
    if (!rekeyed && !new_tunnel) tunnel = {};  // another one of that name, in place of the old
    tunnel.connection = connection;
    tunnel.child = line.number;
    tunnel.ike = number_of(after(line.text, "using #").value_or(""));
    auto& status = tunnel.status;
    status.up = true;
    if (rekeyed) ++status.child_rekeys;
    if (const auto ike = ikes_.find(tunnel.ike); ike != ikes_.end()) status.ike_suite = ike->second.suite;
    status.local_selectors = selector_from(between(line.text, "tunnel [", "]"));
    status.remote_selectors = selector_from(between(line.text, "-> [", "]"));
    const auto details = between(line.text, "{", "}");
    status.udp_encapsulation = details.starts_with("ESPinUDP");
    status.outbound_spi = number_of(between(details, "=>0x", " "), 16);
    status.inbound_spi = number_of(between(details, "<0x", " "), 16);
    status.child_suite = child_row_from_libreswan(between(details, "xfrm=", " "), details.find("/ESN=>") != kNowhere);
    if (const auto grant = grants_.find(connection); grant != grants_.end()) {
        status.inner_address = grant->second.address;
        tunnel.granted_dns = grant->second.dns;
    } else if (const auto prefix = parse_prefix(status.remote_selectors); prefix && prefix->size() == 1) {
        status.inner_address = prefix->first();
    }
    reasons_.erase(connection);
    outcomes_.erase(connection);
}

void LibreswanLog::note_ike_rekeyed(const Line& line) {
    const auto old = number_of(after(line.text, " rekeyed IKE SA #").value_or(""));
    auto& ike = ikes_[line.number];
    ike = {std::string{line.connection}, ike_row_from_libreswan(line.text)};
    for (auto& [connection, tunnel] : tunnels_) {
        if (tunnel.ike != old) continue;
        tunnel.ike = line.number;
        tunnel.status.ike_suite = ike.suite;
        ++tunnel.status.ike_rekeys;
    }
}

void LibreswanLog::note_reason(const Line& line) {
    const std::string connection{line.connection};
    for (const auto& phrase : kReasons) {
        if (line.text.find(phrase.text) == kNowhere) continue;
        // libreswan goes on asking after a refusal that is not authentic, and then complains of silence.
        if (phrase.name == "peer-silent" && reasons_.contains(connection)) return;
        reasons_[connection] = {std::string{phrase.name}, std::string{line.text}};
        return;
    }
}

void LibreswanLog::note_end(const Line& line) {
    const std::string connection{line.connection};
    const auto tunnel = tunnels_.find(connection);
    const bool closes = line.text.starts_with("ESP traffic information:");
    const bool deletes = line.text.starts_with("deleting state (");
    if (tunnel != tunnels_.end()) {
        const bool of_child = closes && tunnel->second.child == line.number;
        const bool of_ike = deletes && tunnel->second.ike == line.number;
        if (of_child || of_ike) return end(connection, line.text);
        return;
    }
    // An attempt that came to nothing. The IKE SA outlives a child that was refused.
    const bool refused = line.text.find("rejected Child SA with") != kNowhere;
    const bool gave_up = deletes && line.text.find("STATE_V2_PARENT_I") != kNowhere;
    if (refused || gave_up) end(connection, line.text);
}

void LibreswanLog::end(const std::string& connection, std::string_view line) {
    const bool was_up = tunnels_.erase(connection) != 0;
    const auto reason = reasons_.extract(connection);
    if (!reason.empty())
        outcomes_[connection] = std::move(reason.mapped());
    else
        outcomes_[connection] = {was_up ? "peer-deleted" : "failed", std::string{line}};
}

}  // namespace gatelab::sim::peers
