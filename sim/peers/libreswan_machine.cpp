#include "sim/peers/libreswan_machine.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "sim/peers/files.h"
#include "sim/peers/libreswan_package.h"
#include "sim/peers/uml/guest_machine.h"

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr Duration kReadyWithin = 8s;
constexpr Duration kAttentive = 10ms, kIdle = 100ms;  // how often the log is looked at
constexpr Duration kAttention = 10s;                  // so long after the last news
constexpr Duration kCountEvery = 500ms, kCountWhileLooked = 1s;
constexpr Duration kGraceToEnd = 2s, kLongestFarewell = 4s;
constexpr const char* kComponent = "libreswan";
constexpr const char* kPlutoLog = "pluto.log";
constexpr const char* kCounters = "kernel-esp.txt";
constexpr const char* kLibexec = "/usr/libexec/ipsec/";

std::string last_lines(const std::string& text, int count) {
    std::size_t from = text.size();
    for (int i = 0; i <= count; ++i) {
        const auto end = from == 0 ? std::string::npos : text.rfind('\n', from - 1);
        if (end == std::string::npos) return text;
        from = end;
    }
    return text.substr(from + 1);
}

// A guest has folders of its own in these places.
bool is_hidden(const fs::path& root) {
    const auto text = root.string();
    return text.starts_with("/tmp/") || text.starts_with("/run/") || text.starts_with("/dev/");
}

}  // namespace

Result<std::unique_ptr<LibreswanMachine>> LibreswanMachine::start(const Stage& stage, Options options) {
    if (!stage.guests)
        return fail(Fault::Unavailable, options.node +
                                            ": libreswan takes part in virtual time only "
                                            "(--real-peers=virtual)");
    const auto package = find_libreswan();
    if (!package) return fail(package.error().fault, options.node + ": " + package.error().detail);
    if (is_hidden(package->root))
        return fail(Fault::Unavailable, fmt::format("{}: guests do not see {}: keep libreswan elsewhere", options.node,
                                                    package->root.string()));
    std::unique_ptr<LibreswanMachine> self{new LibreswanMachine{stage, std::move(options)}};
    self->version_ = package->version;
    uml::GuestMachineSpec guest;
    guest.node = self->options_.node;
    guest.port = self->options_.port;
    guest.machine = self->options_.machine;
    guest.seed = stage.seed;
    guest.epoch = stage.topology.epoch;
    if (!stage.folder.empty()) guest.evidence = stage.folder / self->options_.node;
    auto machine = uml::make_guest_machine(*stage.guests, stage.network, std::move(guest));
    if (!machine) return pass(machine);
    self->machine_ = std::move(*machine);
    std::error_code error;
    if (!package->root.empty()) fs::create_symlink(package->root, self->machine_->folder() / "program", error);
    if (error) return fail(Fault::Io, fmt::format("{}: {}", self->options_.node, error.message()));
    auto files = self->options_.files({self->machine_->inside("libreswan"), self->machine_->inside("program")});
    if (!files) return fail(files.error().fault, self->options_.node + ": " + files.error().detail);
    self->files_ = std::move(*files);
    if (auto put = self->put_files(); !put) return pass(put);
    self->prepare();
    return self;
}

LibreswanMachine::~LibreswanMachine() {
    if (!finished_) (void)keep_evidence();
}

Result<void> LibreswanMachine::put_files() {
    for (const auto& file : files_)
        if (auto put = write_file(machine_->folder() / "libreswan" / file.path, file.text); !put) return put;
    return {};
}

std::vector<std::string> LibreswanMachine::environment() const {
    return {"PATH=/run/libreswan/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/run", "LC_ALL=C",
            "LD_LIBRARY_PATH=/run/libreswan/usr/lib/x86_64-linux-gnu"};
}

void LibreswanMachine::prepare() {
    deadline_ = stage_.network.call_at(now() + kReadyWithin, [this] {
        if (state_ != State::Ready) fail_with(Fault::Unavailable, "libreswan was not ready in time");
    });
    preparing_ = machine_->run(
        {{"/bin/sh", machine_->inside("libreswan/prepare")}, environment(), "prepare.log"}, [this](Result<int> how) {
            if (state_ != State::Preparing) return;
            if (!how) return fail_with(how.error().fault, how.error().detail);
            if (*how == 0) return launch();
            fail_with(Fault::Unavailable,
                      "libreswan cannot be set up: " + last_lines(read_file(machine_->folder() / "prepare.log"), 4));
        });
}

