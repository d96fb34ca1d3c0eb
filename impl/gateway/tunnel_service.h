// What a gateway asks of each protocol that it serves tunnels over, and what those tell it.
//
// A service owns its sockets and its protocol's state; the gateway owns the sessions, the address pool and the tunnel
// interface. A peer that has proved who it is asks admit() for a session; from then on both speak of it by its id.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "impl/base/strong.h"
#include "impl/gateway/config.h"
#include "impl/host/host.h"
#include "impl/tunnel/status.h"

namespace gatelab::gateway {

using SessionId =
    Strong<struct SessionIdTag, std::uint64_t>;  // ascending with time over all services, never used again

class TunnelService {
public:
    virtual ~TunnelService() = default;
    virtual TunnelType type() const = 0;

    // Sends an inner packet; it is dropped when the tunnel cannot take it.
    virtual void send(SessionId, ByteView inner) = 0;
    // Requests on a session; without effect when it is gone.
    virtual void close(SessionId) = 0;  // tells the client; SessionKeeper::handle_down() follows
    virtual void rekey_child(SessionId) = 0;
    virtual void rekey_ike(SessionId) = 0;
    virtual void check_liveness(SessionId) = 0;

    virtual tunnel::Status status(SessionId) const = 0;
    virtual void on_keys(tunnel::KeyObserver) = 0;
};

// The gateway, as its services see it. Calls come one at a time; they may call the service, and do not destroy it.
class SessionKeeper {
public:
    virtual ~SessionKeeper() = default;

    struct Admitted {
        SessionId session;
        Ipv4Address address;  // of the client in the tunnel
    };
    // A peer proved who it is. Refused, with the reason for the peer: no address is left, or the session limit is
    // reached. What is admitted must come to handle_down() in the end.
    virtual Result<Admitted> admit(TunnelService&, const std::string& user) = 0;
    // A service refused an authenticated peer by itself.
    virtual void note_refusal(const std::string& user, const std::string& why) = 0;
    virtual void handle_up(SessionId) = 0;  // packets flow
    // status() still knows the session during the call.
    virtual void handle_down(SessionId, const std::string& reason, const std::string& detail) = 0;
    virtual void handle_packet(SessionId, ByteView inner) = 0;  // authentic, fresh, and from the client's own address
};

}  // namespace gatelab::gateway
