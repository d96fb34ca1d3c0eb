#include "sim/peers/openvpn_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace gatelab::sim::peers {
namespace {

using Protection = topologies::OpenVpn::Protection;

std::int64_t seconds(Duration duration) { return std::chrono::ceil<std::chrono::seconds>(duration).count(); }

std::string mask_of(Prefix prefix) { return to_string(Ipv4Address{prefix.mask()}); }

// Lines of a configuration file.
class Lines {
public:
    template <class... Words>
    void add(const Words&... words) {
        std::string line;
        ((line += fmt::format("{}{}", line.empty() ? "" : " ", words)), ...);
        text_ += line + '\n';
    }
    template <class... Words>
    void push(const Words&... words) {
        std::string what;
        ((what += fmt::format("{}{}", what.empty() ? "" : " ", words)), ...);
        add("push", fmt::format("\"{}\"", what));
    }
    const std::string& text() const { return text_; }

private:
    std::string text_;
};

std::string_view number_of(tls::Version version) { return version == tls::Version::Tls12 ? "1.2" : "1.3"; }

void add_control_protection(Lines& lines, Protection protection, const std::string& key) {
    switch (protection) {
        case Protection::TlsAuth: return lines.add("tls-auth", key, 0);
        case Protection::TlsCrypt: return lines.add("tls-crypt", key);
        case Protection::TlsCryptV2: return lines.add("tls-crypt-v2", key);
        case Protection::None: return;
    }
}

void add_authentication(Lines& lines, const topologies::OpenVpn& openvpn, bool has_users) {
    // Its management interface tells us whoever comes, and we say whether he may.
    lines.add("management-client-auth");
    if (!openvpn.certificate_required) lines.add("verify-client-cert", has_users ? "optional" : "none");
    if (!has_users) lines.add("auth-user-pass-optional");
    if (has_users && !openvpn.certificate_required) lines.add("username-as-common-name");
    if (openvpn.pushes_auth_token) lines.add("auth-gen-token");
    if (openvpn.strict_options_string) lines.add("opt-verify");
}

void add_data_channel(Lines& lines, const topologies::OpenVpn& openvpn, topologies::Transport transport) {
    lines.add("auth", openvpn.auth);
    lines.add("data-ciphers",
              openvpn.data_ciphers.empty() ? "AES-256-GCM" : fmt::format("{}", fmt::join(openvpn.data_ciphers, ":")));
    if (!openvpn.fallback_cipher.empty()) lines.add("data-ciphers-fallback", openvpn.fallback_cipher);
    lines.add("tun-mtu", openvpn.tun_mtu);
    if (openvpn.fragment && transport == topologies::Transport::Udp) lines.add("fragment", *openvpn.fragment);
    if (openvpn.mssfix) lines.add("mssfix", *openvpn.mssfix);
}

void add_times(Lines& lines, const topologies::OpenVpn& openvpn) {
    // A second number keeps it from drawing one between nine tenths and the whole.
    lines.add("reneg-sec", seconds(openvpn.renegotiate), seconds(openvpn.renegotiate));
    lines.add("hand-window", seconds(openvpn.handshake_window));
    lines.add("tran-window", seconds(openvpn.transition_window));
    if (openvpn.ping > Duration{}) {
        lines.add("ping", seconds(openvpn.ping));
        lines.push("ping", seconds(openvpn.ping));
    }
    if (openvpn.ping_restart > Duration{}) {
        // As --keepalive has it: the client notices first.
        lines.add("ping-restart", 2 * seconds(openvpn.ping_restart));
        lines.push("ping-restart", seconds(openvpn.ping_restart));
    }
}

std::string server_config(const OpenVpnGatewaySettings& settings, const OpenVpnDoor& door, std::size_t number,
                          const std::string& folder) {
    const auto& openvpn = settings.openvpn;
    const bool tcp = door.transport == topologies::Transport::Tcp;
    Lines lines;
    lines.add("mode", "server");
    lines.add("tls-server");
    lines.add("proto", tcp ? "tcp4-server" : "udp4");
    lines.add("local", to_string(settings.address));
    lines.add("port", door.port);
    if (tcp) lines.add("socket-flags", "TCP_NODELAY");
    lines.add("dev-type", "tun");
    lines.add("dev", fmt::format("tun{}", number));
    lines.add("disable-dco");
    lines.add("topology", "subnet");
    const auto own = own_address(door.share);
    lines.add("ifconfig", to_string(own), mask_of(door.share));
    lines.add("ifconfig-pool", to_string(Ipv4Address{own.number() + 1}),
              to_string(Ipv4Address{door.share.last().number() - 1}), mask_of(door.share));
    lines.push("topology", "subnet");
    lines.push("route-gateway", to_string(own));
    for (const auto& network : settings.networks) lines.push("route", to_string(network.network()), mask_of(network));
    if (door.share != settings.pool) lines.push("route", to_string(settings.pool.network()), mask_of(settings.pool));
    for (const auto server : settings.dns_servers) lines.push("dhcp-option", "DNS", to_string(server));
    lines.add("ca", folder + "ca.pem");
    lines.add("cert", folder + "server.pem");
    lines.add("key", folder + "server.key");
    lines.add("dh", "none");
    add_control_protection(lines, openvpn.protection, folder + "control.key");
    lines.add("tls-version-min", number_of(settings.tls.minimum));
    lines.add("tls-version-max", number_of(settings.tls.maximum));
    add_authentication(lines, openvpn, !settings.users.empty());
    add_data_channel(lines, openvpn, door.transport);
    add_times(lines, openvpn);
    return lines.text();
}

std::vector<std::string> openvpn_arguments(const OpenVpnPlaces& places) {
    // The log comes first: OpenVPN keeps the first that it is told of, and a profile names one.
    return {kOpenVpnProgram, "--log-append",    places.log, "--config", places.config,
            "--management",  places.management, "unix",     "--verb",   "4"};
}

}  // namespace

