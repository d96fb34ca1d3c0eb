#include <fcntl.h>
#include <poll.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "sim/peers/uml/keeper.h"
#include "sim/peers/warden_protocol.h"

namespace gatelab::sim::peers::uml {
namespace {

using Kind = WardenMessage::Kind;

// Everything but these: what the harness has open would otherwise never close.
void close_all_but(int first, int second) {
    const FileDescriptor nowhere{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    for (const int standard : {0, 1, 2}) ::dup2(nowhere.get(), standard);
    const int low = std::min(first, second), high = std::max(first, second);
    if (low > 3) ::close_range(3, static_cast<unsigned>(low - 1), 0);
    if (high > low + 1) ::close_range(static_cast<unsigned>(low + 1), static_cast<unsigned>(high - 1), 0);
    ::close_range(static_cast<unsigned>(high + 1), ~0u, 0);
}

// What a process inherits and a guest could come to know, or behave by: the same in every run.
void limit_resources() {
    const auto set = [](auto which, rlim_t wanted) {
        rlimit limit{};
        if (::getrlimit(which, &limit) != 0) return;
        limit.rlim_cur = std::min(wanted, limit.rlim_max);
        ::setrlimit(which, &limit);
    };
    set(RLIMIT_CORE, 0);          // a panic aborts the kernel
    set(RLIMIT_STACK, 8u << 20);  // decides where memory is mapped
    set(RLIMIT_NOFILE, 65536);    // an open file of the guest's is one of the host's
    ::umask(022);
}

[[noreturn]] void become(WardenMessage& request, int report) {
    const auto arguments = static_cast<std::size_t>(request.numbers[0]);
    std::vector<char*> argv, env;
    for (std::size_t i = 1; i < request.texts.size(); ++i)
        (i <= arguments ? argv : env).push_back(request.texts[i].data());
    argv.push_back(nullptr);
    env.push_back(nullptr);
    const auto give_up = [report] {
        const int error = errno;
        (void)!::write(report, &error, sizeof error);
        ::_exit(127);
    };
    ::setsid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    limit_resources();
    if (::personality(ADDR_NO_RANDOMIZE) < 0) give_up();
    if (::chdir(request.texts[0].c_str()) != 0) give_up();
    ::dup2(request.descriptor.get(), 1);
    ::dup2(request.descriptor.get(), 2);
    ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
    ::execve(argv[0], argv.data(), env.data());
    give_up();
    ::abort();
}

class KeeperProcess {
public:
    explicit KeeperProcess(const KeeperOffice& office)
        : office_(office), harness_(static_cast<int>(::syscall(SYS_pidfd_open, office.harness, 0))) {
        // Not the terminal's: an interrupt from there is for the harness, and we end when it does.
        ::setsid();
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        sigset_t children;
        sigemptyset(&children);
        sigaddset(&children, SIGCHLD);
        ::sigprocmask(SIG_SETMASK, &children, nullptr);
        signals_.reset(::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
    }

    [[noreturn]] void serve() {
        for (;;) {
            // The harness's end of a socket may live on in a child of the harness: so its process is watched too.
            std::array<pollfd, 3> waits{
                {{office_.requests, POLLIN, 0}, {signals_.get(), POLLIN, 0}, {harness_.get(), POLLIN, 0}}};
            if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) break;
            if (waits[1].revents) reap();
            if (waits[2].revents) break;
            if (!waits[0].revents) continue;
            auto request = receive_message(office_.requests);
            if (!request) break;
            send_message(office_.requests, answer(*request));
        }
        leave();
    }

private:
    WardenMessage answer(WardenMessage& request) {
        if (request.kind == Kind::Run) return run(request);
        const auto program = static_cast<pid_t>(request.numbers[0]);
        if (std::find(programs_.begin(), programs_.end(), program) != programs_.end()) ::kill(-program, SIGKILL);
        return {};
    }

    WardenMessage run(WardenMessage& request) {
        WardenMessage message;
        int report[2];
        if (::pipe2(report, O_CLOEXEC) != 0) return message.numbers[0] = errno, std::move(message);
        FileDescriptor from_child{report[0]}, to_parent{report[1]};
        const pid_t program = ::fork();
        if (program < 0) return message.numbers[0] = errno, std::move(message);
        if (program == 0) become(request, to_parent.get());
        to_parent.reset();
        programs_.push_back(program);
        message.numbers[1] = program;
        int error = 0;  // the pipe closes without a word when exec succeeds
        if (::read(from_child.get(), &error, sizeof error) == sizeof error) message.numbers[0] = error;
        return message;
    }

    void reap() {
        signalfd_siginfo ignored;
        while (::read(signals_.get(), &ignored, sizeof ignored) > 0) {
        }
        int status = 0;
        for (pid_t child; (child = ::waitpid(-1, &status, WNOHANG)) > 0;) {
            const auto found = std::find(programs_.begin(), programs_.end(), child);
            if (found == programs_.end()) continue;  // an orphan of a guest
            ::kill(-child, SIGKILL);                 // its helpers, which hold its sockets open
            programs_.erase(found);
            WardenMessage news;
            news.kind = Kind::Ended;
            news.numbers = {child, status};
            send_message(office_.endings, news);
        }
    }

    // Whatever is still there is a child of ours by now, or becomes one when its parent dies.
    void kill_children() {
        for (const auto program : programs_) ::kill(-program, SIGKILL);
        const FileDescriptor list{::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC)};
        std::array<char, 4096> text{};
        if (!list || ::read(list.get(), text.data(), text.size() - 1) <= 0) return;
        char* at = text.data();
        for (char* end = at;; at = end) {
            const auto child = static_cast<pid_t>(std::strtol(at, &end, 10));
            if (end == at) return;
            ::kill(child, SIGKILL);
        }
    }

    [[noreturn]] void leave() {
        for (;;) {
            kill_children();
            const pid_t child = ::waitpid(-1, nullptr, WNOHANG);
            if (child < 0 && errno == ECHILD) break;
            if (child == 0) ::usleep(1000);
        }
        std::error_code ignored;
        std::filesystem::remove_all(office_.scratch, ignored);
        ::_exit(0);
    }

    KeeperOffice office_;
    FileDescriptor harness_, signals_;
    std::vector<pid_t> programs_;
};

}  // namespace

void be_keeper(const KeeperOffice& office) {
    close_all_but(office.requests, office.endings);
    KeeperProcess{office}.serve();
}

}  // namespace gatelab::sim::peers::uml
