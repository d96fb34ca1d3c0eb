#include "sim/peers/capabilities.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <sstream>

#include "sim/peers/ask_program.h"
#include "sim/peers/charon.h"
#include "sim/peers/libreswan_package.h"
#include "sim/peers/openvpn_config.h"
#include "sim/peers/softether_package.h"
#include "sim/peers/sstp_client_config.h"
#include "sim/peers/uml/ground.h"
#include "sim/peers/warden.h"

namespace gatelab::sim::peers {
namespace {

// What a trial found, or why it failed.
using Trial = std::function<Result<std::string>()>;

struct Thing {
    const char *what, *purpose;
    Trial trial;
};

// The first line with a digit that a program prints on either stream; "" when it does not run.
std::string version_of(const std::string& program, const std::string& question) {
    const auto answer = ask_program({.arguments = {program, question}});
    std::istringstream lines{answer ? answer->text : ""};
    for (std::string line; std::getline(lines, line);)
        if (line.find_first_of("0123456789") != line.npos) return line;
    return {};
}

// A program by its absolute path, or else as a shell would find it, and in the folders of system programs, which are
// not on everybody's PATH. `question` makes it tell its version; "" when it cannot.
Trial program(const std::string& name, const std::string& package, const std::string& question) {
    return [=]() -> Result<std::string> {
        const auto* path = std::getenv("PATH");
        const auto file = name.front() == '/'
                              ? (::access(name.c_str(), X_OK) == 0 ? name : std::string{})
                              : find_program(name, std::string{path ? path : ""} + ":/usr/sbin:/usr/bin:/sbin:/bin");
        if (file.empty()) return fail(Fault::Unavailable, fmt::format("there is no {}: install {}", name, package));
        const auto version = question.empty() ? std::string{} : version_of(file, question);
        return version.empty() ? file : version;
    };
}

Result<std::string> libipsec() {
    if (::access(kLibipsecPlugin, R_OK) == 0) return kLibipsecPlugin;
    return fail(Fault::Unavailable, fmt::format("there is no {}: install libcharon-extra-plugins", kLibipsecPlugin));
}

Result<std::string> softether() {
    const auto found = find_softether();
    if (!found) return pass(found);
    return "SoftEther VPN Server " + found->version;
}

Result<std::string> namespaces(WardenOptions options, bool with_card) {
    const auto warden = Warden::start(options);
    if (!warden) return pass(warden);
    if (with_card)
        if (const auto machine = (*warden)->add_machine({{Ipv4Address{192, 0, 2, 1}}, 1500, true}); !machine)
            return pass(machine);
    return ::geteuid() == 0 && options.user_namespace == WardenOptions::UserNamespace::WhenNeeded ? "as root"
                                                                                                  : "without root";
}

Result<std::string> kernel() {
    const auto found = uml::find_kernel();
    if (!found) return pass(found);
    const auto booted = uml::try_kernel(*found);
    if (!booted) return pass(booted);
    return fmt::format("{} (boots in {:.2f} s)", found->version, std::chrono::duration<double>(*booted).count());
}

Result<std::string> memory() {
    const auto folder = uml::guest_memory_folder();
    if (!folder) return pass(folder);
    return folder->string();
}

const std::vector<Thing>& things() {
    using UserNamespace = WardenOptions::UserNamespace;
    const auto namespaces_as = [](UserNamespace which, bool with_card) -> Trial {
        return [=] { return namespaces({which}, with_card); };
    };
    static const std::vector<Thing> all{
        {"kernel", "real programs in virtual time", kernel},
        {"memory of guests", "real programs in virtual time", memory},
        {"user namespaces", "real programs in real time without root", namespaces_as(UserNamespace::Always, false)},
        {"network namespaces", "real programs in real time", namespaces_as(UserNamespace::WhenNeeded, false)},
        {"/dev/net/tun", "joins them to the simulated network in real time",
         namespaces_as(UserNamespace::WhenNeeded, true)},
        {"charon-systemd", "strongSwan as a client or gateway",
         program(kCharonProgram, "charon-systemd and strongswan-swanctl", "")},
        {"swanctl", "configures strongSwan", program(kSwanctlProgram, "strongswan-swanctl", "--version")},
        {"kernel-libipsec", "ESP of strongSwan in real time", libipsec},
        {"openvpn", "OpenVPN as a client or gateway", program(kOpenVpnProgram, "openvpn", "--version")},
        {"softether", "SoftEther as an OpenVPN gateway in real time", softether},
        {"sstpc", "sstp-client as an SSTP client", program(kSstpProgram, "sstp-client", "--version")},
        {"ip", "sets up and looks into real programs' machines", program("ip", "iproute2", "-V")},
        {"ping", "probes from real programs' machines", program("ping", "iputils-ping", "-V")},
        {"iperf3", "traffic from real stacks", program("iperf3", "iperf3", "--version")},
        {"curl", "traffic from real stacks", program("curl", "curl", "--version")},
        {"pppd", "PPP of real programs in virtual time", program(kPppdProgram, "ppp", "--version")},
        {"tcpdump", "captures inside real programs' machines", program("tcpdump", "tcpdump", "--version")},
        {"tshark", "opens captures decrypted", program("tshark", "tshark", "--version")},
    };
    return all;
}

Capability examine(const Thing& thing) {
    const auto found = thing.trial();
    return {thing.what, thing.purpose, found.has_value(), found.value_or(""), found ? "" : found.error().detail};
}

}  // namespace

std::vector<Capability> capabilities() {
    std::vector<Capability> all;
    for (const auto& thing : things()) all.push_back(examine(thing));
    return all;
}

std::optional<Capability> capability(std::string_view what) {
    const auto& all = things();
    const auto thing = std::find_if(all.begin(), all.end(), [&](const Thing& one) { return one.what == what; });
    return thing == all.end() ? std::nullopt : std::optional{examine(*thing)};
}

std::vector<std::string> needs_of(topologies::Implementation implementation, bool real_time) {
    using topologies::Implementation;
    std::vector<std::string> needs;
    if (is_program(implementation))
        needs = real_time ? std::vector<std::string>{"network namespaces", "/dev/net/tun"}
                          : std::vector<std::string>{"kernel", "memory of guests"};
    const auto add = [&](std::initializer_list<const char*> more) {
        needs.insert(needs.end(), more.begin(), more.end());
    };
    switch (implementation) {
        case Implementation::StrongSwan:
            add({"charon-systemd", "swanctl", real_time ? "kernel-libipsec" : "ip"});
            break;
        case Implementation::OpenVpn: add({"openvpn"}); break;
        case Implementation::SoftEther: add({"softether", "ip"}); break;
        case Implementation::Libreswan: add({"ip"}); break;
        case Implementation::SstpClient:
            add({"sstpc", "ip"});
            if (!real_time) add({"pppd"});
            break;
        case Implementation::Gatelab:
        case Implementation::Absent: break;
    }
    return needs;
}

Result<void> can_run(topologies::Implementation implementation, bool real_time) {
    using topologies::Implementation;
    if (!real_time && implementation == Implementation::SoftEther)
        return fail(Fault::Unavailable, "SoftEther takes part in real time only (--real-peers=realtime)");
    if (real_time && implementation == Implementation::Libreswan)
        return fail(Fault::Unavailable, "libreswan takes part in virtual time only (--real-peers=virtual)");
    if (implementation == Implementation::Libreswan)
        if (const auto found = find_libreswan(); !found) return pass(found);
    for (const auto& what : needs_of(implementation, real_time))
        if (const auto one = capability(what); !one->available) return fail(Fault::Unavailable, one->reason);
    return {};
}

}  // namespace gatelab::sim::peers
