#include "sim/peers/sstp_client.h"

#include <signal.h>

#include <algorithm>
#include <utility>

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;

constexpr Duration kReadyWithin = 8s;
constexpr Duration kAttentive = 10ms, kIdle = 100ms;  // how often the logs are looked at
constexpr Duration kAttention = 10s;                  // so long after the last news
constexpr Duration kGraceToHangUp = 4s;               // PPP asks twice, three seconds apart
constexpr Duration kGraceToEnd = 1s;
constexpr Duration kLongestFarewell = 7s;
constexpr Duration kRedialAfter = 5s;
constexpr const char* kProtocol = "sstp";

}  // namespace

SstpClient::SstpClient(std::unique_ptr<SstpMachine> machine, Options options)
    : machine_(std::move(machine)), options_(options) {
    deadline_ = machine_->network().call_at(machine_->now() + kReadyWithin, [this] {
        if (state_ == State::Preparing)
            fail_with({Fault::Unavailable, machine_->node() + ": sstp-client was not ready in time"});
    });
    machine_->prepare([this](Result<void> how) { handle_prepared(std::move(how)); });
}

SstpClient::~SstpClient() {
    if (!finished_) (void)machine_->finish();
}

void SstpClient::handle_prepared(Result<void> how) {
    if (state_ != State::Preparing) return;
    deadline_.reset();
    if (!how) return fail_with({how.error().fault, machine_->node() + ": " + how.error().detail});
    prepared_ = true;
    state_ = State::Idle;
    if (wanted_) dial();
}

void SstpClient::fail_with(Error error) {
    state_ = State::Failed;
    error_ = std::move(error);
}

Result<bool> SstpClient::ready() const {
    if (state_ == State::Failed) return tl::unexpected<Error>(error_);
    if (const auto health = machine_->health(); !health) return pass(health);
    return prepared_;
}

// --- orders -----------------------------------------------------------------------------------------------------

void SstpClient::connect() {
    wanted_ = true;
    if (state_ == State::Up || state_ == State::Dialling) return;
    tunnel_.failure.clear();
    tunnel_.attempts.clear();
    asked_again_ = state_ == State::Ending;
    if (state_ == State::Idle) dial();
}

void SstpClient::dial() {
    redialling_.reset();
    const auto attempts = std::move(tunnel_.attempts);
    tunnel_ = {};
    tunnel_.attempts = attempts;
    tunnel_.attempts.push_back({kProtocol, machine_->now(), {}, {}});
    tunnel_.protocol = kProtocol;
    tunnel_.outer_peer = machine_->settings().server;
    log_ = {};
    sstpc_read_ = machine_->size(SstpMachine::kSstpLog);
    ppp_read_ = machine_->size(SstpMachine::kPppLog);
    last_news_ = machine_->now();
    state_ = State::Dialling;
    if (options_.give_up_after)
        giving_up_ = machine_->network().call_at(machine_->now() + *options_.give_up_after, [this] { give_up(); });
    call_ = machine_->dial([this](Result<int> how) { handle_end(std::move(how)); });
    poll();
}

void SstpClient::give_up() {
    if (state_ != State::Dialling) return;
    note_down("timed-out", "");
    hang_up();
}

void SstpClient::disconnect() {
    wanted_ = asked_again_ = false;
    redialling_.reset();
    if (state_ != State::Up && state_ != State::Dialling) return;
    note_down("requested", "");
    hang_up();
}

void SstpClient::hang_up() {
    state_ = State::Ending;
    giving_up_.reset();
    machine_->hang_up(*call_);
    killing_ = machine_->network().call_at(machine_->now() + kGraceToHangUp, [this] {
        call_->signal(SIGTERM);
        killing_ = machine_->network().call_at(machine_->now() + kGraceToEnd, [this] { call_->signal(SIGKILL); });
    });
}

void SstpClient::leave() {
    if (std::exchange(left_, true)) return;
    wanted_ = false;
    redialling_.reset();
    if (!call_ || state_ == State::Idle || state_ == State::Failed) return;
    // Without goodbyes: the network has been cut, and nobody would answer.
    state_ = State::Ending;
    call_->signal(SIGINT);
    killing_ = machine_->network().call_at(machine_->now() + kGraceToEnd, [this] { call_->signal(SIGKILL); });
}

