#include "sim/peers/program_machine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>
#include <utility>

#include "sim/peers/charon.h"
#include "sim/peers/namespace_machine.h"
#include "sim/peers/tls_keys.h"
#include "sim/peers/uml/guest_machine.h"

namespace gatelab::sim::peers {

namespace {

using namespace std::chrono_literals;

constexpr const char* kCounters = "cards.txt";
constexpr Duration kRefresh = 500ms, kAttention = 1s;
constexpr int kLinesInErrors = 40;

Result<std::unique_ptr<Machine>> make_machine(const Stage& stage, const ProgramMachine::Place& place) {
    if (stage.guests) {
        uml::GuestMachineSpec guest;
        guest.node = place.node;
        guest.port = place.port;
        guest.machine = place.machine;
        guest.seed = stage.seed;
        guest.epoch = stage.topology.epoch;
        if (!stage.folder.empty()) guest.evidence = stage.folder / place.node;
        return uml::make_guest_machine(*stage.guests, stage.network, std::move(guest));
    }
    NamespaceMachineSpec space;
    space.node = place.node;
    space.port = place.port;
    space.machine = place.machine;
    space.seed = stage.seed;
    space.epoch = stage.topology.epoch;
    return make_namespace_machine(stage.network, std::move(space));
}

}  // namespace

std::map<std::string, ProgramMachine::Packets> packets_in(const std::string& proc_net_dev) {
    std::map<std::string, ProgramMachine::Packets> packets;
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

Result<void> ProgramMachine::open() {
    if (::access(kind_.program.c_str(), X_OK) != 0)
        return fail(Fault::Unavailable,
                    fmt::format("{}: there is no {}: install {}", place_.node, kind_.program, kind_.package));
    auto machine = make_machine(stage_, place_);
    if (!machine) return pass(machine);
    machine_ = std::move(*machine);
    return stage_.folder.empty() ? Result<void>{} : put_tls_keys_library(*machine_);
}

std::string ProgramMachine::folder() const { return machine_->inside(kind_.name + "/"); }

Result<void> ProgramMachine::put(std::vector<ConfigFile> files) {
    for (auto& file : files) {
        if (auto put = write_file(share() / file.path, file.text); !put) return put;
        if (!file.secret) kept_.push_back(std::move(file));
    }
    return {};
}

std::vector<std::string> ProgramMachine::environment() const {
    std::vector<std::string> all = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC"};
    if (!stage_.folder.empty())
        for (auto& variable : tls_keys_environment(*machine_)) all.push_back(std::move(variable));
    return all;
}

void ProgramMachine::note_start(const std::string& name) {
    if (std::find(programs_.begin(), programs_.end(), name) == programs_.end()) programs_.push_back(name);
}

void ProgramMachine::note_end(const std::string& name, const Result<int>& how) {
    endings_[name] = how ? describe_exit(*how) : how.error().detail;
}

Error ProgramMachine::wrong(const std::vector<std::string>& names, Fault fault, const std::string& what) const {
    auto detail = fmt::format("{}: {}", place_.node, what);
    std::string log;
    for (const auto& name : names) log += read(name + ".log") + read(name + ".out");
    if (const auto words = last_lines(log, kLinesInErrors); !words.empty()) detail += "; its last words:\n" + words;
    return {fault, std::move(detail)};
}

ProgramMachine::Packets ProgramMachine::packets(const std::string& card) {
    looked_ = now();
    if (!refreshing_) count();
    const auto known = packets_.find(card);
    return known == packets_.end() ? Packets{} : known->second;
}

void ProgramMachine::count() {
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

Result<void> ProgramMachine::finish(const std::string& version, std::string (*open_log)(std::string)) {
    if (stage_.folder.empty()) return {};
    collect_tls_keys(*machine_, stage_.keys);
    const auto evidence = stage_.folder / place_.node;
    for (const auto& file : kept_)
        if (auto kept = write_file(evidence / file.path, file.text); !kept) return kept;
    auto about = fmt::format("program: {}\nversion: {}\n", kind_.program, version);
    for (const auto& name : programs_) {
        auto log = read(name + ".log");
        if (open_log) log = open_log(std::move(log));
        if (auto kept = write_file(evidence / (name + ".log"), log); !kept) return kept;
        const auto ending = endings_.find(name);
        about += fmt::format("{} ended: {}\n", name, ending == endings_.end() ? "not by itself" : ending->second);
    }
    return write_file(evidence / "program.txt", about);
}

}  // namespace gatelab::sim::peers
