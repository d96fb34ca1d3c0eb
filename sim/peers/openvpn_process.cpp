#include "sim/peers/openvpn_process.h"

#include <chrono>
#include <csignal>
#include <utility>

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;

constexpr Duration kKnockInterval = 5ms;
constexpr Duration kGraceToEnd = 3s;  // an exit notification takes a second or two

}  // namespace

OpenVpnProcess::OpenVpnProcess(Network& network, Machine& machine, Options options)
    : network_(network), machine_(machine), options_(std::move(options)) {
    program_ = machine_.run(options_.program, [this](Result<int> how) {
        knocking_.reset();
        killing_.reset();
        const auto ended = options_.ended;  // it may destroy us
        ended(std::move(how));
    });
    knock();
}

OpenVpnProcess::~OpenVpnProcess() { *alive_ = false; }

void OpenVpnProcess::knock() {
    stream_ = machine_.connect(options_.management);
    stream_->set_callbacks({.connected =
                                [this] {
                                    answers_ = true;
                                    unsent_ = greeting() + unsent_;
                                    flush();
                                },
                            .received =
                                [this, alive = alive_](ByteView bytes) {
                                    for (auto& output : management_.handle_bytes(bytes)) {
                                        options_.told(std::move(output));
                                        if (!*alive) return;
                                    }
                                },
                            .writable = [this] { flush(); },
                            .closed =
                                [this](const std::string&) {
                                    // Not there yet; or it has ended, which will be told.
                                    if (!answers_)
                                        knocking_ =
                                            network_.call_at(network_.now() + kKnockInterval, [this] { knock(); });
                                }});
}

void OpenVpnProcess::send(const std::string& command) {
    unsent_ += command;
    flush();
}

void OpenVpnProcess::flush() {
    if (!answers_ || unsent_.empty()) return;
    const auto taken = stream_->write(as_bytes(unsent_));
    unsent_.erase(0, taken);
}

void OpenVpnProcess::end() {
    program_->signal(SIGTERM);
    killing_ = network_.call_at(network_.now() + kGraceToEnd, [this] { kill(); });
}

void OpenVpnProcess::kill() { program_->signal(SIGKILL); }

}  // namespace gatelab::sim::peers
