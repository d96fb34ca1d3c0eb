#include "sim/peers/uml/agent/programs.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>

namespace gatelab::sim::peers::uml::agent {
namespace {

// Hides the time stamp counter and the processor's random numbers from OpenSSL: neither is simulated.
constexpr const char* kOpenSsl = "OPENSSL_ia32cap=~0x4000000000000010:~0x40000";

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (auto& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
}

// 0, or errno.
int start(RunProgram program, pid_t& pid) {
    if (program.arguments.empty()) return EINVAL;
    auto& environment = program.environment;
    const auto sets_it = [](const std::string& one) { return one.starts_with("OPENSSL_ia32cap="); };
    if (std::none_of(environment.begin(), environment.end(), sets_it)) environment.push_back(kOpenSsl);

    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_init(&files);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const auto* output = program.output.empty() ? "/dev/null" : program.output.c_str();
    ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::posix_spawn_file_actions_adddup2(&files, 1, 2);
    ::posix_spawn_file_actions_addchdir_np(&files, "/");
    const auto arguments = pointers(program.arguments), variables = pointers(environment);
    const int failed = ::posix_spawn(&pid, arguments[0], &files, &attributes, arguments.data(), variables.data());
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
    return failed;
}

}  // namespace

Programs::~Programs() {
    for (const auto& [channel, pid] : running_) ::kill(-pid, SIGKILL);
}

void Programs::run(const RunProgram& program) {
    pid_t pid = 0;
    if (const int failed = start(program, pid); failed != 0)
        return tell_(ProgramFailed{program.channel, static_cast<std::uint32_t>(failed)});
    running_[program.channel] = pid;
}

void Programs::signal(const SignalProgram& order) {
    const auto found = running_.find(order.channel);
    if (found != running_.end()) ::kill(found->second, order.number);
}

bool Programs::close(Channel channel) {
    const auto found = running_.find(channel);
    if (found == running_.end()) return false;
    ::kill(-found->second, SIGKILL);
    running_.erase(found);
    return true;
}

void Programs::reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        const auto ended =
            std::find_if(running_.begin(), running_.end(), [&](const auto& one) { return one.second == pid; });
        if (ended == running_.end()) continue;
        tell_(ProgramEnded{ended->first, static_cast<std::uint32_t>(status)});
        running_.erase(ended);
    }
}

}  // namespace gatelab::sim::peers::uml::agent