Result<void> SstpClient::finish() {
    if (std::exchange(finished_, true)) return {};
    leave();
    machine_->network().run_until([this] { return state_ != State::Ending; }, machine_->now() + kLongestFarewell);
    auto kept = machine_->finish();
    if (state_ == State::Failed) return tl::unexpected<Error>(error_);
    if (state_ == State::Ending) return fail(Fault::Io, machine_->node() + ": sstpc cannot be ended");
    return kept;
}

// --- what the programs tell -------------------------------------------------------------------------------------

void SstpClient::poll() {
    polling_.reset();
    follow_logs();
    if (!call_) return;
    const auto pause = machine_->now() - last_news_ < kAttention ? kAttentive : kIdle;
    polling_ = machine_->network().call_at(machine_->now() + pause, [this] { poll(); });
}

void SstpClient::follow_logs() {
    const auto read = [this](const char* file, std::size_t& done) {
        if (machine_->size(file) <= done) return std::string{};
        auto text = machine_->read(file, done);
        done += text.size();
        last_news_ = machine_->now();
        return text;
    };
    // What PPP has to say of an end says more than sstpc's last words.
    log_.read_ppp(read(SstpMachine::kPppLog, ppp_read_));
    log_.read_sstpc(read(SstpMachine::kSstpLog, sstpc_read_));
    judge();
}

void SstpClient::judge() {
    if (state_ == State::Dialling && log_.failure().empty() && log_.up()) note_up();
    if (state_ == State::Up && !log_.failure().empty()) {
        note_down(log_.failure(), log_.detail());
        hang_up();  // in case that it takes its time
    }
}

void SstpClient::note_up() {
    state_ = State::Up;
    giving_up_.reset();
    tunnel_.up = true;
    before_ = packets_in(machine_->read(kCardsBefore))[kPppCard];
    tunnel_.failure.clear();
    tunnel_.peer = machine_->settings().server_name;
    tunnel_.inner_address = log_.address();
    tunnel_.dns = log_.dns();
    tunnel_.routes = machine_->settings().routes;
    tunnel_.authentication = log_.authentication();
    tunnel_.attempts.back().ended = machine_->now();
    machine_->emit({"tunnel-up",
                    {{"peer", tunnel_.peer},
                     {"inner-address", to_string(tunnel_.inner_address)},
                     {"authentication", tunnel_.authentication}}});
}

void SstpClient::note_down(const std::string& reason, const std::string& detail) {
    const bool was_up = std::exchange(tunnel_.up, false);
    tunnel_.inner_address = {};
    tunnel_.failure = reason;
    if (was_up) return machine_->emit({"tunnel-down", {{"peer", tunnel_.peer}, {"reason", reason}}});
    tunnel_.attempts.back().ended = machine_->now();
    tunnel_.attempts.back().failure = reason;
    if (reason != "requested") machine_->emit({"connect-failed", {{"reason", reason}, {"detail", detail}}});
}

void SstpClient::handle_end(Result<int> how) {
    follow_logs();
    polling_.reset();
    giving_up_.reset();
    killing_.reset();
    const auto what = how ? describe_exit(*how) : how.error().detail;
    if (left_) {
        state_ = State::Idle;
        return;
    }
    if (state_ == State::Up || state_ == State::Dialling) {
        const auto& reason = log_.failure();
        note_down(reason.empty() ? "program-died" : reason, reason.empty() ? what : log_.detail());
    }
    if (!how) return fail_with(machine_->wrong(how.error().fault, "sstp-client is no more: " + what));
    state_ = State::Idle;
    if (std::exchange(asked_again_, false)) return dial();
    if (!wanted_) return;
    const bool again = options_.reconnects && tunnel_.failure != "authentication-failed";
    wanted_ = again;
    if (again)
        redialling_ = machine_->network().call_at(machine_->now() + kRedialAfter, [this] {
            const auto failure = tunnel_.failure;
            dial();
            tunnel_.failure = failure;  // still why the last one ended
        });
}

// --- reports ----------------------------------------------------------------------------------------------------

TunnelStatus SstpClient::status() const {
    if (tunnel_.up) {
        const auto packets = machine_->packets(kPppCard);
        tunnel_.packets_in = packets.in - std::min(packets.in, before_.in);
        tunnel_.packets_out = packets.out - std::min(packets.out, before_.out);
    }
    return tunnel_;
}

std::optional<Ipv4Address> SstpClient::inner_address() const {
    return tunnel_.up ? std::optional{tunnel_.inner_address} : std::nullopt;
}

}  // namespace gatelab::sim::peers
