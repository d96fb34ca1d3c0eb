#include "sim/peers/softether_package.h"

#include <string_view>

#include "sim/peers/ask_program.h"

namespace gatelab::sim::peers {
namespace {

// Of the server's tool: the server itself has nothing to ask it with. "Version 5.01 Build 9674   (English)".
std::string version_at(const std::filesystem::path& root) {
    const auto answer =
        ask_program({.arguments = {(root / "usr/libexec/softether/vpncmd/vpncmd").string(), "/?"},
                     .environment = {"LC_ALL=C", "LANG=C", "LD_LIBRARY_PATH=" + libraries_of(root).string()},
                     .enough = [](std::string_view text) { return text.find(" (English)") != text.npos; }});
    constexpr std::string_view kName = "\nVersion ";
    const auto from = answer ? answer->text.find(kName) : std::string::npos;
    if (from == std::string::npos) return {};
    const auto rest = std::string_view{answer->text}.substr(from + kName.size());
    return std::string{rest.substr(0, rest.find("  "))};
}

}  // namespace

const PackageSpec& softether_package() {
    static const PackageSpec kSpec{"softether",
                                   {"softether-vpnserver", "softether-vpncmd", "softether-common"},
                                   "GATELAB_SOFTETHER",
                                   "usr/libexec/softether/vpnserver/vpnserver",
                                   version_at};
    return kSpec;
}

}  // namespace gatelab::sim::peers
