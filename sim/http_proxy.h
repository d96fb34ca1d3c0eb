// An HTTP proxy as a program on a machine: it opens TCP connections for others by CONNECT (RFC 9110 section 9.3.6), and
// does nothing else.
//
//   a connection: reads heads --CONNECT that may pass--> dials --connected, 200--> relays --either end closes--> closed
//                 --anything else: an answer (400, 403, 405, 407, 431, 502, 504); all but a 407 close
//
// What a stranger can make it hold is bounded: connections in number, each one's head in size and time, and what waits
// for an end that reads slowly. Then the other end is not read from; on a host that cannot wait with reading, both ends
// are cut once too much waits. A host has no half-closed connections: once one end has closed, what it sent goes out
// and the other end is closed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "impl/host/host.h"
#include "impl/http/connect.h"

namespace gatelab::sim {

struct HttpProxyOptions {
    Endpoint local;
    std::vector<http::Credentials> users = {};      // with any, Basic authentication is asked for (RFC 7617)
    std::vector<std::uint16_t> allowed_ports{443};  // that it connects to
    std::function<Result<Ipv4Address>(const std::string& name)> resolve = {};  // dotted addresses need none

    // At once; of those, half may be strangers without a tunnel, the oldest of whom makes room.
    std::size_t connections = 1000;
    Duration head_within = std::chrono::seconds(30);  // of the connection, until a CONNECT that may pass; or it is cut
    std::size_t largest_head = 16 * 1024;             // octets
    Duration dial_within = std::chrono::seconds(20);  // until the target has accepted
    std::size_t queue = 128 * 1024;                   // octets that wait for one end, from which the other one waits
};

class HttpProxy {
public:
    struct Counters {
        std::uint64_t opened = 0, refused = 0;         // tunnels; requests that got another answer than 200
        std::uint64_t to_targets = 0, to_clients = 0;  // octets relayed
        std::uint64_t tunnels = 0;                     // open now
    };

    // Refused when the port is taken. The host outlives the proxy. Events of component "http-proxy": "tunnel-opened",
    // "refused" with status and why, "tunnel-closed" with the octets relayed, "dropped" for who got no answer.
    static Result<std::unique_ptr<HttpProxy>> start(Host&, HttpProxyOptions);
    virtual ~HttpProxy() = default;
    virtual Counters counters() const = 0;
};

}  // namespace gatelab::sim
