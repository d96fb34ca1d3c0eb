// The machine that an implementation runs on.
//
// The same gateway and client code runs in a simulation (ns-3), in a simulation that keeps real time beside real
// programs, and on a live machine: only the Host differs. All calls and callbacks happen on one thread, and a callback
// never runs inside the call that caused it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "impl/base/address.h"
#include "impl/base/bytes.h"
#include "impl/base/events.h"
#include "impl/base/random.h"
#include "impl/base/result.h"
#include "impl/base/time.h"

namespace gatelab {

// A pending call. Destroying it cancels the call; so does the call having run.
class TimerHandle {
public:
    virtual ~TimerHandle() = default;
};
using Timer = std::unique_ptr<TimerHandle>;

// A bound UDP socket; closes when destroyed.
class UdpSocket {
public:
    using Receiver = std::function<void(Endpoint remote, ByteView payload)>;
    virtual ~UdpSocket() = default;
    virtual Endpoint local() const = 0;
    // Io when the host has no route; a datagram lost on the way is not an error.
    virtual Result<void> send(Endpoint remote, ByteView payload) = 0;
    virtual void on_datagram(Receiver) = 0;
};

// A TCP connection; aborts when destroyed.
class TcpStream {
public:
    struct Callbacks {
        std::function<void()> connected;          // only for streams that we opened
        std::function<void(ByteView)> received;   // bytes in order
        std::function<void()> writable;           // after write() took less than it was given
        std::function<void(std::string)> closed;  // "" after an orderly close, else why; the last callback
    };
    virtual ~TcpStream() = default;
    virtual Endpoint local() const = 0;
    virtual Endpoint remote() const = 0;
    virtual std::size_t write(ByteView) = 0;  // how many bytes were taken
    virtual void close() = 0;                 // after what was written has gone out
    // Whether to go on reading. While not, received() and an orderly closed() wait, and so does the peer, by TCP's
    // window, for whose size the host holds what has come. No effect on a host that cannot wait.
    virtual void set_reading(bool) {}
    virtual std::uint64_t retransmissions() const { return 0; }  // segments sent again, where the host can tell
    virtual void set_callbacks(Callbacks) = 0;
};

// Accepts TCP connections; stops when destroyed.
class TcpListener {
public:
    using Acceptor = std::function<void(std::unique_ptr<TcpStream>)>;
    virtual ~TcpListener() = default;
    virtual void on_accept(Acceptor) = 0;
};

// One IP protocol without ports, such as ESP; closes when destroyed.
class RawIp {
public:
    using Receiver = std::function<void(Ipv4Address remote, ByteView payload)>;  // payload without the IP header
    virtual ~RawIp() = default;
    virtual Result<void> send(Ipv4Address remote, ByteView payload) = 0;
    virtual void on_packet(Receiver) = 0;
};

struct TunConfig {
    std::string name;     // unique on the host: "p2s0"
    Ipv4Address address;  // the host's own address on it
    std::uint16_t mtu = 1400;
};

// A layer-3 tunnel interface: whole IPv4 packets go in and out. Goes down when destroyed, and its routes with it.
class TunDevice {
public:
    using Receiver = std::function<void(ByteView packet)>;
    virtual ~TunDevice() = default;
    virtual const TunConfig& config() const = 0;
    virtual void write(ByteView packet) = 0;  // as if the packet had arrived on the interface
    virtual void on_packet(Receiver) = 0;     // a packet that the host routed into the interface
};

struct Route {
    Prefix destination;
    std::string interface;  // name of the interface
    Ipv4Address via;        // next hop; unspecified when on link
};

// The host's IPv4 routes; the longest prefix wins, of equal prefixes the newest.
class RouteTable {
public:
    virtual ~RouteTable() = default;
    virtual Result<void> add(const Route&) = 0;  // NotFound for an interface that is not there
    virtual void remove(const Route&) = 0;       // no effect when it is not there
    virtual Result<Route> lookup(Ipv4Address) const = 0;
    virtual Result<Ipv4Address> source_for(Ipv4Address destination) const = 0;  // our address towards it
};

class Host {
public:
    virtual ~Host() = default;
    virtual Instant now() const = 0;
    // Runs `call` at `at`, or as soon as possible when that has passed.
    [[nodiscard]] virtual Timer call_at(Instant at, std::function<void()> call) = 0;
    virtual Random& random() = 0;

    // Port 0 picks a free one; an unspecified address listens on all. Refused when the port is taken.
    virtual Result<std::unique_ptr<UdpSocket>> open_udp(Endpoint local) = 0;
    virtual Result<std::unique_ptr<TcpListener>> listen_tcp(Endpoint local) = 0;
    virtual Result<std::unique_ptr<TcpStream>> connect_tcp(Endpoint remote) = 0;
    virtual Result<std::unique_ptr<RawIp>> open_raw(IpProtocol) = 0;
    virtual Result<std::unique_ptr<TunDevice>> open_tun(const TunConfig&) = 0;
    virtual RouteTable& routes() = 0;

    // Records something worth telling, with the host's name and time added.
    virtual void emit(std::string_view component, Trace) = 0;
};

}  // namespace gatelab
