// A remote user's VPN client on a Host, over the tunnel type that its configuration names.
//
//   Idle --connect()--> Connecting --> Connected --disconnect()--> Disconnecting --> Idle
//                           |              |
//                           +--------------+--> Failed (with the reason; connect() tries again)
//
// Dials once. Whether and when to dial again is the owner's business.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/client/config.h"
#include "impl/host/host.h"
#include "impl/tunnel/status.h"

namespace gatelab::client {

enum class State { Idle, Connecting, Connected, Disconnecting, Failed };
std::string_view name_of(State);  // "connecting"

struct Status {
    State state = State::Idle;
    // Why the last attempt or tunnel ended: "" while none has, "requested", "peer-silent",
    // "authentication-failed", ...: what the protocol's name_of(CloseReason) says, or one of our own: "timed-out",
    // "no-route", "no-socket", "no-connection", "no-such-host", "bad-profile", "no-address", "no-interface".
    std::string failure;
    std::string detail;  // one sentence for a person
    std::optional<Ipv4Address> inner_address;
    std::vector<Ipv4Address> dns;
    std::vector<Prefix> routes;  // through the tunnel
    std::optional<Instant> connected_at;
    tunnel::Status tunnel;  // of the current attempt or tunnel, and of the last one after it ended
};

class Client {
public:
    Client(Host&, Config);  // the host must outlive the client
    ~Client();              // drops a tunnel without a word to the gateway; disconnect() first to tell it
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void connect();     // without effect unless Idle or Failed
    void disconnect();  // tells the gateway; the interface and its routes go at once
    void rekey_child();
    void rekey_ike();
    void check_liveness();

    Status status() const;
    // Called after every change of state; may call the client (connect() from here dials again), must not destroy it.
    void on_change(std::function<void(State)>);
    // Call before connect(): keys are told when they come into use, and not again.
    void on_keys(tunnel::KeyObserver);

private:
    struct Body;
    std::unique_ptr<Body> body_;
};

}  // namespace gatelab::client
