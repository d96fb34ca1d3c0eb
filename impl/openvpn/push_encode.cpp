#include <fmt/format.h>

#include "impl/openvpn/push_options.h"

namespace gatelab::openvpn {
namespace {

std::string mask_of(Prefix prefix) { return to_string(Ipv4Address{prefix.mask()}); }

// As a word of an option: quoted when it would fall apart otherwise.
std::string word_of(const std::string& text) {
    if (!text.empty() && text.find_first_of(" \"'\\") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + "\"";
}

std::string option_of(const PushedRoute& route) {
    const auto text = fmt::format("route {} {}", to_string(route.destination.network()), mask_of(route.destination));
    return route.via ? text + " " + to_string(*route.via) : text;
}

void add_seconds(std::vector<std::string>& options, std::string_view name, const std::optional<Duration>& time) {
    if (time) options.push_back(fmt::format("{} {}", name, std::chrono::floor<std::chrono::seconds>(*time).count()));
}

void add_addresses(std::vector<std::string>& options, const PushReply& reply) {
    if (reply.route_gateway) options.push_back("route-gateway " + to_string(*reply.route_gateway));
    options.push_back(reply.topology_subnet ? "topology subnet" : "topology net30");
    if (!reply.address) return;
    const auto second = reply.topology_subnet ? mask_of(reply.subnet.value_or(Prefix{*reply.address, 32}))
                                              : to_string(reply.peer_address.value_or(Ipv4Address{}));
    options.push_back(fmt::format("ifconfig {} {}", to_string(*reply.address), second));
}

void add_negotiated(std::vector<std::string>& options, const PushReply& reply) {
    if (reply.peer_id) options.push_back(fmt::format("peer-id {}", *reply.peer_id));
    if (reply.cipher) options.push_back(fmt::format("cipher {}", name_of(*reply.cipher)));
    if (reply.key_derivation_ekm) options.emplace_back("key-derivation tls-ekm");
    if (!reply.protocol_flags.empty()) {
        auto& flags = options.emplace_back("protocol-flags");
        for (const auto& flag : reply.protocol_flags) flags.append(" ").append(word_of(flag));
    }
    if (reply.tun_mtu) options.push_back(fmt::format("tun-mtu {}", *reply.tun_mtu));
}

}  // namespace

std::vector<std::string> push_options(const PushReply& reply) {
    std::vector<std::string> options;
    for (const auto& route : reply.routes) options.push_back(option_of(route));
    if (reply.redirect_gateway) options.emplace_back("redirect-gateway def1");
    for (const auto server : reply.dns) options.push_back("dhcp-option DNS " + to_string(server));
    if (!reply.domain.empty()) options.push_back("dhcp-option DOMAIN " + word_of(reply.domain));
    options.insert(options.end(), reply.ignored.begin(), reply.ignored.end());
    if (!reply.auth_token_user.empty()) options.push_back("auth-token-user " + word_of(reply.auth_token_user));
    if (!reply.auth_token.empty()) options.push_back("auth-token " + word_of(reply.auth_token));
    add_seconds(options, "ping", reply.ping);
    add_seconds(options, "ping-restart", reply.ping_restart);
    add_addresses(options, reply);
    add_negotiated(options, reply);
    return options;
}

}  // namespace gatelab::openvpn
