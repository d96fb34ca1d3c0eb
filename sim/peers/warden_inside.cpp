#include "sim/peers/warden_inside.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>
#include <vector>

#include "sim/peers/machine_setup.h"
#include "sim/peers/warden_protocol.h"

namespace gatelab::sim::peers {
namespace {

using Kind = WardenMessage::Kind;

WardenMessage failure(int error, std::string step) {
    WardenMessage message;
    message.numbers[0] = error;
    message.texts.push_back(std::move(step));
    return message;
}

bool write_file(const char* path, const std::string& text) {
    const FileDescriptor file{::open(path, O_WRONLY | O_CLOEXEC)};
    return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// "" when all went well, else the step that failed, with errno set.
std::string enter_namespaces(bool user_namespace) {
    const auto user = std::to_string(::geteuid()), group = std::to_string(::getegid());
    const int own = user_namespace ? CLONE_NEWUSER : 0;
    if (::unshare(own | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID) != 0) return "unshare";
    if (user_namespace) {
        // user_namespaces(7): without privileges, setgroups must be denied before a group can be mapped.
        if (!write_file("/proc/self/setgroups", "deny")) return "setgroups";
        if (!write_file("/proc/self/uid_map", "0 " + user + " 1")) return "uid_map";
        if (!write_file("/proc/self/gid_map", "0 " + group + " 1")) return "gid_map";
    }
    // What the programs see in /run is theirs. A machine that forbids it only loses that.
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0)
        (void)::mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
    return {};
}

// Keeps nothing of the harness open: its pipes would never close otherwise.
void close_all_but(int first, int second) {
    const int low = std::min(first, second), high = std::max(first, second);
    const FileDescriptor nowhere{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    for (const int standard : {0, 1, 2}) ::dup2(nowhere.get(), standard);
    if (low > 3) ::close_range(3, static_cast<unsigned>(low - 1), 0);
    if (high > low + 1) ::close_range(static_cast<unsigned>(low + 1), static_cast<unsigned>(high - 1), 0);
    ::close_range(static_cast<unsigned>(high + 1), ~0u, 0);
}

class WardenProcess {
public:
    WardenProcess(int requests, int endings) : requests_(requests), endings_(endings) {}

    [[noreturn]] void serve() {
        sigset_t children;
        sigemptyset(&children);
        sigaddset(&children, SIGCHLD);
        ::sigprocmask(SIG_SETMASK, &children, nullptr);
        const FileDescriptor signals{::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK)};
        send_message(requests_, {});
        for (;;) {
            pollfd waits[] = {{requests_, POLLIN, 0}, {signals.get(), POLLIN, 0}};
            if (::poll(waits, 2, -1) < 0 && errno != EINTR) ::_exit(1);
            if (waits[1].revents) report_endings(signals.get());
            if (!waits[0].revents) continue;
            auto request = receive_message(requests_);
            if (!request) ::_exit(0);  // the harness is gone: so are we, and with us all that we started
            send_message(requests_, answer(*request));
        }
    }

private:
    WardenMessage answer(WardenMessage& request) {
        switch (request.kind) {
            case Kind::AddMachine: return add_machine(request);
            case Kind::Run: return run(request);
            case Kind::Signal: return signal(request);
            case Kind::OpenSocket: return open_socket(request);
            default: return failure(EPROTO, "request");
        }
    }

    WardenMessage add_machine(const WardenMessage& request) {
        if (::unshare(CLONE_NEWNET) != 0) return failure(errno, "unshare");
        FileDescriptor space{::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)};
        if (!space) return failure(errno, "/proc/self/ns/net");
        WardenMessage message;
        const auto borrowed = request.texts.begin() + request.numbers[2];
        const auto wrong = set_up_machine({{request.texts.begin(), borrowed},
                                           {borrowed, request.texts.end()},
                                           static_cast<int>(request.numbers[0]),
                                           request.numbers[1] != 0},
                                          message.descriptor);
        if (!wrong.empty()) return failure(errno, wrong);
        message.numbers[1] = static_cast<std::int64_t>(machines_.size());
        machines_.push_back(std::move(space));
        return message;
    }

