#include "sim/peers/charon.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "sim/peers/files.h"

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;

constexpr Duration kKnockInterval = 5ms;
constexpr Duration kRefresh = 100ms;         // packet counters change without an event
constexpr Duration kDiallingRefresh = 20ms;  // the end of a failed attempt has none either
constexpr Duration kAttention = 1s;          // of somebody who looked
constexpr Duration kGraceToEnd = 2s;
constexpr Duration kUnexplained = 3s;  // an attempt without an SA and without a reason in the log
constexpr int kLinesInErrors = 40;
constexpr const char* kOutput = "output";

std::vector<std::string> daemon_command(const std::filesystem::path& folder, EspBy esp) {
    if (esp == EspBy::Libipsec) return {kCharonProgram};
    // charon changes the owner of a log file that it opens, which succeeds or fails by who we are. The guest must not
    // see that, so its logs are streams.
    return {
        "/bin/sh", "-c",
        fmt::format("exec {} >>{} 2>>{}", kCharonProgram, (folder / kPrivateLog).string(), (folder / kLog).string())};
}

}  // namespace

std::string last_lines(const std::string& log, int count) {
    auto from = log.size();
    while (from > 0 && (log[from - 1] != '\n' || from == log.size() || --count > 0)) --from;
    return log.substr(from);
}

Charon::Charon(Network& network, Machine& machine, Options options)
    : network_(network), machine_(machine), options_(std::move(options)) {
    deadline_ = network_.call_at(now() + options_.ready_within, [this] {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(options_.ready_within).count();
        give_up(Fault::Unavailable, state_ == State::Starting
                                        ? fmt::format("charon's control socket did not answer within {} s", seconds)
                                        : fmt::format("swanctl did not load the configuration within {} s", seconds));
    });
    launch();
}

Charon::~Charon() = default;

// --- getting ready ----------------------------------------------------------------------------------------------

void Charon::launch() {
    if (options_.esp == EspBy::Kernel && ::access(kCharonProgram, X_OK) != 0)
        return give_up(Fault::Unavailable,
                       fmt::format("there is no {}: install charon-systemd and strongswan-swanctl", kCharonProgram));
    if (options_.esp == EspBy::Libipsec && ::access(kCharonProgram, X_OK) == 0 && ::access(kLibipsecPlugin, R_OK) != 0)
        return give_up(Fault::Unavailable,
                       fmt::format("there is no {}: install libcharon-extra-plugins", kLibipsecPlugin));
    options_.files.push_back(daemon_file(
        {machine_.inside(""), machine_.socket_path(kViciSocket), options_.log_keys, options_.esp, options_.patient}));
    for (const auto& file : options_.files)
        if (auto written = write_file(machine_.folder() / file.path, file.text); !written)
            return give_up(written.error().fault, written.error().detail);
    if (auto kept = keep_configuration(); !kept) return give_up(kept.error().fault, kept.error().detail);
    daemon_ = machine_.run({daemon_command(machine_.inside(""), options_.esp),
                            daemon_environment(machine_.inside(""), options_.esp), kOutput},
                           [this](Result<int> how) { handle_end(std::move(how)); });
    knock();
}

// Until somebody listens.
void Charon::knock() {
    stream_ = machine_.connect(machine_.socket_path(kViciSocket));
    stream_->set_callbacks({.connected = [this] { greet(); },
                            .received = [this](ByteView bytes) { handle_bytes(bytes); },
                            .writable = [this] { flush(); },
                            .closed = [this](const std::string&) { handle_closed(); }});
}

void Charon::handle_closed() {
    if (state_ == State::Starting) knocking_ = network_.call_at(now() + kKnockInterval, [this] { knock(); });
    // As a rule the daemon has ended, and how will be told in a moment.
    if (state_ == State::Ready)
        knocking_ = network_.call_at(now() + kUnexplained, [this] {
            if (state_ == State::Ready) report_death("it closed its control socket");
        });
}

void Charon::greet() {
    vici_.request("version");
    for (const auto* event : {"list-sa", "ike-updown", "ike-rekey", "child-updown", "child-rekey"})
        vici_.subscribe(event);
    flush();
}

void Charon::load() {
    state_ = State::Loading;
    swanctl_ = machine_.run(
        {{kSwanctlProgram, "--load-all", "--noprompt", "--uri", "unix://" + machine_.socket_path(kViciSocket)},
         daemon_environment(machine_.inside(""), options_.esp),
         kOutput},
        [this](Result<int> how) { handle_loaded(std::move(how)); });
}

