#include "sim/peers/ask_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "sim/peers/file_descriptor.h"

extern char** environ;

namespace gatelab::sim::peers {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostText = 65536;

std::vector<char*> words_of(const std::vector<std::string>& texts) {
    std::vector<char*> words;
    for (const auto& one : texts) words.push_back(const_cast<char*>(one.c_str()));
    words.push_back(nullptr);
    return words;
}

// The process, or 0 with errno.
pid_t spawn(const Question& question, int output) {
    posix_spawn_file_actions_t streams;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&streams);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    ::posix_spawn_file_actions_addopen(&streams, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&streams, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&streams, output, STDERR_FILENO);
    auto arguments = words_of(question.arguments);
    auto environment = words_of(question.environment);
    pid_t child = 0;
    errno = ::posix_spawn(&child, arguments[0], &streams, &attributes, arguments.data(),
                          question.environment.empty() ? environ : environment.data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&streams);
    return errno == 0 ? child : 0;
}

struct Heard {
    std::string text;
    bool whole = false;  // the program closed its output
};

Heard listen(int from, const Question& question, Clock::time_point deadline) {
    Heard heard;
    std::array<char, 4096> buffer;
    while (heard.text.size() < kMostText && !(question.enough && question.enough(heard.text))) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd waiting{from, POLLIN, 0};
        if (left <= 0) break;
        const auto ready = ::poll(&waiting, 1, static_cast<int>(left));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) break;
        const auto count = ::read(from, buffer.data(), buffer.size());
        heard.whole = count == 0;
        if (count <= 0) break;
        heard.text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return heard;
}

bool has_ended(pid_t child) {
    siginfo_t ended{};
    return ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT | WNOHANG) != 0 || ended.si_pid != 0;
}

// Kills what is left of the session, and takes the wait status of its leader. In this order: once the leader is
// reaped its number may be another's.
int end(pid_t leader) {
    ::kill(-leader, SIGKILL);
    int status = 0;
    while (::waitpid(leader, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

}  // namespace

Result<Answer> ask_program(const Question& question) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Fault::Io, fmt::format("no pipe: {}", std::strerror(errno)));
    const FileDescriptor reading{ends[0]};
    FileDescriptor writing{ends[1]};
    const auto child = spawn(question, writing.get());
    if (child == 0)
        return fail(Fault::NotFound,
                    fmt::format("{} cannot be started: {}", question.arguments.front(), std::strerror(errno)));
    writing.reset();
    const auto deadline = Clock::now() + question.patience;
    auto heard = listen(reading.get(), question, deadline);
    // What has closed its output is about to exit: let it, for its status.
    while (heard.whole && !has_ended(child) && Clock::now() < deadline) ::usleep(1000);
    return Answer{std::move(heard.text), end(child)};
}

std::string find_program(const std::string& name, const std::string& folders) {
    std::istringstream list{folders};
    for (std::string folder; std::getline(list, folder, ':');) {
        if (folder.empty()) continue;
        const auto file = std::filesystem::path{folder} / name;
        std::error_code error;
        if (::access(file.c_str(), X_OK) == 0 && !std::filesystem::is_directory(file, error)) return file.string();
    }
    return {};
}

}  // namespace gatelab::sim::peers
