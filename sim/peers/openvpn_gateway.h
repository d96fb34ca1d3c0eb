// OpenVPN as a gateway: a program for each port, and whoever has come in.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/peers/openvpn_config.h"
#include "sim/peers/openvpn_log.h"
#include "sim/peers/openvpn_machine.h"
#include "sim/players.h"

namespace gatelab::sim::peers {

class OpenVpnGateway final : public GatewayPlayer {
public:
    struct Options {
        std::vector<OpenVpnDoor> doors;
        tls::Policy tls;
        std::vector<topologies::User> users;  // with any, nobody else comes in
        std::vector<Prefix> networks;         // that it pushes
    };
    OpenVpnGateway(std::unique_ptr<OpenVpnMachine>, Options);
    ~OpenVpnGateway() override;

    std::vector<std::string> sessions() const override;
    TunnelEnd* session(const std::string& user) override;
    bool restart() override;
    Result<bool> ready() const override;
    Host* stack() override { return &machine_->stack(); }
    std::string program() const override { return machine_->version(); }
    void ask() override { machine_->count(); }
    bool told() const override { return machine_->counted(); }
    void leave() override;
    Result<void> finish() override;

private:
    // One client of a program, from the moment that it asks to be let in.
    struct Session {
        std::string client;  // the program's number for it
        std::string user;
        std::uint64_t order = 0;  // of arrival
        int keys = 0;
        TunnelStatus tunnel;
    };
    struct Port {
        OpenVpnDoor door;
        std::string card;
        std::unique_ptr<OpenVpnProcess> process;
        bool ready = false, ended = false;
        std::map<std::string, Session> sessions;     // by the program's number
        bool had_one = false, only_one_ever = true;  // session, since the program's start
    };
    class End;

    void launch(Port&);
    void handle(Port&, OpenVpnManagement::Output);
    void handle(Port&, const OpenVpnManagement::Client&);
    void handle(Port&, const OpenVpnManagement::Log&);
    void handle_end(Port&, Result<int> how);
    void judge(Port&, const OpenVpnManagement::Client&);
    void expect(Port&, const OpenVpnManagement::Client&);
    void note_up(Port&, const OpenVpnManagement::Client&);
    void note_down(const Session&, const std::string& reason);
    void forget_sessions(Port&, const std::string& reason);
    bool ended() const;
    // The newest of a user's; nullptr, nullptr when there is none.
    std::pair<Port*, Session*> find(const std::string& user);
    TunnelStatus status_of(Port&, const Session&);

    const std::unique_ptr<OpenVpnMachine> machine_;
    const Options options_;
    std::vector<Port> ports_;  // never grows after the constructor
    std::map<std::string, std::unique_ptr<End>> ends_;
    std::optional<Error> error_;
    bool left_ = false, finished_ = false, restarting_ = false;
    std::uint64_t arrivals_ = 0;
    Timer deadline_;
};

}  // namespace gatelab::sim::peers