void Charon::handle_loaded(Result<int> how) {
    if (state_ != State::Loading) return;
    if (!how && how.error().fault == Fault::NotFound)
        return give_up(Fault::Unavailable, fmt::format("there is no {}: install strongswan-swanctl", kSwanctlProgram));
    if (!how) return give_up(how.error().fault, how.error().detail);
    if (*how != 0) return give_up(Fault::Refused, "strongSwan does not take the configuration: " + describe_exit(*how));
    state_ = State::Ready;
    deadline_.reset();
}

void Charon::handle_end(Result<int> how) {
    if (how) wait_status_ = *how;
    const auto what = how ? describe_exit(*how) : how.error().detail;
    switch (state_) {
        case State::Starting:
        case State::Loading:
            if (how) return give_up(Fault::Unavailable, "charon ended before it was ready: " + what);
            if (how.error().fault != Fault::NotFound) return give_up(how.error().fault, what);
            return give_up(Fault::Unavailable, fmt::format("there is no {}: install charon-systemd and "
                                                           "strongswan-swanctl",
                                                           kCharonProgram));
        case State::Ready: return report_death(what);
        case State::Ending: state_ = State::Ended; return;
        case State::Failed:
        case State::Died:
        case State::Ended: return;
    }
}

void Charon::give_up(Fault fault, const std::string& what) {
    if (state_ != State::Starting && state_ != State::Loading) return;
    state_ = State::Failed;
    error_ = wrong(fault, what);
    deadline_.reset();
    knocking_.reset();
}

void Charon::report_death(const std::string& how) {
    state_ = State::Died;
    error_ = wrong(Fault::Io, "charon has died: " + how);
    const auto before = report_;
    report_.sas.clear();
    report_.died = "charon has died: " + how;
    report_.failure = "program-died";
    refreshing_.reset();
    options_.reported(before);
}

Error Charon::wrong(Fault fault, const std::string& what) const {
    auto detail = fmt::format("{}: {}", options_.name, what);
    if (const auto words = last_lines(log() + read_file(machine_.folder() / kOutput), kLinesInErrors); !words.empty())
        detail += "; its last words:\n" + words;
    return {fault, std::move(detail)};
}

// --- orders -----------------------------------------------------------------------------------------------------

// A timeout of -1: charon answers at once and goes on by itself.
void Charon::initiate(const char* connection) {
    attempt_ = Attempt{connection, now(), size_of(machine_.folder() / kLog)};
    ++report_.attempts;
    report_.failure.clear();
    report_.detail.clear();
    ViciSection what;
    what.set("child", kChildName).set("ike", connection).set("timeout", "-1");
    order("initiate", std::move(what));
}

void Charon::terminate(const char* connection) {
    ViciSection what;
    order("terminate", std::move(what.set("ike", connection).set("timeout", "-1")));
}

void Charon::terminate(std::uint32_t sa) {
    ViciSection what;
    order("terminate", std::move(what.set("ike-id", std::to_string(sa)).set("timeout", "-1")));
}

void Charon::rekey_ike(std::uint32_t sa) {
    ViciSection what;
    order("rekey", std::move(what.set("ike-id", std::to_string(sa))));
}

void Charon::rekey_child(std::uint32_t child) {
    ViciSection what;
    order("rekey", std::move(what.set("child-id", std::to_string(child))));
}

void Charon::order(std::string command, ViciSection arguments) {
    if (state_ != State::Ready) return;
    vici_.request(std::move(command), std::move(arguments));
    flush();
    look_for_changes();
}

void Charon::stop() {
    deadline_.reset();
    knocking_.reset();
    refreshing_.reset();
    if (state_ == State::Ending || stopped()) return;
    state_ = State::Ending;
    daemon_->signal(SIGTERM);
    killing_ = network_.call_at(now() + kGraceToEnd, [this] { daemon_->signal(SIGKILL); });
}

bool Charon::stopped() const { return state_ == State::Failed || state_ == State::Died || state_ == State::Ended; }

// --- the control socket -----------------------------------------------------------------------------------------

void Charon::flush() {
    append(unsent_, vici_.take_bytes());
    const auto taken = stream_->write(unsent_);
    unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(taken));
}

