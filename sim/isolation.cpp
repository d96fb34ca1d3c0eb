#include "sim/isolation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
extern "C" {  // glibc 2.36 forgot to say so itself
#include <sys/pidfd.h>
}

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

namespace gatelab::sim {
namespace {

using WallClock = std::chrono::steady_clock;

constexpr std::size_t kLastWords = 4096;
constexpr int kThrew = 70;  // EX_SOFTWARE of sysexits.h

// A file descriptor that closes itself.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() { close(); }
    int get() const { return fd_; }
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_ = -1;
};

struct Pipe {
    Descriptor read, write;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return fail(Fault::Unavailable, "cannot make a pipe: " + std::generic_category().message(errno));
    return Pipe{Descriptor{ends[0]}, Descriptor{ends[1]}};
}

void write_all(int fd, const void* data, std::size_t size) {
    const auto* at = static_cast<const char*>(data);
    while (size > 0) {
        const auto written = ::write(fd, at, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) ::_exit(kThrew);  // nobody reads us any more
        at += written;
        size -= static_cast<std::size_t>(written);
    }
}

// The child's whole life. What it sends is framed by its length, so that a half-sent answer is not taken for a whole.
[[noreturn]] void live(const std::function<Bytes()>& function, pid_t parent, int out, int err) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(kThrew);  // it died before it could take us along
    for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGCHLD}) ::signal(signal, SIG_DFL);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(null, STDIN_FILENO);
    ::dup2(null, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    try {
        const auto output = function();
        const std::uint64_t size = output.size();
        write_all(out, &size, sizeof size);
        write_all(out, output.data(), output.size());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "exception: %s\n", error.what());
        std::fflush(stderr);
        ::_exit(kThrew);
    }
    std::fflush(nullptr);
    ::_exit(0);
}

std::string last_line(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
    const auto at = text.rfind('\n');
    return std::string{at == std::string_view::npos ? text : text.substr(at + 1)};
}

}  // namespace

std::string IsolatedEnd::describe() const {
    std::string text;
    switch (how) {
        case How::Returned: return "ended";
        case How::Exited: text = fmt::format("ended itself with code {} before it was done", code); break;
        case How::Killed:
            text = fmt::format("crashed (SIG{})", ::sigabbrev_np(code) ? ::sigabbrev_np(code) : "?");
            break;
        case How::TimedOut: text = fmt::format("did not end within {} s", limit / std::chrono::seconds(1)); break;
    }
    const auto words = last_line(last_words);
    return words.empty() ? text : text + ": " + words;
}

struct Isolated::State {
    pid_t pid = -1;  // also its process group; -1 once waited for
    Descriptor process, out, err;
    WallClock::time_point started, deadline;
    WallClock::duration wall{};
    Bytes received;
    IsolatedEnd end;

    ~State() {
        if (pid > 0) finish(IsolatedEnd::How::Killed);
    }

    // Takes what there is without waiting.
    void read_some() {
        std::array<char, 65536> buffer;  // NOLINT: filled by read
        for (ssize_t got; (got = ::read(out.get(), buffer.data(), buffer.size())) > 0;)
            received.insert(received.end(), buffer.data(), buffer.data() + got);
        for (ssize_t got; (got = ::read(err.get(), buffer.data(), buffer.size())) > 0;) {
            end.last_words.append(buffer.data(), static_cast<std::size_t>(got));
            if (end.last_words.size() > kLastWords) end.last_words.erase(0, end.last_words.size() - kLastWords);
        }
    }

    // The child is gone or has to go, and its group with it: the group id stays taken until waitpid().
    void finish(IsolatedEnd::How how) {
        ::kill(-pid, SIGKILL);
        ::kill(pid, SIGKILL);  // should it not have come to setpgid()
        int status = 0;
        while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
        pid = -1;
        wall = WallClock::now() - started;
        read_some();
        end.how = how;
        if (how != IsolatedEnd::How::Returned) return;
        take_status(status);
    }

