#include "sim/peers/uml/keeper.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "sim/peers/warden_protocol.h"

namespace gatelab::sim::peers::uml {
namespace {

using Kind = WardenMessage::Kind;

tl::unexpected<Error> died() { return fail(Fault::Io, "the process that keeps the guests has died"); }

Result<std::filesystem::path> make_scratch() {
    std::error_code error;
    const auto base = std::filesystem::temp_directory_path(error);
    auto path = ((error ? std::filesystem::path{"/tmp"} : base) / "gatelab-XXXXXX").string();
    if (!::mkdtemp(path.data()))
        return fail(Fault::Io, fmt::format("cannot make a folder {}: {}", path, std::strerror(errno)));
    return path;
}

}  // namespace

Result<std::unique_ptr<Keeper>> Keeper::start() {
    auto scratch = make_scratch();
    if (!scratch) return pass(scratch);
    int requests[2], endings[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, requests) != 0)
        return fail(Fault::Io, fmt::format("socketpair: {}", std::strerror(errno)));
    FileDescriptor ours{requests[0]}, theirs{requests[1]};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, endings) != 0)
        return fail(Fault::Io, fmt::format("socketpair: {}", std::strerror(errno)));
    FileDescriptor our_endings{endings[0]}, their_endings{endings[1]};
    const pid_t harness = ::getpid();
    const pid_t process = ::fork();
    if (process < 0) return fail(Fault::Unavailable, fmt::format("fork: {}", std::strerror(errno)));
    if (process == 0) be_keeper({theirs.get(), their_endings.get(), *scratch, harness});
    return std::unique_ptr<Keeper>{new Keeper{*scratch, process, std::move(ours), std::move(our_endings)}};
}

Keeper::~Keeper() {
    requests_.reset();
    endings_.reset();
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
    std::error_code ignored;  // there is something left only when the keeper itself was killed
    std::filesystem::remove_all(scratch_, ignored);
}

Result<pid_t> Keeper::run(KeptProgram program) {
    WardenMessage request;
    request.kind = Kind::Run;
    request.numbers[0] = static_cast<std::int64_t>(program.arguments.size());
    request.texts.push_back(std::move(program.folder));
    for (auto* list : {&program.arguments, &program.environment})
        request.texts.insert(request.texts.end(), list->begin(), list->end());
    request.descriptor = std::move(program.output);
    if (!send_message(requests_.get(), request)) return died();
    const auto answer = receive_message(requests_.get());
    if (!answer) return died();
    if (answer->numbers[0] != 0)
        return fail(Fault::NotFound,
                    fmt::format("cannot be executed: {}", std::strerror(static_cast<int>(answer->numbers[0]))));
    return static_cast<pid_t>(answer->numbers[1]);
}

void Keeper::kill(pid_t program) {
    WardenMessage request;
    request.kind = Kind::Signal;
    request.numbers = {program, SIGKILL};
    if (send_message(requests_.get(), request)) receive_message(requests_.get());
}

std::optional<int> Keeper::ended(pid_t program, Duration wait) {
    const auto deadline = std::chrono::steady_clock::now() + wait;
    for (;;) {
        while (const auto news = receive_message(endings_.get(), false))
            ended_[static_cast<pid_t>(news->numbers[0])] = static_cast<int>(news->numbers[1]);
        if (const auto found = ended_.find(program); found != ended_.end()) return found->second;
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) return std::nullopt;
        pollfd news{endings_.get(), POLLIN, 0};
        if (::poll(&news, 1, static_cast<int>(left.count())) > 0 && !(news.revents & POLLIN)) return std::nullopt;
    }
}

}  // namespace gatelab::sim::peers::uml
