#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

#include "impl/openvpn/push_options.h"

namespace gatelab::openvpn {
namespace {

constexpr std::size_t kMostRoutes = 1000;  // P2S-CR-11
constexpr std::uint32_t kLargestPeerId = 0xffffff;

using Words = std::vector<std::string>;

// Blanks part words; quotes keep blanks, and a backslash the character behind it.
Result<Words> words_of(std::string_view option) {
    Words words;
    std::optional<std::string> word;
    char quote = '\0';
    for (std::size_t i = 0; i < option.size(); ++i) {
        const char c = option[i];
        if (quote == '\0' && c == ' ') {
            if (word) words.push_back(std::move(*word));
            word.reset();
            continue;
        }
        if (!word) word.emplace();
        if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
        } else if (c == quote) {
            quote = '\0';
        } else if (c == '\\' && quote != '\'' && i + 1 < option.size()) {
            *word += option[++i];
        } else {
            *word += c;
        }
    }
    if (quote != '\0')
        return fail(Fault::Malformed, fmt::format("pushed option \"{}\": a quote is not closed", option));
    if (word) words.push_back(std::move(*word));
    return words;
}

std::optional<std::uint32_t> number_in(const std::string& text, std::uint32_t largest) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > largest) return {};
    return value;
}

std::optional<std::uint8_t> prefix_length(Ipv4Address mask) {
    const auto ones = static_cast<std::uint8_t>(std::countl_one(mask.number()));
    return Prefix{mask, ones}.mask() == mask.number() ? std::optional{ones} : std::nullopt;
}

// A network mask rather than an address: no tunnel has an end in 254.0.0.0/7 or above.
bool looks_like_mask(Ipv4Address address) { return address.number() >= 0xfe000000 && prefix_length(address); }

class Parser {
public:
    Result<PushReply> run(std::string_view options) {
        for (const auto option : split_options(options)) {
            option_ = option;
            auto words = words_of(option);
            if (!words) return pass(words);
            if (words->empty()) continue;
            words_ = std::move(*words);
            if (auto done = apply(); !done) return pass(done);
        }
        option_ = "ifconfig";
        if (auto done = settle_addresses(); !done) return pass(done);
        return std::move(reply_);
    }

private:
    tl::unexpected<Error> malformed(std::string_view expected) const {
        return fail(Fault::Malformed, fmt::format("pushed option \"{}\": expected {}", option_, expected));
    }
    const std::string& word(std::size_t i) const {
        static const std::string kNone;
        return i < words_.size() ? words_[i] : kNone;
    }
    void ignore() { reply_.ignored.emplace_back(option_); }

    Result<void> apply() {
        const auto& name = words_[0];
        for (const auto* refused : {"comp-lzo", "compress", "comp-noadapt", "fragment"})
            if (name == refused)
                return fail(Fault::Refused, fmt::format("pushed option \"{}\" turns on what is refused here", option_));
        for (const auto& [known, handler] : kHandlers)
            if (name == known) return (this->*handler)();
        ignore();
        return {};
    }

    Result<void> store_address(std::optional<Ipv4Address>& into) {
        const auto address = parse_address(word(1));
        if (!address) return malformed("an IPv4 address");
        into = *address;
        return {};
    }

    Result<void> ifconfig() {
        const auto local = parse_address(word(1)), second = parse_address(word(2));
        if (!local || !second) return malformed("two IPv4 addresses");
        reply_.address = *local;
        second_ = *second;
        return {};
    }

    // What the second address of ifconfig means is known only when all options are.
    Result<void> settle_addresses() {
        reply_.topology_subnet = topology_subnet_.value_or(!second_ || looks_like_mask(*second_));
        if (!second_) return {};
        if (!reply_.topology_subnet) {
            reply_.peer_address = second_;
            return {};
        }
        const auto length = prefix_length(*second_);
        if (!length) return malformed("a network mask as its second address");
        reply_.subnet = Prefix{*reply_.address, *length};
        return {};
    }

    Result<void> topology() {
        const auto& kind = word(1);
        if (kind != "subnet" && kind != "net30" && kind != "p2p") return malformed("subnet, net30 or p2p");
        topology_subnet_ = kind == "subnet";
        return {};
    }

