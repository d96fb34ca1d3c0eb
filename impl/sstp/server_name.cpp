#include "impl/sstp/server_name.h"

#include <algorithm>

namespace gatelab::sstp {
namespace {

bool same(std::string_view a, std::string_view b) {
    const auto lower = [](char letter) { return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

// RFC 6125 section 6.4.3: the star stands for one whole label.
bool matches(std::string_view pattern, std::string_view name) {
    if (!pattern.starts_with("*.")) return same(pattern, name);
    const auto dot = name.find('.');
    return dot != name.npos && dot > 0 && same(pattern.substr(1), name.substr(dot));
}

}  // namespace

bool is_for(const crypto::Certificate& certificate, std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    if (const auto address = parse_address(host)) {
        const auto addresses = certificate.ip_addresses();
        return std::find(addresses.begin(), addresses.end(), *address) != addresses.end();
    }
    const auto names = certificate.dns_names();
    if (names.empty()) return !host.empty() && matches(certificate.common_name(), host);
    return std::any_of(names.begin(), names.end(), [&](const auto& name) { return matches(name, host); });
}

}  // namespace gatelab::sstp
