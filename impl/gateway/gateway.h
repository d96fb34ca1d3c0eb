// A point-to-site VPN gateway on a Host, over the tunnel types that its configuration offers.
//
// Packets for the pool reach it by the host's own routing: its tunnel interface holds the pool's route. What clients
// send leaves through the same interface into the host's routing, and back into it towards another client.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/gateway/config.h"
#include "impl/gateway/tunnel_service.h"
#include "impl/host/host.h"

namespace gatelab::gateway {

// One connected user, as Azure's "Point-to-site sessions" lists them.
struct Session {
    SessionId id;
    std::string user;  // who it proved to be: "alice@example.com", "CN=alice"
    Ipv4Address inner_address;
    Instant connected_at;
    tunnel::Status tunnel;
};

class Gateway {
public:
    // Binds the public address, opens the tunnel interface and routes the pool into it. Refused for a configuration
    // that contradicts itself or a port that is taken. The host must outlive the gateway.
    static Result<std::unique_ptr<Gateway>> start(Host&, Config);
    ~Gateway();
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;

    const Config& config() const;
    std::vector<Session> sessions() const;  // those that are up, oldest first
    std::optional<Session> session(SessionId) const;
    std::optional<Session> session_of(std::string_view user) const;  // the newest of that user
    std::size_t free_addresses() const;                              // of the whole pool

    // Requests; what comes of them shows in sessions() and in the host's events. Without effect on a session that is
    // gone.
    void rekey_child(SessionId);
    void rekey_ike(SessionId);
    void check_liveness(SessionId);
    void disconnect(SessionId);
    void disconnect_all();

    // Call before the first client dials: keys are told when they come into use, and not again.
    void on_keys(const tunnel::KeyObserver&);

private:
    struct State;
    explicit Gateway(std::unique_ptr<State>);
    std::unique_ptr<State> state_;
};

}  // namespace gatelab::gateway