    // Routes to the server itself, or past the tunnel, are the client's own affair here.
    Result<void> route() {
        if (reply_.routes.size() == kMostRoutes)
            return fail(Fault::Refused, fmt::format("more than {} pushed routes", kMostRoutes));
        const auto &network = word(1), &mask = word(2), &gateway = word(3);
        if (gateway == "net_gateway" || network == "vpn_gateway" || network == "net_gateway" ||
            network == "remote_host") {
            ignore();
            return {};
        }
        const auto destination = parse_address(network);
        const auto netmask = mask.empty() || mask == "default" ? Ipv4Address{255, 255, 255, 255}
                                                               : parse_address(mask).value_or(Ipv4Address{1});
        const auto length = prefix_length(netmask);
        if (!destination || !length) return malformed("a network and its mask");
        PushedRoute pushed{Prefix{*destination, *length}, {}};
        if (!gateway.empty() && gateway != "default" && gateway != "vpn_gateway") {
            const auto via = parse_address(gateway);
            if (!via) return malformed("an IPv4 address as its gateway");
            pushed.via = *via;
        }
        reply_.routes.push_back(pushed);
        return {};
    }

    Result<void> route_gateway() {
        if (word(1) != "dhcp") return store_address(reply_.route_gateway);
        ignore();
        return {};
    }

    Result<void> redirect_gateway() {
        reply_.redirect_gateway = true;
        return {};
    }

    Result<void> dhcp_option() {
        if (word(1) == "DOMAIN") {
            if (word(2).empty()) return malformed("a domain name");
            reply_.domain = word(2);
        } else if (word(1) == "DNS") {
            const auto server = parse_address(word(2));
            if (!server) return malformed("an IPv4 address");
            reply_.dns.push_back(*server);
        } else {
            ignore();
        }
        return {};
    }

    Result<void> cipher() {
        reply_.cipher = data_cipher_of(word(1));
        if (!reply_.cipher) return malformed("AES-256-GCM, AES-128-GCM or AES-256-CBC");
        return {};
    }

    Result<void> peer_id() {
        reply_.peer_id = number_in(word(1), kLargestPeerId);
        if (!reply_.peer_id) return malformed("a number up to 16777215");
        return {};
    }

    Result<void> store_seconds(std::optional<Duration>& into) {
        const auto seconds = number_in(word(1), 0x7fffffff);
        if (!seconds) return malformed("a number of seconds");
        into = std::chrono::seconds{*seconds};
        return {};
    }
    Result<void> ping() { return store_seconds(reply_.ping); }
    Result<void> ping_restart() { return store_seconds(reply_.ping_restart); }

    Result<void> tun_mtu() {
        const auto size = number_in(word(1), 65535);
        if (!size || *size < 68) return malformed("a size from 68 to 65535");
        reply_.tun_mtu = static_cast<std::uint16_t>(*size);
        return {};
    }

    Result<void> auth_token() {
        if (word(1).empty()) return malformed("a token");
        reply_.auth_token = word(1);
        return {};
    }
    Result<void> auth_token_user() {
        if (word(1).empty()) return malformed("a user name");
        reply_.auth_token_user = word(1);
        return {};
    }

    Result<void> key_derivation() {
        if (word(1) != "tls-ekm") return malformed("tls-ekm");
        reply_.key_derivation_ekm = true;
        return {};
    }

    Result<void> protocol_flags() {
        reply_.protocol_flags.assign(words_.begin() + 1, words_.end());
        return {};
    }

    using Handler = Result<void> (Parser::*)();
    static const std::array<std::pair<std::string_view, Handler>, 15> kHandlers;

    std::string_view option_;
    Words words_;
    PushReply reply_;
    std::optional<Ipv4Address> second_;
    std::optional<bool> topology_subnet_;
};

const std::array<std::pair<std::string_view, Parser::Handler>, 15> Parser::kHandlers = {{
    {"auth-token", &Parser::auth_token},
    {"auth-token-user", &Parser::auth_token_user},
    {"cipher", &Parser::cipher},
    {"dhcp-option", &Parser::dhcp_option},
    {"ifconfig", &Parser::ifconfig},
    {"key-derivation", &Parser::key_derivation},
    {"peer-id", &Parser::peer_id},
    {"ping", &Parser::ping},
    {"ping-restart", &Parser::ping_restart},
    {"protocol-flags", &Parser::protocol_flags},
    {"redirect-gateway", &Parser::redirect_gateway},
    {"route", &Parser::route},
    {"route-gateway", &Parser::route_gateway},
    {"topology", &Parser::topology},
    {"tun-mtu", &Parser::tun_mtu},
}};

}  // namespace

std::vector<std::string_view> split_options(std::string_view text) {
    std::vector<std::string_view> options;
    while (!text.empty()) {
        const auto comma = std::min(text.find(','), text.size());
        if (comma > 0) options.push_back(text.substr(0, comma));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return options;
}

Result<PushReply> parse_push_options(std::string_view options) { return Parser{}.run(options); }

}  // namespace gatelab::openvpn
