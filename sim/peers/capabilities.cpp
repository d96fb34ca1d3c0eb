#include "sim/peers/capabilities.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>

#include "sim/peers/charon.h"
#include "sim/peers/warden.h"

namespace gatelab::sim::peers {
namespace {

namespace fs = std::filesystem;

// The first line that a program prints; "" when it cannot be run. `command` is ours, never a user's.
std::string first_line_of(const std::string& command) {
    struct Closer {
        void operator()(std::FILE* pipe) const { ::pclose(pipe); }
    };
    const std::unique_ptr<std::FILE, Closer> pipe{::popen((command + " 2>/dev/null").c_str(), "re")};
    std::array<char, 256> line{};
    if (!pipe || !std::fgets(line.data(), static_cast<int>(line.size()), pipe.get())) return {};
    std::string text{line.data()};
    text.erase(text.find_last_not_of("\r\n") + 1);
    return text;
}

std::string find_on_path(const std::string& program) {
    const auto* path = std::getenv("PATH");
    std::istringstream folders{std::string{path ? path : ""} + ":/usr/sbin:/usr/bin:/sbin:/bin"};
    for (std::string folder; std::getline(folders, folder, ':');)
        if (const auto file = fs::path{folder} / program; ::access(file.c_str(), X_OK) == 0) return file.string();
    return {};
}

Capability program(const std::string& name, const std::string& file, const std::string& question,
                   const std::string& package) {
    if (file.empty() || ::access(file.c_str(), X_OK) != 0)
        return {name, false, {}, fmt::format("there is no {}: install {}", name, package)};
    return {name, true, question.empty() ? "" : first_line_of(file + " " + question), {}};
}

// The daemon, and the plugin that does ESP for it where the kernel has none.
Capability charon() {
    auto daemon = program("charon-systemd", kCharonProgram, "", "charon-systemd and strongswan-swanctl");
    if (daemon.available && ::access(kLibipsecPlugin, R_OK) != 0)
        return {
            daemon.what, false, {}, fmt::format("there is no {}: install libcharon-extra-plugins", kLibipsecPlugin)};
    return daemon;
}

Capability namespaces(const std::string& what, WardenOptions options, bool with_card) {
    const auto warden = Warden::start(options);
    if (!warden) return {what, false, {}, warden.error().detail};
    if (with_card) {
        const auto machine = (*warden)->add_machine({{Ipv4Address{192, 0, 2, 1}}, 1500, true});
        if (!machine) return {what, false, {}, machine.error().detail};
    }
    return {what, true, {}, {}};
}

}  // namespace

std::vector<Capability> capabilities() {
    using UserNamespace = WardenOptions::UserNamespace;
    return {
        namespaces("user namespaces", {UserNamespace::Always}, false),
        namespaces("network namespaces", {UserNamespace::WhenNeeded}, false),
        namespaces("/dev/net/tun", {UserNamespace::WhenNeeded}, true),
        charon(),
        program("swanctl", kSwanctlProgram, "--version", "strongswan-swanctl"),
        program("ping", find_on_path("ping"), "-V", "iputils-ping"),
        program("tshark", find_on_path("tshark"), "--version", "tshark"),
    };
}

Result<void> can_run_strongswan() {
    for (const auto& one : {namespaces("/dev/net/tun", {}, true), charon(),
                            program("swanctl", kSwanctlProgram, "", "strongswan-swanctl")})
        if (!one.available) return fail(Fault::Unavailable, one.reason);
    return {};
}

}  // namespace gatelab::sim::peers
