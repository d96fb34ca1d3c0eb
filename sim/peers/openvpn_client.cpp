#include "sim/peers/openvpn_client.h"

#include <charconv>
#include <utility>

#include "sim/peers/openvpn_config.h"

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;

constexpr Duration kReadyWithin = 8s;
constexpr Duration kLongestFarewell = 5s;
constexpr const char* kName = "client";
constexpr const char* kCard = "tun0";

}  // namespace

OpenVpnClient::OpenVpnClient(std::unique_ptr<OpenVpnMachine> machine, Options options)
    : machine_(std::move(machine)), options_(std::move(options)) {
    deadline_ = machine_->network().call_at(machine_->now() + kReadyWithin, [this] {
        if (was_held_ || state_ == State::Failed) return;
        state_ = State::Failed;
        error_ = machine_->wrong(kName, Fault::Unavailable, "openvpn was not ready in time");
    });
    launch();
}

OpenVpnClient::~OpenVpnClient() {
    if (!finished_) (void)machine_->finish();
}

void OpenVpnClient::launch() {
    state_ = State::Starting;
    process_ = machine_->run(
        kName,
        openvpn_client_arguments(
            {machine_->folder() + kOpenVpnProfile, machine_->management_of(kName), machine_->log_of(kName)}),
        [this](auto output) { handle(std::move(output)); }, [this](Result<int> how) { handle_end(std::move(how)); });
}

Result<bool> OpenVpnClient::ready() const {
    if (state_ == State::Failed) return tl::unexpected<Error>(error_);
    if (const auto health = machine_->health(); !health) return pass(health);
    return was_held_;
}

// --- orders -----------------------------------------------------------------------------------------------------

void OpenVpnClient::connect() {
    wanted_ = true;
    if (state_ == State::Up) return;
    tunnel_.failure.clear();
    if (state_ == State::Held) dial();
}

void OpenVpnClient::dial() {
    redialling_.reset();
    tunnel_ = {};
    tunnel_.protocol = options_.protocol;
    newest_failure_.clear();
    keys_ = 0;
    state_ = State::Dialling;
    process_->send(release_hold());
}

void OpenVpnClient::disconnect() {
    wanted_ = false;
    redialling_.reset();
    if (state_ != State::Up && state_ != State::Dialling) return;
    note_down("requested", "");
    state_ = State::Ending;
    process_->send(end_program());
}

void OpenVpnClient::leave() {
    if (std::exchange(left_, true)) return;
    wanted_ = false;
    redialling_.reset();
    if (!ended_) process_->end();
}

Result<void> OpenVpnClient::finish() {
    if (std::exchange(finished_, true)) return {};
    leave();
    machine_->network().run_until([this] { return ended_; }, machine_->now() + kLongestFarewell);
    auto kept = machine_->finish();
    if (state_ == State::Failed) return tl::unexpected<Error>(error_);
    if (!ended_) return fail(Fault::Io, machine_->node() + ": openvpn cannot be ended");
    return kept;
}

// --- what the program tells -------------------------------------------------------------------------------------

void OpenVpnClient::handle(OpenVpnManagement::Output output) {
    if (const auto* hold = std::get_if<OpenVpnManagement::Hold>(&output)) handle(*hold);
    if (const auto* state = std::get_if<OpenVpnManagement::State>(&output)) handle(*state);
    if (const auto* log = std::get_if<OpenVpnManagement::Log>(&output)) handle(*log);
    if (const auto* remote = std::get_if<OpenVpnManagement::Remote>(&output)) handle(*remote);
}

void OpenVpnClient::handle(const OpenVpnManagement::Hold& hold) {
    if (left_ || state_ == State::Ending) return;
    was_held_ = true;
    state_ = State::Held;
    if (!wanted_) return;
    redialling_ = machine_->network().call_at(machine_->now() + hold.before_retry, [this] {
        const auto failure = tunnel_.failure;
        dial();
        tunnel_.failure = failure;  // still why the last one ended
    });
}

void OpenVpnClient::handle(const OpenVpnManagement::State& state) {
    if (left_ || state_ == State::Ending) return;  // what was up when the run ended stays so in its report
    if (state.name == "CONNECTED" && state_ == State::Dialling) return note_up();
    if (state.name != "RECONNECTING" && state.name != "EXITING") return;
    if (state.name == "EXITING") wanted_ = false;  // it has given up
    if (state_ != State::Up && state_ != State::Dialling) return;
    note_down(failure_of(state.reason, newest_failure_), state.reason);
    state_ = state.name == "RECONNECTING" ? State::Starting : State::Ending;
}

