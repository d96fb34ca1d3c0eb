#include "sim/peers/libreswan_package.h"

#include <string_view>

#include "sim/peers/ask_program.h"

namespace gatelab::sim::peers {
namespace {

constexpr const char* kPluto = "usr/libexec/ipsec/pluto";

// "Libreswan 4.10".
std::string version_at(const std::filesystem::path& root) {
    const auto answer = ask_program({.arguments = {(root / kPluto).string(), "--version"},
                                     .environment = {"LC_ALL=C", "LD_LIBRARY_PATH=" + libraries_of(root).string()},
                                     .enough = {}});
    constexpr std::string_view kName = "Libreswan ";
    if (!answer || !answer->text.starts_with(kName)) return {};
    const auto rest = std::string_view{answer->text}.substr(kName.size());
    return std::string{rest.substr(0, rest.find_first_of(" \n"))};
}

}  // namespace

const PackageSpec& libreswan_package() {
    static const PackageSpec kSpec{"libreswan", {"libreswan"}, "GATELAB_LIBRESWAN", kPluto, version_at};
    return kSpec;
}

}  // namespace gatelab::sim::peers
