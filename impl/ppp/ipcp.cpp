#include "impl/ppp/ipcp.h"

#include <algorithm>

namespace gatelab::ppp {
namespace {

enum Type : std::uint8_t {
    kAddress = 3,
    kPrimaryDns = 129,
    kSecondaryDns = 131,
};

std::optional<std::size_t> dns_index(std::uint8_t type) {
    if (type == kPrimaryDns) return 0;
    if (type == kSecondaryDns) return 1;
    return {};
}

std::optional<Ipv4Address> address_of(const Option& option) {
    const auto number = u32_of(option);
    return number ? std::optional{Ipv4Address{*number}} : std::nullopt;
}

Bytes value_of(Ipv4Address address) { return u32_value(address.number()); }

}  // namespace

bool is_usable(Ipv4Address address) {
    const auto first = address.number() >> 24;
    return first != 0 && first != 127 && first < 224;
}

Ipcp Ipcp::of_client(bool ask_for_dns) {
    Ipcp ipcp{Role::Client};
    ipcp.own_ = Ipv4Address{};
    if (ask_for_dns) ipcp.dns_.fill(Ipv4Address{});
    return ipcp;
}

Ipcp Ipcp::of_server(const Grant& grant) {
    Ipcp ipcp{Role::Server};
    if (!grant.own.is_unspecified()) ipcp.own_ = grant.own;
    for (std::size_t i = 0; i < std::min(grant.dns.size(), ipcp.dns_.size()); ++i) ipcp.dns_[i] = grant.dns[i];
    ipcp.granted_ = grant.address;
    return ipcp;
}

Bytes Ipcp::request() const {
    Bytes options;
    if (own_) append_option(options, kAddress, value_of(*own_));
    if (is_server()) return options;
    if (dns_[0]) append_option(options, kPrimaryDns, value_of(*dns_[0]));
    if (dns_[1]) append_option(options, kSecondaryDns, value_of(*dns_[1]));
    return options;
}

Verdict Ipcp::judge(const std::vector<Option>& options, bool may_nak) {
    Judgement judgement{may_nak};
    peer_ = {};
    for (auto option = options.begin(); option != options.end(); ++option) {
        const bool repeated =
            std::any_of(options.begin(), option, [&](const Option& earlier) { return earlier.type == option->type; });
        if (repeated)
            judgement.reject(*option);
        else if (is_server())
            judge_of_client(judgement, *option);
        else
            judge_of_server(judgement, *option);
    }
    const bool asked = std::ranges::any_of(options, [](const Option& option) { return option.type == kAddress; });
    if (is_server() && !asked) judgement.miss(kAddress, value_of(granted_));
    return std::move(judgement).verdict();
}

// What a client asks for: its address and its DNS servers, and it gets none but those that were granted.
void Ipcp::judge_of_client(Judgement& judgement, const Option& option) {
    if (option.type == kAddress) {
        if (address_of(option) != granted_) return judgement.nak(option, value_of(granted_));
        peer_ = granted_;
        return;
    }
    const auto index = dns_index(option.type);
    if (!index || !dns_[*index]) return judgement.reject(option);
    if (address_of(option) != dns_[*index]) judgement.nak(option, value_of(*dns_[*index]));
}

// What a server asks for: its own address, whatever it is; we have none to give.
void Ipcp::judge_of_server(Judgement& judgement, const Option& option) {
    const auto address = address_of(option);
    if (option.type != kAddress || !address || !is_usable(*address)) return judgement.reject(option);
    peer_ = *address;
}

Result<void> Ipcp::take_nak(const std::vector<Option>& options) {
    if (is_server()) return {};  // the client does not choose for us
    for (const auto& option : options) {
        const auto address = address_of(option);
        if (!address || !is_usable(*address)) continue;
        if (option.type == kAddress && own_) own_ = address;
        if (const auto index = dns_index(option.type); index && dns_[*index]) dns_[*index] = address;
    }
    return {};
}

Result<void> Ipcp::take_reject(const std::vector<Option>& options) {
    for (const auto& option : options) {
        if (option.type == kAddress) own_.reset();
        if (const auto index = dns_index(option.type)) dns_[*index].reset();
    }
    if (!is_server() && !own_) return fail(Fault::Refused, "the server gives no address");
    return {};
}

Result<void> Ipcp::check() const {
    if (is_server() || is_usable(own())) return {};
    return fail(Fault::Refused, "the server gives " + to_string(own()) + ", which no host can have");
}

std::vector<Ipv4Address> Ipcp::dns() const {
    std::vector<Ipv4Address> servers;
    for (const auto& server : dns_)
        if (server && !server->is_unspecified()) servers.push_back(*server);
    return servers;
}

}  // namespace gatelab::ppp
