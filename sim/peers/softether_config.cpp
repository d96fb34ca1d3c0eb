#include "sim/peers/softether_config.h"

#include <fmt/format.h>

#include <algorithm>

namespace gatelab::sim::peers {
namespace {

// Of its administration, which nobody outside the machine's own network reaches.
constexpr int kAdministration = 5555;
constexpr const char* kPassword = "gatelab";
constexpr const char* kHub = "p2s";

std::string mask_of(Prefix prefix) { return to_string(Ipv4Address{prefix.mask()}); }
std::string at(Prefix pool, std::int64_t offset) {
    const auto base = offset < 0 ? pool.last().number() + 1 : pool.first().number();
    return to_string(Ipv4Address{static_cast<std::uint32_t>(base + offset)});
}

// What has to hold from the start: where it listens, and that it calls nobody.
std::string first_config(const SoftEtherSettings& settings) {
    std::string listeners;
    int number = 0;
    for (const int port : {static_cast<int>(settings.tcp_port.value_or(0)), kAdministration})
        if (port != 0)
            listeners +=
                fmt::format("\t\tdeclare Listener{}\n\t\t{{\n\t\t\tbool Enabled true\n\t\t\tuint Port {}\n\t\t}}\n",
                            number++, port);
    return fmt::format(
        "declare root\n{{\n\tdeclare DDnsClient\n\t{{\n\t\tbool Disabled true\n\t}}\n"
        "\tdeclare ListenerList\n\t{{\n{}\t}}\n"
        "\tdeclare ServerConfiguration\n\t{{\n\t\tbool DisableNatTraversal true\n"
        "\t\tbool DisableJsonRpcWebApi true\n\t}}\n}}\n",
        listeners);
}

// Each order answers "completed successfully"; a name that begins with "/" would be an option.
std::vector<std::string> orders(const SoftEtherSettings& settings) {
    std::vector<std::string> all = {
        fmt::format("ServerPasswordSet {}", kPassword),
        "KeepDisable",
        "ServerCertSet /LOADCERT:server.pem /LOADKEY:server.key",
        "ProtoOptionsSet OpenVPN /NAME:Enabled /VALUE:True",
        settings.udp_port ? fmt::format("PortsUDPSet {}", *settings.udp_port) : std::string{"PortsUDPSet 0"},
        fmt::format("HubCreate {} /PASSWORD:{}", kHub, kPassword)};
    all.push_back(fmt::format("Hub {}", kHub));
    for (const auto& user : settings.users) {
        all.push_back(fmt::format("UserCreate {} /GROUP:none /REALNAME:none /NOTE:none", user.name));
        all.push_back(user.password.empty() ? fmt::format("UserSignedSet {0} /CN:{0} /SERIAL:none", user.name)
                                            : fmt::format("UserPasswordSet {} /PASSWORD:{}", user.name, user.password));
    }
    for (std::size_t i = 0; i < settings.roots.roots().size(); ++i) all.push_back(fmt::format("CAAdd root-{}.pem", i));
    const auto& pool = settings.pool;
    all.push_back("SecureNatEnable");
    all.push_back("NatDisable");
    all.push_back(fmt::format("SecureNatHostSet /MAC:none /IP:{} /MASK:{}", at(pool, -2), mask_of(pool)));
    std::string routes;
    for (const auto& network : settings.networks)
        routes += fmt::format("{}{}/{}/{}", routes.empty() ? "" : ",", to_string(network.network()), mask_of(network),
                              at(pool, 1));
    const auto dns = [&](std::size_t i) {
        return i < settings.dns_servers.size() ? to_string(settings.dns_servers[i]) : std::string{"none"};
    };
    all.push_back(
        fmt::format("DhcpSet /START:{} /END:{} /MASK:{} /EXPIRE:7200 /GW:{} /DNS:{} /DNS2:{} /DOMAIN:none /LOG:no "
                    "/PUSHROUTE:\"{}\"",
                    at(pool, 2), at(pool, -3), mask_of(pool), at(pool, 1), dns(0), dns(1), routes));
    all.push_back(fmt::format("BridgeCreate {} /DEVICE:{} /TAP:yes", kHub, kSoftEtherCard + 4));
    return all;
}

std::string tool(const SoftEtherPlaces& places) {
    return places.package + "/usr/libexec/softether/vpncmd/vpncmd localhost:" + std::to_string(kAdministration) +
           " /SERVER";
}

// The folders are fixed in the program. What it is itself may lie beneath one of them.
std::string start_script(const SoftEtherPlaces& places) {
    return fmt::format(
        "set -e\n"
        "mount --bind {0}/ /mnt\n"
        "mount --bind {1} /srv\n"
        "for folder in /var/lib /var/log /run; do mount -t tmpfs tmpfs $folder; mkdir $folder/softether; done\n"
        "mkdir -p /srv/log\n"
        "mount --bind /srv/log /var/log/softether\n"
        "cp /srv/vpn_server.config /var/lib/softether/\n"
        "export LD_LIBRARY_PATH=/mnt/usr/lib/x86_64-linux-gnu\n"
        "exec /mnt/usr/libexec/softether/vpnserver/vpnserver execsvc\n",
        places.package, places.folder);
}

std::string configure_script(const SoftEtherSettings& settings, const SoftEtherPlaces& places, std::size_t answers) {
    auto script = fmt::format(
        "cd {}\n"
        "until {} /IN:setup > setup.log; do sleep 0.1; done\n"
        // A failed order does not fail the tool.
        "[ $(grep -c 'completed successfully' setup.log) = {} ] || {{ grep -B3 '^Error' setup.log; exit 3; }}\n"
        "until ip link show {}; do sleep 0.05; done\n"
        "ip address add {}/{} dev {}\n",
        places.folder, tool(places), answers, kSoftEtherCard, at(settings.pool, 1), settings.pool.length(),
        kSoftEtherCard);
    // It listens at UDP a moment later.
    if (settings.udp_port)
        script += fmt::format("until grep -q ':{:04X} ' /proc/net/udp; do sleep 0.05; done\n", *settings.udp_port);
    return script;
}

std::vector<std::string> columns_of(std::string_view line) {
    std::vector<std::string> columns(1);
    bool quoted = false;
    for (const char c : line) {
        if (c == '"')
            quoted = !quoted;
        else if (c == ',' && !quoted)
            columns.emplace_back();
        else if (c != '\r')
            columns.back() += c;
    }
    return columns;
}

}  // namespace

std::vector<ConfigFile> softether_files(const SoftEtherSettings& settings, const SoftEtherPlaces& places) {
    const auto all = orders(settings);
    std::vector<ConfigFile> files = {
        {"vpn_server.config", first_config(settings)},
        {"setup", fmt::format("{}\n", fmt::join(all, "\n")), true},
        {"query", fmt::format("Hub {}\nSessionList\nIpTable\n", kHub)},
        {"start", start_script(places)},
        {"configure", configure_script(settings, places, all.size())},
        {"server.pem", settings.identity.certificate.to_pem()},
        {"server.key", settings.identity.key.to_pem(), true},
    };
    for (std::size_t i = 0; i < settings.roots.roots().size(); ++i)
        files.push_back({fmt::format("root-{}.pem", i), settings.roots.roots()[i].to_pem()});
    return files;
}

std::string softether_order(const SoftEtherPlaces& places, const std::string& order) {
    const auto in_hub = order.starts_with("/IN:") ? order : fmt::format("/HUB:{} /CMD {}", kHub, order);
    return fmt::format("cd {} && exec {} /PASSWORD:{} /CSV {}", places.folder, tool(places), kPassword, in_hub);
}

// Two tables, each under its head; other lines stand around them.
std::vector<SoftEtherSession> softether_sessions_in(std::string_view answer) {
    std::vector<SoftEtherSession> sessions;
    std::vector<std::string> head;
    const auto column = [&](const std::vector<std::string>& row, std::string_view name) {
        const auto found = std::find(head.begin(), head.end(), name);
        return found == head.end() ? std::string{} : row[static_cast<std::size_t>(found - head.begin())];
    };
    while (!answer.empty()) {
        const auto end = answer.find('\n');
        const auto line = answer.substr(0, end);
        answer.remove_prefix(end == answer.npos ? answer.size() : end + 1);
        const auto row = columns_of(line);
        if (row.front() == "Session Name" || row.front() == "ID") {
            head = row;
        } else if (row.size() != head.size()) {
            continue;
        } else if (head.front() == "Session Name") {
            // The hub has sessions of its own.
            const auto source = column(row, "Source Host Name");
            if (source == "Ethernet Bridge" || column(row, "Location") == "SecureNAT Session") continue;
            sessions.push_back({column(row, "Session Name"),
                                column(row, "User Name"),
                                parse_address(source).value_or(Ipv4Address{}),
                                {}});
        } else {
            auto address = column(row, "IP Address");
            address.resize(std::min(address.find(' '), address.size()));  // "172.16.201.2 (DHCP)"
            const auto owner = std::find_if(sessions.begin(), sessions.end(),
                                            [&](const auto& one) { return one.name == column(row, "Session Name"); });
            if (owner != sessions.end())
                if (const auto inner = parse_address(address)) owner->inner_address = *inner;
        }
    }
    return sessions;
}

}  // namespace gatelab::sim::peers