void LibreswanMachine::launch() {
    state_ = State::Starting;
    const auto at = [&](const char* file) { return machine_->inside(std::string{"libreswan/"} + file); };
    // One thread does it all. It does not dial again by itself when the peer has hung up: that it would is its
    // default's business, and here the topology says when somebody connects.
    ProgramSpec pluto{{std::string{kLibexec} + "pluto", "--nofork", "--stderrlog", "--config", at("ipsec.conf"),
                       "--rundir", "/run/pluto", "--nssdir", "/run/nss", "--secretsfile", at("ipsec.secrets"),
                       "--ipsecdir", "/run/ipsec.d", "--no-dnssec", "--nhelpers", "0", "--impair", "revival"},
                      environment(),
                      kPlutoLog};
    pluto_ = machine_->run(pluto, [this](Result<int> how) {
        if (how) wait_status_ = *how;
        follow_log();
        if (state_ == State::Ending) {
            state_ = State::Ended;
            killing_ = {};
        } else if (state_ != State::Failed) {
            const auto what = "pluto has died: " + (how ? describe_exit(*how) : how.error().detail);
            stage_.network.emit(options_.node, kComponent, {"program-died", {{"detail", what}}});
            fail_with(how ? Fault::Unavailable : how.error().fault, what);
        }
    });
    last_news_ = now();
    poll();
}

void LibreswanMachine::poll() {
    follow_log();
    if (state_ == State::Starting && log_.ready()) {
        if (!log_.refused().empty())
            return fail_with(Fault::Refused, "libreswan does not take the configuration: " + log_.refused().front());
        state_ = State::Ready;
        deadline_ = {};
    }
    const bool looked = looked_ && now() - *looked_ <= kCountWhileLooked;
    if (count_again_ || (looked && !associations_.empty() && (!counted_ || now() - *counted_ >= kCountEvery))) count();
    if (state_ == State::Failed || state_ == State::Ended) return;
    polling_ =
        stage_.network.call_at(now() + (now() - last_news_ < kAttention ? kAttentive : kIdle), [this] { poll(); });
}

void LibreswanMachine::follow_log() {
    const auto path = machine_->folder() / kPlutoLog;
    if (size_of(path) <= log_read_) return;
    const auto text = read_file(path, log_read_);
    log_read_ += text.size();
    last_news_ = now();
    const auto before = log_.tunnels();
    log_.read(text);
    emit_changes(before);
    note_associations();
}

void LibreswanMachine::emit_changes(const std::map<std::string, LibreswanLog::Tunnel>& before) {
    const auto emit = [&](Trace trace) { stage_.network.emit(options_.node, kComponent, std::move(trace)); };
    for (const auto& [connection, tunnel] : log_.tunnels()) {
        const auto& status = tunnel.status;
        const auto peer = options_.peer_of(connection);
        const auto known = before.find(connection);
        if (known == before.end()) {
            emit({"tunnel-up",
                  {{"peer", peer},
                   {"inner-address", to_string(status.inner_address)},
                   {"ike", status.ike_suite},
                   {"child", status.child_suite}}});
            continue;
        }
        if (status.ike_rekeys > known->second.status.ike_rekeys)
            emit({"ike-rekeyed", {{"peer", peer}, {"ike", status.ike_suite}}});
        if (status.child_rekeys > known->second.status.child_rekeys)
            emit({"child-rekeyed", {{"peer", peer}, {"child", status.child_suite}}});
    }
    for (const auto& [connection, tunnel] : before)
        if (!log_.tunnels().contains(connection)) emit({"tunnel-down", {{"peer", options_.peer_of(connection)}}});
    if (const auto* outcome = log_.outcome(kLibreswanConnection);
        outcome && !before.contains(kLibreswanConnection) && outcome->line != failed_before_) {
        failed_before_ = outcome->line;
        emit({"connect-failed", {{"reason", outcome->reason}, {"detail", outcome->line}}});
    }
}

void LibreswanMachine::note_associations() {
    std::erase_if(associations_, [&](const auto& one) { return !log_.tunnels().contains(one.second.connection); });
    bool grown = false;
    for (const auto& [connection, tunnel] : log_.tunnels()) {
        const auto& status = tunnel.status;
        grown |= associations_.try_emplace(status.inbound_spi, Association{connection, true, {}}).second;
        grown |= associations_.try_emplace(status.outbound_spi, Association{connection, false, {}}).second;
    }
    if (grown) count_again_ = true;  // for the keys
}

// --- counters ---------------------------------------------------------------------------------------------------

void LibreswanMachine::count() {
    if (counting_ || state_ != State::Ready) return;
    count_again_ = false;
    counted_ = now();
    const auto file = machine_->inside(kCounters);
    counting_ = machine_->run(
        {{"/bin/sh", "-c", "ip -s xfrm state > " + file + "; cat /proc/net/xfrm_stat >> " + file}, environment(), ""},
        [this](Result<int> how) {
            counting_.reset();
            if (how) note_counters(read_file(machine_->folder() / kCounters));
            if (!count_again_) asked_ = false;
        });
}

