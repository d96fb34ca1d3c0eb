// What a client asks of the protocol that it dials with, and what that tells it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/bytes.h"
#include "impl/tunnel/status.h"

namespace gatelab::client {

// What a gateway has given to a tunnel that is up.
struct Assigned {
    Ipv4Address gateway;                 // outside the tunnel
    std::optional<Ipv4Address> address;  // ours inside it
    std::vector<Ipv4Address> dns;
    std::vector<Prefix> destinations;  // to route into it
    std::uint16_t mtu = ipsec::kTunnelMtu;
};

// The client, as its tunnel sees it. May call the tunnel, must not destroy it.
class TunnelUser {
public:
    virtual ~TunnelUser() = default;
    virtual void handle_up(const Assigned&) = 0;
    // The attempt has failed, or the tunnel is gone.
    virtual void handle_down(const std::string& reason, const std::string& detail) = 0;
    virtual void handle_packet(ByteView inner) = 0;
};

// One protocol's way to a gateway, for any number of attempts one after another.
class ClientTunnel {
public:
    virtual ~ClientTunnel() = default;
    virtual std::string protocol() const = 0;  // "ikev2", "openvpn-udp", "openvpn-tcp"
    virtual std::string gateway() const = 0;   // for events: an address, or a name
    // What comes of it is told to the user, possibly before this returns.
    virtual void dial() = 0;
    virtual void close() = 0;    // tells the gateway; handle_down() follows
    virtual void abandon() = 0;  // tells the gateway, too, and the user nothing more about this attempt

    virtual void send(ByteView inner) = 0;  // dropped when the tunnel cannot take it
    virtual void rekey_child() = 0;
    virtual void rekey_ike() = 0;
    virtual void check_liveness() = 0;

    virtual tunnel::Status status() const = 0;  // of the current attempt or tunnel, or of the last one
    virtual void on_keys(tunnel::KeyObserver) = 0;
};

}  // namespace gatelab::client
