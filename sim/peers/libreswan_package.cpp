#include "sim/peers/libreswan_package.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <chrono>
#include <cstring>
#include <sstream>
#include <vector>

#include "sim/peers/ask_program.h"

namespace gatelab::sim::peers {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* kPluto = "usr/libexec/ipsec/pluto";
constexpr const char* kLibraries = "usr/lib/x86_64-linux-gnu";

fs::path cache_folder() {
    if (const auto* folder = ::getenv("XDG_CACHE_HOME"); folder && *folder == '/')
        return fs::path{folder} / "gatelab" / "libreswan";
    const auto* home = ::getenv("HOME");
    return fs::path{home && *home == '/' ? home : "/root"} / ".cache" / "gatelab" / "libreswan";
}

// "Libreswan 4.10"; "" when it does not run.
std::string version_at(const fs::path& root) {
    std::error_code ignored;
    if (!fs::exists(root / kPluto, ignored)) return {};
    const auto answer = ask_program({.arguments = {(root / kPluto).string(), "--version"},
                                     .environment = {"LC_ALL=C", "LD_LIBRARY_PATH=" + (root / kLibraries).string()},
                                     .enough = {}});
    constexpr std::string_view kName = "Libreswan ";
    if (!answer || !answer->text.starts_with(kName)) return {};
    const auto rest = std::string_view{answer->text}.substr(kName.size());
    return std::string{rest.substr(0, rest.find_first_of(" \n"))};
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
Result<std::vector<std::string>> packages_to_fetch() {
    const auto plan = run("/usr/bin/apt-get", {"--simulate", "--no-install-recommends", "install", "libreswan"});
    if (!plan) return pass(plan);
    std::vector<std::string> packages;
    std::istringstream lines{*plan};
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("Inst ")) continue;
        const auto name = line.substr(5, line.find(' ', 5) - 5);
        if (name.starts_with("lib") && !name.ends_with("-dev")) packages.push_back(name);
    }
    if (packages.empty()) return fail(Fault::Unavailable, "apt-get does not know libreswan: run apt-get update");
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

Result<LibreswanPackage> find_libreswan() {
    if (const auto* named = ::getenv("GATELAB_LIBRESWAN"); named && *named) {
        if (auto version = version_at(named); !version.empty()) return LibreswanPackage{named, std::move(version)};
        return fail(Fault::Unavailable, fmt::format("GATELAB_LIBRESWAN: {} holds no {} that runs", named, kPluto));
    }
    const auto root = cache_folder() / "root";
    if (auto version = version_at(root); !version.empty()) return LibreswanPackage{root, std::move(version)};
    if (auto version = version_at("/"); !version.empty()) return LibreswanPackage{{}, std::move(version)};
    return fail(Fault::Unavailable, "there is no libreswan: run gatelab peers libreswan");
}

Result<LibreswanPackage> fetch_libreswan(const std::function<void(const std::string&)>& progress) {
    if (auto found = find_libreswan()) return found;
    auto packages = packages_to_fetch();
    if (!packages) return pass(packages);
    auto workshop = Workshop::open(cache_folder());
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
    const auto home = cache_folder() / "root";
    fs::remove_all(home, error);
    fs::rename(root, home, error);
    if (error) return fail(Fault::Io, fmt::format("{}: {}", home.string(), error.message()));
    return find_libreswan();
}

}  // namespace gatelab::sim::peers
