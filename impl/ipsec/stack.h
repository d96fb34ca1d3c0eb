// IKEv2 and ESP wired to a Host: what a gateway and a client have in common.
//
// Owns UDP ports 500 and 4500 and IP protocol 50 of one local address, the IKEv2 engine with its timer, and the child
// SAs. Inner packets come from and go to the owner, who has the tunnel interface and the routes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "impl/host/host.h"
#include "impl/ipsec/tunnel.h"

namespace gatelab::ipsec {

class Stack {
public:
    // Refused or Io when a socket cannot be had. `responders` are the connections that peers may open; events of the
    // engine go to the host as component "ikev2", ours as "ipsec". Host and owner must outlive the Stack.
    static Result<std::unique_ptr<Stack>> open(Host&, Ipv4Address local, std::vector<ikev2::Connection> responders,
                                               TunnelOwner&);
    ~Stack();
    Stack(const Stack&) = delete;
    Stack& operator=(const Stack&) = delete;

    TunnelId initiate(ikev2::Connection, Ipv4Address remote);
    void grant(TunnelId, ikev2::Configuration, esp::TrafficSelectors local);
    void refuse(TunnelId, ikev2::CloseReason);

    // Requests on a tunnel; without effect when it is gone.
    void create_child(TunnelId, esp::TrafficSelectors local, esp::TrafficSelectors remote);
    void rekey_child(TunnelId);  // the newest
    void rekey_ike(TunnelId);
    void delete_child(TunnelId);  // the newest
    void check_liveness(TunnelId);
    void close(TunnelId);  // with a Delete; handle_down() follows

    // Seals an inner packet and sends it. False when it was dropped: no child SA for it (TunnelStatus::traffic counts).
    bool send(TunnelId, ByteView inner);

    std::optional<TunnelStatus> status(TunnelId) const;
    Ipv4Address local() const;
    // Packets that belonged to no tunnel: unknown SPI, or too short for one.
    std::uint64_t strays() const;
    void on_keys(KeyObserver);

private:
    struct State;
    explicit Stack(std::unique_ptr<State>);
    std::unique_ptr<State> state_;
};

}  // namespace gatelab::ipsec
