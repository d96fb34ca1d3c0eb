#include "sim/peers/namespace_machine.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <utility>

#include "sim/peers/machine_host.h"
#include "sim/peers/machine_sockets.h"
#include "sim/peers/namespace_card.h"
#include "sim/peers/socket_watch.h"
#include "sim/peers/warden.h"

namespace gatelab::sim::peers {
namespace {

using Ended = std::function<void(Result<int>)>;

// The programs that run. What is told about one that is no more wanted finds no entry.
struct ProgramTable {
    std::map<std::uint64_t, std::pair<pid_t, Ended>> running;
    std::uint64_t next = 1;
};

class NamespaceProgram final : public Program {
public:
    NamespaceProgram(Warden& warden, std::shared_ptr<ProgramTable> table, std::uint64_t number)
        : warden_(warden), table_(std::move(table)), number_(number) {}
    ~NamespaceProgram() override {
        signal(SIGKILL);
        table_->running.erase(number_);
    }
    void signal(int number) override {
        const auto found = table_->running.find(number_);
        if (found != table_->running.end() && found->second.first > 0) warden_.signal(found->second.first, number);
    }

private:
    Warden& warden_;
    const std::shared_ptr<ProgramTable> table_;
    const std::uint64_t number_;
};

// A stream that could not be opened: it says so, and nothing else.
class RefusedStream final : public TcpStream {
public:
    RefusedStream(Network& network, std::string why) {
        network.post([kept = std::weak_ptr{callbacks_}, why = std::move(why)] {
            const auto alive = kept.lock();
            if (alive && alive->closed) std::exchange(alive->closed, {})(why);
        });
    }
    Endpoint local() const override { return {}; }
    Endpoint remote() const override { return {}; }
    std::size_t write(ByteView) override { return 0; }
    void close() override {}
    void set_callbacks(Callbacks callbacks) override { *callbacks_ = std::move(callbacks); }

private:
    std::shared_ptr<Callbacks> callbacks_ = std::make_shared<Callbacks>();
};

class NamespaceMachine final : public Machine {
public:
    NamespaceMachine(Network& network, std::unique_ptr<Warden> warden, AttachedMachine card,
                     const NamespaceMachineSpec& spec)
        : network_(network),
          warden_(std::move(warden)),
          id_(card.id),
          folder_(warden_->scratch() / "share"),
          watch_(network),
          card_(network.port(spec.port), std::move(card.card)),
          host_(network, *warden_, id_, watch_, {spec.node, spec.epoch, spec.seed}),
          endings_(watch_.add(warden_->endings(), [this](SocketWatch::Ready) { tell_endings(); })) {
        std::filesystem::create_directory(folder_);
        endings_->arm();
    }

    const std::filesystem::path& folder() const override { return folder_; }
    std::string inside(const std::string& relative) const override { return (folder_ / relative).string(); }
    bool has_own_files() const override { return false; }
    std::string socket_path(const std::string& name) const override { return (warden_->scratch() / name).string(); }

    std::unique_ptr<Program> run(const ProgramSpec& spec, Ended ended) override {
        const auto number = programs_->next++;
        const auto output = spec.output.empty() ? std::filesystem::path{} : folder_ / spec.output;
        const auto process = warden_->run(id_, {spec.arguments, spec.environment, output});
        programs_->running[number] = {process.value_or(0), std::move(ended)};
        if (!process)
            network_.post([table = std::weak_ptr{programs_}, number, error = process.error()] {
                if (const auto alive = table.lock()) tell(*alive, number, tl::unexpected<Error>(error));
            });
        return std::make_unique<NamespaceProgram>(*warden_, programs_, number);
    }

    std::unique_ptr<TcpStream> connect(const std::string& socket_path) override {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (socket_path.size() >= sizeof address.sun_path) return refuse(ENAMETOOLONG);
        socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
        FileDescriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            return refuse(errno);
        return make_machine_stream(watch_, std::move(socket), true);
    }

    Host& stack() override { return host_; }
    Result<void> health() const override {
        if (warden_->alive()) return {};
        return fail(Fault::Io, "the process that keeps the real programs has died");
    }

private:
    std::unique_ptr<TcpStream> refuse(int error) {
        return std::make_unique<RefusedStream>(network_, std::strerror(error));
    }

    static void tell(ProgramTable& table, std::uint64_t number, Result<int> how) {
        const auto found = table.running.find(number);
        if (found == table.running.end()) return;
        const auto ended = std::move(found->second.second);
        table.running.erase(found);  // before the call: it may destroy the program, or start another
        ended(std::move(how));
    }

    void tell_endings() {
        const auto dead = health();
        std::map<std::uint64_t, Result<int>> news;
        for (const auto& [number, program] : programs_->running) {
            if (program.first == 0) continue;
            if (const auto status = warden_->ended(program.first))
                news.emplace(number, *status);
            else if (!dead)
                news.emplace(number, tl::unexpected<Error>(dead.error()));
        }
        if (dead) endings_->arm();
        const auto table = programs_;  // a callback may destroy us
        for (auto& [number, how] : news) tell(*table, number, std::move(how));
    }

    Network& network_;
    const std::unique_ptr<Warden> warden_;
    const MachineId id_;
    const std::filesystem::path folder_;
    SocketWatch watch_;
    NamespaceCard card_;
    MachineHost host_;
    std::shared_ptr<ProgramTable> programs_ = std::make_shared<ProgramTable>();
    std::unique_ptr<SocketWatch::Handle> endings_;
};

}  // namespace

Result<std::unique_ptr<Machine>> make_namespace_machine(Network& network, NamespaceMachineSpec spec) {
    auto warden = Warden::start();
    if (!warden) return fail(warden.error().fault, spec.node + ": " + warden.error().detail);
    auto card = (*warden)->add_machine(spec.machine);
    if (!card) return fail(card.error().fault, spec.node + ": " + card.error().detail);
    return std::make_unique<NamespaceMachine>(network, std::move(*warden), std::move(*card), spec);
}

}  // namespace gatelab::sim::peers
