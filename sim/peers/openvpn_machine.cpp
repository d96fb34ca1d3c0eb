#include "sim/peers/openvpn_machine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string_view>
#include <utility>

#include "sim/peers/charon.h"
#include "sim/peers/namespace_machine.h"
#include "sim/peers/openvpn_config.h"
#include "sim/peers/tls_keys.h"
#include "sim/peers/uml/guest_machine.h"

namespace gatelab::sim::peers {

namespace {

using namespace std::chrono_literals;

constexpr const char* kFolder = "openvpn";
constexpr const char* kCounters = "cards.txt";
constexpr Duration kRefresh = 500ms, kAttention = 1s;
constexpr int kLinesInErrors = 40;

Result<std::unique_ptr<Machine>> make_machine(const Stage& stage, const OpenVpnMachine::Options& options) {
    if (stage.guests) {
        uml::GuestMachineSpec guest;
        guest.node = options.node;
        guest.port = options.port;
        guest.machine = options.machine;
        guest.seed = stage.seed;
        guest.epoch = stage.topology.epoch;
        if (!stage.folder.empty()) guest.evidence = stage.folder / options.node;
        return uml::make_guest_machine(*stage.guests, stage.network, std::move(guest));
    }
    NamespaceMachineSpec space;
    space.node = options.node;
    space.port = options.port;
    space.machine = options.machine;
    space.seed = stage.seed;
    space.epoch = stage.topology.epoch;
    return make_namespace_machine(stage.network, std::move(space));
}

}  // namespace

std::map<std::string, OpenVpnMachine::Packets> packets_in(const std::string& proc_net_dev) {
    std::map<std::string, OpenVpnMachine::Packets> packets;
    std::istringstream lines{proc_net_dev};
    for (std::string line; std::getline(lines, line);) {
        const auto colon = line.find(':');
        if (colon == line.npos) continue;
        // Received: bytes, packets and six more; then the same of what was sent.
        std::istringstream words{line.substr(0, colon) + ' ' + line.substr(colon + 1)};
        std::string card;
        std::array<std::uint64_t, 10> numbers{};
        words >> card;
        for (auto& number : numbers) words >> number;
        if (words) packets[card] = {numbers[1], numbers[9]};
    }
    return packets;
}

Result<std::unique_ptr<OpenVpnMachine>> OpenVpnMachine::start(const Stage& stage, Options options) {
    if (::access(kOpenVpnProgram, X_OK) != 0)
        return fail(Fault::Unavailable,
                    fmt::format("{}: there is no {}: install openvpn", options.node, kOpenVpnProgram));
    std::unique_ptr<OpenVpnMachine> self{new OpenVpnMachine{stage, std::move(options)}};
    auto machine = make_machine(stage, self->options_);
    if (!machine) return pass(machine);
    self->machine_ = std::move(*machine);
    if (!stage.folder.empty())
        if (auto put = put_tls_keys_library(*self->machine_); !put) return pass(put);
    return self;
}

std::string OpenVpnMachine::folder() const { return machine_->inside(std::string{kFolder} + "/"); }

Result<void> OpenVpnMachine::put(std::vector<ConfigFile> files) {
    for (auto& file : files) {
        if (auto put = write_file(share() / file.path, file.text); !put) return put;
        if (!file.secret) kept_.push_back(std::move(file));
    }
    return {};
}

std::unique_ptr<OpenVpnProcess> OpenVpnMachine::run(const std::string& name, std::vector<std::string> arguments,
                                                    std::function<void(OpenVpnManagement::Output)> told,
                                                    std::function<void(Result<int>)> ended) {
    if (std::find(programs_.begin(), programs_.end(), name) == programs_.end()) programs_.push_back(name);
    OpenVpnProcess::Options options;
    options.program.arguments = std::move(arguments);
    options.program.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC"};
    options.program.output = fmt::format("{}/{}.out", kFolder, name);
    if (!stage_.folder.empty())
        for (auto& variable : tls_keys_environment(*machine_))
            options.program.environment.push_back(std::move(variable));
    options.management = management_of(name);
    options.told = std::move(told);
    options.ended = [this, name, ended = std::move(ended)](Result<int> how) {
        endings_[name] = how ? describe_exit(*how) : how.error().detail;
        ended(std::move(how));
    };
    return std::make_unique<OpenVpnProcess>(stage_.network, *machine_, std::move(options));
}

Error OpenVpnMachine::wrong(const std::string& name, Fault fault, const std::string& what) const {
    auto detail = fmt::format("{}: {}", options_.node, what);
    const auto log = read_file(share() / (name + ".log")) + read_file(share() / (name + ".out"));
    if (const auto words = last_lines(log, kLinesInErrors); !words.empty()) detail += "; its last words:\n" + words;
    return {fault, std::move(detail)};
}

// "2026-01-01 00:00:00 OpenVPN 2.6.14 x86_64-pc-linux-gnu ...".
std::string OpenVpnMachine::version() const {
    constexpr std::string_view kName = "OpenVPN 2.";
    for (const auto& name : programs_) {
        const auto log = read_file(share() / (name + ".log"));
        const auto from = log.find(kName);
        if (from != log.npos) return log.substr(from, log.find(' ', from + kName.size()) - from);
    }
    return {};
}

OpenVpnMachine::Packets OpenVpnMachine::packets(const std::string& card) {
    looked_ = now();
    if (!refreshing_) count();
    const auto known = packets_.find(card);
    return known == packets_.end() ? Packets{} : known->second;
}

void OpenVpnMachine::count() {
    if (counting_) return;
    refreshing_.reset();
    counting_ = machine_->run(
        {{"/bin/sh", "-c", fmt::format("cat /proc/net/dev > {}", machine_->inside(kCounters))}, {"PATH=/bin"}, ""},
        [this](Result<int> how) {
            counting_.reset();
            if (how) packets_ = packets_in(read_file(machine_->folder() / kCounters));
            if (how && looked_ && now() - *looked_ <= kAttention)
                refreshing_ = stage_.network.call_at(now() + kRefresh, [this] { count(); });
        });
}

Result<void> OpenVpnMachine::finish() {
    if (stage_.folder.empty()) return {};
    collect_tls_keys(*machine_, stage_.keys);
    const auto evidence = stage_.folder / options_.node;
    for (const auto& file : kept_)
        if (auto kept = write_file(evidence / file.path, file.text); !kept) return kept;
    auto about = fmt::format("program: {}\nversion: {}\n", kOpenVpnProgram, version());
    for (const auto& name : programs_) {
        if (auto kept = write_file(evidence / (name + ".log"), read_file(share() / (name + ".log"))); !kept)
            return kept;
        const auto ending = endings_.find(name);
        about += fmt::format("{} ended: {}\n", name, ending == endings_.end() ? "not by itself" : ending->second);
    }
    return write_file(evidence / "program.txt", about);
}

}  // namespace gatelab::sim::peers
