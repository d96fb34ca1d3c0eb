// sstp-client as a client.
//
//   Preparing  the machine is settled
//   Idle
//   Dialling   a call has begun; it ends when its programs do
//   Up
//   Ending     told to end
//   Failed     it cannot be used
//
// A call that ends by itself is dialled again only where the topology says so (`reconnects`): sstpc would not.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sim/peers/sstp_client_log.h"
#include "sim/peers/sstp_machine.h"
#include "sim/players.h"

namespace gatelab::sim::peers {

class SstpClient final : public ClientPlayer {
public:
    struct Options {
        bool reconnects = false;
        std::optional<Duration> give_up_after;  // of an attempt
    };
    SstpClient(std::unique_ptr<SstpMachine>, Options);
    ~SstpClient() override;

    void connect() override;
    void disconnect() override;
    void rekey_child() override {}  // nothing to renew: SSTP's keys are TLS's
    void rekey_ike() override {}
    void check_liveness() override {}  // nothing can ask sstpc to; its own echo is after a minute of silence
    TunnelStatus status() const override;
    std::optional<Ipv4Address> inner_address() const override;
    Result<bool> ready() const override;
    Host* stack() override { return &machine_->stack(); }
    std::string program() const override { return machine_->version(); }
    void ask() override { machine_->count(); }
    bool told() const override { return machine_->counted(); }
    void leave() override;
    Result<void> finish() override;

private:
    enum class State { Preparing, Idle, Dialling, Up, Ending, Failed };

    void handle_prepared(Result<void> how);
    void dial();
    void poll();
    void follow_logs();
    void judge();  // what the logs say of the call
    void give_up();
    void hang_up();
    void note_up();
    void note_down(const std::string& reason, const std::string& detail);
    void handle_end(Result<int> how);
    void fail_with(Error error);

    const std::unique_ptr<SstpMachine> machine_;
    const Options options_;
    State state_ = State::Preparing;
    Error error_;
    bool wanted_ = false, asked_again_ = false, prepared_ = false, left_ = false, finished_ = false;
    mutable TunnelStatus tunnel_;
    SstpClientLog log_;
    ProgramMachine::Packets before_;             // that its card had counted before the tunnel was up
    std::size_t sstpc_read_ = 0, ppp_read_ = 0;  // octets of the logs that are done with
    Duration last_news_{};
    Timer deadline_, polling_, giving_up_, killing_, redialling_;
    std::unique_ptr<Program> call_;  // last: it tells nothing once it is gone
};

}  // namespace gatelab::sim::peers
