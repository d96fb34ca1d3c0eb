// ppp-line SETTINGS: a user's end of PPP for sstpc --nolaunchpppd, where the kernel has no PPP.
#include <fmt/format.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "sim/peers/files.h"
#include "sim/peers/ppp_line/line.h"

int main(int count, char** arguments) {
    using namespace gatelab;
    using namespace gatelab::sim::peers;
    if (count != 2) return 2;
    const auto complain = [](const Error& error) {
        fmt::print(stderr, "line: closed failed {}\n", error.detail);
        return 1;
    };
    auto settings = ppp_line::parse_settings(read_file(arguments[1]));
    if (!settings) return complain(settings.error());
    sigset_t watched;
    sigemptyset(&watched);
    for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&watched, signal);
    ::sigprocmask(SIG_BLOCK, &watched, nullptr);
    const FileDescriptor signals{::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK)};
    SeededRandom random{settings->seed ^ static_cast<std::uint64_t>(::getpid()), "ppp-line"};
    auto line = ppp_line::Line::create(std::move(*settings), random, signals.get());
    if (!line) return complain(line.error());
    line->serve();
    return 0;
}
