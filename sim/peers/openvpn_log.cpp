#include "sim/peers/openvpn_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>

namespace gatelab::sim::peers {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (std::size_t from = 0; from <= text.size();) {
        const auto end = std::min(text.find(separator, from), text.size());
        parts.push_back(text.substr(from, end - from));
        from = end + 1;
    }
    return parts;
}

// "198.51.100.10:1194", as whole text.
std::optional<Endpoint> endpoint_in(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == text.npos) return std::nullopt;
    const auto address = parse_address(text.substr(0, colon));
    std::uint16_t port = 0;
    const auto digits = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (!address || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return Endpoint{*address, port};
}

// What stands between two marks.
std::optional<std::string_view> between(std::string_view text, std::string_view left, std::string_view right) {
    const auto from = text.find(left);
    if (from == text.npos) return std::nullopt;
    const auto start = from + left.size();
    const auto end = text.find(right, start);
    if (end == text.npos) return std::nullopt;
    return text.substr(start, end - start);
}

std::optional<Prefix> prefix_from(std::string_view address, std::string_view mask) {
    const auto number = parse_address(address), bits = parse_address(mask);
    if (!number || !bits) return std::nullopt;
    return Prefix{*number, static_cast<std::uint8_t>(std::popcount(bits->number()))};
}

LoggedPush push_in(std::string_view options) {
    LoggedPush push;
    for (const auto option : split(options, ',')) {
        const auto words = split(option, ' ');
        if (words[0] == "ifconfig" && words.size() >= 2)
            push.address = parse_address(words[1]).value_or(Ipv4Address{});
        else if (words[0] == "route" && words.size() >= 3) {
            if (const auto route = prefix_from(words[1], words[2])) push.routes.push_back(*route);
        } else if (option == "push-continuation 2") {
            push.more_follows = true;
        } else if (words[0] == "dhcp-option" && words.size() == 3 && words[1] == "DNS")
            if (const auto server = parse_address(words[2])) push.dns.push_back(*server);
    }
    return push;
}

struct Phrase {
    std::string_view text, reason;
};

// The first that fits decides.
constexpr Phrase kFailures[] = {
    {"AUTH: Received control message: AUTH_FAILED", "authentication-failed"},
    {"TLS Auth Error:", "authentication-failed"},
    {"TLS Error: Auth Username/Password verification failed", "authentication-failed"},
    {"TLS key negotiation failed to occur within", "handshake-timeout"},
    {"VERIFY ERROR:", "tls-failed"},
    {"VERIFY KU ERROR", "tls-failed"},
    {"VERIFY EKU ERROR", "tls-failed"},
    {"VERIFY X509NAME ERROR", "tls-failed"},
    {"OpenSSL: error:", "tls-failed"},
    {"TLS Error: TLS handshake failed", "tls-failed"},
    {"OPTIONS ERROR:", "options-mismatch"},
    {"Inactivity timeout (--ping-restart)", "peer-silent"},
    {"Inactivity timeout (--ping-exit)", "peer-silent"},
    {"Connection reset, restarting", "peer-exit"},
    {"Connection reset by", "peer-exit"},
};

constexpr Phrase kEndings[] = {
    {"auth-failure", "authentication-failed"},
    {"ping-restart", "peer-silent"},
    {"ping-exit", "peer-silent"},
    {"connection-reset", "peer-exit"},
    {"connection-failed", "no-connection"},
    {"remote-exit", "peer-exit"},
    {"server-pushed", "peer-exit"},
    {"process-push-msg-failed", "options-mismatch"},
};

}  // namespace

LogLine split_log_line(std::string_view line) {
    const auto space = line.find(' ');
    if (space == line.npos) return {std::nullopt, line};
    const auto who = line.substr(0, space);
    const auto slash = who.rfind('/');
    const auto at = endpoint_in(slash == who.npos ? who : who.substr(slash + 1));
    return {at, at ? line.substr(space + 1) : line};
}

std::optional<LogFact> fact_in(std::string_view text) {
    if (text.starts_with("Control Channel: TLS")) {
        // "Control Channel: TLSv1.2, cipher TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256, peer certificate: ..."
        const auto version = between(text, "Control Channel: ", ",");
        const auto suite = between(text, ", cipher ", ",");
        if (!version || !suite) return std::nullopt;
        return LoggedTls{fmt::format("{}/{}", *version, iana_name_of(suite->substr(suite->rfind(' ') + 1)))};
    }
    if (text.starts_with("Outgoing Data Channel: Cipher "))
        if (const auto name = between(text, "'", "'")) return LoggedCipher{std::string{*name}};
    if (text.starts_with("PUSH: Received control message: 'PUSH_REPLY"))
        if (const auto options = between(text, "PUSH_REPLY,", "'")) return push_in(*options);
    if (const auto at = text.find(" floated from "); at != text.npos) {
        // "peer 0 (alice) floated from 198.51.100.10:4711 to [AF_INET]198.51.100.11:4712"
        const auto last = text.substr(text.rfind(' ') + 1);
        const auto from = between(text, " floated from ", " to ");
        const auto to = endpoint_in(last.substr(last.find(']') + 1));
        if (to) return LoggedFloat{from ? endpoint_in(*from).value_or(Endpoint{}) : Endpoint{}, *to};
    }
    if (text.find("bad packet ID (may be a replay)") != text.npos)
        return text.starts_with("Authenticate/Decrypt") ? std::optional<LogFact>{LoggedDrop{true}} : std::nullopt;
    if (text.starts_with("Authenticate/Decrypt packet error")) return LoggedDrop{false};
    for (const auto& failure : kFailures)
        if (text.find(failure.text) != text.npos) return LoggedFailure{std::string{failure.reason}};
    return std::nullopt;
}

std::string failure_of(std::string_view ending, const std::string& before) {
    for (const auto& known : kEndings)
        if (ending.starts_with(known.text)) return std::string{known.reason};
    if (!before.empty()) return before;
    return ending == "tls-error" ? "tls-failed" : "failed";
}

std::string iana_name_of(std::string_view openssl) {
    if (openssl.starts_with("TLS_")) return std::string{openssl};
    std::string key_exchange;
    std::vector<std::string> rest;
    for (const auto part : split(openssl, '-')) {
        const bool exchange = part == "ECDHE" || part == "DHE" || part == "RSA" || part == "ECDSA";
        if (exchange && rest.empty())
            key_exchange += fmt::format("{}_", part);
        else if (part.starts_with("AES") && part.size() > 3)
            rest.push_back(fmt::format("AES_{}", part.substr(3)));
        else
            rest.emplace_back(part);
    }
    // What OpenSSL leaves out.
    if (rest.size() == 2 && rest[0].starts_with("AES")) rest.insert(rest.begin() + 1, "CBC");
    if (!rest.empty() && rest[0] == "CHACHA20") rest.emplace_back("SHA256");
    return fmt::format("TLS_{}WITH_{}", key_exchange.empty() ? "RSA_" : key_exchange, fmt::join(rest, "_"));
}

}  // namespace gatelab::sim::peers
