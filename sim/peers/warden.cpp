#include "sim/peers/warden.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

#include "sim/peers/warden_inside.h"
#include "sim/peers/warden_protocol.h"

namespace gatelab::sim::peers {
namespace {

using Kind = WardenMessage::Kind;

// The reasons that machines have for refusing, and what their owner can do.
Error refusal_of(const std::string& step, int error) {
    auto detail = fmt::format("real programs need namespaces, and {} failed: {}", step, std::strerror(error));
    if (step == "unshare" && error == ENOSPC)
        detail += "; raise user.max_user_namespaces with sysctl, or run as root";
    else if (step == "unshare" || step == "uid_map")
        detail +=
            "; allow unprivileged user namespaces (kernel.unprivileged_userns_clone=1, "
            "kernel.apparmor_restrict_unprivileged_userns=0, in a container seccomp=unconfined), or run as root";
    return {Fault::Unavailable, detail};
}

Error machine_refusal(const std::string& step, int error) {
    auto detail = fmt::format("a real program's machine could not be set up: {}: {}", step, std::strerror(error));
    if (step == "/dev/net/tun") detail += "; load the tun module, in a container pass --device /dev/net/tun";
    if (step == "ip_forward") detail += "; /proc/sys must be writable inside the namespace";
    return {Fault::Unavailable, detail};
}

tl::unexpected<Error> died() { return fail(Fault::Io, "the process that keeps the real programs has died"); }

Result<std::filesystem::path> make_scratch() {
    auto path = (std::filesystem::temp_directory_path() / "gatelab-XXXXXX").string();
    if (!::mkdtemp(path.data()))
        return fail(Fault::Io, fmt::format("cannot make a folder {}: {}", path, std::strerror(errno)));
    return path;
}

bool is_privileged() { return ::geteuid() == 0; }

struct Pair {
    FileDescriptor ours, theirs;
};

std::optional<Pair> make_pair(int type) {
    int ends[2];
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) return std::nullopt;
    return Pair{FileDescriptor{ends[0]}, FileDescriptor{ends[1]}};
}

}  // namespace

std::string describe_exit(int wait_status) {
    if (WIFSIGNALED(wait_status)) return fmt::format("killed by signal {}", WTERMSIG(wait_status));
    return fmt::format("exit status {}", WEXITSTATUS(wait_status));
}

Result<std::unique_ptr<Warden>> Warden::start(WardenOptions options) {
    auto scratch = make_scratch();
    if (!scratch) return pass(scratch);
    auto requests = make_pair(SOCK_SEQPACKET);
    auto endings = make_pair(SOCK_SEQPACKET | SOCK_NONBLOCK);  // nobody waits to be rid of news
    if (!requests || !endings) return fail(Fault::Io, fmt::format("socketpair: {}", std::strerror(errno)));
    const bool user_namespace = options.user_namespace == WardenOptions::UserNamespace::Always || !is_privileged();
    const pid_t caretaker = ::fork();
    if (caretaker < 0) return fail(Fault::Unavailable, fmt::format("fork: {}", std::strerror(errno)));
    if (caretaker == 0) be_caretaker({requests->theirs.get(), endings->theirs.get(), *scratch, user_namespace});
    // From here on the destructor ends the caretaker, which removes the folder.
    std::unique_ptr<Warden> warden{
        new Warden{*scratch, caretaker, {std::move(requests->ours), std::move(endings->ours)}}};
    requests->theirs.reset();
    endings->theirs.reset();
    const auto hello = receive_message(warden->sockets_.requests.get());
    if (!hello) return died();
    if (hello->numbers[0] != 0) {
        auto error = refusal_of(hello->texts.at(0), static_cast<int>(hello->numbers[0]));
        return fail(error.fault, std::move(error.detail));
    }
    return warden;
}

Warden::~Warden() {
    sockets_.requests.reset();
    sockets_.endings.reset();
    while (::waitpid(caretaker_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

Result<AttachedMachine> Warden::add_machine(const MachineSpec& spec) {
    WardenMessage request;
    request.kind = Kind::AddMachine;
    request.numbers = {spec.mtu, spec.forwards, static_cast<std::int64_t>(spec.addresses.size())};
    for (const auto address : spec.addresses) request.texts.push_back(to_string(address));
    for (const auto address : spec.borrowed) request.texts.push_back(to_string(address));
    const std::lock_guard lock{mutex_};
    if (!send_message(sockets_.requests.get(), request)) return died();
    auto answer = receive_message(sockets_.requests.get());
    if (!answer) return died();
    if (answer->numbers[0] != 0) {
        auto error = machine_refusal(answer->texts.at(0), static_cast<int>(answer->numbers[0]));
        return fail(error.fault, std::move(error.detail));
    }
    return AttachedMachine{static_cast<MachineId>(answer->numbers[1]), std::move(answer->descriptor)};
}

Result<pid_t> Warden::run(MachineId machine, const Command& command) {
    WardenMessage request;
    request.kind = Kind::Run;
    request.numbers = {machine, static_cast<std::int64_t>(command.arguments.size())};
    request.texts = command.arguments;
    request.texts.insert(request.texts.end(), command.environment.begin(), command.environment.end());
    const auto output = command.output.empty() ? std::filesystem::path{"/dev/null"} : command.output;
    request.descriptor.reset(::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!request.descriptor) return fail(Fault::Io, fmt::format("{}: {}", output.string(), std::strerror(errno)));
    const std::lock_guard lock{mutex_};
    if (!send_message(sockets_.requests.get(), request)) return died();
    const auto answer = receive_message(sockets_.requests.get());
    if (!answer) return died();
    if (answer->numbers[0] != 0)
        return fail(Fault::NotFound, fmt::format("cannot run {}: {}", command.arguments.at(0),
                                                 std::strerror(static_cast<int>(answer->numbers[0]))));
    return static_cast<pid_t>(answer->numbers[1]);
}

void Warden::signal(pid_t program, int number) {
    WardenMessage request;
    request.kind = Kind::Signal;
    request.numbers = {program, number};
    const std::lock_guard lock{mutex_};
    if (send_message(sockets_.requests.get(), request)) receive_message(sockets_.requests.get());
}

Result<FileDescriptor> Warden::open_socket(MachineId machine, int domain, int type, int protocol) {
    WardenMessage request;
    request.kind = Kind::OpenSocket;
    request.numbers = {machine, domain, type, protocol};
    const std::lock_guard lock{mutex_};
    if (!send_message(sockets_.requests.get(), request)) return died();
    auto answer = receive_message(sockets_.requests.get());
    if (!answer) return died();
    if (answer->numbers[0] != 0)
        return fail(Fault::Refused, fmt::format("a real program's machine gives no socket: {}",
                                                std::strerror(static_cast<int>(answer->numbers[0]))));
    return std::move(answer->descriptor);
}

bool Warden::alive() const {
    pollfd wait{sockets_.endings.get(), POLLIN, 0};
    return ::poll(&wait, 1, 0) <= 0 || !(wait.revents & POLLHUP);
}

std::optional<int> Warden::ended(pid_t program) {
    const std::lock_guard lock{mutex_};
    while (const auto news = receive_message(sockets_.endings.get(), false))
        ended_[static_cast<pid_t>(news->numbers[0])] = static_cast<int>(news->numbers[1]);
    const auto found = ended_.find(program);
    if (found == ended_.end()) return std::nullopt;
    return found->second;
}

}  // namespace gatelab::sim::peers
