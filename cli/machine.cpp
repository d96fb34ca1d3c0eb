#include "cli/machine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <sstream>

extern char** environ;

namespace gatelab::cli {
namespace {

struct Tool {
    std::string name, purpose, package;
    std::vector<std::string> version;  // arguments that make it print its version; none when it cannot
};

const std::vector<Tool>& strongswan_tools() {
    static const std::vector<Tool> tools{
        {"charon-systemd", "strongSwan as a real client or gateway", "charon-systemd", {}},
        {"swanctl", "configures strongSwan", "strongswan-swanctl", {"--version"}},
    };
    return tools;
}

const std::vector<Tool>& other_tools() {
    static const std::vector<Tool> tools{
        {"tshark", "opens captures decrypted", "tshark", {"--version"}},
        {"ping", "probes from real programs' machines", "iputils-ping", {"-V"}},
        {"ip", "looks into real programs' machines", "iproute2", {"-V"}},
    };
    return tools;
}

// As a shell would find it, and in the folders of system programs, which are not on everybody's PATH.
std::optional<std::string> locate(const std::string& program) {
    const char* path = std::getenv("PATH");
    std::istringstream folders{std::string{path ? path : ""} + ":/usr/sbin:/usr/bin:/sbin:/bin"};
    for (std::string folder; std::getline(folders, folder, ':');) {
        if (folder.empty()) continue;
        const auto candidate = folder + "/" + program;
        if (access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return std::nullopt;
}

// What the file descriptor says within five seconds.
std::string read_for_a_while(int from) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    std::string text;
    std::array<char, 4096> buffer;
    while (text.size() < 65536) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd waiting{from, POLLIN, 0};
        if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) <= 0) break;
        const auto count = read(from, buffer.data(), buffer.size());
        if (count <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
}

// The first line with a digit that a program prints on either stream; "" when it does not run.
std::string first_line_of(const std::string& program, const std::vector<std::string>& arguments) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return {};
    posix_spawn_file_actions_t streams;
    posix_spawn_file_actions_init(&streams);
    posix_spawn_file_actions_adddup2(&streams, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&streams, ends[1], STDERR_FILENO);
    std::vector<char*> words{const_cast<char*>(program.c_str())};
    for (const auto& one : arguments) words.push_back(const_cast<char*>(one.c_str()));
    words.push_back(nullptr);
    pid_t child = 0;
    const int fault = posix_spawn(&child, program.c_str(), &streams, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&streams);
    close(ends[1]);
    std::string text;
    if (fault == 0) {
        text = read_for_a_while(ends[0]);
        kill(child, SIGKILL);  // it has said enough
        waitpid(child, nullptr, 0);
    }
    close(ends[0]);
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
        if (line.find_first_of("0123456789") != line.npos) return line;
    return {};
}

Finding examine(const Tool& tool) {
    Finding finding{tool.name, tool.purpose, false, "not installed", "apt-get install " + tool.package};
    const auto path = locate(tool.name);
    if (!path) return finding;
    const auto version = tool.version.empty() ? *path : first_line_of(*path, tool.version);
    return {tool.name, tool.purpose, true, version.empty() ? *path : version, ""};
}

// What a child process found out: the step that failed, and its errno.
struct Trial {
    enum Step : int { Fine, NoProcess, NoUserNamespace, NoNamespaces, NoTun } step = NoProcess;
    int error = 0;
};

bool write_file(const char* path, const std::string& text) {
    const int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return false;
    const bool whole = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    close(file);
    return whole;
}

// Runs in a child: what a real program's machine needs, in the order of need.
Trial try_namespaces() {
    const auto uid = geteuid();
    const auto gid = getegid();
    if (uid != 0) {
        if (unshare(CLONE_NEWUSER) != 0) return {Trial::NoUserNamespace, errno};
        write_file("/proc/self/setgroups", "deny");
        if (!write_file("/proc/self/uid_map", fmt::format("0 {} 1", uid)) ||
            !write_file("/proc/self/gid_map", fmt::format("0 {} 1", gid)))
            return {Trial::NoUserNamespace, errno};
    }
    if (unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID) != 0) return {Trial::NoNamespaces, errno};
    const int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (tun < 0) return {Trial::NoTun, errno};
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(tun, TUNSETIFF, &request) != 0) return {Trial::NoTun, errno};
    return {Trial::Fine, 0};
}

Trial try_namespaces_in_a_child() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return {Trial::NoProcess, errno};
    const pid_t child = fork();
    if (child == 0) {
        const auto trial = try_namespaces();
        const bool told = write(ends[1], &trial, sizeof trial) == static_cast<ssize_t>(sizeof trial);
        _exit(told ? 0 : 1);
    }
    Trial trial{Trial::NoProcess, errno};
    close(ends[1]);
    if (child > 0) {
        if (read(ends[0], &trial, sizeof trial) != static_cast<ssize_t>(sizeof trial)) trial = {Trial::NoProcess, EIO};
        waitpid(child, nullptr, 0);
    }
    close(ends[0]);
    return trial;
}

std::vector<Finding> examine_permissions() {
    const auto trial = try_namespaces_in_a_child();
    const auto reason = [&] { return std::string{std::strerror(trial.error)}; };
    Finding namespaces{"namespaces", "a machine of its own for each real program", true,
                       geteuid() == 0 ? "as root" : "without root", ""};
    Finding tun{"/dev/net/tun", "joins real programs to the simulated network", true, "works", ""};
    if (trial.step == Trial::NoTun) {
        tun = {tun.name, tun.purpose, false, reason(), "modprobe tun; in a container pass --device /dev/net/tun"};
    } else if (trial.step != Trial::Fine) {
        namespaces = {namespaces.name, namespaces.purpose, false, reason(),
                      trial.error == ENOSPC ? "sysctl user.max_user_namespaces=10000, or run as root"
                                            : "sysctl kernel.unprivileged_userns_clone=1 and "
                                              "kernel.apparmor_restrict_unprivileged_userns=0; in a container "
                                              "--security-opt seccomp=unconfined; or run as root"};
        tun = {tun.name, tun.purpose, false, "not tried, it needs namespaces", namespaces.advice};
    }
    return {namespaces, tun};
}

}  // namespace

std::vector<Finding> examine_machine() {
    auto findings = examine_permissions();
    for (const auto* tools : {&strongswan_tools(), &other_tools()})
        for (const auto& tool : *tools) findings.push_back(examine(tool));
    return findings;
}

std::string why_not(topologies::Implementation implementation) {
    if (implementation == topologies::Implementation::Gatelab) return {};
    for (const auto& tool : strongswan_tools())
        if (!locate(tool.name)) return fmt::format("{} is not installed: apt-get install {}", tool.name, tool.package);
    for (const auto& finding : examine_permissions())
        if (!finding.there) return fmt::format("{}: {}; {}", finding.name, finding.detail, finding.advice);
    return {};
}

}  // namespace gatelab::cli
