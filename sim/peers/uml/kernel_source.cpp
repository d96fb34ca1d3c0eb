// Whether the kernel can be built here.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "sim/peers/ask_program.h"
#include "sim/peers/uml/kernel_workshop.h"

namespace gatelab::sim::peers::uml {
namespace {

struct Tool {
    const char *program, *package;
};
constexpr std::array kTools{Tool{"bash", "bash"},   Tool{"bc", "bc"},          Tool{"bison", "bison"},
                            Tool{"flex", "flex"},   Tool{"gcc", "gcc"},        Tool{"make", "make"},
                            Tool{"patch", "patch"}, Tool{"strip", "binutils"}, Tool{"tar", "tar"},
                            Tool{"xz", "xz-utils"}};

// What a program of the workshop says when all is well; "" otherwise.
std::string say(const KernelWorkshop& workshop, const std::vector<std::string>& arguments) {
    Question question{.arguments = arguments,
                      .environment = {"PATH=" + workshop.tools, "LC_ALL=C"},
                      .patience = std::chrono::seconds(20)};
    question.arguments.front() = find_program(arguments.front(), workshop.tools);
    if (question.arguments.front().empty()) return {};
    const auto answer = ask_program(question);
    return answer && answer->wait_status == 0 ? answer->text : std::string{};
}

std::optional<KernelSource> installed(const KernelWorkshop& workshop) {
    if (::access(workshop.tarball.c_str(), R_OK) != 0) return std::nullopt;
    const auto version = say(workshop, {"dpkg-query", "--show", "--showformat=${Version}", workshop.package});
    if (version.empty()) return std::nullopt;
    return KernelSource{version, workshop.tarball.string()};
}

std::optional<KernelSource> downloadable(const KernelWorkshop& workshop) {
    if (find_program("apt-get", workshop.tools).empty() || find_program("dpkg-deb", workshop.tools).empty())
        return std::nullopt;
    std::istringstream lines{say(workshop, {"apt-cache", "show", "--no-all-versions", workshop.package})};
    const std::string key = "Version: ";
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(key)) {
            const auto version = line.substr(key.size());
            return KernelSource{version, workshop.package + "=" + version};
        }
    return std::nullopt;
}

}  // namespace

Result<KernelSource> find_kernel_source(const KernelWorkshop& workshop) {
#ifndef __x86_64__
    return fail(Fault::Unavailable,
                "the kernel for virtual time runs on x86-64 only; real programs run in real time here");
#endif
    std::vector<std::string> missing, packages;
    for (const auto& tool : kTools)
        if (find_program(tool.program, workshop.tools).empty()) {
            missing.push_back(tool.program);
            packages.push_back(tool.package);
        }
    if (::access("/usr/include/stdio.h", R_OK) != 0) {
        missing.push_back("the C library's headers");
        packages.push_back("libc6-dev");
    }
    auto source = installed(workshop);
    if (!source) source = downloadable(workshop);
    if (!source) {
        missing.push_back("its source");
        packages.push_back(workshop.package);
    }
    if (missing.empty()) return *source;
    std::sort(packages.begin(), packages.end());
    return fail(Fault::Unavailable,
                fmt::format("the kernel for virtual time cannot be built without {}; as root, run: apt-get update && "
                            "apt-get install -y --no-install-recommends {}",
                            fmt::join(missing, ", "), fmt::join(packages, " ")));
}

}  // namespace gatelab::sim::peers::uml