void Charon::handle_bytes(ByteView bytes) {
    if (const auto sound = vici_.handle_bytes(bytes); !sound) {
        give_up(sound.error().fault, sound.error().detail);
        if (state_ == State::Ready) report_death(sound.error().detail);
        return;
    }
    bool changed = false;
    while (auto output = vici_.next_output()) {
        if (auto* answer = std::get_if<ViciSession::Answer>(&*output)) {
            handle_answer(std::move(*answer));
        } else {
            const auto& news = std::get<ViciSession::News>(*output);
            histories_.note(news.event, news.message);
            changed = true;
        }
    }
    if (changed) look_for_changes();
    if (state_ == State::Starting && !version_.empty() && !vici_.busy()) load();
    flush();
}

void Charon::handle_answer(ViciSession::Answer answer) {
    if (answer.command == "version") {
        version_ = answer.message.text("daemon") + " " + answer.message.text("version");
    } else if (answer.command == "list-sas") {
        handle_list(answer.parts);
    } else if (answer.message.text("success") != "yes") {
        // Not an error of ours: there may be nothing to terminate or rekey any more.
        report_.detail = answer.command + ": " + answer.message.text("errmsg");
    }
}

// --- reports ----------------------------------------------------------------------------------------------------

void Charon::look() {
    looked_ = now();
    if (!refreshing_) ask_report();  // nobody has looked for a while: what we know is old
}

void Charon::look_for_changes() {
    if (listing_)
        list_again_ = true;  // what is under way may be older than the change
    else
        ask_report();
}

void Charon::ask_report() {
    if (state_ != State::Ready || std::exchange(listing_, true)) return;
    refreshing_.reset();
    vici_.request("list-sas", {}, "list-sa");
    flush();
}

void Charon::handle_list(const std::vector<ViciSection>& parts) {
    listing_ = false;
    if (state_ != State::Ready) return;
    const auto before = report_;
    report_.sas.clear();
    for (const auto& message : parts)
        for (auto& sa : reported_sas(message)) {
            histories_.add_to(sa);
            spis_[sa.id] = {sa.spi_i, sa.spi_r};
            report_.sas.push_back(std::move(sa));
        }
    report_.dns = nameservers_in(read_file(machine_.folder() / kResolvConf));
    judge_attempt();
    options_.reported(before);
    if (std::exchange(list_again_, false)) return ask_report();
    schedule_refresh();
}

void Charon::schedule_refresh() {
    if (state_ != State::Ready) return;
    const bool looked_at = looked_ && now() - *looked_ <= kAttention;
    if (!attempt_ && !looked_at) return;
    refreshing_ = network_.call_at(now() + (attempt_ ? kDiallingRefresh : kRefresh), [this] { ask_report(); });
}

void Charon::judge_attempt() {
    if (!attempt_) return;
    const auto is_ours = [&](const ReportedSa& sa) { return sa.connection == attempt_->connection; };
    const bool up = std::any_of(report_.sas.begin(), report_.sas.end(),
                                [&](const auto& sa) { return is_ours(sa) && sa.tunnel.up; });
    // Without a child, charon keeps an IKE SA that carries nothing.
    const bool under_way = std::any_of(report_.sas.begin(), report_.sas.end(),
                                       [&](const auto& sa) { return is_ours(sa) && !sa.established; });
    if (up) return attempt_.reset();
    if (under_way) return;
    const auto reason = reason_in(log(attempt_->log_from));
    if (!reason && now() - attempt_->since < kUnexplained) return;
    report_.failure = reason ? reason->name : "failed";
    report_.detail = reason ? reason->line : "charon gave no reason";
    attempt_.reset();
}

// --- evidence ---------------------------------------------------------------------------------------------------

std::string Charon::log(std::size_t from) const { return read_file(machine_.folder() / kLog, from); }
LoggedKeys Charon::keys() const { return keys_in(read_file(machine_.folder() / kPrivateLog), spis_); }

Result<void> Charon::keep_configuration() const {
    if (options_.evidence.empty()) return {};
    for (const auto& file : options_.files)
        if (!file.secret)
            if (auto kept = write_file(options_.evidence / file.path, file.text); !kept) return kept;
    return {};
}

Result<void> Charon::keep_outcome() const {
    if (options_.evidence.empty()) return {};
    if (auto kept = write_file(options_.evidence / kLog, log()); !kept) return kept;
    return write_file(options_.evidence / "program.txt",
                      fmt::format("program: {}\nversion: {}\nended: {}\n", kCharonProgram, version_,
                                  wait_status_ ? describe_exit(*wait_status_) : "not by itself"));
}

}  // namespace gatelab::sim::peers