    void take_status(int status) {
        std::uint64_t size = 0;
        if (received.size() >= sizeof size) std::memcpy(&size, received.data(), sizeof size);
        if (WIFSIGNALED(status)) {
            end.how = IsolatedEnd::How::Killed;
            end.code = WTERMSIG(status);
        } else if (WEXITSTATUS(status) != 0 || received.size() < sizeof size || received.size() != sizeof size + size) {
            end.how = IsolatedEnd::How::Exited;
            end.code = WEXITSTATUS(status);
        } else {
            end.output.assign(received.begin() + sizeof size, received.end());
        }
    }
};

Isolated::Isolated(std::unique_ptr<State> state) : state_(std::move(state)) {}
Isolated::~Isolated() = default;
Isolated::Isolated(Isolated&&) noexcept = default;
Isolated& Isolated::operator=(Isolated&&) noexcept = default;

const IsolatedEnd& Isolated::end() const { return state_->end; }

Duration Isolated::wall_time() const { return std::chrono::duration_cast<Duration>(state_->wall); }

Result<Isolated> Isolated::start(std::function<Bytes()> function, Duration limit) {
    auto out = make_pipe();
    if (!out) return pass(out);
    auto err = make_pipe();
    if (!err) return pass(err);
    std::fflush(nullptr);  // else the child would write our buffers a second time
    const auto parent = ::getpid();
    const auto pid = ::fork();
    if (pid < 0) return fail(Fault::Unavailable, "cannot start a process: " + std::generic_category().message(errno));
    if (pid == 0) live(function, parent, out->write.get(), err->write.get());
    ::setpgid(pid, pid);  // both sides do it, so that it holds for both at once

    auto state = std::make_unique<State>();
    state->pid = pid;
    state->process = Descriptor{::pidfd_open(pid, 0)};
    state->out = std::move(out->read);
    state->err = std::move(err->read);
    for (const int fd : {state->out.get(), state->err.get()}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
    state->started = WallClock::now();
    state->deadline = state->started + limit;
    state->end.limit = limit;
    if (state->process.get() < 0)
        return fail(Fault::Unavailable, "cannot watch a process: " + std::generic_category().message(errno));
    return Isolated{std::move(state)};
}

std::size_t Isolated::wait_any(const std::vector<Isolated*>& running) {
    for (;;)
        if (const auto ended = wait_any_for(running, std::chrono::minutes(1))) return *ended;
}

// The end of the process counts, not the end of its pipes: its own children may hold those open.
std::optional<std::size_t> Isolated::wait_any_for(const std::vector<Isolated*>& running, Duration patience) {
    const auto until = WallClock::now() + patience;
    do {
        std::vector<pollfd> watched;
        auto deadline = until;
        for (const auto* one : running) {
            for (const int fd : {one->state_->process.get(), one->state_->out.get(), one->state_->err.get()})
                watched.push_back({fd, POLLIN, 0});
            deadline = std::min(deadline, one->state_->deadline);
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - WallClock::now()).count();
        const auto ready =
            ::poll(watched.data(), watched.size(), static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
        if (ready < 0 && errno == EINTR) return {};
        for (std::size_t i = 0; i < running.size(); ++i) {
            auto& state = *running[i]->state_;
            state.read_some();
            if (watched[3 * i].revents != 0) {
                state.finish(IsolatedEnd::How::Returned);
                return i;
            }
            if (WallClock::now() >= state.deadline) {
                state.finish(IsolatedEnd::How::TimedOut);
                return i;
            }
            // A pipe whose writer closed it would wake poll() again and again; a negative descriptor is passed over.
            if ((watched[3 * i + 1].revents & POLLHUP) != 0) state.out.close();
            if ((watched[3 * i + 2].revents & POLLHUP) != 0) state.err.close();
        }
    } while (WallClock::now() < until);
    return {};
}

Result<IsolatedEnd> run_isolated(std::function<Bytes()> function, Duration limit) {
    auto child = Isolated::start(std::move(function), limit);
    if (!child) return pass(child);
    Isolated::wait_any({&*child});
    return child->end();
}

}  // namespace gatelab::sim
