// A remote user's VPN client on a Host: it dials its gateway over one tunnel after another, as its plan says.
//
//   Idle --connect()--> Connecting --> Connected --disconnect()--> Disconnecting --> Idle
//                        |      ^          |
//                        |      |          |
//     the plan is at its |      | a pause  | the tunnel is lost
//     end without tunnel v      | is over  v
//                       Waiting, when the client dials again; else Failed, with the reason (connect() tries again)
//
// Connecting is one round: every dial of the plan in turn, until one is up or a failure ends it.
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

enum class State { Idle, Connecting, Connected, Waiting, Disconnecting, Failed };
std::string_view name_of(State);  // "connecting"

// One dial.
struct Attempt {
    std::string protocol;  // "ikev2", "openvpn-udp", "openvpn-tcp", "sstp"
    Instant began{};
    std::optional<Instant> ended;  // when it was up, or given up; none while it goes on
    std::string failure;           // "" when it came up, or is not over
};

struct Status {
    State state = State::Idle;
    // Why the last round or tunnel ended: "" while none has since connect(), and while a tunnel is up. "requested",
    // "peer-silent", "authentication-failed", ...: what the protocol's name_of(CloseReason) says, or one of our own:
    // "no-common-tunnel" (an empty plan), "timed-out", "no-route", "no-socket", "no-connection", "no-such-host",
    // "bad-profile", "no-address", "no-interface".
    std::string failure;
    std::string detail;  // one sentence for a person
    // Since connect(), or since the tunnel was lost; oldest first, at most the newest kAttemptsKept.
    std::vector<Attempt> attempts;
    std::optional<Ipv4Address> inner_address;
    std::vector<Ipv4Address> dns;
    std::vector<Prefix> routes;  // through the tunnel
    std::optional<Instant> connected_at;
    tunnel::Status tunnel;  // of the current attempt or tunnel, and of the last one after it ended
};
inline constexpr std::size_t kAttemptsKept = 100;

class Client {
public:
    Client(Host&, Config);  // the host must outlive the client
    ~Client();              // drops a tunnel without a word to the gateway; disconnect() first to tell it
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void connect();     // without effect unless Idle or Failed
    void disconnect();  // tells the gateway; the interface and its routes go at once; ends waiting, too
    void rekey_child();
    void rekey_ike();
    void check_liveness();

    Status status() const;
    // Called after every change of state; may call the client (connect() from here dials again), must not destroy it.
    void on_change(std::function<void(State)>);
    // Call before connect(): keys are told when they come into use, and not again.
    void on_keys(const tunnel::KeyObserver&);

private:
    struct Body;
    std::unique_ptr<Body> body_;
};

}  // namespace gatelab::client