void OpenVpnClient::handle(const OpenVpnManagement::Remote& remote) {
    unsigned port = 0;
    std::from_chars(remote.port.data(), remote.port.data() + remote.port.size(), port);
    tunnel_.outer_peer = {options_.gateway, static_cast<std::uint16_t>(port)};
    process_->send(accept_remote(to_string(options_.gateway), remote.port));
}

void OpenVpnClient::handle(const OpenVpnManagement::Log& log) {
    const auto fact = fact_in(log.text);
    if (!fact) return;
    if (const auto* tls = std::get_if<LoggedTls>(&*fact)) tunnel_.tls_suite = tls->suite;
    if (const auto* failure = std::get_if<LoggedFailure>(&*fact); failure && newest_failure_.empty())
        newest_failure_ = failure->reason;
    if (const auto* drop = std::get_if<LoggedDrop>(&*fact)) ++(drop->replayed ? tunnel_.replayed : tunnel_.unauthentic);
    if (const auto* push = std::get_if<LoggedPush>(&*fact)) {
        if (!push_continues_) {
            tunnel_.inner_address = {};
            tunnel_.routes.clear();
            tunnel_.dns.clear();
        }
        push_continues_ = push->more_follows;
        if (push->address != Ipv4Address{}) tunnel_.inner_address = push->address;
        tunnel_.routes.insert(tunnel_.routes.end(), push->routes.begin(), push->routes.end());
        tunnel_.dns.insert(tunnel_.dns.end(), push->dns.begin(), push->dns.end());
    }
    if (const auto* cipher = std::get_if<LoggedCipher>(&*fact)) {
        tunnel_.data_cipher = cipher->name;
        tunnel_.ike_rekeys = tunnel_.child_rekeys = keys_++;
        if (keys_ > 1 && state_ == State::Up)
            machine_->emit({"renegotiated", {{"peer", tunnel_.peer}, {"tls", tunnel_.tls_suite}}});
    }
}

void OpenVpnClient::note_up() {
    state_ = State::Up;
    tunnel_.up = true;
    tunnel_.failure.clear();
    tunnel_.peer = options_.server;
    newest_failure_.clear();
    machine_->emit({"tunnel-up",
                    {{"peer", tunnel_.peer},
                     {"inner-address", to_string(tunnel_.inner_address)},
                     {"tls", tunnel_.tls_suite},
                     {"cipher", tunnel_.data_cipher}}});
}

void OpenVpnClient::note_down(const std::string& reason, const std::string& detail) {
    const bool was_up = std::exchange(tunnel_.up, false);
    tunnel_.inner_address = {};
    tunnel_.failure = reason;
    if (was_up)
        machine_->emit({"tunnel-down", {{"peer", tunnel_.peer}, {"reason", reason}}});
    else if (reason != "requested")
        machine_->emit({"connect-failed", {{"reason", reason}, {"detail", detail}}});
}

void OpenVpnClient::handle_end(Result<int> how) {
    ended_ = true;
    const auto what = how ? describe_exit(*how) : how.error().detail;
    if (left_) return;
    if (!was_held_) {
        state_ = State::Failed;
        error_ = machine_->wrong(kName, how ? Fault::Unavailable : how.error().fault,
                                 "openvpn ended before it was ready: " + what);
        return;
    }
    if (state_ == State::Up || state_ == State::Dialling) note_down("program-died", what);
    if (!how) {
        state_ = State::Failed;
        error_ = machine_->wrong(kName, how.error().fault, "openvpn is no more: " + what);
        return;
    }
    ended_ = false;
    launch();
}

// --- reports ----------------------------------------------------------------------------------------------------

TunnelStatus OpenVpnClient::status() const {
    if (tunnel_.up) {
        const auto packets = machine_->packets(kCard);
        tunnel_.packets_in = packets.in;
        tunnel_.packets_out = packets.out;
    }
    return tunnel_;
}

std::optional<Ipv4Address> OpenVpnClient::inner_address() const {
    return tunnel_.up ? std::optional{tunnel_.inner_address} : std::nullopt;
}

}  // namespace gatelab::sim::peers
