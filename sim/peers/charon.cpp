#include "sim/peers/charon.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr auto kProbeInterval = 5ms;
constexpr Duration kAnswerLimit = 5s;
constexpr auto kIdleRefresh = 100ms;     // packet counters change without an event
constexpr auto kDiallingRefresh = 20ms;  // the end of a failed attempt has none either
constexpr auto kGraceToEnd = 2s;
constexpr auto kUnexplained = 3s;  // an attempt without an SA and without a reason in the log
constexpr int kLinesInErrors = 40;

std::string read_file(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream{path, std::ios::binary}.rdbuf();
    return std::move(text).str();
}

Result<void> write_file(const fs::path& path, const std::string& text) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    std::ofstream file{path, std::ios::binary};
    if (!(file << text) || !file.flush()) return fail(Fault::Io, path.string() + " cannot be written");
    return {};
}

}  // namespace

std::string last_lines(const std::string& log, int count) {
    auto from = log.size();
    while (from > 0 && (log[from - 1] != '\n' || from == log.size() || --count > 0)) --from;
    return log.substr(from);
}

Charon::Charon(Warden& warden, MachineId machine, Options options)
    : warden_(warden),
      machine_(machine),
      options_(std::move(options)),
      folder_(warden.scratch() / fmt::format("machine-{}", machine)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Charon::~Charon() { (void)stop(); }

Result<std::unique_ptr<Charon>> Charon::start(Warden& warden, MachineId machine, Options options) {
    std::unique_ptr<Charon> charon{new Charon{warden, machine, std::move(options)}};
    if (auto done = charon->launch(); !done) return pass(done);
    if (auto done = charon->await_ready(); !done) return pass(done);
    if (auto done = charon->load(); !done) return pass(done);
    charon->thread_ = std::thread{[self = charon.get()] { self->attend(); }};
    return charon;
}

tl::unexpected<Error> Charon::wrong(Fault fault, const std::string& what) const {
    auto detail = fmt::format("{}: {}", options_.name, what);
    if (const auto words = last_lines(log() + read_file(folder_ / "output"), kLinesInErrors); !words.empty())
        detail += "; its last words:\n" + words;
    return fail(fault, detail);
}

Result<void> Charon::launch() {
    if (::access(kCharonProgram, X_OK) == 0 && ::access(kLibipsecPlugin, R_OK) != 0)
        return fail(Fault::Unavailable,
                    fmt::format("{}: there is no {}: install libcharon-extra-plugins", options_.name, kLibipsecPlugin));
    options_.files.push_back(daemon_file({folder_, options_.log_keys}));
    for (const auto& file : options_.files)
        if (auto written = write_file(folder_ / file.path, file.text); !written) return written;
    if (auto kept = keep_configuration(); !kept) return kept;
    const auto environment = [&] {
        return std::vector<std::string>{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                                        "STRONGSWAN_CONF=" + (folder_ / "strongswan.conf").string(),
                                        "SWANCTL_DIR=" + folder_.string()};
    };
    const auto started = warden_.run(machine_, {{kCharonProgram}, environment(), folder_ / "output"});
    if (started) {
        daemon_ = *started;
        return {};
    }
    if (started.error().fault != Fault::NotFound) return pass(started);
    return fail(Fault::Unavailable, fmt::format("{}: there is no {}: install charon-systemd and strongswan-swanctl",
                                                options_.name, kCharonProgram));
}

Result<void> Charon::await_ready() {
    const auto began = Clock::now();
    for (;;) {
        if (auto opened = ViciConnection::open(folder_ / kViciSocket)) {
            const auto version = opened->request("version", {}, kAnswerLimit);
            if (!version) return wrong(version.error().fault, version.error().detail);
            version_ = version->text("daemon") + " " + version->text("version");
            vici_.emplace(std::move(*opened));
            ready_after_ = Clock::now() - began;
            break;
        }
        if (const auto status = warden_.ended(daemon_))
            return wrong(Fault::Unavailable, "charon ended before it was ready: " + describe_exit(*status));
        if (Clock::now() - began > options_.ready_within)
            return wrong(Fault::Unavailable,
                         fmt::format("charon's control socket did not answer within {} s",
                                     std::chrono::duration_cast<std::chrono::seconds>(options_.ready_within).count()));
        std::this_thread::sleep_for(kProbeInterval);
    }
    for (const auto* event : {"list-sa", "ike-updown", "ike-rekey", "child-updown", "child-rekey"})
        if (auto done = vici_->subscribe(event); !done) return wrong(done.error().fault, done.error().detail);
    return {};
}

Result<void> Charon::load() {
    const auto began = Clock::now();
    const auto uri = "unix://" + (folder_ / kViciSocket).string();
    const auto program = warden_.run(
        machine_,
        {{kSwanctlProgram, "--load-all", "--noprompt", "--uri", uri},
         {"LC_ALL=C", "STRONGSWAN_CONF=" + (folder_ / "strongswan.conf").string(), "SWANCTL_DIR=" + folder_.string()},
         folder_ / "output"});
    if (!program)
        return fail(Fault::Unavailable,
                    fmt::format("{}: there is no {}: install strongswan-swanctl", options_.name, kSwanctlProgram));
    std::optional<int> status;
    while (!(status = warden_.ended(*program))) {
        if (Clock::now() - began > options_.ready_within)
            return wrong(Fault::Unavailable, "swanctl did not end loading the configuration");
        std::this_thread::sleep_for(kProbeInterval);
    }
    if (*status != 0)
        return wrong(Fault::Refused, "strongSwan does not take the configuration: " + describe_exit(*status));
    loaded_after_ = ready_after_ + (Clock::now() - began);
    return {};
}

// --- orders -----------------------------------------------------------------------------------------------------

void Charon::order(Order one) {
    {
        const std::lock_guard lock{mutex_};
        orders_.push_back(std::move(one));
    }
    (void)::eventfd_write(wake_.get(), 1);
}

// A timeout of -1: charon answers at once and goes on by itself.
void Charon::initiate() {
    ViciSection what;
    what.set("child", kChildName).set("ike", kClientConnection).set("timeout", "-1");
    order({"initiate", std::move(what), true});
}

void Charon::terminate(std::uint32_t sa) {
    ViciSection what;
    if (sa == 0)
        what.set("ike", kClientConnection);
    else
        what.set("ike-id", std::to_string(sa));
    order({"terminate", std::move(what.set("timeout", "-1"))});
}

void Charon::rekey_ike(std::uint32_t sa) {
    ViciSection what;
    order({"rekey", std::move(what.set("ike-id", std::to_string(sa)))});
}

void Charon::rekey_child(std::uint32_t child) {
    ViciSection what;
    order({"rekey", std::move(what.set("child-id", std::to_string(child)))});
}

void Charon::carry_out(ViciConnection& vici, Order one) {
    if (one.dials) {
        attempt_ = Attempt{Clock::now(), log().size()};
        ++report_.attempts;
        report_.failure.clear();
        report_.detail.clear();
    }
    const auto answer = vici.request(one.command, one.arguments, kAnswerLimit);
    if (answer && answer->text("success") == "yes") return;
    // Not an error of ours: there may be nothing to terminate or rekey any more.
    report_.detail = one.command + ": " + (answer ? answer->text("errmsg") : answer.error().detail);
}

// --- the daemon's thread ----------------------------------------------------------------------------------------

void Charon::attend() {
    while (!stopping_) {
        pollfd waits[] = {{vici_->descriptor(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
        ::poll(waits, 2, static_cast<int>((attempt_ ? kDiallingRefresh : kIdleRefresh).count()));
        eventfd_t count = 0;
        (void)::eventfd_read(wake_.get(), &count);
        std::deque<Order> orders;
        {
            const std::lock_guard lock{mutex_};
            orders.swap(orders_);
        }
        for (auto& one : orders) carry_out(*vici_, std::move(one));
        if (stopping_) return;
        if (!refresh()) {
            const auto status = warden_.ended(daemon_);
            report_.sas.clear();
            report_.died = "charon has died" + (status ? ": " + describe_exit(*status) : std::string{});
            report_.failure = "program-died";
            return report();
        }
        judge_attempt();
        report();
    }
}

Result<void> Charon::refresh() {
    auto news = vici_->events();
    if (!news) return pass(news);
    for (const auto& one : *news) histories_.note(one.event, one.message);
    const auto listed = vici_->stream("list-sas", "list-sa", kAnswerLimit);
    if (!listed) return pass(listed);
    report_.sas.clear();
    for (const auto& message : *listed)
        for (auto& sa : reported_sas(message)) {
            histories_.add_to(sa);
            spis_[sa.id] = {sa.spi_i, sa.spi_r};
            report_.sas.push_back(std::move(sa));
        }
    report_.dns = nameservers_in(read_file(folder_ / kResolvConf));
    return {};
}

void Charon::judge_attempt() {
    if (!attempt_) return;
    const auto is_ours = [](const ReportedSa& sa) { return sa.connection == kClientConnection; };
    const bool up = std::any_of(report_.sas.begin(), report_.sas.end(),
                                [&](const auto& sa) { return is_ours(sa) && sa.tunnel.up; });
    // Without a child, charon keeps an IKE SA that carries nothing.
    const bool under_way = std::any_of(report_.sas.begin(), report_.sas.end(),
                                       [&](const auto& sa) { return is_ours(sa) && !sa.established; });
    if (up) return attempt_.reset();
    if (under_way) return;
    const auto reason = reason_in(std::string_view{log()}.substr(attempt_->log_from));
    if (!reason && Clock::now() - attempt_->since < kUnexplained) return;
    report_.failure = reason ? reason->name : "failed";
    report_.detail = reason ? reason->line : "charon gave no reason";
    attempt_.reset();
}

void Charon::report() {
    if (options_.listener) options_.listener(report_);
}

// --- the end ----------------------------------------------------------------------------------------------------

std::string Charon::log() const { return read_file(folder_ / kLog); }
LoggedKeys Charon::keys() const { return keys_in(read_file(folder_ / kPrivateLog), spis_); }

Result<void> Charon::stop() {
    if (stopped_) return {};
    stopped_ = stopping_ = true;
    (void)::eventfd_write(wake_.get(), 1);
    if (thread_.joinable()) thread_.join();
    if (daemon_ == 0) return {};
    warden_.signal(daemon_, SIGTERM);
    const auto began = Clock::now();
    std::optional<int> status;
    bool killed = false;
    while (!(status = warden_.ended(daemon_))) {
        if (!killed && Clock::now() - began > kGraceToEnd) {
            warden_.signal(daemon_, SIGKILL);
            killed = true;
        }
        if (Clock::now() - began > 2 * kGraceToEnd) return wrong(Fault::Io, "charon cannot be ended");
        std::this_thread::sleep_for(kProbeInterval);
    }
    return keep_outcome(*status);
}

Result<void> Charon::keep_configuration() const {
    if (options_.evidence.empty()) return {};
    for (const auto& file : options_.files)
        if (!file.secret)
            if (auto kept = write_file(options_.evidence / file.path, file.text); !kept) return kept;
    return {};
}

Result<void> Charon::keep_outcome(int wait_status) const {
    if (options_.evidence.empty()) return {};
    if (auto kept = write_file(options_.evidence / kLog, log()); !kept) return kept;
    return write_file(
        options_.evidence / "program.txt",
        fmt::format("program: {}\nversion: {}\nended: {}\n", kCharonProgram, version_, describe_exit(wait_status)));
}

}  // namespace gatelab::sim::peers
