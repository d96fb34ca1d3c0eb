#include "sim/peers/sstp_client_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/peers/machine_setup.h"

namespace gatelab::sim::peers {
namespace {

constexpr const char* kLink = "gatelab";  // names the call: sstpc's socket, pppd's process file
constexpr const char* kSocket = "/run/sstpc/sstpc-gatelab";

// What sstpc itself is told; what is for pppd follows.
std::vector<std::string> sstpc_arguments(const SstpClientSettings& settings, const SstpPlaces& places) {
    auto server = to_string(settings.server.address);
    // With a port, sstpc would take the address for the Host field.
    if (settings.server.port != 443) server += fmt::format(":{}", settings.server.port);
    // The password is pppd's to know: told it, sstpc would listen in on PPP instead of to its plugin.
    return {kSstpProgram,
            "--ca-cert",
            places.folder + "roots.pem",
            "--host",
            settings.server_name,
            "--tls-ext",
            "--ipparam",
            kLink,
            "--log-level",
            "4",
            "--log-stderr",
            server};
}

std::string secrets(const SstpClientSettings& settings) {
    return fmt::format("{} * {} *\n", pppd_word(settings.user), pppd_word(settings.password));
}

// Debian's /etc/ppp/options is kept in what matters here: LCP echoes every 30 s, four without an answer end the link.
std::string options_of_pppd(const SstpClientSettings& settings, const SstpPlaces& places) {
    return fmt::format(
        "name {}\nremotename {}\nlinkname {}\nipparam {}\nnoauth\nnodetach\ndebug\nlogfile {}ppp.log\n"
        "noipdefault\nnodefaultroute\nusepeerdns\nnoipv6\nnoccp\nnovj\nrefuse-eap\nrefuse-chap\nrefuse-mschap\n"
        "mtu {}\nmru {}\nip-up-script {}ip-up\n",
        pppd_word(settings.user), kLink, kLink, kLink, places.folder, settings.mru, settings.mru, places.folder);
}

// As pppd calls it: interface, terminal, speed, own address, the peer's, parameter; DNS1 and DNS2 in the environment.
std::string up_script(const SstpClientSettings& settings, const SstpPlaces& places) {
    auto script = fmt::format("#!/bin/sh\ncat /proc/net/dev > {}{}\n", places.folder, kCardsBefore);
    const auto outer = settings.proxy ? settings.proxy->address.address : settings.server.address;
    const auto hides = [&](Prefix route) { return route.contains(outer); };
    if (std::any_of(settings.routes.begin(), settings.routes.end(), hides))
        script += fmt::format("ip route replace {}/32 dev {}\n", to_string(outer), kCardName);
    for (const auto& route : settings.routes) {
        // In two halves, the machine's own default route stays behind the tunnel's.
        const auto parts =
            route.length() == 0 ? std::vector<std::string>{"0.0.0.0/1", "128.0.0.0/1"} : std::vector{to_string(route)};
        for (const auto& part : parts) script += fmt::format("ip route replace {} dev \"$1\"\n", part);
    }
    if (places.line.empty())
        script +=
            "rm -f /etc/resolv.conf\n"
            "for server in $DNS1 $DNS2; do echo \"nameserver $server\" >> /etc/resolv.conf; done\n";
    return script + "exit 0\n";
}

// Settings of a line, one a line (ppp_line/settings.h).
std::string line_settings(const SstpClientSettings& settings, const SstpPlaces& places) {
    auto text = fmt::format("user {}\npassword {}\nseed {}\nmru {}\nsocket {}\ncard {}\nup {}ip-up\nlog {}sstpc.log\n",
                            settings.user, settings.password, settings.seed, settings.mru, kSocket, kPppCard,
                            places.folder, places.folder);
    auto arguments = sstpc_arguments(settings, places);
    arguments.insert(arguments.begin() + 1, "--nolaunchpppd");
    for (const auto& argument : arguments) text += fmt::format("run {}\n", argument);
    for (const auto& variable : places.environment) text += fmt::format("with {}\n", variable);
    return text;
}

}  // namespace

std::string pppd_word(std::string_view text) {
    std::string word = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') word += '\\';
        word += c;
    }
    return word + '"';
}

std::vector<ConfigFile> sstp_client_files(const SstpClientSettings& settings, const SstpPlaces& places) {
    std::vector<ConfigFile> files{{"roots.pem", settings.roots}, {"ip-up", up_script(settings, places)}};
    auto prepare = fmt::format("set -e\nchmod 755 {}ip-up\n{} --version\n", places.folder, kSstpProgram);
    if (places.line.empty()) {
        files.push_back({"secrets", secrets(settings), true});
        files.push_back({"options", options_of_pppd(settings, places)});
        prepare += fmt::format(
            "{} --version\n"
            "umask 077\nmkdir -p /etc/ppp\n"
            "cp {}secrets /etc/ppp/chap-secrets\ncp {}secrets /etc/ppp/pap-secrets\n"
            "printf 'asyncmap 0\\nlock\\nhide-password\\nlcp-echo-interval 30\\nlcp-echo-failure 4\\n' "
            "> /etc/ppp/options\n"
            "rm -f /etc/ppp/ip-pre-up /etc/ppp/ip-down\n",  // whatever this computer has there
            kPppdProgram, places.folder, places.folder);
    } else {
        files.push_back({"line", line_settings(settings, places), true});
        prepare += fmt::format("chmod 700 {}\n", places.line);
    }
    files.push_back({"prepare", prepare});
    return files;
}

std::vector<std::string> sstp_dial_arguments(const SstpClientSettings& settings, const SstpPlaces& places) {
    if (!places.line.empty()) return {places.line, places.folder + "line"};
    auto arguments = sstpc_arguments(settings, places);
    // sstpc has room for a dozen words of pppd's.
    arguments.insert(arguments.end(), {"file", places.folder + "options"});
    return arguments;
}

std::vector<std::string> sstp_environment(const SstpClientSettings& settings) {
    if (!settings.proxy) return {};
    const auto& proxy = *settings.proxy;
    const auto who = proxy.user.empty() ? std::string{} : fmt::format("{}:{}@", proxy.user, proxy.password);
    return {fmt::format("http_proxy=http://{}{}", who, to_string(proxy.address))};
}

std::vector<std::string> sstp_hang_up_arguments() {
    return {"/bin/sh", "-c", fmt::format("kill \"$(head -n 1 /run/ppp-{}.pid)\"", kLink)};
}

}  // namespace gatelab::sim::peers
