#include "sim/peers/uml/guest_machine.h"

#include <fmt/format.h>

#include <fstream>
#include <string_view>
#include <utility>

#include "impl/base/random.h"
#include "sim/peers/uml/guest_card.h"
#include "sim/peers/uml/guest_host.h"
#include "sim/peers/uml/guest_program.h"
#include "sim/peers/uml/guest_stream.h"
#include "sim/peers/uml/kernel.h"

namespace gatelab::sim::peers::uml {

// The agent, as a program; made by the build.
const std::vector<std::pair<std::string_view, std::string_view>>& agent_files();

namespace {

namespace fs = std::filesystem;

std::vector<std::string> dotted(const std::vector<Ipv4Address>& addresses) {
    std::vector<std::string> texts;
    for (const auto address : addresses) texts.push_back(to_string(address));
    return texts;
}

// What the guest was made from and what was done with it, as lines of a file: part of a run's evidence.
class Diary {
public:
    Diary(Network& network, const fs::path& folder) : network_(network) {
        if (!folder.empty()) file_.open(folder / "guest.log");
    }
    void write(std::string_view line) {
        if (file_.is_open()) file_ << format_seconds(network_.now()) << ' ' << line << std::endl;
    }

private:
    Network& network_;
    std::ofstream file_;
};

class GuestMachine final : public Machine {
public:
    GuestMachine(Guest& guest, Network& network, GuestMachineSpec spec, fs::path share)
        : spec_(std::move(spec)),
          share_(std::move(share)),
          guest_(guest),
          diary_(std::make_shared<Diary>(network, spec_.evidence)),
          control_(
              guest.card(0), clock_of(network), [this](const agent::Hello& hello) { handle(hello); },
              [this](const Error& why) { handle_end(why); }),
          card_(network.port(spec_.port), guest.card(1), clock_of(network)),
          host_(network, control_, spec_.node, spec_.epoch, spec_.seed) {
        guest.on_end([this] {
            if (const auto health = guest_.health(); !health) handle_end(health.error());
        });
        control_.on_configured([this](const agent::Configured& done) { handle(done); });
        configure();
    }

    ~GuestMachine() override {
        guest_.on_end({});
        const auto& seen = card_.counters();
        diary_->write(fmt::format("end: packets {} in, {} out; dropped {} oversized, {} overflowed, {} foreign",
                                  seen.in, seen.out, seen.oversized, seen.overflowed, seen.foreign));
        guest_.power_off();
        std::error_code ignored;
        fs::remove_all(share_, ignored);
    }

    const fs::path& folder() const override { return share_; }
    std::string inside(const std::string& relative) const override { return std::string{kShare} + "/" + relative; }
    bool has_own_files() const override { return true; }
    std::string socket_path(const std::string& name) const override { return "/run/" + name; }

    std::unique_ptr<Program> run(const ProgramSpec& program, std::function<void(Result<int>)> ended) override {
        const auto line = fmt::format("{}", fmt::join(program.arguments, " "));
        diary_->write("run: " + line);
        const auto output = program.output.empty() ? std::string{} : inside(program.output);
        return run_in_guest(
            control_, program, output, [diary = diary_, line, ended = std::move(ended)](Result<int> how) {
                diary->write(fmt::format("{}: {}", how ? describe_exit(*how) : how.error().detail, line));
                if (ended) ended(std::move(how));
            });
    }

    std::unique_ptr<TcpStream> connect(const std::string& path) override { return connect_in_guest(control_, path); }
    Host& stack() override { return host_; }
    Result<void> health() const override { return health_ ? guest_.health() : health_; }

private:
    static GuestClock clock_of(Network& network) {
        return {
            [&network] { return network.now(); },
            [&network](Duration when, std::function<void()> call) { return network.call_at(when, std::move(call)); }};
    }

    void configure() {
        const auto& machine = spec_.machine;
        auto line = fmt::format("card: addresses {}, mtu {}", fmt::join(dotted(machine.addresses), " "), machine.mtu);
        if (!machine.borrowed.empty()) line += fmt::format(", borrowed {}", fmt::join(dotted(machine.borrowed), " "));
        if (machine.forwards) line += ", forwards";
        diary_->write(line);
        control_.send(agent::Configure{spec_.node, dotted(machine.addresses), dotted(machine.borrowed), machine.mtu,
                                       static_cast<std::uint8_t>(machine.forwards)});
    }

    void handle(const agent::Hello& hello) { diary_->write("kernel: " + hello.kernel); }

    void handle(const agent::Configured& done) {
        if (done.problem.empty()) return card_.open();
        handle_end({Fault::Unavailable, spec_.node + ": the guest cannot set up its card: " + done.problem});
    }

    void handle_end(const Error& why) {
        if (!health_) return;
        health_ = fail(why.fault, why.detail);
        diary_->write("no more: " + why.detail);
        control_.break_off(why);
    }

    const GuestMachineSpec spec_;
    const fs::path share_;
    Guest& guest_;
    Result<void> health_;
    std::shared_ptr<Diary> diary_;  // shared with programs, which may outlive us
    ControlChannel control_;
    GuestCard card_;
    GuestHost host_;
};

// The folder that the guest shares with us, with its first program in it.
Result<fs::path> make_share(const Guests& guests, const std::string& node) {
    const auto share = guests.scratch() / (node + ".share");
    const auto init = share / "init";
    std::error_code error;
    fs::create_directory(share, error);
    // The guest finds us to own the folder, and programs that have given up root's powers there would write to it or not
    // by who we are. The folder above is closed to others.
    if (!error) fs::permissions(share, fs::perms::all, error);
    std::ofstream file{init, std::ios::binary};
    const auto& program = agent_files().front().second;
    file.write(program.data(), static_cast<std::streamsize>(program.size()));
    file.close();
    if (!error) fs::permissions(init, fs::perms{0755}, error);
    if (!file || error) return fail(Fault::Io, fmt::format("{}: cannot write {}", node, init.string()));
    return share;
}

}  // namespace

Result<std::unique_ptr<Machine>> make_guest_machine(Guests& guests, Network& network, GuestMachineSpec spec) {
    const auto kernel = find_kernel();
    if (!kernel) return pass(kernel);
    const auto share = make_share(guests, spec.node);
    if (!share) return pass(share);
    if (!spec.evidence.empty()) {
        std::error_code error;
        fs::create_directories(spec.evidence, error);
        if (error) return fail(Fault::Io, fmt::format("{}: {}", spec.evidence.string(), error.message()));
    }
    GuestSpec wanted;
    wanted.name = spec.node;
    wanted.kernel = kernel->path;
    wanted.share = *share;
    if (!spec.evidence.empty()) wanted.console = spec.evidence / "console.log";
    wanted.memory_mib = spec.memory_mib;
    wanted.seed = SeededRandom{spec.seed, "guest/" + spec.node}.u64();
    wanted.time_of_day = spec.epoch + network.now();
    wanted.cards = {agent::kControlMac, kNetworkMac};
    const auto guest = guests.add(wanted);
    if (!guest) return pass(guest);
    return std::make_unique<GuestMachine>(**guest, network, std::move(spec), *share);
}

}  // namespace gatelab::sim::peers::uml