    WardenMessage run(WardenMessage& request) {
        int report[2];
        if (::pipe2(report, O_CLOEXEC) != 0) return failure(errno, "pipe");
        FileDescriptor from_child{report[0]}, to_parent{report[1]};
        const pid_t program = ::fork();
        if (program < 0) return failure(errno, "fork");
        if (program == 0) become(request, to_parent.get());
        to_parent.reset();
        int error = 0;  // the pipe closes without a word when exec succeeds
        if (::read(from_child.get(), &error, sizeof error) == sizeof error) return failure(error, "exec");
        WardenMessage message;
        message.numbers[1] = program;
        return message;
    }

    [[noreturn]] void become(WardenMessage& request, int report) {
        const auto arguments = static_cast<std::size_t>(request.numbers[1]);
        std::vector<char*> argv, env;
        for (std::size_t i = 0; i < request.texts.size(); ++i)
            (i < arguments ? argv : env).push_back(request.texts[i].data());
        argv.push_back(nullptr);
        env.push_back(nullptr);
        sigset_t none;
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::setsid();
        const auto& space = machines_.at(static_cast<std::size_t>(request.numbers[0]));
        if (::setns(space.get(), CLONE_NEWNET) == 0) {
            ::dup2(request.descriptor.get(), 1);
            ::dup2(request.descriptor.get(), 2);
            ::execve(argv[0], argv.data(), env.data());
        }
        const int error = errno;
        (void)!::write(report, &error, sizeof error);
        ::_exit(127);
    }

    static WardenMessage signal(const WardenMessage& request) {
        const auto program = static_cast<pid_t>(request.numbers[0]);
        if (program <= 1 || ::kill(program, static_cast<int>(request.numbers[1])) != 0) return failure(ESRCH, "kill");
        return {};
    }

    WardenMessage open_socket(const WardenMessage& request) {
        const auto& space = machines_.at(static_cast<std::size_t>(request.numbers[0]));
        if (::setns(space.get(), CLONE_NEWNET) != 0) return failure(errno, "setns");
        WardenMessage message;
        message.descriptor.reset(::socket(static_cast<int>(request.numbers[1]),
                                          static_cast<int>(request.numbers[2]) | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                          static_cast<int>(request.numbers[3])));
        if (!message.descriptor) return failure(errno, "socket");
        return message;
    }

    void report_endings(int signals) {
        signalfd_siginfo info;
        while (::read(signals, &info, sizeof info) > 0) {
        }
        int status = 0;
        for (pid_t program; (program = ::waitpid(-1, &status, WNOHANG)) > 0;) {
            WardenMessage news;
            news.kind = Kind::Ended;
            news.numbers = {program, status};
            send_message(endings_, news);
        }
    }

    int requests_, endings_;
    std::vector<FileDescriptor> machines_;
};

}  // namespace

void be_caretaker(const WardenInside& inside) {
    ::setsid();  // a Ctrl-C at the terminal is the harness's to handle
    ::prctl(PR_SET_NAME, "gatelab-peers");
    close_all_but(inside.requests, inside.endings);
    if (const auto step = enter_namespaces(inside.user_namespace); !step.empty()) {
        send_message(inside.requests, failure(errno, step));
    } else if (const pid_t warden = ::fork(); warden == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        WardenProcess{inside.requests, inside.endings}.serve();
    } else if (warden > 0) {
        ::close(inside.requests);
        ::close(inside.endings);
        while (::waitpid(warden, nullptr, 0) < 0 && errno == EINTR) {
        }
    } else {
        send_message(inside.requests, failure(errno, "fork"));
    }
    std::error_code ignored;
    std::filesystem::remove_all(inside.scratch, ignored);
    ::_exit(0);
}

}  // namespace gatelab::sim::peers
