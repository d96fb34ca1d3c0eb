#include "sim/peers/unpacked_package.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <sstream>
#include <utility>

#include "sim/peers/ask_program.h"

namespace gatelab::sim::peers {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

fs::path cache_folder(const PackageSpec& spec) {
    if (const auto* folder = ::getenv("XDG_CACHE_HOME"); folder && *folder == '/')
        return fs::path{folder} / "gatelab" / spec.name;
    const auto* home = ::getenv("HOME");
    return fs::path{home && *home == '/' ? home : "/root"} / ".cache" / "gatelab" / spec.name;
}

std::string version_at(const PackageSpec& spec, const fs::path& root) {
    std::error_code ignored;
    return fs::exists(root / spec.program, ignored) ? spec.version(root) : std::string{};
}

Result<std::string> run(const std::string& program, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program);
    const auto answer = ask_program({.arguments = arguments,
                                     .environment = {"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
                                     .patience = 5min,
                                     .enough = {}});
    if (!answer) return pass(answer);
    if (WIFEXITED(answer->wait_status) && WEXITSTATUS(answer->wait_status) == 0) return answer->text;
    const auto& text = answer->text;
    return fail(Fault::Unavailable,
                fmt::format("{}: {}", program, text.substr(text.size() > 600 ? text.size() - 600 : 0)));
}

// What an installation would bring: apt knows. "Inst libldns3 (1.8.3-1+b1 Debian:12 [amd64])".
Result<std::vector<std::string>> packages_to_fetch(const PackageSpec& spec) {
    std::vector<std::string> question = {"--simulate", "--no-install-recommends", "--reinstall", "install"};
    question.insert(question.end(), spec.packages.begin(), spec.packages.end());
    const auto plan = run("/usr/bin/apt-get", std::move(question));
    if (!plan) return pass(plan);
    std::vector<std::string> packages;
    std::istringstream lines{*plan};
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("Inst ")) continue;
        const auto name = line.substr(5, line.find(' ', 5) - 5);
        const bool asked = std::find(spec.packages.begin(), spec.packages.end(), name) != spec.packages.end();
        if (asked || (name.starts_with("lib") && !name.ends_with("-dev"))) packages.push_back(name);
    }
    if (packages.empty())
        return fail(Fault::Unavailable, fmt::format("apt-get does not know {}: run apt-get update", spec.name));
    return packages;
}

// A folder beside the final one, so that it can take its place at once.
class Workshop {
public:
    static Result<Workshop> open(const fs::path& beside) {
        std::error_code error;
        fs::create_directories(beside, error);
        auto pattern = (beside / "making-XXXXXX").string();
        if (error || !::mkdtemp(pattern.data()))
            return fail(Fault::Io, fmt::format("{}: {}", beside.string(), std::strerror(errno)));
        return Workshop{pattern};
    }
    Workshop(Workshop&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
    ~Workshop() {
        std::error_code ignored;
        if (!folder_.empty()) fs::remove_all(folder_, ignored);
    }
    const fs::path& folder() const { return folder_; }

private:
    explicit Workshop(fs::path folder) : folder_(std::move(folder)) {}
    fs::path folder_;
};

Result<void> unpack(const fs::path& packages, const fs::path& root) {
    for (const auto& entry : fs::directory_iterator{packages}) {
        if (entry.path().extension() != ".deb") continue;
        if (auto done = run("/usr/bin/dpkg-deb", {"-x", entry.path().string(), root.string()}); !done)
            return fail(Fault::Io, done.error().detail);
    }
    return {};
}

}  // namespace

Result<UnpackedPackage> find_package(const PackageSpec& spec) {
    if (const auto* named = ::getenv(spec.variable.c_str()); named && *named) {
        if (auto version = version_at(spec, named); !version.empty()) return UnpackedPackage{named, std::move(version)};
        return fail(Fault::Unavailable,
                    fmt::format("{}: {} holds no {} that runs", spec.variable, named, spec.program));
    }
    const auto root = cache_folder(spec) / "root";
    if (auto version = version_at(spec, root); !version.empty()) return UnpackedPackage{root, std::move(version)};
    if (auto version = version_at(spec, "/"); !version.empty()) return UnpackedPackage{{}, std::move(version)};
    return fail(Fault::Unavailable, fmt::format("there is no {0}: run gatelab peers {0}", spec.name));
}

Result<UnpackedPackage> fetch_package(const PackageSpec& spec,
                                      const std::function<void(const std::string&)>& progress) {
    if (auto found = find_package(spec)) return found;
    auto packages = packages_to_fetch(spec);
    if (!packages) return pass(packages);
    auto workshop = Workshop::open(cache_folder(spec));
    if (!workshop) return pass(workshop);
    const auto downloads = workshop->folder() / "packages", root = workshop->folder() / "root";
    std::error_code error;
    fs::create_directories(downloads, error);
    fs::create_directories(root, error);
    if (error) return fail(Fault::Io, fmt::format("{}: {}", root.string(), error.message()));
    progress(fmt::format("fetching {} packages", packages->size()));
    // apt puts them into the folder that it runs in.
    std::vector<std::string> command = {"-c", "cd \"$0\" && exec apt-get download \"$@\"", downloads.string()};
    command.insert(command.end(), packages->begin(), packages->end());
    if (auto fetched = run("/bin/sh", std::move(command)); !fetched) return pass(fetched);
    progress("unpacking");
    if (auto unpacked = unpack(downloads, root); !unpacked) return pass(unpacked);
    const auto home = cache_folder(spec) / "root";
    fs::remove_all(home, error);
    fs::rename(root, home, error);
    if (error) return fail(Fault::Io, fmt::format("{}: {}", home.string(), error.message()));
    return find_package(spec);
}

fs::path libraries_of(const fs::path& root) { return root / "usr/lib/x86_64-linux-gnu"; }

}  // namespace gatelab::sim::peers
