#include "impl/ppp/describe.h"

#include <fmt/format.h>
#include <array>

namespace gatelab::ppp {
namespace {

std::string_view lcp_option(std::uint8_t type) {
    switch (type) {
        case 1: return "mru";
        case 2: return "control-character-map";
        case 3: return "authentication";
        case 4: return "quality";
        case 5: return "magic-number";
        case 7: return "protocol-compression";
        case 8: return "address-compression";
        case 13: return "callback";
        case 17: return "multilink-mrru";
        case 19: return "endpoint-discriminator";
    }
    return {};
}

std::string_view ipcp_option(std::uint8_t type) {
    switch (type) {
        case 1: return "addresses";
        case 2: return "compression";
        case 3: return "address";
        case 129: return "primary-dns";
        case 130: return "primary-nbns";
        case 131: return "secondary-dns";
        case 132: return "secondary-nbns";
    }
    return {};
}

std::string describe(Protocol protocol, const Option& option) {
    const auto known = protocol == Protocol::Lcp ? lcp_option(option.type) : ipcp_option(option.type);
    auto text = known.empty() ? fmt::format("option-{}", option.type) : std::string{known};
    const bool is_address = protocol == Protocol::Ipcp && (option.type == 3 || option.type >= 129);
    if (const auto number = u32_of(option); number && is_address)
        return fmt::format("{} {}", text, to_string(Ipv4Address{*number}));
    if (const auto number = u16_of(option); number && protocol == Protocol::Lcp && option.type == 1)
        return fmt::format("{} {}", text, *number);
    return option.value.empty() ? text : fmt::format("{} {}", text, to_hex(option.value));
}

}  // namespace

std::string message_name(Protocol protocol, std::uint8_t code) {
    constexpr std::array kPap{"authenticate-request", "authenticate-ack", "authenticate-nak"};
    constexpr std::array kChap{"challenge", "response", "success", "failure"};
    const std::size_t index = code - 1u;
    if (protocol == Protocol::Pap && index < kPap.size()) return kPap[index];
    if (protocol == Protocol::Chap && index < kChap.size()) return kChap[index];
    if (protocol == Protocol::Lcp || protocol == Protocol::Ipcp) return name_of(static_cast<Code>(code));
    return fmt::format("code {}", code);
}

std::string describe_options(Protocol protocol, const Packet& packet) {
    const bool negotiates = protocol == Protocol::Lcp || protocol == Protocol::Ipcp;
    const auto options = parse_options(packet.data);
    if (!negotiates || packet.code > static_cast<std::uint8_t>(Code::ConfigureReject) || !options) return {};
    std::string text;
    for (const auto& option : *options)
        text += fmt::format("{}{}", text.empty() ? "" : ", ", describe(protocol, option));
    return text;
}

}  // namespace gatelab::ppp