std::vector<OpenVpnDoor> doors_of(const topologies::OpenVpn& openvpn, Prefix pool) {
    using topologies::Transport;
    std::vector<OpenVpnDoor> doors;
    if (openvpn.tcp_port) doors.push_back({Transport::Tcp, *openvpn.tcp_port, pool});
    if (openvpn.udp_port) doors.push_back({Transport::Udp, *openvpn.udp_port, pool});
    if (doors.size() == 2) {
        const auto half = static_cast<std::uint8_t>(pool.length() + 1);
        doors[0].share = Prefix{pool.first(), half};
        doors[1].share = Prefix{pool.last(), half};
    }
    return doors;
}

Ipv4Address own_address(Prefix share) { return Ipv4Address{share.first().number() + 1}; }

std::vector<ConfigFile> openvpn_gateway_files(const OpenVpnGatewaySettings& settings,
                                              const std::vector<OpenVpnDoor>& doors, const std::string& folder) {
    std::vector<ConfigFile> files;
    for (std::size_t i = 0; i < doors.size(); ++i)
        files.push_back({doors[i].name() + ".conf", server_config(settings, doors[i], i, folder)});
    std::string roots;
    for (const auto& root : settings.roots.roots()) roots += root.to_pem();
    files.push_back({"ca.pem", std::move(roots)});
    files.push_back({"server.pem", settings.identity.certificate.to_pem()});
    files.push_back({"server.key", settings.identity.key.to_pem(), true});
    if (!settings.control_key.empty()) files.push_back({"control.key", settings.control_key, true});
    return files;
}

std::vector<std::string> openvpn_server_arguments(const OpenVpnPlaces& places, const tls::Policy& policy) {
    // OpenVPN reads IANA's names with hyphens, and keeps TLS 1.3 apart (RFC 8446: its suites name no key exchange). A
    // line of a file may have 256 characters, which is less than twelve suites need.
    std::string older, newer;
    for (auto suite : policy.cipher_suites) {
        auto& list = suite.find("_WITH_") == std::string::npos ? newer : older;
        std::replace(suite.begin(), suite.end(), '_', '-');
        list += (list.empty() ? "" : ":") + suite;
    }
    auto arguments = openvpn_arguments(places);
    if (!older.empty()) arguments.insert(arguments.end(), {"--tls-cipher", older});
    if (!newer.empty()) arguments.insert(arguments.end(), {"--tls-ciphersuites", newer});
    return arguments;
}

std::vector<std::string> openvpn_client_arguments(const OpenVpnPlaces& places) {
    auto arguments = openvpn_arguments(places);
    arguments.insert(arguments.end(), {"--disable-dco", "--management-hold", "--management-query-remote"});
    return arguments;
}

std::string without_secrets(std::string_view profile) {
    constexpr std::array<std::string_view, 5> kSecret = {"key", "tls-auth", "tls-crypt", "tls-crypt-v2",
                                                         "auth-user-pass"};
    std::string out{profile};
    for (const auto block : kSecret) {
        const auto opening = fmt::format("<{}>\n", block), closing = fmt::format("</{}>", block);
        const auto from = out.find(opening);
        const auto to = from == out.npos ? from : out.find(closing, from);
        if (to == out.npos) continue;
        out.replace(from + opening.size(), to - from - opening.size(), "(not kept)\n");
    }
    return out;
}

}  // namespace gatelab::sim::peers