void LibreswanMachine::note_counters(std::string_view text) {
    const auto report = kernel_report_in(text);
    for (const auto& [spi, counters] : report.by_spi)
        if (const auto known = associations_.find(spi); known != associations_.end()) known->second.counters = counters;
    outside_ = report.outside_selectors;
    for (const auto& keys : report.keys) stage_.keys.add(keys);
}

TunnelStatus LibreswanMachine::status_of(const LibreswanLog::Tunnel& tunnel) {
    looked_ = now();
    auto status = tunnel.status;
    status.protocol = "ikev2";
    status.peer = options_.peer_of(tunnel.connection);
    for (const auto& [spi, association] : associations_) {
        if (association.connection != tunnel.connection) continue;
        (association.inbound ? status.packets_in : status.packets_out) += association.counters.packets;
        status.replayed += association.counters.replayed;
        status.unauthentic += association.counters.unauthentic;
    }
    status.outside_selectors = outside_;
    return status;
}

void LibreswanMachine::ask() {
    if (state_ != State::Ready) return;
    asked_ = true;
    count_again_ = counting_ != nullptr;
    if (!counting_) count();
}

// --- orders and the end -----------------------------------------------------------------------------------------

void LibreswanMachine::order(std::vector<std::string> arguments) {
    if (state_ != State::Ready) return;
    arguments.insert(arguments.begin(), std::string{kLibexec} + "whack");
    const auto number = next_order_++;
    last_news_ = now();
    orders_[number] = machine_->run({std::move(arguments), environment(), "whack.log"},
                                    [this, number](Result<int>) { orders_.erase(number); });
    if (polling_) polling_ = stage_.network.call_at(now() + kAttentive, [this] { poll(); });
}

void LibreswanMachine::dial() {
    follow_log();
    log_.forget_outcome(kLibreswanConnection);
    failed_before_.clear();
    order({"--initiate", "--name", kLibreswanConnection, "--asynchronous"});
}

Result<bool> LibreswanMachine::ready() const {
    if (state_ == State::Failed) return tl::unexpected<Error>(error_);
    if (const auto health = machine_->health(); !health) return pass(health);
    return state_ == State::Ready;
}

void LibreswanMachine::fail_with(Fault fault, const std::string& what) {
    const auto log = last_lines(read_file(machine_->folder() / kPlutoLog), 6);
    error_ = {fault, options_.node + ": " + what + (log.empty() ? "" : "; its log ends\n" + log)};
    state_ = State::Failed;
    deadline_ = {};
}

void LibreswanMachine::leave() {
    if (std::exchange(left_, true)) return;
    if (state_ != State::Ready) return stop();
    const auto file = machine_->inside(kCounters);
    // Without keys: this is evidence.
    describing_ = machine_->run({{"/bin/sh", "-c",
                                  "(ip -s xfrm state | grep -v ' 0x[0-9a-f]* (.* bits)'; ip xfrm policy; "
                                  "cat /proc/net/xfrm_stat) > " +
                                      file},
                                 environment(),
                                 ""},
                                [this](Result<int> how) {
                                    if (how) esp_at_the_end_ = read_file(machine_->folder() / kCounters);
                                    order({"--shutdown"});
                                    stop();
                                });
}

void LibreswanMachine::stop() {
    if (!pluto_ || state_ == State::Failed || wait_status_) {
        if (state_ != State::Failed) state_ = State::Ended;
        return;
    }
    state_ = State::Ending;
    killing_ = stage_.network.call_at(now() + kGraceToEnd, [this] { pluto_->signal(SIGKILL); });
}

Result<void> LibreswanMachine::finish() {
    if (finished_) return {};
    finished_ = true;
    leave();
    auto& network = stage_.network;
    network.run_until([this] { return state_ == State::Ended || state_ == State::Failed; }, now() + kLongestFarewell);
    auto kept = keep_evidence();
    if (state_ == State::Failed) return tl::unexpected<Error>(error_);
    if (state_ != State::Ended) return fail(Fault::Io, options_.node + ": pluto cannot be ended");
    return kept;
}

Result<void> LibreswanMachine::keep_evidence() const {
    if (stage_.folder.empty() || !machine_) return {};
    const auto evidence = stage_.folder / options_.node;
    for (const auto& file : files_)
        if (!file.secret)
            if (auto kept = write_file(evidence / file.path, file.text); !kept) return kept;
    for (const auto* name : {kPlutoLog, "prepare.log", "whack.log"})
        if (auto kept = write_file(evidence / name, read_file(machine_->folder() / name)); !kept) return kept;
    if (!esp_at_the_end_.empty())
        if (auto kept = write_file(evidence / "xfrm-state.txt", esp_at_the_end_); !kept) return kept;
    return write_file(evidence / "program.txt",
                      fmt::format("program: pluto\nversion: Libreswan {}\nended: {}\n", version_,
                                  wait_status_ ? describe_exit(*wait_status_) : "not while it was watched"));
}

}  // namespace gatelab::sim::peers
