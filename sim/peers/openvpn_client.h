// OpenVPN as a client.
//
//   Starting  the program runs, and waits at its management socket
//   Held      it waits for our word to dial
//   Dialling
//   Up
//   Ending    told to end; it is started anew, to wait for the next call
//   Failed    it did not get as far as Held
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sim/peers/openvpn_log.h"
#include "sim/peers/openvpn_machine.h"
#include "sim/players.h"

namespace gatelab::sim::peers {

class OpenVpnClient final : public ClientPlayer {
public:
    struct Options {
        std::string protocol;  // "openvpn-udp"
        std::string server;    // its identification
        Ipv4Address gateway;   // where its name leads
    };
    OpenVpnClient(std::unique_ptr<OpenVpnMachine>, Options);
    ~OpenVpnClient() override;

    void connect() override;
    void disconnect() override;
    void rekey_child() override {}
    void rekey_ike() override {}
    void check_liveness() override {}
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
    enum class State { Starting, Held, Dialling, Up, Ending, Failed };

    void launch();
    void handle(OpenVpnManagement::Output);
    void handle(const OpenVpnManagement::Hold&);
    void handle(const OpenVpnManagement::State&);
    void handle(const OpenVpnManagement::Remote&);
    void handle(const OpenVpnManagement::Log&);
    void handle_end(Result<int> how);
    void dial();
    void note_up();
    void note_down(const std::string& reason, const std::string& detail);

    const std::unique_ptr<OpenVpnMachine> machine_;
    const Options options_;
    State state_ = State::Starting;
    Error error_{};
    std::unique_ptr<OpenVpnProcess> process_;
    bool was_held_ = false, wanted_ = false, left_ = false, ended_ = false, finished_ = false;
    Timer redialling_, deadline_;

    bool push_continues_ = false;  // the last PUSH_REPLY was not all
    mutable TunnelStatus tunnel_;  // the newest, up or not
    std::string newest_failure_;   // logged since it began to dial
    int keys_ = 0;                 // of the data channel, since then
};

}  // namespace gatelab::sim::peers
