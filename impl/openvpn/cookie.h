// Session ids of a server that remembers nothing: an HMAC over what the client's first packet showed.
#pragma once

#include "impl/base/address.h"
#include "impl/base/random.h"
#include "impl/base/time.h"
#include "impl/crypto/algorithms.h"
#include "impl/openvpn/packet.h"

namespace gatelab::openvpn {

class SessionCookies {
public:
    // `window`: how long a handshake may take; zero stands for a minute. A cookie holds for half of it at least, and
    // for all of it at most.
    SessionCookies(Random&, Duration window);

    SessionId make(Instant now, const Endpoint& client, const SessionId& client_session);
    bool holds(Instant now, const SessionId& cookie, const Endpoint& client, const SessionId& client_session);

private:
    SessionId make_for(std::int64_t slot, const Endpoint& client, const SessionId& client_session);
    std::int64_t slot_of(Instant now) const { return now.time_since_epoch() / slot_; }

    crypto::Hmac mac_;
    Duration slot_;
};

}  // namespace gatelab::openvpn
