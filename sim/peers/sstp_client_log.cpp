#include "sim/peers/sstp_client_log.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace gatelab::sim::peers {
namespace {

struct Meaning {
    std::string_view text, reason;
};

// Each stands in a line of its own, before sstpc's last words.
constexpr std::array kHints = std::to_array<Meaning>({
    {"SSL certificate verification failed", "tls-failed"},
    {"The certificate did not match the host", "tls-failed"},
    {"Unrecoverable socket error, 1", "tls-failed"},  // SSL_ERROR_SSL
    {"Error: Expected HTTP code 200", "http-refused"},
    {"Error: Received invalid content length", "http-refused"},
    {"Could not parse the HTTP headers", "http-refused"},
    {"): ABORT,", "peer-aborted"},
    {"): DISCONNECT,", "peer-disconnected"},
    {"): CONNECT NAK,", "peer-aborted"},
    {"Unrecoverable", "peer-disconnected"},  // the connection is gone
});

// What sstpc says when it gives up; a hint before it says more. The first ones need none: nothing was there to talk to.
constexpr std::array kPlainWords = std::to_array<Meaning>({
    {"Could not complete connect to the client", "no-connection"},
    {"Could not connect to the server", "no-connection"},
    {"Could not perform HTTP handshake with server", "no-connection"},  // "Connected to", it said before all the same
    {"Could not resolve host", "no-such-host"},
});
constexpr std::array kLastWords = std::to_array<Meaning>({
    {"Proxy asked for credentials, none provided", "proxy-refused"},
    {"Could not connect to proxy server", "proxy-refused"},
    {"Received unsupported authentication", "proxy-refused"},
    {"Verification of server certificate failed", "tls-failed"},
    {"HTTP handshake with server failed", "peer-silent"},
    {"Connection was aborted", "peer-silent"},
    {"Negotiation with server failed", "protocol-error"},
});

constexpr std::array kPppEndings = std::to_array<Meaning>({
    {"CHAP authentication failed", "authentication-failed"},
    {"PAP authentication failed", "authentication-failed"},
    {"mutual authentication failed", "authentication-failed"},
    {"peer refused to authenticate", "authentication-failed"},
    {"No auth is possible", "authentication-failed"},
    {"Could not determine local IP address", "no-agreement"},
    {"Could not determine remote IP address", "no-agreement"},
    {"IPCP: timeout sending Config-Requests", "no-agreement"},
    {"LCP: timeout sending Config-Requests", "peer-silent"},
    {"Serial link appears to be disconnected", "peer-silent"},
    {"LCP terminated by peer", "peer-disconnected"},
    {"Terminating on signal", "requested"},
});

std::optional<std::string_view> after(std::string_view line, std::string_view phrase) {
    const auto at = line.find(phrase);
    if (at == line.npos) return std::nullopt;
    return line.substr(at + phrase.size());
}

std::string_view word_of(std::string_view text) { return text.substr(0, text.find_first_of(" \n")); }

template <class Take>
void take_lines(std::string& rest, std::string_view text, Take take) {
    rest += text;
    std::size_t from = 0;
    for (auto end = rest.find('\n'); end != rest.npos; from = end + 1, end = rest.find('\n', from))
        take(std::string_view{rest}.substr(from, end - from));
    rest.erase(0, from);
}

}  // namespace

void SstpClientLog::read_sstpc(std::string_view text) {
    take_lines(sstpc_rest_, text, [this](auto line) { sstpc_line(line); });
}

void SstpClientLog::read_ppp(std::string_view text) {
    take_lines(ppp_rest_, text, [this](auto line) { ppp_line(line); });
}

void SstpClientLog::fail(std::string_view reason, std::string_view line) {
    const bool refused = reason == "authentication-failed" && failure_ != reason;
    if (!failure_.empty() && !refused) return;
    failure_ = reason;
    while (line.ends_with(' ')) line.remove_suffix(1);
    detail_ = line;
}

void SstpClientLog::sstpc_line(std::string_view line) {
    const auto said = after(line, "]: ");
    if (!said) return;
    if (said->starts_with("Connection Established")) bound_ = true;
    for (const auto& hint : kHints)
        if (hint_.empty() && said->find(hint.text) != said->npos) hint_ = hint.reason;
    for (const auto& words : kPlainWords)
        if (said->starts_with(words.text)) return fail(words.reason, *said);
    for (const auto& words : kLastWords)
        if (said->starts_with(words.text)) return fail(hint_.empty() ? words.reason : std::string_view{hint_}, *said);
}

void SstpClientLog::ppp_line(std::string_view line) {
    if (const auto own = after(line, "line: ")) return own_line(*own);
    const auto address_in = [](std::string_view text) { return parse_address(word_of(text)); };
    if (line.starts_with("rcvd [LCP ConfReq")) {
        if (line.find("<auth chap MS-v2>") != line.npos) asked_ = "mschapv2";
        if (line.find("<auth pap>") != line.npos) asked_ = "pap";
    }
    if (line.find("authentication succeeded") != line.npos) authentication_ = asked_;
    if (const auto local = after(line, "local  IP address "))
        if (const auto address = address_in(*local)) address_ = *address;
    for (const auto* which : {"primary   DNS address ", "secondary DNS address "})
        if (const auto server = after(line, which))
            if (const auto address = address_in(*server)) add_dns(*address);
    if (line.starts_with("Script ") && line.find("/ip-up finished") != line.npos) up_ = true;
    for (const auto& ending : kPppEndings)
        if (line.find(ending.text) != line.npos) return fail(ending.reason, line);
}

// A server that has one gives it twice.
void SstpClientLog::add_dns(Ipv4Address server) {
    if (std::find(dns_.begin(), dns_.end(), server) == dns_.end()) dns_.push_back(server);
}

// "line: address 172.16.201.2", "line: closed authentication-failed E=691"
void SstpClientLog::own_line(std::string_view text) {
    const auto what = word_of(text);
    const auto value = text.size() > what.size() ? text.substr(what.size() + 1) : std::string_view{};
    if (what == "authenticated") authentication_ = value;
    if (what == "up") up_ = true;
    if (what == "closed") {
        const auto reason = word_of(value);
        if (reason == "carrier-lost") return;  // sstpc has said why
        return fail(reason == "peer-terminated" ? "peer-disconnected" : reason, value);
    }
    const auto address = parse_address(word_of(value));
    if (!address) return;
    if (what == "address") address_ = *address;
    if (what == "dns") add_dns(*address);
}

std::string without_keys(std::string log) {
    for (const std::string_view key : {"The mppe send key (", "The mppe recv key ("})
        for (auto at = log.find(key); at != log.npos; at = log.find(key, at)) {
            const auto colon = log.find(": ", at), end = log.find('\n', at);
            at += key.size();
            if (colon < end) log.replace(colon + 2, (end == log.npos ? log.size() : end) - colon - 2, "(not kept)");
        }
    return log;
}

// "sstp-client version 1.0.18" and "pppd version 2.4.9".
std::string sstp_version_in(std::string_view text) {
    std::string versions;
    for (const std::string_view program : {"sstp-client", "pppd"})
        if (const auto number = after(text, std::string{program} + " version ")) {
            if (!versions.empty()) versions += ", ";
            versions += std::string{program} + ' ' + std::string{word_of(*number)};
        }
    return versions;
}

}  // namespace gatelab::sim::peers
